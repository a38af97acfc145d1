"""Word what the commands tell: lists, one entry, what was generated, what an update did.

Reasons and conflicts are worded in `explain`; texts here quote them.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdp_scaffold.catalog import Catalog, Entry, Why
from cdp_scaffold.sheet import Block, Blocks, Gap, Para, Row, Rows, Sheet
from cdp_scaffold.sheet import wrapped as _wrap

if TYPE_CHECKING:
    from cdp_scaffold.render import Planned
    from cdp_scaffold.repository import Change
    from cdp_scaffold.resolver import Conflict, Resolution

SHOWN = 20
"""Files named at most; the rest is counted."""


def listing(catalog: Catalog) -> Sheet:
    """All patterns by family, one line each."""
    left = max(len(id) for id in catalog.patterns) + 2
    blocks: list[Block] = []
    for family, title in catalog.families.items():
        entries = [e for e in _patterns(catalog) if e.family == family]
        if entries:
            rows = [Row(e.id, e.summary, status=e.status) for e in entries]
            blocks += [Para(title, "section", wrap=False), Rows(rows, left), Gap()]
    ready = sum(entry.status == "ready" for entry in _patterns(catalog))
    total = len(catalog.patterns)
    if ready < total:
        told = f"{ready} of {total} patterns can be generated; those marked · are planned."
        blocks.append(Para(told))
    blocks.append(Para("`cdp show PATTERN` tells more about one.", wrap=False))
    return Sheet((blocks,), table=True)


def listing_json(catalog: Catalog) -> list[dict[str, Any]]:
    """All patterns as data; docs/commands.md documents the keys."""
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


def entry(catalog: Catalog, id: str) -> Sheet:
    """One pattern or component from all sides."""
    from cdp_scaffold.explain import trade_off

    known = catalog.entries[id]
    family = f", {catalog.families[known.family]}" if known.family else ""
    planned = "; planned, so it cannot be generated yet" if known.status == "planned" else ""
    title = f"{known.title} ({id}): {known.kind}{family}{planned}"
    blocks: list[Block] = [
        Para(title, "title", wrap=False),
        Para(known.summary, "text", "  ", "  "),
    ]
    if known.source:
        blocks.append(Para(f"Source: {known.source}", "text", "  ", "  ", wrap=False))
    blocks += _relation(catalog, "needs", known.needs)
    blocks += _relation(catalog, "needs somebody to do the job of", known.slots, slots=True)
    blocks += _relation(catalog, "excludes", catalog.rivals[id])
    blocks += _relation(catalog, "would suit it", known.suits)
    blocks += _relation(catalog, "needed by", catalog.needed_by[id])
    for slot in dict.fromkeys(slot for slot, _ in catalog.filled_by[id]):
        blocks += [Gap(), Para(f"competes for the job {slot}:", "section", wrap=False)]
        blocks += trade_off(catalog, slot, "  ")
    return Sheet((blocks,))


def entry_json(catalog: Catalog, id: str) -> dict[str, Any]:
    """One pattern or component as data; docs/commands.md documents the keys."""
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


def slot(catalog: Catalog, id: str) -> Sheet:
    """One slot: the job, who asks for it, its options and how they compare."""
    from cdp_scaffold.explain import trade_off

    known = catalog.slots[id]
    askers = {each.id: each.slots[id] for each in catalog.entries.values() if id in each.slots}
    rows = []
    for option in known.options.values():
        default = ", the default" if option.id == known.default else ""
        fills = f": {', '.join(option.fills)}" if option.fills else ": brings in nothing"
        rows.append(Row(option.id, f"{option.title}{default}", fills))
    blocks: list[Block] = [
        Para(f"{known.title} ({id}): a job with several ways to do it", "title", wrap=False),
        Gap(),
        *trade_off(catalog, id, "  "),
        Gap(),
        Para("choose one, or leave it to what the wish brings in:", "section", wrap=False),
        Rows(rows),
        *_relation(catalog, "asked for by", askers),
    ]
    return Sheet((blocks,))


def slot_json(catalog: Catalog, id: str) -> dict[str, Any]:
    """One slot as data; docs/commands.md documents the keys."""
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
    """A resolution or a conflict as data; docs/resolver.md documents the keys."""
    from cdp_scaffold.explain import conflict_data, resolution_data
    from cdp_scaffold.resolver import Conflict

    if isinstance(answer, Conflict):
        return conflict_data(catalog, answer)
    return {**resolution_data(catalog, answer), "planned": _planned(catalog, answer)}


def resolution(catalog: Catalog, answer: Resolution, *, advice: bool) -> Sheet:
    """What a wish brings in and why, and what of it cannot be generated yet."""
    from cdp_scaffold.explain import resolution_sheet

    return resolution_sheet(catalog, answer, advice, _planned(catalog, answer))


def tree(catalog: Catalog, answer: Resolution, files: Sequence[Planned]) -> Sheet:
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
    blocks: list[Block] = [Para(line, wrap=False) for line in lines]
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    blocks += [Gap(), Para(f"{count}; with --json each tells why it is there.", wrap=False)]
    missing = _planned(catalog, answer)
    if missing:
        told = f"note: planned, so their files are not among them: {', '.join(missing)}"
        blocks.append(Para(told, "note", rest="  "))
    return Sheet((blocks,))


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
    catalog: Catalog, title: str, whys: Mapping[str, Why], *, slots: bool = False
) -> Blocks:
    if not whys:
        return ()
    rows = []
    for id, why in whys.items():
        ours = f" (ours: {why.ours})" if why.ours else ""
        options = f" [{', '.join(catalog.slots[id].options)}]" if slots else ""
        rows.append(Row(id, why.text, f"{ours}{options}"))
    return Gap(), Para(f"{title}:", "section", wrap=False), Rows(rows)


def _whys(whys: Mapping[str, Why]) -> dict[str, dict[str, str]]:
    return {
        id: {"why": why.text, **({"ours": why.ours} if why.ours else {})}
        for id, why in whys.items()
    }


def _commands(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"  {command}" + (f"    # {about}" if about else "") for command, about in rows]


def columns() -> int:
    """Columns to fill: the terminal's, as far as a line stays easy to read; 80 in a pipe."""
    return min(shutil.get_terminal_size((80, 40)).columns, 110)


def table_columns() -> int:
    """Columns of a table: the terminal's; in a pipe each row is one line, for grep."""
    return max(shutil.get_terminal_size((1000, 40)).columns, 60)
