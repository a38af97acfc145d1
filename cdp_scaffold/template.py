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
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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

    def environment(self, cache: Path) -> Mapping[str, str]:
        """The environment in which git and copier find this source.

        Args:
            cache: A folder of this run. Copier keeps clones by their address, and a clone of the
                bundle must not be mistaken for one of the address.
        """
        if self.bundle is None:
            return {}
        number = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        return {
            "COPIER_CACHE_DIR": str(cache),
            "GIT_CONFIG_COUNT": str(number + 1),
            f"GIT_CONFIG_KEY_{number}": f"url.{self.bundle}.insteadOf",
            f"GIT_CONFIG_VALUE_{number}": self.address,
        }


def packaged() -> Source | None:
    """The template that was built into the package; nothing in a checkout."""
    try:
        source = json.loads((PACKAGED / "source.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Source(
        address=os.environ.get(ADDRESS_VARIABLE) or source["address"],
        ref=source["ref"],
        bundle=PACKAGED / "template.bundle",
        files=PACKAGED / "template",
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
    if _is_address(source):
        return Source(source, ref)
    path = Path(source).expanduser().resolve()
    if path.is_dir() and not (path / "copier.yml").is_file() and not _is_bare(path):
        raise TemplateError(
            f"`{source}` holds no copier.yml, so it is no template",
            "name the top folder of a template, a git bundle of one, or the address of one",
        )
    if not path.exists():
        raise TemplateError(
            f"there is no template at `{source}`",
            "name an existing path or an address such as https://git.example.com/cdp-scaffold.git",
        )
    # Copier records the path as it is told; a relative one could not be updated from elsewhere.
    if not path.is_dir() or (path / ".git").exists() or _is_bare(path):
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
    ours = own()
    if address == ours.address:
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
        environment = source.environment(Path(folder) / "cache")
        clone = Path(folder) / "clone"
        address = expanded(source.address)
        run_git(["clone", "-q", "--no-checkout", "--", address, str(clone)], environment)
        ref = source.ref or newest(_tags(clone)) or "HEAD"
        try:
            run_git(["-C", str(clone), "checkout", "-q", "--detach", *_commit(clone, ref)])
        except TemplateError as error:
            tags = sorted(_tags(clone))
            raise TemplateError(
                f"the template {source.address} has no version `{ref}`",
                f"its versions are {', '.join(tags)}" if tags else "it has no version tags",
            ) from error
        if not (clone / "copier.yml").is_file():
            raise TemplateError(f"{source.address} at `{ref}` holds no copier.yml")
        yield clone


def run_git(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run git and hand back what it prints.

    Raises:
        TemplateError: It fails; the message is git's.
    """
    try:
        done = subprocess.run(
            ["git", *arguments],
            env={**os.environ, **(environment or {}), "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise TemplateError(
            "git is not installed", "install it; templates are read by it"
        ) from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise TemplateError(f"git {arguments[0]} failed: {said[-1] if said else 'no reason given'}")
    return done.stdout


def bundle_tags(bundle: Path) -> tuple[str, ...]:
    """The tags that a bundle holds."""
    lines = run_git(["bundle", "list-heads", str(bundle)]).splitlines()
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


def _tags(clone: Path) -> list[str]:
    return run_git(["-C", str(clone), "tag"]).split()


def _commit(clone: Path, ref: str) -> list[str]:
    """The ref as a commit id, so that it cannot be read as an option."""
    for name in (ref, f"refs/remotes/origin/{ref}"):
        arguments = ["-C", str(clone), "rev-parse", "-q", "--verify", "--end-of-options"]
        try:
            return [run_git([*arguments, f"{name}^{{commit}}"]).strip()]
        except TemplateError:
            continue
    raise TemplateError(f"unknown version `{ref}`")


def _is_address(source: str) -> bool:
    return bool(re.match(r"(?:[a-z][a-z0-9+.-]*://|gh:|gl:|git@|[\w.-]+@[\w.-]+:)", source))


def _is_bare(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir()
