"""Finding the template: in the package, in a checkout, at a path or an address."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cdp_scaffold import template
from cdp_scaffold.errors import TemplateError
from cdp_scaffold.template import Source, locate, newest, opened, own, recorded
from tests.repositories import (
    ROOT,
    cdp,
    commit,
    git,
    release,
    small_template,
    surroundings,
    write,
)

ADDRESS = "https://git.example.com/cdp-scaffold.git"


@pytest.fixture(autouse=True)
def nobody_in_particular() -> Iterator[None]:
    with surroundings():
        yield


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return small_template(tmp_path / "template")


@pytest.fixture
def package(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the one in an installed package, which is taken for it; version v0.2.0."""
    release(small, "v0.2.0", {"blueprints/extra": "x\n"})
    folder = tmp_path / "packaged"
    folder.mkdir()
    git(small, "bundle", "create", "-q", str(folder / "template.bundle"), "main", "--tags")
    shutil.copytree(small, folder / "template", ignore=shutil.ignore_patterns(".git"))
    about = {"address": ADDRESS, "ref": "v0.2.0"}
    (folder / "source.json").write_text(json.dumps(about))
    monkeypatch.setattr(template, "PACKAGED", folder)
    return folder


def told(error: pytest.ExceptionInfo[TemplateError]) -> str:
    return error.value.render()


class TestOwn:
    """The template that comes with the program."""

    def test_in_a_checkout_it_is_the_checkout_as_it_stands(self) -> None:
        assert own() == Source(str(ROOT), "HEAD", files=ROOT)

    def test_in_a_package_it_is_what_was_built_in(self, package: Path) -> None:
        assert own() == Source(
            ADDRESS, "v0.2.0", package / "template.bundle", package / "template", ADDRESS
        )

    @pytest.mark.usefixtures("package")
    def test_a_package_takes_another_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CDP_TEMPLATE_ADDRESS", "git@git.acme.example:patterns.git")

        assert own().address == "git@git.acme.example:patterns.git"
        assert own().also == ADDRESS

    def test_an_installation_without_one_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(template, "HERE", tmp_path / "package")
        monkeypatch.setattr(template, "PACKAGED", tmp_path / "package" / "packaged")

        with pytest.raises(TemplateError) as error:
            own()

        assert told(error) == (
            f"error: the installation in {tmp_path}/package carries no template\n\n"
            "hint: install it again, or name one: `--template SOURCE`"
        )


class TestLocate:
    """What `--template` and `--ref` mean."""

    @pytest.mark.usefixtures("package")
    def test_nothing_named_is_our_own(self) -> None:
        assert locate(None, None) == own()

    def test_our_own_at_another_version_is_read_from_the_bundle(self, package: Path) -> None:
        source = locate(None, "v0.1.0")

        assert source == Source(ADDRESS, "v0.1.0", package / "template.bundle")
        with opened(source) as folder:
            assert not (folder / "blueprints" / "extra").exists()

    @pytest.mark.parametrize(
        ("given", "recorded_as"),
        [
            ("https://git.example.com/x.git", "https://git.example.com/x.git"),
            ("https://github.com/acme/x", "https://github.com/acme/x"),
            ("https://git.example.com/x", "git+https://git.example.com/x"),
            ("ssh://git@example.com/x", "git+ssh://git@example.com/x"),
            ("git@example.com:x", "git@example.com:x"),
            ("kim@example.com:x", "git+kim@example.com:x"),
            ("host:x.git", "host:x.git"),
            ("gh:acme/x", "gh:acme/x"),
            ("git+file:///srv/x", "git+file:///srv/x"),
        ],
    )
    def test_an_address_is_put_as_copier_knows_it(self, given: str, recorded_as: str) -> None:
        assert locate(given, "v1") == Source(recorded_as, "v1")

    def test_a_path_is_made_absolute(self, small: Path) -> None:
        with surroundings(small.parent):
            assert locate("template", None) == Source(str(small))
            assert locate("./template", "v0.1.0") == Source(str(small), "v0.1.0")

    def test_a_work_tree_without_a_version_is_taken_as_it_stands(self, small: Path) -> None:
        """So is one at HEAD: what is not committed is part of it, as copier has it."""
        as_it_stands = Source(str(small), "HEAD", files=small)
        assert locate(str(small), "HEAD") == as_it_stands
        git(small, "tag", "-d", "v0.1.0")
        assert locate(str(small), None) == as_it_stands

    def test_a_folder_without_git_is_taken_as_it_stands(self, small: Path) -> None:
        shutil.rmtree(small / ".git")

        assert locate(str(small), None) == Source(str(small), files=small)
        with pytest.raises(TemplateError) as error:
            locate(str(small), "v1")
        assert told(error) == (
            f"error: `{small}` is no git repository, so it has no `v1`\n\nhint: leave `--ref` out"
        )

    def test_a_bare_repository_and_a_bundle_will_do(self, small: Path, tmp_path: Path) -> None:
        git(tmp_path, "clone", "-q", "--bare", str(small), "bare.git")
        git(small, "bundle", "create", "-q", str(tmp_path / "a.bundle"), "--all")

        for name in ("bare.git", "a.bundle"):
            with opened(locate(str(tmp_path / name), None)) as folder:
                assert (folder / "copier.yml").is_file()

    def test_a_path_that_is_not_there_is_told_so(self) -> None:
        with pytest.raises(TemplateError) as error:
            locate("no/where", None)

        assert told(error) == (
            "error: there is no template at `no/where`\n\n"
            "hint: name an existing path or an address such as "
            "https://git.example.com/cdp-scaffold.git"
        )

    def test_a_folder_that_is_no_template_is_told_so(self, tmp_path: Path) -> None:
        with pytest.raises(TemplateError) as error:
            locate(str(tmp_path), None)

        assert told(error) == (
            f"error: `{tmp_path}` holds no copier.yml, so it is no template\n\n"
            "hint: name the top folder of a template, a git bundle of one, or the address of one"
        )


class TestOpened:
    """The plain files of a template."""

    def test_the_newest_version_is_opened(self, small: Path) -> None:
        release(small, "v0.2.0", {"blueprints/extra": "x\n"})
        commit(small)

        with opened(Source(str(small))) as folder:
            assert (folder / "blueprints" / "extra").exists()
        assert not folder.exists()

    @pytest.mark.parametrize("ref", ["v0.1.0", "main", "side", "tagged-side"])
    def test_any_name_of_a_commit_is_understood(self, small: Path, ref: str) -> None:
        git(small, "checkout", "-q", "-b", "side")
        release(small, "tagged-side")
        git(small, "checkout", "-q", "main")

        with opened(Source(str(small), ref)) as folder:
            assert (folder / "copier.yml").is_file()

    def test_a_version_that_is_not_there_is_told_so(self, small: Path) -> None:
        release(small, "v0.10.0")
        release(small, "v0.9.0")

        for ref in ("v3", "--upload-pack=x", "main..side", ""):
            with (
                pytest.raises(TemplateError) as error,
                opened(Source(str(small), ref or "no such")),
            ):
                pass
            assert told(error) == (
                f"error: the template {small} has no version `{ref or 'no such'}`\n\n"
                "hint: its versions are v0.1.0, v0.9.0, v0.10.0"
            )

    def test_a_template_without_versions_is_told_so(self, small: Path) -> None:
        git(small, "tag", "-d", "v0.1.0")

        with pytest.raises(TemplateError) as error, opened(Source(str(small), "v1")):
            pass

        assert told(error) == (
            f"error: the template {small} has no version `v1`\n\nhint: it has no version tags"
        )

    def test_an_address_that_cannot_be_reached_is_told_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")

        with pytest.raises(TemplateError) as error, opened(Source(ADDRESS)):
            pass

        assert told(error) == (
            f"error: the template {ADDRESS} cannot be fetched: transport 'https' not allowed\n\n"
            "hint: is the address right, and can this machine reach it?"
        )

    def test_a_repository_that_is_no_template_is_told_so(self, tmp_path: Path) -> None:
        write(tmp_path / "other", {"x": "x"})
        release(tmp_path / "other", "v1")

        with pytest.raises(TemplateError) as error, opened(Source(str(tmp_path / "other"))):
            pass

        assert told(error) == f"error: {tmp_path}/other at `v1` holds no copier.yml"

    def test_a_bundle_is_read_under_its_address(
        self, package: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The user's own redirections stay in force for everything else."""
        monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "url./nonexistent/.insteadOf")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://git.example.com/")

        for address in (ADDRESS, "gh:acme/patterns", "git+https://git.example.com/p"):
            source = Source(address, "v0.1.0", package / "template.bundle")
            with opened(source) as folder:
                assert (folder / "copier.yml").is_file()


class TestRecorded:
    """The template that a generated repository names."""

    def test_ours_is_read_from_the_package(self, package: Path) -> None:
        assert recorded(ADDRESS, None) == Source(
            ADDRESS, "v0.2.0", package / "template.bundle", package / "template"
        )
        assert recorded(ADDRESS, "v0.1.0") == Source(ADDRESS, "v0.1.0", package / "template.bundle")

    @pytest.mark.usefixtures("package")
    def test_a_version_that_the_package_lacks_is_fetched(self) -> None:
        assert recorded(ADDRESS, "v0.3.0") == Source(ADDRESS, "v0.3.0")

    def test_ours_under_its_former_address_is_ours(
        self, package: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CDP_TEMPLATE_ADDRESS", "https://git.acme.example/p.git")

        assert recorded(ADDRESS, None).bundle == package / "template.bundle"
        assert recorded("https://git.acme.example/p.git", None).bundle is not None

    @pytest.mark.usefixtures("package")
    def test_another_is_fetched(self) -> None:
        assert recorded("https://other.example/x.git", None) == Source(
            "https://other.example/x.git"
        )

    def test_another_is_fetched_where_we_have_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(template, "HERE", tmp_path / "package")
        monkeypatch.setattr(template, "PACKAGED", tmp_path / "package" / "packaged")

        assert recorded("/srv/template", "v1") == Source("/srv/template", "v1")

    def test_a_relative_path_is_refused(self) -> None:
        with pytest.raises(TemplateError) as error:
            recorded("../template", None)

        assert told(error) == (
            "error: the recorded template `../template` is a relative path, which nobody can "
            "update from\n\n"
            "hint: write its absolute path or its address as `_src_path` into "
            ".copier-answers.yml and commit that"
        )


def test_the_newest_version_goes_by_number() -> None:
    """As copier has it: pre-releases and names that are no version do not count."""
    assert newest(["v0.9.0", "v0.10.0", "v0.2", "latest", "v1.0.0rc1", "v1.0.0.dev3"]) == "v0.10.0"
    assert newest(["latest", "v1.0.0rc1"]) is None
    assert newest([]) is None


class TestUnfinishedCheckouts:
    """A template as people get it: without tags, cut short, not committed."""

    def generate(self, source: Path, tmp_path: Path) -> Path:
        folder = tmp_path / "kitchen"
        done = cdp("new", folder, "tea", "--no-input", "--template", source)
        assert (done.code, done.err) == (0, "")
        commit(folder)
        return folder

    def test_without_tags_updates_go_from_commit_to_commit(
        self, small: Path, tmp_path: Path
    ) -> None:
        git(small, "tag", "-d", "v0.1.0")
        kitchen = self.generate(small, tmp_path)
        write(small, {"blueprints/{{use.core}}/floor.txt": "swept\n"})
        newer = commit(small)

        done = cdp("update", cwd=kitchen)

        assert (done.code, done.err) == (0, "")
        assert (kitchen / "floor.txt").exists()
        assert yaml.safe_load((kitchen / ".copier-answers.yml").read_text())["_commit"] == newer[:7]
        commit(kitchen)
        assert cdp("add", "milk", cwd=kitchen).code == 0

    def test_a_shallow_clone_will_do(self, small: Path, tmp_path: Path) -> None:
        commit(small)
        git(tmp_path, "clone", "-q", "--depth=1", f"file://{small}", "shallow")

        kitchen = self.generate(tmp_path / "shallow", tmp_path)

        assert cdp("add", "milk", cwd=kitchen).code == 0
        assert (kitchen / "docs" / "milk.txt").exists()

    def test_without_a_commit_it_will_do_and_cannot_be_updated(
        self, small: Path, tmp_path: Path
    ) -> None:
        """What was generated from is nowhere to be found again, and that is told."""
        shutil.rmtree(small / ".git")
        git(small, "init", "-q")
        kitchen = self.generate(small, tmp_path)

        done = cdp("add", "milk", cwd=kitchen)

        assert done.code == 1
        assert done.err.startswith(f"error: the template {small} has no version `")

    def test_without_git_it_will_do_and_cannot_be_updated(
        self, small: Path, tmp_path: Path
    ) -> None:
        shutil.rmtree(small / ".git")
        kitchen = self.generate(small, tmp_path)

        done = cdp("add", "milk", cwd=kitchen)

        assert done.code == 2
        assert done.err == (
            "error: . is no repository that can be updated: its .copier-answers.yml names no "
            "version (`_commit`): the template had no git history\n\n"
            "hint: change into a generated repository, or name it: `-C DIRECTORY`\n"
        )

    def test_hooks_of_the_user_do_not_run(self, small: Path, tmp_path: Path) -> None:
        write(tmp_path / "hooks", {"post-checkout": f"#!/bin/sh\ntouch {tmp_path}/ran\n"})
        (tmp_path / "hooks" / "post-checkout").chmod(0o755)
        write(tmp_path, {"gitconfig": f"[core]\n\thooksPath = {tmp_path}/hooks\n"})

        done = cdp(
            *("new", tmp_path / "kitchen", "tea", "--no-input", "--template", small),
            GIT_CONFIG_GLOBAL=str(tmp_path / "gitconfig"),
        )

        assert (done.code, (tmp_path / "ran").exists()) == (0, False)

    def test_line_ends_are_those_of_the_template(self, small: Path, tmp_path: Path) -> None:
        """Whatever git does to the user's own files."""
        write(tmp_path, {"gitconfig": "[core]\n\tautocrlf = true\n"})

        done = cdp(
            *("new", tmp_path / "kitchen", "tea", "--no-input", "--template", small),
            GIT_CONFIG_GLOBAL=str(tmp_path / "gitconfig"),
        )

        assert done.code == 0
        assert b"\r" not in (tmp_path / "kitchen" / "docs" / "tea.txt").read_bytes()


def test_git_is_named_where_it_is_missing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(TemplateError) as error, opened(Source(str(small))):
        pass

    assert told(error) == (
        "error: the template TEMPLATE cannot be fetched: git is not installed\n\n"
        "hint: install it; templates are read and updates are made by it"
    ).replace("TEMPLATE", str(small))
