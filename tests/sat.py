"""The same questions put to a SAT solver, from an encoding of its own of what a valid wish is.

Nothing here is taken from the feature model but the functions that are asked about, and which
choices the template takes an answer for; tests/test_feature_model.py holds those. A member must
have been brought in by something that does not rest on it in turn; since a slot may be asked for
by the pattern that fills it, that takes an order among those that could hold each other up.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import combinations, product

import networkx
from pysat.solvers import Solver

from cdp_scaffold.bdd import FALSE, TRUE
from cdp_scaffold.feature_model import FeatureModel


class SatModel:
    """The valid wishes as clauses."""

    def __init__(self, model: FeatureModel) -> None:
        self._model = model
        self._catalog = model.catalog
        self._numbers: dict[Hashable, int] = {}
        self._solver = Solver(name="minisat22")
        self._encoded: dict[int, int] = {}
        self._brings: dict[Hashable, list[tuple[Hashable, ...]]] = {}
        self._encode()

    def number(self, thing: Hashable) -> int:
        return self._numbers.setdefault(thing, len(self._numbers) + 1)

    def possible(self, has: int, lacks: int) -> bool:
        """Whether a valid wish is in the first function and not in the second."""
        return bool(self._solver.solve(assumptions=[self._node(has), -self._node(lacks)]))

    def resolutions(self) -> int:
        """How many there are, found one by one; the model is of no use afterwards."""
        shown = [self.number(("member", id)) for id in self._model.ready]
        shown += [
            self.number(("taken", slot.id, option))
            for slot in self._catalog.slots.values()
            for option in slot.options
        ]
        count = 0
        while self._solver.solve():
            true = set(self._solver.get_model())
            self._solver.add_clause([-each if each in true else each for each in shown])
            count += 1
        return count

    def _add(self, *literals: int) -> None:
        self._solver.add_clause(list(literals))

    def _encode(self) -> None:
        catalog, ready = self._catalog, set(self._model.ready)
        wished = [id for id in self._model.ready if catalog.entries[id].kind == "pattern"]
        self._add(*(self.number(("wish", id)) for id in wished))
        for id, entry in catalog.entries.items():
            member = self.number(("member", id))
            if id not in ready:
                self._add(-member)
            if id in wished:
                self._bring(("member", id), ("wish", id))
            if id in catalog.always:
                self._bring(("member", id))
            for need in entry.needs:
                self._bring(("member", need), ("member", id))
            for asks in entry.slots:
                self._bring(("asked", asks), ("member", id))
            for other in entry.excludes:
                self._add(-member, -self.number(("member", other)))
        for slot in catalog.slots.values():
            asked = self.number(("asked", slot.id))
            choices = [self.number((slot.id, option)) for option in slot.options]
            self._add(-asked, *choices)
            for choice in choices:
                self._add(asked, -choice)
            for first, second in combinations(choices, 2):
                self._add(-first, -second)
            for option in slot.options.values():
                chosen = self.number((slot.id, option.id))
                self._bring(("taken", slot.id, option.id), ("asked", slot.id), (slot.id, option.id))
                for id in option.fills:
                    self._bring(("member", id), ("taken", slot.id, option.id))
                for id in slot.fillers if slot.exclusive else ():
                    if id not in option.fills:
                        self._add(-chosen, -self.number(("member", id)))
        self._found()
        self._add(self._node(self._model.answerable))

    def _bring(self, thing: Hashable, *by: Hashable) -> None:
        """All of these together bring the thing in."""
        self._brings.setdefault(thing, []).append(by)
        self._add(self.number(thing), *(-self.number(each) for each in by))

    def _found(self) -> None:
        """Whatever is in was brought in by something that came before it."""
        graph = networkx.DiGraph(
            (each, thing) for thing, ways in self._brings.items() for by in ways for each in by
        )
        parts = {
            thing: number
            for number, part in enumerate(networkx.strongly_connected_components(graph))
            for thing in part
        }
        for kind in ("member", "asked", "taken"):
            for thing in self._numbers.copy():
                if isinstance(thing, tuple) and thing[0] == kind and thing not in self._brings:
                    self._add(-self.number(thing))
        for thing, ways in self._brings.items():
            reasons = []
            for by in ways:
                reason = self.number(("reason", thing, by))
                reasons.append(reason)
                for each in by:
                    self._add(-reason, self.number(each))
                    if parts.get(each) == parts.get(thing):
                        self._add(-reason, self.number(("before", each, thing)))
            self._add(-self.number(thing), *reasons)
        for number in set(parts.values()):
            self._order([thing for thing, part in parts.items() if part == number])

    def _order(self, things: list[Hashable]) -> None:
        if len(things) == 1:
            return
        for one, other, third in product(things, repeat=3):
            self._add(
                -self.number(("before", one, other)),
                -self.number(("before", other, third)),
                self.number(("before", one, third)),
            )
        for one in things:
            self._add(-self.number(("before", one, one)))

    def _node(self, function: int) -> int:
        """A literal that is true where a function of the feature model is."""
        if function in (FALSE, TRUE):
            true = self.number("true")
            self._add(true)
            return true if function == TRUE else -true
        if function not in self._encoded:
            node = self._encoded[function] = self.number(("node", function))
            variable, low, high = self._model.diagrams.parts(function)
            thing = variable if isinstance(variable, tuple) else ("wish", variable)
            test = self.number(thing)
            for sign, branch in ((test, self._node(low)), (-test, self._node(high))):
                self._add(sign, -node, branch)
                self._add(sign, node, -branch)
        return self._encoded[function]


def verdicts(
    model: FeatureModel, questions: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], bool]:
    """For each question whether the solver finds a wish."""
    solver = SatModel(model)
    return {(has, lacks): solver.possible(has, lacks) for has, lacks in questions}
