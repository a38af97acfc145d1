"""The deep health check over real stores: they die, hang and come back, and the page tells.

The application is one process of the generated repository. Behind it stands a table of a mock AWS
or a real Valkey or Redis; before it, once, a real nginx that would cache what it may.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.machine import free_port, need, needs_python
from tests.test_sessions import REGION, Program, cache

ROOT = Path(__file__).parent.parent
TABLE = "shop-dev-sessions"
PATH = "/health/deep"

PROBE_SECONDS = 1.0
CACHE_SECONDS = 1.0
IN_TIME = 5.0
"""Seconds the load balancer waits for an answer, by its variable's default."""

pytestmark = needs_python


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any
    seconds: float

    @property
    def works(self) -> dict[str, bool]:
        return {each["name"]: each["works"] for each in self.body["dependencies"]}


def ask(port: int, path: str = PATH) -> Answer:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    began = time.monotonic()
    try:
        with direct.open(f"http://127.0.0.1:{port}{path}", timeout=20) as got:
            status, headers, text = got.status, got.headers, got.read()
    except urllib.error.HTTPError as error:
        status, headers, text = error.code, error.headers, error.read()
    body = json.loads(text) if "json" in headers["Content-Type"] else None
    return Answer(status, headers, body, time.monotonic() - began)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The generated repository for each session store, written once."""
    written: dict[str, Path] = {}

    def repository(store: str) -> Path:
        if store not in written:
            template, folder = Template(ROOT), tmp_path_factory.mktemp(store) / "shop"
            choices = {"back_end": "sessions", "session_store": store}
            answer = resolve(template.catalog, ["deep_health_check"], choices)
            assert isinstance(answer, Resolution)
            for path, content in template.tree(answer, Answers(region=REGION)).items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
            written[store] = folder
        return written[store]

    return repository


@dataclass
class Stand:
    """One server, and the store it leans on."""

    server: Program
    store: Program
    fill: Callable[[], None]

    def ask(self) -> Answer:
        return ask(self.server.port)

    def ask_anew(self) -> Answer:
        """Ask once the last answer is no longer given again."""
        time.sleep(CACHE_SECONDS + 0.2)
        return self.ask()


Start = Callable[..., Stand]


@pytest.fixture
def start(
    repositories: Callable[[str], Path], tmp_path: Path, python: Path
) -> Iterator[Callable[..., Stand]]:
    started: list[Program] = []

    def start(kind: str, policy: str = "degrade", cache_seconds: float = CACHE_SECONDS) -> Stand:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("APP_", "AWS_"))}
        aws = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        aws |= {"AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
        if kind == "valkey":
            store = cache(tmp_path / "store")
            settings = {"APP_SESSION_CACHE_URL": f"valkey://127.0.0.1:{store.port}"}
        else:
            port = free_port()
            moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
            store = Program(moto, port, tmp_path / "store", kept)
            settings = {
                "APP_SESSION_TABLE": TABLE,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            }

        def fill() -> None:
            if kind == "dynamodb":
                boto3.client(
                    "dynamodb",
                    aws_access_key_id="test",
                    aws_secret_access_key="test",
                    endpoint_url=settings["AWS_ENDPOINT_URL"],
                    region_name=REGION,
                ).create_table(
                    TableName=TABLE,
                    AttributeDefinitions=[{"AttributeName": "session_key", "AttributeType": "S"}],
                    KeySchema=[{"AttributeName": "session_key", "KeyType": "HASH"}],
                    BillingMode="PAY_PER_REQUEST",
                )

        store.start()
        started.append(store)
        fill()
        port = free_port()
        command = [str(python), "-m", "uvicorn", "--factory", "app.main:create_app"]
        server = Program(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--no-access-log"],
            port,
            tmp_path / "server",
            {
                **kept,
                **aws,
                **settings,
                "APP_HEALTH_CACHE_SECONDS": str(cache_seconds),
                "APP_HEALTH_PROBE_SECONDS": str(PROBE_SECONDS),
                "APP_HEALTH_SHARED_FAULT": policy,
                "PYTHONPATH": str(repositories(kind) / "app/src"),
            },
        )
        server.start()
        started.append(server)
        return Stand(server, store, fill)

    yield start
    for program in reversed(started):
        program.kill()


@pytest.mark.parametrize(
    ("policy", "status", "word"), [("degrade", 200, "degraded"), ("fail", 503, "failed")]
)
@pytest.mark.parametrize("kind", ["dynamodb", "valkey"])
def test_a_store_that_dies_hangs_and_comes_back_is_told_in_time(
    start: Start, kind: str, policy: str, status: int, word: str
) -> None:
    stand = start(kind, policy)
    well = stand.ask()
    assert (well.status, well.body["status"], well.works) == (200, "ok", {"session store": True})

    with stand.store.hanging():
        hanging = stand.ask_anew()
    assert (hanging.status, hanging.body["status"]) == (status, word)
    assert PROBE_SECONDS <= hanging.seconds < IN_TIME

    assert stand.ask_anew().body["status"] == "ok"

    stand.store.kill()
    dead = stand.ask_anew()
    assert (dead.status, dead.body["status"], dead.works) == (
        status,
        word,
        {"session store": False},
    )
    assert dead.seconds < IN_TIME
    # Who asks whether the process is there is told so, whatever stands behind it.
    assert ask(stand.server.port, "/health").status == 200

    stand.store.start()
    stand.fill()
    assert stand.ask_anew().body["status"] == "ok"


def told(port: int, *words: str) -> str:
    """What the cache answers an administrator."""
    command = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(command.encode())
        answer = connection.makefile("rb")
        first = answer.readline().decode().strip()
        return answer.read(int(first[1:])).decode() if first.startswith("$") else first


def test_a_hundred_checks_at_once_read_the_store_once(start: Start) -> None:
    stand = start("valkey", cache_seconds=60)
    time.sleep(1)  # the look after the start is over
    assert told(stand.store.port, "CONFIG", "RESETSTAT") == "+OK"

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: stand.ask(), range(100)))

    assert {answer.body["status"] for answer in answers} == {"ok"}
    reads = told(stand.store.port, "INFO", "commandstats")
    assert "cmdstat_hmget:calls=1," in reads, reads


CACHING = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/fastcgi;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  proxy_cache_path {folder}/cache keys_zone=all:1m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{behind};
      proxy_cache all;
      proxy_cache_valid any 10m;
    }}
  }}
}}
"""


def test_a_caching_proxy_passes_every_check_on(start: Start, tmp_path: Path) -> None:
    nginx = need("nginx")
    stand = start("valkey")
    folder, port = tmp_path / "proxy", free_port()
    folder.mkdir()
    text = CACHING.format(folder=folder, port=port, behind=stand.server.port)
    (folder / "nginx.conf").write_text(text)
    command = [nginx, "-p", str(folder), "-e", "error.log", "-c", "nginx.conf"]
    proxy = Program(command, port, folder, dict(os.environ))
    proxy.start()

    def answered(path: str) -> set[str]:
        """The ids of the requests that the application answered, out of three that were sent."""
        answers = [ask(port, path) for _ in range(3)]
        assert {answer.status for answer in answers} == {200}
        return {answer.headers["X-Request-Id"] for answer in answers}

    try:
        assert len(answered("/static/style.css")) == 1, "the proxy caches nothing at all"
        assert len(answered(PATH)) == 3
        stand.store.kill()
        time.sleep(CACHE_SECONDS + 0.2)
        assert ask(port).body["status"] == "degraded"
    finally:
        proxy.process.terminate()
        proxy.process.wait(10)
