"""`copier copy` and `cdp new` write the same bytes, and so does the renderer without copier."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cdp_scaffold import project
from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.repositories import (
    CATALOG,
    DEMO,
    ROOT,
    TEA_QUESTIONS,
    Outcome,
    cdp,
    copier,
    git,
    real_template,
    run,
    small_template,
    snapshot,
    tree,
    write,
)

CATALOGUE = Template(ROOT).catalog
READY = [id for id in CATALOGUE.patterns if CATALOGUE.entries[id].status == "ready"]


@dataclass(frozen=True)
class Wish:
    """What is asked for, and how each way is told."""

    patterns: Sequence[str]
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def flags(self) -> list[str]:
        settings = [part for k, v in self.choices.items() for part in ("--set", f"{k}={v}")]
        return [*self.patterns, *settings]

    @property
    def data(self) -> list[str]:
        answers = {
            "project": "shop",
            "patterns": f"[{', '.join(self.patterns)}]",
            **self.choices,
        }
        return [part for k, v in answers.items() for part in ("--data", f"{k}={v}")]

    @property
    def resolution(self) -> Resolution:
        answer = resolve(CATALOGUE, self.patterns, self.choices)
        assert isinstance(answer, Resolution)
        return answer


WISHES = {
    "web shop": Wish(DEMO),
    "layered": Wish(("stamp", "bootstrap"), {"server_setup": "layered"}),
    "valkey": Wish(("state_sharing", "multi_server"), {"session_store": "valkey"}),
    "own domain": Wish(("bootstrap", "cache_distribution"), {"address": "own_domain"}),
}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the working tree, which comes without tags."""
    place = tmp_path_factory.mktemp("template")
    real_template(place / "origin", "v0.1.0")
    git(place, "clone", "-q", "--no-tags", str(place / "origin"), "clone")
    assert git(place / "clone", "tag") == ""
    return place / "clone"


def rendered(template: Path, wish: Wish) -> dict[str, bytes]:
    """What the renderer makes of a wish, recorded as copier records it."""
    commit = git(template, "describe", "--tags", "--always").strip()
    answers = Answers("shop", commit=commit, source=str(template))
    return Template(template).tree(wish.resolution, answers)


@pytest.mark.parametrize("name", WISHES)
def test_both_ways_and_the_renderer_agree(template: Path, tmp_path: Path, name: str) -> None:
    """Every byte and every mode, the answers file included."""
    wish = WISHES[name]
    one, other = tmp_path / "one" / "shop", tmp_path / "other" / "shop"

    done = cdp("new", one, *wish.flags, "--no-input", "--template", template)
    plain = copier("copy", "--defaults", "--quiet", *wish.data, template, other)

    assert (done.code, done.err) == (0, "")
    assert (plain.code, plain.out) == (0, "")
    assert snapshot(one) == snapshot(other)
    assert tree(one) == rendered(template, wish)


@pytest.mark.parametrize("pattern", READY)
def test_the_renderer_writes_what_copier_writes_for_a_pattern_alone(
    template: Path, tmp_path: Path, pattern: str
) -> None:
    wish = Wish([pattern])

    plain = copier("copy", "--defaults", "--quiet", *wish.data, template, tmp_path / "shop")

    assert plain.code == 0, plain.err
    assert tree(tmp_path / "shop") == rendered(template, wish)


class TestSmallTemplate:
    """Ways to name a template, where what is in it does not matter."""

    @pytest.fixture
    def small(self, tmp_path: Path) -> Path:
        return small_template(tmp_path / "template")

    def both(
        self, source: Path, tmp_path: Path, *ref: str, wish: str = "tea"
    ) -> tuple[Outcome, Outcome]:
        one, other = tmp_path / "one" / "kitchen", tmp_path / "other" / "kitchen"
        flags = [part for each in ref for part in ("--ref", each)]
        done = cdp("new", one, wish, "--no-input", "--template", source, *flags)
        flags = [f"--vcs-ref={each}" for each in ref]
        data = ("--data", "project=kitchen", "--data", f"patterns=[{wish}]")
        plain = copier("copy", "--defaults", "--quiet", *data, *flags, source, other)
        return done, plain

    def assert_equal(self, tmp_path: Path) -> dict[str, bytes]:
        one, other = tmp_path / "one" / "kitchen", tmp_path / "other" / "kitchen"
        assert snapshot(one) == snapshot(other)
        return tree(one)

    def test_the_command_in_a_shell_needs_no_trust_and_asks_nothing(
        self, small: Path, tmp_path: Path
    ) -> None:
        """Answers from a file, as CI gives them; those of another repository will do."""
        first, second, third = (tmp_path / n / "kitchen" for n in ("first", "second", "third"))
        choices = ("--set", "heat=electric", "--set", "tea_minutes=5", "--set", "region=eu-west-1")
        made = cdp("new", first, "tea", *choices, "--no-input", "--template", small)
        assert made.code == 0, made.err
        answers = first / ".copier-answers.yml"

        command = (sys.executable, "-m", "copier", "copy", "--defaults")
        done = run(*command, "--data-file", answers, small, second)
        again = cdp("new", third, "--answers", answers, "--no-input", "--template", small)

        assert (done.code, again.code) == (0, 0), done.err + again.err
        assert snapshot(first) == snapshot(second) == snapshot(third)
        assert (first / "stove" / "electric.txt").exists()

    def test_patterns_come_in_the_order_of_the_catalogue(self, small: Path, tmp_path: Path) -> None:
        """However they were named, so that the same wish is the same repository."""
        one, other = tmp_path / "one" / "kitchen", tmp_path / "other" / "kitchen"

        cdp("new", one, "milk", "tea", "--no-input", "--template", small)
        data = ("--data", "project=kitchen", "--data", "patterns=[milk, tea, tea]")
        copier("copy", "--defaults", "--quiet", *data, small, other)

        assert project.read_answers(one)["patterns"] == ["tea", "milk"]
        self.assert_equal(tmp_path)

    def test_the_newest_version_is_taken(self, small: Path, tmp_path: Path) -> None:
        """By its number, and no pre-release."""
        for tag in ("v0.9.0", "v0.10.0", "v1.0.0rc1", "no-version"):
            git(small, "commit", "--allow-empty", "-q", "-m", tag)
            git(small, "tag", tag)

        self.both(small, tmp_path)

        assert b"_commit: v0.10.0\n" in self.assert_equal(tmp_path)[".copier-answers.yml"]

    def test_a_version_is_taken_that_is_named(self, small: Path, tmp_path: Path) -> None:
        write(small, {"blueprints/{{use.tea}}/docs/tea.txt": "newer\n"})
        git(small, "commit", "-qam", "newer")
        git(small, "tag", "v0.2.0")

        self.both(small, tmp_path, "v0.1.0")

        assert self.assert_equal(tmp_path)["docs/tea.txt"].startswith(b"tea 1\n")

    def test_what_is_not_committed_is_taken_with_head(self, small: Path, tmp_path: Path) -> None:
        """So that contributors see what they work on, the catalogue included."""
        cocoa = "  cocoa: {title: Cocoa, kind: pattern, family: drinks, status: ready,\n"
        more = "    summary: Brown., source: https://example.com/drinks}\n  milk:\n"
        catalog = CATALOG.replace("  milk:\n", cocoa + more, 1)
        cocoa_file = "blueprints/{{use.cocoa}}/new.txt"
        write(small, {"blueprints/catalog.yml": catalog, cocoa_file: "new\n"})

        done, plain = self.both(small, tmp_path, "HEAD", wish="cocoa")

        made = self.assert_equal(tmp_path)
        assert (done.code, plain.code) == (0, 0)
        assert b"- Cocoa\n" in made["README.md"] and "new.txt" in made

    def test_a_folder_without_git_will_do(self, small: Path, tmp_path: Path) -> None:
        """What comes of it cannot be updated, and says so then."""
        shutil.rmtree(small / ".git")

        self.both(small, tmp_path)

        assert b"_commit" not in self.assert_equal(tmp_path)[".copier-answers.yml"]

    def test_a_catalogue_may_be_a_template_itself(self, small: Path, tmp_path: Path) -> None:
        """`cdp` reads a plain one ahead of copier, which renders it first."""
        shutil.rmtree(small / ".git")
        titled = CATALOG.replace("title: Water", "title: \"{{ 'Wa' ~ 'ter' }}\"", 1)
        write(small, {"blueprints/catalog.yml": titled})

        self.both(small, tmp_path)

        assert b"- Water\n" in self.assert_equal(tmp_path)["README.md"]

    def test_a_bundle_will_do(self, small: Path, tmp_path: Path) -> None:
        git(small, "bundle", "create", "-q", str(tmp_path / "t.bundle"), "--all")

        done, plain = self.both(tmp_path / "t.bundle", tmp_path)

        assert (done.code, plain.code) == (0, 0), done.err
        assert (
            f"_src_path: {tmp_path}/t.bundle\n".encode()
            in (self.assert_equal(tmp_path)[".copier-answers.yml"])
        )

    @pytest.mark.parametrize(
        ("data", "told"),
        [
            (
                ["patterns=[milk, lemon]"],
                "Validation error for question 'patterns': Lemon excludes Milk: it curdles",
            ),
            (
                ["patterns=[]"],
                "Validation error for question 'patterns': choose at least one pattern",
            ),
            ([], 'Question "patterns" is required'),
            (
                ["patterns=[beer]"],
                "Invalid choice for 'patterns': 'beer' is not in ['tea', 'milk', 'lemon']",
            ),
            (
                ["patterns=[tea]", "project=${x}"],
                (
                    "Validation error for question 'project': `project` must be 3 to 20 "
                    "lower-case letters, digits and single hyphens, and start with a letter"
                ),
            ),
            (
                ["patterns=[tea]", "region=mars"],
                (
                    "Validation error for question 'region': `region` must be the name of an AWS "
                    "Region, such as eu-central-1"
                ),
            ),
        ],
        ids=["excluded", "empty", "none", "unknown", "project", "region"],
    )
    def test_copier_refuses_what_cannot_be(
        self, small: Path, tmp_path: Path, data: list[str], told: str
    ) -> None:
        """Before a byte is written."""
        flags = [part for each in data for part in ("--data", each)]

        plain = copier("copy", "--defaults", *flags, small, tmp_path / "kitchen")

        assert (plain.code, plain.err.splitlines()[-1]) == (1, f"ValueError: {told}")
        assert not (tmp_path / "kitchen").exists()

    def test_copier_refuses_two_choices_that_do_not_go_together(
        self, small: Path, tmp_path: Path
    ) -> None:
        """Each question judges its own; what they do to each other is seen all the same."""
        cup = "slots:\n  cup:\n    title: Cup\n    job: what it is drunk from\n    default: mug\n"
        options = (
            "    options:\n"
            "      mug: {title: A mug, fills: [mug], take: you like mugs}\n"
            "      samovar: {title: A samovar, fills: [samovar], take: you like samovars}\n\n"
        )
        parts = (
            "  mug: {title: Mug, kind: component, status: ready, summary: Holds tea.}\n"
            "  samovar: {title: Samovar, kind: component, status: ready, summary: Boils,\n"
            "    needs: {gas_stove: it glows}}\n"
        )
        asks = CATALOG.replace("slots: {heat:", "slots: {cup: it is poured, heat:")
        catalog = asks.replace("slots:\n", cup + options, 1) + parts
        question = TEA_QUESTIONS.partition("tea_minutes")[0].replace("heat", "cup")
        write(
            small,
            {
                "blueprints/catalog.yml": catalog,
                "blueprints/{{use.tea}}/.cdp/questions.yml": f"{TEA_QUESTIONS}\n{question}",
            },
        )
        data = ("--data", "patterns=[tea]", "--data", "cup=samovar", "--data")
        command = ("copy", "--defaults", "--quiet", "--vcs-ref=HEAD", *data)

        good = copier(*command, "heat=gas", small, tmp_path / "good")
        bad = copier(*command, "heat=electric", small, tmp_path / "bad")

        assert good.code == 0, good.err
        assert bad.code == 1
        assert bad.err.splitlines()[-1] == (
            "FilterArgumentError: Heat is to be An electric stove, which does not go with Gas stove"
        )
        assert not (tmp_path / "bad").exists()
