"""What the tests of proxies share: a repository, a proxy that its own setup started, an origin.

The daemons are this machine's own, and what tells them what to do is what a server gets: the setup
parts of a rendered repository, run in a scratch root with the stand-ins of the local stack.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests import machine

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
REGION = "eu-central-1"

Headers = Mapping[str, str]


def render(
    folder: Path,
    *patterns: str,
    changes: Mapping[str, Mapping[str, str]] | None = None,
    **choices: str,
) -> Path:
    """A generated repository.

    Args:
        folder: Where it goes.
        patterns: What is asked for.
        changes: For a path, what a test needs otherwise: what is there, and what takes its place.
        choices: How slots are filled.
    """
    answer = resolve(TEMPLATE.catalog, list(patterns), choices)
    assert isinstance(answer, Resolution)
    for path, content in TEMPLATE.tree(answer, Answers("shop", REGION)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for path, replaced in (changes or {}).items():
        text = (folder / path).read_text(encoding="utf-8")
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@dataclass
class Asked:
    """A request as an origin got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What somebody answers."""

    status: int = 200
    headers: Headers = field(default_factory=dict)
    body: bytes = b"page"

    def __getitem__(self, name: str) -> str | None:
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), None)


@dataclass
class Origin:
    """Web servers, as a proxy sees them: they answer what a test says, and remember who asked."""

    answer: Callable[[Asked], Answer]
    host: str = "127.0.0.1"
    port: int = 0
    tls: Any = None
    largest: float = float("inf")
    """A body announced larger is refused before it is read, as the application does it."""
    asked: list[Asked] = field(default_factory=list)

    def start(self) -> None:
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __getattr__(self, name: str) -> Callable[[], None]:
                if name.startswith("do_"):
                    return self.handle_any
                raise AttributeError(name)

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                refused = length > origin.largest
                body = b"" if refused else self.rfile.read(length)
                asked = Asked(self.command, self.path, headers, body)
                origin.asked.append(asked)
                answer = Answer(413, body=b"too large") if refused else origin.answer(asked)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)
                if refused:
                    self.rfile.read(length)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((self.host, self.port), Handler)
        self.server.daemon_threads = True
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def paths(self, path: str) -> list[Asked]:
        """Requests for a path, whatever its query."""
        return [each for each in self.asked if each.path.partition("?")[0] == path]


@contextmanager
def serving(answer: Callable[[Asked], Answer], **where: Any) -> Iterator[Origin]:
    """An origin for as long as the context lasts."""
    origin = Origin(answer, **where)
    origin.start()
    try:
        yield origin
    finally:
        origin.stop()


def until(true: Callable[[], Any], what: str, seconds: float = 15) -> None:
    """Wait for something to become true."""
    assert machine.until(seconds, true), f"still not so: {what}"


@dataclass
class Proxy:
    """One proxy in a root of its own."""

    repository: Path
    root: Path
    origin: str
    exports: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: machine.free_port(3))

    @property
    def variables(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("APP_", "AWS_", "SETUP_"))}
        return {
            **kept,
            "ORIGIN": self.origin,
            "PATH": f"{self.root / 'usr/bin'}:{self.stubs()}:{os.environ['PATH']}",
            "PORT": str(self.port),
            "ROOT": str(self.root),
            "SETUP_APPLICATION": "no",
            "SETUP_ATTEMPTS": "1",
            "SETUP_HEALTH_SECONDS": "20",
            "SETUP_KIND": "proxies",
            "SETUP_PROJECT": "shop",
            **self.exports,
        }

    def stubs(self) -> Path:
        """The stand-ins of the local stack, run by this Python."""
        folder = self.root / "stubs"
        if not folder.exists():
            folder.mkdir(parents=True)
            for stub in (self.repository / "local/stubs").iterdir():
                lines = stub.read_text(encoding="utf-8").split("\n", 1)
                (folder / stub.name).write_text(f"#!{sys.executable}\n{lines[1]}")
                (folder / stub.name).chmod(0o755)
        return folder

    def setup(self, *phases: str) -> tuple[int, str]:
        """Run phases of the setup; what they say is returned with the exit code."""
        done = subprocess.run(
            ["bash", str(self.repository / "servers/setup/run"), *phases],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout

    def start(self) -> str:
        code, said = self.setup("install", "configure")
        logs = "\n".join(f"{log}: {log.read_text()}" for log in self.root.glob("var/log/*.log"))
        assert code == 0, said + logs
        return said

    def stop(self) -> None:
        for unit in (self.root / "etc/systemd/system").glob("*.service"):
            self.end(unit.stem)

    def end(self, service: str) -> None:
        """Stop one of its programs."""
        subprocess.run(
            [str(self.stubs() / "systemctl"), "stop", f"{service}.service"],
            env=self.variables,
            check=True,
        )

    def pids(self) -> dict[str, str]:
        return {each.stem: each.read_text() for each in (self.root / "run/systemd").glob("*.pid")}

    def ask(
        self,
        path: str,
        headers: Headers | None = None,
        method: str = "GET",
        body: bytes | None = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """Ask as a load balancer does, from an address of this machine."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=20, source_address=(source, 0)
        )
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    @contextmanager
    def sending(self, path: str, length: int, sent: bytes) -> Iterator[socket.socket]:
        """A request that announces a body and has sent so much of it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            head = f"POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: {length}\r\n\r\n"
            client.sendall(head.encode() + sent)
            yield client

    def said(self, service: str) -> str:
        """What a program wrote into its log."""
        return (self.root / f"var/log/{service}.service.log").read_text()


@contextmanager
def running(repository: Path, root: Path, origin: str, **exports: str) -> Iterator[Proxy]:
    """A proxy that its setup has started."""
    proxy = Proxy(repository, root, origin, exports)
    try:
        proxy.start()
        yield proxy
    finally:
        proxy.stop()
