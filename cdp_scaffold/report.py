"""Word what the commands tell: lists, one entry, what was generated, what an update did.

Reasons and conflicts are worded in `explain`; texts here quote them.
"""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdp_scaffold.catalog import Catalog, Entry, Why

if TYPE_CHECKING:
    from cdp_scaffold.repository import Change
    from cdp_scaffold.resolver import Conflict, Resolution

SHOWN = 20
"""Files named at most; the rest is counted."""


def listing(catalog: Catalog) -> str:
    """All patterns by family, one line each."""
    width = _width()
    left = max(len(id) for id in catalog.patterns) + 2
    lines = []
    for family, title in catalog.families.items():
        entries = [e for e in _patterns(catalog) if e.family == family]
        if entries:
            lines += ["", title]
        for entry in entries:
            mark = "  " if entry.status == "ready" else "· "
            lines += _row(f"{mark}{entry.id:{left}}", entry.summary, width)
    ready = sum(entry.status == "ready" for entry in _patterns(catalog))
    total = len(catalog.patterns)
    lines.append("")
    if ready < total:
        lines.append(f"{ready} of {total} patterns can be generated; those marked · are planned.")
    lines.append("`cdp show PATTERN` tells more about one.")
    return "\n".join(lines).lstrip("\n")


def listing_json(catalog: Catalog) -> list[dict[str, Any]]:
    """All patterns as data."""
    return [
        {
            "id": entry.id,
            "title": entry.title,
            "family": entry.family,
            "status": entry.status,
            "summary": entry.summary,
        }
        for entry in _patterns(catalog)
    ]


def entry(catalog: Catalog, id: str) -> str:
    """One pattern or component from all sides."""
    from cdp_scaffold.explain import trade_off_lines

    width = _width()
    known = catalog.entries[id]
    family = f", {catalog.families[known.family]}" if known.family else ""
    planned = ", planned" if known.status == "planned" else ""
    lines = [f"{known.title} ({id}): {known.kind}{family}{planned}"]
    lines += _wrap(known.summary, width, "  ")
    if known.source:
        lines += [f"  Source: {known.source}"]
    lines += _relation(catalog, "needs", known.needs, width)
    lines += _relation(catalog, "needs somebody to do the job of", known.slots, width, slots=True)
    lines += _relation(catalog, "excludes", catalog.rivals[id], width)
    lines += _relation(catalog, "would suit it", known.suits, width)
    lines += _relation(catalog, "needed by", catalog.needed_by[id], width)
    for slot in dict.fromkeys(slot for slot, _ in catalog.filled_by[id]):
        lines += ["", f"competes for the job {slot}:"]
        lines += trade_off_lines(catalog, slot, width, indent=2)
    return "\n".join(lines)


def entry_json(catalog: Catalog, id: str) -> dict[str, Any]:
    """One pattern or component as data."""
    known = catalog.entries[id]
    return {
        "id": id,
        "title": known.title,
        "kind": known.kind,
        "family": known.family,
        "status": known.status,
        "summary": known.summary,
        "source": known.source,
        "needs": _whys(known.needs),
        "slots": _whys(known.slots),
        "excludes": _whys(catalog.rivals[id]),
        "suits": _whys(known.suits),
        "needed_by": _whys(catalog.needed_by[id]),
        "fills": [{"slot": slot, "option": option} for slot, option in catalog.filled_by[id]],
    }


def answer_json(catalog: Catalog, answer: Resolution | Conflict) -> dict[str, Any]:
    """A resolution or a conflict as data."""
    from cdp_scaffold.explain import conflict_data, resolution_data
    from cdp_scaffold.resolver import Conflict

    if isinstance(answer, Conflict):
        return conflict_data(catalog, answer)
    return resolution_data(catalog, answer)


def generated(dest: Path, resolution: Resolution, answers: Mapping[str, Any], address: str) -> str:
    """What `cdp new` made, why each part is there, and what to do next."""
    from cdp_scaffold.explain import resolution_text

    width = _width()
    count = sum(1 for each in dest.rglob("*") if not each.is_dir())
    told = {key: value for key, value in answers.items() if key != "patterns"}
    lines = _wrap(
        f"Generated {dest}: {count} files from {address}.",
        width,
    )
    lines += ["", resolution_text(resolution.catalog, resolution, advice=False, width=width), ""]
    lines += _wrap("answers: " + ", ".join(f"{k}={v}" for k, v in told.items()), width, "", "  ")
    place = shlex.quote(str(dest))
    lines += ["", "next:"]
    lines += _commands(
        [
            (f"cd {place}", "README.md tells what is where and what it costs"),
            ("git init && git add --all && git commit -m 'Generate the repository'", ""),
            *(
                [("make test", "check all of it"), ("make local", "run it on a mock AWS")]
                if (dest / "Makefile").is_file()
                else []
            ),
            ("cdp add PATTERN", "change your mind; `cdp update` brings new versions"),
        ]
    )
    return "\n".join(lines) + "\n"


def updated(change: Change, notes: Sequence[str], commit: str) -> str:
    """What an update did."""
    lines = [f"note: {each}" for each in notes]
    if not change:
        return "\n".join([*lines, f"Nothing to change; the repository is at {commit}."]) + "\n"
    for word, paths in (
        ("created", change.created),
        ("changed", change.changed),
        ("deleted", change.deleted),
    ):
        lines += [f"{word:8} {path}" for path in paths[:SHOWN]]
        if len(paths) > SHOWN:
            lines.append(f"{word:8} and {len(paths) - SHOWN} more")
    lines += ["", f"The repository is at {commit}; nothing is committed yet."]
    if not change.conflicts:
        lines.append("Look at it with `git diff`, run `make test`, and commit.")
    return "\n".join(lines) + "\n"


def conflicts(paths: Sequence[str]) -> str:
    """Which files a person must finish."""
    many = "these files were" if len(paths) > 1 else "this file was"
    lines = [f"error: {many} changed by you and by the template in the same place"]
    lines += [f"  {path}" for path in paths]
    lines += ["", "hint: edit what stands between <<<<<<< and >>>>>>>, then git add and commit;"]
    lines += ["      or go back: git reset --hard && git clean -fd"]
    return "\n".join(lines) + "\n"


def would_lose(paths: Sequence[str]) -> str:
    """Which edited files would go."""
    many = (
        "these files, which you edited, belong"
        if len(paths) > 1
        else "this file, which you edited, belongs"
    )
    lines = [f"warning: {many} to nothing that stays, and would be removed or replaced"]
    return "\n".join([*lines, *(f"  {path}" for path in paths)]) + "\n"


def _patterns(catalog: Catalog) -> list[Entry]:
    return [catalog.entries[id] for id in catalog.patterns]


def _relation(
    catalog: Catalog, title: str, whys: Mapping[str, Why], width: int, *, slots: bool = False
) -> list[str]:
    if not whys:
        return []
    left = max(len(id) for id in whys) + 2
    lines = ["", f"{title}:"]
    for id, why in whys.items():
        ours = f" (ours: {why.ours})" if why.ours else ""
        options = f" [{', '.join(catalog.slots[id].options)}]" if slots else ""
        lines += _row(f"  {id:{left}}", f"{why.text}{ours}{options}", width)
    return lines


def _whys(whys: Mapping[str, Why]) -> dict[str, dict[str, str]]:
    return {
        id: {"why": why.text, **({"ours": why.ours} if why.ours else {})}
        for id, why in whys.items()
    }


def _commands(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"  {command}" + (f"    # {about}" if about else "") for command, about in rows]


def _row(left: str, text: str, width: int) -> list[str]:
    return _wrap(text, width, left, " " * len(left))


def _wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _width() -> int:
    """Columns to fill: the terminal's, as far as a line stays easy to read; 80 in a pipe."""
    return min(shutil.get_terminal_size((80, 40)).columns, 110)
