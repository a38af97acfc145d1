"""The wheel carries the template, so that `cdp new` works offline and updates work for anyone."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier as copier_package
import pytest

import hatch_build
from cdp_scaffold import __version__
from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.repositories import (
    DEMO,
    ROOT,
    TEMPLATE,
    Outcome,
    commit,
    copier,
    git,
    lines,
    real_template,
    release,
    run,
    small_template,
    snapshot,
    tree,
    write,
)

ADDRESS = "https://git.example.com/cdp-scaffold.git"
KITCHEN = "blueprints/{{use.core}}/kitchen.txt"
FLOOR = "blueprints/{{use.core}}/floor.txt"
PACKAGED = "cdp_scaffold/packaged"


def build(checkout: Path, target: Path, kind: str = "wheel", **environment: str) -> Path:
    """Build without network; the finished file."""
    command = (sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", target)
    done = run(*command, checkout, cwd=target.parent, **{"PYTHONPATH": "", **environment})
    assert done.code == 0, done.out + done.err
    (made,) = target.iterdir()
    return made


def checkout_of(template: Path) -> Path:
    """A template made a checkout of all that goes into a package."""
    folder = template
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "cdp_scaffold", folder / "cdp_scaffold", ignore=ignore)
    write(folder, {"tests/test_nothing.py": "", ".gitignore": "__pycache__/\n"})
    return folder


@dataclass(frozen=True)
class Installed:
    """A virtual environment with nothing of this project but what the wheel brought."""

    bin: Path

    def cdp(self, *arguments: object, cwd: Path, **environment: str) -> Outcome:
        """Run the command where git may open nothing but files of this machine."""
        surroundings = {"PYTHONPATH": "", "GIT_ALLOW_PROTOCOL": "file", **environment}
        return run(self.bin / "cdp", *arguments, cwd=cwd, **surroundings)


def install(wheel: Path, folder: Path) -> Installed:
    """Install a wheel into a fresh environment; what it depends on is lent by ours."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    command = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install")
    done = run(*command, "--quiet", "--no-deps", "--no-index", wheel, PYTHONPATH="")
    assert done.code == 0, done.err
    (packages,) = folder.glob("lib/python*/site-packages")
    lent = Path(copier_package.__file__).parent.parent
    (packages / "lent.pth").write_text(f"{lent}\n")
    return Installed(folder / "bin")


@dataclass(frozen=True)
class Release:
    """A checkout at v0.1.0, and the wheel that was built from it."""

    checkout: Path
    wheel: Path
    installed: Installed


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Release:
    place = tmp_path_factory.mktemp("first")
    checkout = checkout_of(small_template(place / "checkout"))
    git(checkout, "tag", "-d", "v0.1.0")
    release(checkout, "v0.1.0")
    wheel = build(checkout, place / "dist")
    return Release(checkout, wheel, install(wheel, place / "venv"))


def packaged(wheel: Path, target: Path) -> Path:
    """Unpack what a wheel carries."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)  # noqa: S202 - our own
    return target / PACKAGED


def test_a_wheel_carries_plain_files_and_a_bundle(first: Release, tmp_path: Path) -> None:
    """Both hold the template and nothing else, with the modes that files have."""
    folder = packaged(first.wheel, tmp_path)

    git(tmp_path, "clone", "-q", "--branch", "v0.1.0", str(folder / "template.bundle"), "bundle")

    assert json.loads((folder / "source.json").read_text()) == {"address": ADDRESS, "ref": "v0.1.0"}
    assert tree(folder / "template") == tree(tmp_path / "bundle")
    assert sorted(path.name for path in (folder / "template").iterdir()) == [
        "blueprints",
        "copier.yml",
        "macros",
    ]
    (packages,) = first.installed.bin.parent.glob("lib/python*/site-packages")
    programs = [
        path.relative_to(packages / PACKAGED / "template").as_posix()
        for path in (packages / PACKAGED / "template").rglob("*")
        if path.is_file() and path.stat().st_mode & stat.S_IXUSR
    ]
    listed = git(tmp_path / "bundle", "ls-files", "-s").splitlines()
    assert sorted(programs) == [
        line.split("\t")[1] for line in listed if line.startswith("100755 ")
    ]


def test_an_installed_package_generates_without_network_and_checkout(tmp_path: Path) -> None:
    """What it writes records the public address, and is what the checkout would write."""
    checkout = checkout_of(real_template(tmp_path / "checkout"))
    installed = install(build(checkout, tmp_path / "dist"), tmp_path / "venv")

    done = installed.cdp("new", "shop", *DEMO, "--no-input", cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    template = Template(checkout)
    answer = resolve(template.catalog, DEMO)
    assert isinstance(answer, Resolution)
    answers = Answers("shop", commit=f"v{__version__}", source=ADDRESS)
    assert tree(tmp_path / "shop") == template.tree(answer, answers)


def test_an_installed_package_lists_without_git(first: Release, tmp_path: Path) -> None:
    done = first.installed.cdp("list", cwd=tmp_path, PATH="/nonexistent")

    assert (done.code, done.err) == (0, "")
    assert "lemon" in done.out


def test_a_repository_of_a_package_is_updated_by_the_next_and_by_copier(
    first: Release, tmp_path: Path
) -> None:
    """The package needs no network; copier goes to the public address, here a clone."""
    shop = tmp_path / "shop"
    made = first.installed.cdp("new", shop, "tea", "--no-input", cwd=tmp_path)
    assert made.code == 0, made.err
    write(shop, {"kitchen.txt": lines("kitchen", but={19: "mine"})})
    commit(shop)
    shutil.copytree(shop, tmp_path / "twin" / "shop")
    checkout = tmp_path / "checkout"
    shutil.copytree(first.checkout, checkout)
    version = (checkout / "cdp_scaffold" / "__init__.py").read_text().replace("0.1.0", "0.2.0")
    kitchen = lines("kitchen", but={2: "new"})
    changes = {"cdp_scaffold/__init__.py": version, FLOOR: "swept\n", KITCHEN: kitchen}
    release(checkout, "v0.2.0", changes)
    second = install(build(checkout, tmp_path / "dist"), tmp_path / "venv")

    done = second.cdp("update", cwd=shop)

    assert (done.code, done.err) == (0, "")
    assert (shop / "floor.txt").read_text() == "swept\n"
    assert (shop / "kitchen.txt").read_text() == lines("kitchen", but={2: "new", 19: "mine"})
    public = {
        "COPIER_CACHE_DIR": str(tmp_path / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{checkout}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
    }
    plain = copier("update", "--defaults", "--quiet", cwd=tmp_path / "twin" / "shop", **public)
    assert plain.code == 0, plain.err
    assert tree(tmp_path / "twin" / "shop") == tree(shop)
    # The older package does not hold what the repository records now, and says what to do.
    commit(shop)
    done = first.installed.cdp("update", cwd=shop)
    assert done == Outcome(
        1,
        "",
        "error: the repository is at v0.2.0, which is newer than v0.1.0; nothing was changed\n\n"
        "hint: bring cdp-scaffold itself up to date, or name a newer version by `--ref`\n",
    )


def test_no_file_of_the_template_is_ignored_by_git() -> None:
    """A blueprint's own `.gitignore` holds in this repository too, and would keep it out."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")

    ignored = git(ROOT, "ls-files", "--cached", "--ignored", "--exclude-standard", *TEMPLATE)
    assert ignored == ""


def test_an_sdist_leads_to_the_same_wheel(first: Release, tmp_path: Path) -> None:
    """Though there is no git history in it."""
    sdist = build(first.checkout, tmp_path / "sdist", "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()

    wheel = build(source, tmp_path / "dist")

    assert wheel.name == first.wheel.name
    assert wheel.read_bytes() == first.wheel.read_bytes()
    assert not (source / "tests").exists()


def test_a_build_is_the_same_anywhere_at_any_time(first: Release, tmp_path: Path) -> None:
    """In a clone that git packed otherwise, under another umask and other settings of git."""
    git(tmp_path, "clone", "-q", str(first.checkout), "elsewhere")
    git(tmp_path / "elsewhere", "repack", "-adfq", "--depth=5", "--window=3")
    write(tmp_path, {"gitconfig": "[core]\n\tautocrlf = true\n[pack]\n\tcompression = 0\n"})
    before = os.umask(0o027)
    try:
        wheel = build(
            tmp_path / "elsewhere",
            tmp_path / "dist",
            GIT_CONFIG_GLOBAL=str(tmp_path / "gitconfig"),
            TZ="Asia/Tokyo",
        )
    finally:
        os.umask(before)

    assert wheel.read_bytes() == first.wheel.read_bytes()


def test_another_address_is_recorded_where_the_build_is_told(
    first: Release, tmp_path: Path
) -> None:
    """For a company that keeps the template in its own place; short forms are understood."""
    wheel = build(first.checkout, tmp_path / "dist", CDP_TEMPLATE_ADDRESS="gh:acme/patterns")
    installed = install(wheel, tmp_path / "venv")

    done = installed.cdp("new", "shop", "tea", "--no-input", cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert "_src_path: gh:acme/patterns\n" in (tmp_path / "shop/.copier-answers.yml").read_text()
    commit(tmp_path / "shop")
    assert installed.cdp("add", "milk", cwd=tmp_path / "shop").code == 0


def test_another_address_is_recorded_where_a_run_is_told(first: Release, tmp_path: Path) -> None:
    """And a repository of the built-in address is still updated from what the package carries."""
    other = {"CDP_TEMPLATE_ADDRESS": "https://git.acme.example/patterns"}

    for name, environment in (("kitchen-one", {}), ("kitchen-two", other)):
        made = ("new", name, "tea", "--no-input")
        assert first.installed.cdp(*made, cwd=tmp_path, **environment).code == 0
        commit(tmp_path / name)

    one, two = (
        (tmp_path / n / ".copier-answers.yml").read_text() for n in ("kitchen-one", "kitchen-two")
    )
    assert f"_src_path: {ADDRESS}\n" in one
    assert "_src_path: git+https://git.acme.example/patterns\n" in two
    for name in ("kitchen-one", "kitchen-two"):
        done = first.installed.cdp("add", "milk", cwd=tmp_path / name, **other)
        assert (done.code, done.err) == (0, "")


class TestNames:
    """The tag that a build generates from, and what else its bundle holds."""

    @pytest.fixture
    def small(self, tmp_path: Path) -> Path:
        """A checkout with one version of a template, not yet tagged."""
        folder = tmp_path / "checkout"
        write(folder, {"copier.yml": "a: 1\n", "macros/m": "m\n", "blueprints/b": "1\n", "x": "x"})
        commit(folder)
        return folder

    def make(self, root: Path, version: str = "0.1.0") -> tuple[str, dict[str, bytes], list[str]]:
        """Pack; the tag that is generated from, its files, and all tags."""
        target = root.parent / "target"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        hatch_build.make(root, version, ADDRESS, target)
        ref = json.loads((target / "source.json").read_text())["ref"]
        git(target, "clone", "-q", "--branch", ref, str(target / "template.bundle"), "clone")
        return ref, tree(target / "clone"), git(target / "clone", "tag").split()

    def test_without_any_tag_the_version_is_taken_for_a_release(self, small: Path) -> None:
        """As in a clone or an archive that came without tags."""
        ref, files, tags = self.make(small)

        assert (ref, tags) == ("v0.1.0", ["v0.1.0"])
        assert files == {"copier.yml": b"a: 1\n", "macros/m": b"m\n", "blueprints/b": b"1\n"}

    def test_a_release_is_its_tag_whatever_else_changed(self, small: Path) -> None:
        git(small, "tag", "v0.1.0")
        write(small, {"x": "not of the template\n"})
        commit(small)

        assert self.make(small)[0] == "v0.1.0"

    def test_commits_after_a_release_get_a_tag_of_their_own(self, small: Path) -> None:
        """It sorts after the release and before the next, and no release will ever have it."""
        git(small, "tag", "v0.1.0")
        write(small, {"blueprints/b": "2\n"})
        commit(small)
        commit(small)

        ref, files, tags = self.make(small)

        assert (ref, tags) == ("v0.1.0.post2", ["v0.1.0", "v0.1.0.post2"])
        assert files["blueprints/b"] == b"2\n"

    def test_what_is_not_committed_counts_as_one_commit(self, small: Path) -> None:
        git(small, "tag", "v0.1.0")
        write(small, {"blueprints/c": "new\n"})

        ref, files, _ = self.make(small)

        assert ref == "v0.1.0.post1" and files["blueprints/c"] == b"new\n"

    def test_what_comes_before_a_release_does_not_take_its_name(self, small: Path) -> None:
        """Else a repository would record a version that means something else later."""
        git(small, "tag", "v0.1.0")
        commit(small)

        ref, _, tags = self.make(small, "0.2.0")

        assert (ref, tags) == ("v0.2.0.dev2", ["v0.1.0", "v0.2.0.dev2"])

    def test_all_releases_are_in_the_bundle(self, small: Path) -> None:
        """In the order of their numbers; other tags and those from before the template are not."""
        release(small, "v0.1.0")
        release(small, "v0.10.0rc1", {"blueprints/b": "10rc1\n"})
        release(small, "v0.10.0", {"blueprints/b": "10\n"})
        git(small, "tag", "v0.9.0", "v0.1.0")
        git(small, "tag", "latest")
        git(small, "checkout", "-q", "--orphan", "before")
        git(small, "rm", "-qrf", ".")
        release(small, "v0.0.1", {"readme": "nothing yet\n"})
        git(small, "checkout", "-q", "v0.10.0")

        ref, files, tags = self.make(small, "0.10.0")

        assert (ref, files["blueprints/b"]) == ("v0.10.0", b"10\n")
        assert tags == ["v0.1.0", "v0.10.0", "v0.10.0rc1", "v0.9.0"]
        history = git(small.parent / "target" / "clone", "log", "--format=%s").splitlines()
        assert history == [f"Template {v}" for v in ("v0.10.0", "v0.10.0rc1", "v0.9.0", "v0.1.0")]

    @pytest.mark.parametrize("kind", ["shallow", "no commit", "no git", "work tree"])
    def test_any_kind_of_checkout_can_be_packed(
        self, small: Path, tmp_path: Path, kind: str
    ) -> None:
        release(small, "v0.1.0")
        root = tmp_path / "other"
        if kind == "shallow":
            commit(small)
            git(tmp_path, "clone", "-q", "--depth=1", f"file://{small}", "other")
            git(root, "fetch", "-q", "--depth=1", "origin", "tag", "v0.1.0")
        elif kind == "work tree":
            git(small, "worktree", "add", "-q", str(root))
        else:
            shutil.copytree(small, root, ignore=shutil.ignore_patterns(".git"))
            if kind == "no commit":
                git(root, "init", "-q")

        ref, files, _ = self.make(root)

        assert (ref, files["blueprints/b"]) == ("v0.1.0", b"1\n")

    def test_the_same_template_is_the_same_commit(self, small: Path) -> None:
        """Whoever builds, whenever: those who update from one bundle find it in another."""
        self.make(small)
        one = snapshot(small.parent / "target")["template.bundle"]
        git(small, "config", "user.name", "Somebody Else")
        commit(small, "later")

        self.make(small)

        assert snapshot(small.parent / "target")["template.bundle"] == one


def test_an_editable_installation_carries_nothing(tmp_path: Path) -> None:
    """It works on the checkout, which changes under it."""
    data: dict[str, Any] = {"force_include": {}}

    hook = hatch_build.TemplateHook(str(ROOT), {}, None, None, str(tmp_path), "wheel")  # type: ignore[arg-type]
    hook.initialize("editable", data)
    hook.finalize("editable", data, "")

    assert data == {"force_include": {}}


def test_a_repository_of_a_build_between_releases_says_what_to_do(
    first: Release, tmp_path: Path
) -> None:
    """Its version is in no other package, nor at the public address."""
    shop = tmp_path / "shop"
    assert first.installed.cdp("new", shop, "tea", "--no-input", cwd=tmp_path).code == 0
    answers = (shop / ".copier-answers.yml").read_text()
    write(shop, {".copier-answers.yml": answers.replace("v0.1.0", "v0.0.5.post3")})
    commit(shop)

    done = first.installed.cdp("update", cwd=shop)

    assert done == Outcome(
        1,
        "",
        "error: the template has no version `v0.0.5.post3`, from which the repository was "
        "generated\n\n"
        "hint: write the nearest version that it has as `_commit` into .copier-answers.yml and "
        "commit that\n",
    )
