"""All smallest repairs of a conflicting wish: the fewest patterns dropped or slots chosen.

A conflict has a derivation, and a repair must touch it: drop one of the wishes it starts from, or
choose otherwise for one of the slots it goes through. So the search branches only over what one
derivation depends on (a hitting-set tree, breadth first), instead of over all subsets of the wish.
Every candidate is resolved; the first level that holds a valid one holds all smallest ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from cdp_scaffold.catalog import Catalog
from cdp_scaffold.resolver import Decision, Repair, decide


class Change(NamedTuple):
    """One step of a repair: a pattern dropped, or a slot chosen.

    To take a choice back is no step of its own: to choose what then would be decided does the same.
    """

    drop: str = ""
    slot: str = ""
    option: str = ""


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
            decision = decide(catalog, repair.wish, repair.choices)
            if not decision.wrong:
                found.append(_asked_for(repair, decision))
            else:
                relevant = _relevant(catalog, decision, changes)
                onward.update(changes | {each} for each in relevant)
        level = onward
    return tuple(sorted(found, key=lambda repair: _order(catalog, repair)))


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
        choices={slot: after[slot] for slot in catalog.slots if slot in after},
    )


def _asked_for(repair: Repair, decision: Decision) -> Repair:
    """Without the choices that nothing asks for any more; `cdp new` would refuse them."""
    asked = {slot: option for slot, option in repair.choices.items() if slot in decision.slots}
    unasked = tuple(slot for slot in repair.choices if slot not in asked)
    return replace(repair, choices=asked, unasked=unasked)


def _relevant(catalog: Catalog, decision: Decision, changes: Changes) -> set[Change]:
    """What one of the facts depends on: any larger repair holds one of these changes."""
    support = _Support(catalog, decision, {change.slot for change in changes})
    # The fewest branches: a fact that hangs on little is decided first.
    return min((support.of_fact(*fact) for fact in decision.wrong), key=len)


@dataclass(frozen=True)
class _Support:
    """The changes that a derivation depends on; while none of them is made, it holds.

    A derivation follows what brought each member in first. So it never goes in a circle, and what
    it says of a slot is what held when the slot was decided.
    """

    catalog: Catalog
    decision: Decision
    settled: set[str]
    """The slots that were changed already."""

    def of_fact(self, kind: str, one: str, other: str) -> set[Change]:
        """What has to change so that this no longer is wrong."""
        if kind == "excluded":
            return self.of_member(one) | self.of_member(other)
        present = self.decision.fillers[one]
        if kind == "slot_choice":
            fills = self.catalog.slots[one].options[other].fills
            culprits = tuple(id for id in present if id not in fills)[:1]
        else:
            culprits = self._undecided(one, present)
        return self._of_asked(one).union(*map(self.of_member, culprits))

    def of_member(self, id: str) -> set[Change]:
        """What brought the member in."""
        by, origin = self.decision.members[id]
        if by == "needs":
            return self.of_member(origin)
        if by == "slot":
            return self._of_option(origin)
        return set() if self.catalog.entries[id].always else {Change(drop=id)}

    def _of_asked(self, slot: str) -> set[Change]:
        """What makes the slot one that is asked for, and chosen for as it is."""
        return self.of_member(self.decision.askers[slot]) | self._choices(slot)

    def _of_option(self, slot: str) -> set[Change]:
        """What makes the slot's option the one it is."""
        found = self._of_asked(slot)
        how = self.decision.how[slot]
        if how == "fillers":
            # Whichever of them stays, no other option may be taken with it.
            found |= self.of_member(self.decision.fillers[slot][0])
        if how == "default":
            # An earlier slot that is done otherwise may bring in a filler of this one.
            for other in influences(self.catalog)[slot]:
                found |= self._choices(other)
                if self.decision.how.get(other) == "fillers":
                    found = found.union(*map(self.of_member, self.decision.fillers[other]))
        return found

    def _choices(self, slot: str) -> set[Change]:
        if slot in self.settled:
            return set()
        now = self.decision.slots.get(slot)
        options = self.catalog.slots[slot].options
        return {Change(slot=slot, option=id) for id in options if id != now}

    def _undecided(self, slot: str, present: tuple[str, ...]) -> tuple[str, ...]:
        """One filler that no option takes by itself, or two that no such option holds together."""
        alone = [
            option.fills for option in self.catalog.slots[slot].options.values() if not option.asks
        ]
        pairs = [(id, id) for id in present] + list(combinations(present, 2))
        for one, other in pairs:
            if not any(one in fills and other in fills for fills in alone):
                return one, other
        return present


@lru_cache(maxsize=8)
def influences(catalog: Catalog) -> Mapping[str, tuple[str, ...]]:
    """Slot → the earlier slots whose choice may bring in something that fills it."""
    reached = {name: _reach(catalog, name) for name in catalog.slots}
    order = list(catalog.slots)
    return {
        name: tuple(
            other for other in order[:number] if not reached[other].isdisjoint(slot.fillers)
        )
        for number, (name, slot) in enumerate(catalog.slots.items())
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


def _order(catalog: Catalog, repair: Repair) -> tuple[object, ...]:
    places = {slot: number for number, slot in enumerate(catalog.slots)}
    return (
        len(repair.choose),
        [catalog.place[id] for id in repair.wish],
        [
            (places[slot], list(catalog.slots[slot].options).index(option))
            for slot, option in repair.choose
        ],
    )
