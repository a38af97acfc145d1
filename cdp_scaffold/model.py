"""What the catalogue knows about itself: how many wishes are valid, what never comes, each pair.

Nothing is sampled. The resolver's fixed point is followed once with functions of the wish in the
place of yes and no: for every entry the function that says which wishes have it. Counting the
models of such functions is exact; docs/model.md explains it, and tests/test_model.py holds it
against the resolver itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Literal, TypeVar

from cdp_scaffold.bdd import FALSE, TRUE, Diagrams
from cdp_scaffold.catalog import Catalog, Option, Slot
from cdp_scaffold.resolver import Advice, Chain, Conflict, Resolution, resolve
from cdp_scaffold.rules import closures

Variable = str | tuple[str, str]
"""A pattern that is wished for, or a (slot, option) that is chosen."""

Key = TypeVar("Key")
Verdict = Literal["valid", "bought_in", "refused"]


class Wishes:
    """Every wish at once: for whatever may hold of a wish, the function that says where it does."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        chosen: Collection[str] = (),
        patterns: Collection[str] | None = None,
        diagrams: Diagrams[Variable] | None = None,
    ) -> None:
        """Follow the fixed point.

        Args:
            chosen: The slots that are decided by a choice and by nothing else, where their job is
                asked for.
            patterns: What a wish is made of; all patterns if left out.
            diagrams: Where the functions are made, if they are to meet those of others.
        """
        self.catalog = catalog
        self.chosen = frozenset(chosen)
        self.patterns = tuple(catalog.patterns if patterns is None else catalog.ordered(patterns))
        self._closed = closures(catalog)
        self.diagrams: Diagrams[Variable] = (
            Diagrams(self._order()) if diagrams is None else diagrams
        )
        self.members = dict.fromkeys(catalog.entries, FALSE)
        """Entry → the wishes whose answer has it."""
        self.asked: dict[str, int] = {}
        """Slot → the wishes whose answer asks for the job."""
        self.taken: dict[tuple[str, str], int] = {}
        """(slot, option) → the wishes in whose answer it does the job."""
        self.valid = self._follow()
        """The wishes that have a resolution; the empty one is among them."""

    def resolving(self, ids: Collection[str] | None = None) -> int:
        """The wishes for something that have a resolution, with no other members than `ids`."""
        d = self.diagrams
        something = d.some(map(d.variable, self.patterns))
        others = [id for id in self.catalog.entries if ids is not None and id not in ids]
        return d.every((self.valid, something, *(d.no(self.members[id]) for id in others)))

    def full(self, wishes: int) -> int:
        """Those of the wishes that name whatever of their answer can be named.

        Each resolution has exactly one of these, because naming what comes anyway changes nothing:
        so they count the resolutions.
        """
        d = self.diagrams
        full = (d.ite(self.members[id], d.variable(id), TRUE) for id in self.patterns)
        return d.every((wishes, *full))

    def count(self, wishes: int) -> tuple[int, ...]:
        """How many there are of each size."""
        return self.diagrams.count(wishes, frozenset(self.patterns))

    def _order(self) -> list[Variable]:
        """The options of each slot, then the patterns that have a say in it.

        What is decided together must stand together, or the diagrams grow a hundredfold.
        """
        order: dict[Variable, None] = {}
        for slot in self.catalog.slots.values():
            if slot.id in self.chosen:
                order.update(dict.fromkeys((slot.id, option) for option in slot.options))
            asking = (id for id, entry in self.catalog.entries.items() if slot.id in entry.slots)
            for id in (*asking, *slot.fillers):
                order.update(dict.fromkeys(p for p in self.patterns if id in self._closed[p]))
        order.update(dict.fromkeys(self.patterns))
        return list(order)

    def _follow(self) -> int:
        d = self.diagrams
        for id in self.catalog.always:
            self._join(id, TRUE)
        for id in self.patterns:
            self._join(id, d.variable(id))
        right = [
            self._chosen(slot) if slot.id in self.chosen else self._decided(slot)
            for slot in self.catalog.slots.values()
        ]
        right += [
            d.no(d.every((self.members[id], self.members[other])))
            for id, entry in self.catalog.entries.items()
            for other in entry.excludes
        ]
        return d.every(right)

    def _join(self, id: str, wishes: int) -> None:
        for each in self._closed[id]:
            self.members[each] = self.diagrams.some((self.members[each], wishes))

    def _take(self, slot: Slot, option: Option, wishes: int) -> None:
        self.taken[slot.id, option.id] = wishes
        for id in option.fills:
            self._join(id, wishes)

    def _asked(self, slot: Slot) -> int:
        entries = self.catalog.entries
        self.asked[slot.id] = self.diagrams.some(
            self.members[id] for id in entries if slot.id in entries[id].slots
        )
        return self.asked[slot.id]

    def _others(self, slot: Slot, option: Option) -> list[int]:
        """The wishes for each filler that the option leaves out, and which thus speaks against."""
        return [self.members[id] for id in slot.fillers if id not in option.fills]

    def _decided(self, slot: Slot) -> int:
        """Let the fillers decide, or take the default; gives the wishes where that works."""
        d = self.diagrams
        asked, present = self._asked(slot), {id: self.members[id] for id in slot.fillers}
        free = d.every((asked, d.no(d.some(present.values()))))
        left = d.every((asked, d.no(free)))
        takes = []
        for option in slot.options.values():
            if slot.exclusive:
                fits = FALSE if option.asks else d.no(d.some(self._others(slot, option)))
            else:
                fits = d.some(present[id] for id in option.fills)
            speaks = d.every((left, fits))
            left = d.every((left, d.no(fits)))
            takes.append((option, speaks))
        for option, speaks in takes:
            default = free if option.id == slot.default else FALSE
            self._take(slot, option, d.some((speaks, default)))
        return d.no(left)

    def _chosen(self, slot: Slot) -> int:
        """Let a choice decide; gives the wishes with just one, where the job is asked for."""
        d = self.diagrams
        asked, none, one, wrong = self._asked(slot), TRUE, FALSE, FALSE
        others = {id: self._others(slot, option) for id, option in slot.options.items()}
        for option in slot.options.values():
            choice = d.variable((slot.id, option.id))
            none, one = d.ite(choice, FALSE, none), d.ite(choice, none, one)
            if slot.exclusive:
                wrong = d.some((wrong, d.every((choice, d.some(others[option.id])))))
        for option in slot.options.values():
            choice = d.variable((slot.id, option.id))
            self._take(slot, option, d.every((asked, choice)))
        return d.ite(asked, d.every((one, d.no(wrong))), none)


@dataclass(frozen=True)
class Count:
    """The numbers of one part of the language: all of it, or what generates today."""

    patterns: int
    wishes: int
    """Non-empty sets of patterns."""

    by_size: tuple[int, ...]
    """The valid ones with no, one, two, … patterns; no slot is chosen."""

    resolutions: int
    """The distinct resolutions of those."""

    chosen: int
    """Wishes with an option for each job that is asked for, where that resolves."""

    chosen_resolutions: int
    """The distinct resolutions, whatever is wished and chosen."""

    @property
    def valid(self) -> int:
        """The valid wishes; no slot is chosen."""
        return sum(self.by_size)

    @property
    def largest(self) -> int:
        """The number of patterns in the largest valid wish."""
        return max((size for size, count in enumerate(self.by_size) if count), default=0)


@dataclass(frozen=True, eq=False)
class Model:
    """What holds over all wishes of a catalogue."""

    catalog: Catalog = field(repr=False)

    @cached_property
    def by_default(self) -> Wishes:
        """All wishes without a choice."""
        return Wishes(self.catalog)

    @cached_property
    def by_choice(self) -> Wishes:
        """All wishes with an option chosen for each job that is asked for."""
        return Wishes(self.catalog, chosen=self.catalog.slots)

    @cached_property
    def ready(self) -> frozenset[str]:
        """The entries that can be generated."""
        return frozenset(id for id, e in self.catalog.entries.items() if e.status == "ready")

    @cached_property
    def whole(self) -> Count:
        """The numbers of the whole language."""
        return self._count(frozenset(self.catalog.entries))

    @cached_property
    def today(self) -> Count:
        """The numbers of what can be generated: neither a wish nor its answer is planned."""
        return self._count(self.ready)

    def _count(self, ids: frozenset[str]) -> Count:
        patterns = [id for id in self.catalog.patterns if id in ids]
        found = []
        for wishes in (self.by_default, self.by_choice):
            valid = wishes.resolving(ids)
            found += [wishes.count(valid), wishes.count(wishes.full(valid))]
        sizes, resolutions, chosen, chosen_resolutions = found
        return Count(
            patterns=len(patterns),
            wishes=2 ** len(patterns) - 1,
            by_size=sizes[: len(patterns) + 1],
            resolutions=sum(resolutions),
            chosen=sum(chosen),
            chosen_resolutions=sum(chosen_resolutions),
        )

    @cached_property
    def core(self) -> tuple[str, ...]:
        """The entries of every resolution, whatever is wished and chosen."""
        d, valid = self.by_choice.diagrams, self.by_choice.resolving()
        members = self.by_choice.members
        return tuple(id for id, has in members.items() if not d.meet(d.no(has), valid))

    @cached_property
    def dead(self) -> tuple[str, ...]:
        """The entries of no resolution, whatever is wished and chosen."""
        return tuple(_never(self.by_choice, self.by_choice.members))

    @cached_property
    def only_by_choice(self) -> tuple[str, ...]:
        """The entries that come only if somebody chooses an option."""
        never = _never(self.by_default, self.by_default.members)
        return tuple(id for id in never if id not in self.dead)

    @cached_property
    def dead_options(self) -> tuple[tuple[str, str], ...]:
        """Each (slot, option) that no resolution takes."""
        return tuple(_never(self.by_choice, self.by_choice.taken))

    @property
    def dead_slots(self) -> tuple[str, ...]:
        """The slots that no resolution asks for."""
        dead = set(self.dead_options)
        return tuple(
            slot.id
            for slot in self.catalog.slots.values()
            if all((slot.id, option) in dead for option in slot.options)
        )

    @cached_property
    def options_only_by_choice(self) -> tuple[tuple[str, str], ...]:
        """Each (slot, option) that is taken only if somebody chooses it."""
        never = _never(self.by_default, self.by_default.taken)
        return tuple(each for each in never if each not in self.dead_options)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every two patterns, in the catalogue's order."""
        alone = {id: resolve(self.catalog, (id,)) for id in self.catalog.patterns}
        closed = closures(self.catalog)
        return tuple(
            _pair(self.catalog, alone, closed, one, other)
            for one, other in combinations(self.catalog.patterns, 2)
        )

    @cached_property
    def refused_beyond_pairs(self) -> int:
        """How many wishes are refused although no two of their patterns refuse each other."""
        d = self.by_default.diagrams
        refused = [pair for pair in self.pairs if pair.verdict == "refused"]
        clashes = [d.every(map(d.variable, (pair.one, pair.other))) for pair in refused]
        return sum(self.by_default.count(d.no(d.some((self.by_default.valid, *clashes)))))


@dataclass(frozen=True)
class Pair:
    """Two patterns together, nothing chosen."""

    one: str
    other: str
    verdict: Verdict
    answer: Resolution | Conflict = field(repr=False)
    advice: Advice | None = None
    """That one would suit the other, where it does."""

    by: str | None = None
    """The one of them that brings in the other, where it does."""

    by_default: bool = False
    """Whether it does so only because of a job's default, so that a choice can prevent it."""

    chain: Chain = field(repr=False, default=())
    """How it does."""

    @property
    def brought(self) -> str | None:
        """The one that is brought in."""
        return None if self.by is None else self.other if self.by == self.one else self.one


def _never(wishes: Wishes, functions: Mapping[Key, int]) -> Iterator[Key]:
    valid = wishes.resolving()
    for key, function in functions.items():
        if not wishes.diagrams.meet(valid, function):
            yield key


def _pair(
    catalog: Catalog,
    alone: Mapping[str, Resolution | Conflict],
    closed: Mapping[str, frozenset[str]],
    one: str,
    other: str,
) -> Pair:
    answer = resolve(catalog, (one, other))
    advice = next(
        (
            Advice(pattern, by, catalog.entries[by].suits[pattern])
            for by, pattern in ((one, other), (other, one))
            if pattern in catalog.entries[by].suits
        ),
        None,
    )
    if isinstance(answer, Conflict):
        return Pair(one, other, "refused", answer, advice)
    for by, brought in ((one, other), (other, one)):
        told = alone[by]
        if isinstance(told, Resolution) and brought in told.members:
            chain, by_default = told.chain(brought), brought not in closed[by]
            return Pair(one, other, "bought_in", answer, advice, by, by_default, chain)
    return Pair(one, other, "valid", answer, advice)
