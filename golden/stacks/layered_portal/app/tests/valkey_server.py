"""A real Valkey or Redis server for tests, on loopback and in a folder of its own."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")

MISSING = "neither valkey-server nor redis-server was found; a package of either name brings it"


def need_program() -> None:
    """Skip a test on a machine without a server; in CI, where nobody would notice, it fails."""
    if PROGRAM is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ValkeyServer:
    """One server process; `options` are lines of its configuration."""

    def __init__(self, folder: Path, *options: str, tls: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.tls = tls
        listen = f"port 0\ntls-port {self.port}" if tls else f"port {self.port}"
        lines = ["bind 127.0.0.1", listen, f"dir {folder}", 'save ""', "daemonize no", *options]
        (folder / "server.conf").write_text("\n".join(lines) + "\n")
        self.start()

    @property
    def url(self) -> str:
        return f"valkey{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, or start it again, and wait until it takes connections."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM or "", str(self.folder / "server.conf")], stdout=log, stderr=log
            )
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        log_text = (self.folder / "server.log").read_text()
        raise RuntimeError(f"{PROGRAM} did not start:\n{log_text}")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def ask(self, *words: str) -> str:
        """Send a command as an administrator would, and return what is answered."""
        command = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(command.encode())
            answer = connection.makefile("rb")
            first = answer.readline().decode().strip()
            return answer.read(int(first[1:])).decode() if first.startswith("$") else first
