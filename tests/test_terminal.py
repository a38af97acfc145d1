"""What a terminal shows: laid out and coloured, with every word that a pipe gets."""

from __future__ import annotations

import io
import os
import random
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from hypothesis import given, settings
from rich.console import Console

from cdp_scaffold import explain, model_text, report, sheet, terminal
from cdp_scaffold.catalog import build_catalog, load_catalog
from cdp_scaffold.model import Model
from cdp_scaffold.resolver import Conflict, Resolution, resolve
from cdp_scaffold.sheet import Sheet
from tests.made_up import Raw, catalogues_and_wishes

ROOT = Path(__file__).parents[1]
REAL = load_catalog(ROOT / "blueprints" / "catalog.yml")

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|9[0-7])(?:;[0-9;]*)?m")
WISH = ["multi_datacenter", "state_sharing"]
COMMANDS = [
    ["list"],
    ["show", "multi_datacenter"],
    ["show", "network"],
    ["show", "server_setup"],
    ["resolve", *WISH],
    ["resolve", "stamp", "bootstrap", "multi_server", "clone_server"],
    ["model"],
    ["model", "--pairs"],
]


def drawn(told: Sheet, width: int = 80, height: int = sheet.HEIGHT, **how: object) -> str:
    """What a terminal of this size is sent."""
    stream = io.StringIO()
    options = {"force_terminal": True, "color_system": "truecolor", **how}
    console = Console(file=stream, width=width, highlight=False, **options)  # type: ignore[arg-type]
    terminal.drawing(console, told, width, height)
    return stream.getvalue()


def bare(text: str) -> str:
    return ESCAPE.sub("", text)


def words(text: str) -> set[str]:
    """What carries facts: everything but signs."""
    return set(re.findall(r"[\w=+/.'-]*\w", text))


def told_of(answer: Resolution | Conflict) -> Sheet:
    if isinstance(answer, Conflict):
        return explain.conflict_sheet(answer.catalog, answer)
    return report.resolution(answer.catalog, answer, advice=True)


def sheets() -> Iterator[Sheet]:
    """All that `list`, `show` and `model` tell of the real catalogue."""
    yield report.listing(REAL)
    for id in REAL.entries:
        yield report.entry(REAL, id)
    for id in REAL.slots:
        yield report.slot(REAL, id)
    yield model_text.numbers(Model(REAL))


# The same words


@pytest.mark.parametrize("width", [60, 80, 110])
def test_a_terminal_is_told_every_word_that_a_pipe_is_told(width: int) -> None:
    for told in sheets():
        assert words(told.plain(200)) <= words(bare(drawn(told, width)))


def test_pairs_are_told_with_every_word() -> None:
    """Those of one pattern stand under its name, which is told once."""
    told = model_text.pairs(Model(REAL))

    assert words(told.plain(120)) <= words(bare(drawn(told, 120)))


@settings(max_examples=60, deadline=None)
@given(catalogues_and_wishes())
def test_an_answer_is_told_with_every_word_whatever_the_catalogue(
    drawn_: tuple[Raw, list[str], dict[str, str]],
) -> None:
    raw, wish, choices = drawn_
    told = told_of(resolve(build_catalog(raw), wish, choices))

    for form in told.forms:
        one = Sheet((form,))
        assert words(one.plain(80)) <= words(bare(drawn(one)))


# Its size


def test_a_tree_breaks_its_lines_where_the_plain_one_does() -> None:
    """So both forms of an answer fit a terminal of the same height."""
    answer = resolve(REAL, [*WISH, "cache_distribution", "read_replica", "cloudhub"])
    assert isinstance(answer, Resolution)
    for form in explain.resolution_sheet(REAL, answer).forms:
        trees = [block for block in form if isinstance(block, sheet.Tree)]
        for width in (50, 80):
            rich = bare(drawn(Sheet((trees,)), width)).splitlines()
            assert rich == sheet.plain(trees, width)


def test_20_patterns_fit_a_terminal_of_80_by_40_with_all_notes() -> None:
    """Prompt and command take two of its lines; told is also what is only planned."""
    chance = random.Random(20)  # noqa: S311 - the same wishes in every run
    tried = 0
    while tried < 100:
        answer = resolve(REAL, chance.sample(REAL.patterns, 20))
        if isinstance(answer, Resolution):
            tried += 1
            told = report.resolution(REAL, answer, advice=True)
            for text in (told.plain(80), bare(drawn(told))):
                lines = text.splitlines()
                assert len(lines) <= 38, answer.wish
                assert max(map(len, lines)) <= 80, answer.wish
                assert set(answer.members) <= words(text)


@pytest.mark.parametrize("width", [60, 80, 110])
def test_nothing_but_a_command_is_wider_than_the_terminal(width: int) -> None:
    answer = resolve(REAL, ["stamp", "bootstrap", "multi_server", "clone_server"])
    for told in (*sheets(), told_of(answer)):
        for line in bare(drawn(told, width)).splitlines():
            assert len(line) <= width or line.startswith("    cdp "), line
            assert line == line.rstrip()


def test_a_table_too_wide_for_the_terminal_shows_one_way_after_the_other() -> None:
    told = Sheet((explain.trade_off(REAL, "edge_origin"),))

    assert "│ A bucket " in bare(drawn(told, 60))
    assert "…" not in bare(drawn(told, 60)) + bare(drawn(told, 80))


def test_a_higher_terminal_gets_the_fuller_form() -> None:
    wish = [*WISH, "cache_distribution", "read_replica", "cloudhub", "waf_proxy"]
    told = told_of(resolve(REAL, wish))

    assert len(drawn(told, height=38).splitlines()) <= 38
    assert "planned, so this wish cannot be generated yet:" in bare(drawn(told, height=100))


# Commands to paste


def test_a_command_stays_on_one_line_and_in_one_style() -> None:
    wish = [*REAL.patterns[:20], "clone_server"]
    answer = resolve(REAL, wish)
    assert isinstance(answer, Conflict)
    commands = [explain.repair_command(repair) for repair in answer.repairs[: explain.SHOWN]]
    assert max(map(len, commands)) > 80

    lines = drawn(told_of(answer), 60).splitlines()

    for command in commands:
        assert f"    \x1b[1m{command}\x1b[0m" in lines


# What tells states apart


def test_ready_and_planned_differ_without_colour() -> None:
    plain = drawn(report.listing(REAL), color_system=None)
    narrow = plain.splitlines()
    wide = drawn(report.listing(REAL), 120, color_system=None).splitlines()

    assert "\x1b" not in plain
    for id in REAL.patterns:
        sign, word = ("●", "ready") if REAL.entries[id].status == "ready" else ("·", "planned")
        assert [line for line in narrow if line.startswith(f"{sign} {id} ")], id
        assert [line for line in wide if re.match(rf"{sign} {id} +{word} ", line)], id


def test_the_why_is_dim_and_what_was_chosen_is_bold() -> None:
    answer = resolve(REAL, ["multi_datacenter"])
    lines = drawn(told_of(answer), color_system="standard").splitlines()

    assert "\x1b[1;36mmulti_datacenter\x1b[0m" in lines
    assert [
        line
        for line in lines
        if "\x1b[36mnetwork\x1b[0m\x1b[2m (subnets stand in two zones or more)\x1b[0m" in line
    ]


# Real terminals


def on_terminal(*arguments: str, **variables: str) -> str:
    """What `cdp` sends to a pseudo-terminal of 80 by 40."""
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "cdp_scaffold.cli", *arguments],
        env={**environment, "TERM": "xterm-256color", **variables},
        encoding="utf-8",
        dimensions=(40, 80),
        timeout=60,
    )
    shown: str = child.read()
    child.close()
    assert child.exitstatus in (0, 2)
    return shown.replace("\r\n", "\n")


def in_pipe(*arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-m", "cdp_scaffold.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_terminal_shows_colour_and_a_pipe_gets_plain_text_with_the_same_words(
    arguments: list[str],
) -> None:
    shown, piped = on_terminal(*arguments), in_pipe(*arguments)

    assert COLOUR.search(shown)
    assert "\x1b" not in piped
    assert words(piped) <= words(bare(shown))


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_who_wants_no_colour_gets_the_layout_without_it(variables: dict[str, str]) -> None:
    for arguments in (["list"], ["resolve", "stamp", "bootstrap"]):
        shown = on_terminal(*arguments, **variables)

        assert not COLOUR.search(shown)
        assert bare(shown) == bare(on_terminal(*arguments))
    assert "TERM" not in variables or "\x1b" not in shown


def test_a_conflict_is_drawn_on_the_terminal_that_errors_go_to(tmp_path: Path) -> None:
    """Whether the answers themselves go to a file or not."""
    told = tmp_path / "told"
    command = shlex.join(
        [sys.executable, "-m", "cdp_scaffold.cli", "resolve", "stamp", "bootstrap"]
    )
    child = pexpect.spawn("/bin/sh", ["-c", f"{command} > {told}"], encoding="utf-8", timeout=60)
    shown = bare(child.read())

    assert (
        "│ drawback" in shown and "cdp resolve stamp bootstrap --set server_setup=layered" in shown
    )
    assert told.read_text() == ""


def test_data_is_the_same_on_a_terminal() -> None:
    assert on_terminal("show", "stamp", "--json") == in_pipe("show", "stamp", "--json")


def test_a_terminal_without_unicode_gets_letters_it_knows() -> None:
    shown = on_terminal("resolve", *WISH, PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert shown.isascii() and "+- " in shown
