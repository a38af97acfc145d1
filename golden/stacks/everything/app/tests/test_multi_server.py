"""One of two servers is lost: once the health check has noticed, every request is answered.

The servers are real processes, asked through a balancer that checks them as the load balancer in
`infra/` does, only more often.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path

import anyio
import pytest
from fastapi import FastAPI

from app.main import build
from app.settings import Settings

APP = Path(__file__).parents[1]
VARIABLES = (APP.parent / "infra" / "load_balancer.variables.tf").read_text(encoding="utf-8")

SECOND = 0.02
"""How long a second between two checks takes here."""

PATIENCE = 30.0
"""Seconds until a test gives up waiting; a busy machine is slow."""


def declared(name: str) -> str:
    """What `load_balancer_health_check` says of one of its parts, if nothing else is asked for."""
    found = re.search(rf'\b{name}\s*= optional\(\w+, "?([^")]+)"?\)', VARIABLES)
    assert found, f"load_balancer_health_check has no {name}"
    return found[1]


PATH = "/health"  # which every server answers that runs; what else may be asked is not tried here
INTERVAL = float(declared("interval_seconds")) * SECOND
TIMEOUT = 1.0
HEALTHY = int(declared("healthy_threshold"))
UNHEALTHY = int(declared("unhealthy_threshold"))


def application() -> FastAPI:
    """What each server runs: the core, and a request that takes its time."""
    app = build(Settings(), [])

    @app.get("/slow")
    async def slow() -> str:
        await anyio.sleep(1)
        return "done"

    return app


@dataclass
class Server:
    """A process that serves the application."""

    name: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--no-access-log"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", f"{__name__}:application", *options],
            env={
                **os.environ,
                "PYTHONPATH": f"{APP / 'src'}:{APP / 'tests'}",
                "APP_INSTANCE_ID": self.name,
                "APP_ZONE": "here",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def tell(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait until it has ended; its exit code is returned."""
        assert self.process is not None
        return self.process.wait(PATIENCE)

    def get(self, path: str, timeout: float = PATIENCE) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@dataclass
class Target:
    """A server as the balancer sees it: unhealthy until it has shown otherwise."""

    server: Server
    healthy: bool = False
    in_a_row: int = 0
    """How many checks have said the opposite since."""

    def check(self) -> None:
        try:
            well = self.server.get(PATH, TIMEOUT)[0] == 200
        except (OSError, HTTPException):
            well = False
        self.in_a_row = 0 if well is self.healthy else self.in_a_row + 1
        if self.in_a_row >= (HEALTHY if well else UNHEALTHY):
            self.healthy, self.in_a_row = well, 0


@dataclass
class Balancer:
    """Sends each request to the next healthy server, and checks all of them all the time."""

    targets: list[Target]
    closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.round = cycle(self.targets)
        self.checks = [threading.Thread(target=self.watch, args=(t,)) for t in self.targets]
        for each in self.checks:
            each.start()

    def watch(self, target: Target) -> None:
        while not self.closed.wait(INTERVAL):
            target.check()

    def close(self) -> None:
        self.closed.set()
        for each in self.checks:
            each.join()

    @property
    def healthy(self) -> set[str]:
        return {target.server.name for target in self.targets if target.healthy}

    def get(self, path: str) -> tuple[int, bytes]:
        for target in self.round:
            # Where all are ill, any is tried.
            if target.healthy or not self.healthy:
                return target.server.get(path)
        raise AssertionError("there is no server")

    def who(self) -> str:
        """Which server answers the next request."""
        status, body = self.get("/whoami")
        assert status == 200
        return str(json.loads(body)["instance_id"])


def until(true: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up, f"still not so: {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    both = [Server(name, free_port()) for name in ("i-1", "i-2")]
    for server in both:
        server.start()
    yield both
    for server in both:
        if server.process is not None:
            with suppress(ProcessLookupError):
                server.tell(signal.SIGKILL)
            server.end()


@pytest.fixture
def balancer(servers: list[Server]) -> Iterator[Balancer]:
    """A balancer that has found both servers healthy."""
    balancer = Balancer([Target(server) for server in servers])
    try:
        until(lambda: balancer.healthy == {"i-1", "i-2"}, f"both servers answer {PATH}")
        yield balancer
    finally:
        balancer.close()


def test_requests_are_spread_over_both_servers(balancer: Balancer):
    assert {balancer.who() for _ in range(4)} == {"i-1", "i-2"}


def test_every_request_is_answered_once_a_broken_server_is_noticed(
    servers: list[Server], balancer: Balancer
):
    servers[0].tell(signal.SIGKILL)
    servers[0].end()
    until(lambda: balancer.healthy == {"i-2"}, "the broken server gets no requests")

    assert [balancer.who() for _ in range(50)] == ["i-2"] * 50

    servers[0].start()
    until(lambda: balancer.healthy == {"i-1", "i-2"}, "its successor gets requests")

    assert {balancer.who() for _ in range(4)} == {"i-1", "i-2"}


def test_every_request_is_answered_once_a_hanging_server_is_noticed(
    servers: list[Server], balancer: Balancer
):
    servers[0].tell(signal.SIGSTOP)
    until(lambda: balancer.healthy == {"i-2"}, "the hanging server gets no requests")

    assert [balancer.who() for _ in range(50)] == ["i-2"] * 50


def test_a_server_that_is_told_to_leave_finishes_its_request(
    servers: list[Server], balancer: Balancer
):
    answers: list[tuple[int, bytes]] = []
    user = threading.Thread(target=lambda: answers.append(servers[0].get("/slow")))
    user.start()
    time.sleep(0.3)

    servers[0].tell(signal.SIGTERM)
    user.join()

    assert answers == [(200, b'"done"')]
    servers[0].end()
    with pytest.raises(ConnectionRefusedError):
        servers[0].get("/whoami")
