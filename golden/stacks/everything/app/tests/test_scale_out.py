"""Servers come and go: any answers like any other, and one that leaves loses no request.

The servers are real processes of the application, asked and stopped as the fleet does it.
"""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import anyio
import pytest
from fastapi import FastAPI

from app.main import build
from app.settings import Settings

APP = Path(__file__).parents[1]
UNIT = (APP.parent / "servers" / "systemd" / "app.service").read_text(encoding="utf-8")
BALANCER = (APP.parent / "infra" / "load_balancer.variables.tf").read_text(encoding="utf-8")

PATIENCE = 30.0
"""Seconds until a test gives up waiting; a busy machine is slow."""


def seconds(text: str, pattern: str) -> int:
    """The number a file sets."""
    found = re.search(pattern, text, re.DOTALL)
    assert found, f"nothing like {pattern}"
    return int(found[1])


GRACEFUL = seconds(UNIT, r"--timeout-graceful-shutdown (\d+)")
STOP = seconds(UNIT, r"TimeoutStopSec=(\d+)")
DRAIN = seconds(BALANCER, r'"load_balancer_drain_seconds" \{.*?default\s*= (\d+)')


def application() -> FastAPI:
    """What each server runs: the core, and a request that takes its time."""
    app = build(Settings(), [])

    @app.get("/slow")
    async def slow() -> str:
        await anyio.sleep(1)
        return "done"

    return app


class Server:
    """A process that serves the application."""

    def __init__(self, name: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--no-access-log"]
        options += ["--timeout-graceful-shutdown", str(GRACEFUL)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", f"{__name__}:application", *options],
            env={
                "PYTHONPATH": f"{APP / 'src'}:{APP / 'tests'}",
                "APP_INSTANCE_ID": name,
                "APP_ZONE": "here",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def get(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False


def until(true: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up, f"still not so: {what}"
        time.sleep(0.05)


@pytest.fixture
def start() -> Iterator[Callable[[str], Server]]:
    """Starts one more server, and waits until it answers."""
    started: list[Server] = []

    def begin(name: str) -> Server:
        server = Server(name)
        started.append(server)
        until(server.answers, f"{name} answers")
        return server

    yield begin
    for server in started:
        server.process.kill()
        server.process.wait()


def test_a_server_that_was_added_answers_like_the_first_one(start: Callable[[str], Server]):
    first, added = start("i-1"), start("i-2")

    for path in ("/version", "/static/style.css", "/nowhere"):
        assert first.get(path) == added.get(path)
    assert first.get("/whoami") != added.get("/whoami")


def test_a_server_that_is_removed_finishes_what_it_has_begun(start: Callable[[str], Server]):
    server = start("i-1")
    answers: list[tuple[int, bytes]] = []
    users = [threading.Thread(target=lambda: answers.append(server.get("/slow"))) for _ in range(5)]
    for user in users:
        user.start()
    time.sleep(0.3)

    server.process.send_signal(signal.SIGTERM)
    for user in users:
        user.join()

    assert answers == [(200, b'"done"')] * 5
    # It ended by itself, and by the signal as systemd expects it.
    assert server.process.wait(STOP) in (0, -signal.SIGTERM)
    assert not server.answers()


def test_a_server_that_leaves_gets_no_new_request_before_it_is_stopped():
    """The load balancer lets go first, then the service ends: nothing is cut off in between."""
    assert DRAIN >= GRACEFUL
    assert STOP > GRACEFUL
