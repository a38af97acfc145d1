"""What resolving costs: each wish, growing catalogues, and a SAT solver on the same wishes.

Prints times of one core and, what matters on another machine, their ratios. Every answer that is
timed is compared too: a fast wrong one counts for nothing.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import FrameType
from typing import Any

from pysat.solvers import Solver

from cdp_scaffold.catalog import Catalog, Entry, Slot, Why, load_catalog
from cdp_scaffold.resolver import Resolution, decide, resolve
from cdp_scaffold.rules import relation_faults

FILE = Path(__file__).parents[1] / "blueprints" / "catalog.yml"
COPIES = (1, 10, 100)
SOLVER = "minisat22"

Answer = tuple[frozenset[str], dict[str, str]] | None
"""Members and slots, or nothing where the wish is refused."""


def main() -> None:
    """Run all and print it."""
    catalog = load_catalog(FILE)
    wishes = list(combinations(catalog.patterns, 3))
    print(f"all {len(wishes):,} wishes for three patterns")
    alone = _timed("decide: members and slots", wishes, lambda wish: decide(catalog, wish, {}))
    _timed("resolve: with every reason and chain", wishes, lambda wish: _told(catalog, wish), alone)
    solver = SatResolver(catalog)
    _timed(f"SAT ({SOLVER}): members and slots", wishes, solver.decide, alone)
    for wish in wishes:
        assert solver.decide(wish) == answer(catalog, wish), wish
    print("  the SAT solver gives the same answer to each")

    print("\nthe catalogue itself, ten and a hundred of it in one")
    assert not relation_faults(many(catalog, 3))
    print("'time' and 'steps' are those of an edge, as a multiple of the first line; steps are")
    print("executed bytecodes, which no cache or neighbour on the machine changes; 1 is linear")
    head = ("patterns", "edges", "3 patterns", "most of them", "time", "steps")
    print("".join(f"{each:>13}" for each in (*head, "with reasons", "time", "steps")))
    first: tuple[float, ...] = ()
    for copies in COPIES:
        first = _growth(many(catalog, copies), first)


def _growth(catalog: Catalog, first: tuple[float, ...]) -> tuple[float, ...]:
    """One line: the size, and the cost of small wishes and of one that reaches nearly all.

    Gives time and steps of an edge, without and with reasons, of the first line.
    """
    small = _sample(catalog, 200)
    most = largest(catalog)
    reached = decide(catalog, most, {})
    assert not reached.wrong and len(reached.members) > len(catalog.entries) * 0.7
    edges = sum(len(catalog.slots[slot].fillers) for slot in reached.slots)
    for id in reached.members:
        edges += len(catalog.entries[id].needs) + len(catalog.entries[id].slots)
    of_small = _seconds(lambda: [decide(catalog, wish, {}) for wish in small]) / len(small)
    cells = [f"{len(catalog.patterns):,}", f"{edges:,}", f"{of_small * 1e6:.0f} µs"]
    costs: list[float] = []
    for do in (lambda: decide(catalog, most, {}), lambda: resolve(catalog, most).nearest):
        seconds = _seconds(do, 9)
        costs += [seconds / edges, steps(do) / edges]
        time_then, steps_then = first[len(costs) - 2 : len(costs)] or costs[-2:]
        ratios = (costs[-2] / time_then, costs[-1] / steps_then)
        cells += [f"{seconds * 1e3:.2f} ms", *(f"{ratio:.2f}" for ratio in ratios)]
    print("".join(f"{each:>13}" for each in cells))
    return first or tuple(costs)


def steps(do: Callable[[], object]) -> int:
    """How many bytecodes it executes."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        do()
    finally:
        sys.settrace(before)
    return count


def _timed(
    what: str,
    wishes: Sequence[tuple[str, ...]],
    do: Callable[[tuple[str, ...]], object],
    alone: float = 0.0,
) -> float:
    """Time the wishes and print it; gives the seconds of all."""
    seconds = _seconds(lambda: [do(wish) for wish in wishes])
    ratio = f"{seconds / alone:6.2f} times as long" if alone else ""
    print(f"  {what:38} {seconds:6.2f} s {seconds / len(wishes) * 1e6:7.1f} µs a wish  {ratio}")
    return seconds


def _seconds(do: Callable[[], object], rounds: int = 3) -> float:
    """The least of some rounds, in seconds of the processor."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        begin = time.process_time()
        do()
        best = min(best, time.process_time() - begin)
    return best


def _told(catalog: Catalog, wish: Iterable[str]) -> object:
    """All that `cdp resolve` would tell of it."""
    found = resolve(catalog, wish)
    if isinstance(found, Resolution):
        return found.reasons, [found.chain(id) for id in found.members]
    return found.facts


def answer(catalog: Catalog, wish: Iterable[str]) -> Answer:
    """What the resolver says, to compare."""
    decision = decide(catalog, wish, {})
    return None if decision.wrong else (frozenset(decision.members), dict(decision.slots))


def many(catalog: Catalog, copies: int) -> Catalog:
    """The same catalogue several times in one, every copy's alarms standing on the next one's.

    So a wish meets as many slots to pass over as there are, and one that reaches nearly all goes as
    deep as there are copies.
    """
    slots: dict[str, Slot] = {}
    entries: dict[str, Entry] = {}
    for copy in range(copies):

        def named(id: str, copy: int = copy) -> str:
            return f"{id}_{copy}"

        for id, slot in catalog.slots.items():
            options = {
                key: replace(option, fills=tuple(map(named, option.fills)))
                for key, option in slot.options.items()
            }
            slots[named(id)] = replace(slot, id=named(id), options=options)
        for id, entry in catalog.entries.items():
            entries[named(id)] = replace(
                entry,
                id=named(id),
                title=f"{entry.title} {copy}",
                needs={named(other): why for other, why in entry.needs.items()},
                slots={named(other): why for other, why in entry.slots.items()},
                excludes={named(other): why for other, why in entry.excludes.items()},
                suits={named(other): why for other, why in entry.suits.items()},
            )
        if copy + 1 < copies:
            onward = {f"alarms_{copy + 1}": Why("they are heard there too")}
            entries[named("alarms")] = replace(entries[named("alarms")], needs=onward)
    return Catalog(entries, slots, catalog.families)


def largest(catalog: Catalog) -> tuple[str, ...]:
    """All patterns but the later ones of those that refuse each other."""
    by_copy: dict[str, list[str]] = {}
    for id in catalog.patterns:
        by_copy.setdefault(id.rpartition("_")[2], []).append(id)
    wish: list[str] = []
    for ids in by_copy.values():  # a copy's patterns refuse none of another's
        kept: list[str] = []
        for id in ids:
            if not decide(catalog, (*kept, id), {}).wrong:
                kept.append(id)
        wish += kept
    return tuple(wish)


def _sample(catalog: Catalog, count: int) -> list[tuple[str, ...]]:
    dice = random.Random(3)  # noqa: S311 - nothing here is secret
    return [tuple(dice.sample(catalog.patterns, 3)) for _ in range(count)]


class SatResolver:
    """The same answers from a SAT solver: needs are clauses, and propagation closes the wish.

    Defaults are no clauses, for "unless something fills it" is about what cannot be derived. So the
    slots are decided one after the other, each from what is derived so far, as in the resolver.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._solver = Solver(name=SOLVER)
        self._numbers: dict[object, int] = {id: n for n, id in enumerate(catalog.entries, 1)}
        self._ids = dict(enumerate(catalog.entries, 1))
        for id, entry in catalog.entries.items():
            for need in entry.needs:
                self._solver.add_clause([-self._number(id), self._number(need)])
            for asked in entry.slots:
                self._solver.add_clause([-self._number(id), self._number(("asked", asked))])
            for other in entry.excludes:
                self._solver.add_clause([-self._number(id), -self._number(other)])
        for slot in catalog.slots.values():
            for option in slot.options.values():
                taken = self._number((slot.id, option.id))
                for id in option.fills:
                    self._solver.add_clause([-taken, self._number(id)])
                for id in slot.fillers if slot.exclusive else ():
                    if id not in option.fills:
                        self._solver.add_clause([-taken, -self._number(id)])

    def _number(self, thing: object) -> int:
        return self._numbers.setdefault(thing, len(self._numbers) + 1)

    def decide(self, wish: Iterable[str]) -> Answer:
        """Members and slots, or nothing where the wish is refused."""
        assumed = [self._number(id) for id in (*self.catalog.always, *wish)]
        slots: dict[str, str] = {}
        right, derived = self._solver.propagate(assumptions=assumed)
        true = {*assumed, *derived}  # a variable of no clause is derived by nobody
        for name, slot in self.catalog.slots.items():
            if not right:
                return None
            if self._number(("asked", name)) not in true:
                continue
            present = [id for id in slot.fillers if self._number(id) in true]
            option = slot.default if not present else ""
            for each in slot.options.values() if present else ():
                if slot.exclusive:
                    fits = not each.asks and all(id in each.fills for id in present)
                else:
                    fits = any(id in each.fills for id in present)
                if fits:
                    option = each.id
                    break
            if not option:
                return None
            slots[name] = option
            if slot.exclusive or not present:
                assumed.append(self._number((name, option)))
                right, derived = self._solver.propagate(assumptions=assumed)
                true = {*assumed, *derived}
        if not right:
            return None
        return frozenset(self._ids[each] for each in true if each in self._ids), slots


if __name__ == "__main__":
    main()
