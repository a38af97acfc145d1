"""The commands as people and programs call them: what they print, and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest
import yaml

from cdp_scaffold import __version__, cli
from cdp_scaffold.catalog import load_catalog
from tests.conftest import Run, tree, write_template

ROOT = Path(__file__).parent.parent
Cdp = Callable[..., Run]

HEAVY = {
    "asyncio",
    "copier",
    "jinja2",
    "networkx",
    "packaging",
    "plumbum",
    "prompt_toolkit",
    "pydantic",
    "pygments",
    "questionary",
    "rich",
}


def process(*arguments: str, **options: object) -> subprocess.Popen[str]:
    """`cdp` in a process of its own."""
    defaults = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", "cdp_scaffold.cli", *arguments]
    return subprocess.Popen(command, **{**defaults, **options})  # type: ignore[call-overload,no-any-return]


# --- list ---------------------------------------------------------------------------------------


def test_list_tells_each_pattern_by_family_and_marks_what_is_planned(
    cdp: Cdp, template: Path
) -> None:
    assert cdp("list", "--template", template) == Run(
        0,
        """\
Drinks
  kettle    Water is cold; boil a little of it fast.
  stove     Many want hot water; boil a lot of it.
  tea       Mornings are hard; drink something warm.
  iced_tea  Summers are hot; drink something cold.

Meals
  soup      Hunger comes at noon; cook what there is.
· feast     Guests come; serve all there is.

5 of 6 patterns can be generated; those marked · are planned.
`cdp show PATTERN` tells more about one.
""",
        "",
    )


def test_list_as_json_has_exactly_the_documented_keys(cdp: Cdp, template: Path) -> None:
    rows = json.loads(cdp("list", "--json", "--template", template).out)

    assert {tuple(row) for row in rows} == {("id", "title", "family", "status", "summary")}
    assert rows[5] == {
        "id": "feast",
        "title": "Feast",
        "family": "meals",
        "status": "planned",
        "summary": "Guests come; serve all there is.",
    }


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_list_never_is_wider_than_the_terminal(cdp: Cdp, columns: int) -> None:
    lines = cdp("list", columns=columns).out.splitlines()

    assert max(map(len, lines)) <= columns
    assert not [line for line in lines if line != line.rstrip()]


def test_list_takes_one_line_a_pattern_where_there_is_room(cdp: Cdp) -> None:
    catalog = load_catalog(ROOT / "blueprints" / "catalog.yml")

    for columns in (200, None):  # none: a pipe, in which grep must find whole rows
        lines = cdp("list", columns=columns).out.splitlines()
        for id in catalog.patterns:
            entry = catalog.entries[id]
            assert (
                len([x for x in lines if re.match(rf"[ ·] {id} +{re.escape(entry.summary)}", x)])
                == 1
            )


def test_the_program_s_own_template_is_listed_without_a_template_named(cdp: Cdp) -> None:
    assert len(json.loads(cdp("list", "--json").out)) == 48


# --- show ---------------------------------------------------------------------------------------


def test_show_tells_a_pattern_from_all_sides(cdp: Cdp, template: Path) -> None:
    assert (
        cdp("show", "tea", "--template", template).out
        == """\
Tea (tea): pattern, Drinks
  Mornings are hard; drink something warm.
  Source: Chapter 3

needs somebody to do the job of:
  heat   leaves want hot water [kettle, stove, both]
  cup    it is drunk from something [mug, glass, silver]
  spoon  sugar sinks [teaspoon]

excludes:
  iced_tea  nobody drinks both

would suit it:
  soup  both are warm
"""
    )


def test_show_says_that_a_planned_pattern_cannot_be_generated_yet(cdp: Cdp, template: Path) -> None:
    told = cdp("show", "feast", "--template", template).out

    assert told.startswith(
        "Feast (feast): pattern, Meals; planned, so it cannot be generated yet\n"
    )


@pytest.mark.parametrize(
    "name", ["soup", "Soup-of-the-Day", "soup of the day", "SOUP_OF_THE_DAY", "Soup"]
)
def test_a_pattern_is_found_by_id_and_by_title(cdp: Cdp, template: Path, name: str) -> None:
    assert json.loads(cdp("show", name, "--json", "--template", template).out)["id"] == "soup"


def test_a_title_of_the_real_catalogue_is_found(cdp: Cdp) -> None:
    assert cdp("show", "Multi-Datacenter").out.startswith("Multi-Datacenter (multi_datacenter): ")


def test_a_slot_is_found_by_id_and_by_title(cdp: Cdp) -> None:
    for name in ("edge_origin", "Edge-Origin", "Origin of the edge cache"):
        assert cdp("show", name).out.startswith("Origin of the edge cache (edge_origin): a job ")


def test_a_title_of_an_entry_is_the_entry_s_even_where_a_slot_is_called_so(
    cdp: Cdp, tmp_path: Path
) -> None:
    folder = write_template(tmp_path / "template")
    file = folder / "blueprints" / "catalog.yml"
    file.write_text(file.read_text().replace("title: Cup\n", "title: Soup-of-the-Day\n"))

    run = cdp("show", "Soup-of-the-Day", "--template", folder)

    assert run.out.startswith("Soup-of-the-Day (soup): pattern")


def test_show_of_a_real_pattern_offers_near_ones(cdp: Cdp) -> None:
    assert "did you mean `multi_datacenter`" in cdp("show", "multi-datacentre").err


def test_show_as_json_has_exactly_the_documented_keys(cdp: Cdp, template: Path) -> None:
    assert json.loads(cdp("show", "iced_tea", "--json", "--template", template).out) == {
        "id": "iced_tea",
        "title": "Iced Tea",
        "kind": "pattern",
        "family": "drinks",
        "status": "ready",
        "summary": "Summers are hot; drink something cold.",
        "source": "Chapter 4",
        "needs": {"glass": {"why": "ice wants to be seen"}},
        "slots": {},
        "excludes": {"tea": {"why": "nobody drinks both"}},
        "suits": {},
        "needed_by": {},
        "fills": [],
    }
    component = json.loads(cdp("show", "mug", "--json", "--template", template).out)
    assert component["family"] is None and component["source"] is None
    assert component["fills"] == [{"slot": "cup", "option": "mug"}]


def test_show_compares_the_options_of_a_slot(cdp: Cdp, template: Path) -> None:
    told = cdp("show", "heat", "--template", template).out

    assert told.startswith("Heat (heat): a job with several ways to do it\n")
    assert (
        """
choose one, or leave it to what the wish brings in:
  kettle  Kettle, the default: kettle
  stove   Stove: stove
  both    Both: kettle, stove

asked for by:
  tea   leaves want hot water
  soup  soup is cooked
"""
        in told
    )


def test_a_slot_as_json_has_exactly_the_documented_keys(cdp: Cdp, template: Path) -> None:
    told = json.loads(cdp("show", "cup", "--json", "--template", template).out)

    assert list(told) == [
        *("id", "title", "kind", "job", "exclusive", "default"),
        *("options", "trade_off", "asked_by"),
    ]
    assert told["kind"] == "slot" and told["default"] == "mug"
    assert told["options"][2] == {
        "id": "silver",
        "title": "Silver",
        "fills": ["silver"],
        "take": "guests come",
        "asks": False,
    }
    assert told["trade_off"][0]["glass"] == "it breaks"
    assert told["asked_by"] == {"tea": {"why": "it is drunk from something"}}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("soop", "did you mean `spoon` or `soup`?"),
        ("heet", "did you mean `heat`?"),
        ("xyzzy", "`cdp list` shows every pattern"),
    ],
)
def test_show_of_an_unknown_name_offers_near_ones(
    cdp: Cdp, template: Path, name: str, hint: str
) -> None:
    message = f"error: there is no pattern `{name}`\n\nhint: {hint}\n"
    assert cdp("show", name, "--template", template) == Run(2, "", message)


# --- resolve ------------------------------------------------------------------------------------


def test_resolve_names_every_part_and_every_job(cdp: Cdp, template: Path) -> None:
    run = cdp("resolve", "tea", "--template", template)

    assert run.code == 0 and run.err == ""
    for word in ("kettle", "cupboard", "mug", "table", "heat", "cup", "spoon", "would suit it"):
        assert word in run.out
    without = cdp("resolve", "tea", "--no-advice", "--template", template)
    assert "would suit it" not in without.out


def test_resolve_of_a_conflict_ends_with_two_and_ways_out_to_paste(
    cdp: Cdp, template: Path
) -> None:
    run = cdp("resolve", "kettle", "stove", "tea", "--template", template)

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("error: Kettle and Stove do one job, heat: which is it to be?\n")
    for way in (
        "cdp resolve kettle tea",
        "cdp resolve stove tea",
        "cdp resolve kettle stove tea --set heat=both",
    ):
        assert f"    {way}\n" in run.err
        code = cdp(*way.split()[1:], "--template", template).code
        assert code == 0, way


def test_resolve_notes_what_is_only_planned(cdp: Cdp, template: Path) -> None:
    run = cdp("resolve", "feast", "--template", template)

    assert run.code == 0
    assert run.out.endswith("\nnote: planned, so this wish cannot be generated yet: feast\n")
    told = json.loads(cdp("resolve", "feast", "--json", "--template", template).out)
    assert told["planned"] == ["feast"]


def test_resolve_as_json_has_the_documented_keys(cdp: Cdp, template: Path) -> None:
    run = cdp("resolve", "tea", "--set", "cup=glass", "--json", "--template", template)
    told = json.loads(run.out)

    keys = {"valid", "wish", "choices", "members", "slots", "advice", "planned"}
    assert keys <= set(told)
    assert told["valid"] is True and told["choices"] == {"cup": "glass"}
    assert told["slots"]["cup"]["option"] == "glass" and told["slots"]["cup"]["how"] == "choice"
    assert [each["id"] for each in told["members"]] == [
        *("kettle", "tea", "table", "cupboard", "glass")
    ]
    for each in told["members"]:
        assert {"id", "title", "kind", "reasons", "chain", "because"} <= set(each)


def test_a_conflict_as_json_has_the_documented_keys(cdp: Cdp, template: Path) -> None:
    run = cdp("resolve", "tea", "iced_tea", "--json", "--template", template)
    told = json.loads(run.out)

    assert (run.code, run.err) == (2, "")
    assert {"valid", "wish", "choices", "facts", "repairs"} <= set(told)
    assert told["valid"] is False
    assert [each["drop"] for each in told["repairs"]] == [["iced_tea"], ["tea"]]


# --- the command itself -------------------------------------------------------------------------


def test_the_version_is_told(cdp: Cdp) -> None:
    assert cdp("--version") == Run(0, f"cdp {__version__}\n", "")


def test_help_names_every_command_on_one_line_each(cdp: Cdp) -> None:
    told = cdp("--help").out

    for line in (
        "new      Generate a repository from patterns.",
        "update   Bring the repository to a newer template.",
        "add      Add patterns to the repository.",
        "remove   Remove patterns from the repository.",
        "list     List all patterns.",
        "show     Show one pattern, component or slot.",
        "resolve  Tell what patterns bring in, or why they cannot be.",
    ):
        assert f"  {line}\n" in told
    assert "Exit codes: 0 done, 1 failed or conflicts are left, 2 the wish" in told


@pytest.mark.parametrize("command", ["new", "update", "add", "remove", "list", "show", "resolve"])
def test_the_help_of_every_command_explains_its_options(cdp: Cdp, command: str) -> None:
    run = cdp(command, "--help")

    assert run.code == 0 and f"Usage: cdp {command} " in run.out
    options = re.findall(r"^  (-.*)$", run.out, re.MULTILINE)
    assert options and all(re.search(r"\S  +\S", each) for each in options), options
    assert "list[" not in run.out and "<str>" not in run.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("lst",), "No such command 'lst'"),
        (("list", "--jsn"), "No such option: --jsn"),
        (("new",), "Missing argument 'DEST'"),
        (("resolve",), "Missing argument 'PATTERN'"),
        (("show",), "Missing argument 'NAME'"),
    ],
)
def test_a_wrong_command_line_ends_with_two(
    cdp: Cdp, arguments: tuple[str, ...], told: str
) -> None:
    run = cdp(*arguments)

    assert (run.code, run.out) == (2, "") and told in run.err


def test_a_shell_completes_patterns_by_id_and_shows_their_titles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cli._complete("multi_d") == [("multi_datacenter", "Multi-Datacenter")]
    assert len(cli._complete("")) == 48
    assert ("network", "Network") not in cli._complete("netw")


def test_a_shell_completes_any_name_for_show() -> None:
    assert cli._complete_name("netw") == [("network", "Network")]
    assert cli._complete_name("session_st") == [("session_store", "Session store")]


def test_a_shell_completes_settings() -> None:
    assert cli._complete_setting("session_") == ["session_store="]
    assert cli._complete_setting("session_store=d") == [
        "session_store=dynamodb",
        "session_store=database",
    ]
    assert "project=" in cli._complete_setting("")


def test_completion_without_a_template_offers_nothing_and_stays_silent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("cdp_scaffold.template.HERE", tmp_path / "x")
    monkeypatch.setattr("cdp_scaffold.template.PACKAGED", tmp_path)

    assert cli._complete("m") == cli._complete_name("m") == []
    assert cli._complete_setting("s") == []


def test_a_real_shell_s_request_for_completion_is_answered() -> None:
    words = {"_CDP_COMPLETE": "complete_bash", "COMP_WORDS": "cdp add multi_d", "COMP_CWORD": "2"}
    run = subprocess.run(
        [sys.executable, "-m", "cdp_scaffold.cli"],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.stdout.split(), run.stderr) == (["multi_datacenter"], "")


def test_tab_completes_a_pattern_in_an_interactive_bash(tmp_path: Path) -> None:
    """One match is written out, several are listed, and `show` knows components and slots too."""
    (tmp_path / "cdp").write_text(f'#!/bin/sh\nexec {sys.executable} -m cdp_scaffold.cli "$@"\n')
    (tmp_path / "cdp").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    bash = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "-i"],
        env={**os.environ, "PATH": path, "PS1": "$ ", "TERM": "dumb", "INPUTRC": "/dev/null"},
        encoding="utf-8",
        dimensions=(40, 100),
        timeout=30,
    )
    bash.sendline('eval "$(cdp --show-completion bash)"; echo set up')
    bash.expect_exact("\r\nset up")

    for typed, shown in (
        ("cdp resolve multi_dat\t", "cdp resolve multi_datacenter "),
        ("cdp new shop -p web_storage_\t", "cdp new shop -p web_storage_archive "),
        ("cdp show session_st\t", "cdp show session_store "),
        ("cdp add stamp sta\t\t", "stack_deployment  stamp             state_sharing"),
    ):
        bash.send(typed)
        bash.expect_exact(shown)
        bash.send("\x15")  # begin the line anew

    bash.sendline("exit")
    bash.expect(pexpect.EOF)


def test_a_reader_that_closes_the_pipe_hears_no_complaint() -> None:
    read, write = os.pipe()
    os.close(read)
    running = process("list", "--json", stdout=write)
    os.close(write)

    assert running.communicate(timeout=30)[1] == ""
    assert running.returncode == 1


def test_a_terminal_that_lacks_a_letter_gets_a_question_mark() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "iso8859-5"}
    running = process("list", env=environment, encoding="iso8859-5")
    out, err = running.communicate(timeout=30)

    catalog = load_catalog(ROOT / "blueprints" / "catalog.yml")
    planned = next(e.id for e in catalog.entries.values() if e.status == "planned")
    assert f"? {planned}" in out and err == ""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["list"], ["list", "--json"]])
def test_quick_commands_import_nothing_heavy(arguments: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cdp_scaffold.cli", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines()
    }

    assert "cdp_scaffold" in imported  # else the format has changed and nothing is proven
    assert imported & HEAVY == set()


# --- bad input ----------------------------------------------------------------------------------

RULE = (
    "`project` must be 3 to 20 lower-case letters, digits and single hyphens, "
    "and start with a letter"
)
PROJECT_HINT = "hint: such as `--set project=my-service`"

BAD: dict[str, tuple[list[str], str]] = {
    "an unknown pattern": (
        ["-p", "ketle"],
        "error: there is no pattern `ketle`\n\nhint: did you mean `kettle`?",
    ),
    "an unknown pattern far from all": (
        ["xyzzy"],
        "error: there is no pattern `xyzzy`\n\nhint: `cdp list` shows every pattern",
    ),
    "no pattern": (
        [],
        "error: no pattern was named\n\nhint: name at least one; `cdp list` shows every pattern",
    ),
    "no pattern and no questions": (
        ["--no-input"],
        "error: no pattern was named\n\nhint: name at least one; `cdp list` shows every pattern",
    ),
    "an unknown key": (
        ["tea", "--set", "regoin=eu-central-1"],
        "error: there is no question `regoin`\n\nhint: did you mean `region`?",
    ),
    "an unknown key far from all": (
        ["tea", "--set", "xyzzy=1"],
        (
            "error: there is no question `xyzzy`\n\nhint: the questions are project, region, milk, "
            "lumps, warm, patterns, heat, cup, lemon"
        ),
    ),
    "a setting without a value": (
        ["tea", "--set", "region"],
        (
            "error: `region`: `--set` takes a name and a value\n\n"
            "hint: such as `--set region=eu-central-1`"
        ),
    ),
    "a number that is a list of itself": (
        ["tea", "--set", "lumps=&a [*a]"],
        ("error: `lumps`: it must be a whole number; got [[...]]\n\nhint: such as `--set lumps=1`"),
    ),
    "patterns as a setting": (
        ["--set", "patterns=tea"],
        "error: `patterns` are named by `-p`\n\nhint: such as `-p tea`",
    ),
    "an empty project name": (
        ["tea", "--set", "project="],
        f'error: {RULE}; got ""\n\n{PROJECT_HINT}',
    ),
    "a project name of 200 characters": (
        ["tea", "--set", f"project={'a' * 200}"],
        f'error: {RULE}; got "{"a" * 39}… (200 characters)\n\n{PROJECT_HINT}',
    ),
    "a project name with quotes": (
        ["tea", "--set", "project=a\"b'c"],
        f'error: {RULE}; got "a\\"b\'c"\n\n{PROJECT_HINT}',
    ),
    "a project name that a shell would expand": (
        ["tea", "--set", "project=${x}"],
        f'error: {RULE}; got "${{x}}"\n\n{PROJECT_HINT}',
    ),
    "a project name that a template would expand": (
        ["tea", "--set", "project={{x}}"],
        f'error: {RULE}; got "{{{{x}}}}"\n\n{PROJECT_HINT}',
    ),
    "a project name that leads elsewhere": (
        ["tea", "--set", "project=../x"],
        f'error: {RULE}; got "../x"\n\n{PROJECT_HINT}',
    ),
    "a project name with a newline": (
        ["tea", "--set", "project=shop\nx"],
        f'error: {RULE}; got "shop\\nx"\n\n{PROJECT_HINT}',
    ),
    "a project name that ends with a newline": (
        ["tea", "--set", "project=shop\n"],
        f'error: {RULE}; got "shop\\n"\n\n{PROJECT_HINT}',
    ),
    "a project name that is not ASCII": (
        ["tea", "--set", "project=müller"],
        f'error: {RULE}; got "müller"\n\n{PROJECT_HINT}',
    ),
    "a region that is none": (
        ["tea", "--set", "region=Mars"],
        (
            "error: `region` must be the name of an AWS Region, such as eu-central-1; "
            'got "Mars"\n\n'
            "hint: such as `--set region=us-east-1`"
        ),
    ),
    "text for a number": (
        ["tea", "--set", "lumps=many"],
        'error: `lumps`: it must be a whole number; got "many"\n\nhint: such as `--set lumps=1`',
    ),
    "a number that breaks the rule": (
        ["tea", "--set", "lumps=-1"],
        "error: `lumps` must be at least 0; got -1\n\nhint: such as `--set lumps=1`",
    ),
    "an answer that is not on the list": (
        ["tea", "--set", "milk=almond"],
        (
            'error: `milk`: choose one of `none`, `cow`, `oat`; got "almond"\n\n'
            "hint: such as `--set milk=none`"
        ),
    ),
    "text for a yes or no": (
        ["tea", "--set", "warm=perhaps"],
        (
            'error: `warm`: it must be `true` or `false`; got "perhaps"\n\n'
            "hint: such as `--set warm=true`"
        ),
    ),
    "a component": (
        ["mug"],
        (
            "error: `mug` is a component, which comes in when a pattern needs it\n\n"
            "hint: name a pattern that brings it in, such as `tea`"
        ),
    ),
    "a planned pattern": (
        ["feast"],
        (
            "error: `feast` is planned and cannot be generated yet\n\n"
            "hint: `cdp list` shows what can be generated"
        ),
    ),
    "a planned option": (
        ["tea", "--set", "cup=silver"],
        (
            "error: `silver` is planned and cannot be generated yet, "
            "and `tea` cannot do without it\n\n"
            "hint: `cdp list` shows what can be generated"
        ),
    ),
    "an unknown option": (
        ["tea", "--set", "cup=bucket"],
        "error: `cup` cannot be `bucket`\n\nhint: choose one of `mug`, `glass` or `silver`",
    ),
    "a choice that nothing asks for": (
        ["soup", "--set", "cup=mug"],
        (
            "error: `cup=mug` has nothing to decide: no part of the wish asks for that job\n\n"
            "hint: leave `cup` out; `cdp show cup` tells what asks for it"
        ),
    ),
    "a slot that the template takes no answer for": (
        ["tea", "--set", "spoon=teaspoon"],
        (
            "error: there is no question `spoon`\n\nhint: the questions are project, region, milk, "
            "lumps, warm, patterns, heat, cup, lemon"
        ),
    ),
    "a wish that cannot be": (
        ["tea", "iced_tea"],
        (
            "error: Iced Tea and Tea cannot be in one system\n"
            "  You chose Iced Tea.\n"
            "  But you also chose Tea, and Iced Tea excludes Tea: nobody drinks both.\n\n"
            "hint: any one of these resolves it\n"
            "  without Iced Tea:\n"
            "    cdp new shop --template TEMPLATE tea\n"
            "  without Tea:\n"
            "    cdp new shop --template TEMPLATE iced_tea"
        ),
    ),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_ends_with_one_message_and_writes_nothing(
    cdp: Cdp, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, message = BAD[case]

    run = cdp("new", "shop", "--template", template, *arguments)

    assert run == Run(2, "", message.replace("TEMPLATE", str(template)) + "\n")
    assert list(tmp_path.iterdir()) == []


FILES: dict[str, tuple[str | None, list[str], str]] = {
    "is not there": (
        None,
        [],
        (
            "error: answers.yml: no such file or directory\n\n"
            "hint: write it like the .copier-answers.yml of a generated repository"
        ),
    ),
    "is broken": (
        "project: [shop\nregion: x",
        [],
        (
            "error: answers.yml: is no YAML, line 2: expected ',' or ']', but got ':'\n\n"
            "hint: write it like the .copier-answers.yml of a generated repository"
        ),
    ),
    "is no mapping": (
        "- tea\n- soup\n",
        [],
        (
            "error: answers.yml: holds no answers, each a line `name: value`\n\n"
            "hint: write it like the .copier-answers.yml of a generated repository"
        ),
    ),
    "is empty": (
        "",
        ["tea"],
        (
            "error: answers.yml: holds no answers, each a line `name: value`\n\n"
            "hint: write it like the .copier-answers.yml of a generated repository"
        ),
    ),
    "names patterns as text": (
        "patterns: tea\n",
        [],
        (
            "error: answers.yml: `patterns` must be a list of names\n\n"
            "hint: write it like the .copier-answers.yml of a generated repository"
        ),
    ),
    "names an unknown pattern": (
        "patterns: [ketle]\n",
        [],
        "error: there is no pattern `ketle` in answers.yml\n\nhint: did you mean `kettle`?",
    ),
    "answers an unknown question": (
        "patterns: [tea]\nregoin: x\n",
        [],
        "error: there is no question `regoin` in answers.yml\n\nhint: did you mean `region`?",
    ),
    "breaks a rule": (
        "patterns: [tea]\nproject: 12\n",
        [],
        f"error: `project`: it must be text; got 12\n\n{PROJECT_HINT}",
    ),
    "gives a list that holds itself": (
        "patterns: [tea]\nproject: &a [*a]\n",
        [],
        f"error: `project`: it must be text; got [[...]]\n\n{PROJECT_HINT}",
    ),
    "gives a date for a name": (
        "patterns: [tea]\nproject: {2026-01-31: x}\n",
        [],
        (
            "error: `project`: it must be text; got {datetime.date(2026, 1, 31): 'x'}\n\n"
            f"{PROJECT_HINT}"
        ),
    ),
    "gives a date that is none": (
        "patterns: [tea]\nproject: 2026-13-31\n",
        [],
        (
            "error: answers.yml: is no YAML: month must be in 1..12\n\n"
            "hint: write it like the .copier-answers.yml of a generated repository"
        ),
    ),
    "is nested without an end": (
        f"project: {'[' * 3000}{']' * 3000}\n",
        ["tea"],
        (
            "error: answers.yml: its brackets or lists stand too deep in each other\n\n"
            "hint: write it like the .copier-answers.yml of a generated repository"
        ),
    ),
    "names an unknown option": (
        "patterns: [tea]\ncup: bucket\n",
        [],
        "error: `cup` cannot be `bucket`\n\nhint: choose one of `mug`, `glass` or `silver`",
    ),
}


@pytest.mark.parametrize("case", list(FILES))
def test_a_bad_answers_file_ends_with_one_message_and_writes_nothing(
    cdp: Cdp, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content, arguments, message = FILES[case]
    if content is not None:
        Path("answers.yml").write_text(content, encoding="utf-8")
    before = tree(tmp_path)

    run = cdp("new", "shop", "--template", template, "--answers", "answers.yml", *arguments)

    assert run == Run(2, "", f"{message}\n")
    assert tree(tmp_path) == before


def test_an_answers_file_that_is_no_text_is_refused(
    cdp: Cdp, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("answers.yml").write_bytes(b"project: \xff\xfe")

    run = cdp("new", "shop", "--template", template, "--answers", "answers.yml", "tea")

    assert (run.code, run.err.splitlines()[0]) == (2, "error: answers.yml: is no text in UTF-8")
    assert not Path("shop").exists()


def test_a_destination_that_holds_something_is_left_alone(
    cdp: Cdp, template: Path, tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    before = tree(tmp_path)

    for name, why in (
        ("shop", "exists and is not empty"),
        ("file", "exists and is no folder"),
        ("link", "exists and is no folder"),
    ):
        run = cdp("new", tmp_path / name, "tea", "--template", template)
        hint = "hint: name a folder that is not there yet"
        assert run == Run(2, "", f"error: {tmp_path / name}: {why}\n\n{hint}\n")
    assert tree(tmp_path) == before


def test_a_folder_whose_name_cannot_be_a_project_s_asks_for_one(
    cdp: Cdp, template: Path, tmp_path: Path
) -> None:
    run = cdp("new", tmp_path / "My Shop", "tea", "--template", template)

    rule = f"name the project, for the folder's name cannot be its: {RULE}"
    assert run == Run(2, "", f'error: {rule}; got "My Shop"\n\n{PROJECT_HINT}\n')
    assert list(tmp_path.iterdir()) == []


def test_a_template_that_is_none_is_refused(cdp: Cdp, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    before = tree(tmp_path)

    run = cdp("new", tmp_path / "shop", "tea", "--template", tmp_path / "nowhere")
    assert run == Run(
        1,
        "",
        f"error: there is no template at `{tmp_path / 'nowhere'}`\n\nhint: name an existing path "
        "or an address such as https://git.example.com/cdp-scaffold.git\n",
    )
    run = cdp("new", tmp_path / "shop", "tea", "--template", tmp_path / "empty")
    assert run == Run(
        1,
        "",
        f"error: `{tmp_path / 'empty'}` holds no copier.yml, so it is no template\n\nhint: name "
        "the top folder of a template, a git bundle of one, or the address of one\n",
    )
    assert tree(tmp_path) == before


def test_a_version_that_the_template_lacks_is_refused(
    cdp: Cdp, tagged: Path, tmp_path: Path
) -> None:
    for command in (["new", str(tmp_path / "shop"), "tea"], ["list"]):
        run = cdp(*command, "--template", tagged, "--ref", "v9")
        assert run == Run(
            1,
            "",
            f"error: the template {tagged} has no version `v9`\n\nhint: its versions are v1.0.0\n",
        )
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_slot_is_told_with_near_ones(cdp: Cdp, template: Path) -> None:
    run = cdp("resolve", "tea", "--set", "het=stove", "--template", template)
    assert run == Run(2, "", "error: there is no slot `het`\n\nhint: did you mean `heat`?\n")
    run = cdp("resolve", "tea", "--set", "xyzzy=1", "--template", template)
    hint = "hint: the slots are `heat`, `cup` or `spoon`"
    assert run == Run(2, "", f"error: there is no slot `xyzzy`\n\n{hint}\n")


# --- new ----------------------------------------------------------------------------------------


def test_new_generates_what_was_wished_for(cdp: Cdp, template: Path, tmp_path: Path) -> None:
    run = cdp(
        *("new", tmp_path / "shop", "-p", "Tea", "-p", "kettle,stove", "--template", template),
        *("--set", "heat=both", "--set", "lumps=3"),
    )

    assert run.code == 0 and run.err == ""
    assert (tmp_path / "shop" / "parts.txt").read_text().split() == [
        *("kettle", "stove", "tea", "table", "cupboard", "mug")
    ]
    answers = yaml.safe_load((tmp_path / "shop" / ".copier-answers.yml").read_text())
    assert answers["project"] == "shop" and answers["lumps"] == 3 and answers["heat"] == "both"
    told = " ".join(run.out.split())
    assert told.startswith(f"Generated {tmp_path / 'shop'}: 4 files from {template}. ")
    assert "lemon=false, lumps=3" in run.out
    assert [each.name for each in tmp_path.iterdir()] == ["shop"]


def test_patterns_named_on_the_line_win_over_the_answers_file(
    cdp: Cdp, template: Path, tmp_path: Path
) -> None:
    file = tmp_path / "answers.yml"
    file.write_text("_commit: v1\n_src_path: x\npatterns: [tea]\nproject: from-file\nmilk: oat\n")

    cdp("new", tmp_path / "one", "--answers", file, "--template", template, "--set", "milk=cow")
    cdp("new", tmp_path / "two", "soup", "--answers", file, "--template", template)

    one, two = (
        yaml.safe_load((tmp_path / name / ".copier-answers.yml").read_text())
        for name in ("one", "two")
    )
    assert (one["patterns"], one["project"], one["milk"]) == (["tea"], "from-file", "cow")
    assert (two["patterns"], two["project"], two["milk"]) == (["soup"], "from-file", "oat")


def test_a_version_of_the_template_can_be_named(cdp: Cdp, tagged: Path, tmp_path: Path) -> None:
    run = cdp("new", tmp_path / "shop", "tea", "--template", tagged, "--ref", "v1.0.0")

    assert run.code == 0
    answers = yaml.safe_load((tmp_path / "shop" / ".copier-answers.yml").read_text())
    assert answers["_commit"] == "v1.0.0"


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template whose last file takes minutes to render."""
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n"
    folder = tmp_path_factory.mktemp("endless") / "template"
    return write_template(folder, {"{{use.table}}/zzz.txt.jinja": loops})


@contextmanager
def in_the_middle(template: Path, destination: Path) -> Iterator[subprocess.Popen[str]]:
    """`cdp new` at work in a hidden folder beside its destination."""
    running = process("new", str(destination), "tea", "--template", str(template))
    try:
        deadline = time.monotonic() + 30
        while not any(destination.parent.iterdir()) and time.monotonic() < deadline:
            assert running.poll() is None, running.communicate()
            time.sleep(0.02)
        # In which order files are rendered is the file system's affair: perhaps none will come.
        deadline = time.monotonic() + 1
        while not any(each.is_file() for each in destination.parent.rglob("*")):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        assert [each.name[0] for each in destination.parent.iterdir()] == ["."]
        yield running
    finally:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_request_to_end_in_the_middle_leaves_nothing(
    endless: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with in_the_middle(endless, tmp_path / "shop") as running:
        running.send_signal(number)
        out, err = running.communicate(timeout=30)

    assert running.returncode == 128 + number
    assert (out, err) == ("", "stopped; nothing was written\n" if number == signal.SIGINT else "")
    assert list(tmp_path.iterdir()) == []


def test_a_kill_in_the_middle_leaves_no_destination_and_hinders_nobody(
    cdp: Cdp, endless: Path, template: Path, tmp_path: Path
) -> None:
    with in_the_middle(endless, tmp_path / "shop") as running:
        running.kill()
        running.communicate(timeout=30)

    assert not (tmp_path / "shop").exists()
    assert cdp("new", tmp_path / "shop", "tea", "--template", template).code == 0
    assert (tmp_path / "shop" / "tea.txt").read_text() == "Three minutes.\n"


class TestTree:
    """`cdp resolve --tree` shows what `cdp new` would write."""

    def test_the_paths_are_those_that_are_generated(
        self, cdp: Cdp, template: Path, tmp_path: Path
    ) -> None:
        wish = ("tea", "--template", template)
        data = json.loads(cdp("resolve", *wish, "--tree", "--json").out)

        assert cdp("new", tmp_path / "shop", *wish).code == 0
        written = [p for p in (tmp_path / "shop").rglob("*") if p.is_file()]
        assert [file["path"] for file in data] == sorted(
            str(p.relative_to(tmp_path / "shop")) for p in written
        )
        assert {"path": "tea.txt", "member": "tea", "why": ""} in data

    def test_each_file_tells_why_it_is_there(self, cdp: Cdp) -> None:
        data = json.loads(cdp("resolve", "bootstrap", "--tree", "--json").out)

        assert {
            "path": ".copier-answers.yml",
            "member": "core",
            "why": "the answers this repository was generated from; updates read them",
        } in data
        assert all(set(file) == {"path", "member", "why"} and file["why"] for file in data)

    def test_it_is_drawn_with_the_member_each_file_belongs_to(self, cdp: Cdp) -> None:
        run = cdp("resolve", "bootstrap", "--tree")

        lines = run.out.splitlines()
        start = lines.index(".github/")
        assert [line.split() for line in lines[start : start + 4]] == [
            [".github/"],
            ["├─", "workflows/"],
            ["│", "├─", "check.yml", "core"],
            ["│", "├─", "plan.yml", "core"],
        ]
        assert lines[-1].endswith(" files; with --json each tells why it is there.")

    def test_what_is_planned_has_no_files_and_it_says_so(self, cdp: Cdp, template: Path) -> None:
        run = cdp("resolve", "feast", "--tree", "--template", template)

        assert run.out.splitlines()[-1] == (
            "note: planned, so their files are not among them: feast"
        )

    def test_a_choice_changes_it(self, cdp: Cdp, template: Path) -> None:
        stove = cdp("resolve", "tea", "--tree", "--set", "heat=stove", "--template", template)

        assert "stove.txt" in stove.out
        assert "stove.txt" not in cdp("resolve", "tea", "--tree", "--template", template).out

    @pytest.mark.parametrize("json_too", [(), ("--json",)])
    def test_a_wish_that_cannot_be_has_none(self, cdp: Cdp, json_too: tuple[str, ...]) -> None:
        run = cdp("resolve", "stamp", "bootstrap", "--tree", *json_too)

        assert run.code == 2
        assert "README.md" not in run.out
