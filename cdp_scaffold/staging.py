"""Make a folder out of sight and move it to its place when it is whole.

A program that is killed leaves the hidden folder behind. It is locked while in use, so that the
next one can tell what was left from what is at work, and remove it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cdp_scaffold import interrupts

PREFIX = ".cdp-new-"


@contextmanager
def beside(destination: Path) -> Iterator[Path]:
    """A folder on the file system of the destination, which is gone in the end.

    It stands beside the destination, or inside where that has to stay as it is: a shell stands in
    it, something is mounted there, or nothing may be written beside it.
    """
    made = _parents(destination)
    inside = destination.is_dir() and (
        os.path.ismount(destination)
        or destination.samefile(Path.cwd())
        or not os.access(destination.parent, os.W_OK | os.X_OK)
    )
    parent = destination if inside else destination.parent
    try:
        if destination.is_dir():
            _sweep(destination)
        _sweep(parent)
        folder, handle = _fresh(parent)
        try:
            yield folder
        finally:
            with interrupts.undisturbed():
                shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)
    finally:
        for each in made:
            with suppress(OSError):  # what is not empty was made in vain by nobody
                each.rmdir()


def move(made: Path, destination: Path) -> None:
    """Move what was made to its place: in one step, or entry by entry where that must stay."""
    with interrupts.undisturbed():
        if made.parent.parent != destination:
            made.rename(destination)  # onto an empty folder this is allowed
            return
        moved: list[Path] = []
        try:
            for entry in sorted(made.iterdir()):
                target = destination / entry.name
                entry.rename(target)
                moved.append(target)
        except OSError:
            for path in moved:
                path.rename(made / path.name)
            raise


def is_left(path: Path) -> bool:
    """Whether this is a folder that a killed program left behind."""
    if not path.name.startswith(PREFIX) or path.is_symlink() or not path.is_dir():
        return False
    handle = _lock(path)
    if handle is None:
        return False
    os.close(handle)
    return True


def _fresh(parent: Path) -> tuple[Path, int]:
    """A new folder and the lock on it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        handle = _lock(folder)
        if handle is None:
            # Swept between its making and its locking, or on a file system that locks no folders.
            if not folder.exists():
                continue
            handle = os.open(folder, os.O_RDONLY)
        return folder, handle


def _sweep(parent: Path) -> None:
    """Remove what killed programs left behind."""
    for folder in parent.glob(f"{PREFIX}*"):
        handle = None if folder.is_symlink() or not folder.is_dir() else _lock(folder)
        if handle is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)


def _lock(folder: Path) -> int | None:
    """Lock a folder; nothing where somebody else has, or it cannot be done."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.stat().st_ino == os.fstat(handle).st_ino:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _parents(destination: Path) -> list[Path]:
    """Make the folders above; hand back those that were not there, the deepest first."""
    missing = [each for each in destination.parents if not each.exists()]
    destination.parent.mkdir(parents=True, exist_ok=True)
    return missing
