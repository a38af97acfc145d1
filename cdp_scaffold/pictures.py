"""The relations of the catalogue as pictures: one of everything, one of each family."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Iterable, Sequence

from cdp_scaffold.catalog import Catalog, Entry, Slot
from cdp_scaffold.wiring import Box, Column, Kind, Net, Wiring
from cdp_scaffold.wiring_svg import svg

NEEDS = Kind("needs", "needs", "arrow")
ASKS = Kind("asks", "needs somebody to do this job", "arrow", dash="7 3")
DOES = Kind("does", "can do this job", "square")
EXCLUDES = Kind("excludes", "cannot be together", "cross", paint="excludes")
SUITS = Kind("suits", "would be suited by", "open", dash="1.5 3.5")
KINDS = (NEEDS, ASKS, DOES, EXCLUDES, SUITS)

LOOKS = (
    ("ready", "generates today"),
    ("planned", "planned"),
    ("slot", "a job that one of several does, the default first"),
)


def whole(catalog: Catalog) -> str:
    """Every pattern, slot and component, and every relation but advice."""
    return svg(
        whole_layout(catalog),
        "The whole pattern language",
        "Every pattern, every job with several ways to do it, and every component; "
        "lines say who needs whom, who can do which job and who excludes whom.",
        LOOKS,
    )


def family(catalog: Catalog, id: str) -> str:
    """The patterns of one family and whatever they themselves relate to."""
    title = catalog.families[id]
    return svg(
        family_layout(catalog, id),
        title,
        f"The patterns of the family {title}, what they need, which jobs they ask for or do, "
        "what excludes them and what would suit them.",
        LOOKS,
    )


def whole_layout(catalog: Catalog) -> Wiring:
    """Patterns to the left, jobs in the middle, components to the right."""
    patterns = [catalog.entries[id] for id in catalog.patterns]
    parts = [e for e in catalog.entries.values() if e.kind == "component" and not e.always]
    columns = [
        Column("Patterns", tuple(_grouped(catalog, patterns)), fixed=True, gap=4, loops=-1),
        Column("Jobs", tuple(_slot(slot) for slot in catalog.slots.values())),
        Column("Components", tuple(map(_box, parts)), row=30),
    ]
    return Wiring(columns, _nets(catalog, columns, catalog.entries, KINDS[:-1]))


def family_layout(catalog: Catalog, id: str) -> Wiring:
    """The family, to its left what is advised or excluded, to its right jobs and needs."""
    own = [entry for entry in catalog.entries.values() if entry.family == id]
    ids = {entry.id for entry in own}
    needed = {need for entry in own for need in entry.needs} - ids
    slots = {slot for entry in own for slot in entry.slots}
    slots |= {slot for entry in own for slot, _ in catalog.filled_by[entry.id]}
    others = {rival for entry in own for rival in catalog.rivals[entry.id]}
    others |= {suit for entry in own for suit in entry.suits}
    beside = (catalog.entries[id] for id in catalog.ordered(others - ids - needed))
    below = (catalog.entries[id] for id in catalog.ordered(needed))
    columns = [
        Column("Beside them", tuple(map(_box, beside))),
        Column("Patterns", tuple(map(_box, own)), fixed=True, gap=12, row=30, loops=-1),
        Column("Jobs", tuple(_slot(slot) for slot in catalog.slots.values() if slot.id in slots)),
        Column("What they need", tuple(map(_box, below)), gap=8),
    ]
    columns = [column for column in columns if column.boxes]
    return Wiring(columns, _nets(catalog, columns, ids, KINDS))


def _nets(
    catalog: Catalog, columns: Iterable[Column], about: Container[str], kinds: Sequence[Kind]
) -> list[Net]:
    """All lines between boxes that are there, as far as they belong to one of `about`."""
    there = {box.id for column in columns for box in column.boxes}
    lines: dict[tuple[Kind, str], list[str]] = {}
    for entry in catalog.entries.values():
        for kind, targets in _lines(catalog, entry):
            for target in targets:
                belongs = entry.id in about or (kind == EXCLUDES and target in about)
                if kind in kinds and belongs and {entry.id, target} <= there:
                    lines.setdefault((kind, target), []).append(entry.id)
    nets = [Net(kind, target, tuple(sources)) for (kind, target), sources in lines.items()]
    return sorted(nets, key=lambda net: kinds.index(net.kind))


def _lines(catalog: Catalog, entry: Entry) -> Iterable[tuple[Kind, list[str]]]:
    yield NEEDS, list(entry.needs)
    yield ASKS, [f"slot {slot}" for slot in entry.slots]
    yield DOES, list(dict.fromkeys(f"slot {slot}" for slot, _ in catalog.filled_by[entry.id]))
    yield EXCLUDES, list(entry.excludes)
    yield SUITS, list(entry.suits)


def _grouped(catalog: Catalog, entries: Iterable[Entry]) -> Iterable[Box]:
    before = None
    for entry in entries:
        heading = catalog.families[str(entry.family)] if entry.family != before else ""
        before = entry.family
        yield _box(entry, heading)


def _box(entry: Entry, heading: str = "") -> Box:
    return Box(entry.id, entry.title, entry.status, heading=heading)


def _slot(slot: Slot) -> Box:
    options = sorted(slot.options.values(), key=lambda option: option.id != slot.default)
    told = " · ".join(option.title for option in options)
    return Box(f"slot {slot.id}", slot.title, "slot", tuple(textwrap.wrap(told, 42)))
