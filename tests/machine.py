"""What tests ask of the machine they run on: programs, ports, a moment's patience."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None and not os.environ.get("CI"),
    reason="terraform was not found; these checks need it (in CI it must be there)",
)

needs_python = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="the generated application needs Python 3.11"
)


def need(program: str) -> str:
    """Where a program is, daemons too; skips where there is none, and fails in CI."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} was not found")
        pytest.skip(f"{program} was not found")
    return found


def program(folder: Path, name: str, text: str) -> Path:
    """Write a program that stands in for another; gives the folder, for a search path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return folder


def free_port(count: int = 1) -> int:
    """The first of so many ports of the loopback in a row that nobody uses.

    They lie below those that systems give to connections, which come and go while a test runs.
    """
    for _ in range(1000):
        first = 10_000 + secrets.randbelow(10_000)
        if all(map(_is_free, range(first, first + count))):
            return first
    raise AssertionError(f"there are no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def until(seconds: float, what: Callable[[], Any]) -> Any:
    """Ask again until something is true or the time is over; gives what it was last."""
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.05)
    return found
