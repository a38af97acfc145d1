"""Every distinct text of a template, found by forking on what it reads."""

from __future__ import annotations

import pytest

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.render import Source, Template
from cdp_scaffold.variants import Variants, variants
from tests.conftest import write_template

FILES = {
    "{{use.table}}/heat.txt.jinja": "{{ resolution.slots.heat | default('none') }}\n",
    "{{use.table}}/nested.txt.jinja": (
        "{% if use.tea %}{% if use.stove %}pot{% else %}cup{% endif %}{% else %}none{% endif %}\n"
    ),
    "{{use.tea}}/milk.txt.jinja": "{{ plugs.get('milk', []) | map(attribute='value') | join }}\n",
    "{{use.tea}}/implied.txt.jinja": "{{ 'always' if use.tea }}{{ ' mug' if use.mug }}\n",
    "{{use.iced_tea}}/dead.txt.jinja": "{{ 'never' if use.tea else 'cold' }}\n",
    "{{use.table}}/wish.txt.jinja": "{{ patterns | join(' ') }}\n",
    "{{use.stove}}/.cdp/contributes.yml": "milk: [hot]\n",
    "{{use.mug}}/.cdp/contributes.yml": "milk: [cow]\n",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(write_template(tmp_path_factory.mktemp("variants") / "template", FILES))


@pytest.fixture(scope="module")
def model(template: Template) -> FeatureModel:
    return FeatureModel(template.catalog)


def of(template: Template, model: FeatureModel, path: str) -> Variants:
    [source] = [source for source in template.sources if source.path == path]
    return variants(template, source, model)


def test_a_file_that_is_copied_has_one_text(template: Template, model: FeatureModel) -> None:
    assert of(template, model, "stove.txt").texts == {"always": "Mind the handle.\n"}


def test_a_slot_that_is_read_gives_a_text_for_each_option(
    template: Template, model: FeatureModel
) -> None:
    assert of(template, model, "heat.txt").texts == {
        "alone": "none\n",
        "heat=both": "both\n",
        "heat=kettle": "kettle\n",
        "heat=stove": "stove\n",
    }


def test_what_is_not_read_decides_nothing(template: Template, model: FeatureModel) -> None:
    """Without tea nobody asks for the stove, so there is one text for both."""
    assert of(template, model, "nested.txt").texts == {
        "alone": "none\n",
        "tea": "cup\n",
        "stove + tea": "pot\n",
    }


def test_contributions_are_read_through_their_socket(
    template: Template, model: FeatureModel
) -> None:
    texts = of(template, model, "milk.txt").texts

    assert texts == {"alone": "\n", "stove": "hot\n", "mug": "cow\n", "stove + mug": "hotcow\n"}


def test_a_name_leaves_out_what_comes_with_the_owner(
    template: Template, model: FeatureModel
) -> None:
    assert of(template, model, "implied.txt").texts == {"alone": "always\n", "mug": "always mug\n"}


def test_a_text_that_no_valid_wish_gives_is_none(template: Template, model: FeatureModel) -> None:
    assert of(template, model, "dead.txt").texts == {"always": "cold\n"}


def test_a_file_that_reads_the_wish_gathers(template: Template, model: FeatureModel) -> None:
    assert of(template, model, "wish.txt").gathers


def check_against_every_resolution(template: Template, model: FeatureModel, source: Source) -> None:
    found = variants(template, source, model)
    if found.gathers:
        return
    seen = set()
    for answer in model.each():
        if source.member not in answer.members:
            continue
        text = template.render(source, template.context(answer)).decode()
        here = model.agreeing(answer)
        fitting = [v for v in found.all if model.both(v.wishes, here) != FALSE]
        assert [v.text for v in fitting] == [text]
        seen.add(text)
    assert seen == set(found.texts.values())


def test_the_variants_are_the_texts_of_all_valid_wishes(
    template: Template, model: FeatureModel
) -> None:
    """Each resolution has exactly one of them, and each of them some resolution."""
    for source in template.sources:
        check_against_every_resolution(template, model, source)


def test_an_example_has_the_text_of_its_variant(template: Template, model: FeatureModel) -> None:
    for source in template.sources:
        for variant in variants(template, source, model).all:
            context = template.context(variant.example)
            assert template.render(source, context).decode() == variant.text
