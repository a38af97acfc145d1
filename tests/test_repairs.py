"""Every suggested way out of a conflict is a smallest one, and works as printed."""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from typer.testing import CliRunner

from cdp_scaffold.catalog import Catalog, build_catalog, load_catalog
from cdp_scaffold.cli import app
from cdp_scaffold.explain import repair_command
from cdp_scaffold.resolver import Conflict, Repair, Resolution, decide, resolve
from tests.made_up import Raw, catalogue, catalogues_and_wishes, slot

REAL = load_catalog(Path(__file__).parents[1] / "blueprints" / "catalog.yml")
Drop = frozenset[str]
Set = frozenset[tuple[str, str | None]]


def repairs(
    catalog: Catalog, *wish: str, **choices: str
) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """What each repair drops, and what it sets."""
    answer = resolve(catalog, wish, choices)
    assert isinstance(answer, Conflict)
    return [(repair.drop, dict(repair.choose)) for repair in answer.repairs]


def as_printed(repair: Repair) -> tuple[list[str], dict[str, str]]:
    """Wish and choices, read back from the command that a user pastes."""
    words = shlex.split(repair_command(repair))
    assert words[:2] == ["cdp", "resolve"]
    wish, choices = [], {}
    rest = iter(words[2:])
    for word in rest:
        if word == "--set":
            name, _, option = next(rest).partition("=")
            choices[name] = option
        else:
            wish.append(word)
    return wish, choices


def test_either_side_of_an_exclusion_may_be_dropped() -> None:
    catalog = catalogue({"alpha": {"excludes": ["bravo"]}, "bravo": {}, "charlie": {}})

    assert repairs(catalog, "alpha", "bravo", "charlie") == [(("bravo",), {}), (("alpha",), {})]


def test_what_is_dropped_is_what_was_wished_for() -> None:
    catalog = catalogue(
        {"alpha": {"needs": ["bravo"]}, "bravo": {"excludes": ["charlie"]}, "charlie": {}}
    )

    assert repairs(catalog, "alpha", "charlie") == [(("charlie",), {}), (("alpha",), {})]


def test_a_side_with_two_wishes_behind_it_is_not_among_the_smallest() -> None:
    catalog = catalogue(
        {
            "alpha": {"needs": ["charlie"]},
            "bravo": {"needs": ["charlie"]},
            "charlie": {"excludes": ["delta"]},
            "delta": {},
        }
    )

    assert repairs(catalog, "alpha", "bravo", "delta") == [(("delta",), {})]


def test_an_undecided_slot_may_be_chosen_for() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}},
        slots={
            "cooking": slot(
                "quick",
                {"quick": ["bravo"], "slow": ["charlie"], "both": ["bravo", "charlie"]},
                asks=["both"],
            )
        },
    )

    assert repairs(catalog, "alpha", "bravo", "charlie") == [
        (("charlie",), {}),
        (("bravo",), {}),
        (("alpha",), {}),
        ((), {"cooking": "both"}),
    ]


def test_a_choice_may_be_changed_in_the_order_of_the_options() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"], "excludes": ["delta"]}, "delta": {}},
        slots={"cooking": slot("quick", {"slow": [], "quick": [], "both": ["delta"]})},
    )

    assert repairs(catalog, "alpha", cooking="both") == [
        ((), {"cooking": "slow"}),
        ((), {"cooking": "quick"}),
    ]


def test_a_choice_is_never_just_taken_back() -> None:
    """Without it bravo would decide, which is what `cooking=quick` says more clearly."""
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}},
        slots={"cooking": slot("slow", {"quick": ["bravo"], "slow": []}, exclusive=True)},
    )

    assert repairs(catalog, "alpha", "bravo", cooking="slow") == [
        (("bravo",), {}),
        (("alpha",), {}),
        ((), {"cooking": "quick"}),
    ]


def test_a_default_can_be_avoided_by_choosing_for_an_earlier_slot() -> None:
    """The filler that the earlier slot brings decides the later one."""
    catalog = catalogue(
        {
            "alpha": {"slots": ["cooking", "driving"], "excludes": ["bravo"]},
            "bravo": {},
            "charlie": {},
            "delta": {"needs": ["charlie"]},
        },
        slots={
            "cooking": slot("quick", {"quick": [], "slow": ["delta"]}),
            "driving": slot("quick", {"quick": ["bravo"], "slow": ["charlie"]}),
        },
    )

    assert repairs(catalog, "alpha") == [
        ((), {"cooking": "slow"}),
        ((), {"driving": "slow"}),
    ]


def test_a_default_can_be_avoided_by_dropping_what_decides_an_earlier_slot() -> None:
    """Without bravo the cooking is quick by default, and brings what decides the driving."""
    catalog = catalogue(
        {"alpha": {"slots": ["cooking", "driving"], "excludes": ["oven"]}, "bravo": {}},
        {"fridge": {"needs": ["cart"]}, "cart": {}, "oven": {}},
        {
            "cooking": slot("quick", {"quick": ["fridge"], "slow": ["bravo"]}),
            "driving": slot("quick", {"quick": ["oven"], "slow": ["cart"]}),
        },
    )

    assert repairs(catalog, "alpha", "bravo") == [
        (("bravo",), {}),
        (("alpha",), {}),
        ((), {"driving": "slow"}),
    ]


def test_several_conflicts_are_repaired_together() -> None:
    catalog = catalogue(
        {
            "alpha": {"excludes": ["bravo"]},
            "bravo": {},
            "charlie": {"excludes": ["delta"]},
            "delta": {},
        }
    )

    assert repairs(catalog, "alpha", "bravo", "charlie", "delta") == [
        (("bravo", "delta"), {}),
        (("bravo", "charlie"), {}),
        (("alpha", "delta"), {}),
        (("alpha", "charlie"), {}),
    ]


def test_wanting_nothing_is_no_way_out() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"], "excludes": ["bravo"]}, "bravo": {}},
        slots={"cooking": slot("quick", {"quick": ["bravo"], "slow": ["bravo"]}, asks=["slow"])},
    )

    assert repairs(catalog, "alpha") == []


def test_a_choice_that_has_nothing_to_decide_any_more_falls_away() -> None:
    """`cdp new` would refuse it."""
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}},
        slots={"cooking": slot("quick", {"quick": [], "slow": ["bravo"]})},
    )
    answer = resolve(catalog, ["alpha", "bravo", "charlie"], {"cooking": "quick"})
    assert isinstance(answer, Conflict)

    found = {repair.drop: (dict(repair.choices), repair.unasked) for repair in answer.repairs}

    assert found[("alpha",)] == ({}, ("cooking",))
    assert found[("bravo",)] == ({"cooking": "quick"}, ())


def test_slots_that_fill_each_other_do_not_hold_the_search_up() -> None:
    """What cooking brings decides driving, and what driving may bring would do the cooking."""
    catalog = catalogue(
        {"alpha": {"slots": ["cooking", "driving"], "excludes": ["oven"]}},
        {"oven": {"needs": ["cart"]}, "cart": {}, "truck": {}},
        {
            "cooking": slot("quick", {"quick": ["oven"], "slow": ["truck"]}, exclusive=False),
            "driving": slot("quick", {"quick": ["cart"], "slow": ["truck"]}, exclusive=False),
        },
    )

    assert repairs(catalog, "alpha") == [((), {"cooking": "slow"})]


def every_change(
    catalog: Catalog, wish: Sequence[str], choices: Mapping[str, str], size: int
) -> Iterator[tuple[Drop, Set]]:
    """All changes of so many steps that resolve, by trying each."""
    steps: list[tuple[str, str, str | None]] = [("drop", id, None) for id in wish]
    for name, job in catalog.slots.items():
        steps += [
            ("set", name, option) for option in (*job.options, None) if option != choices.get(name)
        ]
    for taken in combinations(steps, size):
        drop = frozenset(id for kind, id, _ in taken if kind == "drop")
        set_ = frozenset((name, option) for kind, name, option in taken if kind == "set")
        left = [id for id in wish if id not in drop]
        if left and len(drop) + len(dict(set_)) == size:
            after = {**choices, **dict(set_)}
            if not decide(catalog, left, {k: v for k, v in after.items() if v is not None}).wrong:
                yield drop, set_


@settings(max_examples=200, deadline=None)
@given(catalogues_and_wishes(conflicting=True))
def test_the_repairs_are_all_smallest_ones(drawn: tuple[Raw, list[str], dict[str, str]]) -> None:
    """As found by trying every change; of changes with the very same effect one is enough."""
    raw, wish, choices = drawn
    catalog = build_catalog(raw)
    answer = resolve(catalog, wish, choices)
    assume(isinstance(answer, Conflict))
    assert isinstance(answer, Conflict)
    size = len(answer.repairs[0].drop + answer.repairs[0].choose) if answer.repairs else 4

    def effect(drop: Drop, set_: Set) -> tuple[object, ...]:
        after = {k: v for k, v in {**choices, **dict(set_)}.items() if v is not None}
        decision = decide(catalog, [id for id in answer.wish if id not in drop], after)
        slots = tuple(decision.slots.items())
        return drop, frozenset(name for name, _ in set_), frozenset(decision.members), slots

    found = [(frozenset(repair.drop), frozenset(repair.choose)) for repair in answer.repairs]
    tried = set(every_change(catalog, answer.wish, choices, min(size, 3)))

    for smaller in range(1, size):
        assert not list(every_change(catalog, answer.wish, choices, smaller))
    if size < 4:
        assert set(found) <= tried
        assert len({effect(*each) for each in found}) == len(found)
        assert {effect(*each) for each in found} == {effect(*each) for each in tried}


CONFLICTING_PAIRS = [
    pair for pair in combinations(REAL.patterns, 2) if isinstance(resolve(REAL, pair), Conflict)
]


@pytest.mark.parametrize("pair", CONFLICTING_PAIRS, ids=" ".join)
def test_every_repair_of_a_conflicting_pair_succeeds_as_printed(pair: tuple[str, str]) -> None:
    """Through the command itself, exit code and all."""
    answer = resolve(REAL, pair)
    assert isinstance(answer, Conflict) and answer.repairs
    for repair in answer.repairs:
        words = shlex.split(repair_command(repair))

        result = CliRunner().invoke(app, words[1:])

        assert result.exit_code == 0, (words, result.output)
        assert "nothing here asks for it" not in result.output


def random_conflicts(count: int, seed: int) -> Iterator[Conflict]:
    chance = random.Random(seed)  # noqa: S311 - the same wishes in every run
    while count:
        wish = chance.sample(REAL.patterns, chance.randint(2, 20))
        choices = {
            name: chance.choice(list(job.options))
            for name, job in REAL.slots.items()
            if chance.random() < 0.15
        }
        answer = resolve(REAL, wish, choices)
        if isinstance(answer, Conflict):
            count -= 1
            yield answer


def test_every_repair_of_1000_random_conflicts_resolves_as_printed() -> None:
    tried = 0
    for conflict in random_conflicts(1000, seed=48):
        assert conflict.repairs, conflict.wish
        for repair in conflict.repairs:
            wish, choices = as_printed(repair)
            answer = resolve(REAL, wish, choices)
            assert isinstance(answer, Resolution), (conflict.wish, conflict.choices, repair)
            assert answer.unused == ()
            tried += 1
    assert tried > 2000


def test_a_repair_of_a_random_conflict_keeps_all_but_what_it_says() -> None:
    for conflict in random_conflicts(200, seed=84):
        for repair in conflict.repairs:
            assert set(repair.wish) | set(repair.drop) == set(conflict.wish)
            kept = {k: v for k, v in conflict.choices.items() if k not in dict(repair.choose)}
            assert {k: repair.choices[k] for k in kept if k not in repair.unasked} == {
                k: v for k, v in kept.items() if k not in repair.unasked
            }
