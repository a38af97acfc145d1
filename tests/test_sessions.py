"""Sessions across real processes: two of the generated application, and the store between them.

Each store is rendered, its settings and its table are applied to a mock AWS, and the application
reads them from there, as on a server. The session table is the mock's; the session cache is a
real Valkey or Redis, which the mock has none of.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import client
from tests.machine import free_port, needs_python, needs_terraform

ROOT = Path(__file__).parent.parent
REGION = "eu-central-1"
CACHE_PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")
STORES = ["dynamodb", "valkey"]

PROVIDER = """\
provider "aws" {
  access_key                  = "test"
  secret_key                  = "test"
  max_retries                 = 2
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""

pytestmark = [
    needs_terraform,
    needs_python,
]


def need_a_cache() -> str:
    """The program that plays the session cache; in CI it must be there."""
    if CACHE_PROGRAM is None:
        told = "neither valkey-server nor redis-server was found (in CI one must be there)"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return CACHE_PROGRAM


@dataclass
class Program:
    """A program of this test that listens on a port, and may be ended and started again."""

    command: list[str]
    port: int
    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        for _ in range(300):
            if self.listens():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        pytest.fail(f"{self.command} does not listen\n{(self.folder / 'log').read_text()}")

    def listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Keep it from doing anything, with its connections open."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Server:
    """One process of the generated application."""

    program: Program
    name: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.program.port}"


@dataclass
class Browser:
    """Keeps the session's cookie, whichever server gave it."""

    cookie: str = ""

    def ask(self, method: str, server: Server, path: str, body: object = None) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - a server of this test
            server.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Cookie": self.cookie},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=20) as answer:
                if given := answer.headers["Set-Cookie"]:
                    self.cookie = given.partition(";")[0]
                return Answer(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode())


@dataclass
class Stack:
    """A generated repository, its settings in a mock AWS, and its session store."""

    repository: Path
    python: Path
    aws: Program
    store: Program
    variables: list[str]
    started: list[Program] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("APP_", "AWS_"))},
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.aws.port}",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def terraform(self, *arguments: str) -> None:
        done = subprocess.run(
            ["terraform", f"-chdir={self.repository / 'infra'}", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"terraform {arguments}\n{done.stdout[-3000:]}\n{done.stderr}"

    def apply(self) -> None:
        """Bring what sessions need into the mock AWS: the settings, and the table if it is one.

        With the table comes what the servers' role may do with it.
        """
        parameters = [
            f"-target=aws_ssm_parameter.{file.stem}"
            for file in (self.repository / "infra").glob("*.tf")
            if f'"aws_ssm_parameter" "{file.stem}"' in file.read_text()
        ]
        rights = ["-target=aws_iam_role_policy.session_table"] if self.store is self.aws else []
        given = [f"-var={variable}" for variable in self.variables]
        self.terraform("apply", "-auto-approve", "-input=false", *given, *parameters, *rights)

    def client(self, service: str) -> Any:
        return client(service, self.environment["AWS_ENDPOINT_URL"], REGION)

    def server(self, name: str) -> Server:
        """Start the application as a server would, but for its port and its metadata."""
        port = free_port()
        command = [str(self.python), "-m", "uvicorn", "--factory", "app.main:create_app"]
        program = Program(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--no-access-log"],
            port,
            self.repository / f".local/{name}",
            {
                **self.environment,
                "APP_INSTANCE_ID": f"i-{name}",
                "APP_SETTINGS_PATH": "/shop/dev/app",
                "APP_ZONE": f"{REGION}a",
                "PYTHONPATH": str(self.repository / "app/src"),
            },
        )
        self.started.append(program)
        program.start()
        return Server(program, name)


def tree(store: str) -> dict[str, bytes]:
    template = Template(ROOT)
    answer = resolve(template.catalog, ["state_sharing"], {"session_store": store})
    assert isinstance(answer, Resolution)
    return template.tree(answer, Answers(region=REGION))


def write(store: str, folder: Path) -> Path:
    for path, content in tree(store).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def standing(
    tmp_path_factory: pytest.TempPathFactory, python: Path
) -> Iterator[Callable[[str], Stack]]:
    """Each store: rendered and brought up once, when first asked for."""
    stacks: dict[str, Stack] = {}

    def stand(store: str) -> Stack:
        if store not in stacks:
            folder = tmp_path_factory.mktemp(store)
            repository = write(store, folder / "shop")
            (repository / "infra/mock_override.tf").write_text(PROVIDER)
            port = free_port()
            moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
            aws = Program(moto, port, folder / "aws", dict(os.environ))
            stack = Stack(repository, python, aws, aws, ["state_sharing_ttl_seconds=120"])
            if store == "valkey":
                stack.store = cache(folder / "cache")
                stack.variables.append(f"session_cache_url=valkey://127.0.0.1:{stack.store.port}")
                stack.store.start()
            stacks[store] = stack
            stack.aws.start()
            stack.terraform("init", "-input=false", "-backend=false")
            stack.apply()
        return stacks[store]

    yield stand
    for stack in stacks.values():
        for program in (stack.aws, stack.store):
            if hasattr(program, "process"):
                program.kill()


@pytest.fixture
def stand(standing: Callable[[str], Stack]) -> Iterator[Callable[[str], Stack]]:
    """Hand out a stack; the application's processes end with the test, the rest stands on."""
    used: list[Stack] = []

    def hand_out(store: str) -> Stack:
        used.append(standing(store))
        return used[-1]

    yield hand_out
    for stack in used:
        while stack.started:
            stack.started.pop().kill()


def cache(folder: Path) -> Program:
    """A cache that keeps its sessions when it is killed, as a copy in another zone would."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    kept = ["--appendonly", "yes", "--appendfsync", "always"]
    return Program([need_a_cache(), *options, *kept], port, folder, dict(os.environ))


@pytest.mark.parametrize("store", STORES)
def test_a_session_written_by_one_process_is_read_by_another(
    store: str, stand: Callable[[str], Stack]
) -> None:
    """The server that began it is killed, as servers are; its user notices nothing."""
    stack = stand(store)
    first, second = stack.server("first"), stack.server("second")
    browser = Browser()
    began = browser.ask("PUT", first, "/session/colour", "green")
    assert began.status == 204, began.text

    first.program.kill()

    assert browser.ask("GET", second, "/session").json == {"colour": "green"}
    assert browser.ask("GET", second, "/whoami").json["instance_id"] == "i-second"
    # What Terraform was given is what the browser is told.
    assert began.headers["Set-Cookie"].startswith("__Host-sid=")
    assert began.headers["Set-Cookie"].endswith(
        "; Path=/; Max-Age=120; HttpOnly; SameSite=Lax; Secure"
    )


@pytest.mark.parametrize("store", STORES)
def test_two_processes_that_change_one_session_at_once_lose_nothing(
    store: str, stand: Callable[[str], Stack]
) -> None:
    """Four changes at the same time, two on each server, and all four are kept."""
    stack = stand(store)
    servers = [stack.server("first"), stack.server("second")]
    browser = Browser()
    browser.ask("PUT", servers[0], "/session/start", 0)
    together = threading.Barrier(4)

    def change(number: int) -> int:
        another = Browser(browser.cookie)
        together.wait(10)
        return another.ask("PUT", servers[number % 2], f"/session/n{number}", number).status

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(change, range(4))) == [204] * 4

    kept = {"start": 0, "n0": 0, "n1": 1, "n2": 2, "n3": 3}
    assert browser.ask("GET", servers[1], "/session").json == kept


@pytest.mark.parametrize("store", STORES)
def test_a_store_that_hangs_holds_no_page_up_and_loses_no_session(
    store: str, stand: Callable[[str], Stack]
) -> None:
    """It stops answering in the middle, and later goes on."""
    stack = stand(store)
    server, browser = stack.server("only"), Browser()
    assert browser.ask("PUT", server, "/session/colour", "green").status == 204
    cookie = browser.cookie

    with stack.store.hanging():
        began = time.monotonic()
        refused = browser.ask("PUT", server, "/session/colour", "red")
        page = browser.ask("GET", server, "/")
        took = time.monotonic() - began
        assert browser.ask("GET", server, "/health").status == 200

    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert page.status == 200
    assert "not available" in page.text
    assert took < 8  # two waits of two seconds each, and a slow machine
    assert browser.cookie == cookie
    # A refused change may have arrived all the same; nothing else may have happened.
    kept = browser.ask("GET", server, "/session").json
    assert kept in ({"colour": "green"}, {"colour": "red"})


@pytest.mark.parametrize("store", STORES)
def test_a_store_that_dies_is_used_again_once_it_is_back(
    store: str, stand: Callable[[str], Stack]
) -> None:
    """Nobody starts the application anew for it."""
    stack = stand(store)
    server, browser = stack.server("only"), Browser()
    assert browser.ask("PUT", server, "/session/colour", "green").status == 204

    stack.store.kill()

    assert browser.ask("GET", server, "/session").status == 503
    assert browser.ask("GET", server, "/").status == 200
    assert browser.ask("GET", server, "/health").status == 200

    stack.store.start()
    if store == "dynamodb":
        stack.apply()  # the mock forgot everything
        assert browser.ask("PUT", server, "/session/colour", "green").status == 204
    assert browser.ask("GET", server, "/session").json == {"colour": "green"}


def test_a_server_may_use_single_sessions_of_the_one_table(stand: Callable[[str], Stack]) -> None:
    """What its role holds in AWS, which is more than what a document in the configuration says."""
    stack = stand("dynamodb")

    held = stack.client("iam").get_role_policy(
        RoleName="shop-dev-servers", PolicyName="session-table"
    )["PolicyDocument"]
    table = stack.client("dynamodb").describe_table(TableName="shop-dev-sessions")["Table"]

    for statement in held["Statement"]:
        statement["Action"] = sorted(statement["Action"])
    assert held["Statement"] == [
        {
            "Sid": "OneSessionAtATime",
            "Effect": "Allow",
            "Action": [
                "dynamodb:DeleteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            ],
            "Resource": table["TableArn"],
        }
    ]


def show(stack: Stack, servers: list[dict[str, str]]) -> subprocess.CompletedProcess[str]:
    """Run the step that shows a session which moves, with these servers."""
    (stack.repository / ".local").mkdir(exist_ok=True)
    (stack.repository / ".local/servers.json").write_text(json.dumps(servers))
    step = stack.repository / "local/steps/60-session.py"
    return subprocess.run(
        [sys.executable, str(step)], capture_output=True, text=True, timeout=60, check=False
    )


def told(server: Server) -> dict[str, str]:
    return {"name": server.name, "url": server.url}


def test_the_local_step_shows_a_session_that_moves(stand: Callable[[str], Stack]) -> None:
    stack = stand("dynamodb")
    first, second = stack.server("first"), stack.server("second")
    before = stack.client("dynamodb").scan(TableName="shop-dev-sessions")["Items"]

    done = show(stack, [told(first), told(second)])

    assert done.returncode == 0, done.stderr
    assert f"first ({first.url}) put " in done.stdout
    assert f"second ({second.url}) found " in done.stdout
    kept = stack.client("dynamodb").scan(TableName="shop-dev-sessions")["Items"]
    assert kept == before, "the session that was shown is left behind"


def test_the_local_step_fails_where_a_session_is_lost(stand: Callable[[str], Stack]) -> None:
    """The second server here shares nothing with the first one."""
    stack = stand("dynamodb")
    first = stack.server("first")

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{stranger.server_port}"
        lost = show(stack, [told(first), {"name": "second", "url": url}])
        stranger.shutdown()
    first.program.kill()
    away = show(stack, [told(first), told(first)])
    alone = show(stack, [told(first)])

    assert (lost.returncode, lost.stderr) == (
        1,
        f"the session is lost: second ({url}) found {{}}\n",
    )
    assert away.returncode == 1
    assert away.stderr.startswith(f"first at {first.url} does not answer: ")
    assert alone.returncode == 1
    assert "needs two servers" in alone.stderr


def run_cache_step(
    repository: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    step = repository / "local/steps/40-session-cache.py"
    return subprocess.run(
        [sys.executable, str(step), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def led_to(stand: Callable[[str], Stack]) -> Iterator[Callable[[str], Stack]]:
    """The stack with the cache, its setting leading elsewhere until the test ends."""
    stack = stand("valkey")
    setting = {"Name": "/shop/dev/app/session_cache_url", "Type": "String", "Overwrite": True}
    ssm = stack.client("ssm")
    before = ssm.get_parameter(Name=setting["Name"])["Parameter"]["Value"]

    def lead(url: str) -> Stack:
        ssm.put_parameter(Value=url, **setting)
        return stack

    yield lead
    ssm.put_parameter(Value=before, **setting)


def test_the_local_step_starts_a_cache_where_the_application_looks_and_ends_just_that(
    led_to: Callable[[str], Stack],
) -> None:
    port = free_port()
    stack = led_to(f"valkey://127.0.0.1:{port}")
    here = (stack.repository, stack.environment)

    up = run_cache_step(*here)
    again = run_cache_step(*here, "up")
    server, browser = stack.server("only"), Browser()
    written = browser.ask("PUT", server, "/session/colour", "green")
    down = run_cache_step(*here, "down")
    silent = browser.ask("GET", server, "/session")
    down_again = run_cache_step(*here, "down")

    assert up.returncode == 0, up.stderr
    assert f"answers on valkey://127.0.0.1:{port}\n" in up.stdout
    assert again.returncode == 0, again.stderr
    assert written.status == 204
    assert (down.returncode, down_again.returncode) == (0, 0)
    assert silent.status == 503
    assert stack.store.process.poll() is None, "a server of somebody else was stopped"


def test_the_local_step_leaves_a_server_alone_that_it_did_not_start(
    led_to: Callable[[str], Stack], stand: Callable[[str], Stack]
) -> None:
    port = stand("valkey").store.port
    stack = led_to(f"valkey://127.0.0.1:{port}")

    taken = run_cache_step(stack.repository, stack.environment)

    assert taken.returncode == 1
    assert taken.stderr == (
        f"port {port} is taken by a server that this step did not start; stop that first\n"
    )
    assert stack.store.process.poll() is None


def test_the_local_step_starts_no_cache_for_an_address_elsewhere(
    led_to: Callable[[str], Stack],
) -> None:
    stack = led_to("valkeys://cache.example.com:6379")

    done = run_cache_step(stack.repository, stack.environment)

    assert done.returncode == 1
    assert done.stderr == (
        "…/app/session_cache_url is valkeys://cache.example.com:6379; this step starts a cache on"
        " valkey://127.0.0.1 only\n"
    )


def test_without_a_program_for_the_cache_the_local_step_says_what_to_install(
    tmp_path: Path,
) -> None:
    repository = write("valkey", tmp_path / "shop")

    done = run_cache_step(repository, {"PATH": str(tmp_path)})

    assert done.returncode == 1
    assert done.stderr == (
        "the sessions need a cache, and neither valkey-server nor redis-server was found; install"
        " one of them, such as with `apt-get install redis-server` or `brew install valkey`\n"
    )
