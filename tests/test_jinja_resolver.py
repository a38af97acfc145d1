"""The resolver in Jinja, which plain copier uses, answers as the one in Python does.

Held equal are the members, the slots, and the conflicts: how many, and which of them are
exclusions, for `copier.yml` tells those by their wording.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from cdp_scaffold.catalog import Catalog, build_catalog, load_catalog
from cdp_scaffold.resolver import decide, resolve
from tests.made_up import Raw, catalogues_and_wishes, raw_catalogue, slot

ROOT = Path(__file__).parents[1]
FILE = ROOT / "blueprints" / "catalog.yml"
REAL = load_catalog(FILE)
DATA: Raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
CHUNKS = 16
"""Parts of the triples, so that several processes share them."""


def macros(environment: type[Environment]) -> Any:
    """The macros, compiled once, with what copier gives to templates."""
    jinja = environment(
        loader=FileSystemLoader(ROOT),
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return jinja.get_template("macros/resolve.jinja").module


# Copier renders in a sandbox, which takes 2.5 times as long: singles and pairs go through it, and
# the many others through the same compiled code without its guards.
AS_COPIER = macros(SandboxedEnvironment)
QUICK = macros(Environment)


def in_jinja(
    jinja: Any, data: Raw, wish: Iterable[str], choices: Mapping[str, str]
) -> tuple[list[str], dict[str, str], list[bool]]:
    """Members, slots, and for each conflict whether it is an exclusion."""
    answer = json.loads(jinja.resolve(data, list(wish), dict(choices)))
    return (
        answer["members"],
        answer["slots"],
        [" excludes " in conflict for conflict in answer["conflicts"]],
    )


def in_python(
    catalog: Catalog, wish: Iterable[str], choices: Mapping[str, str]
) -> tuple[list[str], dict[str, str], list[bool]]:
    decision = decide(catalog, wish, choices)
    return (
        list(catalog.ordered(decision.members)),
        dict(decision.slots),
        [kind == "excluded" for kind, _, _ in decision.wrong],
    )


@pytest.mark.parametrize("pattern", REAL.patterns)
def test_a_single_pattern_is_resolved_alike_with_any_choice(pattern: str) -> None:
    for name, job in REAL.slots.items():
        for choices in ({}, *({name: option} for option in job.options)):
            jinja = in_jinja(AS_COPIER, DATA, [pattern], choices)
            assert jinja == in_python(REAL, [pattern], choices), choices


@pytest.mark.parametrize("first", REAL.patterns[:-1])
def test_every_pair_is_resolved_alike(first: str) -> None:
    for second in REAL.patterns[REAL.patterns.index(first) + 1 :]:
        pair = (first, second)
        assert in_jinja(AS_COPIER, DATA, pair, {}) == in_python(REAL, pair, {}), pair


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_triple_is_resolved_alike(chunk: int) -> None:
    """All 17,296 of them."""
    for triple in islice(combinations(REAL.patterns, 3), chunk, None, CHUNKS):
        assert in_jinja(QUICK, DATA, triple, {}) == in_python(REAL, triple, {}), triple


CHOICES = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(list(job.options)) for name, job in REAL.slots.items()}
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(REAL.patterns), min_size=1, max_size=48), CHOICES)
def test_larger_wishes_with_choices_are_resolved_alike(
    wish: list[str], choices: dict[str, str]
) -> None:
    assert in_jinja(QUICK, DATA, wish, choices) == in_python(REAL, wish, choices)


@settings(max_examples=400, deadline=None)
@given(catalogues_and_wishes())
def test_wishes_for_other_catalogues_are_resolved_alike(
    drawn: tuple[Raw, list[str], dict[str, str]],
) -> None:
    """So that a rule which the catalogue does not use today is held to as well."""
    raw, wish, choices = drawn

    assert in_jinja(QUICK, raw, wish, choices) == in_python(build_catalog(raw), wish, choices)


def test_both_ways_to_compile_the_macros_answer_alike() -> None:
    for pattern in REAL.patterns:
        assert AS_COPIER.resolve(DATA, [pattern], {}) == QUICK.resolve(DATA, [pattern], {})


def test_a_conflict_is_told_in_a_sentence_that_names_the_choices() -> None:
    raw = raw_catalogue(
        {
            "alpha": {"slots": ["cooking"], "excludes": {"delta": "it is too hot"}},
            "bravo": {},
            "charlie": {},
            "delta": {},
        },
        slots={"cooking": slot("quick", {"quick": ["bravo"], "slow": ["charlie"]})},
    )

    def conflicts(wish: list[str], choices: dict[str, str]) -> Any:
        return json.loads(AS_COPIER.resolve(raw, wish, choices))["conflicts"]

    assert conflicts(["alpha", "bravo"], {}) == []
    assert conflicts(["alpha", "delta"], {}) == ["Alpha excludes Delta: it is too hot"]
    assert conflicts(["alpha", "bravo", "charlie"], {}) == [
        "Cooking is one job; choose `cooking`: quick, slow"
    ]
    assert conflicts(["alpha", "bravo"], {"cooking": "slow"}) == [
        "Cooking is to be Slow, which does not go with Bravo"
    ]


def test_a_question_offers_the_options_that_are_ready() -> None:
    raw = raw_catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}, "delta": {}},
        slots={
            "cooking": slot("quick", {"quick": [], "slow": ["bravo"], "both": ["charlie", "delta"]})
        },
    )
    raw["entries"]["delta"]["status"] = "planned"

    assert json.loads(AS_COPIER.options(raw, "cooking")) == [
        ["Quick: quick will do", "quick"],
        ["Slow: slow will do", "slow"],
    ]


@pytest.mark.parametrize("name", REAL.slots)
def test_a_question_of_the_catalogue_offers_what_is_ready(name: str) -> None:
    job = REAL.slots[name]
    offered = [option for _, option in json.loads(AS_COPIER.options(DATA, name))]
    ready = [
        option.id
        for option in job.options.values()
        if all(REAL.entries[id].status == "ready" for id in option.fills)
    ]

    assert offered == ready


@pytest.mark.parametrize(
    ("wish", "name", "option"),
    [
        (["stamp"], "server_setup", "bootstrap"),
        (["stamp"], "server_setup", "layered"),
        (["multi_server"], "content_sync", "master"),
        (["cache_distribution"], "front_door", "internet"),
        (["cache_distribution"], "front_door", "edge"),
    ],
)
def test_a_choice_is_refused_where_the_resolver_refuses_it(
    wish: list[str], name: str, option: str
) -> None:
    refused = AS_COPIER.refuse(DATA, wish, name, option)

    assert bool(refused) == bool(resolve(REAL, wish, {name: option}).decision.wrong)
