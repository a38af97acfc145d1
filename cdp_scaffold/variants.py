"""Every distinct text a template file can have, over all valid wishes.

A file reads few choices. Rendering it with a recorder tells which; the variants are then the
distinct texts over the assignments of just these choices that some valid wish allows.
A file that reads the whole resolution, or what many members contribute, gathers (README, file
guide, picture): it has as many texts as there are wishes, and is checked by its fragments instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from cdp_scaffold.catalog import Catalog, Option
from cdp_scaffold.render import Source, Template
from cdp_scaffold.resolver import Resolution, resolve

EVERYTHING = "*"
GATHERED = {"patterns", "_copier_answers"}
"""Variables that stand for the whole wish."""

MANY = 5
"""Where more members than these contribute to a file, it gathers."""

Assignment = tuple[tuple[str, str], ...]


class _Recorder(dict[str, Any]):
    """A mapping that notes which of its keys a template reads, and when it reads them all."""

    def __init__(self, data: Mapping[str, Any], reads: set[str], prefix: str) -> None:
        super().__init__(data)
        self._reads = reads
        self._prefix = prefix

    def _note(self, key: str) -> None:
        self._reads.add(self._prefix + key)

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(str(key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._note(EVERYTHING)
        return super().__iter__()

    def items(self) -> Any:
        self._note(EVERYTHING)
        return super().items()

    def keys(self) -> Any:
        self._note(EVERYTHING)
        return super().keys()

    def values(self) -> Any:
        self._note(EVERYTHING)
        return super().values()


@dataclass(frozen=True, slots=True)
class Variants:
    """The distinct texts of one template file."""

    source: Source
    gathers: bool
    """Whether the file puts together what many members contribute."""
    texts: Mapping[str, str]
    """What decides the text -> the text. One key, `always`, where nothing decides."""


def valid_resolutions(catalog: Catalog) -> tuple[Resolution, ...]:
    """Every distinct resolution of the patterns that are ready, by enumeration.

    Returns the first wish, in order of size, that leads to each set of members and slots.
    """
    ready = [e.id for e in catalog.entries.values() if e.kind == "pattern" and e.status == "ready"]
    found: dict[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], Resolution] = {}
    for size in range(1, len(ready) + 1):
        for wish in combinations(ready, size):
            for choices in _choices(catalog, wish):
                answer = resolve(catalog, wish, choices)
                if isinstance(answer, Resolution):
                    key = (tuple(answer.members), tuple(sorted(answer.slots.items())))
                    found.setdefault(key, answer)
    return tuple(found.values())


def _choices(catalog: Catalog, wish: Sequence[str]) -> Iterator[dict[str, str]]:
    offered = {
        slot.id: [
            option
            for option in slot.options.values()
            if all(catalog.entries[id].status == "ready" for id in option.fills)
        ]
        for slot in catalog.slots.values()
    }
    active = _active(catalog, wish, offered)
    for options in product(*(offered[slot] for slot in active)):
        yield {slot: option.id for slot, option in zip(active, options, strict=True)}


def _active(
    catalog: Catalog, wish: Sequence[str], offered: Mapping[str, Sequence[Option]]
) -> tuple[str, ...]:
    """The slots that some choice may make somebody ask for."""
    members, slots = set[str](), set[str]()
    todo = [*wish, *catalog.always]
    while todo:
        id = todo.pop()
        if id in members:
            continue
        members.add(id)
        todo += catalog.entries[id].needs
        for slot in catalog.entries[id].slots:
            slots.add(slot)
            todo += [filler for option in offered[slot] for filler in option.fills]
    return tuple(slot for slot in catalog.slots if slot in slots)


def variants(template: Template, source: Source, resolutions: Iterable[Resolution]) -> Variants:
    """The variants of one file over `resolutions`; those without its owner do not count."""
    if template.variables(source) & GATHERED:
        return Variants(source, True, {})
    having = [r for r in resolutions if source.member in r.members]
    reads: set[str] = set()
    while True:
        known = frozenset(reads)
        seen: dict[Assignment, str] = {}
        for resolution in having:
            key = _assignment(template, known, resolution)
            if key not in seen:
                seen[key] = template.render(
                    source, _recording(template, resolution, reads)
                ).decode()
        if "resolution.members" in reads or len(_plugged(template, reads)) > MANY:
            return Variants(source, True, {})
        if reads == known:
            return Variants(source, False, _named(template, seen))


def _recording(template: Template, resolution: Resolution, reads: set[str]) -> dict[str, Any]:
    context = template.context(resolution)
    parts = context["resolution"]
    parts["slots"] = _Recorder(parts["slots"], reads, "slot.")
    return {
        **context,
        "resolution": _Recorder(parts, reads, "resolution."),
        "plugs": _Recorder(context["plugs"], reads, "plugs."),
        "use": _Recorder(context["use"], reads, "use."),
    }


def _plugged(template: Template, reads: Iterable[str]) -> list[str]:
    """The members that contribute to a socket among what was read."""
    sockets = {name for kind, _, name in (read.partition(".") for read in reads) if kind == "plugs"}
    return [
        member
        for member, contributed in template.contributions.items()
        if EVERYTHING in sockets or not sockets.isdisjoint(contributed)
    ]


def _assignment(template: Template, reads: Iterable[str], resolution: Resolution) -> Assignment:
    told: dict[str, str] = {}
    for read in reads:
        kind, _, name = read.partition(".")
        if kind == "slot" and name in resolution.slots:
            told[name] = resolution.slots[name]
        elif kind == "use":
            told[name] = "yes" if name in resolution.members else ""
    for member in _plugged(template, reads):
        told[member] = "yes" if member in resolution.members else ""
    return tuple(sorted(told.items()))


def _named(template: Template, seen: Mapping[Assignment, str]) -> dict[str, str]:
    """Give each distinct text the shortest description of an assignment that leads to it."""
    order = {id: n for n, id in enumerate(template.catalog.entries)}
    names: dict[str, str] = {}
    for assignment, text in seen.items():
        on = sorted((k for k, v in assignment if v == "yes"), key=order.__getitem__)
        slots = [f"{k}={v}" for k, v in assignment if v not in ("yes", "")]
        name = " + ".join(on + slots) or ("always" if not assignment else "alone")
        if text not in names or (len(name), name) < (len(names[text]), names[text]):
            names[text] = name
    if len(names) == 1:
        return {"always": next(iter(names))}
    return {name: text for text, name in sorted(names.items(), key=lambda item: item[1])}
