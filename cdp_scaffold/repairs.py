"""All smallest repairs of a conflicting wish: the fewest patterns dropped or slots chosen.

A conflict has a derivation, and a repair must touch it: drop one of the wishes it starts from, or
choose otherwise for one of the slots it goes through. So the search branches only over what one
derivation depends on (a hitting-set tree, breadth first), instead of over all subsets of the wish.
Every candidate is resolved; the first level that holds a valid one holds all smallest ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from cdp_scaffold.catalog import Catalog
from cdp_scaffold.resolver import (
    Conflict,
    Filled,
    Needed,
    Repair,
    Resolution,
    Wished,
    decide,
    resolve,
)


class Change(NamedTuple):
    """One step of a repair: a pattern dropped, or a slot chosen (`None` takes a choice back)."""

    drop: str = ""
    slot: str = ""
    option: str | None = None


Changes = frozenset[Change]


def smallest_repairs(
    catalog: Catalog, wish: tuple[str, ...], choices: Mapping[str, str]
) -> tuple[Repair, ...]:
    """Every repair of the least size, in a fixed order; none if the wish is valid or hopeless."""
    found: list[Repair] = []
    level: set[Changes] = {frozenset()}
    while level and not found:
        onward: set[Changes] = set()
        for changes in level:
            repair = _apply(catalog, changes, wish, choices)
            if not repair.wish:
                continue  # Wanting nothing is no way out.
            if not decide(catalog, repair.wish, repair.choices).wrong:
                found.append(repair)
            else:
                onward.update(changes | {each} for each in _relevant(catalog, repair, changes))
        level = onward
    return tuple(sorted(_distinct(catalog, found), key=lambda repair: _order(catalog, repair)))


def _apply(
    catalog: Catalog, changes: Changes, wish: tuple[str, ...], choices: Mapping[str, str]
) -> Repair:
    dropped = {change.drop for change in changes if change.drop}
    chosen = {change.slot: change.option for change in changes if change.slot}
    after = {**choices, **chosen}
    return Repair(
        drop=tuple(id for id in wish if id in dropped),
        choose=tuple((slot, chosen[slot]) for slot in catalog.slots if slot in chosen),
        wish=tuple(id for id in wish if id not in dropped),
        choices={slot: option for slot in catalog.slots if (option := after.get(slot)) is not None},
    )


def _relevant(catalog: Catalog, repair: Repair, changes: Changes) -> set[Change]:
    """What one of the conflict's facts depends on: any larger repair holds one of these changes."""
    conflict = resolve(catalog, repair.wish, repair.choices)
    assert isinstance(conflict, Conflict)
    settled = {change.slot for change in changes}
    support = _Support(catalog, conflict, settled)
    # The fewest branches: a fact that hangs on little is decided first.
    return min((support.of_fact(*fact) for fact in conflict.decision.wrong), key=len)


class _Support:
    """The changes that a derivation depends on."""

    def __init__(self, catalog: Catalog, conflict: Conflict, settled: set[str]) -> None:
        self.catalog = catalog
        self.conflict = conflict
        self.settled = settled
        self._members: dict[str, frozenset[Change]] = {}

    def of_fact(self, kind: str, one: str, other: str) -> set[Change]:
        if kind == "excluded":
            return {*self.of_member(one), *self.of_member(other)}
        slot = self.catalog.slots[one]
        present = self.conflict.decision.fillers[one]
        if kind == "slot_choice":
            culprits = [id for id in present if id not in slot.options[other].fills][:1]
        else:
            culprits = list(self._undecided(one, present))
        found = {*self.of_member(self._asker(one)), *self._choices(one)}
        for id in culprits:
            found.update(self.of_member(id))
        return found

    def of_member(self, id: str) -> frozenset[Change]:
        """What the member's nearest derivation depends on."""
        if id not in self._members:
            found: set[Change] = set()
            link = self.conflict.nearest[id]
            if isinstance(link.reason, Wished):
                found.add(Change(drop=id))
            elif isinstance(link.reason, Needed):
                found.update(self.of_member(link.reason.by))
            elif isinstance(link.reason, Filled):
                assert link.base is not None
                found.update(self.of_member(link.base))
                found.update(self.of_slot(link.reason.slot))
            self._members[id] = frozenset(found)
        return self._members[id]

    def of_slot(self, name: str) -> set[Change]:
        """What keeps the slot as it is: who asks, the choice, and that nothing else fills it."""
        found = {*self.of_member(self._asker(name)), *self._choices(name)}
        if self.conflict.decision.how[name] == "default":
            for other in influences(self.catalog)[name]:
                found.update(self._choices(other))
                fillers = self.conflict.decision.fillers.get(other, ())
                if fillers and self.conflict.decision.how.get(other) != "choice":
                    # With all of these gone the other slot falls back to its default, which may
                    # fill this one.
                    found.update(self.of_member(fillers[0]))
        return found

    def _choices(self, name: str) -> set[Change]:
        if name in self.settled:
            return set()
        now = self.conflict.slots.get(name)
        found = {
            Change(slot=name, option=id) for id in self.catalog.slots[name].options if id != now
        }
        if name in self.conflict.choices:
            found.add(Change(slot=name))
        return found

    def _asker(self, name: str) -> str:
        return next(id for id in self.conflict.nearest if name in self.catalog.entries[id].slots)

    def _undecided(self, name: str, present: tuple[str, ...]) -> Iterable[str]:
        """One filler that no option takes by itself, or two that no such option holds together."""
        alone = [
            option.fills for option in self.catalog.slots[name].options.values() if not option.asks
        ]
        pairs = [(id, id) for id in present] + list(combinations(present, 2))
        for one, other in pairs:
            if not any(one in fills and other in fills for fills in alone):
                return {one, other}
        return present


@lru_cache(maxsize=8)
def influences(catalog: Catalog) -> Mapping[str, tuple[str, ...]]:
    """Slot → the slots whose choice may bring in something that fills it."""
    reached = {name: _reach(catalog, name) for name in catalog.slots}
    return {
        name: tuple(
            other
            for other in catalog.slots
            if other != name and not reached[other].isdisjoint(slot.fillers)
        )
        for name, slot in catalog.slots.items()
    }


def _reach(catalog: Catalog, name: str) -> set[str]:
    """Everything that any option of the slot may bring in, by needs and by other slots."""
    reached: set[str] = set()
    todo = list(catalog.slots[name].fillers)
    while todo:
        id = todo.pop()
        if id in reached:
            continue
        reached.add(id)
        todo.extend(catalog.entries[id].needs)
        for slot in {*catalog.entries[id].slots, *(slot for slot, _ in catalog.filled_by[id])}:
            todo.extend(catalog.slots[slot].fillers)
    return reached


def _distinct(catalog: Catalog, repairs: list[Repair]) -> list[Repair]:
    """Without those that only take back a choice where choosing anew gives the very same."""
    kept: dict[tuple[object, ...], Repair] = {}
    for repair in sorted(
        repairs, key=lambda each: any(option is None for _, option in each.choose)
    ):
        after = resolve(catalog, repair.wish, repair.choices)
        assert isinstance(after, Resolution)
        slots = tuple(slot for slot, _ in repair.choose)
        kept.setdefault((repair.drop, slots, after.members, tuple(after.slots.items())), repair)
    return list(kept.values())


def _order(catalog: Catalog, repair: Repair) -> tuple[object, ...]:
    return (
        len(repair.choose),
        [catalog.place[id] for id in repair.wish],
        [(slot, option or "") for slot, option in repair.choose],
    )
