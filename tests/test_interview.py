"""The interview: what a choice does, what is asked, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
import yaml
from prompt_toolkit.application import create_app_session, get_app
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from cdp_scaffold import effects
from cdp_scaffold.answers import Answers
from cdp_scaffold.catalog import Catalog, load_catalog
from cdp_scaffold.errors import TemplateError
from cdp_scaffold.interview import interview
from cdp_scaffold.questions import Questions, load_questions
from cdp_scaffold.resolver import Conflict, resolve

DOWN, UP, SPACE, ENTER, BACK = "\x1b[B", "\x1b[A", " ", "\r", "\x7f"
CTRL_A, CTRL_C, CTRL_D, TAB = "\x01", "\x03", "\x04", "\t"

# What is asked before the patterns, and keys that answer it.
PLAIN = ENTER * 4 + "y"
KNOWN = {"project": "shop", "region": "eu-west-1", "milk": "oat", "lumps": 0, "warm": False}

KETTLE, STOVE, TEA, ICED_TEA, SOUP = range(5)


def choose(*places: int) -> str:
    """Mark patterns by their place in the list, and go on."""
    keys, at = "", 0
    for place in places:
        keys += DOWN * (place - at) + SPACE
        at = place
    return keys + ENTER


@pytest.fixture(scope="session")
def catalog(template: Path) -> Catalog:
    return load_catalog(template / "blueprints" / "catalog.yml")


class LeftError(Exception):
    """Ctrl-C was pressed; pytest takes a KeyboardInterrupt for its own."""


class Screen(DummyOutput):
    """Sees each screen before the next key is pressed."""

    def __init__(self, pipe: PipeInput, keys: str) -> None:
        # Ctrl-C at the end: an interview that asks more than a test expects must not wait.
        self.keys = [*re.findall(r"\x1b\[.|.", keys, re.DOTALL), CTRL_C]
        self.pipe = pipe
        self.shown: list[str] = []
        self.seen: object = None

    def flush(self) -> None:
        app = get_app()
        screen = app.renderer.last_rendered_screen
        if screen is None or screen is self.seen or app.is_done:
            return
        self.seen = screen
        rows = [screen.data_buffer[y] for y in range(screen.height)]
        text = ["".join(row[x].char for x in range(80)).rstrip() for row in rows]
        self.shown.append("\n".join(text))
        if self.keys:
            self.pipe.send_text(self.keys.pop(0))


class Ask:
    """Hold the interview in this process; by default with the plain questions answered."""

    def __init__(self, catalog: Catalog, questions: Questions) -> None:
        self.catalog = catalog
        self.questions = questions
        self.shown: list[str] = []

    def __call__(self, keys: str, given: Answers | None = None, **suggested: object) -> Answers:
        given = given or Answers((), {}, KNOWN)
        with create_pipe_input() as pipe:
            screen = Screen(pipe, keys)
            self.shown = screen.shown
            with create_app_session(input=pipe, output=screen):
                try:
                    return interview(self.catalog, self.questions, given, suggested)
                except KeyboardInterrupt:
                    raise LeftError from None

    def saw(self, *lines: str) -> bool:
        """Whether one screen showed all these, each somewhere in it."""
        return any(all(line in screen for line in lines) for screen in self.shown)


@pytest.fixture
def ask(template: Path, catalog: Catalog) -> Ask:
    return Ask(catalog, load_questions(template))


# --- what a choice does -------------------------------------------------------------------------


def test_a_pattern_brings_in_what_nothing_else_brings_in(catalog: Catalog) -> None:
    assert effects.effect(catalog, [], "tea").brings == ("kettle", "cupboard", "mug")
    assert effects.effect(catalog, ["kettle"], "tea").brings == ("mug",)
    assert effects.effect(catalog, ["soup"], "tea").brings == ("mug",)
    # The same whether the wish holds it already or not.
    assert effects.effect(catalog, ["soup", "tea"], "tea").brings == ("mug",)


def test_a_choice_made_before_counts(catalog: Catalog) -> None:
    found = effects.effect(catalog, [], "tea", {"heat": "stove", "cup": "glass"})

    assert found.brings == ("stove", "cupboard", "glass")


def test_what_a_pattern_rules_out_is_known_from_both_sides(catalog: Catalog) -> None:
    assert effects.effect(catalog, [], "iced_tea").excludes == ("tea",)
    assert effects.effect(catalog, [], "tea").excludes == ("iced_tea",)
    assert effects.effect(catalog, ["soup"], "tea").against == ()
    assert effects.effect(catalog, ["iced_tea"], "tea").against == ("iced_tea",)


def test_two_patterns_that_do_one_job_are_told_before_they_are_chosen(catalog: Catalog) -> None:
    assert effects.effect(catalog, ["kettle", "tea"], "stove").shares == {"heat": ("kettle",)}
    assert effects.effect(catalog, ["kettle", "tea"], "stove", {"heat": "both"}).shares == {}
    # Nobody asks for heat here, so both may stand side by side.
    assert effects.effect(catalog, ["kettle"], "stove").shares == {}


def test_only_what_can_be_generated_is_offered(catalog: Catalog) -> None:
    assert effects.offered(catalog) == ("kettle", "stove", "tea", "iced_tea", "soup")


def test_an_option_is_open_if_the_wish_allows_it_and_it_can_be_generated(
    catalog: Catalog,
) -> None:
    assert list(effects.open_options(catalog, Answers(("tea",)), "cup")) == ["mug", "glass"]
    assert list(effects.open_options(catalog, Answers(("tea",)), "heat")) == [
        *("kettle", "stove", "both")
    ]
    wish = Answers(("tea", "stove"))
    assert list(effects.open_options(catalog, wish, "heat")) == ["stove", "both"]


def test_of_several_conflicts_one_is_asked_about_at_a_time(catalog: Catalog) -> None:
    conflict = resolve(catalog, ["kettle", "stove", "tea", "iced_tea"], {"cup": "glass"})
    assert isinstance(conflict, Conflict) and len(conflict.facts) == 2

    part, repairs = effects.ways_out(catalog, conflict)

    assert [fact.slot for fact in part.facts] == ["heat"]
    # The rest of the wish and of the choices stays; what makes the question needless comes last.
    assert [(repair.wish, repair.choices) for repair, _ in repairs] == [
        (("kettle", "tea", "iced_tea"), {"cup": "glass"}),
        (("stove", "tea", "iced_tea"), {"cup": "glass"}),
        (("kettle", "stove", "tea", "iced_tea"), {"cup": "glass", "heat": "both"}),
        (("kettle", "stove", "iced_tea"), {"cup": "glass"}),
    ]


def test_a_way_out_that_leaves_the_question_open_is_none(catalog: Catalog) -> None:
    # Without tea the soup would still ask for heat.
    conflict = resolve(catalog, ["kettle", "stove", "tea", "iced_tea", "soup"])
    assert isinstance(conflict, Conflict)

    _, repairs = effects.ways_out(catalog, conflict)

    assert [repair.drop for repair, _ in repairs] == [("stove",), ("kettle",), ()]


# --- what is asked ------------------------------------------------------------------------------


def test_a_whole_interview_gives_all_answers(ask: Ask) -> None:
    keys = PLAIN + choose(TEA) + DOWN + ENTER + DOWN + ENTER + "y" + ENTER

    answers = ask(keys, Answers(), project="corner-shop")

    assert answers == Answers(
        ("tea",),
        {"heat": "stove", "cup": "glass"},
        {
            "project": "corner-shop",
            "region": "us-east-1",
            "milk": "none",
            "lumps": 1,
            "warm": True,
            "lemon": True,
        },
    )


def test_each_kind_of_question_takes_its_kind_of_answer(ask: Ask) -> None:
    keys = "x" + ENTER + BACK * 9 + "eu-central-1" + ENTER + DOWN + ENTER + BACK + "3" + ENTER + "n"

    answers = ask(keys + choose(SOUP) + ENTER + ENTER, Answers())

    assert answers.others == {
        "project": "my-servicex",
        "region": "eu-central-1",
        "milk": "cow",
        "lumps": 3,
        "warm": False,
    }


def test_an_answer_that_breaks_the_template_s_rule_is_not_taken(ask: Ask) -> None:
    # The region is refused until it is mended; so are the lumps.
    keys = ENTER + BACK * 9 + "Mars" + ENTER + BACK * 4 + "eu-west-1" + ENTER + ENTER
    keys += BACK + "-1" + ENTER + BACK * 2 + "2" + ENTER + "y" + choose(SOUP) + ENTER + ENTER

    answers = ask(keys, Answers())

    assert answers.others["region"] == "eu-west-1" and answers.others["lumps"] == 2
    assert ask.saw("AWS Region Mars", "`region` must be the name of an AWS Region")
    assert ask.saw("Lumps of sugar -1", "`lumps` must be at least 0")


def test_what_is_given_is_not_asked(ask: Ask) -> None:
    given = Answers((), {"heat": "both", "cup": "mug"}, {**KNOWN, "lemon": False})

    assert ask(choose(TEA) + ENTER, given) == Answers(("tea",), given.choices, given.others)


def test_a_wish_without_a_pattern_is_not_taken(ask: Ask) -> None:
    answers = ask(ENTER + choose(KETTLE) + ENTER)

    assert answers.patterns == ("kettle",)
    assert ask.saw("Choose at least one: move to it and press space.")


def test_the_list_shows_families_and_what_each_pattern_is_for(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(choose(KETTLE) + ENTER)

    assert ask.saw(
        "? Patterns (arrows move, space chooses, letters filter, enter goes on)\n"
        "   Drinks\n"
        " » ○ Kettle           Water is cold; boil a little of it fast.\n"
        "   ○ Stove            Many want hot water; boil a lot of it.\n"
        "   ○ Tea              Mornings are hard; drink something warm.\n"
        "   ○ Iced Tea         Summers are hot; drink something cold.\n"
        "   Meals\n"
        "   ○ Soup-of-the-Day  Hunger comes at noon; cook what there is.\n"
    )
    planned = "1 more pattern is planned; `cdp list` shows all of them.\n"
    assert planned in capsys.readouterr().err


def test_what_a_pattern_does_is_shown_while_one_points_at_it(ask: Ask) -> None:
    ask(choose(STOVE, TEA) + ENTER + ENTER + "n" + ENTER)

    assert ask.saw(
        " » ○ Kettle",
        "   Water is cold; boil a little of it fast.\n"
        "   brings in  Cupboard\n"
        "   rules out  nothing",
    )
    assert ask.saw(
        " » ○ Tea",
        "   Mornings are hard; drink something warm.\n"
        "   brings in  Mug\n"
        "   rules out  Iced Tea\n"
        "   so far     1 chosen, 2 brought in",
    )
    assert ask.saw(" » ● Tea", "   so far     2 chosen, 3 brought in")


def test_a_conflict_to_come_is_shown_before_it_is_chosen(ask: Ask) -> None:
    ask(SPACE + DOWN * 2 + SPACE + UP + DOWN * 2 + ENTER + ENTER + ENTER + "n" + ENTER)

    assert ask.saw(" » ○ Stove", "   asks       Kettle does one job with it, heat: which?\n")
    assert ask.saw(" » ○ Iced Tea", "   asks       Tea cannot be in one system with it: which?\n")


def test_a_conflict_becomes_a_question_with_its_trade_off(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ask(choose(KETTLE, STOVE, SOUP) + DOWN * 2 + ENTER + ENTER)

    assert answers.patterns == ("kettle", "stove", "soup")
    assert answers.choices == {"heat": "both"}
    told = capsys.readouterr().err
    assert "Kettle and Stove do one job, heat: which is it to be?" in told
    assert re.search("ten cups take +ten minutes +five minutes +five minutes", told)
    assert "hint:" not in told and "error:" not in told
    assert "? Which is it to be? Both\n" in told
    assert ask.saw(
        "? Which is it to be? (Use arrow keys)\n"
        "   Kettle: one drink at a time is enough\n"
        "   Stove: many come at once\n"
        " » Both: some days are busy\n"
        "   Without Soup-of-the-Day\n"
        "   Choose patterns again\n",
        "   This is your wish with heat set to Both.",
    )


@pytest.mark.parametrize(("steps", "patterns"), [(0, ("kettle", "soup")), (1, ("stove", "soup"))])
def test_one_side_of_a_conflict_may_leave(ask: Ask, steps: int, patterns: tuple[str, ...]) -> None:
    # After it the same job is still open: the one that stays, or both.
    answers = ask(choose(KETTLE, STOVE, SOUP) + DOWN * steps + ENTER + ENTER + ENTER)

    assert answers.patterns == patterns
    assert answers.choices == {"heat": patterns[0]}


def test_patterns_that_exclude_each_other_become_a_question(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ask(choose(TEA, ICED_TEA) + DOWN + ENTER + ENTER)

    assert answers.patterns == ("iced_tea",)
    assert "Iced Tea and Tea cannot be in one system" in capsys.readouterr().err
    assert ask.saw(
        "   Without Iced Tea\n » Without Tea\n   Choose patterns again\n",
        "   This is your wish without Tea.\n   leaves out  Kettle, Cupboard",
    )


def test_two_conflicts_are_two_questions(ask: Ask) -> None:
    keys = choose(KETTLE, STOVE, TEA, ICED_TEA, SOUP)
    # Both ways to heat; then no iced tea; a mug; no lemon; yes.
    answers = ask(keys + DOWN * 2 + ENTER + ENTER + ENTER + "n" + ENTER)

    assert answers.patterns == ("kettle", "stove", "tea", "soup")
    assert answers.choices == {"heat": "both", "cup": "mug"}


def test_one_may_choose_patterns_again_instead_of_a_way_out(ask: Ask) -> None:
    # The marks are still there: the kettle's is taken off.
    again = DOWN * 4 + ENTER + SPACE + ENTER
    answers = ask(choose(KETTLE, STOVE, SOUP) + again + ENTER + ENTER)

    assert answers.patterns == ("stove", "soup")


def test_an_option_is_shown_with_when_to_take_it_and_what_it_brings(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(choose(TEA) + ENTER + DOWN + ENTER + "n" + ENTER)

    assert ask.saw(
        "? Cup (what is drunk from)\n"
        " » A mug: it is cold outside\n"  # the default; silver is only planned
        "   A glass: the colour matters\n",
        "   when it falls  it may break",
    )
    assert ask.saw(
        " » A glass",
        "   when it falls  it breaks\n   brings in      Glass\n   leaves out     Mug",
    )
    assert not ask.saw("Silver")
    assert "? Cup A glass\n" in capsys.readouterr().err


def test_a_job_that_patterns_decide_starts_from_their_way(ask: Ask) -> None:
    ask(choose(STOVE, SOUP) + ENTER + ENTER)

    assert ask.saw("? Heat (what boils the water)\n » Stove: many come at once\n   Both: ")


def test_a_question_that_hangs_on_a_pattern_is_asked_only_with_it(ask: Ask) -> None:
    with_tea = ask(choose(TEA) + ENTER + ENTER + "y" + ENTER)
    without = ask(choose(SOUP) + ENTER + ENTER)

    assert with_tea.others["lemon"] is True
    assert "lemon" not in without.others


def test_a_choice_that_nothing_asks_for_is_left_out_with_a_note(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ask(choose(SOUP) + ENTER + ENTER, Answers((), {"cup": "mug"}, KNOWN))

    assert answers.choices == {"heat": "kettle"}
    note = "note: `cup=mug` is left out, for no part of the wish asks for it\n"
    assert note in capsys.readouterr().err


def test_a_choice_that_is_only_planned_is_told_where_the_pattern_is_chosen(ask: Ask) -> None:
    keys = choose(TEA) + SPACE + DOWN * 2 + SPACE + ENTER + ENTER + ENTER  # soup instead
    answers = ask(keys, Answers((), {"cup": "silver"}, KNOWN))

    assert answers.patterns == ("soup",)
    assert ask.saw("These need what is only planned yet: Silver.")


def test_the_result_is_summed_up_before_a_yes(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    ask(choose(SOUP) + ENTER + ENTER)

    summary = capsys.readouterr().err.partition("1 pattern chosen")[2]
    for word in ("soup", "kettle", "cupboard", "table", "Kettle, as you chose"):
        assert word in summary
    assert "\nanswers: project=shop, region=eu-west-1, milk=oat, lumps=0, warm=false\n" in summary


def test_a_no_leads_back_to_the_patterns_with_the_marks_kept(ask: Ask) -> None:
    keys = choose(TEA) + ENTER + ENTER + "y" + DOWN + ENTER
    # Tea is taken off; with it go its cup and its lemon.
    keys += DOWN * 2 + SPACE + DOWN * 2 + SPACE + ENTER + ENTER + ENTER

    answers = ask(keys)

    assert answers.patterns == ("soup",)
    assert answers.choices == {"heat": "kettle"} and "lemon" not in answers.others


def test_a_no_may_end_it(ask: Ask) -> None:
    with pytest.raises(LeftError):
        ask(choose(KETTLE) + DOWN * 2 + ENTER)
    assert ask.saw(" » No, leave; nothing is written")


PLACES = {
    "project": "",
    "milk": ENTER * 2,
    "patterns": PLAIN,
    "conflict": PLAIN + choose(KETTLE, STOVE, SOUP),
    "option": PLAIN + choose(SOUP),
    "summary": PLAIN + choose(KETTLE),
}


@pytest.mark.parametrize("place", list(PLACES))
def test_ctrl_c_ends_it_at_every_question(ask: Ask, place: str) -> None:
    with pytest.raises(LeftError):
        ask(PLACES[place], Answers())


def test_the_end_of_input_ends_it(ask: Ask) -> None:
    with pytest.raises(EOFError):
        ask(BACK * 10 + CTRL_D, Answers())


def test_letters_filter_the_list_and_the_pointer_stays_on_patterns(ask: Ask) -> None:
    # With the filter gone the pointer is on the first pattern, not on its family.
    answers = ask("soup" + SPACE + BACK * 4 + SPACE + ENTER + ENTER + ENTER)

    assert answers.patterns == ("kettle", "soup")
    assert ask.saw("enter goes on)\n » ● Soup-of-the-Day", "/ soup...")
    assert not ask.saw(" » Drinks")


def test_a_filter_that_leaves_only_a_family_chooses_nothing(ask: Ask) -> None:
    answers = ask("meals" + SPACE + BACK * 5 + SPACE + ENTER + ENTER)

    assert answers.patterns == ("kettle",)


def test_no_key_marks_all_at_once(ask: Ask) -> None:
    answers = ask(CTRL_A + TAB + choose(KETTLE) + ENTER)

    assert answers.patterns == ("kettle",)


def test_a_template_that_offers_nothing_is_refused(catalog: Catalog, template: Path) -> None:
    entries = {id: each for id, each in catalog.entries.items() if each.kind == "component"}

    with pytest.raises(TemplateError, match="no pattern that can be generated"):
        Ask(Catalog(entries), load_questions(template))("")


# --- on a real terminal -------------------------------------------------------------------------


class Terminal:
    """`cdp` on a pseudo-terminal."""

    def __init__(
        self, folder: Path, *arguments: object, after: str = "", kind: str = "xterm"
    ) -> None:
        command = [sys.executable, "-m", "cdp_scaffold.cli", *map(str, arguments)]
        if after:
            command = ["/bin/sh", "-c", f'"$@" {after}', "sh", *command]
        environment = {**os.environ, "TERM": kind, "PROMPT_TOOLKIT_NO_CPR": "1"}
        environment.pop("COLUMNS", None)
        self.child = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(folder),
            env=environment,
            encoding="utf-8",
            dimensions=(40, 100),
            timeout=30,
        )

    def type(self, shown: str, keys: str) -> None:
        """Wait until the terminal shows something, then press keys."""
        self.child.expect_exact(shown)
        self.child.send(keys)

    def end(self) -> tuple[int | None, str]:
        """Wait for the end: exit code, and what was shown last."""
        shown = self.child.read()
        self.child.close()
        return self.child.exitstatus, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_on_a_terminal_an_interview_begins_and_generates(template: Path, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "new", "shop", "--template", template)
    terminal.type("every AWS name", ENTER)
    terminal.type("AWS Region", ENTER)
    terminal.type("Milk", DOWN + ENTER)
    terminal.type("Lumps of sugar", ENTER)
    terminal.type("Warm the pot?", "y")
    terminal.type("letters filter", choose(KETTLE, STOVE, SOUP))
    terminal.type("Which is it to be? ", DOWN * 2 + ENTER)
    terminal.type("Generate it?", ENTER)

    code, shown = terminal.end()

    assert code == 0
    answers = yaml.safe_load((tmp_path / "shop" / ".copier-answers.yml").read_text())
    assert answers["project"] == "shop" and answers["milk"] == "cow" and answers["heat"] == "both"
    assert "the same without questions:" in shown
    command = re.search(r"^  cdp (new shop .*?)\r?$", shown, re.MULTILINE)
    assert command
    # What it tells to type without questions gives the very same.
    words = command[1].replace("new shop", "new again --set project=shop").split()
    subprocess.run([sys.executable, "-m", "cdp_scaffold.cli", *words], cwd=tmp_path, check=True)
    for name in (".copier-answers.yml", "parts.txt"):
        assert (tmp_path / "again" / name).read_text() == (tmp_path / "shop" / name).read_text()


def test_the_real_template_asks_which_server_setup(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "new", "shop", "--set", "region=eu-central-1")
    terminal.type("every AWS name", ENTER)
    terminal.type("letters filter", "stamp" + SPACE + BACK * 5 + "bootstrap" + SPACE + ENTER)
    terminal.child.expect_exact("Stamp and Bootstrap do one job, server setup: which is it to be?")
    terminal.child.expect_exact("start of a server")
    terminal.type("Which is it to be? ", ENTER)
    terminal.type("Server setup", ENTER)
    terminal.type("Generate it?", ENTER)

    code, shown = terminal.end()

    assert code == 0, shown
    answers = yaml.safe_load((tmp_path / "shop" / ".copier-answers.yml").read_text())
    assert answers["patterns"] == ["stamp"] and answers["server_setup"] == "stamp"
    assert (tmp_path / "shop" / "infra" / "stamp.tf").is_file()


def test_ctrl_c_leaves_nothing_and_ends_with_130(template: Path, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "new", "shop", "--template", template)
    terminal.type("every AWS name", ENTER + CTRL_C)

    code, shown = terminal.end()

    assert code == 130 and "stopped; nothing was written\r\n" in shown
    assert "Traceback" not in shown and list(tmp_path.iterdir()) == []


def test_a_no_at_the_end_leaves_nothing(template: Path, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "new", "shop", "--template", template)
    terminal.type("every AWS name", PLAIN)
    terminal.type("letters filter", choose(KETTLE))
    terminal.type("Generate it?", DOWN * 2 + ENTER)

    code, shown = terminal.end()

    assert code == 130 and "stopped; nothing was written\r\n" in shown
    assert list(tmp_path.iterdir()) == []


def test_a_request_to_end_gives_the_terminal_back(template: Path, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "new", "shop", "--template", template, after="; stty -a")
    terminal.child.expect_exact("every AWS name")
    children = Path(f"/proc/{terminal.child.pid}/task/{terminal.child.pid}/children")
    os.kill(int(children.read_text().split()[0]), signal.SIGTERM)

    _, shown = terminal.end()

    assert re.search(r"[^-]icanon", shown) and re.search(r"[^-]echo\b", shown)
    assert "Traceback" not in shown and list(tmp_path.iterdir()) == []


def test_questions_stay_on_the_terminal_where_output_goes_to_a_file(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    terminal = Terminal(folder, "new", "shop", "--template", template, after="> ../told")
    terminal.type("every AWS name", PLAIN)
    terminal.type("letters filter", choose(KETTLE))
    terminal.type("Generate it?", ENTER)

    assert terminal.end()[0] == 0
    told = (tmp_path / "told").read_text()
    assert " ".join(told.split()).startswith("Generated shop: 2 files from ")
    assert "\x1b" not in told


@pytest.mark.parametrize("after", ["< /dev/null", "2> /dev/null"])
def test_without_a_terminal_to_ask_on_nothing_is_asked(
    template: Path, tmp_path: Path, after: str
) -> None:
    code, _ = Terminal(tmp_path, "new", "shop", "--template", template, after=after).end()

    assert code == 2 and list(tmp_path.iterdir()) == []


def test_a_terminal_that_cannot_move_its_cursor_is_not_asked_on(
    template: Path, tmp_path: Path
) -> None:
    code, shown = Terminal(tmp_path, "new", "shop", "--template", template, kind="dumb").end()

    assert code == 2 and "error: no pattern was named" in shown
