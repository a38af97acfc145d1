"""Put the template into the wheel: as plain files, and as a git bundle that copier can clone.

The bundle is a small repository of its own: for every version tag one commit that holds only the
template (`copier.yml`, `blueprints/`, `macros/`), under the same tag name. Generated repositories
record a tag, so one made from the bundle can be updated from the public repository and the other
way round. A build of anything else than a released version gets one more commit under a tag of its
own, which is what the package generates from: `v0.1.0.post2` two commits after v0.1.0,
`v0.2.0.dev7` before v0.2.0 is released. Where no version tag was fetched at all, the version is
taken for a released one.

Same sources, same bundle: dates, names and the way of packing are fixed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TEMPLATE = ("copier.yml", "blueprints", "macros")
PACKAGED = "cdp_scaffold/packaged"
SDIST = "packaged"  # where an sdist carries the finished bundle, for there is no git history in it
DATE = "1980-01-01T00:00:00Z"  # the earliest date a wheel can hold


class TemplateHook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling for wheel and sdist."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the bundle and, for a wheel, the plain files to what is built.

        Args:
            version: `standard`, or `editable`, which works on the checkout and carries nothing.
            build_data: What hatchling builds from; `force_include` is added to.
        """
        if version == "editable":
            return
        root = Path(self.root)
        self.folder = Path(tempfile.mkdtemp(prefix="cdp-build."))
        self.folder.chmod(0o755)
        ready = root / SDIST
        if not (ready / "source.json").is_file():
            ready = self.folder / "ready"
            ready.mkdir()
            address: str = self.metadata.config["tool"]["cdp"]["template-address"]
            address = os.environ.get("CDP_TEMPLATE_ADDRESS") or address
            make(root, self.metadata.version, address, ready)
        place = SDIST if self.target_name == "sdist" else PACKAGED
        for name in ("template.bundle", "source.json"):
            build_data["force_include"][str(ready / name)] = f"{place}/{name}"
        if self.target_name == "wheel":
            plain = self.folder / "template"
            bundle = str(ready / "template.bundle")
            git(self.folder, "clone", "-q", "--branch", reference(ready), bundle, str(plain))
            shutil.rmtree(plain / ".git")
            build_data["force_include"][str(plain)] = f"{PACKAGED}/template"

    def finalize(
        self,
        version: str,
        build_data: dict[str, Any],  # noqa: ARG002 - what hatchling calls with
        artifact_path: str,  # noqa: ARG002
    ) -> None:
        """Remove the working folder."""
        if version != "editable":
            shutil.rmtree(self.folder)


def reference(ready: Path) -> str:
    """The tag that the package generates from."""
    source = json.loads((ready / "source.json").read_text(encoding="utf-8"))
    return str(source["ref"])


def make(root: Path, version: str, address: str, target: Path) -> None:
    """Write `template.bundle` and `source.json` into `target`.

    Args:
        root: The checkout, or an unpacked sdist.
        version: What is built, such as `0.1.0`.
        address: Where generated repositories shall find the template.
        target: An existing folder.
    """
    with tempfile.TemporaryDirectory(prefix="cdp-bundle.") as folder:
        store = Path(folder)
        git(store, "init", "-q", "-b", "template")
        parent = ""
        for tag in import_tags(root, store):
            parent = commit(store, filtered(store, f"refs/source/{tag}"), parent, tag)
        tree = working_tree(root, store)
        ref = name_of(root, store, version, tree)
        if not git_says(store, "rev-parse", "-q", "--verify", f"refs/tags/{ref}"):
            parent = commit(store, tree, parent, ref)
        git(store, "update-ref", "refs/heads/template", parent)
        git(store, "bundle", "create", "-q", str(target / "template.bundle"), "template", "--tags")
    (target / "source.json").write_text(
        json.dumps({"address": address, "ref": ref}, indent=2) + "\n", encoding="utf-8"
    )


def name_of(root: Path, store: Path, version: str, tree: str) -> str:
    """The tag under which a working tree is packed.

    Args:
        root: The checkout, or an unpacked sdist.
        store: Holds the released versions.
        version: What is built, such as `0.1.0`.
        tree: The template as it stands.
    """
    ref = f"v{version}"
    released = git_says(store, "tag").split()
    if not released:
        return ref
    if ref not in released:
        return f"{ref}.dev{git_says(root, 'rev-list', '--count', 'HEAD')}"
    if git_says(store, "rev-parse", f"refs/tags/{ref}^{{tree}}") == tree:
        return ref
    count = git_says(root, "rev-list", "--count", f"{ref}..HEAD") or "0"
    return f"{ref}.post{max(1, int(count))}"


def import_tags(root: Path, store: Path) -> list[str]:
    """Fetch the version tags of the checkout; oldest first. None outside a checkout."""
    if not (root / ".git").exists():
        return []
    # A shallow checkout has the trees of its tags, and more is not needed.
    arguments = ("-q", "--no-tags", "--update-shallow", str(root))
    git(store, "fetch", *arguments, "refs/tags/v*:refs/source/v*")
    names = git_says(store, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/source/").split()
    versions = [
        name
        for name in names
        if re.fullmatch(r"v\d+(\.\d+)*((a|b|rc)\d+)?", name)
        and git_says(store, "ls-tree", f"refs/source/{name}", "--", TEMPLATE[0])
    ]
    return sorted(versions, key=sort_key)


def sort_key(tag: str) -> tuple[tuple[int, ...], int, str]:
    """Order release tags; a pre-release stands before its release."""
    numbers, letter, rest = re.fullmatch(r"v([\d.]+)([abr]?)(.*)", tag).groups()  # type: ignore[union-attr]
    return tuple(map(int, numbers.split("."))), 0 if letter else 1, letter + rest


def filtered(store: Path, ref: str) -> str:
    """The tree of a commit with nothing but the template in it."""
    entries = git_says(store, "ls-tree", ref, "--", *TEMPLATE)
    return git_says(store, "mktree", feed=entries + "\n")


def working_tree(root: Path, store: Path) -> str:
    """The template as it stands in the checkout, without what git ignores."""
    places = (f"--git-dir={store / '.git'}", f"--work-tree={root}")
    git(root, *places, "add", "--all", "--", *TEMPLATE)
    return git_says(store, "write-tree")


def commit(store: Path, tree: str, parent: str, tag: str) -> str:
    """Commit a tree under a tag, always with the same id for the same content."""
    parents = ("-p", parent) if parent else ()
    made = git_says(store, "commit-tree", tree, *parents, "-m", f"Template {tag}")
    git(store, "tag", tag, made)
    return made


def git(folder: Path, *arguments: str, feed: str = "") -> str:
    """Run git in a folder; the user's own settings must not matter here."""
    person = {"NAME": "cdp-scaffold", "EMAIL": "cdp-scaffold@localhost", "DATE": DATE}
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        **{f"GIT_AUTHOR_{key}": value for key, value in person.items()},
        **{f"GIT_COMMITTER_{key}": value for key, value in person.items()},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_TEMPLATE_DIR": "",
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "safe.directory",  # a build may run as another user than the owner's
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_CONFIG_KEY_1": "pack.threads",  # several would pack differently from time to time
        "GIT_CONFIG_VALUE_1": "1",
        "GIT_CONFIG_KEY_2": "fetch.unpackLimit",  # else what another git packed would be kept as is
        "GIT_CONFIG_VALUE_2": "1000000",
    }
    done = subprocess.run(
        ["git", "-C", folder, *arguments],
        env=environment,
        input=feed,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode and arguments[0] != "rev-parse":
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def git_says(folder: Path, *arguments: str, feed: str = "") -> str:
    """What git prints, without the end of line."""
    return git(folder, *arguments, feed=feed).strip()
