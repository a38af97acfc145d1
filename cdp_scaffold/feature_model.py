"""All valid wishes of what generates, as one function: what may hold in some, and in which first.

A statement about a wish is a function of `Diagrams`. That none of the valid wishes breaks a rule
is shown by the function of those that do being `FALSE`, not by trying wishes; docs/proof.md tells
how this is used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from cdp_scaffold.bdd import FALSE, TRUE, Diagrams
from cdp_scaffold.catalog import Catalog
from cdp_scaffold.model import Variable, Wishes
from cdp_scaffold.resolver import Resolution, resolve


class FeatureModel:
    """The valid wishes whose answer can be generated, each with its choices."""

    def __init__(self, catalog: Catalog, asked: Collection[str] | None = None) -> None:
        """Work the valid wishes out; a second for the whole language.

        Args:
            asked: The questions of the template. A slot that is none of them is never chosen for;
                what is wished decides it, or its default. Nor is one that only another choice
                opens: then its default is taken. If left out, every slot is asked about.
        """
        self.catalog = catalog
        slots = [slot for slot in catalog.slots if asked is None or slot in asked]
        self.ready = tuple(id for id, e in catalog.entries.items() if e.status == "ready")
        patterns = [id for id in self.ready if catalog.entries[id].kind == "pattern"]
        self._wishes = Wishes(catalog, chosen=slots, patterns=patterns)
        self.diagrams: Diagrams[Variable] = self._wishes.diagrams
        self.answerable = TRUE if asked is None else self.diagrams.every(self._left_alone(slots))
        """The wishes whose every choice the template takes an answer for."""
        self.valid = self.both(self._wishes.resolving(self.ready), self.answerable)
        """Every valid wish."""

    def having(self, member: str) -> int:
        """The valid wishes whose answer has the member."""
        return self.both(self.valid, self._wishes.members[member])

    def lacking(self, member: str) -> int:
        """The valid wishes whose answer does not have the member."""
        return self.both(self.valid, self.diagrams.no(self._wishes.members[member]))

    def taking(self, slot: str, option: str | None) -> int:
        """The valid wishes that leave the job to the option; with `None`, that have no such job."""
        taken = self._wishes.taken
        if option is not None:
            return self.both(self.valid, taken[slot, option])
        some = self.diagrams.some(taken[slot, each] for each in self.catalog.slots[slot].options)
        return self.both(self.valid, self.diagrams.no(some))

    def both(self, *wishes: int) -> int:
        """The wishes that are in all of these."""
        return self.diagrams.every(wishes)

    def without(self, wishes: int, others: int) -> int:
        """The wishes that are not among the others."""
        return self.both(wishes, self.diagrams.no(others))

    def resolutions(self) -> int:
        """How many distinct resolutions there are."""
        return sum(self._wishes.count(self._wishes.full(self.valid)))

    def smallest(self, wishes: int) -> Resolution | None:
        """A smallest of the wishes: fewest patterns, then fewest choices besides the defaults.

        The same one whenever it is asked for; `None` where there is no wish.
        """
        found = self.diagrams.cheapest(wishes, self._costs)
        if found is None:
            return None
        wish = tuple(id for id in self._wishes.patterns if found.get(id))
        choices = dict(v for v in found if found[v] and isinstance(v, tuple))
        answer = resolve(self.catalog, wish, choices)
        assert isinstance(answer, Resolution)
        return self._plainest(answer)

    def each(self) -> Iterator[Resolution]:
        """A smallest wish for each distinct resolution; for models small enough to list."""
        left = self.valid
        while left != FALSE:
            answer = self.smallest(left)
            assert answer is not None
            yield answer
            left = self.without(left, self.agreeing(answer))

    def agreeing(self, answer: Resolution) -> int:
        """The valid wishes with just this resolution."""
        members = set(answer.members)
        same = [self.having(id) if id in members else self.lacking(id) for id in self.ready]
        same += [self.taking(slot, answer.slots.get(slot)) for slot in self.catalog.slots]
        return self.both(self.valid, *same)

    def _left_alone(self, slots: Collection[str]) -> Iterator[int]:
        """For each slot the wishes that open it without a choice, or leave it to its default."""
        wishes, d = self._wishes, self.diagrams
        alone = Wishes(self.catalog, patterns=wishes.patterns, diagrams=d)
        for slot in slots:
            default = d.variable((slot, self.catalog.slots[slot].default))
            yield d.some((alone.asked[slot], d.no(wishes.asked[slot]), default))

    @cached_property
    def _costs(self) -> Mapping[Variable, int]:
        """A pattern more costs more than any choices; of equal wishes the earlier patterns win."""
        place = self.catalog.place
        costs: dict[Variable, int] = {
            id: 1_000_000 + place[id] * place[id] for id in self._wishes.patterns
        }
        for slot in self.catalog.slots.values():
            for number, option in enumerate(slot.options):
                costs[slot.id, option] = 0 if option == slot.default else 1_000 * (number + 1)
        return costs

    def _plainest(self, answer: Resolution) -> Resolution:
        """The same resolution with no choice that would be made anyway."""
        for slot in answer.choices:
            choices = {name: option for name, option in answer.choices.items() if name != slot}
            plainer = resolve(self.catalog, answer.wish, choices)
            if (
                isinstance(plainer, Resolution)
                and plainer.members == answer.members
                and plainer.slots == answer.slots
            ):
                answer = plainer
        return answer


def told(resolution: Resolution) -> str:
    """A wish as one would type it: patterns, then each choice as `slot=option`."""
    choices = (f"{slot}={option}" for slot, option in resolution.choices.items())
    return " ".join((*resolution.wish, *choices))
