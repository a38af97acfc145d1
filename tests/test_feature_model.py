"""The valid wishes as one function: held against trying every wish."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_scaffold.answers import asked_slots
from cdp_scaffold.bdd import FALSE, Diagrams
from cdp_scaffold.catalog import Catalog, build_catalog, load_catalog
from cdp_scaffold.feature_model import FeatureModel, told
from cdp_scaffold.model import Variable
from cdp_scaffold.questions import Question, Questions
from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.test_answers import OPENED_BY_A_CHOICE

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def catalog(template: Path) -> Catalog:
    return load_catalog(template / "blueprints" / "catalog.yml")


@pytest.fixture(scope="module")
def model(catalog: Catalog) -> FeatureModel:
    return FeatureModel(catalog)


def answers(catalog: Catalog) -> list[Resolution]:
    """Every wish with every choice, as far as all of its answer can be generated."""
    ready = [id for id, entry in catalog.entries.items() if entry.status == "ready"]
    patterns = [id for id in ready if catalog.entries[id].kind == "pattern"]
    options = [[None, *slot.options] for slot in catalog.slots.values()]
    found = []
    for size in range(1, len(patterns) + 1):
        for wish in combinations(patterns, size):
            for chosen in product(*options):
                choices = {s: o for s, o in zip(catalog.slots, chosen, strict=True) if o}
                answer = resolve(catalog, wish, choices)
                if isinstance(answer, Resolution) and set(answer.members) <= set(ready):
                    found.append(answer)
    return found


def shape(answer: Resolution) -> tuple[object, ...]:
    return answer.members, tuple(sorted(answer.slots.items()))


def test_it_holds_each_distinct_resolution_once(catalog: Catalog, model: FeatureModel) -> None:
    tried = {shape(answer) for answer in answers(catalog)}
    listed = [shape(answer) for answer in model.each()]

    assert sorted(listed) == sorted(tried)
    assert model.resolutions() == len(tried)


def test_it_holds_what_the_template_takes_answers_for() -> None:
    """A job that only another choice opens is left to its default, and so are jobs never asked."""
    catalog = build_catalog(OPENED_BY_A_CHOICE)
    for asked in (["way", "fuel"], ["way"], ["fuel"], []):
        asking = {name: Question(name, "str", "", None, "") for name in asked}
        questions = Questions(Path(), asking, {})

        listed = [shape(answer) for answer in FeatureModel(catalog, questions.all).each()]

        taken = {
            shape(answer)
            for answer in answers(catalog)
            if set(answer.choices) <= set(asked_slots(questions, answer))
        }
        assert sorted(listed) == sorted(taken), asked


def test_it_holds_what_the_real_template_takes_answers_for() -> None:
    template = Template(ROOT)
    catalog, questions = template.catalog, template.questions
    model = FeatureModel(catalog, questions.all)
    patterns = [id for id in model.ready if catalog.entries[id].kind == "pattern"]
    asked = [slot for slot in catalog.slots.values() if slot.id in questions.all]
    options = [(slot.id, option) for slot in asked for option in slot.options]
    seen = set()

    for wish, chosen in product(patterns, combinations(options, 2)):
        answer = resolve(catalog, [wish], dict(chosen))
        if isinstance(answer, Resolution) and set(answer.members) <= set(model.ready):
            slots = {s: o for s, o in answer.slots.items() if s in questions.all}
            taken = asked_slots(questions, answer)
            heard = all(s in taken or o == catalog.slots[s].default for s, o in slots.items())
            seen.add(heard)
            assignment: dict[Variable, bool] = dict.fromkeys([wish, *slots.items()], True)
            assert model.diagrams.holds(model.valid, assignment) == heard, answer

    assert seen == {True, False}


def test_what_is_said_of_a_member_or_a_slot_is_so(catalog: Catalog, model: FeatureModel) -> None:
    everything = answers(catalog)
    for id in model.ready:
        having = {shape(a) for a in everything if id in a.members}
        assert (model.having(id) != FALSE) == bool(having)
        lacking = {shape(a) for a in everything if id not in a.members}
        assert (model.lacking(id) != FALSE) == bool(lacking)
        assert model.both(model.having(id), model.lacking(id)) == FALSE
    for slot in catalog.slots.values():
        for option in (*slot.options, None):
            taking = [a for a in everything if a.slots.get(slot.id) == option]
            assert (model.taking(slot.id, option) != FALSE) == bool(taking), (slot.id, option)


def test_the_smallest_wish_is_one_and_no_wish_is_smaller(
    catalog: Catalog, model: FeatureModel
) -> None:
    everything = answers(catalog)
    for one, other in combinations(model.ready, 2):
        found = model.smallest(model.both(model.having(one), model.lacking(other)))
        fitting = [a for a in everything if one in a.members and other not in a.members]
        if found is None:
            assert not fitting
        else:
            assert one in found.members and other not in found.members
            assert len(found.wish) == min(len(a.wish) for a in fitting)


def test_a_smallest_wish_makes_no_choice_that_comes_anyway(
    catalog: Catalog, model: FeatureModel
) -> None:
    for answer in model.each():
        for slot in answer.choices:
            choices = {k: v for k, v in answer.choices.items() if k != slot}
            plainer = resolve(catalog, answer.wish, choices)
            assert not isinstance(plainer, Resolution) or shape(plainer) != shape(answer)
        again = resolve(catalog, answer.wish, dict(answer.choices))
        assert isinstance(again, Resolution) and shape(again) == shape(answer)


def test_a_wish_is_told_as_one_would_type_it(catalog: Catalog) -> None:
    answer = resolve(catalog, ["tea"], {"heat": "both"})
    assert isinstance(answer, Resolution)

    assert told(answer) == "tea heat=both"


@given(
    st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=5),
    st.lists(st.integers(0, 9), min_size=6, max_size=6),
)
def test_the_cheapest_model_costs_no_more_than_any(
    clauses: list[set[int]], costs: list[int]
) -> None:
    """A function made of ors of variables, some of them negated, against all 64 assignments."""
    d = Diagrams(range(6))
    literals = [
        [d.no(d.variable(v)) if (v + n) % 3 == 0 else d.variable(v) for v in clause]
        for n, clause in enumerate(clauses)
    ]
    function = d.every(d.some(each) for each in literals)
    named = dict(enumerate(costs))
    models = [
        dict(enumerate(values))
        for values in product((False, True), repeat=6)
        if d.holds(function, dict(enumerate(values)))
    ]

    found = d.cheapest(function, named)

    if not models:
        assert found is None
    else:
        assert found is not None and d.holds(function, found)
        assert sum(named[v] for v in found) == min(
            sum(named[v] for v, value in model.items() if value) for model in models
        )
