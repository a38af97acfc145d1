"""Answers from flags and files: how they merge, and how they are written down again."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_scaffold.answers import (
    Answers,
    asked_slots,
    command_to_repeat,
    find_patterns,
    gather,
    near,
    settle,
    typed,
    whole_command,
    with_name,
    written,
)
from cdp_scaffold.catalog import Catalog, build_catalog, load_catalog
from cdp_scaffold.errors import ConflictError, UnusedChoiceError
from cdp_scaffold.questions import Question, Questions, load_questions
from cdp_scaffold.resolver import Resolution, resolve


@pytest.fixture(scope="module")
def catalog(template: Path) -> Catalog:
    return load_catalog(template / "blueprints" / "catalog.yml")


@pytest.fixture(scope="module")
def questions(template: Path) -> Questions:
    return load_questions(template)


def test_patterns_may_be_divided_by_commas_and_named_twice(
    catalog: Catalog, questions: Questions
) -> None:
    given = gather(catalog, questions, ["tea, Soup-of-the-Day", "Tea", "kettle"])

    assert given.patterns == ("tea", "soup", "kettle")


def test_slots_and_other_answers_are_told_apart_and_flags_win(
    catalog: Catalog, questions: Questions, tmp_path: Path
) -> None:
    file = tmp_path / "answers.yml"
    file.write_text("_commit: v1\n_src_path: /x\npatterns: [Soup]\ncup: mug\nlumps: 2\nmilk: oat\n")

    given = gather(catalog, questions, (), ["cup=glass", "lumps=3"], file)

    assert given == Answers(("soup",), {"cup": "glass"}, {"lumps": 3, "milk": "oat"})
    assert gather(catalog, questions, ["tea"], (), file).patterns == ("tea",)


def test_a_setting_may_hold_the_sign_itself(catalog: Catalog, questions: Questions) -> None:
    with pytest.raises(Exception, match='got "a=b"'):
        gather(catalog, questions, (), ["project=a=b"])


def test_a_flag_is_read_as_its_question_s_type(questions: Questions) -> None:
    assert typed(questions, "lumps", "3") == 3
    assert typed(questions, "warm", "false") is False
    assert typed(questions, "project", "007") == "007"
    for text in ("[", "2026-13-31", "[" * 3000):
        assert typed(questions, "lumps", text) == text  # what is no YAML is judged as it is


@pytest.mark.parametrize(
    ("value", "text"), [("a b", "a b"), (True, "true"), (3, "3"), (["é"], '["é"]'), (None, "null")]
)
def test_a_value_is_written_as_a_flag_would_take_it(value: object, text: str) -> None:
    assert written(value) == text


def test_the_project_is_called_as_its_folder_where_that_may_be(questions: Questions) -> None:
    assert with_name(Answers(), questions, "corner-shop").others == {"project": "corner-shop"}
    assert with_name(Answers(), questions, "Corner Shop").others == {}
    named = Answers(others={"project": "mine"})
    assert with_name(named, questions, "corner-shop") == named


def test_a_command_to_repeat_is_quoted_for_a_shell() -> None:
    given = Answers(("tea",), {"cup": "mug"}, {"project": "shop", "note": "it's $5", "warm": True})

    command = command_to_repeat(Path("my shops/shop"), given, "../a template", "v1")

    assert command == (
        "cdp new 'my shops/shop' --template '../a template' --ref v1 "
        "--set 'note=it'\"'\"'s $5' --set warm=true"
    )
    assert whole_command("cdp new shop", given) == "cdp new shop tea --set cup=mug"
    # The folder's name says it already, or it does not.
    assert "--set project=shop" in command_to_repeat(Path("other"), given)


def test_the_ways_out_of_a_conflict_keep_the_other_answers(catalog: Catalog) -> None:
    given = Answers(("tea", "iced_tea"), {}, {"lumps": 3})

    with pytest.raises(ConflictError) as caught:
        settle(catalog, given, command_to_repeat(Path("shop"), given))

    assert "    cdp new shop --set lumps=3 tea\n" in caught.value.render()


def test_a_name_in_a_file_is_told_with_the_file(catalog: Catalog) -> None:
    with pytest.raises(Exception, match=r"no pattern `ketle` in shop\.yml"):
        find_patterns(catalog, ["ketle"], " in shop.yml")


def test_near_names_are_found() -> None:
    assert near("regoin", ["region", "project"]) == ("region",)
    assert near("xyzzy", ["region", "project"]) == ()


WHY = "it does"
OPENED_BY_A_CHOICE = {
    "slots": {
        "way": {
            "title": "Way",
            "job": "how one goes",
            "default": "foot",
            "options": {
                "foot": {"title": "On foot", "fills": [], "take": "it is near"},
                "car": {"title": "By car", "fills": ["car"], "take": "it is far"},
            },
        },
        "fuel": {
            "title": "Fuel",
            "job": "what drives",
            "default": "sun",
            "options": {
                "sun": {"title": "Sun", "fills": [], "take": "it shines"},
                "oil": {"title": "Oil", "fills": [], "take": "it is night"},
            },
        },
    },
    "families": {"f": "F"},
    "entries": {
        "trip": {
            "title": "Trip",
            "kind": "pattern",
            "family": "f",
            "status": "ready",
            "summary": "Away.",
            "source": "1",
            "slots": {"way": WHY},
        },
        "car": {
            "title": "Car",
            "kind": "component",
            "status": "ready",
            "summary": "Four wheels.",
            "slots": {"fuel": WHY},
        },
    },
}


def test_a_slot_that_only_another_choice_opens_keeps_the_template_s_default() -> None:
    catalog = build_catalog(OPENED_BY_A_CHOICE)
    asked = {name: Question(name, "str", "", None, "") for name in ("patterns", "way", "fuel")}
    questions = Questions(Path(), asked, {})
    resolution = resolve(catalog, ["trip"], {"way": "car"})
    assert isinstance(resolution, Resolution) and resolution.slots["fuel"] == "sun"

    assert asked_slots(questions, resolution) == {"way": "car"}

    # To choose otherwise is refused, for the template would not hear of it.
    wanted = Answers(("trip",), {"way": "car", "fuel": "oil"})
    chosen = settle(catalog, wanted)
    with pytest.raises(UnusedChoiceError, match="only another choice opens that job"):
        wanted.for_copier(questions, chosen)
