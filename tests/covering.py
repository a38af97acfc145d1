"""A few wishes in which every two choices that can meet do meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

from allpairspy import AllPairs

from cdp_scaffold.catalog import Catalog
from cdp_scaffold.questions import Questions
from cdp_scaffold.resolver import Resolution, decide, resolve

Value = bool | str
Choice = tuple[str, Value]
"""A pattern, and whether it is wished for; or a slot, and its option, `""` where none is asked."""

Pair = frozenset[Choice]


@dataclass(frozen=True)
class Case:
    """A valid wish with a choice for every slot that the template asks about."""

    wish: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "+".join([*self.wish, *(f"{slot}={option}" for slot, option in self.choices)])


@dataclass(frozen=True)
class Choices:
    """What may be chosen in a template."""

    catalog: Catalog
    questions: Questions

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """Those that can be generated."""
        entries = self.catalog.entries
        return tuple(id for id in self.catalog.patterns if entries[id].status == "ready")

    @cached_property
    def slots(self) -> Mapping[str, tuple[str, ...]]:
        """The slots that are asked about → the options that can be generated."""
        return {
            slot.id: tuple(
                option.id
                for option in slot.options.values()
                if all(self.catalog.entries[id].status == "ready" for id in option.fills)
            )
            for slot in self.catalog.slots.values()
            if slot.id in self.questions.all
        }

    def asked(self, wish: Sequence[str]) -> tuple[str, ...]:
        """The slots that the template asks about for a wish."""
        drafted = decide(self.catalog, wish, {}).slots
        return tuple(slot for slot in self.slots if slot in drafted)

    def is_valid(self, case: Case) -> bool:
        """Whether the wish resolves, to what can be generated."""
        if not case.wish or any(
            kind == "excluded" for kind, _, _ in decide(self.catalog, case.wish, {}).wrong
        ):
            return False
        answer = resolve(self.catalog, case.wish, dict(case.choices))
        return isinstance(answer, Resolution) and all(
            self.catalog.entries[id].status == "ready" for id in answer.members
        )

    def pairs(self, case: Case) -> set[Pair]:
        """Every two choices that meet in a case."""
        chosen = dict(case.choices)
        row: list[Choice] = [(id, id in case.wish) for id in self.patterns]
        row += [(slot, chosen.get(slot, "")) for slot in self.slots]
        return {frozenset(pair) for pair in combinations(row, 2)}

    def small(self) -> Iterator[Case]:
        """Every valid case of one or two patterns.

        Where two choices can meet at all, they do in one of these: what more patterns bring in
        can only speak against it.
        """
        for size in (1, 2):
            for wish in combinations(self.patterns, size):
                asked = self.asked(wish)
                for options in product(*(self.slots[slot] for slot in asked)):
                    case = Case(wish, tuple(zip(asked, options, strict=True)))
                    if self.is_valid(case):
                        yield case

    def array(self) -> list[Case]:
        """Cases that hold every pair which any valid case holds."""
        values: list[list[Value]] = [[True, False] for _ in self.patterns]
        values += [[*options, ""] for options in self.slots.values()]
        found = [self._case(row) for row in AllPairs(values, filter_func=self._fits)]
        covered = {pair for case in found for pair in self.pairs(case)}
        small = sorted(self.small(), key=lambda case: -len(case.choices) - len(case.wish))
        for case in small:  # for what the library found no valid row for
            if not self.pairs(case) <= covered:
                found.append(case)
                covered |= self.pairs(case)
        return found

    def _case(self, row: Sequence[Value]) -> Case:
        count = len(self.patterns)
        wish = tuple(id for id, wanted in zip(self.patterns, row[:count], strict=False) if wanted)
        named = zip(self.slots, row[count:], strict=False)
        return Case(wish, tuple((slot, str(option)) for slot, option in named if option))

    def _fits(self, row: Sequence[Value]) -> bool:
        """Whether a row, or the beginning of one, may stand for a valid case."""
        count = len(self.patterns)
        case = self._case(row)
        if len(row) <= count:
            return not any(k == "excluded" for k, _, _ in decide(self.catalog, case.wish, {}).wrong)
        asked = self.asked(case.wish)
        named = zip(self.slots, row[count:], strict=False)
        if any((option == "") == (slot in asked) for slot, option in named):
            return False
        return len(row) < count + len(self.slots) or self.is_valid(case)
