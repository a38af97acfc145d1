"""What the load balancer is told, with made-up dependencies that die, hang and come back."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import anyio
import httpx2
import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient

from app.checks import Check
from app.features import deep_health_check
from app.features.deep_health_check import PATH, DeepHealth, DeepHealthSettings
from app.main import build
from app.settings import Settings

pytestmark = pytest.mark.anyio


@dataclass
class Dependency:
    """Something behind the server that can be made to fail."""

    name: str
    shared: bool = False
    dead: bool = False
    hangs: bool = False
    seconds: float = 0.0
    asked: int = field(default=0, init=False)

    async def probe(self) -> None:
        self.asked += 1
        if self.hangs:
            await anyio.sleep_forever()
        await anyio.sleep(self.seconds)
        if self.dead:
            raise ConnectionRefusedError("store.internal:6379 as user shop")


@pytest.fixture
def disk() -> Dependency:
    return Dependency("disk")


@pytest.fixture
def store() -> Dependency:
    return Dependency("store", shared=True)


Serve = Callable[..., FastAPI]

BALANCER = "10.0.1.7"
"""Where a load balancer of this network asks from."""


@pytest.fixture
def serve(
    disk: Dependency, store: Dependency, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FastAPI]:
    """Build the application with both; the settings are those of the pattern."""

    def serve(**settings: object) -> FastAPI:
        usual = {"probe_seconds": 0.2, "cache_seconds": 0, "network": "10.0.0.0/16"}
        for name, value in {**usual, **settings}.items():
            monkeypatch.setenv(f"APP_HEALTH_{name.upper()}", str(value))
        later = ModuleType("later")  # features that come after this one bring checks as well
        later.register = lambda app, core: app.state.checks.extend(  # type: ignore[attr-defined]
            Check(each.name, each.probe, each.shared) for each in (disk, store)
        )
        return build(Settings(instance_id="i-1", zone="zone-a"), [deep_health_check, later])

    return serve


def asking(app: FastAPI, peer: str = BALANCER) -> TestClient:
    """A client at some address; without one it is the load balancer, with a check of its own."""
    return TestClient(app, client=(peer, 50000))


def told(client: TestClient) -> tuple[int, str, dict[str, bool]]:
    answer = client.get(PATH)
    body = answer.json()
    return answer.status_code, body["status"], {d["name"]: d["works"] for d in body["dependencies"]}


def test_all_is_well(serve: Serve):
    answer = asking(serve()).get(PATH)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "dependencies": [
            {"name": "disk", "shared": False, "works": True, "reason": None},
            {"name": "store", "shared": True, "works": True, "reason": None},
        ],
    }


def test_a_dead_dependency_of_its_own_takes_the_server_out_and_back(serve: Serve, disk: Dependency):
    client = asking(serve())
    disk.dead = True
    assert told(client) == (503, "failed", {"disk": False, "store": True})

    disk.dead = False
    assert told(client) == (200, "ok", {"disk": True, "store": True})


@pytest.mark.parametrize("how", ["dead", "hangs"])
@pytest.mark.parametrize(
    ("policy", "status", "word"), [("degrade", 200, "degraded"), ("fail", 503, "failed")]
)
def test_a_dependency_that_all_share_takes_servers_out_only_where_that_is_wanted(
    serve: Serve, store: Dependency, how: str, policy: str, status: int, word: str
):
    setattr(store, how, True)

    assert told(asking(serve(shared_fault=policy))) == (
        status,
        word,
        {"disk": True, "store": False},
    )


def test_a_shared_fault_hides_no_fault_of_its_own(
    serve: Serve, disk: Dependency, store: Dependency
):
    store.dead = disk.dead = True

    assert told(asking(serve())) == (503, "failed", {"disk": False, "store": False})


def test_what_hangs_costs_its_limit_once_however_many_hang(
    serve: Serve, disk: Dependency, store: Dependency
):
    disk.hangs = store.hangs = True
    client = asking(serve(probe_seconds=1))
    began = time.monotonic()

    answer = client.get(PATH)

    assert 1 <= time.monotonic() - began < 1.9
    assert answer.status_code == 503
    assert {d["reason"] for d in answer.json()["dependencies"]} == {"TimeoutError"}


def test_the_answer_names_kinds_of_errors_and_the_log_the_rest(
    serve: Serve, store: Dependency, caplog: pytest.LogCaptureFixture
):
    store.dead = True

    answer = asking(serve()).get(PATH)

    assert "ConnectionRefusedError" in answer.text
    assert "store.internal" not in answer.text
    (record,) = [vars(each) for each in caplog.records if each.levelno == logging.WARNING]
    assert record["reason"] == "ConnectionRefusedError: store.internal:6379 as user shop"


def test_a_fault_is_logged_when_it_begins_and_when_it_ends(
    serve: Serve, store: Dependency, caplog: pytest.LogCaptureFixture
):
    client = asking(serve())
    caplog.set_level(logging.INFO)
    for store.dead in (False, True, True, True, False, False):
        client.get(PATH)

    told = [(r.message, vars(r)["dependency"]) for r in caplog.records if "dependency" in vars(r)]
    assert told == [("a dependency fails", "store"), ("a dependency works again", "store")]


def test_no_cache_on_the_way_keeps_the_answer(serve: Serve, store: Dependency):
    client = asking(serve(shared_fault="fail"))
    for store.dead in (False, True):
        assert client.get(PATH).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [PATH, "/%68ealth/deep", "/health/%64eep", "/health%2Fdeep"])
@pytest.mark.parametrize("claimed", ["", "127.0.0.1, ", "10.0.1.9, "])
def test_a_user_of_the_load_balancer_finds_no_page_however_it_is_spelt(
    serve: Serve, path: str, claimed: str, store: Dependency, monkeypatch: pytest.MonkeyPatch
):
    """Its rule compares the path as it was sent; and a user may claim to be anybody."""
    headers = {"X-Forwarded-For": f"{claimed}203.0.113.9"}
    for believed in ("10.0.0.0/20", "10.0.0.0/20,203.0.113.0/24"):
        monkeypatch.setenv("APP_TRUSTED_PROXIES", believed)

        assert asking(serve()).get(path, headers=headers).status_code == 404

    assert store.asked == 0


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        (BALANCER, 200),
        ("127.0.0.1", 200),
        ("::1", 200),
        ("203.0.113.9", 404),
        ("10.1.0.1", 404),  # another network, where somebody may be let in
        ("2001:db8::9", 404),
        ("::ffff:203.0.113.9", 404),
        ("no address", 404),
    ],
)
def test_past_the_load_balancer_only_this_network_finds_the_page(
    serve: Serve, peer: str, status: int, store: Dependency
):
    """A server with an address of its own is asked by everybody, and no rule stands before it."""
    assert asking(serve(), peer).get(PATH).status_code == status
    assert store.asked == (status == 200)


def test_without_a_network_only_this_machine_finds_the_page(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    app = serve()
    monkeypatch.delenv("APP_HEALTH_NETWORK")

    alone = build(Settings(), [deep_health_check])

    assert asking(app).get(PATH).status_code == 200
    assert asking(alone).get(PATH).status_code == 404
    assert asking(alone, "127.0.0.1").get(PATH).status_code == 200


def test_the_shallow_check_asks_nothing(serve: Serve, disk: Dependency, store: Dependency):
    disk.hangs = store.hangs = True

    assert asking(serve()).get("/health").json() == {"status": "ok"}
    assert disk.asked == store.asked == 0


async def test_a_hundred_who_ask_at_once_cause_one_look(
    serve: Serve, disk: Dependency, store: Dependency
):
    disk.seconds = 0.1
    app = serve(cache_seconds=60)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://server"
    ) as client:
        answers = await asyncio.gather(*(client.get(PATH) for _ in range(100)))
        answers.append(await client.get(PATH))

    assert {answer.status_code for answer in answers} == {200}
    assert (disk.asked, store.asked) == (1, 1)


def checked(dependency: Dependency, **settings: Any) -> DeepHealth:
    check = Check(dependency.name, dependency.probe, dependency.shared)
    return DeepHealth([check], DeepHealthSettings(**settings))


async def test_a_verdict_is_given_again_while_it_is_fresh_and_no_longer(disk: Dependency):
    health = checked(disk, health_cache_seconds=0.3)
    assert (await health.verdict()).status == "ok"
    disk.dead = True
    assert (await health.verdict()).status == "ok"

    await anyio.sleep(0.35)

    assert (await health.verdict()).status == "failed"
    assert disk.asked == 2


async def test_one_who_stops_waiting_takes_the_answer_from_nobody(disk: Dependency):
    disk.seconds = 0.2
    health = checked(disk)
    impatient = asyncio.create_task(health.verdict())
    patient = asyncio.create_task(health.verdict())
    await anyio.sleep(0.05)

    impatient.cancel()

    assert (await patient).status == "ok"
    assert disk.asked == 1


async def test_an_alarm_hears_of_shared_faults_only(
    disk: Dependency, store: Dependency, monkeypatch: pytest.MonkeyPatch
):
    heard: list[tuple[str, str, float]] = []
    monkeypatch.setattr(
        "app.gauge.Gauge.tell",
        lambda gauge, value: heard.append((gauge.namespace, gauge.name, value)),
    )
    for each in (disk, store):
        health = checked(each, health_cache_seconds=0, health_metric_namespace="shop-dev/health")
        await health.verdict()
        each.dead = True
        await health.verdict()

    await anyio.sleep(0.1)
    assert heard == [("shop-dev/health", "SharedFaults", 1)]


async def test_an_answer_does_not_wait_for_cloudwatch(
    store: Dependency, monkeypatch: pytest.MonkeyPatch
):
    told = threading.Event()
    monkeypatch.setattr("app.gauge.Gauge.tell", lambda gauge, value: told.wait(10))
    store.dead = True
    began = time.monotonic()

    assert (await checked(store).verdict()).status == "degraded"

    assert time.monotonic() - began < 2
    told.set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("probe_seconds", "0"),
        ("cache_seconds", "-1"),
        ("shared_fault", "ignore"),
        ("network", "10.0.0.1/16"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start(serve: Serve, name: str, value: str):
    with pytest.raises(ValidationError, match=f"health_{name}"):
        serve(**{name: value})
