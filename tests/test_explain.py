"""What `cdp` says of a wish: who is part of it and why, or why it cannot be and what helps.

The messages of `golden/messages/` hold the catalogue's own words. Accept a change by
`pytest tests/test_explain.py --update-goldens`, and read each as someone who never saw the
catalogue. A new case is a file with a `wish`, and `set` where slots are
chosen for.
"""

from __future__ import annotations

import json
import random
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from typer.testing import CliRunner

from cdp_scaffold import explain
from cdp_scaffold.catalog import Catalog, build_catalog, load_catalog
from cdp_scaffold.cli import app
from cdp_scaffold.errors import ConflictError
from cdp_scaffold.resolver import Conflict, Resolution, resolve
from cdp_scaffold.sheet import HEIGHT
from tests.made_up import Raw, catalogue, catalogues_and_wishes, slot

ROOT = Path(__file__).parents[1]
MESSAGES = sorted((ROOT / "golden" / "messages").glob("*.yml"))
REAL = load_catalog(ROOT / "blueprints" / "catalog.yml")


def answer_to(case: Any) -> Resolution | Conflict:
    """What the wish of a golden gives."""
    return resolve(REAL, case["wish"], case.get("set") or {})


def answers() -> list[Resolution | Conflict]:
    return [answer_to(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in MESSAGES]


def text_of(catalog: Catalog, answer: Resolution | Conflict, **how: Any) -> str:
    if isinstance(answer, Conflict):
        return explain.conflict_text(catalog, answer, **how)
    return explain.resolution_text(catalog, answer, **how)


# The catalogue's own messages


@pytest.mark.golden_test("../golden/messages/*.yml")
def test_a_message_is_as_in_its_golden(golden: Any) -> None:
    text = text_of(REAL, answer_to(golden))

    assert golden.out["text"] == text


def test_the_goldens_show_every_slot_decided_and_at_least_25_messages() -> None:
    decided = {
        name
        for answer in answers()
        for name, how in answer.decision.how.items()
        if how != "default"
    }

    assert len(answers()) >= 25
    assert decided == set(REAL.slots)


def test_the_goldens_show_every_pair_that_is_refused_and_every_kind_of_fact() -> None:
    refused = [answer for answer in answers() if isinstance(answer, Conflict)]
    pairs = {
        (one, other)
        for number, one in enumerate(REAL.patterns)
        for other in REAL.patterns[number + 1 :]
        if isinstance(resolve(REAL, [one, other]), Conflict)
    }

    assert pairs <= {answer.wish for answer in refused}
    assert {fact.kind for answer in refused for fact in answer.facts} == {
        "excluded",
        "slot_undecided",
        "slot_choice",
    }


@pytest.mark.parametrize("file", MESSAGES, ids=lambda file: file.stem)
def test_a_message_fits_its_width_but_for_commands(file: Path) -> None:
    text = yaml.safe_load(file.read_text())["text"]

    for line in text.split("\n"):
        assert len(line) <= 80 or line.startswith("    cdp resolve "), line
        assert line == line.rstrip()


def test_stamp_and_bootstrap_are_refused_with_three_ways_out() -> None:
    """Exit code 2, the trade-off, and commands that succeed as they stand."""
    result = CliRunner().invoke(app, ["resolve", "stamp", "bootstrap"])

    assert isinstance(result.exception, ConflictError)
    assert result.exception.exit_code == 2
    text = result.exception.render()
    assert "Take Stamp when servers must start fast" in text
    commands = re.findall(r"^    cdp (.+)$", text, re.MULTILINE)
    assert commands == [
        "resolve stamp",
        "resolve bootstrap",
        "resolve stamp bootstrap --set server_setup=layered",
    ]
    for command in commands:
        assert CliRunner().invoke(app, shlex.split(command)).exit_code == 0


@pytest.mark.parametrize(
    "file",
    [file for file in MESSAGES if "    cdp resolve " in file.read_text(encoding="utf-8")],
    ids=lambda file: file.stem,
)
def test_every_command_that_a_message_prints_succeeds_as_printed(file: Path) -> None:
    text = yaml.safe_load(file.read_text(encoding="utf-8"))["text"]
    commands = re.findall(r"^    cdp (resolve .+)$", text, re.MULTILINE)
    assert commands
    for command in commands:
        result = CliRunner().invoke(app, shlex.split(command))
        assert result.exit_code == 0, (command, result.output)


# How a resolution is told

KITCHEN = catalogue(
    {
        "alpha": {"needs": ["bravo"]},
        "bravo": {"needs": ["delta"], "slots": ["cooking", "driving"]},
        "charlie": {},
        "foxtrot": {},
    },
    {
        "core": {"always": True},
        "delta": {},
        "stove": {},
        "fridge": {},
        "car": {},
    },
    {
        "cooking": slot("quick", {"quick": [], "slow": ["charlie", "stove"]}),
        "driving": slot("quick", {"quick": ["car"], "slow": ["foxtrot"]}, exclusive=False),
    },
)


def told(catalog: Catalog, *wish: str, height: int = HEIGHT, **choices: str) -> str:
    answer = resolve(catalog, wish, choices)
    assert isinstance(answer, Resolution)
    return explain.resolution_text(catalog, answer, height=height)


def test_each_part_stands_under_what_brings_it_in_with_its_why() -> None:
    assert (
        told(KITCHEN, "alpha", "charlie", driving="quick")
        == """\
2 patterns chosen, 5 parts come along; each stands under what brings it in:

alpha
└─ bravo (alpha needs bravo)
   ├─ delta (bravo needs delta)
   └─ car (driving as you chose: bravo asks for driving)
charlie
└─ stove (completes the cooking of bravo)
core (part of everything)

2 jobs with several ways to do them:
  cooking=slow   Slow, decided by Charlie
  driving=quick  Quick, as you chose"""
    )


def test_a_default_is_told_with_the_other_ways() -> None:
    assert (
        told(KITCHEN, "bravo")
        == """\
1 pattern chosen, 3 parts come along; each stands under what brings it in:

bravo
├─ delta (bravo needs delta)
└─ car (driving by default: bravo asks for driving)
core (part of everything)

2 jobs with several ways to do them:
  cooking=quick  Quick, the default (or slow)
  driving=quick  Quick, the default (or slow)"""
    )


def test_a_job_that_several_do_names_them_all() -> None:
    text = told(KITCHEN, "bravo", "foxtrot", driving="quick")

    assert "  driving=quick+slow  Quick + Slow, as you chose" in text


def test_a_wish_that_brings_nothing_is_told_in_few_words() -> None:
    catalog = catalogue({"alpha": {}})

    assert told(catalog, "alpha") == "1 pattern chosen:\n\nalpha"


def test_advice_follows_with_its_why_and_can_be_left_out() -> None:
    catalog = catalogue({"alpha": {"suits": ["bravo"]}, "bravo": {}})
    answer = resolve(catalog, ["alpha"])
    assert isinstance(answer, Resolution)

    assert explain.resolution_text(catalog, answer) == (
        "1 pattern chosen:\n\nalpha\n\nwould suit it:\n  bravo  alpha likes bravo"
    )
    assert explain.resolution_text(catalog, answer, advice=False) == "1 pattern chosen:\n\nalpha"
    assert explain.advice_text(catalog, answer.advice()[0]) == (
        "Bravo would suit Alpha: alpha likes bravo"
    )


def test_a_choice_without_use_is_noted() -> None:
    assert told(KITCHEN, "charlie", cooking="slow").endswith(
        "\n\nnote: `cooking` was set, but nothing here asks for it"
    )


def test_a_low_terminal_gets_a_terser_form() -> None:
    """Reasons go, and what brings in nothing shares a line."""
    assert (
        told(KITCHEN, "alpha", "charlie", "foxtrot", driving="quick", height=11)
        == """\
3 patterns chosen, 5 parts come along; each stands under what brings it in:

foxtrot
alpha
└─ bravo: delta, car
charlie: stove
core (part of everything)

2 jobs with several ways to do them:
  as you chose         driving=quick+slow
  as the parts decide  cooking=slow"""
    )


def test_the_tersest_form_has_no_columns() -> None:
    text = told(KITCHEN, "alpha", "charlie", "foxtrot", driving="quick", height=5)

    assert text.endswith(
        """
2 jobs with several ways to do them:
  as you chose: driving=quick+slow
  as the parts decide: cooking=slow"""
    )


def test_of_the_forms_that_fit_the_fullest_is_told() -> None:
    """Slots share lines before advice loses its reasons, and the tree loses its last."""
    wish = ("multi_datacenter", "state_sharing", "cache_distribution", "bootstrap")

    def shown(height: int) -> tuple[bool, bool, bool]:
        text = told(REAL, *wish, height=height)
        return (
            "the same redundancy with the zones chosen" in text,
            "session_store=dynamodb  DynamoDB, the default (or valkey, database)" in text,
            "rename_distribution  a changed file is seen at once" in text,
        )

    assert shown(60) == (True, True, True)
    assert shown(38) == (True, False, True)
    assert shown(30) == (True, False, False)
    assert shown(10) == (False, False, False)


def test_20_patterns_fit_a_terminal_of_80_by_40() -> None:
    """Prompt and command take two of its lines."""
    chance = random.Random(20)  # noqa: S311 - the same wishes in every run
    tried = 0
    while tried < 200:
        answer = resolve(REAL, chance.sample(REAL.patterns, 20))
        if isinstance(answer, Resolution):
            tried += 1
            lines = explain.resolution_text(REAL, answer).split("\n")
            assert len(lines) <= 38, answer.wish
            assert max(map(len, lines)) <= 80, answer.wish


# How a conflict is told


def test_an_exclusion_is_told_with_the_chain_of_each_side_and_the_ways_out() -> None:
    catalog = catalogue(
        {
            "alpha": {"needs": ["bravo"]},
            "bravo": {"excludes": ["charlie"]},
            "charlie": {},
        }
    )
    answer = resolve(catalog, ["alpha", "charlie"])
    assert isinstance(answer, Conflict)

    assert (
        explain.conflict_text(catalog, answer, "cdp new shop")
        == """\
error: Bravo and Charlie cannot be in one system
  Because you chose Alpha, which needs Bravo (alpha needs bravo), Bravo is part
  of it.
  But you also chose Charlie, and Bravo excludes Charlie: bravo excludes
  charlie.

hint: any one of these resolves it
  without Charlie:
    cdp new shop alpha
  without Alpha:
    cdp new shop charlie"""
    )


def test_a_slot_left_open_is_told_with_its_trade_off() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}},
        slots={"cooking": slot("quick", {"quick": [], "slow": ["bravo"]}, asks=["slow"])},
    )
    answer = resolve(catalog, ["alpha", "bravo"])
    assert isinstance(answer, Conflict)

    assert (
        explain.conflict_text(catalog, answer, width=60)
        == """\
error: Bravo leaves open how cooking is done: which is it to
  be?
  You chose Bravo.

  Cooking: how cooking is done.
  Take Quick when quick will do.
  Take Slow when slow will do.

        Quick                     Slow
  time  quick time                slow time

hint: any one of these resolves it
  without Bravo:
    cdp resolve alpha
  without Alpha:
    cdp resolve bravo
  with cooking set to Slow:
    cdp resolve alpha bravo --set cooking=slow"""
    )


def test_a_choice_against_several_fillers_names_what_they_would_have_it_be() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}, "delta": {}},
        slots={
            "cooking": slot(
                "quick",
                {"quick": [], "slow": ["bravo", "charlie"], "both": ["delta"]},
            )
        },
    )

    def sentences(*wish: str) -> list[str]:
        answer = resolve(catalog, ["alpha", *wish], {"cooking": "quick"})
        assert isinstance(answer, Conflict)
        return explain.conflict_text(catalog, answer, width=200).split("\n")[:3]

    assert sentences("bravo", "charlie") == [
        "error: `cooking=quick` does not go with Bravo and Charlie",
        "  You chose Bravo and Charlie.",
        "  Then cooking is Slow, but you set `cooking=quick`, which is Quick.",
    ]
    assert sentences("bravo", "delta") == [
        "error: `cooking=quick` does not go with Bravo and Delta",
        "  You chose Bravo and Delta.",
        "  But you set `cooking=quick`, which is Quick.",
    ]


def test_a_wish_without_a_way_out_says_so() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"], "excludes": ["bravo"]}, "bravo": {}},
        slots={"cooking": slot("quick", {"quick": ["bravo"]})},
    )
    answer = resolve(catalog, ["alpha"])
    assert isinstance(answer, Conflict)

    assert explain.conflict_text(catalog, answer).endswith(
        "\n\nhint: no part of the wish can be kept; begin with another pattern"
    )


def test_of_many_repairs_the_first_are_shown_and_the_rest_counted() -> None:
    """Four independent conflicts have 16 repairs of four steps each."""
    names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]
    catalog = catalogue(
        {
            id: {"excludes": [names[number + 1]]} if number % 2 == 0 else {}
            for number, id in enumerate(names)
        }
    )
    answer = resolve(catalog, names)
    assert isinstance(answer, Conflict)

    text = explain.conflict_text(catalog, answer)

    assert text.startswith("error: the wish cannot be, for four reasons\n\n  1. Alpha and Bravo")
    assert text.count("\n    cdp resolve ") == explain.SHOWN == 8
    assert text.endswith("\n  and 8 more of that size, which `--json` lists")


# Clauses that other modules quote


def test_a_chain_is_told_from_either_end() -> None:
    answer = resolve(KITCHEN, ["alpha", "charlie"], {"driving": "quick"})

    def both(id: str) -> tuple[str, str]:
        chain = answer.chain(id)
        return explain.chain_text(KITCHEN, chain), explain.because(KITCHEN, chain)

    assert both("alpha") == ("you chose Alpha", "you chose it")
    assert both("core") == ("Core is always part", "it is always part")
    assert both("delta") == (
        (
            "you chose Alpha, which needs Bravo (alpha needs bravo), "
            "which needs Delta (bravo needs delta)"
        ),
        (
            "Bravo needs it (bravo needs delta), which Alpha needs (alpha needs bravo), "
            "which you chose"
        ),
    )
    assert both("car") == (
        (
            "you chose Alpha, which needs Bravo (alpha needs bravo), which needs some driving "
            "(bravo asks for driving), by your choice Car (Quick)"
        ),
        (
            "it serves Bravo as driving by your choice (bravo asks for driving), "
            "which Alpha needs (alpha needs bravo), which you chose"
        ),
    )
    assert both("stove") == (
        "you chose Charlie, which makes the cooking Slow and brings Stove",
        "it completes the cooking of Bravo, decided by Charlie, which you chose",
    )


def test_every_reason_can_be_told_by_itself() -> None:
    answer = resolve(KITCHEN, ["alpha", "bravo"])

    assert [explain.reason_text(KITCHEN, reason) for reason in answer.reasons["bravo"]] == [
        "you chose it",
        "Alpha needs it (alpha needs bravo)",
    ]
    assert [explain.reason_text(KITCHEN, reason) for reason in answer.reasons["car"]] == [
        "it serves Bravo as driving by default (bravo asks for driving)"
    ]


def test_a_repair_is_told_in_one_clause() -> None:
    answer = resolve(
        REAL,
        ["stamp", "bootstrap", "multi_server", "clone_server"],
        {"address": "own_domain"},
    )
    assert isinstance(answer, Conflict)

    assert [explain.repair_text(REAL, repair) for repair in answer.repairs] == [
        "without Clone Server and Bootstrap",
        "without Multi-Server and Bootstrap",
        "without Stamp and Clone Server",
        "without Clone Server and with server setup set to Layered",
        "without Multi-Server and with server setup set to Layered",
    ]


def test_a_trade_off_is_a_table_of_any_width() -> None:
    for width in (60, 80, 110):
        lines = explain.trade_off_lines(REAL, "edge_origin", width, indent=2)
        assert max(map(len, lines)) <= width
        assert all(not line or line.startswith("  ") for line in lines)
        joined = " ".join(" ".join(lines).split())
        for option in REAL.slots["edge_origin"].options.values():
            assert option.take in joined


# Whatever the catalogue


def titles_in(text: str, catalog: Catalog) -> set[str]:
    words = set(re.findall(r"\w+", text.lower()))
    return {id for id in catalog.entries if id in words}


@settings(max_examples=200, deadline=None)
@given(catalogues_and_wishes())
def test_an_explanation_never_mentions_what_plays_no_part(
    drawn: tuple[Raw, list[str], dict[str, str]],
) -> None:
    """A resolution names its members; a conflict only who stands on its sides' chains."""
    raw, wish, choices = drawn
    catalog = build_catalog(raw)
    answer = resolve(catalog, wish, choices)
    if isinstance(answer, Resolution):
        for height in (100, 0):
            text = explain.resolution_text(catalog, answer, advice=False, height=height)
            assert titles_in(text, catalog) == set(answer.members)
        return
    links = [link for fact in answer.facts for side in fact.sides for link in side.chain]
    part = {link.member for link in links} | {
        id for link in links for id in (getattr(link, "by", None), *getattr(link, "fillers", ()))
    }

    text = explain.conflict_text(catalog, answer).partition("\n\nhint:")[0]

    assert titles_in(text, catalog) <= part
    assert titles_in(text, catalog) >= {side.member for fact in answer.facts for side in fact.sides}


@settings(max_examples=100, deadline=None)
@given(catalogues_and_wishes())
def test_every_member_has_one_place_in_the_tree(
    drawn: tuple[Raw, list[str], dict[str, str]],
) -> None:
    raw, wish, choices = drawn
    catalog = build_catalog(raw)
    answer = resolve(catalog, wish, choices)
    if isinstance(answer, Conflict):
        return
    for height in (100, 0):
        text = explain.resolution_text(catalog, answer, advice=False, height=height)
        tree = re.sub(r"\([^)]*\)", "", text.split("\n\n")[1])
        assert sorted(re.findall(r"\w+", tree)) == sorted(answer.members)


# Data for programs


@settings(max_examples=100, deadline=None)
@given(catalogues_and_wishes())
def test_the_data_of_an_answer_is_json_and_says_the_same(
    drawn: tuple[Raw, list[str], dict[str, str]],
) -> None:
    raw, wish, choices = drawn
    catalog = build_catalog(raw)
    answer = resolve(catalog, wish, choices)
    if isinstance(answer, Resolution):
        data = explain.resolution_data(catalog, answer)
        assert data["valid"] is True
        assert [each["id"] for each in data["members"]] == list(answer.members)
        for each in data["members"]:
            assert each["chain"][-1]["id"] == each["id"]
            assert len(each["reasons"]) == len(answer.reasons[each["id"]])
        assert {name: each["option"] for name, each in data["slots"].items()} == answer.slots
    else:
        data = explain.conflict_data(catalog, answer)
        assert data["valid"] is False
        assert len(data["facts"]) == len(answer.facts)
        assert [each["command"] for each in data["repairs"]] == [
            explain.repair_command(repair) for repair in answer.repairs
        ]
    assert (data["wish"], data["choices"]) == (list(answer.wish), dict(answer.choices))
    assert json.loads(json.dumps(data)) == data
