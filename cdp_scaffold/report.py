"""Word what the commands tell: lists, one entry, what was generated, what an update did.

Reasons and conflicts are worded in `explain`; texts here quote them.
"""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdp_scaffold.catalog import Catalog, Entry, Why

if TYPE_CHECKING:
    from cdp_scaffold.render import Planned
    from cdp_scaffold.repository import Change
    from cdp_scaffold.resolver import Conflict, Resolution

SHOWN = 20
"""Files named at most; the rest is counted."""


def listing(catalog: Catalog) -> str:
    """All patterns by family, one line each."""
    width = table_columns()
    left = max(len(id) for id in catalog.patterns) + 2
    lines: list[str] = []
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
        told = f"{ready} of {total} patterns can be generated; those marked · are planned."
        lines += _wrap(told, width)
    lines.append("`cdp show PATTERN` tells more about one.")
    return "\n".join(lines).lstrip("\n")


def listing_json(catalog: Catalog) -> list[dict[str, Any]]:
    """All patterns as data: each `id`, `title`, `family`, `status` and `summary`."""
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

    width = columns()
    known = catalog.entries[id]
    family = f", {catalog.families[known.family]}" if known.family else ""
    planned = "; planned, so it cannot be generated yet" if known.status == "planned" else ""
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
    """One pattern or component as data.

    `id`, `title`, `kind` (pattern or component), `family`, `status` (ready or planned), `summary`
    and `source`; `needs`, `slots`, `excludes`, `suits` and `needed_by`, each id → `why` and, where
    the book does not say it, `ours`; `fills`, a list of `slot` and `option`. A component has no
    family and no source: they are null.
    """
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


def slot(catalog: Catalog, id: str) -> str:
    """One slot: the job, who asks for it, its options and how they compare."""
    from cdp_scaffold.explain import trade_off_lines

    width = columns()
    known = catalog.slots[id]
    askers = {each.id: each.slots[id] for each in catalog.entries.values() if id in each.slots}
    lines = [f"{known.title} ({id}): a job with several ways to do it", ""]
    lines += trade_off_lines(catalog, id, width, indent=2)
    left = max(len(option) for option in known.options) + 2
    lines += ["", "choose one, or leave it to what the wish brings in:"]
    for option in known.options.values():
        default = ", the default" if option.id == known.default else ""
        fills = f": {', '.join(option.fills)}" if option.fills else ": brings in nothing"
        lines += _row(f"  {option.id:{left}}", f"{option.title}{default}{fills}", width)
    lines += _relation(catalog, "asked for by", askers, width)
    return "\n".join(lines)


def slot_json(catalog: Catalog, id: str) -> dict[str, Any]:
    """One slot as data.

    `id`, `title`, `kind` (slot), `job`, `exclusive`, `default`; `options`, each `id`, `title`,
    `fills`, `take` and `asks`; `trade_off`, each `about` and a text for every option; `asked_by`,
    id → `why` and perhaps `ours`.
    """
    known = catalog.slots[id]
    options = known.options.values()
    return {
        "id": id,
        "title": known.title,
        "kind": "slot",
        "job": known.job,
        "exclusive": known.exclusive,
        "default": known.default,
        "options": [
            {"id": o.id, "title": o.title, "fills": list(o.fills), "take": o.take, "asks": o.asks}
            for o in options
        ],
        "trade_off": [{"about": row.about, **row.of} for row in known.trade_off],
        "asked_by": _whys(
            {each.id: each.slots[id] for each in catalog.entries.values() if id in each.slots}
        ),
    }


def answer_json(catalog: Catalog, answer: Resolution | Conflict) -> dict[str, Any]:
    """A resolution or a conflict as data; `planned` lists what cannot be generated yet."""
    from cdp_scaffold.explain import conflict_data, resolution_data
    from cdp_scaffold.resolver import Conflict

    if isinstance(answer, Conflict):
        return conflict_data(catalog, answer)
    return {**resolution_data(catalog, answer), "planned": _planned(catalog, answer)}


def resolution(catalog: Catalog, answer: Resolution, *, advice: bool) -> str:
    """What a wish brings in and why, and what of it cannot be generated yet."""
    from cdp_scaffold.explain import resolution_text

    text = resolution_text(catalog, answer, advice=advice, width=columns())
    missing = _planned(catalog, answer)
    if missing:
        told = f"note: planned, so this wish cannot be generated yet: {', '.join(missing)}"
        text = "\n".join([text, "", *_wrap(told, columns(), "", "  ")])
    return text


def tree(catalog: Catalog, answer: Resolution, files: Sequence[Planned]) -> str:
    """The files a wish would give, as a tree, each with the member it belongs to."""
    above: dict[str, Any] = {}
    for file in files:
        *folders, name = file.path.split("/")
        inside = above
        for folder in folders:
            inside = inside.setdefault(f"{folder}/", {})
        inside[name] = file.member
    rows = list(_branches(above, ""))
    left = max((len(drawn) for drawn, _ in rows), default=0)
    lines = [f"{drawn:{left}}  {member}".rstrip() for drawn, member in rows]
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    lines += ["", f"{count}; with --json each tells why it is there."]
    missing = _planned(catalog, answer)
    if missing:
        told = f"note: planned, so their files are not among them: {', '.join(missing)}"
        lines += _wrap(told, columns(), "", "  ")
    return "\n".join(lines)


def tree_json(files: Sequence[Planned]) -> list[dict[str, str]]:
    """The files a wish would give as data: each `path`, `member`, and `why` it is there."""
    return [{"path": file.path, "member": file.member, "why": file.why} for file in files]


def _branches(inside: Mapping[str, Any], indent: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The lines of a tree, folders before files, and the member that each file belongs to."""
    names = sorted(inside, key=lambda name: (not name.endswith("/"), name))
    for name in names:
        last = name == names[-1]
        mark = ("└─ " if last else "├─ ") if depth else ""
        below = inside[name]
        if isinstance(below, str):
            yield f"{indent}{mark}{name}", below
            continue
        yield f"{indent}{mark}{name}", ""
        deeper = indent + (("   " if last else "│  ") if depth else "")
        yield from _branches(below, deeper, depth + 1)


def _planned(catalog: Catalog, answer: Resolution) -> list[str]:
    return [id for id in answer.members if catalog.entries[id].status == "planned"]


def generated(
    dest: Path,
    resolution: Resolution,
    answers: Mapping[str, Any],
    address: str,
    again: str = "",
) -> str:
    """What `cdp new` made, why each part is there, and what to do next.

    Args:
        dest: The new repository.
        resolution: What it was made of.
        answers: What it records.
        address: The template.
        again: After an interview, which has told the reasons: the command that needs none.
    """
    from cdp_scaffold.explain import resolution_text

    width = columns()
    count = sum(1 for each in dest.rglob("*") if not each.is_dir())
    told = {key: value for key, value in answers.items() if key != "patterns"}
    files = "1 file" if count == 1 else f"{count} files"
    lines = [*_wrap(f"Generated {dest}: {files} from {address}.", width), ""]
    if again:
        lines += ["the same without questions:", f"  {again}", ""]
    else:
        lines += [resolution_text(resolution.catalog, resolution, advice=False, width=width), ""]
    lines += _wrap(answers_text(told), width, "", "  ")
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


def answers_text(answers: Mapping[str, Any]) -> str:
    """The answers besides the wish, as `--set` takes them."""
    from cdp_scaffold.answers import written

    return "answers: " + ", ".join(f"{key}={written(value)}" for key, value in answers.items())


def updated(change: Change, notes: Sequence[str], commit: str) -> str:
    """What an update did."""
    lines = [f"note: {each}" for each in (*notes, *change.notes)]
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


def columns() -> int:
    """Columns to fill: the terminal's, as far as a line stays easy to read; 80 in a pipe."""
    return min(shutil.get_terminal_size((80, 40)).columns, 110)


def table_columns() -> int:
    """Columns of a table: the terminal's; in a pipe each row is one line, for grep."""
    return max(shutil.get_terminal_size((1000, 40)).columns, 60)
