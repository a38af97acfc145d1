"""`cdp-dev new-pattern`: what it writes, what it refuses, and that nothing is half-written."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pexpect
import pytest
import yaml

from cdp_scaffold import dev, staging
from cdp_scaffold.catalog import load_catalog
from cdp_scaffold.dev import catalogue_text
from cdp_scaffold.dev.errors import RefusedError
from cdp_scaffold.render import Template
from tests.repositories import ROOT, Outcome, snapshot, write

REAL = (ROOT / "blueprints/catalog.yml").read_text(encoding="utf-8")
PLANNED = [
    id for id, entry in yaml.safe_load(REAL)["entries"].items() if entry["status"] == "planned"
]

CATALOG = """\
# Kept as it is: "quotes", order and this line.
families: {hot: Hot drinks, cold: 'Cold drinks'}

slots:
  heat:
    title: Heat
    job: what boils the water
    default: gas_stove
    options:
      gas_stove: {title: Gas, fills: [gas_stove], take: there is gas}
      hot_plate: {title: Plate, fills: [hot_plate], take: there is a socket}
    trade_off:
      - {about: it takes, gas_stove: a minute, hot_plate: five}

entries:
  black_tea:
    title: Black Tea
    kind: pattern
    family: hot
    status:   planned   # for now
    summary: "Mornings are hard; drink something warm."
    source: Black Tea Pattern
    needs:
      app: it tells when the tea is ready

  # Cold ones.
  iced_tea:
    title: Iced Tea
    kind: pattern
    family: cold
    status: ready
    summary: Summers are hot; drink something cold.
    source: Iced Tea Pattern

  white_tea:
    title: White Tea
    kind: pattern
    family: cold
    status: planned
    summary: Evenings are long; drink something mild.
    source: White Tea Pattern
    slots:
      heat: leaves want warm water

  core: {title: Core, kind: component, status: ready, always: true, summary: The kitchen.}
  app: {title: Bell, kind: component, status: ready, summary: It rings., needs: {setup: it hangs}}
  setup: {title: Hook, kind: component, status: ready, summary: A hook.}
  gas_stove: {title: Gas stove, kind: component, status: planned, summary: It burns gas.}
  hot_plate:
    title: Hot plate
    kind: component
    status: ready
    summary: It glows.
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A checkout with a made-up catalogue."""
    root = tmp_path / "house"
    write(
        root,
        {
            "copier.yml": "",
            "blueprints/catalog.yml": CATALOG,
            "blueprints/{{use.iced_tea}}/infra/test_jug.tf": "\n",
            "blueprints/{{use.app}}/docs/components/app.md.jinja": "# Bell\n",
            "blueprints/{{use.app}}/app/tests/test_bell.py": "\n",
        },
    )
    return root


def run(*arguments: object, ask: bool = False) -> Outcome:
    """Run `cdp-dev` in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["cdp-dev", *map(str, arguments)]),
        mock.patch.object(dev, "_on_terminal", return_value=ask),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            dev.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Outcome(code, out.getvalue(), err.getvalue())


@pytest.fixture
def unchanged(house: Path) -> Iterator[None]:
    """Nothing of the checkout may differ after the test."""
    before = snapshot(house)
    yield
    assert snapshot(house) == before


def catalogue(house: Path) -> str:
    return (house / "blueprints/catalog.yml").read_text(encoding="utf-8")


NEW = (
    "--title", "Green Tea", "--family", "hot", "--source", "Green Tea Pattern",
    "--summary", "Black tea is bitter; drink a milder one.",
)  # fmt: skip


# What is planned


def test_a_planned_pattern_gets_its_folder_and_one_word_of_the_catalogue(house: Path) -> None:
    done = run("new-pattern", "black_tea", "-C", house)

    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "Black Tea is written, and ready in blueprints/catalog.yml:\n"
        "\n"
        "  blueprints/{{use.black_tea}}/\n"
        "    .cdp/contributes.yml\n"
        "    app/src/app/features/black_tea.py\n"
        "    app/tests/test_black_tea.py\n"
        "    docs/patterns/black_tea.md\n"
        "    infra/black_tea.outputs.tf\n"
        "    infra/black_tea.tf\n"
        "    infra/black_tea.variables.tf\n"
        "    infra/tests/black_tea.tftest.hcl\n"
        "\n"
        "It keeps a note on itself and nothing else; replace that by what it is about. Next:\n"
        "\n"
        "  make docs goldens                   # what tells of it; read the difference\n"
        "  .venv/bin/pytest -k black_tea       # its checks\n"
        "  .venv/bin/cdp new ../try --template . --ref HEAD --no-input -p black_tea\n"
    )
    assert catalogue(house) == CATALOG.replace("status:   planned   #", "status:   ready   #")
    template = Template(house)
    held = {source.path for source in template.sources if source.member == "black_tea"}
    listed = {each["path"] for each in template.contributions["black_tea"]["files"]}
    assert held == listed == {line.strip() for line in done.out.splitlines()[4:11]}
    page = (template.folder("black_tea") / "docs/patterns/black_tea.md").read_text()
    assert "## The problem\n\nMornings are hard.\n" in page
    assert "The way out: drink something warm." in page
    assert "| [Bell](../components/app.md) | it tells when the tea is ready |" in page


def test_a_title_names_a_pattern_too_and_any_folder_inside_will_do(house: Path) -> None:
    done = run("new-pattern", "Black Tea", "-C", house / "blueprints")

    assert done.code == 0
    assert (house / "blueprints/{{use.black_tea}}/infra/black_tea.tf").is_file()


def test_files_have_the_mode_of_any_file_that_is_written_here(house: Path) -> None:
    run("new-pattern", "black_tea", "-C", house)
    (house / "plain").write_text("")

    mode = stat.S_IMODE((house / "plain").stat().st_mode)
    for path in ("catalog.yml", "{{use.black_tea}}/infra/black_tea.tf"):
        assert stat.S_IMODE((house / "blueprints" / path).stat().st_mode) == mode


def test_what_comes_without_the_application_has_no_feature(house: Path) -> None:
    done = run("new-pattern", "gas_stove", "-C", house)

    assert done.code == 0
    folder = house / "blueprints/{{use.gas_stove}}"
    assert not (folder / "app").exists()
    assert (folder / "docs/components/gas_stove.md").is_file()
    assert "local.setup_settings_path" not in (folder / "infra/gas_stove.tf").read_text()
    assert done.out.endswith("  .venv/bin/cdp show gas_stove\n")


def test_a_part_that_is_planned_is_named_with_both_ways_out(house: Path, unchanged: None) -> None:
    done = run("new-pattern", "white_tea", "-C", house)

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: `white_tea` cannot be generated without `gas_stove`, which is planned; "
        "nothing was written\n"
        "\n"
        "hint: write them in one go: cdp-dev new-pattern gas_stove white_tea\n"
        "or begin, and offer it later: cdp-dev new-pattern --planned white_tea\n"
    )


def test_several_that_need_each_other_are_written_in_one_go(house: Path) -> None:
    assert run("new-pattern", "gas_stove", "white_tea", "-C", house).code == 0

    entries = load_catalog(house / "blueprints/catalog.yml").entries
    assert (entries["gas_stove"].status, entries["white_tea"].status) == ("ready", "ready")
    assert (house / "blueprints/{{use.white_tea}}").is_dir()
    assert (house / "blueprints/{{use.gas_stove}}").is_dir()


def test_what_waits_can_be_begun_and_is_offered_to_nobody(house: Path) -> None:
    assert run("new-pattern", "--planned", "white_tea", "-C", house).code == 0

    assert catalogue(house) == CATALOG
    assert (house / "blueprints/{{use.white_tea}}/infra/white_tea.tf").is_file()


def test_what_can_be_written_and_what_waits_is_listed(house: Path) -> None:
    done = run("planned", "-C", house)

    assert done.code == 0
    assert done.out == (
        "Can be written today:\n"
        "  black_tea               pattern\n"
        "  gas_stove               component\n"
        "\n"
        "Wait for something else:\n"
        "  white_tea               pattern   waits for gas_stove\n"
    )
    write(house, {"blueprints/catalog.yml": CATALOG.replace("planned", "ready")})
    assert run("planned", "-C", house).out == (
        "Nothing is planned: all of the catalogue generates.\n"
    )


@pytest.mark.parametrize("id", PLANNED)
def test_of_the_catalogue_only_one_word_changes(id: str) -> None:
    text = catalogue_text.with_status(REAL, id, "ready")

    pairs = list(zip(REAL.splitlines(), text.splitlines(), strict=True))
    assert [pair for pair in pairs if pair[0] != pair[1]] == [
        ("    status: planned", "    status: ready")
    ]
    assert yaml.safe_load(text)["entries"][id]["status"] == "ready"


def test_no_line_of_a_page_is_long_and_no_command_broken_over_two(house: Path) -> None:
    long = "milk_" * 7 + "foam"
    text = CATALOG.replace("black_tea", long).replace("Black Tea", long.replace("_", " ").title())
    write(house, {"blueprints/catalog.yml": text})

    assert run("new-pattern", long, "-C", house).code == 0

    page = (Template(house).folder(long) / f"docs/patterns/{long}.md").read_text()
    lines = [line for line in page.splitlines() if not line.startswith(("|", "  --name"))]
    assert [line for line in lines if len(line) > 100] == []
    assert [line for line in lines if line.count("`") % 2] == ["```sh", "```"]


# What is not in the catalogue


def test_a_new_pattern_gets_an_entry_at_the_end_of_its_family(house: Path) -> None:
    needs = ("--needs", "app=it tells: now", "--slots", "heat=leaves want hot water")
    write(house, {"blueprints/catalog.yml": CATALOG.replace("gas_stove\n", "hot_plate\n")})
    before = catalogue(house)

    done = run("new-pattern", "green_tea", *NEW, *needs, "-C", house)

    assert (done.code, done.err) == (0, "")
    entry = (
        "\n"
        "  green_tea:\n"
        "    title: Green Tea\n"
        "    kind: pattern\n"
        "    family: hot\n"
        "    status: ready\n"
        "    summary: Black tea is bitter; drink a milder one.\n"
        "    source: Green Tea Pattern\n"
        "    needs:\n"
        "      app: 'it tells: now'\n"
        "    slots:\n"
        "      heat: leaves want hot water\n"
    )
    place = before.index("\n\n  # Cold ones.") + 1
    assert catalogue(house) == before[:place] + entry + before[place:]
    assert "add this one to BOOK in\ntests/test_catalogue_text.py" in done.out
    catalog = load_catalog(house / "blueprints/catalog.yml")
    assert list(catalog.patterns) == ["black_tea", "green_tea", "iced_tea", "white_tea"]


def test_a_pattern_of_a_family_without_any_stands_where_the_family_does(house: Path) -> None:
    text = CATALOG.replace("{hot:", "{new: New, hot:")
    write(house, {"blueprints/catalog.yml": text})
    options = ("--title", "Green Tea", "--family", "new", *NEW[4:])

    assert run("new-pattern", "green_tea", *options, "-C", house).code == 0

    assert next(iter(load_catalog(house / "blueprints/catalog.yml").entries)) == "green_tea"
    assert len(catalogue(house)) > len(text)
    assert catalogue(house).startswith(text[: text.index("  black_tea:")])
    assert catalogue(house).endswith(text[text.index("  black_tea:") :])


@pytest.mark.parametrize(
    ("other", "lines"),
    [
        ("black_tea", "      app: it tells when the tea is ready\n      tea_pot: it draws there\n"),
        ("iced_tea", "    source: Iced Tea Pattern\n    needs:\n      tea_pot: it draws there\n"),
        (
            "white_tea",
            "White Tea Pattern\n    needs:\n      tea_pot: it draws there\n    slots:\n",
        ),
    ],
)
def test_a_new_component_stands_last_and_whoever_needs_it_says_so(
    other: str, lines: str, house: Path
) -> None:
    done = run(
        "new-pattern", "tea_pot", "--component", "--title", "Tea pot", "--summary", "It holds tea.",
        "--needed-by", f"{other}=it draws there", "-C", house,
    )  # fmt: skip

    assert (done.code, done.err) == (0, "")
    entry = (
        "\n  tea_pot:\n    title: Tea pot\n    kind: component\n    status: ready\n"
        "    summary: It holds tea.\n"
    )
    assert catalogue(house).endswith("    summary: It glows.\n" + entry)
    assert lines in catalogue(house)
    rest = catalogue(house).removesuffix(entry).replace("      tea_pot: it draws there\n", "")
    assert rest.replace("    needs:\n", "") == CATALOG.replace("    needs:\n", "")


def test_a_line_that_cannot_be_edited_is_left_alone(house: Path, unchanged: None) -> None:
    done = run(
        "new-pattern", "tea_pot", "--component", "--title", "Tea pot", "--summary", "It holds tea.",
        "--needed-by", "app=it rings", "-C", house,
    )  # fmt: skip

    assert done.code == 2
    assert done.err == (
        "error: blueprints/catalog.yml is laid out in a way that this command cannot edit\n"
        "\n"
        "hint: write its lines as those of the other entries, then run this again\n"
    )


REFUSED = {
    "what generates already": (
        ["iced_tea"],
        ("error: `iced_tea` generates already\n"
        "\n"
        "hint: change what is in blueprints/{{use.iced_tea}}, or take one of `cdp-dev planned`\n"),
    ),
    "a name that is nearly one": (
        ["blak_tea"],
        ("error: there is no pattern `blak_tea` in the catalogue\n"
        "\n"
        "hint: did you mean `black_tea`?\n"),
    ),
    "options for what is there": (
        ["black_tea", "--title", "Tea"],
        ("error: `black_tea` is in the catalogue, which has its title, family and needs already\n"
        "\n"
        "hint: leave these options out: cdp-dev new-pattern black_tea\n"),
    ),
    "a new one without a word on it": (
        ["lemonade"],
        ("error: `lemonade` is not in the catalogue, and of its entry --title, --family, "
        "--summary, --source is missing\n"
        "\n"
        "hint: cdp-dev new-pattern lemonade --title … --family … --summary … --source …, or run "
        "it on a terminal, which asks; `cdp-dev planned` lists what is in the catalogue\n"),
    ),
    "a component that nobody needs": (
        ["jug", "--component", "--title", "Jug", "--summary", "It holds water."],
        ("error: `jug` is not in the catalogue, and of its entry --needed-by is missing\n"
        "\n"
        "hint: cdp-dev new-pattern jug --needed-by …, or run it on a terminal, which asks; "
        "`cdp-dev planned` lists what is in the catalogue\n"),
    ),
    "a new one along with another": (
        ["lemonade", "black_tea"],
        ("error: `lemonade` is not in the catalogue, and its entry cannot be written along with "
        "others\n"
        "\n"
        "hint: write it first: cdp-dev new-pattern lemonade --title …\n"),
    ),
    "a bad id": (
        ["Lemon-Ade!", *NEW],
        ("error: `Lemon-Ade!` cannot be an id: it must be lower-case words joined by `_`, 40 "
        "letters at most, for it becomes a name in two languages\n"
        "\n"
        "hint: such as `lemon_ade`\n"),
    ),
    "an id that leaves the folder": (
        ["../jug", *NEW],
        ("error: `../jug` cannot be an id: it must be lower-case words joined by `_`, 40 "
        "letters at most, for it becomes a name in two languages\n"
        "\n"
        "hint: such as `jug`\n"),
    ),
    "an id that Jinja reads as a method": (
        ["items", *NEW],
        ("error: `items` cannot be an id: Python has a meaning for it\n"
        "\n"
        "hint: such as `items_pattern`\n"),
    ),
    "an id of a slot": (
        ["heat", *NEW],
        "error: `heat` cannot be an id: it is the name of a slot\n\nhint: such as `heat_pattern`\n",
    ),
    "a need that goes in a circle": (
        ["jug", "--component", "--title", "Jug", "--summary", "It holds water.",
         "--needs", "black_tea=it pours it", "--needed-by", "black_tea=it is poured"],
        ("error: blueprints/catalog.yml: `entries.jug.needs.black_tea` closes a circle: "
        "`black_tea` needs `jug` needs `black_tea`\n"
        "\n"
        "hint: two parts that always come together are one entry\n"),
    ),
    "a title of another id": (
        ["lemonade", *NEW],
        ("error: `--title`: an id is its title in small letters joined by `_`, and `Green Tea` "
        "makes another one than `lemonade`\n"
        "\n"
        "hint: such as `Lemonade`\n"),
    ),
    "a family that is nearly one": (
        ["green_tea", *NEW, "--family", "hott"],
        "error: `--family`: there is no family `hott`\n\nhint: did you mean `hot`?\n",
    ),
    "a family like no other": (
        ["green_tea", *NEW, "--family", "soups"],
        "error: `--family`: there is no family `soups`\n\nhint: the families are hot, cold\n",
    ),
    "a summary that is no sentence": (
        ["green_tea", *NEW, "--summary", "drink it"],
        ("error: `--summary` must be one sentence of at most 140 letters that begins with a "
        "capital and ends with a full stop; got `drink it`\n"
        "\n"
        'hint: such as "One big server has a limit; add equal ones when the load grows."\n'),
    ),
    "a need without a reason": (
        ["green_tea", *NEW, "--needs", "app"],
        ("error: `--needs app=…` must give a reason, one clause of at most 120 letters without a "
        "capital or a full stop; got ``\n"
        "\n"
        'hint: such as --needs "app=it spreads requests over the servers"\n'),
    ),
    "a need of nothing that is there": (
        ["green_tea", *NEW, "--needs", "apq=it rings"],
        "error: `--needs`: there is no `apq` in the catalogue\n\nhint: did you mean `app`?\n",
    ),
    "a pattern that is needed": (
        ["green_tea", *NEW, "--needed-by", "app=it rings"],
        ("error: a pattern is asked for by users, so it takes no --needed-by\n"
        "\n"
        "hint: leave it out, or say --component\n"),
    ),
    "a component with a family": (
        ["green_tea", *NEW, "--component", "--needed-by", "iced_tea=it is mild"],
        ("error: a component has no family and no section in the book\n"
        "\n"
        "hint: leave --family and --source out, or --component\n"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses(what: str, house: Path, unchanged: None) -> None:
    """Nothing is written, and the message has the reason and the way out."""
    arguments, told = REFUSED[what]

    done = run("new-pattern", *arguments, "-C", house)

    assert (done.out, done.err) == ("", told)
    assert done.code == 2


def test_a_file_that_belongs_to_another_is_not_written_twice(house: Path) -> None:
    write(house, {"blueprints/{{use.app}}/app/tests/test_black_tea.py": ""})
    before = snapshot(house)

    done = run("new-pattern", "black_tea", "-C", house)

    assert done.code == 2
    assert done.err == (
        "error: `black_tea` cannot be an id: its file app/tests/test_black_tea.py belongs to "
        "`app` already\n"
        "\n"
        "hint: take another title and id\n"
    )
    assert snapshot(house) == before


def test_a_folder_that_is_there_is_left_alone(house: Path) -> None:
    write(house, {"blueprints/{{use.black_tea}}/mine.txt": "mine\n"})
    before = snapshot(house)

    done = run("new-pattern", "black_tea", "-C", house)

    assert done.code == 2
    assert done.err == (
        "error: blueprints/{{use.black_tea}} is there already\n"
        "\n"
        "hint: go on in it; `status: ready` in blueprints/catalog.yml is what offers `black_tea` "
        "to users\n"
    )
    assert snapshot(house) == before


def test_a_folder_that_nothing_in_the_catalogue_owns_is_left_alone_too(house: Path) -> None:
    write(house, {"blueprints/{{use.green_tea}}/mine.txt": "mine\n"})
    before = snapshot(house)

    done = run("new-pattern", "green_tea", *NEW, "-C", house)

    assert done.code == 2
    assert done.err == (
        "error: blueprints/{{use.green_tea}} is there already\n"
        "\n"
        "hint: move it away, or go on in it by hand\n"
    )
    assert snapshot(house) == before


def test_outside_of_a_checkout_it_says_so(tmp_path: Path) -> None:
    done = run("new-pattern", "black_tea", "-C", tmp_path)

    assert done.code == 2
    assert done.err == (
        f"error: {tmp_path} is in no checkout of cdp-scaffold: blueprints/catalog.yml is missing\n"
        "\n"
        "hint: change into one, or name it: -C DIRECTORY\n"
    )


def test_when_the_last_step_fails_the_first_ones_are_taken_back(
    house: Path, unchanged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)

    done = run("new-pattern", "gas_stove", "white_tea", "-C", house)

    assert done.code == 2
    assert "catalog.yml cannot be written: No space left on device; nothing was written" in done.err
    assert not list((house / "blueprints").glob(f"{staging.PREFIX}*"))


def test_an_edit_that_says_something_else_is_not_given_out() -> None:
    """Two values on one line: the column of the second one would be wrong after the first."""
    with pytest.raises(RefusedError, match="laid out in a way"):
        catalogue_text.with_entry("entries: {tea: {title: Tea}}\n", "jug", {"title": "Jug"}, "tea")


# On a terminal


def test_on_a_terminal_what_is_missing_is_asked_for(house: Path) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "cdp_scaffold.dev", "new-pattern", "green_tea"],
        cwd=str(house),
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"},
        encoding="utf-8",
        timeout=30,
    )
    for question, answer in (
        (r"Title \[Green Tea\]: ", ""),
        (r"Family \(hot, cold\): ", "hot"),
        ("The problem; the answer, in one sentence: ", "Black tea is bitter; drink a milder one."),
        (r"Section of the book \[Green Tea Pattern\]: ", ""),
        (r"Ids of what it needs, or - for none \[-\]: ", "app, setup"),
        ("Why app, in one clause: ", "it tells when the tea is ready"),
        ("Why setup, in one clause: ", "the bell hangs there"),
    ):
        child.expect(question)
        child.sendline(answer)
    child.expect("Green Tea is written")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    entry = load_catalog(house / "blueprints/catalog.yml").entries["green_tea"]
    assert entry.source == "Green Tea Pattern"
    assert {id: why.text for id, why in entry.needs.items()} == {
        "app": "it tells when the tea is ready",
        "setup": "the bell hangs there",
    }


def test_ctrl_c_at_a_question_writes_nothing(
    house: Path, unchanged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(question: str, default: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "_ask", stop)

    done = run("new-pattern", "green_tea", "-C", house, ask=True)

    assert (done.code, done.out, done.err) == (130, "", "stopped; nothing was written\n")
