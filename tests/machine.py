"""What tests ask of the machine they run on: programs, ports, a moment's patience."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
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


def free_port() -> int:
    """A port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(seconds: float, what: Callable[[], Any]) -> Any:
    """Ask again until something is true or the time is over; gives what it was last."""
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.05)
    return found
