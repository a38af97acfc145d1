"""The benchmark of the resolver measures what it says: a sound catalogue, and equal answers."""

import runpy
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pytest

from cdp_scaffold.catalog import load_catalog
from cdp_scaffold.resolver import decide
from cdp_scaffold.rules import relation_faults

ROOT = Path(__file__).parents[1]
CATALOG = load_catalog(ROOT / "blueprints" / "catalog.yml")


@pytest.fixture(scope="module")
def bench() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "benchmarks" / "resolve.py")))


def test_several_of_the_catalogue_in_one_keep_its_rules(bench: SimpleNamespace) -> None:
    three = bench.many(CATALOG, 3)

    assert relation_faults(three) == []
    assert len(three.entries) == 3 * len(CATALOG.entries)
    assert len(three.slots) == 3 * len(CATALOG.slots)


def test_a_copy_decides_like_the_catalogue_itself(bench: SimpleNamespace) -> None:
    two = bench.many(CATALOG, 2)
    for wish in combinations(CATALOG.patterns, 2):
        alone = decide(CATALOG, wish, {})
        copied = decide(two, [f"{id}_1" for id in wish], {})
        members = {id for id in copied.members if id.endswith("_1")}
        assert members == {f"{id}_1" for id in alone.members}
        assert bool(copied.wrong) == bool(alone.wrong)


def test_the_largest_wish_is_valid_and_reaches_most(bench: SimpleNamespace) -> None:
    two = bench.many(CATALOG, 2)
    decision = decide(two, bench.largest(two), {})

    assert not decision.wrong
    assert len(decision.members) > 0.7 * len(two.entries)


def test_the_sat_solver_gives_the_same_answer_to_every_pair(bench: SimpleNamespace) -> None:
    solver = bench.SatResolver(CATALOG)
    refused = 0
    for wish in combinations(CATALOG.patterns, 2):
        expected = bench.answer(CATALOG, wish)
        assert solver.decide(wish) == expected
        refused += expected is None

    assert refused > 0


def test_steps_grow_with_the_work(bench: SimpleNamespace) -> None:
    def work(rounds: int) -> int:
        return int(bench.steps(lambda: sum(each for each in range(rounds))))

    assert 0 < work(1_000) - work(500) <= work(500)
    assert work(500) == work(500)
