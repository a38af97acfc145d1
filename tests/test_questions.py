"""The template's questions, and its rules for answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_scaffold.errors import TemplateError
from cdp_scaffold.questions import Questions, load_questions

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def real() -> Questions:
    return load_questions(ROOT)


@pytest.fixture(scope="module")
def made_up(template: Path) -> Questions:
    return load_questions(template)


def test_questions_come_in_the_order_they_are_asked_and_hidden_ones_not_at_all(
    made_up: Questions,
) -> None:
    assert list(made_up.all) == [
        *("project", "region", "milk", "lumps", "warm", "patterns", "heat", "cup", "lemon")
    ]
    assert made_up.all["milk"].fixed_choices == ("none", "cow", "oat")
    assert made_up.all["heat"].fixed_choices == ()  # they hang on the catalogue


def test_the_real_template_asks_for_every_slot_in_the_folder_that_owns_it(real: Questions) -> None:
    assert list(real.all)[:3] == ["project", "region", "patterns"]
    assert {"server_setup", "session_store"} <= set(real.all)


@pytest.mark.parametrize(
    "name", ["shop", "abc", "a-b", "a-b-c", "a1-2b", "a" * 20, "a-" * 9 + "ab", "internals"]
)
def test_a_good_project_name_is_taken(real: Questions, name: str) -> None:
    assert real.fault("project", name) == ""


@pytest.mark.parametrize(
    "name",
    [
        *("", "ab", "a" * 21, "a" * 200, "Shop", "1shop", "-shop", "shop-", "a--b", "a_b", "a b"),
        "a-" * 10 + "a",
        *("a.b", "../x", "a/b", "${x}", "{{x}}", "{% x %}", "a\nb", "shop\n", "\nshop", "müller"),
        *('a"b', "a'b", "a`b", "shop\x00", "\uff53hop", "shop\u2028"),
    ],
)
def test_a_bad_project_name_is_refused(real: Questions, name: str) -> None:
    assert real.fault("project", name).startswith("`project` must be 3 to 20 lower-case letters")


@pytest.mark.parametrize(
    "name", ["aws-tools", "amazonia", "amzn1", "ssm2", "internal-x", "internal"]
)
def test_a_project_name_that_aws_keeps_is_refused(real: Questions, name: str) -> None:
    assert real.fault("project", name).startswith("`project` must not start with aws, amazon,")


@pytest.mark.parametrize("name", ["eu-central-1", "us-gov-west-1", "ap-southeast-5"])
def test_a_region_is_taken(real: Questions, name: str) -> None:
    assert real.fault("region", name) == ""


@pytest.mark.parametrize("name", ["", "eu", "eu-central", "EU-central-1", "eu-central-1\n", "x;y"])
def test_what_is_no_region_is_refused(real: Questions, name: str) -> None:
    assert real.fault("region", name).startswith("`region` must be the name of an AWS Region")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("project", 12, "it must be text"),
        ("project", None, "it must be text"),
        ("project", ["shop"], "it must be text"),
        ("lumps", "3", "it must be a whole number"),
        ("lumps", 1.5, "it must be a whole number"),
        ("lumps", True, "it must be a whole number"),
        ("lumps", -1, "`lumps` must be at least 0"),
        ("lumps", 0, ""),
        ("warm", "yes", "it must be `true` or `false`"),
        ("warm", False, ""),
        ("milk", "goat", "choose one of `none`, `cow`, `oat`"),
        ("milk", "oat", ""),
    ],
)
def test_an_answer_is_judged_by_type_choices_and_rule(
    made_up: Questions, name: str, value: object, fault: str
) -> None:
    assert made_up.fault(name, value) == fault


def test_whether_a_question_is_asked_hangs_on_what_is_known(made_up: Questions) -> None:
    assert made_up.asked("lemon", {"draft": {"members": ["tea"]}})
    assert not made_up.asked("lemon", {"draft": {"members": ["soup"]}})
    assert not made_up.asked("lemon", {})  # nothing is known yet
    assert made_up.asked("project", {})


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_included_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    questions = load_questions(
        write(
            tmp_path,
            {
                "copier.yml": "_x: 1\none: {type: str}\n---\n!include more/*.yml\n",
                "more/b.yml": "three: {type: int, choices: {A: 1, B: 2}}\n",
                "more/a.yml": "two: {type: str, choices: [[A, a], [B, b]], help: Two?}\n",
            },
        )
    )

    assert list(questions.all) == ["one", "two", "three"]
    assert questions.all["two"].fixed_choices == ("a", "b")
    assert questions.all["three"].fixed_choices == (1, 2)


def test_former_names_of_patterns_are_read(tmp_path: Path) -> None:
    text = "renamed: {type: yaml, when: false, default: {old: new}}\n"

    questions = load_questions(write(tmp_path, {"copier.yml": text}))

    assert questions.renames == {"old": "new"} and list(questions.all) == []


@pytest.mark.parametrize("text", [None, "a: [b\n"])
def test_a_template_whose_questions_cannot_be_read_is_told_by_its_file(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        write(tmp_path, {"copier.yml": text})

    with pytest.raises(TemplateError, match=r"copier\.yml cannot be read: "):
        load_questions(tmp_path)
