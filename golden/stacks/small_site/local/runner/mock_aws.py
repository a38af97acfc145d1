"""Start the mock AWS, find the one that runs, stop it."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import environment
import process
from errors import LocalError
from places import LOCAL, read_json, tail

SERVER = Path(__file__).resolve().with_name("server.py")
RECORD = LOCAL / "mock.json"
LOG = LOCAL / "mock.log"

PATIENCE = 120
"""Seconds a start may take: moto loads slowly on a busy machine."""


@dataclass(frozen=True)
class Mock:
    """A mock AWS that runs."""

    pid: int
    port: int

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


def find() -> Mock | None:
    """The mock that an earlier run left running, if it still serves."""
    record = read_json(RECORD)
    if not isinstance(record, dict) or not {"pid", "port"} <= record.keys():
        return None
    mock = Mock(int(record["pid"]), int(record["port"]))
    if not process.runs(mock.pid, SERVER):
        return None
    if answers(mock.endpoint):
        return mock
    process.stop(mock.pid, SERVER)
    return None


def start() -> Mock:
    """Start a new mock; it runs on when this program ends.

    Raises:
        LocalError: It ended at once, or does not answer.
    """
    RECORD.unlink(missing_ok=True)
    with LOG.open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, str(SERVER), str(RECORD)],
            env=environment.toward(environment.NOWHERE),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        return _ready(started)
    except BaseException:
        started.kill()
        raise


def _ready(started: subprocess.Popen[bytes]) -> Mock:
    """Wait until a mock that was started serves."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if started.poll() is not None:
            raise LocalError(f"the mock AWS did not start; {LOG} ends with:\n{tail(LOG)}")
        mock = find() if RECORD.exists() else None
        if mock is not None:
            return mock
        time.sleep(0.1)
    raise LocalError(f"the mock AWS did not answer within {PATIENCE} s; its log is {LOG}")


def stop(mock: Mock) -> None:
    """Stop the mock; all it holds is gone with it."""
    process.stop(mock.pid, SERVER)
    RECORD.unlink(missing_ok=True)


def answers(endpoint: str) -> bool:
    """Whether it is moto that answers there."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{endpoint}/moto-api/", timeout=30) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
