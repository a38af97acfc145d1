"""Updating: `cdp update`, `add` and `remove`, and plain `copier update` beside them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
import yaml

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.repositories import (
    CATALOG,
    DEMO,
    ENVIRONMENT,
    TEA_QUESTIONS,
    Outcome,
    cdp,
    commit,
    copier,
    git,
    lines,
    real_template,
    release,
    small_template,
    snapshot,
    tree,
    write,
)

ANSWERS = ".copier-answers.yml"
CORE, TEA, MILK = (f"blueprints/{{{{use.{id}}}}}" for id in ("core", "tea", "milk"))
SECOND: Mapping[str, str | None] = {
    f"{CORE}/kitchen.txt": lines("kitchen", but={2: "kitchen 2, cleaned"}),
    f"{CORE}/floor.txt": "swept\n",
    f"{CORE}/bin/boil": None,
    f"{TEA}/docs/tea.txt": lines("tea", but={2: "tea 2, green"}),
}
"""What v0.2.0 brings."""


@dataclass(frozen=True)
class Kitchen:
    """A generated repository at v0.1.0, with Tea and Milk, and its template."""

    folder: Path
    template: Path

    def cdp(self, *arguments: object, **environment: str) -> Outcome:
        return cdp(*arguments, cwd=self.folder, **environment)

    def copier(self, *arguments: object, **environment: str) -> Outcome:
        """`copier update` without questions, as people run it in CI."""
        return copier("update", "--defaults", "--quiet", *arguments, cwd=self.folder, **environment)

    def twin(self) -> Kitchen:
        """The same once more, to be updated another way; its folder has the same name."""
        folder = self.folder.parent / "twin" / self.folder.name
        shutil.copytree(self.folder, folder, symlinks=True)
        return Kitchen(folder, self.template)

    def edit(self, files: Mapping[str, str | None]) -> None:
        write(self.folder, files)
        commit(self.folder, "My own work")

    def answers(self) -> dict[str, object]:
        answers = yaml.safe_load((self.folder / ANSWERS).read_text())
        assert isinstance(answers, dict)
        return answers

    def status(self) -> list[str]:
        return git(self.folder, "status", "--porcelain", "-uall").splitlines()


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    """Generated once; tests get copies."""
    place = tmp_path_factory.mktemp("first")
    template = small_template(place / "template")
    done = cdp("new", place / "kitchen", "tea", "milk", "--no-input", "--template", template)
    assert done.code == 0, done.err
    return Kitchen(place / "kitchen", template)


@pytest.fixture
def kitchen(first: Kitchen, tmp_path: Path) -> Kitchen:
    """A copy of both, at another place."""
    template = tmp_path / "template"
    shutil.copytree(first.template, template)
    folder = tmp_path / "kitchen"
    shutil.copytree(first.folder, folder)
    answers = (folder / ANSWERS).read_text()
    write(folder, {ANSWERS: answers.replace(str(first.template), str(template))})
    commit(folder, "Generate the repository")
    return Kitchen(folder, template)


class TestBothWays:
    """`cdp` and `copier update` end in the same bytes."""

    def test_where_nothing_changed_nothing_changes(self, kitchen: Kitchen) -> None:
        before, other = snapshot(kitchen.folder), kitchen.twin()

        done = kitchen.cdp("update")

        assert done == Outcome(0, "Nothing to change; the repository is at v0.1.0.\n", "")
        assert snapshot(kitchen.folder) == before
        assert other.copier().code == 0
        assert tree(other.folder) == tree(kitchen.folder)

    def test_a_new_version_comes_in(self, kitchen: Kitchen) -> None:
        release(kitchen.template, "v0.2.0", SECOND)
        other = kitchen.twin()

        done = kitchen.cdp("update")

        assert done == Outcome(
            0,
            "created  floor.txt\n"
            "changed  .copier-answers.yml\n"
            "changed  docs/tea.txt\n"
            "changed  kitchen.txt\n"
            "deleted  bin/boil\n"
            "\n"
            "The repository is at v0.2.0; nothing is committed yet.\n"
            "Look at it with `git diff`, run `make test`, and commit.\n",
            "",
        )
        assert not (kitchen.folder / "bin").exists()
        assert other.copier().code == 0
        assert tree(other.folder) == tree(kitchen.folder)
        assert other.status() == kitchen.status()

    def test_a_pattern_is_added(self, kitchen: Kitchen) -> None:
        """At the version the repository has, though there is a newer one."""
        kitchen.cdp("remove", "milk")
        commit(kitchen.folder)
        release(kitchen.template, "v0.2.0", SECOND)
        other = kitchen.twin()

        done = kitchen.cdp("add", "Milk")

        assert done == Outcome(
            0,
            "created  cow/name.txt\n"
            "created  docs/milk.txt\n"
            "changed  .copier-answers.yml\n"
            "changed  README.md\n"
            "\n"
            "The repository is at v0.1.0; nothing is committed yet.\n"
            "Look at it with `git diff`, run `make test`, and commit.\n",
            "",
        )
        assert kitchen.answers()["patterns"] == ["tea", "milk"]
        assert other.copier("--vcs-ref=:current:", "--data", "patterns=[tea, milk]").code == 0
        assert tree(other.folder) == tree(kitchen.folder)

    def test_a_pattern_is_removed(self, kitchen: Kitchen) -> None:
        """Its files go, and what only it brought in; answers to its questions are forgotten."""
        other = kitchen.twin()

        done = kitchen.cdp("remove", "tea")

        assert done == Outcome(
            0,
            "changed  .copier-answers.yml\n"
            "changed  README.md\n"
            "deleted  docs/leaves.txt\n"
            "deleted  docs/tea.txt\n"
            "deleted  stove/gas.txt\n"
            "\n"
            "The repository is at v0.1.0; nothing is committed yet.\n"
            "Look at it with `git diff`, run `make test`, and commit.\n",
            "",
        )
        assert sorted(kitchen.answers()) == [
            "_commit",
            "_src_path",
            "patterns",
            "project",
            "region",
        ]
        assert other.copier("--vcs-ref=:current:", "--data", "patterns=[milk]").code == 0
        assert tree(other.folder) == tree(kitchen.folder)

    def test_one_pattern_is_put_in_the_place_of_another(self, kitchen: Kitchen) -> None:
        done = kitchen.cdp("add", "lemon", "--instead-of", "milk")

        assert done.code == 0, done.err
        assert kitchen.answers()["patterns"] == ["tea", "lemon"]
        assert (kitchen.folder / "docs" / "lemon.txt").exists()
        assert not (kitchen.folder / "cow").exists()

    def test_edits_on_both_sides_are_merged(self, kitchen: Kitchen) -> None:
        """The user's at the end of a file, the template's at its beginning."""
        release(kitchen.template, "v0.2.0", SECOND)
        kitchen.edit(
            {
                "kitchen.txt": lines("kitchen", but={19: "kitchen 19, painted"}),
                "docs/milk.txt": "rewritten\n",
            }
        )
        other = kitchen.twin()

        done = kitchen.cdp("update")

        assert done.code == 0, done.err
        merged = lines("kitchen", but={2: "kitchen 2, cleaned", 19: "kitchen 19, painted"})
        assert (kitchen.folder / "kitchen.txt").read_text() == merged
        assert (kitchen.folder / "docs/milk.txt").read_text() == "rewritten\n"
        assert other.copier().code == 0
        assert tree(other.folder) == tree(kitchen.folder)

    def test_edits_of_the_same_line_are_left_as_conflicts(self, kitchen: Kitchen) -> None:
        """`cdp` says so and fails; copier says nothing, and both leave the same markers."""
        release(kitchen.template, "v0.2.0", SECOND)
        kitchen.edit(
            {
                "kitchen.txt": lines("kitchen", but={2: "kitchen 2, a mess"}),
                "docs/tea.txt": lines("tea", but={2: "tea 2, black"}),
            }
        )
        other = kitchen.twin()

        done = kitchen.cdp("update")

        assert done == Outcome(
            1,
            "created  floor.txt\n"
            "changed  .copier-answers.yml\n"
            "changed  docs/tea.txt\n"
            "changed  kitchen.txt\n"
            "deleted  bin/boil\n"
            "\n"
            "The repository is at v0.2.0; nothing is committed yet.\n",
            "error: these files were changed by you and by the template in the same place\n"
            "  docs/tea.txt\n"
            "  kitchen.txt\n"
            "\n"
            "hint: edit what stands between <<<<<<< and >>>>>>>, then git add and commit;\n"
            "      or go back: git reset --hard && git clean -fd\n",
        )
        assert (
            (kitchen.folder / "kitchen.txt")
            .read_text()
            .startswith(
                "kitchen 1\n"
                "<<<<<<< before updating\n"
                "kitchen 2, a mess\n"
                "=======\n"
                "kitchen 2, cleaned\n"
                ">>>>>>> after updating\n"
                "kitchen 3\n"
            )
        )
        assert "UU kitchen.txt" in kitchen.status()
        assert other.copier().code == 0
        assert tree(other.folder) == tree(kitchen.folder)
        assert other.status() == kitchen.status()

    def test_a_conflict_can_be_taken_back_as_the_message_says(self, kitchen: Kitchen) -> None:
        release(kitchen.template, "v0.2.0", SECOND)
        kitchen.edit({"kitchen.txt": lines("kitchen", but={2: "kitchen 2, a mess"})})
        before = snapshot(kitchen.folder, git_too=False)

        assert kitchen.cdp("update").code == 1
        git(kitchen.folder, "reset", "--hard")
        git(kitchen.folder, "clean", "-fd")

        assert snapshot(kitchen.folder, git_too=False) == before

    def test_what_the_user_made_of_it_stays(self, kitchen: Kitchen) -> None:
        """A file deleted stays deleted, one renamed stays so; own files, bytes and modes stay."""
        release(kitchen.template, "v0.2.0", SECOND)
        (kitchen.folder / "logo.png").write_bytes(bytes(range(256)))
        (kitchen.folder / "docs" / "leaves.txt").chmod(0o755)
        git(kitchen.folder, "mv", "docs/tea.txt", "docs/my tea ü.txt")
        kitchen.edit({"cow/name.txt": None, "cow/other.txt": "Elsa\n"})
        other = kitchen.twin()

        done = kitchen.cdp("update")

        assert done.code == 0, done.err
        assert sorted(tree(kitchen.folder)) == [
            ".copier-answers.yml",
            "README.md",
            "cow/other.txt",
            "docs/leaves.txt",
            "docs/milk.txt",
            "docs/my tea ü.txt",
            "floor.txt",
            "kitchen.txt",
            "logo.png",
            "stove/gas.txt",
        ]
        assert (kitchen.folder / "docs" / "leaves.txt").stat().st_mode & 0o111
        assert other.copier().code == 0
        assert snapshot(other.folder, git_too=False) == snapshot(kitchen.folder, git_too=False)

    def test_a_subfolder_of_a_repository_is_updated(self, kitchen: Kitchen, tmp_path: Path) -> None:
        """Named by `-C`; what is not committed beside it does not matter to `cdp`."""
        house = tmp_path / "house"
        house.mkdir()
        shutil.rmtree(kitchen.folder / ".git")
        kitchen.folder.rename(house / "kitchen")
        write(house / "kitchen", {"kitchen.txt": lines("kitchen", but={2: "mess", 19: "mine"})})
        write(house, {"garden.txt": "a garden\n"})
        commit(house)
        release(kitchen.template, "v0.2.0", SECOND)
        shutil.copytree(house, tmp_path / "twin")
        write(house, {"garden.txt": "being dug\n"})

        done = cdp("update", "-C", house / "kitchen")

        assert done.code == 1
        assert "  kitchen.txt\n" in done.err
        assert git(house, "status", "--porcelain", "-uall").splitlines() == [
            " M garden.txt",
            " M kitchen/.copier-answers.yml",
            " D kitchen/bin/boil",
            " M kitchen/docs/tea.txt",
            "UU kitchen/kitchen.txt",
            "?? kitchen/floor.txt",
        ]
        other = copier("update", "--defaults", "--quiet", cwd=tmp_path / "twin" / "kitchen")
        assert other.code == 0
        assert tree(tmp_path / "twin" / "kitchen") == tree(house / "kitchen")


class TestAnswers:
    """What is asked again, kept, or lost."""

    def test_another_answer_is_given(self, kitchen: Kitchen) -> None:
        done = kitchen.cdp("update", "--set", "tea_minutes=5", "--set", "heat=electric")

        assert done == Outcome(
            0,
            "created  stove/electric.txt\n"
            "changed  .copier-answers.yml\n"
            "changed  README.md\n"
            "changed  docs/leaves.txt\n"
            "deleted  stove/gas.txt\n"
            "\n"
            "The repository is at v0.1.0; nothing is committed yet.\n"
            "Look at it with `git diff`, run `make test`, and commit.\n",
            "",
        )
        assert (kitchen.folder / "docs" / "leaves.txt").read_text() == "5 minutes\n"

    def test_a_recorded_choice_outlives_a_new_default(self, kitchen: Kitchen) -> None:
        """The default was recorded when it was one; a new one is for new repositories."""
        release(
            kitchen.template,
            "v0.2.0",
            {"blueprints/catalog.yml": CATALOG.replace("default: gas", "default: electric")},
        )

        assert kitchen.cdp("update").out.splitlines()[0] == "changed  .copier-answers.yml"
        assert kitchen.answers()["heat"] == "gas"

    def test_a_bad_answer_changes_nothing(self, kitchen: Kitchen) -> None:
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update", "--set", "tea_minutes=12")

        assert done.code == 2
        assert done.err.startswith("error: `tea_minutes` must be at most 9; got 12")
        assert snapshot(kitchen.folder) == before

    @pytest.mark.parametrize("command", [["update"], ["add", "lemon"], ["remove", "milk"]])
    def test_patterns_as_a_setting_are_refused_with_a_command_that_is_there(
        self, kitchen: Kitchen, command: list[str]
    ) -> None:
        """`-p` is for new repositories; none of these three knows it."""
        before = snapshot(kitchen.folder)

        done = kitchen.cdp(*command, "--set", "patterns=lemon")

        assert done == Outcome(
            2,
            "",
            "error: `patterns` are named by `cdp add` and `cdp remove`\n\n"
            "hint: such as `cdp add lemon`\n",
        )
        assert snapshot(kitchen.folder) == before

    def test_a_wish_that_cannot_be_changes_nothing(self, kitchen: Kitchen) -> None:
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("add", "lemon")

        assert done.code == 2
        assert "    cdp add lemon --instead-of milk\n" in done.err
        assert snapshot(kitchen.folder) == before

    def test_the_last_pattern_cannot_be_removed(self, kitchen: Kitchen) -> None:
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("remove", "tea", "milk")

        assert done == Outcome(
            2,
            "",
            "error: no pattern was named\n\n"
            "hint: name at least one; `cdp list` shows every pattern\n",
        )
        assert snapshot(kitchen.folder) == before

    def test_a_renamed_pattern_is_mapped(self, kitchen: Kitchen) -> None:
        """The id was recorded under its former name; the user's edit moves with the file."""
        config = (kitchen.template / "copier.yml").read_text()
        hidden = "renamed:\n  type: yaml\n  when: false\n  default: {milk: cream}\n\nproject:\n"
        git(kitchen.template, "mv", MILK, "blueprints/{{use.cream}}")
        release(
            kitchen.template,
            "v0.2.0",
            {
                "copier.yml": config.replace("project:\n", hidden, 1),
                "blueprints/catalog.yml": CATALOG.replace("milk", "cream").replace("Milk", "Cream"),
            },
        )
        kitchen.edit({"docs/milk.txt": lines("milk", but={3: "mine"})})
        other = kitchen.twin()

        done = kitchen.cdp("update")

        assert done == Outcome(
            0,
            "note: milk is now called cream\n"
            "changed  .copier-answers.yml\n"
            "changed  README.md\n"
            "\n"
            "The repository is at v0.2.0; nothing is committed yet.\n"
            "Look at it with `git diff`, run `make test`, and commit.\n",
            "",
        )
        assert kitchen.answers()["patterns"] == ["tea", "cream"]
        assert (kitchen.folder / "docs/milk.txt").read_text() == lines("milk", but={3: "mine"})
        assert other.copier("--data", "patterns=[tea, cream]").code == 0
        assert tree(other.folder) == tree(kitchen.folder)

    def test_a_pattern_that_is_gone_is_refused_both_ways(self, kitchen: Kitchen) -> None:
        """Copier by itself would go on with none at all, and every module would vanish."""
        shutil.rmtree(kitchen.template / MILK)
        catalog = CATALOG.replace("    excludes: {milk: it curdles}\n", "")
        start, end = catalog.index("  milk:\n"), catalog.index("  lemon:\n")
        release(
            kitchen.template, "v0.2.0", {"blueprints/catalog.yml": catalog[:start] + catalog[end:]}
        )
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1,
            "",
            'error: the template no longer takes the answer patterns = "milk"; '
            "nothing was changed\n\n"
            "hint: take it out first: cdp remove milk\n",
        )
        assert snapshot(kitchen.folder) == before
        plain = kitchen.copier()
        assert plain.code == 1
        assert plain.err.splitlines()[-1] == 'ValueError: Question "patterns" is required'
        assert snapshot(kitchen.folder, git_too=False) == {
            path: each for path, each in before.items() if not path.startswith(".git")
        }
        # The way out that the message tells is one.
        assert kitchen.cdp("remove", "milk").code == 0
        commit(kitchen.folder)
        assert kitchen.cdp("update").code == 0

    def test_no_pattern_at_all_is_refused_by_copier_too(self, kitchen: Kitchen) -> None:
        before = tree(kitchen.folder)

        plain = kitchen.copier("--vcs-ref=:current:", "--data", "patterns=[]")

        assert plain.code == 1
        assert plain.err.splitlines()[-1] == (
            "ValueError: Validation error for question 'patterns': choose at least one pattern"
        )
        assert tree(kitchen.folder) == before

    def test_an_answer_that_is_no_longer_valid_is_not_replaced(self, kitchen: Kitchen) -> None:
        """Copier would take the default and say nothing."""
        questions = TEA_QUESTIONS.replace("> 9", "> 2").replace("most 9", "most 2")
        release(
            kitchen.template,
            "v0.2.0",
            {f"{TEA}/.cdp/questions.yml": questions.replace("default: 3", "default: 1")},
        )
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1,
            "",
            "error: the template no longer takes the answer tea_minutes = 3 and would make it 1; "
            "nothing was changed\n\n"
            "hint: choose another: cdp update --set tea_minutes=…\n",
        )
        assert snapshot(kitchen.folder) == before
        assert kitchen.cdp("update", "--set", "tea_minutes=2").code == 0

    def test_an_option_that_is_gone_is_not_replaced(self, kitchen: Kitchen) -> None:
        """A store of data would change because a name did."""
        catalog = CATALOG.replace("gas: {title", "fire: {title").replace("t: gas", "t: electric")
        release(kitchen.template, "v0.2.0", {"blueprints/catalog.yml": catalog})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1,
            "",
            'error: the template no longer takes the answer heat = "gas" and would make it '
            '"electric"; nothing was changed\n\n'
            "hint: choose another: cdp update --set heat=…\n",
        )
        assert snapshot(kitchen.folder) == before
        assert kitchen.cdp("update", "--set", "heat=fire").code == 0
        assert (kitchen.folder / "stove" / "gas.txt").exists()

    def test_a_new_question_without_a_default_is_asked_for(self, kitchen: Kitchen) -> None:
        questions = (
            f"{TEA_QUESTIONS}\ntea_cups:\n  type: int\n  when: \"{{{{ 'tea' in patterns }}}}\"\n"
        )
        release(kitchen.template, "v0.2.0", {f"{TEA}/.cdp/questions.yml": questions})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done.code == 2
        assert done.err.startswith("error: `tea_cups`: needs an answer\n")
        assert snapshot(kitchen.folder) == before
        assert kitchen.cdp("update", "--set", "tea_cups=2").code == 0


class TestRefusals:
    """What is no repository to update is told so, and stays as it is."""

    @pytest.mark.parametrize("command", [("update",), ("add", "lemon"), ("remove", "milk")])
    def test_uncommitted_work_is_not_touched(
        self, kitchen: Kitchen, command: tuple[str, ...]
    ) -> None:
        release(kitchen.template, "v0.2.0", SECOND)
        write(kitchen.folder, {"kitchen.txt": "at work\n", "mine.txt": "new\n"})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp(*command)

        assert (done.code, done.out) == (2 if command[0] == "add" else 1, "")
        if command[0] != "add":
            assert done.err == (
                "error: there are changes that are not committed: kitchen.txt, mine.txt\n\n"
                "hint: commit or stash them first: git stash --include-untracked\n"
            )
        assert snapshot(kitchen.folder) == before

    def test_a_folder_without_git_is_refused(self, kitchen: Kitchen) -> None:
        shutil.rmtree(kitchen.folder / ".git")
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1,
            "",
            f"error: `{kitchen.folder}` is no git repository, so an update could not be reviewed "
            "or undone\n\n"
            "hint: git init && git add --all && git commit -m 'Generate the repository'\n",
        )
        assert snapshot(kitchen.folder) == before

    @pytest.mark.parametrize(
        ("answers", "why"),
        [
            (None, "it holds no .copier-answers.yml"),
            ("project: [\n", "its .copier-answers.yml is broken at line 2"),
            ("- a\n- b\n", "its .copier-answers.yml names no template (`_src_path`)"),
            ("", "its .copier-answers.yml names no template (`_src_path`)"),
            (
                "_src_path: /x\npatterns: [tea]\n",
                (
                    "its .copier-answers.yml names no version (`_commit`): "
                    "the template had no git history"
                ),
            ),
            (f"patterns: {'[' * 3000}\n", "its .copier-answers.yml is broken"),
            (
                "_src_path: /x\n_commit: v1\npatterns: tea\n",
                "the `patterns` in its .copier-answers.yml are no list of names",
            ),
        ],
        ids=["missing", "no yaml", "a list", "empty", "no version", "nested", "patterns"],
    )
    def test_a_missing_or_broken_answers_file_is_refused(
        self, kitchen: Kitchen, answers: str | None, why: str
    ) -> None:
        kitchen.edit({ANSWERS: answers})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            2,
            "",
            f"error: . is no repository that can be updated: {why}\n\n"
            "hint: change into a generated repository, or name it: `-C DIRECTORY`\n",
        )
        assert snapshot(kitchen.folder) == before

    def test_an_answers_file_that_is_no_text_is_refused(self, kitchen: Kitchen) -> None:
        (kitchen.folder / ANSWERS).write_bytes(b"\xff\xfe\x00")

        done = kitchen.cdp("update")

        assert done.code == 2
        assert "error: . is no repository that can be updated: its .copier-answers.yml cannot" in (
            done.err
        )

    def test_answers_that_git_does_not_keep_are_refused(self, kitchen: Kitchen) -> None:
        git(kitchen.folder, "rm", "-q", "--cached", ANSWERS)
        kitchen.edit({".gitignore": f"{ANSWERS}\n"})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1,
            "",
            "error: .copier-answers.yml is not committed, so git cannot tell your edits from the "
            "template\n\n"
            "hint: git add --force .copier-answers.yml && git commit -m 'Keep the answers'\n",
        )
        assert snapshot(kitchen.folder) == before

    def test_a_relative_template_is_refused(self, kitchen: Kitchen) -> None:
        answers = (kitchen.folder / ANSWERS).read_text()
        kitchen.edit({ANSWERS: answers.replace(str(kitchen.template), "../template")})

        done = kitchen.cdp("update")

        assert done == Outcome(
            1,
            "",
            "error: the recorded template `../template` is a relative path, which nobody can "
            "update from\n\n"
            "hint: write its absolute path or its address as `_src_path` into "
            ".copier-answers.yml and commit that\n",
        )

    def test_a_template_that_is_gone_is_told_so(self, kitchen: Kitchen) -> None:
        shutil.rmtree(kitchen.template)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1,
            "",
            f"error: the template {kitchen.template} cannot be fetched: "
            f"repository '{kitchen.template}' does not exist\n\n"
            "hint: is the address right, and can this machine reach it?\n",
        )

    def test_a_version_that_does_not_exist_is_told_so(self, kitchen: Kitchen) -> None:
        release(kitchen.template, "v0.2.0", SECOND)

        done = kitchen.cdp("update", "--ref", "v9")

        assert done == Outcome(
            1,
            "",
            f"error: the template {kitchen.template} has no version `v9`\n\n"
            "hint: its versions are v0.1.0, v0.2.0\n",
        )

    def test_an_older_version_is_refused(self, kitchen: Kitchen) -> None:
        release(kitchen.template, "v0.2.0", SECOND)
        kitchen.cdp("update")
        commit(kitchen.folder)
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update", "--ref", "v0.1.0")

        assert done == Outcome(
            1,
            "",
            "error: the repository is at v0.2.0, which is newer than v0.1.0; "
            "nothing was changed\n\n"
            "hint: bring cdp-scaffold itself up to date, or name a newer version by `--ref`\n",
        )
        assert snapshot(kitchen.folder) == before


class TestLosses:
    """Nothing of the user's goes without a yes."""

    WARNING = (
        "warning: this file, which you edited, belongs to nothing that stays, and would be "
        "removed or replaced\n"
        "  docs/milk.txt\n"
    )
    REFUSAL = (
        "error: nothing was changed, because edited files would be lost\n\n"
        "hint: agree to it with `--yes`; what was committed stays in git's history\n"
    )

    def test_an_edited_file_of_a_removed_pattern_stays_without_a_yes(
        self, kitchen: Kitchen
    ) -> None:
        kitchen.edit({"docs/milk.txt": lines("milk", but={3: "mine"})})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("remove", "milk")

        assert done == Outcome(1, "", self.WARNING + self.REFUSAL)
        assert snapshot(kitchen.folder) == before

    def test_it_goes_with_one(self, kitchen: Kitchen) -> None:
        kitchen.edit({"docs/milk.txt": lines("milk", but={3: "mine"})})

        done = kitchen.cdp("remove", "milk", "--yes")

        assert (done.code, done.err) == (0, self.WARNING)
        assert not (kitchen.folder / "docs" / "milk.txt").exists()

    @pytest.mark.parametrize("answer", ["y", "n"])
    def test_on_a_terminal_the_user_is_asked(self, kitchen: Kitchen, answer: str) -> None:
        kitchen.edit({"docs/milk.txt": lines("milk", but={3: "mine"})})
        before = snapshot(kitchen.folder)

        child = pexpect.spawn(
            sys.executable,
            ["-m", "cdp_scaffold.cli", "remove", "milk"],
            cwd=kitchen.folder,
            env={**os.environ, **ENVIRONMENT},
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 200),
        )
        child.expect_exact("  docs/milk.txt\r\nGo on? [y/N]: ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()

        assert (kitchen.folder / "docs" / "milk.txt").exists() == (answer == "n")
        assert child.exitstatus == (1 if answer == "n" else 0)
        assert (snapshot(kitchen.folder) == before) == (answer == "n")

    def test_an_edited_file_that_a_new_version_drops_is_asked_about(self, kitchen: Kitchen) -> None:
        release(kitchen.template, "v0.2.0", {f"{MILK}/docs/milk.txt": None})
        kitchen.edit({"docs/milk.txt": lines("milk", but={3: "mine"})})
        before = snapshot(kitchen.folder)

        assert kitchen.cdp("update") == Outcome(1, "", self.WARNING + self.REFUSAL)
        assert snapshot(kitchen.folder) == before

    def test_an_own_file_beside_what_goes_stays(self, kitchen: Kitchen) -> None:
        """Its folder stays with it."""
        kitchen.edit({"cow/calf.txt": "Bertinchen\n"})

        assert kitchen.cdp("remove", "milk").code == 0
        assert [path.name for path in (kitchen.folder / "cow").iterdir()] == ["calf.txt"]

    def test_an_own_file_that_git_ignores_is_not_run_over(self, kitchen: Kitchen) -> None:
        """It is in no commit, so it would be gone for good."""
        release(kitchen.template, "v0.2.0", SECOND)
        kitchen.edit({".gitignore": "floor.txt\n"})
        write(kitchen.folder, {"floor.txt": "wet\n"})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1, "", self.WARNING.replace("docs/milk.txt", "floor.txt") + self.REFUSAL
        )
        assert snapshot(kitchen.folder) == before
        assert kitchen.cdp("update", "--yes").code == 0
        assert (kitchen.folder / "floor.txt").read_text() == "swept\n"

    def test_a_generated_file_that_git_ignores_is_left_as_it_is(self, kitchen: Kitchen) -> None:
        """Where the new version brings nothing new for it, no update asks about it again."""
        release(kitchen.template, "v0.2.0", SECOND)
        git(kitchen.folder, "rm", "-q", "--cached", "cow/name.txt")
        kitchen.edit({".gitignore": "cow/name.txt\n"})
        write(kitchen.folder, {"cow/name.txt": "Elsa\n"})

        done = kitchen.cdp("update")

        assert done.code == 0, done.err
        assert "cow/name.txt" not in done.out
        assert (kitchen.folder / "cow" / "name.txt").read_text() == "Elsa\n"

    def test_a_file_that_the_template_has_git_ignore_is_the_users(self, kitchen: Kitchen) -> None:
        """No update asks about it while the template leaves it alone, nor if nobody edited it."""
        ignored = {"own.cfg": "a\n", "other.cfg": "a\n", ".gitignore.jinja": "*.cfg\n"}
        files = {f"{CORE}/{name}": text for name, text in ignored.items()}
        release(kitchen.template, "v0.2.0", dict(files))
        assert kitchen.cdp("update").code == 0
        commit(kitchen.folder)
        write(kitchen.folder, {"own.cfg": "mine\n"})
        release(kitchen.template, "v0.3.0", {f"{CORE}/other.cfg": "b\n"})

        done = kitchen.cdp("update")

        assert (done.code, done.err) == (0, "")
        assert "own.cfg" not in done.out
        assert (kitchen.folder / "own.cfg").read_text() == "mine\n"
        assert (kitchen.folder / "other.cfg").read_text() == "b\n"
        commit(kitchen.folder)
        release(kitchen.template, "v0.4.0", {f"{CORE}/own.cfg": "b\n"})
        done = kitchen.cdp("update")
        assert done == Outcome(
            1, "", self.WARNING.replace("docs/milk.txt", "own.cfg") + self.REFUSAL
        )

    def test_the_users_git_settings_cost_no_edit(self, kitchen: Kitchen, tmp_path: Path) -> None:
        """Under most of these copier drops edits or hides rejected ones, and says nothing."""
        release(kitchen.template, "v0.2.0", SECOND)
        mine = {2: "kitchen 2, a mess", 19: "ends in spaces   "}
        kitchen.edit(
            {
                "kitchen.txt": lines("kitchen", but=mine),
                "docs/tea.txt": lines("tea", but={19: "ends in spaces   "}),
            }
        )
        settings = (
            "[apply]\n\twhitespace = error\n"
            f"[core]\n\texcludesFile = {tmp_path}/ignore\n\tautocrlf = input\n\tsafecrlf = true\n"
            "[status]\n\tshowUntrackedFiles = no\n"
        )
        write(tmp_path, {"ignore": "kitchen.txt\n", "gitconfig": settings})

        done = kitchen.cdp(
            "update",
            GIT_CONFIG_GLOBAL=str(tmp_path / "gitconfig"),
            GIT_EXTERNAL_DIFF=shutil.which("true") or "",
        )

        assert done.code == 1
        assert done.err.startswith("error: this file was changed by you and by the template in")
        text = (kitchen.folder / "kitchen.txt").read_text()
        assert "kitchen 2, a mess\n=======\nkitchen 2, cleaned\n" in text
        assert "ends in spaces   \n" in text
        merged = lines("tea", but={2: "tea 2, green", 19: "ends in spaces   "})
        assert (kitchen.folder / "docs" / "tea.txt").read_text() == merged

    def test_an_edit_that_copier_drops_all_the_same_is_asked_about(self, kitchen: Kitchen) -> None:
        """Here since the template itself has git ignore a file that the user keeps in git."""
        release(kitchen.template, "v0.2.0", {f"{CORE}/.gitignore": "kitchen.txt\n"})
        kitchen.cdp("update")
        commit(kitchen.folder)
        kitchen.edit({"kitchen.txt": lines("kitchen", but={19: "mine"})})
        assert "kitchen.txt" in git(kitchen.folder, "ls-files")
        release(kitchen.template, "v0.3.0", SECOND)
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1, "", self.WARNING.replace("docs/milk.txt", "kitchen.txt") + self.REFUSAL
        )
        assert snapshot(kitchen.folder) == before


class TestFailures:
    """A failed update leaves the repository as it was, byte for byte."""

    @pytest.mark.parametrize(
        ("files", "told"),
        [
            (
                {f"{TEA}/docs/leaves.txt.jinja": "\n{{ sugar }}\n"},
                (
                    "the template's blueprints/{{use.tea}}/docs/leaves.txt.jinja, line 2: "
                    "'sugar' is undefined"
                ),
            ),
            (
                {f"{TEA}/docs/leaves.txt.jinja": "{% if %}\n"},
                (
                    "the template's blueprints/{{use.tea}}/docs/leaves.txt.jinja, line 1: "
                    "Expected an expression, got 'end of statement block'"
                ),
            ),
            (
                {f"{CORE}/notes": "a file\n"},
                "the template has a file where the repository has a folder of the same name",
            ),
            ({f"{CORE}/own.txt/x": "in a folder\n"}, "own.txt: File exists"),
        ],
        ids=["undefined", "syntax", "file on folder", "folder on file"],
    )
    def test_a_new_version_that_cannot_be_rendered(
        self, kitchen: Kitchen, files: dict[str, str | None], told: str
    ) -> None:
        kitchen.edit({"notes/own.txt": "own\n", "own.txt": "own\n"})
        release(kitchen.template, "v0.2.0", {**SECOND, **files})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(1, "", f"error: {told}\n")
        assert snapshot(kitchen.folder) == before

    def test_a_new_version_that_is_no_template(self, kitchen: Kitchen) -> None:
        release(kitchen.template, "v0.2.0", {"copier.yml": None})
        before = snapshot(kitchen.folder)

        done = kitchen.cdp("update")

        assert done == Outcome(
            1, "", f"error: {kitchen.template} at `v0.2.0` holds no copier.yml\n"
        )
        assert snapshot(kitchen.folder) == before

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
    def test_a_kill_in_the_middle(
        self, kitchen: Kitchen, tmp_path: Path, number: signal.Signals
    ) -> None:
        """While copier merges; what is not a sudden death leaves no temporary folder either."""
        release(kitchen.template, "v0.2.0", SECOND)
        kitchen.edit({"kitchen.txt": lines("kitchen", but={19: "mine"})})
        before = snapshot(kitchen.folder)
        real = shutil.which("git")
        wait = f'case "$*" in *apply*) echo $$ >"{tmp_path}/pid"; exec sleep 60;; esac'
        write(tmp_path / "bin", {"git": f'#!/bin/sh\n{wait}\nexec {real} "$@"\n'})
        (tmp_path / "bin" / "git").chmod(0o755)
        temporary = tmp_path / "tmp"
        temporary.mkdir()

        process = subprocess.Popen(
            [sys.executable, "-m", "cdp_scaffold.cli", "update"],
            cwd=kitchen.folder,
            env={
                **os.environ,
                **ENVIRONMENT,
                "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
                "TMPDIR": str(temporary),
            },
        )
        asleep = int(when_written(tmp_path / "pid"))
        process.send_signal(number)
        end = process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.kill(asleep, signal.SIGKILL)

        assert end == (-number if number is signal.SIGKILL else 128 + number)
        assert snapshot(kitchen.folder) == before
        if number is signal.SIGKILL:
            assert kitchen.cdp("update").code == 0
        else:
            assert list(temporary.glob("cdp-*")) == []

    def test_an_update_that_was_killed_half_way_is_taken_back_by_the_next(
        self, kitchen: Kitchen
    ) -> None:
        release(kitchen.template, "v0.2.0", SECOND)
        whole = kitchen.twin()
        assert whole.cdp("update").code == 0
        code = (
            "import os, signal; from cdp_scaffold import cli, repository\n"
            "put = repository._put\n"
            "def dying(source, target, beside):\n"
            "    if target.name == 'kitchen.txt': os.kill(os.getpid(), signal.SIGKILL)\n"
            "    put(source, target, beside)\n"
            "repository._put = dying\n"
            "cli.main()"
        )

        end = subprocess.run(
            [sys.executable, "-c", code, "update"],
            cwd=kitchen.folder,
            env={**os.environ, **ENVIRONMENT},
            check=False,
        ).returncode
        half = kitchen.status()

        assert end == -signal.SIGKILL
        assert half == [" D bin/boil", " M docs/tea.txt", "?? floor.txt"]
        assert kitchen.cdp("update").code == 0
        assert tree(kitchen.folder) == tree(whole.folder)

    def test_hooks_do_not_run(self, kitchen: Kitchen, tmp_path: Path) -> None:
        """Not even those that the user wants everywhere, which copier by itself would start."""
        release(kitchen.template, "v0.2.0", SECOND)
        kitchen.edit({"kitchen.txt": lines("kitchen", but={19: "mine"})})
        for name in ("pre-commit", "post-checkout", "post-commit"):
            write(tmp_path / "hooks", {name: f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\nexit 1\n"})
            (tmp_path / "hooks" / name).chmod(0o755)
        write(tmp_path, {"gitconfig": f"[core]\n\thooksPath = {tmp_path}/hooks\n"})

        done = kitchen.cdp("update", GIT_CONFIG_GLOBAL=str(tmp_path / "gitconfig"))

        assert done.code == 0, done.err
        assert list(tmp_path.glob("ran-*")) == []

    def test_line_ends_of_the_user_stay(self, kitchen: Kitchen) -> None:
        """With `core.autocrlf` files on disk differ from those in git, which is no change."""
        git(kitchen.folder, "config", "core.autocrlf", "true")
        kitchen.edit({"kitchen.txt": lines("kitchen", but={19: "mine"})})
        git(kitchen.folder, "rm", "-q", "-r", "--cached", ".")
        git(kitchen.folder, "reset", "-q", "--hard")
        release(kitchen.template, "v0.2.0", SECOND)

        done = kitchen.cdp("update")

        assert done.code == 0, done.err
        assert "milk" not in done.out
        merged = lines("kitchen", but={2: "kitchen 2, cleaned", 19: "mine"})
        expected = merged.replace("\n", "\r\n").encode()
        assert (kitchen.folder / "kitchen.txt").read_bytes() == expected
        assert (kitchen.folder / "floor.txt").read_bytes() == b"swept\r\n"
        commit(kitchen.folder)
        assert kitchen.cdp("remove", "milk").code == 0


def when_written(file: Path) -> str:
    """What a file holds, as soon as it holds something."""
    for _ in range(600):
        if file.exists() and file.read_text().endswith("\n"):
            return file.read_text()
        time.sleep(0.1)
    raise AssertionError(f"{file} was never written")


def test_the_real_template_is_updated_both_ways(tmp_path: Path) -> None:
    """A pattern and a choice more, and an edit that stays; beside it, what a new one would be."""
    template = real_template(tmp_path / "template", "v0.1.0")
    shop = tmp_path / "shop"
    done = cdp("new", shop, *DEMO, "--no-input", "--template", template)
    assert done.code == 0, done.err
    readme = (shop / "README.md").read_text()
    write(shop, {"README.md": f"<!-- ours -->\n{readme}"})
    commit(shop)
    twin = tmp_path / "twin" / "shop"
    shutil.copytree(shop, twin)

    done = cdp("add", "stamp", "--set", "server_setup=layered", cwd=shop)

    assert (done.code, done.err) == (0, "")
    rendered = Template(template)
    answer = resolve(rendered.catalog, [*DEMO, "stamp"], {"server_setup": "layered"})
    assert isinstance(answer, Resolution)
    expected = rendered.tree(answer, Answers("shop", commit="v0.1.0", source=str(template)))
    expected["README.md"] = b"<!-- ours -->\n" + expected["README.md"]
    assert tree(shop) == expected
    patterns = f"patterns=[{', '.join((*DEMO, 'stamp'))}]"
    data = ("--data", patterns, "--data", "server_setup=layered")
    other = copier("update", "--defaults", "--quiet", "--vcs-ref=:current:", *data, cwd=twin)
    assert other.code == 0, other.err
    assert tree(twin) == expected
