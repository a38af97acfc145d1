"""Find the template: in the installed package, in a checkout, or at an address.

An installed package carries the template twice. The plain files answer `cdp list` and the like
without starting git. The git bundle is what copier clones, under the public address: git's own
`insteadOf` leads it to the bundle, so the repository that is generated records the address and can
be updated from there by anyone, with or without this package.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cdp_scaffold import git
from cdp_scaffold.errors import TemplateError

HERE = Path(__file__).parent
PACKAGED = HERE / "packaged"
ADDRESS_VARIABLE = "CDP_TEMPLATE_ADDRESS"


@dataclass(frozen=True)
class Source:
    """Where a template comes from."""

    address: str
    """What the generated repository records and copier is told."""

    ref: str | None = None
    """The tag or commit to generate from; the newest version tag if not given."""

    bundle: Path | None = None
    """What git reads instead of the address."""

    files: Path | None = None
    """The plain files at `ref`, where they are at hand without git."""

    also: str | None = None
    """Another address of the same template, which older repositories may have recorded."""

    @property
    def config(self) -> Mapping[str, str]:
        """The git settings under which the address leads to this source."""
        if self.bundle is None:
            return git.STEADY
        return {**git.STEADY, f"url.{self.bundle}.insteadOf": expanded(self.address)}

    def environment(self, cache: Path, *, updating: bool = False) -> Mapping[str, str]:
        """The environment in which copier finds this source.

        Args:
            cache: A folder of this run. Copier keeps clones by their address, and a clone of the
                bundle must not be mistaken for one of the address.
            updating: Whether a repository is updated.
        """
        groups = [git.QUIET, self.config, *([git.TRACKING] if updating else [])]
        environment = git.settings(*groups)
        if self.bundle is not None:
            environment["COPIER_CACHE_DIR"] = str(cache)
        return environment


def packaged() -> Source | None:
    """The template that was built into the package; nothing in a checkout."""
    try:
        source = json.loads((PACKAGED / "source.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Source(
        address=_known(os.environ.get(ADDRESS_VARIABLE) or source["address"]),
        ref=source["ref"],
        bundle=PACKAGED / "template.bundle",
        files=PACKAGED / "template",
        also=_known(source["address"]),
    )


def own() -> Source:
    """The template that comes with this program.

    Raises:
        TemplateError: The package was built without one.
    """
    source = packaged()
    if source is not None:
        return source
    checkout = HERE.parent
    if (checkout / "copier.yml").is_file():
        return Source(address=str(checkout), ref="HEAD", files=checkout)
    raise TemplateError(
        f"the installation in {HERE} carries no template",
        "install it again, or name one: `--template SOURCE`",
    )


def locate(source: str | None, ref: str | None) -> Source:
    """The template that the options `--template` and `--ref` mean.

    Raises:
        TemplateError: A path is named that is no template.
    """
    if source is None:
        found = own()
        if ref in (None, found.ref):
            return found
        return Source(found.address, ref, found.bundle)
    path = Path(source).expanduser()
    if _is_address(source) and not path.exists():
        return Source(_known(source), ref)
    # Copier records the path as it is told; a relative one could not be updated from elsewhere.
    path = path.resolve()
    if not path.exists():
        raise TemplateError(
            f"there is no template at `{source}`",
            "name an existing path or an address such as https://git.example.com/cdp-scaffold.git",
        )
    if not path.is_dir() or _is_bare(path):
        return Source(str(path), ref)
    if not (path / "copier.yml").is_file():
        raise TemplateError(
            f"`{source}` holds no copier.yml, so it is no template",
            "name the top folder of a template, a git bundle of one, or the address of one",
        )
    if (path / ".git").exists():
        if ref == "HEAD" or (ref is None and newest(_tags(path)) is None):
            # Of a work tree copier takes what is not committed too.
            return Source(str(path), "HEAD", files=path)
        return Source(str(path), ref)
    if ref is not None:
        raise TemplateError(
            f"`{source}` is no git repository, so it has no `{ref}`", "leave `--ref` out"
        )
    return Source(str(path), None, files=path)


def recorded(address: str, ref: str | None) -> Source:
    """The template that a generated repository names, at a ref.

    What the package carries is preferred where it is the same template: that works offline and is
    the version this program was tested with.

    Raises:
        TemplateError: The address is a relative path.
    """
    try:
        ours = own()
    except TemplateError:
        ours = Source("")
    if address in (ours.address, ours.also):
        wanted = ref or ours.ref
        if ours.bundle is None or wanted is None or wanted in bundle_tags(ours.bundle):
            return Source(address, wanted, ours.bundle, ours.files if wanted == ours.ref else None)
        return Source(address, ref)
    if not _is_address(address) and not Path(address).expanduser().is_absolute():
        raise TemplateError(
            f"the recorded template `{address}` is a relative path, which nobody can update from",
            "write its absolute path or its address as `_src_path` into .copier-answers.yml "
            "and commit that",
        )
    return Source(address, ref)


@contextmanager
def opened(source: Source) -> Iterator[Path]:
    """The plain files of a template, cloned for the while where they are not at hand.

    Raises:
        TemplateError: It cannot be fetched, or has no such ref, or is no template.
    """
    if source.files is not None:
        yield source.files
        return
    with tempfile.TemporaryDirectory(prefix="cdp-template.") as folder:
        clone = Path(folder) / "clone"
        address = expanded(source.address)
        try:
            arguments = ("clone", "-q", "--no-checkout", "--", address, str(clone))
            _git(Path(folder), *arguments, config=source.config)
        except TemplateError as error:
            said = str(error).removeprefix("git clone failed: ")
            raise TemplateError(
                f"the template {source.address} cannot be fetched: {said}",
                error.hint or "is the address right, and can this machine reach it?",
            ) from error
        tags = _tags(clone)
        ref = source.ref or newest(tags) or "HEAD"
        commit = _commit(clone, ref)
        if commit is None:
            raise TemplateError(
                f"the template {source.address} has no version `{ref}`",
                f"its versions are {', '.join(tags)}" if tags else "it has no version tags",
            )
        _git(clone, "checkout", "-q", "--detach", commit, config=source.config)
        if not (clone / "copier.yml").is_file():
            raise TemplateError(f"{source.address} at `{ref}` holds no copier.yml")
        yield clone


@dataclass(frozen=True)
class Checkout:
    """The files of a template as copier would see them, and what it would record."""

    root: Path
    commit: str | None
    """The version in git's words; nothing where there is no git."""

    kind: Literal["packaged", "clone", "folder"]


@contextmanager
def checked_out(source: Source, known: Path | None = None) -> Iterator[Checkout]:
    """The files of a template as copier would clone them, and the version it would record.

    Args:
        source: The template.
        known: What `opened` gave for it, if it is open.

    Raises:
        TemplateError: It cannot be fetched, or has no such ref, or is no template.
    """
    if source.files is None:
        with ExitStack() as stack:
            root = known or stack.enter_context(opened(source))
            yield Checkout(root, _described(root), "clone")
    elif source.bundle is not None:
        yield Checkout(source.files, source.ref, "packaged")
    elif not (source.files / ".git").exists():
        yield Checkout(source.files, None, "folder")
    else:
        with tempfile.TemporaryDirectory(prefix="cdp-template.") as folder:
            clone = Path(folder) / "clone"
            _clone_work_tree(source, source.files, clone)
            yield Checkout(clone, _described(clone), "clone")


def _clone_work_tree(source: Source, work_tree: Path, clone: Path) -> None:
    """Clone a work tree with all that is not committed, which gets a commit as copier makes one."""
    config = source.config
    arguments = ("clone", "-q", "--shared", "--no-checkout", "--", str(work_tree), str(clone))
    _git(clone.parent, *arguments, config=config)
    if _git(work_tree, "status", "--porcelain", config=config):
        places = (f"--git-dir={clone / '.git'}", f"--work-tree={work_tree}")
        _git(clone, *places, "add", "-A", config=config)
        message = "Copier automated commit for draft changes"
        making = ("commit", "-q", "-m", message, "--no-verify", "--no-gpg-sign")
        person = {"NAME": "Copier", "EMAIL": "copier@copier"}
        who = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in person.items()}
        _git(clone, *places, *making, config=config, environment=who)
    _git(clone, "checkout", "-q", "-f", "HEAD", config=config)


def _described(folder: Path) -> str:
    return _git(folder, "describe", "--tags", "--always").strip()


def bundle_tags(bundle: Path) -> tuple[str, ...]:
    """The tags that a bundle holds."""
    lines = _git(bundle.parent, "bundle", "list-heads", str(bundle)).splitlines()
    names = (line.partition(" ")[2] for line in lines)
    return tuple(name.removeprefix("refs/tags/") for name in names if name.startswith("refs/tags/"))


def newest(tags: Sequence[str]) -> str | None:
    """The newest version among tags, pre-releases left out: the one copier takes."""
    from packaging.version import InvalidVersion, Version

    versions = []
    for tag in tags:
        try:
            version = Version(tag)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            versions.append((version, tag))
    return max(versions)[1] if versions else None


def expanded(address: str) -> str:
    """The address as git knows it; copier has short forms and a prefix of its own."""
    for short, host in (("gh:", "https://github.com"), ("gl:", "https://gitlab.com")):
        if address.startswith(short):
            path = address.removeprefix(short).strip("/")
            return f"{host}/{path if path.endswith('.git') else f'{path}.git'}"
    return address.removeprefix("git+")


def _known(address: str) -> str:
    """The address in a form that copier takes for one of a git repository."""
    plain = address.endswith(".git") or address.startswith(("git@", "git://", "git+", "gh:", "gl:"))
    hosted = address.startswith(("https://github.com/", "https://gitlab.com/"))
    return address if plain or hosted or not _is_address(address) else f"git+{address}"


def _tags(folder: Path) -> list[str]:
    """The tags of a repository, older versions first."""
    return _git(folder, "tag", "--sort=version:refname").split()


def _commit(clone: Path, ref: str) -> str | None:
    """The ref as a commit id, so that it cannot be read as an option."""
    arguments = ("rev-parse", "-q", "--verify", "--end-of-options")
    for name in (ref, f"refs/remotes/origin/{ref}"):
        with suppress(TemplateError):
            return _git(clone, *arguments, f"{name}^{{commit}}").strip()
    return None


def _is_address(source: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*://|[\w.@-]+:.", source))


def _is_bare(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir()


def _git(
    folder: Path,
    *arguments: str,
    config: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    done = git.run(folder, *arguments, error=TemplateError, config=config, environment=environment)
    return done.decode("utf-8", "replace")
