"""Turn a wish into its resolution, each member with all its reasons, or into facts of a conflict.

Pure: nothing is read, nothing is printed, and no sentence is made here; `explain` words the facts.
docs/resolver.md is the semantics in prose; macros/resolve.jinja is the same in Jinja, held equal
by tests/test_jinja_resolver.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from cdp_scaffold.catalog import Catalog, Option, Slot, Why
from cdp_scaffold.errors import (
    UnknownOptionError,
    UnknownPatternError,
    UnknownSlotError,
)

How = Literal["default", "fillers", "choice"]
"""What decided a slot: nothing spoke for another option, its fillers did, or the user did."""

Kind = Literal["excluded", "slot_undecided", "slot_choice"]


@dataclass(frozen=True)
class Wished:
    """The user asked for the member."""

    member: str


@dataclass(frozen=True)
class Always:
    """The member is part of every resolution."""

    member: str


@dataclass(frozen=True)
class Needed:
    """Another member needs it."""

    member: str
    by: str
    why: Why


@dataclass(frozen=True)
class Filled:
    """It does the job of a slot that another member asks for."""

    member: str
    by: str
    """The member that asks for the slot."""

    why: Why
    slot: str
    option: str
    how: How
    fillers: tuple[str, ...] = ()
    """The members that decided the slot, where `how` is `fillers`."""


Reason = Wished | Always | Needed | Filled
Chain = tuple[Reason, ...]
"""Reasons from a wish to a member: each brings in the member that the next one builds on."""


@dataclass(frozen=True)
class Advice:
    """A pattern that would suit the wish."""

    pattern: str
    by: str
    """The wish that it would suit."""

    why: Why


@dataclass(frozen=True)
class Side:
    """One of the members that meet in a conflict, with its shortest chain."""

    member: str
    chain: Chain


@dataclass(frozen=True)
class Fact:
    """One thing that cannot be.

    `excluded`: the two `sides` cannot be together, because of `why`.
    `slot_undecided`: no option of `slot` that may be taken by itself holds all `sides`.
    `slot_choice`: the user chose `option` for `slot`, which leaves out all `sides`.
    """

    kind: Kind
    sides: tuple[Side, ...]
    why: Why | None = None
    slot: str | None = None
    option: str | None = None
    asker: Side | None = None
    """Who asks for the slot."""


@dataclass(frozen=True)
class Repair:
    """A smallest change that makes the wish resolve."""

    drop: tuple[str, ...]
    """The patterns that leave the wish."""

    choose: tuple[tuple[str, str], ...]
    """The slots that are chosen for: (slot, option)."""

    wish: tuple[str, ...]
    """The whole wish after it."""

    choices: Mapping[str, str]
    """All choices after it."""

    unasked: tuple[str, ...] = ()
    """The slots whose choice falls away, because nothing asks for it any more."""


Origin = tuple[Literal["", "needs", "slot"], str]
"""What brought a member in first: nothing (wished, or always there), a member, or a slot."""


@dataclass(frozen=True)
class Decision:
    """What the fixed point holds, before anyone asks for reasons."""

    members: Mapping[str, Origin]
    slots: Mapping[str, str]
    how: Mapping[str, How]
    askers: Mapping[str, str]
    """Active slot → the member that asked for it first."""

    fillers: Mapping[str, tuple[str, ...]]
    """Active slot → the members that can fill it, as they were when it was decided."""

    wrong: tuple[tuple[Kind, str, str], ...]
    """(kind, slot, option) or ("excluded", member, member); empty where the wish is valid."""


@dataclass(frozen=True)
class _Answer:
    wish: tuple[str, ...]
    """What was asked for, in the catalogue's order, each once."""

    choices: Mapping[str, str]
    members: tuple[str, ...]
    """Everything that is part of it, in the catalogue's order."""

    slots: Mapping[str, str]
    """Each slot that some member asks for → the option that does the job; `""`: undecided."""

    catalog: Catalog = field(repr=False, compare=False)
    decision: Decision = field(repr=False, compare=False)

    @cached_property
    def reasons(self) -> Mapping[str, tuple[Reason, ...]]:
        """All reasons of each member: the wish first, then in the catalogue's order."""
        return _reasons(self.catalog, self.wish, self.members, self.decision)

    @cached_property
    def nearest(self) -> Mapping[str, Link]:
        """The last link of each member's shortest chain."""
        return _nearest(self.members, self.reasons)

    def chain(self, id: str) -> Chain:
        """The shortest chain of reasons from a wish to this member."""
        chain: list[Reason] = []
        base: str | None = id
        while base is not None:
            link = self.nearest[base]
            chain.append(link.reason)
            base = link.base
        return tuple(reversed(chain))

    @property
    def unused(self) -> tuple[str, ...]:
        """The slots that were chosen for although no member asks for them."""
        return tuple(
            slot for slot in self.catalog.slots if slot in self.choices and slot not in self.slots
        )


@dataclass(frozen=True)
class Resolution(_Answer):
    """What a valid wish gives."""

    def advice(self) -> tuple[Advice, ...]:
        """What would suit the wish, is not part of it and could be added to it."""
        found: dict[str, Advice] = {}
        for id in self.wish:
            for other, why in self.catalog.entries[id].suits.items():
                if other not in found and other not in self.members:
                    found[other] = Advice(other, id, why)
        return tuple(
            found[id]
            for id in self.catalog.ordered(found)
            if not decide(self.catalog, (*self.wish, id), self.choices).wrong
        )


@dataclass(frozen=True)
class Conflict(_Answer):
    """Why a wish has no resolution, and the smallest ways out."""

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Everything that cannot be: the slots in the file's order, then the exclusions."""
        return tuple(self._fact(*each) for each in self.decision.wrong)

    @cached_property
    def repairs(self) -> tuple[Repair, ...]:
        """All smallest repairs, each tried; patterns dropped come before slots chosen."""
        from cdp_scaffold.repairs import smallest_repairs

        return smallest_repairs(self.catalog, self.wish, self.choices)

    def _side(self, member: str) -> Side:
        return Side(member, self.chain(member))

    def _fact(self, kind: Kind, one: str, other: str) -> Fact:
        if kind == "excluded":
            return Fact(
                kind,
                (self._side(one), self._side(other)),
                why=self.catalog.entries[one].excludes[other],
            )
        fillers = self.decision.fillers[one]
        if kind == "slot_choice":
            fills = self.catalog.slots[one].options[other].fills
            fillers = tuple(id for id in fillers if id not in fills)
        asker = next(id for id in self.nearest if one in self.catalog.entries[id].slots)
        return Fact(
            kind,
            tuple(self._side(id) for id in self.catalog.ordered(fillers)),
            why=self.catalog.entries[asker].slots[one],
            slot=one,
            option=other or None,
            asker=self._side(asker),
        )


def resolve(
    catalog: Catalog, wish: Iterable[str], choices: Mapping[str, str] | None = None
) -> Resolution | Conflict:
    """Close the wish over its needs, fill the slots, check the exclusions.

    Args:
        catalog: A checked catalogue.
        wish: Ids, in any order and any number of times.
        choices: Slot → option, where the user chose. One that nothing asks for changes nothing.

    Returns:
        The resolution, or the conflict. Equal for equal wishes, whatever their order.

    Raises:
        UnknownPatternError, UnknownSlotError, UnknownOptionError: A name is not in the catalogue.
    """
    chosen = dict(choices or {})
    wished = checked_wish(catalog, wish)
    check_choices(catalog, chosen)
    decision = decide(catalog, wished, chosen)
    answer = Conflict if decision.wrong else Resolution
    return answer(
        wish=wished,
        choices={slot: chosen[slot] for slot in catalog.slots if slot in chosen},
        members=tuple(sorted(decision.members, key=catalog.place.__getitem__)),
        slots=decision.slots,
        catalog=catalog,
        decision=decision,
    )


def checked_wish(catalog: Catalog, wish: Iterable[str]) -> tuple[str, ...]:
    """The wish in the catalogue's order, each once."""
    wished = set(wish)
    for id in sorted(wished):
        if id not in catalog.entries:
            try:
                close: tuple[str, ...] = (catalog.find(id),)
            except UnknownPatternError as error:
                close = error.close
            raise UnknownPatternError(id, close)
    return catalog.ordered(wished)


def check_choices(catalog: Catalog, choices: Mapping[str, str]) -> None:
    """Refuse a slot or an option that the catalogue does not hold."""
    for slot, option in choices.items():
        if slot not in catalog.slots:
            raise UnknownSlotError(slot, tuple(catalog.slots))
        if option not in catalog.slots[slot].options:
            raise UnknownOptionError(slot, option, tuple(catalog.slots[slot].options))


def decide(catalog: Catalog, wish: Iterable[str], choices: Mapping[str, str]) -> Decision:
    """The fixed point itself, for callers that ask for many wishes and no reasons."""
    entries = catalog.entries
    members: dict[str, Origin] = {}
    asked: dict[str, str] = {}

    def join(ids: Iterable[str], origin: Origin = ("", "")) -> None:
        todo = [id for id in ids if id not in members]
        members.update(dict.fromkeys(todo, origin))
        while todo:
            entry = entries[todo.pop()]
            for slot in entry.slots:
                asked.setdefault(slot, entry.id)
            for need in entry.needs:
                if need not in members:
                    members[need] = ("needs", entry.id)
                    todo.append(need)

    join(catalog.always)
    join(wish)
    slots: dict[str, str] = {}
    how: dict[str, How] = {}
    fillers: dict[str, tuple[str, ...]] = {}
    wrong: list[tuple[Kind, str, str]] = []
    # One pass is enough: the catalogue's rules see to it that what fills a slot neither asks for
    # an earlier one nor fills it.
    for name, slot in catalog.slots.items():
        if name not in asked:
            continue
        present = tuple(id for id in slot.fillers if id in members)
        option = slot.options[choices[name]] if name in choices else None
        fillers[name] = present
        if option is not None:
            how[name] = "choice"
            if slot.exclusive and any(id not in option.fills for id in present):
                wrong.append(("slot_choice", name, option.id))
        elif not present:
            how[name] = "default"
            option = slot.options[slot.default]
        else:
            how[name] = "fillers"
            option = taken(slot, present)
            if option is None:
                wrong.append(("slot_undecided", name, ""))
        slots[name] = option.id if option else ""
        if option:
            join(option.fills, ("slot", name))
    for id in sorted(members.keys() & catalog.excluding, key=catalog.place.__getitem__):
        wrong.extend(("excluded", id, other) for other in entries[id].excludes if other in members)
    return Decision(members, slots, how, asked, fillers, tuple(wrong))


def taken(slot: Slot, present: tuple[str, ...]) -> Option | None:
    """The option that the present fillers decide without being asked, if there is one."""
    for option in slot.options.values():
        if not slot.exclusive:
            if any(id in option.fills for id in present):
                return option
        elif not option.asks and all(id in option.fills for id in present):
            return option
    return None


def _reasons(
    catalog: Catalog, wish: tuple[str, ...], members: tuple[str, ...], decision: Decision
) -> Mapping[str, tuple[Reason, ...]]:
    found: dict[str, list[Reason]] = {id: [] for id in members}
    for id in wish:
        found[id].append(Wished(id))
    for id in catalog.always:
        found[id].append(Always(id))
    for id in members:
        for need, why in catalog.entries[id].needs.items():
            found[need].append(Needed(need, id, why))
        for name, why in catalog.entries[id].slots.items():
            how = decision.how[name]
            present = decision.fillers[name]
            if not decision.slots[name]:
                continue
            option = catalog.slots[name].options[decision.slots[name]]
            for filler in option.fills:
                if how != "fillers":
                    found[filler].append(Filled(filler, id, why, name, option.id, how))
                elif filler not in present:
                    # What decided the slot was there before; only the rest of the option joins.
                    found[filler].append(Filled(filler, id, why, name, option.id, how, present))
    return {id: tuple(reasons) for id, reasons in found.items()}


@dataclass(frozen=True)
class Link:
    """The reason that reached a member, and the member it was reached from."""

    reason: Reason
    base: str | None
    """The member before it on the shortest chain."""


def _nearest(
    members: tuple[str, ...], reasons: Mapping[str, tuple[Reason, ...]]
) -> Mapping[str, Link]:
    """The last link of each member's shortest chain: breadth first from the wish.

    What fills a slot because others already do is reached once one of those and who asks for the
    slot are; its chain goes on through the former, for it is what decided.
    """
    nearest: dict[str, Link] = {}
    arrival: dict[str, int] = {}
    queue: deque[str] = deque()
    onward: dict[str, list[Reason]] = {id: [] for id in members}

    def reach(reason: Reason, base: str | None) -> None:
        if reason.member not in nearest:
            arrival[reason.member] = len(nearest)
            nearest[reason.member] = Link(reason, base)
            queue.append(reason.member)

    for root in (Wished, Always):
        for id in members:
            for reason in reasons[id]:
                if isinstance(reason, root):
                    reach(reason, None)
    for id in members:
        for reason in reasons[id]:
            if isinstance(reason, (Needed, Filled)):
                onward[reason.by].append(reason)
            if isinstance(reason, Filled):
                for filler in reason.fillers:
                    onward[filler].append(reason)
    while queue:
        id = queue.popleft()
        for reason in onward[id]:
            if isinstance(reason, Filled) and reason.fillers:
                there = [each for each in reason.fillers if each in nearest]
                if there and reason.by in nearest:
                    reach(reason, min(there, key=arrival.__getitem__))
            else:
                reach(reason, id)
    return nearest
