"""Files in a folder that several servers have mounted.

Two things are different from a disk of one's own. Another server may read a file while it is
being written, so a file appears whole, by a rename, or not at all. And a share that is lost does
not answer: whoever asks it waits, maybe for ever. So each question is asked by a thread that
nobody has to wait for, and there are only so many of them.
"""

import asyncio
import os
import re
import secrets
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from pydantic import Field

from app.settings import FeatureSettings

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""What a shared file may be called; other files in the folder are left alone and not shown."""

LEFT_OVER_SECONDS = 3600
"""How old a half-written file must be to be one that nobody finishes any more."""


class SharedSettings(FeatureSettings):
    """Where the shared files are, and how many and how large they may be."""

    shared_folder: str
    """The folder that every server has mounted; written to, and read from."""

    shared_read_folder: str = ""
    """A folder that follows the shared one, to read from instead; empty for none."""

    shared_max_files: int = Field(default=100, ge=1, le=10_000)
    """Files there may be; anybody who reaches the application can write them."""

    shared_max_file_bytes: int = Field(default=1024 * 1024, ge=1)
    """The largest file; no larger than `max_body_bytes`, which is looked at first."""

    shared_seconds: float = Field(default=5, gt=0)
    """Seconds a request waits for the folder to answer."""


class SharedFileError(Exception):
    """Something is wrong with a shared file."""


class FileMissingError(SharedFileError):
    """There is no such file."""


class TooLargeError(SharedFileError):
    """A file may not be that large."""


class TooManyFilesError(SharedFileError):
    """There is no room for one more file."""


class FolderUnavailableError(SharedFileError):
    """The folder is not there, or does not answer."""


@dataclass(frozen=True, slots=True)
class SharedFile:
    """What is told of a file."""

    name: str
    size: int
    modified: float


class Folder:
    """A folder that may stop answering at any time.

    Args:
        path: The folder; it is opened anew for each question, so it may come back.
        seconds: How long a question may take.
        threads: How many may be under way. With all of them stuck the next one is refused at
            once, so a folder that hangs takes neither memory nor other requests with it.
    """

    def __init__(self, path: str, seconds: float, threads: int = 8) -> None:
        self.path = path
        self.seconds = seconds
        self._threads = threads
        self._under_way = 0
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(threads, "folder")

    async def ask(self, question: Callable[[int], T]) -> T:
        """Call `question` with the open folder, in a thread.

        Raises:
            FolderUnavailableError: The folder is not there, refuses, or takes too long.
        """
        with self._lock:
            if self._under_way >= self._threads:
                raise FolderUnavailableError(f"{self.path} has not answered earlier requests yet")
            self._under_way += 1
        running = self._pool.submit(self._open, question)
        running.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self.seconds):
                return await asyncio.wrap_future(running)
        except TimeoutError:
            raise FolderUnavailableError(
                f"{self.path} did not answer within {self.seconds} s"
            ) from None
        except OSError as error:
            raise FolderUnavailableError(f"{self.path}: {error}") from error

    def _done(self, _: object) -> None:
        with self._lock:
            self._under_way -= 1

    def _open(self, question: Callable[[int], T]) -> T:
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return question(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Take no more questions, and wait for none."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class SharedFiles:
    """The files of the shared folder."""

    def __init__(self, settings: SharedSettings) -> None:
        self.settings = settings
        self.share = Folder(settings.shared_folder, settings.shared_seconds)
        self.copied = settings.shared_read_folder not in ("", settings.shared_folder)
        self.near = (
            Folder(settings.shared_read_folder, settings.shared_seconds)
            if self.copied
            else self.share
        )
        # Apart from the others: requests that wait must not make the share look lost, nor a
        # share that is looked at keep requests waiting.
        self._watched = Folder(settings.shared_folder, settings.shared_seconds, threads=2)

    async def listing(self) -> list[SharedFile]:
        """Every file, in the order of their names."""
        return await self.near.ask(_list)

    async def read(self, name: str) -> bytes:
        """What a file holds.

        Raises:
            FileMissingError: There is none of this name.
            TooLargeError: Something else than this application wrote it, and larger.
        """
        most = self.settings.shared_max_file_bytes
        return await self.near.ask(lambda folder: _read(folder, name, most))

    async def write(self, name: str, content: bytes) -> None:
        """Write a file; whoever reads it sees the old one or the new one, never a part.

        Raises:
            TooLargeError: It is larger than a file may be.
            TooManyFilesError: It would be one file too many.
        """
        self.check_size(len(content))
        most = self.settings.shared_max_files
        await self.share.ask(lambda folder: _write(folder, name, content, most))

    async def delete(self, name: str) -> None:
        """Take a file away, if it is there."""

        def unlink(folder: int) -> None:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)

        await self.share.ask(unlink)

    async def probe_share(self) -> None:
        """Ask the share itself: what else there is to know of it may be remembered for a while."""
        await self._watched.ask(os.fstatvfs)

    async def probe_copy(self) -> None:
        """Ask the folder that is read from."""
        await self.near.ask(os.fstatvfs)

    def check_size(self, size: int) -> None:
        """Refuse what is too large to be a shared file."""
        if size > self.settings.shared_max_file_bytes:
            raise TooLargeError(
                f"a shared file may hold at most {self.settings.shared_max_file_bytes} bytes"
            )

    async def close(self) -> None:
        """Let go of the folders."""
        self._watched.close()
        self.share.close()
        self.near.close()


def _list(folder: int) -> list[SharedFile]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            # Another server may take it away meanwhile.
            with suppress(FileNotFoundError):
                if NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    told = entry.stat(follow_symlinks=False)
                    found.append(SharedFile(entry.name, told.st_size, told.st_mtime))
    return sorted(found, key=lambda file: file.name)


def _read(folder: int, name: str, most: int) -> bytes:
    # A link could lead out of the folder, and a pipe would never end.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as error:
        # What is there but no file of ours is as good as missing; what failed is not.
        if isinstance(error, FileNotFoundError) or _is_no_file(folder, name):
            raise FileMissingError(f"there is no shared file `{name}`") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileMissingError(f"there is no shared file `{name}`")
    with open(descriptor, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise TooLargeError(f"`{name}` holds more than {most} bytes")
    return content


def _is_no_file(folder: int, name: str) -> bool:
    return not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _write(folder: int, name: str, content: bytes, most: int) -> None:
    there = {file.name for file in _list(folder)}
    if name not in there and len(there) >= most:
        raise TooManyFilesError(f"there are {most} shared files, and there may be no more")
    _clear(folder)
    half = f".{name}.{secrets.token_hex(8)}"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(half, dir_fd=folder)
        raise
    os.fsync(folder)


def _clear(folder: int) -> None:
    """Take away what servers left half-written when they died."""
    with os.scandir(folder) as entries:
        for entry in entries:
            half = entry.name.startswith(".") and re.fullmatch(r"\..+\.[0-9a-f]{16}", entry.name)
            with suppress(FileNotFoundError):
                if half and time.time() - entry.stat().st_mtime > LEFT_OVER_SECONDS:
                    os.unlink(entry.name, dir_fd=folder)
