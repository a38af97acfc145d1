"""The git side of an update: a clone to work in, and carrying over what came of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cdp_scaffold.errors import RepositoryError

# Settings of the repository that decide what git writes into files.
SHAPING = ("core.autocrlf", "core.eol", "core.fileMode", "core.safecrlf", "core.symlinks")


@dataclass(frozen=True)
class Change:
    """What an update does to a repository. Paths are relative to the top of what was generated."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    """The files that hold conflict markers; they are also in `changed` or `created`."""

    covered: tuple[str, ...] = ()
    """Files that git does not track and the update would overwrite; they are in `created`."""

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.deleted)


@dataclass(frozen=True)
class Clone:
    """A copy of the user's repository at its last commit."""

    original: Path
    """The generated folder in the user's repository."""

    folder: Path
    """The same folder in the copy."""

    head: str
    """The commit both stand at."""

    def change(self) -> Change:
        """What is different here from the last commit."""
        created, changed, deleted = [], [], []
        arguments = ("--no-renames", "-uall", "--ignored", "--", ".")
        for path, state in _status(self.folder, *arguments):
            if not os.path.lexists(self.folder / path):
                deleted.append(path)
            elif state in ("??", "!!"):
                created.append(path)
            else:
                changed.append(path)
        unmerged = _names(_git(self.folder, "ls-files", "-u", "-z"), after_tab=True)
        rejected = [path for path in created if path.endswith(".rej")]
        return Change(
            tuple(created),
            tuple(changed),
            tuple(deleted),
            tuple(dict.fromkeys([*unmerged, *rejected])),
            tuple(path for path in created if os.path.lexists(self.original / path)),
        )

    def edited(self, path: str, generated: Path) -> bool:
        """Whether the user's file is not what was generated."""
        ours = generated / path
        if not os.path.lexists(ours):
            return True
        theirs = self.original / path
        if ours.is_symlink() or theirs.is_symlink():
            return (
                not (ours.is_symlink() and theirs.is_symlink())
                or ours.readlink() != theirs.readlink()
            )
        return ours.read_bytes() != theirs.read_bytes()

    def carry_over(self, change: Change) -> None:
        """Make the user's work tree like this one; on failure, like it was before.

        Raises:
            RepositoryError: The user's repository has changed meanwhile, or cannot be written.
        """
        check_clean(self.original)
        if _git(self.original, "rev-parse", "HEAD").strip() != self.head:
            raise RepositoryError(
                "the repository got a new commit while the update was worked out", "run it again"
            )
        saved = {path: (self.original / path).read_bytes() for path in change.covered}
        try:
            for path in (*change.created, *change.changed):
                _copy(self.folder / path, self.original / path)
            for path in change.deleted:
                _remove(self.original, path)
            self._mark_conflicts()
        except BaseException:
            self._restore(change, saved)
            raise

    def _mark_conflicts(self) -> None:
        """Tell the user's git which files are unmerged, so that `git status` shows them."""
        lines: list[str] = []
        for entry in filter(None, _git(self.folder, "ls-files", "-u", "-z").split("\0")):
            state, path = entry.split("\t", 1)
            mode, blob, stage = state.split()
            content = _git_bytes(self.folder, "cat-file", "blob", blob)
            _git_bytes(self.original, "hash-object", "-w", "--no-filters", "--stdin", feed=content)
            full = _git(self.folder, "ls-files", "--full-name", "-u", "-z", "--", path)
            name = full.split("\0")[0].split("\t", 1)[1]
            if not any(line.endswith(f"\t{name}") for line in lines):
                lines.append(f"0 {'0' * 40}\t{name}")
            lines.append(f"{mode} {blob} {stage}\t{name}")
        if lines:
            feed = "".join(f"{line}\0" for line in lines).encode()
            _git_bytes(self.original, "update-index", "-z", "--index-info", feed=feed)

    def _restore(self, change: Change, saved: Mapping[str, bytes]) -> None:
        for path in change.created:
            if path in saved:
                (self.original / path).write_bytes(saved[path])
            else:
                _remove(self.original, path)
        kept = [*change.changed, *change.deleted]
        if kept:
            feed = "".join(f":(literal){path}\0" for path in kept).encode()
            arguments = ("--pathspec-from-file=-", "--pathspec-file-nul")
            _git_bytes(self.original, "reset", "-q", *arguments, feed=feed)
            _git_bytes(self.original, "checkout", "-q", "HEAD", *arguments, feed=feed)


@contextmanager
def clone(folder: Path) -> Iterator[Clone]:
    """A private copy of the repository around `folder`, at its last commit.

    Raises:
        RepositoryError: No git work tree, no commit in it, or uncommitted changes.
    """
    folder = folder.resolve()
    top = find_top(folder)
    head = find_head(folder)
    check_clean(folder)
    with tempfile.TemporaryDirectory(prefix="cdp-update.", ignore_cleanup_errors=True) as place:
        copy = Path(place) / top.name
        # Large files are not fetched: those that the update does not touch are not read.
        environment = {"GIT_LFS_SKIP_SMUDGE": "1"}
        _git(Path(place), "clone", "-q", "--no-checkout", "--shared", "--", str(top), str(copy))
        for name in SHAPING:
            value = _git(folder, "config", "--get", "--default=", name).strip()
            if value:
                _git(copy, "config", name, value)
        _git(copy, "checkout", "-q", "--detach", head, environment=environment)
        yield Clone(folder, copy / folder.relative_to(top), head)


def find_top(folder: Path) -> Path:
    """The top of the work tree that holds `folder`."""
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel").strip()).resolve()
    except (RepositoryError, NotADirectoryError) as error:
        raise RepositoryError(
            f"`{folder}` is no git repository, so an update could not be reviewed or undone",
            "git init && git add --all && git commit -m 'Generate the repository'",
        ) from error


def find_head(folder: Path) -> str:
    """The last commit."""
    try:
        return _git(folder, "rev-parse", "--verify", "-q", "HEAD^{commit}").strip()
    except RepositoryError as error:
        raise RepositoryError(
            "nothing is committed yet, so an update could not be reviewed or undone",
            "git add --all && git commit -m 'Generate the repository'",
        ) from error


def check_clean(folder: Path) -> None:
    """Refuse a work tree with changes that are not committed.

    Raises:
        RepositoryError: There are some; it names the first.
    """
    paths = [path for path, _ in _status(folder, "--no-renames", "--", ".")]
    if paths:
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        raise RepositoryError(
            f"there are changes that are not committed: {', '.join(paths[:3])}{more}",
            "commit or stash them first: git stash --include-untracked",
        )


def _status(folder: Path, *arguments: str) -> list[tuple[str, str]]:
    """Path, relative to the folder, and state of all that is not as committed."""
    prefix = _git(folder, "rev-parse", "--show-prefix").rstrip("\n")
    text = _git(folder, "status", "--porcelain=v1", "-z", *arguments)
    entries = [(each[3:].removeprefix(prefix), each[:2]) for each in text.split("\0") if each]
    return sorted((path.rstrip("/"), state) for path, state in entries)


def _names(text: str, *, after_tab: bool) -> list[str]:
    entries = [each for each in text.split("\0") if each]
    return [each.split("\t", 1)[1] for each in entries] if after_tab else entries


def _copy(source: Path, target: Path) -> None:
    """Put a file in place in one step, so that a reader never sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.cdp-", dir=target.parent)
    os.close(handle)
    beside = Path(name)
    try:
        if source.is_symlink():
            beside.unlink()
            beside.symlink_to(source.readlink())
        else:
            shutil.copyfile(source, beside)
            beside.chmod(source.stat().st_mode & 0o777)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _remove(top: Path, path: str) -> None:
    """Remove a file and the folders that it leaves empty."""
    (top / path).unlink(missing_ok=True)
    for folder in (top / path).parents:
        if folder == top:
            return
        try:
            folder.rmdir()
        except OSError:
            return


def _git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    return _git_bytes(folder, *arguments, environment=environment).decode(
        "utf-8", "surrogateescape"
    )


def _git_bytes(
    folder: Path,
    *arguments: str,
    feed: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Run git without the user's hooks, and hand back what it prints.

    Raises:
        RepositoryError: It is missing, or fails; the message is git's.
    """
    command: Sequence[str | Path] = ("git", "-C", folder, "-c", f"core.hooksPath={os.devnull}")
    kept = {key: value for key, value in os.environ.items() if key not in _MISLEADING}
    try:
        done = subprocess.run(
            [*command, *arguments],
            env={**kept, **(environment or {})},
            input=feed,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise RepositoryError(
            "git is not installed", "install it; updates are made by it"
        ) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RepositoryError(
            f"git {arguments[0]} failed: {said[-1] if said else 'no reason given'}"
        )
    return done.stdout


# Set inside a git hook; they would lead git to another repository than the folder's.
_MISLEADING = frozenset({"GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"})
