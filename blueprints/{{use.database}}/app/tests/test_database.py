"""The database as the application sees it: a real server, and all the ways it can go away."""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGSTOP
from typing import Any

import boto3
import pytest
from moto import mock_aws
from psycopg import errors
from pydantic import ValidationError
from starlette.testclient import TestClient

from app.checks import Check, fault
from app.database import Database, DatabaseSettings, DatabaseUnavailableError, SignedIn
from app.features import database as feature
from app.main import build
from app.settings import Settings
from postgres_server import PostgresServer, certify, free_port, need_programs

pytestmark = pytest.mark.anyio


@pytest.fixture
def start() -> Iterator[Callable[..., PostgresServer]]:
    """Start servers of a test's own; they end with the test."""
    need_programs()
    started = []

    def make(**options: str) -> PostgresServer:
        started.append(PostgresServer(**options))
        return started[-1]

    yield make
    for server in started:
        server.remove()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Start the one server of all tests that leave it as it was."""
    need_programs()
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture(autouse=True)
def secret() -> Iterator[str]:
    """Keep a password in the mock's Secrets Manager, as RDS would."""
    with mock_aws():
        made = boto3.client("secretsmanager", region_name="eu-central-1").create_secret(
            Name="rds!db-of-a-test",
            SecretString=json.dumps({"username": "app", "password": "first"}),
        )
        yield made["ARN"]


def rotate(secret: str, password: str) -> None:
    boto3.client("secretsmanager", region_name="eu-central-1").put_secret_value(
        SecretId=secret, SecretString=json.dumps({"username": "app", "password": password})
    )


def settings(server: PostgresServer, secret: str, **others: object) -> DatabaseSettings:
    told = {
        "database_host": "127.0.0.1",
        "database_port": server.port,
        "database_name": "app",
        "database_secret_arn": secret,
        "database_ca_file": str(server.ca_file),
        "database_seconds": 20,  # a machine that is busy takes its time
    }
    return DatabaseSettings(**(told | others))


@asynccontextmanager
async def opened(server: PostgresServer, secret: str, **others: object) -> AsyncIterator[Database]:
    database = Database(settings(server, secret, **others))
    try:
        yield database
    finally:
        await database.close()


async def test_a_query_is_answered_over_an_encrypted_connection(
    server: PostgresServer, secret: str
):
    async with opened(server, secret) as database:
        found = await database.read(
            "SELECT ssl, %(word)s FROM pg_stat_ssl WHERE pid = pg_backend_pid()", {"word": "x"}
        )

    assert found == [(True, "x")]


@pytest.mark.parametrize("fault", ["another name", "an unknown issuer", "no issuer at all"])
async def test_a_server_must_prove_that_it_is_the_database(
    fault: str,
    server: PostgresServer,
    start: Callable[..., PostgresServer],
    secret: str,
    tmp_path: Path,
):
    ca_file = tmp_path / "ca.pem"
    if fault == "another name":
        server = start(certified="127.0.0.2")
        ca_file = server.ca_file
    elif fault == "an unknown issuer":
        certify(tmp_path, "127.0.0.1")

    async with opened(server, secret, database_ca_file=str(ca_file)) as database:
        with pytest.raises(DatabaseUnavailableError, match=r"certificate"):
            await database.ping()


async def test_a_transaction_is_kept_whole_or_not_at_all(server: PostgresServer, secret: str):
    server.tell("CREATE TABLE IF NOT EXISTS notes (text text UNIQUE); TRUNCATE notes")

    async with opened(server, secret) as database:
        await note(database, "kept")
        with pytest.raises(errors.UniqueViolation):
            await note(database, "lost", "kept")
        found = await database.read("SELECT text FROM notes")

    assert found == [("kept",)]


async def note(database: Database, *texts: str) -> None:
    async with database.connection() as connection:
        for text in texts:
            await connection.execute("INSERT INTO notes VALUES (%s)", (text,))


async def test_requests_share_a_few_connections(server: PostgresServer, secret: str):
    async with opened(server, secret, database_connections=2) as database:
        found = await asyncio.gather(
            *(database.read("SELECT pg_backend_pid(), pg_sleep(0.01)") for _ in range(20))
        )

    assert 1 <= len({rows[0][0] for rows in found}) <= 2


async def test_idle_connections_that_died_in_a_failover_reach_no_request(
    start: Callable[..., PostgresServer], secret: str
):
    server = start()
    async with opened(server, secret) as database:
        await asyncio.gather(*(database.read("SELECT pg_sleep(0.05)") for _ in range(5)))
        server.stop()
        server.start()

        async with database.connection() as connection:  # which tries once and no more
            found = await (await connection.execute("SELECT 1")).fetchall()

    assert found == [(1,)]


@pytest.mark.parametrize("where", ["before it asks", "in the midst of its query"])
async def test_a_request_outlives_a_failover(
    where: str, start: Callable[..., PostgresServer], secret: str
):
    server = start()
    async with opened(server, secret) as database:
        await database.read("SELECT 1")
        if where == "before it asks":
            server.stop()
            asked = asyncio.create_task(database.read("SELECT 'answered'"))
            await asyncio.sleep(0.3)
        else:
            asked = asyncio.create_task(database.read("SELECT 'answered' FROM pg_sleep(1)"))
            await asyncio.sleep(0.3)
            server.stop()
        assert not asked.done()
        await asyncio.to_thread(server.start)

        assert await asked == [("answered",)]


async def test_a_database_that_is_gone_is_given_up_on_and_used_again_once_it_is_back(
    start: Callable[..., PostgresServer], secret: str
):
    server = start()
    async with opened(server, secret, database_seconds=3) as database:
        await database.read("SELECT 1")
        server.stop(SIGINT)

        began = time.monotonic()
        with pytest.raises(DatabaseUnavailableError):
            await database.read("SELECT 1")
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()
        assert time.monotonic() - began < 15

        await asyncio.to_thread(server.start)
        assert await database.read("SELECT 1") == [(1,)]
        await database.ping()


async def test_a_changed_password_is_read_again(start: Callable[..., PostgresServer], secret: str):
    server = start()
    async with opened(server, secret) as database:
        async with database.connection() as held:
            server.change_password("second")
            rotate(secret, "second")

            async with database.connection() as another:
                assert await (await another.execute("SELECT 1")).fetchall() == [(1,)]
            assert await (await held.execute("SELECT 2")).fetchall() == [(2,)]
        await database.ping()


async def test_while_database_and_secret_differ_a_request_waits(
    start: Callable[..., PostgresServer], secret: str
):
    """RDS changes one after the other."""
    server = start()
    server.change_password("second")
    async with opened(server, secret) as database:
        asked = asyncio.create_task(database.read("SELECT 'answered'"))
        await asyncio.sleep(0.3)
        rotate(secret, "second")

        assert await asked == [("answered",)]


async def test_without_its_secret_the_database_is_not_available(
    server: PostgresServer, secret: str
):
    async with opened(server, f"{secret}-other") as database:
        with pytest.raises(DatabaseUnavailableError, match="the secret: "):
            await database.ping()


async def test_a_connection_that_goes_silent_costs_a_moment_and_no_request(
    server: PostgresServer, secret: str
):
    """A machine that is lost with its network closes nothing."""
    async with opened(server, secret) as database:
        [(pid,)] = await database.read("SELECT pg_backend_pid()")
        with frozen(pid):
            began = time.monotonic()

            assert await database.read("SELECT 'answered'") == [("answered",)]

        assert 0.9 < time.monotonic() - began < 10


async def test_a_query_without_an_answer_is_given_up_on(server: PostgresServer, secret: str):
    async with opened(server, secret, database_seconds=2) as database:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailableError):
            await ask_into_the_silence(database)

    assert time.monotonic() - began < 12


async def test_a_transaction_may_take_longer_than_one_statement(
    server: PostgresServer, secret: str
):
    async with (
        opened(server, secret, database_seconds=2) as database,
        database.connection() as connection,
    ):
        for _ in range(4):
            await connection.execute("SELECT pg_sleep(1)")


async def test_a_later_statement_without_an_answer_is_given_up_on(
    server: PostgresServer, secret: str
):
    async with opened(server, secret, database_seconds=2) as database:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailableError):
            await commit_into_the_silence(database)

    assert time.monotonic() - began < 15


async def commit_into_the_silence(database: Database) -> None:
    with ExitStack() as silence:
        async with database.connection() as connection:
            await connection.execute("SELECT pg_sleep(1)")
            silence.enter_context(frozen(connection.info.backend_pid))


async def ask_into_the_silence(database: Database) -> None:
    async with database.connection() as connection:
        with frozen(connection.info.backend_pid):
            await connection.execute("SELECT 1")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Let the one process that serves a connection be silent, and close nothing."""
    os.kill(pid, SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, SIGCONT)


async def test_a_query_that_takes_too_long_is_ended_in_the_database(
    server: PostgresServer, secret: str
):
    async with opened(server, secret, database_seconds=2) as database:
        with pytest.raises(DatabaseUnavailableError, match="QueryCanceled"):
            await database.read("SELECT pg_sleep(30) AS marked")

    going_on = "SELECT 1 FROM pg_stat_activity WHERE query ~ '30. AS marked$' AND state = 'active'"
    assert server.tell(going_on) == []


async def test_a_ping_waits_for_no_request(server: PostgresServer, secret: str):
    async with (
        opened(server, secret, database_connections=1) as database,
        database.connection(),
    ):
        await database.ping()


async def test_a_server_that_never_answers_fails_the_ping_in_time(secret: str):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(
            DatabaseSettings(
                database_host="127.0.0.1",
                database_port=silent.getsockname()[1],
                database_name="app",
                database_secret_arn=secret,
                database_seconds=0.5,
            )
        )
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailableError, match="TimeoutError"):
            await database.ping()

    assert time.monotonic() - began < 5


async def test_a_ping_to_a_silent_server_can_be_given_up_on_at_once(
    server: PostgresServer, secret: str, monkeypatch: pytest.MonkeyPatch
):
    """Whoever asks has little time, and psycopg would first ask the server whether it may."""
    silent: asyncio.Queue[int] = asyncio.Queue()
    connect = SignedIn.connect

    async def connect_into_silence(**options: Any) -> SignedIn:
        connection = await connect(**options)
        os.kill(connection.info.backend_pid, SIGSTOP)
        silent.put_nowait(connection.info.backend_pid)
        return connection

    monkeypatch.setattr(SignedIn, "connect", connect_into_silence)
    async with opened(server, secret) as database:
        found = await fault(Check("database", database.ping, shared=True), 3)
        ping = asyncio.create_task(database.ping())
        pids = [await silent.get(), await silent.get()]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        ping.cancel()
        await asyncio.wait([ping])

    for pid in pids:
        os.kill(pid, SIGCONT)
    assert isinstance(found, TimeoutError)
    assert ping.cancelled()
    assert time.monotonic() - began < 4  # psycopg alone takes ten


@pytest.fixture
def client(
    server: PostgresServer, secret: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    for name, value in settings(server, secret).model_dump().items():
        monkeypatch.setenv(f"APP_{name.upper()}", str(value))
    with TestClient(build(Settings(instance_id="i-a", zone="zone-a"), [feature])) as client:
        yield client


def test_the_page_shows_the_database(client: TestClient, server: PostgresServer):
    [(version,)] = server.tell("SHOW server_version")

    told = client.get("/database").json()

    assert str(version).startswith(told["version"])
    assert told["milliseconds"] > 0
    assert f"<dt>PostgreSQL</dt><dd>{told['version']}</dd>" in client.get("/").text


def test_the_database_is_a_check_that_all_servers_share(client: TestClient):
    [check] = client.app.state.checks  # type: ignore[attr-defined]

    assert (check.name, check.shared) == ("database", True)
    assert client.portal is not None
    assert client.portal.call(fault, check, 20) is None


def test_without_its_database_the_application_starts_and_says_so(
    secret: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("APP_DATABASE_HOST", "127.0.0.1")
    monkeypatch.setenv("APP_DATABASE_PORT", str(free_port()))
    monkeypatch.setenv("APP_DATABASE_NAME", "app")
    monkeypatch.setenv("APP_DATABASE_SECRET_ARN", secret)
    monkeypatch.setenv("APP_DATABASE_SECONDS", "0.5")

    with TestClient(build(Settings(instance_id="i-a", zone="zone-a"), [feature])) as client:
        answer = client.get("/database")
        page = client.get("/")
        assert client.get("/health").status_code == 200

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json() == {"detail": "the database is not available at the moment"}
    assert page.status_code == 200
    assert "<dd>not available at the moment</dd>" in page.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_secret_arn", "a-password"),
        ("database_port", "0"),
        ("database_connections", "0"),
        ("database_seconds", "0"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
):
    told = {"host": "127.0.0.1", "name": "app", "secret_arn": "arn:aws:secretsmanager:x:1:secret:y"}
    for known, given in told.items():
        monkeypatch.setenv(f"APP_DATABASE_{known.upper()}", given)
    monkeypatch.setenv(f"APP_{name.upper()}", value)

    with pytest.raises(ValidationError, match=name):
        build(Settings(), [feature])
