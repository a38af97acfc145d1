"""Files that are written on one server, the master, and that its clones hold a copy of.

The master's own files are in `content_folder`. There a clone finds the newest copy, which a
program of the server makes; the application could not write it.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from app.settings import FeatureSettings

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""What a file may be called; other files in the folder are left alone and not shown."""

HALF = re.compile(r"\..+\.[0-9a-f]{16}")
"""What a file is called until it is complete. No clone copies such a name."""

LEFT_OVER_SECONDS = 3600
"""How old a half-written file must be to be one that nobody finishes any more."""


class ContentSettings(FeatureSettings):
    """Where the files are, and who may write them; a server's setup says so."""

    content_folder: str = ""
    """The files; empty on a server that is neither master nor clone, and has none."""

    content_role: Literal["clone", "master"] = "clone"
    """Only the master writes."""

    content_master: str = ""
    """Where a clone finds the master: also for a database that runs there, and only there."""

    content_max_age_seconds: int = Field(default=900, ge=1)
    """Seconds after which a clone calls its copy stale; it is read all the same."""

    content_max_files: int = Field(default=100, ge=1, le=10_000)
    """Files there may be; anybody who reaches the application can write them."""

    content_max_file_bytes: int = Field(default=1024 * 1024, ge=1)
    """The largest file; no larger than `max_body_bytes`, which is looked at first."""


class ContentError(Exception):
    """Something is wrong with a file of the content."""


class FileMissingError(ContentError):
    """There is no such file."""


class NotTheMasterError(ContentError):
    """What is written on a clone would be lost with its next copy."""


class TooLargeError(ContentError):
    """A file may not be that large."""


class TooManyFilesError(ContentError):
    """There is no room for one more file."""


class UnavailableError(ContentError):
    """The folder is not there, or refuses."""


@dataclass(frozen=True, slots=True)
class ContentFile:
    """What is told of a file."""

    name: str
    size: int
    modified: float


@contextmanager
def _folder() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(str(error)) from error


class Content:
    """The files of this server; what is not to be read or written raises `ContentError`."""

    def __init__(self, settings: ContentSettings) -> None:
        self.settings = settings
        self.folder = Path(settings.content_folder)
        self.is_master = settings.content_role == "master"

    def age(self) -> float | None:
        """Seconds since this server had all there is; `None` for a clone that never had."""
        if self.is_master:
            return 0.0
        try:
            return max(0.0, time.time() - (self.folder.parent / "copied").stat().st_mtime)
        except FileNotFoundError:
            return None

    @_folder()
    def listing(self) -> list[ContentFile]:
        """Every file, in the order of their names."""
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                # It may be taken away meanwhile.
                with suppress(FileNotFoundError):
                    if NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        told = entry.stat(follow_symlinks=False)
                        found.append(ContentFile(entry.name, told.st_size, told.st_mtime))
        return sorted(found, key=lambda file: file.name)

    @_folder()
    def read(self, name: str) -> bytes:
        """What a file holds."""
        file = self.folder / name
        # A link could lead out of the folder, and a pipe would never end.
        if file.is_symlink() or not file.is_file():
            raise FileMissingError(f"there is no file `{name}`")
        self.check_size(file.stat().st_size)
        try:
            return file.read_bytes()
        except FileNotFoundError:
            raise FileMissingError(f"there is no file `{name}`") from None

    @_folder()
    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it; who reads it sees the old one or the new one."""
        self.check_writable()
        self.check_size(len(content))
        there = {file.name for file in self.listing()}
        most = self.settings.content_max_files
        if name not in there and len(there) >= most:
            raise TooManyFilesError(f"there are {most} files, and there may be no more")
        self._clear()
        half = self.folder / f".{name}.{secrets.token_hex(8)}"
        try:
            with half.open("xb") as file:
                os.fchmod(file.fileno(), 0o640)  # the group reads it for the clones
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            half.replace(self.folder / name)
        finally:
            half.unlink(missing_ok=True)

    @_folder()
    def delete(self, name: str) -> None:
        """Take a file away, if it is there."""
        self.check_writable()
        (self.folder / name).unlink(missing_ok=True)

    def check_writable(self) -> None:
        """Refuse to write on a clone."""
        if not self.is_master:
            raise NotTheMasterError(
                "this server is a clone and only copies; requests that write belong to the master"
            )

    def check_size(self, size: int) -> None:
        """Refuse what is too large."""
        if size > self.settings.content_max_file_bytes:
            raise TooLargeError(
                f"a file may hold at most {self.settings.content_max_file_bytes} bytes"
            )

    def _clear(self) -> None:
        """Take away what was left half-written by a process that died."""
        for file in self.folder.iterdir():
            with suppress(FileNotFoundError):
                old = time.time() - file.lstat().st_mtime > LEFT_OVER_SECONDS
                if HALF.fullmatch(file.name) and old:
                    file.unlink()
