"""The git side of an update: a clone to work in, and carrying over what came of it.

Carrying over is written down in git's folder before it begins, so that even after a power cut the
next run of `cdp` can put back what was there.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cdp_scaffold import git, interrupts
from cdp_scaffold.errors import RepositoryError

# Settings of the repository that say what its file system can hold.
ABILITIES = ("core.fileMode", "core.symlinks")
JOURNAL = "cdp-update"
SHA1 = 40
"""Digits of an object's name."""


@dataclass(frozen=True)
class Change:
    """What an update does to a repository. Paths are relative to the top of what was generated."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    """The files that hold conflict markers; they are also in `changed` or `created`."""

    covered: tuple[str, ...] = ()
    """Files whose content no commit holds, and which the update would overwrite or remove."""

    notes: tuple[str, ...] = ()
    """What else the user should know."""

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.deleted)


@dataclass(frozen=True)
class Clone:
    """A copy of the user's repository at its last commit.

    Its files are as they were committed: line ends are converted when they are carried over.
    """

    original: Path
    """The generated folder in the user's repository."""

    folder: Path
    """The same folder in the copy."""

    head: str
    """The commit both stand at."""

    recovered: bool = False
    """Whether an update that was killed half-way was taken back first."""

    def change(self) -> Change:
        """What is different here from the last commit."""
        created, changed, deleted = [], [], []
        for path, state in _status(self.folder, "-uall", "--ignored"):
            if not _is_file(self.folder / path):
                deleted.append(path)
            elif state in ("??", "!!"):
                created.append(path)
            else:
                changed.append(path)
        unmerged = [path for _, path in _unmerged(self.folder)]
        rejected = [path for path in created if path.endswith(".rej")]
        return Change(
            tuple(created),
            tuple(changed),
            tuple(deleted),
            tuple(dict.fromkeys([*unmerged, *rejected])),
            (
                *(path for path in created if self._covers(path, deleted)),
                *self._hidden(changed + deleted),
            ),
        )

    def _covers(self, path: str, deleted: Sequence[str]) -> bool:
        """Whether the user has something else at the place of a new file."""
        theirs = self.original / path
        if _is_file(theirs):
            return _print(theirs) != _print(self.folder / path)
        return self._stays(path, deleted)

    def _stays(self, folder: str, deleted: Sequence[str]) -> bool:
        """Whether there is a folder that holds more than what is deleted."""
        inside = (each for each in (self.original / folder).rglob("*") if _is_file(each))
        names = (each.relative_to(self.original).as_posix() for each in inside)
        return any(name not in deleted for name in names)

    def _hidden(self, paths: Sequence[str]) -> list[str]:
        """Those files that differ from the last commit though git was told not to look."""
        marked = _git(self.original, "ls-files", "-v", "-z", "--", ".").split("\0")
        hidden = {each[2:] for each in marked if each[:1] == "S" or each[:1].islower()}
        found = []
        for path in sorted(hidden.intersection(paths)):
            if os.path.lexists(self.original / path):
                now = _git(self.original, "hash-object", "--", path).strip()
                if now != self._committed.get(path):
                    found.append(path)
        return found

    @cached_property
    def _committed(self) -> Mapping[str, str]:
        """Each file of the last commit, and git's name of its content."""
        committed = {}
        for entry in _git(self.folder, "ls-tree", "-r", "-z", self.head, "--", ".").split("\0"):
            about, _, path = entry.partition("\t")
            if path:
                committed[path] = about.split()[2]
        return committed

    def sparing(self, change: Change, old: Path) -> Change:
        """The change without generated files that git does not hold and that stay as they were.

        Of those that do not, only what the user edited counts as covered.

        Args:
            change: What is different here.
            old: What was generated for the user.
        """
        same = {
            path
            for path in change.covered
            if path in change.created and _print(old / path) == _print(self.folder / path)
        }
        unedited = {
            path for path in change.covered if _print(old / path) == _print(self.original / path)
        }
        return replace(
            change,
            created=tuple(path for path in change.created if path not in same),
            covered=tuple(path for path in change.covered if path not in same | unedited),
        )

    def edited(self, paths: Sequence[str], generated: Path) -> list[str]:
        """Those files of the last commit that are not as they were generated."""
        committed = self._committed
        return [
            path
            for path in paths
            if path in committed and committed[path] != _blob_id(generated / path)
        ]

    def dropped(self, paths: Sequence[str], old: Path, new: Path) -> list[str]:
        """Those edited files of which nothing is left though nothing stood against the edits.

        Args:
            paths: Edited files that were changed, without those left in conflict.
            old: What was generated for the user.
            new: What would be generated now.
        """
        gone = []
        for path in paths:
            now = self.folder / path
            if not (new / path).is_file() or now.is_symlink() or now.is_dir():
                continue
            if now.read_bytes() == (new / path).read_bytes() != self._merged(path, old, new):
                gone.append(path)
        return gone

    def _merged(self, path: str, old: Path, new: Path) -> bytes:
        """The three versions of a file in one, as git merges them."""
        with tempfile.TemporaryDirectory(prefix="cdp-merge.") as place:
            mine, base = Path(place) / "mine", Path(place) / "base"
            mine.write_bytes(_run(self.folder, "cat-file", "blob", f"{self.head}:./{path}"))
            base.write_bytes((old / path).read_bytes() if (old / path).is_file() else b"")
            try:
                return _run(self.folder, "merge-file", "-p", "--", mine, base, new / path)
            except RepositoryError:
                return b"<<<<<<<"  # a conflict, or no text: in both cases not what is there now

    def carry_over(self, change: Change, last: str = "") -> None:
        """Make the user's work tree like this one; on failure, like it was before.

        Args:
            change: What to carry.
            last: The file that makes the change count; it is carried when all others are.

        Raises:
            RepositoryError: The user's repository has changed meanwhile, or cannot be written.
        """
        check_clean(self.original)
        if find_head(self.original) != self.head:
            raise RepositoryError(
                "the repository got a new commit while the update was worked out", "run it again"
            )
        steps = [
            *reversed(change.deleted),  # what is deepest first, for a folder may become a file
            *(path for path in (*change.created, *change.changed) if path != last),
            *(path for path in change.changed if path == last),
        ]
        place = _git_folder(self.original) / JOURNAL
        with interrupts.undisturbed():
            try:
                self._prepare(place, steps, change.deleted, last)
                _go(self.original, place)
                _forget(place)
            except BaseException as error:
                self._put_back(place, error)
                if isinstance(error, OSError):
                    raise RepositoryError(
                        f"{self._named(error)}; the repository is as it was"
                    ) from error
                raise

    def _put_back(self, place: Path, after: BaseException) -> None:
        try:
            _take_back(self.original, place)
        except OSError as error:
            raise RepositoryError(
                f"{self._named(error)}; the update is half done",
                "mend that and run `cdp update` again: it begins by putting back what there was",
            ) from after

    def _named(self, error: OSError) -> str:
        name = str(error.filename or self.original).removeprefix(f"{self.original}/")
        return f"{name}: {error.strerror}"

    def _prepare(
        self, place: Path, steps: Sequence[str], deleted: Sequence[str], last: str
    ) -> None:
        """Lay ready all that comes, keep all that goes, and write down the steps."""
        place.mkdir()
        (place / "new").mkdir()
        (place / "old").mkdir()
        index = _git_folder(self.original) / "index"
        shutil.copyfile(index, place / "index")
        converted = self._converted([path for path in steps if path not in deleted])
        written = []
        for number, path in enumerate(steps):
            theirs, new = self.original / path, place / "new" / str(number)
            if path not in deleted:
                self._write(path, new, converted=path in converted)
            if self._stays(path, deleted):
                raise IsADirectoryError(None, "a folder is in the way", str(theirs))
            if _is_file(theirs):
                shutil.copy2(theirs, place / "old" / str(number), follow_symlinks=False)
            written.append({"path": path, "old": _state(theirs), "new": _state(new)})
        about = {
            "folder": self.original.relative_to(find_top(self.original)).as_posix(),
            "head": self.head,
            "steps": written,
            "last": last if last in steps else None,
            "index": self._index_lines(),
            "folders": self._missing_folders(steps),
            "beside": f".cdp-{os.getpid()}",
        }
        beside = place / "journal.part"
        beside.write_text(json.dumps(about), encoding="utf-8")
        beside.rename(place / "journal.json")

    def _converted(self, paths: Sequence[str]) -> set[str]:
        """Those files that git may write otherwise than they were committed."""
        automatic = _git(self.original, "config", "--get", "--default=", "core.autocrlf").strip()
        if automatic.lower() in ("true", "yes", "on", "1"):
            return set(paths)
        kinds = ("crlf", "eol", "filter", "ident", "text", "working-tree-encoding")
        feed = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        told = _run(self.original, "check-attr", "-z", "--stdin", *kinds, feed=feed)
        words = told.decode("utf-8", "surrogateescape").split("\0")
        values = zip(words[::3], words[2::3], strict=False)
        return {path for path, value in values if value not in ("unspecified", "unset")}

    def _write(self, path: str, target: Path, *, converted: bool) -> None:
        """Write a file as git would in the user's repository: line ends and all."""
        source, theirs = self.folder / path, self.original / path
        if source.is_symlink():
            target.symlink_to(source.readlink())
            return
        content = source.read_bytes()
        if converted:
            # Kept in the clone's store, and seen from the other repository while it is converted.
            blob = _run(self.folder, "hash-object", "-w", "--no-filters", "--stdin", feed=content)
            arguments = (
                "cat-file",
                "--filters",
                f"--path={self._full(path)}",
                blob.decode().strip(),
            )
            store = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(_git_folder(self.folder) / "objects")}
            content = _run(self.original, *arguments, environment=store)
        target.write_bytes(content)
        mode = source.stat().st_mode & 0o777
        if theirs.is_file() and not theirs.is_symlink():
            mode = (theirs.stat().st_mode & 0o666) | (mode & 0o111)
        target.chmod(mode)

    def _missing_folders(self, paths: Sequence[str]) -> list[str]:
        """The folders that come with the files, the deepest first."""
        folders = {str(each) for path in paths for each in Path(path).parents}
        missing = [each for each in folders if not (self.original / each).is_dir()]
        return sorted(missing, key=len, reverse=True)

    def _index_lines(self) -> list[str]:
        """What the user's index must be told: files in conflict, and which may be executed."""
        lines: list[str] = []
        for about, path in _unmerged(self.folder):
            mode, blob, stage = about.split()
            content = _run(self.folder, "cat-file", "blob", blob)
            _run(self.original, "hash-object", "-w", "--no-filters", "--stdin", feed=content)
            name = self._full(path)
            if not any(line.endswith(f"\t{name}") for line in lines):
                lines.append(f"0 {'0' * SHA1}\t{name}")
            lines.append(f"{mode} {blob} {stage}\t{name}")
        staged = _git(self.folder, "diff-index", "--cached", "-z", self.head, "--", ".")
        entries = staged.split("\0")
        for about, name in zip(entries[::2], entries[1::2], strict=False):
            old, new, _, blob, state = about.removeprefix(":").split()
            if state == "M" and old != new:  # a mode, where the file system cannot hold one
                lines.append(f"{new} {blob} 0\t{name}")
        return lines

    def _full(self, path: str) -> str:
        return _git(self.folder, "rev-parse", "--show-prefix").rstrip("\n") + path


def _go(top: Path, place: Path) -> None:
    """Do what is written down."""
    about = json.loads((place / "journal.json").read_text(encoding="utf-8"))
    for number, step in enumerate(about["steps"]):
        if step["path"] == about["last"]:
            _tell_index(top, about["index"])
        if step["new"] is None:
            _remove(top, step["path"])
        else:
            _put(place / "new" / str(number), top / step["path"], about["beside"])
    if about["last"] is None:
        _tell_index(top, about["index"])


def _tell_index(top: Path, lines: Sequence[str]) -> None:
    if lines:
        feed = "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")
        _run(top, "update-index", "-z", "--index-info", feed=feed)


def _take_back(top: Path, place: Path) -> bool:
    """Undo what was done of what is written down, unless all was done."""
    try:
        about: dict[str, Any] = json.loads((place / "journal.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        _forget(place)  # killed before the first step
        return False
    # Another folder than the one at hand, where a repository holds several that were generated.
    top = find_top(top) / about["folder"]
    states = {step["path"]: _state(top / step["path"]) for step in about["steps"]}
    done = about["last"] and any(
        step["path"] == about["last"] and states[about["last"]] == step["new"]
        for step in about["steps"]
    )
    moved_on = find_head(top) != about["head"]
    undone = False
    if not done and not moved_on:
        ours = [
            (number, step)
            for number, step in enumerate(about["steps"])
            if states[step["path"]] == step["new"] != step["old"]
        ]
        undone = bool(ours)
        for _, step in ours:
            if step["old"] is None:
                (top / step["path"]).unlink(missing_ok=True)
        for step in about["steps"]:
            with suppress(OSError):
                ((top / step["path"]).parent / about["beside"]).unlink()
        for folder in about["folders"]:
            with suppress(OSError):
                (top / folder).rmdir()
        for number, step in ours:
            if step["old"] is not None:
                _put(place / "old" / str(number), top / step["path"], about["beside"])
        index = _git_folder(top) / "index"
        if _print(index) != _print(place / "index"):
            undone = True
            _put(place / "index", index, about["beside"])
    _forget(place)
    return undone


def _forget(place: Path) -> None:
    with suppress(FileNotFoundError):
        (place / "journal.json").unlink()
    shutil.rmtree(place, ignore_errors=True)


@contextmanager
def clone(folder: Path) -> Iterator[Clone]:
    """A private copy of the repository around `folder`, at its last commit.

    Raises:
        RepositoryError: No git work tree, no commit in it, uncommitted changes, another update at
            work in it, or a kind that cannot be merged.
    """
    folder = folder.resolve()
    top = find_top(folder)
    head = find_head(folder)
    if len(head) != SHA1:
        raise RepositoryError(
            "the repository names its objects by SHA-256, which copier cannot merge yet",
            "keep it in one that was made by plain `git init`",
        )
    store = _git_folder(folder)
    with (
        _locked(store),
        tempfile.TemporaryDirectory(prefix="cdp-update.", ignore_cleanup_errors=True) as place,
    ):
        recovered = False
        if (store / JOURNAL).exists():
            with interrupts.undisturbed():
                recovered = _take_back(folder, store / JOURNAL)
        check_clean(folder)
        copy = Path(place) / (top.name or "repository")
        settings = dict(git.STEADY)
        for name in ABILITIES:
            value = _git(folder, "config", "--get", "--default=", name).strip()
            if value:
                settings[name] = value
        options = [part for pair in settings.items() for part in ("-c", "=".join(pair))]
        arguments = ("clone", "-q", "--no-checkout", "--shared", *options, "--")
        _git(Path(place), *arguments, str(top), str(copy))
        # Large files are not fetched: those that the update does not touch are not read.
        environment = {"GIT_LFS_SKIP_SMUDGE": "1"}
        _run(copy, "checkout", "-q", "--detach", head, environment=environment)
        yield Clone(folder, copy / folder.relative_to(top), head, recovered)


@contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Keep other updates out; nothing is written for it, and the end of the program frees it."""
    handle = os.open(store, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RepositoryError(
                "another update is at work in this repository", "wait for it, then run this again"
            ) from error
        except OSError:
            pass  # some network file systems lock no folders
        yield
    finally:
        os.close(handle)


def find_top(folder: Path) -> Path:
    """The top of the work tree that holds `folder`."""
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n")).resolve()
    except RepositoryError as error:
        if "not a git repository" not in str(error):
            raise
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
    paths = [path for path, _ in _status(folder)]
    if paths:
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        raise RepositoryError(
            f"there are changes that are not committed: {', '.join(paths[:3])}{more}",
            "commit or stash them first: git stash --include-untracked",
        )


def _status(folder: Path, *arguments: str) -> list[tuple[str, str]]:
    """Path, relative to the folder, and state of all that is not as committed."""
    prefix = _git(folder, "rev-parse", "--show-prefix").rstrip("\n")
    text = _git(folder, "status", "--porcelain=v1", "-z", "--no-renames", *arguments, "--", ".")
    entries = [(each[3:].removeprefix(prefix), each[:2]) for each in text.split("\0") if each]
    return sorted((path.rstrip("/"), state) for path, state in entries)


def _unmerged(folder: Path) -> list[tuple[str, str]]:
    """Mode, blob and stage of every file in conflict, each with its path."""
    entries = _git(folder, "ls-files", "-u", "-z").split("\0")
    return [(about, path) for about, _, path in (each.partition("\t") for each in entries if each)]


def _git_folder(folder: Path) -> Path:
    return Path(_git(folder, "rev-parse", "--absolute-git-dir").rstrip("\n"))


def _is_file(path: Path) -> bool:
    """Whether there is a file, or a link wherever it leads."""
    return path.is_symlink() or (path.exists() and not path.is_dir())


def _print(path: Path) -> str | None:
    """What tells two contents of a file apart; nothing where there is none."""
    if path.is_symlink():
        return f"link to {path.readlink()}"
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _state(path: Path) -> str | None:
    """Content and mode of a file; nothing where there is none."""
    content = _print(path)
    return content and f"{path.lstat().st_mode & 0o777:o} {content}"


def _blob_id(path: Path) -> str | None:
    """The name git has for this content."""
    if not os.path.lexists(path):
        return None
    content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324


def _put(source: Path, target: Path, beside: str) -> None:
    """Move a file into place in one step, so that a reader never sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise OSError(error.errno, error.strerror, str(target)) from error
        middle = target.parent / beside
        try:
            shutil.copy2(source, middle, follow_symlinks=False)
            middle.replace(target)
        except OSError:
            middle.unlink(missing_ok=True)
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


def _git(folder: Path, *arguments: str | Path) -> str:
    return _run(folder, *arguments).decode("utf-8", "surrogateescape")


def _run(
    folder: Path,
    *arguments: str | Path,
    feed: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> bytes:
    return git.run(folder, *arguments, error=RepositoryError, feed=feed, environment=environment)
