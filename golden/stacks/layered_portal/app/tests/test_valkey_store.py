"""Sessions in a real Valkey or Redis server, and in caches that fail in all the ways they can."""

import asyncio
import hashlib
import hmac
import ipaddress
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from app.session_stores.valkey import RoleToken, ValkeyStore, open_store
from app.sessions import StoreUnavailableError
from session_store_contract import SessionStoreContract, new_key, record
from valkey_server import ValkeyServer, need_program

pytestmark = pytest.mark.anyio
INFRA = Path(__file__).parents[2] / "infra"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[type[ValkeyServer]]:
    """Start servers with options of a test's own; they end with the test."""
    need_program()
    started = []

    def make(*options: str, tls: bool = False) -> ValkeyServer:
        folder = tmp_path / f"server-{len(started)}"
        folder.mkdir()
        started.append(ValkeyServer(folder, *options, tls=tls))
        return started[-1]

    yield make  # type: ignore[misc]
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """Start the one server of all tests that leave it as it was."""
    need_program()
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture
async def store(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ValkeyStore]:
    async with opened(monkeypatch, url=server.url) as store:
        yield store


@asynccontextmanager
async def opened(monkeypatch: pytest.MonkeyPatch, **settings: str) -> AsyncIterator[ValkeyStore]:
    """Open a store with these settings, and close it in the end."""
    for name, value in settings.items():
        monkeypatch.setenv(f"APP_SESSION_CACHE_{name.upper()}", value)
    store = open_store()
    try:
        yield store
    finally:
        await store.close()


class TestValkeyStore(SessionStoreContract):
    """Every promise of a store, on a server that lets everybody do everything."""


class TestValkeyStoreWithItsPermissions(SessionStoreContract):
    """The same with the permissions that Terraform gives, and a token for a password."""

    @pytest.fixture
    async def store(
        self, start: type[ValkeyServer], monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[ValkeyStore]:
        # A server knows no roles; `nopass` takes whatever password, as long as one is sent.
        server = start("user default off", f"user shop-test-sessions nopass {permissions()}")
        who = {"user": "shop-test-sessions", "name": "shop-test-sessions"}
        async with opened(monkeypatch, url=server.url, **who) as store:
            yield store


def permissions() -> str:
    """What the servers' user may do, word for word."""
    text = (INFRA / "session_cache.tf").read_text()
    [found] = re.findall(r'"(on ~session:\* .*)"', text)
    return str(found)


async def test_what_two_stores_share_is_the_cache(
    store: ValkeyStore, server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
):
    key, put = new_key(), record('{"count":1}')

    await store.put(key, put, replaces=None)

    async with opened(monkeypatch, url=server.url) as another:
        assert await another.get(key) == put


async def test_the_cache_drops_a_session_when_its_time_is_over(
    store: ValkeyStore, server: ValkeyServer
):
    def seconds_left() -> int:
        return int(server.ask("TTL", f"session:{key}").removeprefix(":"))

    key, put = new_key(), record(lasts=600)
    await store.put(key, put, replaces=None)
    assert 598 <= seconds_left() <= 600

    await store.touch(key, put.expires_at + 300)
    assert 898 <= seconds_left() <= 900

    await store.touch(key, int(time.time()) - 1)
    assert await store.get(key) is None


async def test_a_connection_that_was_closed_is_made_anew(store: ValkeyStore, server: ValkeyServer):
    """ElastiCache closes each after twelve hours, and all when another node takes over."""
    key, put = new_key(), record()
    await store.put(key, put, replaces=None)

    assert server.ask("CLIENT", "KILL", "TYPE", "normal") == ":1"

    assert await store.get(key) == put


async def test_a_primary_that_takes_no_writes_any_more_is_left_for_the_new_one(
    start: type[ValkeyServer], monkeypatch: pytest.MonkeyPatch
):
    """After a failover the old one may answer on; its name already leads to the other."""
    old, new, key = start(), start(), new_key()
    leads_to = old

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", leads_to.port)
        await asyncio.gather(copy(reader, forth), copy(back, writer))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(lead, "127.0.0.1", 0) as name:
        url = f"valkey://127.0.0.1:{name.sockets[0].getsockname()[1]}"
        async with opened(monkeypatch, url=url) as store:
            await store.get(key)
            old.ask("REPLICAOF", "127.0.0.1", str(new.port))
            leads_to = new

            await store.put(key, record(), replaces=None)

    assert new.ask("EXISTS", f"session:{key}") == ":1"


async def test_a_cache_that_dies_costs_little_time_and_is_used_again_once_it_is_back(
    start: type[ValkeyServer], monkeypatch: pytest.MonkeyPatch
):
    server, key, put = start("appendonly yes", "appendfsync always"), new_key(), record()
    async with opened(monkeypatch, url=server.url) as store:
        await store.put(key, put, replaces=None)
        server.stop()

        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="ConnectionError"):
            await store.get(key)
        assert time.monotonic() - began < 2

        server.start()
        assert await store.get(key) == put


async def test_who_gave_up_waiting_leaves_no_answer_to_the_next(
    store: ValkeyStore, server: ValkeyServer
):
    """One user must never be shown the session of another."""
    keys = [new_key() for _ in range(40)]
    for number, key in enumerate(keys):
        await store.put(key, record(str(number)), replaces=None)

    server.ask("CLIENT", "PAUSE", "300", "ALL")
    waiting = [asyncio.create_task(store.get(key)) for key in keys]
    await asyncio.sleep(0.1)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    found = await asyncio.gather(*(store.get(key) for key in reversed(keys)))
    assert [each and each.data for each in found] == [str(n) for n in reversed(range(40))]


async def test_a_full_cache_is_a_store_that_is_not_available(
    start: type[ValkeyServer], monkeypatch: pytest.MonkeyPatch
):
    server = start("maxmemory 1", "maxmemory-policy noeviction")
    async with opened(monkeypatch, url=server.url) as store:
        with pytest.raises(StoreUnavailableError, match="OutOfMemoryError"):
            await store.put(new_key(), record(), replaces=None)


async def test_the_password_of_a_cache_without_roles(
    start: type[ValkeyServer], monkeypatch: pytest.MonkeyPatch
):
    server = start("user default off", "user shop on >right ~* +@all")

    async with opened(monkeypatch, url=server.url, user="shop", password="right") as store:
        assert await store.get(new_key()) is None
    async with opened(monkeypatch, url=server.url, user="shop", password="wrong") as store:
        with pytest.raises(StoreUnavailableError, match="AuthenticationError"):
            await store.get(new_key())


@pytest.mark.parametrize("name", ["127.0.0.1", "127.0.0.2"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_cache_must_prove_who_it_is(
    name: str,
    known: bool,
    start: type[ValkeyServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    certify(tmp_path, name)
    server = start(
        f"tls-cert-file {tmp_path}/cert.pem",
        f"tls-key-file {tmp_path}/key.pem",
        f"tls-ca-cert-file {tmp_path}/cert.pem",
        "tls-auth-clients no",
        tls=True,
    )
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/cert.pem")

    async with opened(monkeypatch, url=server.url) as store:
        if known and name == "127.0.0.1":
            await store.put(new_key(), record(), replaces=None)
        else:
            with pytest.raises(StoreUnavailableError, match="ConnectionError"):
                await store.get(new_key())


def certify(folder: Path, address: str) -> None:
    """Write a key, and a certificate for an address that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"-LOADING the data is being read\r\n", "BusyLoadingError"),
        (b"-NOPERM this user may not\r\n", "NoPermissionError"),
        (b"-ERR unknown command\r\n", "ResponseError"),
        (b"what?\r\n", "InvalidResponse"),
        (b"", "ConnectionError"),
    ],
)
async def test_whatever_a_cache_answers_instead_it_is_not_available(
    answer: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as cache:
        url = f"valkey://127.0.0.1:{cache.sockets[0].getsockname()[1]}"
        async with opened(monkeypatch, url=url) as store:
            with pytest.raises(StoreUnavailableError, match=f"^Valkey: {reason}$"):
                await store.get(new_key())


async def test_a_cache_that_does_not_answer_is_given_up_on(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"valkey://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        async with opened(monkeypatch, url=url) as store:
            with pytest.raises(StoreUnavailableError, match="TimeoutError"):
                await store.get(new_key())

    assert time.monotonic() - began < 4  # two attempts of a second


def test_a_token_is_a_request_to_connect_signed_by_the_role(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of/a+role=")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    token = RoleToken("shop-user", "shop-cache")()

    host, _, query = token.partition("/?")
    sent = dict(parse_qsl(query))
    assert host == "shop-cache"
    assert sent["Action"] == "connect"
    assert sent["User"] == "shop-user"
    assert sent["X-Amz-Expires"] == "900"
    assert sent["X-Amz-Security-Token"] == "of/a+role="
    assert "the-secret" not in token
    assert sent.pop("X-Amz-Signature") == signature(sent, "shop-cache", "the-secret")


def signature(sent: dict[str, str], host: str, secret: str) -> str:
    """Sign a request as AWS describes it (Signature Version 4), to compare with."""
    query = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(sent.items()))
    nothing = hashlib.sha256().hexdigest()
    request = f"GET\n/\n{query}\nhost:{host}\n\nhost\n{nothing}"
    time_of, scope = sent["X-Amz-Date"], sent["X-Amz-Credential"].partition("/")[2]
    assert scope == f"{time_of[:8]}/eu-central-1/elasticache/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{time_of}\n{scope}\n{hashed}"
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


@pytest.mark.parametrize("missing", ["role", "region"])
async def test_a_server_without_a_role_signs_in_nowhere(
    missing: str, monkeypatch: pytest.MonkeyPatch
):
    gone = ["AWS_ACCESS_KEY_ID"] if missing == "role" else ["AWS_DEFAULT_REGION", "AWS_REGION"]
    for variable in gone:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with socket.create_server(("127.0.0.1", 0)) as cache:
        url = f"valkey://127.0.0.1:{cache.getsockname()[1]}"
        async with opened(monkeypatch, url=url, user="u", name="c") as store:
            with pytest.raises(StoreUnavailableError, match="AuthenticationError"):
                await store.get(new_key())


async def test_who_gives_up_during_the_sign_in_leaves_no_stranger_behind(
    start: type[ValkeyServer], monkeypatch: pytest.MonkeyPatch
):
    server = start("user default off", f"user shop nopass {permissions()}")
    slow = 0.5

    def token(self: RoleToken) -> str:
        time.sleep(slow)
        return "token"

    monkeypatch.setattr(RoleToken, "__call__", token)
    async with opened(monkeypatch, url=server.url, user="shop", name="cache") as store:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.get(new_key()), 0.1)
        slow = 0

        assert await store.get(new_key()) is None


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "session_cache_url"),
        ({"url": "redis://127.0.0.1:6379"}, "session_cache_url"),
        ({"url": "valkeys://cache.example"}, "session_cache_url"),
        ({"url": "valkeys://shop:secret@cache.example:6379"}, "session_cache_url"),
        ({"url": "valkey://cache.example:6379"}, "must not travel unencrypted"),
        ({"url": "valkeys://cache.example:6379", "name": "c"}, "needs a session_cache_user"),
    ],
)
def test_without_a_cache_to_trust_the_application_does_not_start(
    settings: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("APP_SESSION_CACHE_PASSWORD", "secret")
    for name, value in settings.items():
        monkeypatch.setenv(f"APP_SESSION_CACHE_{name.upper()}", value)

    with pytest.raises(ValidationError, match=reason) as refused:
        open_store()

    assert "secret" not in str(refused.value)
