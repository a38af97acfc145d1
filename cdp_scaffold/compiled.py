"""Keep compiled templates between runs, in the user's cache folder.

Jinja hands a compiled template to a cache as code, and takes from it whatever it gets: a damaged
file would crash the interpreter, an old one would render an old text, and one that somebody else
wrote would run their code. So an entry is named by a digest of all that its code depends on, the
template's text among it, and begins with a digest of the rest of it; only the user's own files in
the user's own folder are read. What cannot be read or written is compiled as if there were no
cache.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import CodeType

import jinja2
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

FORMAT = "1"
"""Part of every name; to be changed where entries of one form would be mistaken for another's."""

MOST = 4096
"""Entries that may lie there; where there are more, the older half goes."""

SIZE = 32
"""Bytes of a digest."""


def user_folder() -> Path | None:
    """Where the user keeps caches of this program; nothing where no place is known."""
    place = Path(os.environ.get("XDG_CACHE_HOME") or "")
    if not place.is_absolute():
        place = Path(os.path.expanduser("~/.cache"))  # noqa: PTH111 - keeps `~` without a home
    return place / "cdp-scaffold" / "templates" if place.is_absolute() else None


class CompiledTemplates(BytecodeCache):
    """Compiled templates in one folder, shared by all templates, versions and runs."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when something is kept there."""
        self._folder = os.fspath(folder)
        self._state = ""

    def get_bucket(
        self,
        environment: Environment,
        name: str,
        filename: str | None,  # noqa: ARG002 - the same text is the same code, wherever it stands
        source: str,
    ) -> Bucket:
        """The place of one template's code, filled where it is known."""
        bucket = Bucket(environment, _name(environment, name, source), "")
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket, if a whole entry of the user's own is there."""
        if self._usable():
            with suppress(OSError, ValueError, EOFError, TypeError):
                content = _read(f"{self._folder}/{bucket.key}")
                if content[:SIZE] == _seal(bucket.key, content[SIZE:]):
                    code = marshal.loads(content[SIZE:])  # noqa: S302 - what was sealed by us
                    bucket.code = code if isinstance(code, CodeType) else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled; a reader sees the whole of it or nothing."""
        if not self._usable(make=True):
            return
        content = marshal.dumps(bucket.code)
        place = f"{self._folder}/{bucket.key}"
        part = f"{place}.{os.getpid()}.part"
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(handle, "wb") as file:  # noqa: PTH123 - of a handle
                file.write(_seal(bucket.key, content) + content)
            os.replace(part, place)  # noqa: PTH105 - two of a template at once are alike
        except OSError:
            with suppress(OSError):
                os.unlink(part)  # noqa: PTH108

    def clear(self) -> None:
        """Nothing: entries of others lie here too."""

    def _usable(self, *, make: bool = False) -> bool:
        """Whether the folder may be used; looked at once for reading and once for writing."""
        if self._state in ("unusable", "writable") or (self._state == "readable" and not make):
            return self._state != "unusable"
        try:
            if make:
                os.makedirs(self._folder, 0o700, exist_ok=True)  # noqa: PTH103
            found = os.stat(self._folder, follow_symlinks=False)  # noqa: PTH116
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                self._state = "unusable"
                return False
            self._state = "writable" if make else "readable"
            if make:
                self._tidy()
        except OSError:
            if make:
                self._state = "unusable"
            return False
        return True

    def _tidy(self) -> None:
        """Let the older half go where many lie there."""
        with os.scandir(self._folder) as entries:
            found = list(entries)
        if len(found) <= MOST:
            return
        ages = []
        for entry in found:
            with suppress(OSError):
                ages.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path))
        for _, path in sorted(ages)[: len(found) - MOST // 2]:
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108


def _read(path: str) -> bytes:
    """A file of the user's own; nothing of anybody else's."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(handle)
        return os.read(handle, found.st_size) if found.st_uid == os.geteuid() else b""
    finally:
        os.close(handle)


def _seal(key: str, content: bytes) -> bytes:
    """What an entry begins with; no other entry and no part of this one has it."""
    return blake2b(content, digest_size=SIZE, key=key.encode()).digest()


def _name(environment: Environment, name: str, source: str) -> str:
    """A digest of all that the code depends on."""
    told = "\0".join((_builder(), _options(environment), name, source))
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=SIZE).hexdigest()


@cache
def _builder() -> str:
    """What compiles: the interpreter, Jinja, and the filters, which fold constants."""
    from jinja2_ansible_filters import core_filters

    told = [FORMAT, sys.version, importlib.util.MAGIC_NUMBER.hex(), jinja2.__version__]
    with suppress(OSError):
        filters = os.stat(core_filters.__file__)  # noqa: PTH116 - its version takes long to ask for
        told += [str(filters.st_size), str(filters.st_mtime_ns)]
    return " ".join(told)


def _options(environment: Environment) -> str:
    """What of an environment has a part in compiling."""
    told = (
        environment.sandboxed,
        environment.optimized,
        environment.keep_trailing_newline,
        environment.trim_blocks,
        environment.lstrip_blocks,
        environment.newline_sequence,
        environment.undefined.__name__,
        sorted(environment.extensions),
    )
    return repr(told)
