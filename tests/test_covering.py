"""Few wishes that stand for all: held against listing every resolution."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.catalog import load_catalog
from cdp_scaffold.covering import (
    alone,
    choices,
    covering,
    distinct,
    largest,
    pairs,
    patterns,
    representative,
)
from cdp_scaffold.feature_model import FeatureModel, told
from cdp_scaffold.resolver import Resolution


@pytest.fixture(scope="module")
def model(template: Path) -> FeatureModel:
    return FeatureModel(load_catalog(template / "blueprints" / "catalog.yml"))


def made(answer: Resolution) -> set[str]:
    """The choices that stand in an answer."""
    known = patterns_of(answer)
    return known | {f"{slot}={option}" for slot, option in answer.slots.items()}


def patterns_of(answer: Resolution) -> set[str]:
    entries = answer.catalog.entries
    return {id for id in answer.members if entries[id].kind == "pattern"}


def shown(answers: list[Resolution]) -> set[tuple[str, str]]:
    return {pair for answer in answers for pair in combinations(sorted(made(answer)), 2)}


def test_each_choice_stands_alone_in_a_wish(model: FeatureModel) -> None:
    """A pattern is wished for by itself; an option is taken in a smallest wish."""
    found = {name: told(answer) for name, answer in alone(model).items()}

    assert found == {
        "kettle": "kettle",
        "stove": "stove",
        "tea": "tea",
        "iced_tea": "iced_tea",
        "soup": "soup",
        "heat=kettle": "tea",
        "heat=stove": "tea heat=stove",
        "heat=both": "tea heat=both",
        "cup=mug": "tea",
        "cup=glass": "tea cup=glass",
        "spoon=teaspoon": "tea",
    }


def test_each_two_patterns_that_go_together_are_a_pair(model: FeatureModel) -> None:
    found = pairs(model)

    excluded = ("tea", "iced_tea")
    assert excluded not in found
    assert set(found) == {two for two in combinations(patterns(model), 2) if two != excluded}
    assert all(answer.wish == pair for pair, answer in found.items())


def test_a_covering_shows_every_pair_that_any_wish_has(model: FeatureModel) -> None:
    found = covering(model, choices(model))
    everything = list(model.each())

    assert shown(found) == shown(everything)
    assert len(found) < len(everything) / 2


def test_a_covering_builds_on_what_is_given(model: FeatureModel) -> None:
    given = covering(model, choices(model))[:1]

    found = covering(model, choices(model), given)

    assert shown([*given, *found]) == shown(list(model.each()))
    assert told(given[0]) not in map(told, found)


def test_the_apart_of_two_statements_is_covered_too(model: FeatureModel) -> None:
    statements = {"tea": model.having("tea"), "no soup": model.lacking("soup")}

    [answer] = covering(model, statements)

    assert "tea" in answer.members
    assert "soup" not in answer.members


def test_the_largest_wishes_are_those_with_no_more_patterns_to_add(model: FeatureModel) -> None:
    sets = {frozenset(patterns_of(answer)) for answer in model.each()}
    maximal = {one for one in sets if not any(one < other for other in sets)}

    found = largest(model)

    assert {frozenset(patterns_of(answer)) for answer in found} == maximal
    assert len(found) == len(maximal)
    assert len(patterns_of(found[0])) == max(map(len, sets))


def test_what_stands_for_all_has_each_resolution_once(model: FeatureModel) -> None:
    found = representative(model)

    assert len(distinct(found)) == len(found)
    assert shown(found) == shown(list(model.each()))
    assert all(model.agreeing(answer) != FALSE for answer in found)
