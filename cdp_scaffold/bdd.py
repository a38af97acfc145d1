"""Boolean functions as reduced ordered decision diagrams, so that their models can be counted.

A function is a number. Equal functions of one `Diagrams` have equal numbers, so "is never true" is
`== FALSE`. Nothing here knows of patterns.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Generic, TypeVar

FALSE = 0
TRUE = 1

Variable = TypeVar("Variable", bound=Hashable)


class Diagrams(Generic[Variable]):
    """All functions of some variables; the order of these decides how large the diagrams get."""

    def __init__(self, variables: Sequence[Variable]) -> None:
        self.variables = tuple(variables)
        self._level = {variable: level for level, variable in enumerate(self.variables)}
        last = len(self.variables)
        # Node → (level of its variable, the function without it, the function with it).
        self._nodes: list[tuple[int, int, int]] = [(last, FALSE, FALSE), (last, TRUE, TRUE)]
        self._known: dict[tuple[int, int, int], int] = {}
        self._ites: dict[tuple[int, int, int], int] = {}

    def __len__(self) -> int:
        """How many nodes were made so far, what measures the effort."""
        return len(self._nodes)

    def size(self, function: int) -> int:
        """How many nodes the function has."""
        found: set[int] = set()
        todo = [function]
        while todo:
            node = todo.pop()
            if node > TRUE and node not in found:
                found.add(node)
                todo += self._nodes[node][1:]
        return len(found)

    def variable(self, variable: Variable) -> int:
        """The function that is true where the variable is."""
        return self._node(self._level[variable], FALSE, TRUE)

    def ite(self, test: int, then: int, other: int) -> int:
        """If `test` then `then`, else `other`; every other operation is one of these."""
        if test == TRUE or then == other:
            return then
        if test == FALSE:
            return other
        key = (test, then, other)
        if key not in self._ites:
            level = min(self._nodes[each][0] for each in key)
            low = self.ite(*(self._branch(each, level, 1) for each in key))
            high = self.ite(*(self._branch(each, level, 2) for each in key))
            self._ites[key] = self._node(level, low, high)
        return self._ites[key]

    def no(self, function: int) -> int:
        """True where the function is not."""
        return self.ite(function, FALSE, TRUE)

    def every(self, functions: Iterable[int]) -> int:
        """True where all of them are."""
        return reduce(lambda one, other: self.ite(one, other, FALSE), functions, TRUE)

    def some(self, functions: Iterable[int]) -> int:
        """True where at least one of them is."""
        return reduce(lambda one, other: self.ite(one, TRUE, other), functions, FALSE)

    def meet(self, one: int, other: int) -> bool:
        """Whether both are true somewhere; asking costs less than making the function of both."""
        apart: set[tuple[int, int]] = set()

        def search(one: int, other: int) -> bool:
            if FALSE in (one, other) or (one, other) in apart:
                return False
            if TRUE in (one, other):
                return True
            level = min(self._nodes[one][0], self._nodes[other][0])
            for which in (1, 2):
                if search(self._branch(one, level, which), self._branch(other, level, which)):
                    return True
            apart.add((one, other))
            return False

        return search(one, other)

    def fixed(self, function: int, variable: Variable, value: bool) -> int:
        """The function with one variable held fast."""
        level, known = self._level[variable], {FALSE: FALSE, TRUE: TRUE}

        def fix(node: int) -> int:
            if node not in known:
                at, low, high = self._nodes[node]
                if at > level:
                    known[node] = node
                elif at == level:
                    known[node] = high if value else low
                else:
                    known[node] = self._node(at, fix(low), fix(high))
            return known[node]

        return fix(function)

    def holds(self, function: int, values: Mapping[Variable, bool]) -> bool:
        """The function's value; a variable that is not named is false."""
        while function > TRUE:
            level, low, high = self._nodes[function]
            function = high if values.get(self.variables[level]) else low
        return function == TRUE

    def parts(self, function: int) -> tuple[Variable, int, int]:
        """Its first variable, and what it is without and with it; not for `FALSE` and `TRUE`."""
        level, low, high = self._nodes[function]
        return self.variables[level], low, high

    def cheapest(self, function: int, costs: Mapping[Variable, int]) -> dict[Variable, bool] | None:
        """A model whose true variables cost least, without those that are false in it.

        Of several the one that makes later variables true; `None` where the function has no model.
        """
        known: dict[int, tuple[int, bool]] = {TRUE: (0, False)}

        def least(node: int) -> int | None:
            """The least cost of a model below the node."""
            if node == FALSE:
                return None
            if node not in known:
                level, low, high = self._nodes[node]
                without, more = least(low), least(high)
                if more is not None:
                    more += costs.get(self.variables[level], 0)
                takes = without is None or (more is not None and more < without)
                cost = more if takes else without
                assert cost is not None
                known[node] = (cost, takes)
            return known[node][0]

        if least(function) is None:
            return None
        model: dict[Variable, bool] = {}
        node = function
        while node > TRUE:
            level, low, high = self._nodes[node]
            if known[node][1]:
                model[self.variables[level]] = True
            node = high if known[node][1] else low
        return model

    def count(self, function: int, sized: Collection[Variable]) -> tuple[int, ...]:
        """The number of models, by how many of the variables in `sized` are true in them."""
        known: dict[int, list[int]] = {FALSE: [0], TRUE: [1]}

        def below(node: int, level: int) -> list[int]:
            """The models over the variables from `level` on; a skipped one may be either."""
            counts = models(node)
            for variable in self.variables[level : self._nodes[node][0]]:
                counts = _sum(counts, _with(counts, variable in sized))
            return counts

        def models(node: int) -> list[int]:
            if node not in known:
                level, low, high = self._nodes[node]
                more = _with(below(high, level + 1), self.variables[level] in sized)
                known[node] = _sum(below(low, level + 1), more)
            return known[node]

        counts = below(function, 0)
        return tuple(counts + [0] * (len(sized) + 1 - len(counts)))

    def _branch(self, node: int, level: int, which: int) -> int:
        return self._nodes[node][which] if self._nodes[node][0] == level else node

    def _node(self, level: int, low: int, high: int) -> int:
        if low == high:
            return low
        key = (level, low, high)
        if key not in self._known:
            self._known[key] = len(self._nodes)
            self._nodes.append(key)
        return self._known[key]


def _with(counts: list[int], sized: bool) -> list[int]:
    return [0, *counts] if sized else counts


def _sum(one: list[int], other: list[int]) -> list[int]:
    if len(one) < len(other):
        one, other = other, one
    return [count + (other[size] if size < len(other) else 0) for size, count in enumerate(one)]
