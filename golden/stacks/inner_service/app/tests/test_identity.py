"""Who a server says it is, asked of a metadata service on loopback."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app import identity
from app.identity import Identity, WhoAmI
from app.settings import Settings


class MetadataService(BaseHTTPRequestHandler):
    """Version 2 of the service: without a token there is no answer."""

    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self.answer(200, "token-1" if self.headers["X-aws-ec2-metadata-token-ttl-seconds"] else "")

    def do_GET(self) -> None:
        if self.headers["X-aws-ec2-metadata-token"] != "token-1":
            self.answer(401, "")
            return
        document = {"instanceId": "i-0abc", "availabilityZone": "eu-west-1b"}
        self.answer(200, json.dumps(document))

    def answer(self, status: int, text: str) -> None:
        self.asked.append(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A running service; what it was asked for."""
    MetadataService.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), MetadataService) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{server.server_port}"
        )
        yield MetadataService.asked
        server.shutdown()
        thread.join()


pytestmark = pytest.mark.anyio


async def test_the_metadata_service_is_asked_once(asked: list[str]):
    whoami = WhoAmI(Settings())

    assert await whoami() == await whoami() == Identity("i-0abc", "eu-west-1b")
    assert asked == ["/latest/api/token", "/latest/dynamic/instance-identity/document"]


async def test_settings_win_and_nobody_is_asked(asked: list[str]):
    whoami = WhoAmI(Settings(instance_id="one", zone="desk"))

    assert await whoami() == Identity("one", "desk")
    assert asked == []


async def test_away_from_aws_the_host_is_named():
    assert await WhoAmI(Settings())() == Identity(socket.gethostname(), "unknown")


async def test_a_silent_service_costs_no_more_than_its_time_limit(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(identity, "METADATA_SECONDS", 0.2)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{port}")

        began = time.monotonic()
        found = await WhoAmI(Settings())()

    assert found.zone == "unknown"
    assert time.monotonic() - began < 2
