"""The git side of an update: the clone, what differs in it, carrying that over or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold import interrupts, repository
from cdp_scaffold.errors import RepositoryError
from cdp_scaffold.repository import Change, Clone
from tests.repositories import commit, git, lines, snapshot, surroundings, tree, write


@pytest.fixture(autouse=True)
def nobody_in_particular() -> Iterator[None]:
    with surroundings():
        yield


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a file in a folder, a link and a program."""
    folder = tmp_path / "a b ü"
    write(
        folder,
        {
            "one.txt": lines("one"),
            "docs/two.txt": lines("two"),
            "docs/deep/three.txt": "three\n",
            "run": "#!/bin/sh\n",
            ".gitignore": "*.log\n",
        },
    )
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("one.txt")
    commit(folder)
    return folder


def work(clone: Clone) -> Change:
    """Change the clone in every way an update may."""
    folder = clone.folder
    write(
        folder,
        {
            "one.txt": lines("one", but={1: "new"}),
            "docs/two.txt": None,
            "docs/deep/three.txt": None,
            "docs/deep2/four.txt": "four\n",
            "new ü/five.txt": "five\n",
            "zz-answers": "last\n",
        },
    )
    (folder / "docs" / "deep").rmdir()
    (folder / "run").chmod(0o644)
    (folder / ".gitignore").chmod(0o755)
    (folder / "link").unlink()
    (folder / "link").symlink_to("run")
    (folder / "start").symlink_to("run")
    return clone.change()


WORKED = Change(
    created=("docs/deep2/four.txt", "new ü/five.txt", "start", "zz-answers"),
    changed=(".gitignore", "link", "one.txt", "run"),
    deleted=("docs/deep/three.txt", "docs/two.txt"),
)


def test_a_clone_holds_what_is_committed(repo: Path) -> None:
    """Files, links and modes; nothing of the user's folder is touched by it."""
    before = snapshot(repo)

    with repository.clone(repo) as clone:
        assert snapshot(clone.folder, git_too=False) == snapshot(repo, git_too=False)
        assert clone.original == repo and clone.folder.name == repo.name
        assert clone.change() == Change()

    assert not clone.folder.exists()
    assert snapshot(repo) == before


def test_a_change_names_what_is_new_other_and_gone(repo: Path) -> None:
    """Relative to the repository, each file by itself, whether git would ignore it or not."""
    with repository.clone(repo) as clone:
        write(clone.folder, {"run.log": "ignored\n"})

        change = work(clone)

    created = tuple(sorted([*WORKED.created, "run.log"]))
    assert change == replace(WORKED, created=created)


def test_carrying_over_makes_the_repository_like_the_clone(repo: Path) -> None:
    """Contents, modes and links; folders that are empty then go; nothing is staged."""
    index = (repo / ".git" / "index").read_bytes()
    with repository.clone(repo) as clone:
        change = work(clone)
        clone.carry_over(change)

        assert change == WORKED
        assert snapshot(repo, git_too=False) == snapshot(clone.folder, git_too=False)
    assert not (repo / "docs" / "deep").exists()
    assert (repo / ".git" / "index").read_bytes() == index
    assert not (repo / ".git" / repository.JOURNAL).exists()


def test_carrying_over_keeps_who_may_read_a_file(repo: Path) -> None:
    """A file that its owner closed to others stays closed."""
    (repo / "one.txt").chmod(0o600)

    with repository.clone(repo) as clone:
        clone.carry_over(work(clone))

    assert (repo / "one.txt").stat().st_mode & 0o777 == 0o600


def swap_file_and_folder(clone: Clone) -> None:
    shutil.rmtree(clone.folder / "docs")
    write(clone.folder, {"docs": "a file now\n", "run": None})
    write(clone.folder, {"run/one": "a folder now\n"})


def test_a_folder_may_become_a_file_and_the_other_way_round(repo: Path) -> None:
    """What goes goes first."""
    with repository.clone(repo) as clone:
        swap_file_and_folder(clone)

        clone.carry_over(clone.change())

    assert (repo / "docs").read_text() == "a file now\n"
    assert (repo / "run" / "one").read_text() == "a folder now\n"


def test_a_subfolder_is_a_repository_of_its_own(repo: Path) -> None:
    """Paths are relative to it, and what others do beside it does not matter."""
    write(repo, {"kitchen/one.txt": "one\n", "kitchen/sub/two.txt": "two\n"})
    commit(repo)
    write(repo, {"one.txt": "not committed\n", "untracked.txt": "x\n"})
    git(repo, "add", "one.txt")

    with repository.clone(repo / "kitchen") as clone:
        write(clone.folder, {"one.txt": "other\n", "sub/two.txt": None, "sub2/three.txt": "3\n"})
        change = clone.change()
        clone.carry_over(change)

    assert change == Change(("sub2/three.txt",), ("one.txt",), ("sub/two.txt",))
    assert git(repo, "status", "--porcelain").splitlines() == [
        " M kitchen/one.txt",
        " D kitchen/sub/two.txt",
        "M  one.txt",
        "?? kitchen/sub2/",
        "?? untracked.txt",
    ]


@pytest.mark.parametrize("kind", ["worktree", "shallow", "detached", "below a link", "bare name"])
def test_any_kind_of_work_tree_will_do(repo: Path, tmp_path: Path, kind: str) -> None:
    """A linked work tree, a shallow clone, a commit of no branch, a path through a link."""
    folder = repo
    if kind == "worktree":
        folder = tmp_path / "linked"
        git(repo, "worktree", "add", "-q", "-b", "other", str(folder))
    elif kind == "shallow":
        commit(repo)
        folder = tmp_path / "shallow"
        git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", str(folder))
    elif kind == "detached":
        write(repo, {"one.txt": "of no branch\n"})
        git(repo, "checkout", "-q", "--detach")
        commit(repo)
    elif kind == "below a link":
        folder = tmp_path / "link"
        folder.symlink_to(repo)
    elif kind == "bare name":
        os.chdir(repo)
        folder = Path()

    with repository.clone(folder) as clone:
        clone.carry_over(work(clone))
        assert snapshot(folder, git_too=False) == snapshot(clone.folder, git_too=False)


def told(error: pytest.ExceptionInfo[RepositoryError]) -> str:
    return error.value.render()


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError) as error, repository.clone(tmp_path):
        pass

    assert told(error) == (
        f"error: `{tmp_path}` is no git repository, so an update could not be reviewed or undone\n"
        "\n"
        "hint: git init && git add --all && git commit -m 'Generate the repository'"
    )


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")

    with pytest.raises(RepositoryError) as error, repository.clone(tmp_path):
        pass

    assert told(error) == (
        "error: nothing is committed yet, so an update could not be reviewed or undone\n"
        "\n"
        "hint: git add --all && git commit -m 'Generate the repository'"
    )


def test_a_repository_that_copier_cannot_merge_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    write(tmp_path, {"one.txt": "one\n"})
    commit(tmp_path)

    with pytest.raises(RepositoryError) as error, repository.clone(tmp_path):
        pass

    assert told(error) == (
        "error: the repository names its objects by SHA-256, which copier cannot merge yet\n\n"
        "hint: keep it in one that was made by plain `git init`"
    )


def test_a_machine_without_git_is_told_so(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(RepositoryError) as error, repository.clone(repo):
        pass

    assert told(error) == (
        "error: git is not installed\n\n"
        "hint: install it; templates are read and updates are made by it"
    )


def test_what_git_says_is_passed_on(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that git does not trust is not called none."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    with pytest.raises(RepositoryError) as error, repository.clone(repo):
        pass

    assert told(error) == (
        f"error: git rev-parse failed: detected dubious ownership in repository at '{repo}'"
    )


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"one.txt": "edited\n"}, "one.txt"),
        ({"docs/two.txt": None}, "docs/two.txt"),
        ({"mine.txt": "not added\n"}, "mine.txt"),
        ({"more/mine.txt": "x\n"}, "more"),
        (
            {"1": "x", "2": "x", "3": "x", "4": "x", "5 ü": "x"},
            "1, 2, 3 and 2 more",
        ),
    ],
)
def test_a_dirty_work_tree_is_refused(repo: Path, files: dict[str, str | None], named: str) -> None:
    """Edited, deleted, or new: what is not committed could not be told from the update."""
    write(repo, files)

    with pytest.raises(RepositoryError) as error, repository.clone(repo):
        pass

    assert told(error) == (
        f"error: there are changes that are not committed: {named}\n"
        "\n"
        "hint: commit or stash them first: git stash --include-untracked"
    )


def test_a_staged_change_is_one_too(repo: Path) -> None:
    write(repo, {"one.txt": "edited\n"})
    git(repo, "add", "one.txt")

    with pytest.raises(RepositoryError, match=r"not committed: one\.txt"), repository.clone(repo):
        pass


def test_two_updates_at_once_are_refused(repo: Path) -> None:
    """The second is told to wait; the first goes on."""
    with repository.clone(repo) as clone:
        with pytest.raises(RepositoryError) as error, repository.clone(repo):
            pass
        clone.carry_over(work(clone))

    assert told(error) == (
        "error: another update is at work in this repository\n\n"
        "hint: wait for it, then run this again"
    )
    assert git(repo, "status", "--porcelain")


def test_a_commit_meanwhile_is_not_run_over(repo: Path) -> None:
    with repository.clone(repo) as clone:
        change = work(clone)
        write(repo, {"one.txt": "newer\n"})
        commit(repo)
        before = snapshot(repo)

        with pytest.raises(RepositoryError) as error:
            clone.carry_over(change)

    assert told(error) == (
        "error: the repository got a new commit while the update was worked out\n\n"
        "hint: run it again"
    )
    assert snapshot(repo) == before


def test_an_edit_meanwhile_is_not_run_over(repo: Path) -> None:
    with repository.clone(repo) as clone:
        change = work(clone)
        write(repo, {"one.txt": "just saved\n"})

        with pytest.raises(RepositoryError, match=r"not committed: one\.txt"):
            clone.carry_over(change)

    assert (repo / "one.txt").read_text() == "just saved\n"


def test_hooks_do_not_run(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of the repository nor those of the user."""
    hooks = tmp_path / "hooks"
    for place in (hooks, repo / ".git" / "hooks"):
        for name in ("pre-commit", "post-checkout", "post-commit", "post-index-change"):
            write(place, {name: f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\n"})
            (place / name).chmod(0o755)
    write(tmp_path, {"gitconfig": f"[core]\n\thooksPath = {hooks}\n"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))

    with repository.clone(repo) as clone:
        clone.carry_over(work(clone))

    assert [path.name for path in tmp_path.glob("ran-*")] == []


def test_a_git_hook_that_calls_us_does_not_lead_us_astray(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git tells its hooks by variables where they are; that is somewhere else."""
    write(tmp_path / "other", {"x": "x"})
    commit(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))

    with repository.clone(repo) as clone:
        change = work(clone)

    assert change == WORKED


class TestLineEnds:
    """Git may write files with other line ends than it keeps."""

    def test_those_of_the_user_are_kept(self, repo: Path) -> None:
        """Nothing but what really changed is touched, and that comes as git would write it."""
        git(repo, "config", "core.autocrlf", "true")
        self.check_out_again(repo)
        assert b"\r\n" in (repo / "docs" / "two.txt").read_bytes()
        untouched = snapshot(repo)["docs/two.txt"]

        with repository.clone(repo) as clone:
            assert clone.change() == Change()
            write(clone.folder, {"one.txt": lines("one", but={3: "new"}), "six.txt": "6\n"})
            change = clone.change()
            clone.carry_over(change)

        assert change == Change(("six.txt",), ("one.txt",))
        expected = lines("one", but={3: "new"}).replace("\n", "\r\n").encode()
        assert (repo / "one.txt").read_bytes() == expected
        assert (repo / "six.txt").read_bytes() == b"6\r\n"
        assert snapshot(repo)["docs/two.txt"] == untouched
        assert git(repo, "diff", "--numstat").split() == ["1", "1", "one.txt"]

    def test_those_that_attributes_ask_for_are_kept(self, repo: Path) -> None:
        """Below the top too, where attributes are looked up by the whole path."""
        write(repo, {"sub/one.txt": "1\n", "sub/two.dat": "2\n"})
        write(repo, {".gitattributes": "/sub/*.txt text eol=crlf\n"})
        commit(repo)
        self.check_out_again(repo)

        with repository.clone(repo / "sub") as clone:
            (clone.folder / "one.txt").write_bytes(b"new\n")
            (clone.folder / "two.dat").write_bytes(b"new\n")
            clone.carry_over(clone.change())

        assert (repo / "sub" / "one.txt").read_bytes() == b"new\r\n"
        assert (repo / "sub" / "two.dat").read_bytes() == b"new\n"

    def test_a_filter_of_the_repository_is_applied(self, repo: Path) -> None:
        """As those are that keep secrets encrypted in git and plain on disk."""
        git(repo, "config", "filter.rot.smudge", "tr a-z n-za-m")
        git(repo, "config", "filter.rot.clean", "tr a-z n-za-m")
        write(repo, {".gitattributes": "secret* filter=rot\n", "secret.txt": "open\n"})
        commit(repo)

        with repository.clone(repo) as clone:
            assert (clone.folder / "secret.txt").read_text() == "bcra\n"
            write(clone.folder, {"secret.txt": "frpher\n"})
            clone.carry_over(clone.change())

        assert (repo / "secret.txt").read_text() == "secure\n"

    def check_out_again(self, repo: Path) -> None:
        git(repo, "rm", "-q", "-r", "--cached", ".")
        git(repo, "reset", "-q", "--hard")


class TestWhatGitDoesNotHold:
    """Files whose content is in no commit, so that overwriting them would be for good."""

    def test_an_ignored_file_in_the_way_is_named(self, repo: Path) -> None:
        write(repo, {"my.log": "mine\n"})

        with repository.clone(repo) as clone:
            write(clone.folder, {"my.log": "the template's\n"})
            change = clone.change()

        assert change == Change(created=("my.log",), covered=("my.log",))

    def test_one_of_the_same_content_is_not(self, repo: Path) -> None:
        write(repo, {"my.log": "same\n"})

        with repository.clone(repo) as clone:
            write(clone.folder, {"my.log": "same\n"})

            assert clone.change() == Change(created=("my.log",))

    def test_an_untracked_file_that_git_does_not_show_is_named(self, repo: Path) -> None:
        """Some have git list no untracked files, so their work tree looks clean."""
        git(repo, "config", "status.showUntrackedFiles", "no")
        write(repo, {"mine.txt": "mine\n"})

        with repository.clone(repo) as clone:
            write(clone.folder, {"mine.txt": "the template's\n", "other/new.txt": "x\n"})
            change = clone.change()

        assert change == Change(created=("mine.txt", "other/new.txt"), covered=("mine.txt",))

    @pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
    def test_an_edit_that_git_was_told_not_to_see_is_named(self, repo: Path, flag: str) -> None:
        git(repo, "update-index", flag, "one.txt", "docs/two.txt", "run")
        write(repo, {"one.txt": "my own settings\n", "docs/two.txt": "mine\n"})

        with repository.clone(repo) as clone:
            change = work(clone)

        assert change.covered == ("docs/two.txt", "one.txt")

    def test_a_folder_in_the_way_is_left_alone(self, repo: Path) -> None:
        write(repo, {"my.log/inside.log": "mine\n"})
        before = snapshot(repo)

        with repository.clone(repo) as clone:
            write(clone.folder, {"my.log": "the template's\n"})
            change = clone.change()
            with pytest.raises(RepositoryError) as error:
                clone.carry_over(change)

        assert told(error) == "error: my.log: a folder is in the way; the repository is as it was"
        assert change.covered == ("my.log",)
        assert snapshot(repo) == before

    def test_a_file_in_the_way_of_a_folder_is_left_alone(self, repo: Path) -> None:
        write(repo, {"my.log": "mine\n"})
        before = snapshot(repo)

        with repository.clone(repo) as clone:
            write(clone.folder, {"my.log/inside": "the template's\n", "one.txt": "new\n"})
            with pytest.raises(RepositoryError) as error:
                clone.carry_over(clone.change())

        assert told(error) == "error: my.log: File exists; the repository is as it was"
        assert snapshot(repo) == before


class TestWhoseWorkItIs:
    """Telling what the user edited from what was generated for them."""

    def test_edited_files_are_those_not_as_generated(self, repo: Path, tmp_path: Path) -> None:
        shutil.copytree(repo, tmp_path / "generated", symlinks=True)
        write(tmp_path / "generated", {"one.txt": "other\n", "docs/two.txt": None})
        paths = ["one.txt", "docs/two.txt", "docs/deep/three.txt", "link", "run", "never-there"]

        with repository.clone(repo) as clone:
            edited = clone.edited(paths, tmp_path / "generated")

        assert edited == ["one.txt", "docs/two.txt"]

    def test_other_line_ends_on_disk_are_no_edit(self, repo: Path, tmp_path: Path) -> None:
        shutil.copytree(repo, tmp_path / "generated", symlinks=True)
        git(repo, "config", "core.autocrlf", "true")
        TestLineEnds().check_out_again(repo)

        with repository.clone(repo) as clone:
            assert clone.edited(["one.txt", "docs/two.txt"], tmp_path / "generated") == []

    @pytest.mark.parametrize(
        ("mine", "old", "new", "now", "dropped"),
        [
            ({18: "mine"}, {}, {2: "new"}, {2: "new"}, True),
            ({18: "mine"}, {}, {2: "new"}, {2: "new", 18: "mine"}, False),
            ({2: "mine"}, {}, {2: "new"}, {2: "new"}, True),
            ({2: "new"}, {}, {2: "new", 18: "new"}, {2: "new", 18: "new"}, False),
        ],
        ids=["swallowed", "merged", "overruled", "the same edit"],
    )
    def test_an_edit_that_vanished_is_noticed(
        self,
        tmp_path: Path,
        mine: dict[int, str],
        old: dict[int, str],
        new: dict[int, str],
        now: dict[int, str],
        dropped: bool,
    ) -> None:
        """Whatever made it vanish: a merge of the three versions would have kept it."""
        write(tmp_path / "repo", {"a.txt": lines("a", but=mine)})
        commit(tmp_path / "repo")
        write(tmp_path / "old", {"a.txt": lines("a", but=old)})
        write(tmp_path / "new", {"a.txt": lines("a", but=new)})

        with repository.clone(tmp_path / "repo") as clone:
            write(clone.folder, {"a.txt": lines("a", but=now)})
            found = clone.dropped(["a.txt"], tmp_path / "old", tmp_path / "new")

        assert found == (["a.txt"] if dropped else [])

    def test_a_file_of_bytes_that_vanished_is_noticed(self, tmp_path: Path) -> None:
        """Git merges no such files."""
        for name, content in (("repo", b"\0mine"), ("old", b"\0"), ("new", b"\0new")):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.bin").write_bytes(content)
        commit(tmp_path / "repo")

        with repository.clone(tmp_path / "repo") as clone:
            shutil.copy(tmp_path / "new" / "a.bin", clone.folder / "a.bin")

            assert clone.dropped(["a.bin"], tmp_path / "old", tmp_path / "new") == ["a.bin"]


def conflict(clone: Clone) -> Change:
    """Leave a file in conflict, as copier does."""
    stages = [
        git(clone.folder, "hash-object", "-w", "--", name).strip()
        for name in ("docs/two.txt", "docs/deep/three.txt", "one.txt")
    ]
    write(clone.folder, {"one.txt": "<<<<<<< before updating\n"})
    text = "".join(f"100644 {blob} {n}\tone.txt\n" for n, blob in enumerate(stages, 1))
    write(clone.folder.parent, {"stages": f"0 {'0' * 40}\tone.txt\n{text}"})
    repository._run(
        clone.folder,
        "update-index",
        "--index-info",
        feed=(clone.folder.parent / "stages").read_bytes(),
    )
    return clone.change()


def test_a_conflict_is_shown_by_the_users_git(repo: Path) -> None:
    """With its three versions, so that `git mergetool` and `git checkout --ours` work."""
    with repository.clone(repo) as clone:
        write(clone.folder, {"new.txt": "x\n", "hunk.rej": "left\n"})
        change = conflict(clone)
        clone.carry_over(change)

    assert change.conflicts == ("one.txt", "hunk.rej")
    assert git(repo, "status", "--porcelain").splitlines() == [
        "UU one.txt",
        "?? hunk.rej",
        "?? new.txt",
    ]
    assert git(repo, "show", ":1:one.txt") == lines("two")
    assert git(repo, "show", ":3:one.txt") == lines("one")


def test_a_program_is_one_where_files_cannot_say_so(repo: Path) -> None:
    """On such a file system git keeps it in its index alone."""
    git(repo, "config", "core.fileMode", "false")

    with repository.clone(repo) as clone:
        git(clone.folder, "update-index", "--chmod=+x", "one.txt")
        clone.carry_over(clone.change())

    assert git(repo, "ls-files", "-s", "one.txt").startswith("100755 ")
    assert git(repo, "status", "--porcelain") == "M  one.txt\n"


STEPS = 10
"""Of `work`: four files made, four changed, two removed."""


def breaking_at(number: int, how: Callable[[], None]) -> dict[str, Any]:
    """Ways to move and remove files of which the one of that number goes wrong."""
    count = 0
    put, remove = repository._put, repository._remove

    def tick() -> None:
        nonlocal count
        count += 1
        if count == number:
            how()

    def breaking_put(*arguments: Any) -> None:
        tick()
        put(*arguments)

    def breaking_remove(*arguments: Any) -> None:
        tick()
        remove(*arguments)

    return {"_put": breaking_put, "_remove": breaking_remove}


def full_disk() -> None:
    raise OSError(28, "No space left on device", "/somewhere")


@pytest.mark.parametrize("number", range(1, STEPS + 1))
def test_a_failure_at_any_step_leaves_all_as_it_was(
    repo: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, git's index included."""
    (repo / "empty" / "folder").mkdir(parents=True)
    before = snapshot(repo)
    with repository.clone(repo) as clone:
        change = work(clone)
        for name, function in breaking_at(number, full_disk).items():
            monkeypatch.setattr(repository, name, function)

        with pytest.raises(RepositoryError) as error:
            clone.carry_over(change)

    assert told(error) == (
        "error: /somewhere: No space left on device; the repository is as it was"
    )
    assert snapshot(repo) == before


@pytest.mark.parametrize("number", range(1, 6))
def test_a_failure_between_folder_and_file_leaves_all_as_it_was(
    repo: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the way goes before what was there is put back."""
    before = snapshot(repo)
    with repository.clone(repo) as clone:
        swap_file_and_folder(clone)
        for name, function in breaking_at(number, full_disk).items():
            monkeypatch.setattr(repository, name, function)

        with pytest.raises(RepositoryError, match="No space left on device; the repository is as"):
            clone.carry_over(clone.change())

    assert snapshot(repo) == before


def test_a_failure_at_the_index_leaves_all_as_it_was(repo: Path) -> None:
    """The conflict cannot be told to git while another git holds its index."""
    (repo / ".git" / "index.lock").touch()
    before = tree(repo), (repo / ".git" / "index").read_bytes()

    with repository.clone(repo) as clone:
        change = conflict(clone)
        with pytest.raises(RepositoryError, match=r"git update-index failed: Unable to create"):
            clone.carry_over(change)

    assert (tree(repo), (repo / ".git" / "index").read_bytes()) == before
    assert not (repo / ".git" / repository.JOURNAL).exists()


def killed_at(repo: Path, number: int, last: str = "") -> tuple[dict[str, Any], int]:
    """Carry over in a process that is killed at a step; what the files are to be, and its end."""
    with repository.clone(repo) as clone:
        change = work(clone)
        whole = snapshot(clone.folder, git_too=False)
        child = os.fork()
        if not child:
            for name, function in breaking_at(
                number, lambda: os.kill(os.getpid(), signal.SIGKILL)
            ).items():
                setattr(repository, name, function)
            clone.carry_over(change, last)
            os._exit(0)
        return whole, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("number", range(1, STEPS + 2))
def test_a_kill_at_any_step_is_mended_by_the_next_run(repo: Path, number: int) -> None:
    """Nobody could tidy up, but what was done is written down."""
    before = snapshot(repo)
    whole, end = killed_at(repo, number)
    if number > STEPS:
        assert end == 0 and snapshot(repo, git_too=False) == whole
        return
    assert end == -signal.SIGKILL

    with repository.clone(repo) as clone:
        assert clone.recovered == (number > 1)

    assert snapshot(repo) == before


def test_a_kill_before_anything_is_written_down_is_mended_too(repo: Path) -> None:
    before = snapshot(repo)
    (repo / ".git" / repository.JOURNAL / "new").mkdir(parents=True)

    with repository.clone(repo) as clone:
        assert not clone.recovered

    assert snapshot(repo) == before


def test_a_kill_after_the_last_step_leaves_the_whole(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that makes the change count is there, so nothing is taken back."""
    monkeypatch.setattr(repository, "_forget", lambda _: os._exit(7))
    write(repo, {"zz-answers": "first\n"})
    commit(repo)
    whole, end = killed_at(repo, 0, "zz-answers")
    monkeypatch.undo()
    assert end == 7

    with pytest.raises(RepositoryError, match="not committed"), repository.clone(repo):
        pass

    assert snapshot(repo, git_too=False) == whole
    assert not (repo / ".git" / repository.JOURNAL).exists()


def test_mending_reaches_the_folder_that_was_left_half_done(repo: Path) -> None:
    """A repository may hold several that were generated."""
    shutil.copytree(repo, repo / "kitchen", symlinks=True, ignore=shutil.ignore_patterns(".git"))
    write(repo, {"garden/one.txt": "1\n"})
    commit(repo)
    before = snapshot(repo)
    _, end = killed_at(repo / "kitchen", STEPS)
    assert end == -signal.SIGKILL and snapshot(repo) != before

    with repository.clone(repo / "garden") as clone:
        assert clone.recovered

    assert snapshot(repo) == before


def test_mending_keeps_what_somebody_did_since(repo: Path) -> None:
    """An edit of a file that was half-way carried over is theirs now."""
    killed_at(repo, STEPS)
    write(repo, {"one.txt": "edited since\n"})

    with pytest.raises(RepositoryError) as error, repository.clone(repo):
        pass

    assert "not committed: one.txt\n" in told(error)
    assert (repo / "one.txt").read_text() == "edited since\n"
    assert (repo / "docs" / "two.txt").read_text() == lines("two")


def test_mending_leaves_alone_what_was_committed_since(repo: Path) -> None:
    killed_at(repo, STEPS)
    commit(repo, "What was done is good")
    before = tree(repo)

    with repository.clone(repo) as clone:
        assert not clone.recovered

    assert tree(repo) == before


def test_a_request_to_end_waits_until_all_is_carried(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a moment; being half done would take longer to mend."""
    with repository.clone(repo) as clone:
        change = work(clone)
        ask = breaking_at(3, lambda: os.kill(os.getpid(), signal.SIGTERM))
        for name, function in ask.items():
            monkeypatch.setattr(repository, name, function)

        with pytest.raises(SystemExit) as end, interrupts.ending_cleanly():
            clone.carry_over(change)

        assert snapshot(repo, git_too=False) == snapshot(clone.folder, git_too=False)
    assert end.value.code == 128 + signal.SIGTERM


def drop_the_right_to_write_anywhere() -> None:
    """Make root respect modes, so that this test means something to root too."""
    import ctypes

    drop, override = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
    ctypes.CDLL(None).prctl(drop, override, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="modes are made to hold for root by Linux")
def test_a_folder_that_cannot_be_written_leaves_all_as_it_was(repo: Path) -> None:
    import subprocess

    (repo / "docs").chmod(0o555)
    before = snapshot(repo)
    code = (
        "import sys; from pathlib import Path\n"
        "from cdp_scaffold import repository; from tests.test_repository import work\n"
        "with repository.clone(Path(sys.argv[1])) as clone: clone.carry_over(work(clone))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, repo],
        preexec_fn=drop_the_right_to_write_anywhere,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.splitlines()[-1] == (
        "cdp_scaffold.errors.RepositoryError: docs/two.txt: Permission denied; "
        "the repository is as it was"
    )
    assert snapshot(repo) == before
