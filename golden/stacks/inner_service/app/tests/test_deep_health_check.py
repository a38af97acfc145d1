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


@pytest.fixture
def serve(
    disk: Dependency, store: Dependency, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FastAPI]:
    """Build the application with both; the settings are those of the pattern."""

    def serve(**settings: object) -> FastAPI:
        for name, value in {"probe_seconds": 0.2, "cache_seconds": 0, **settings}.items():
            monkeypatch.setenv(f"APP_HEALTH_{name.upper()}", str(value))
        later = ModuleType("later")  # features that come after this one bring checks as well
        later.register = lambda app, core: app.state.checks.extend(  # type: ignore[attr-defined]
            Check(each.name, each.probe, each.shared) for each in (disk, store)
        )
        return build(Settings(instance_id="i-1", zone="zone-a"), [deep_health_check, later])

    return serve


def told(client: TestClient) -> tuple[int, str, dict[str, bool]]:
    answer = client.get(PATH)
    body = answer.json()
    return answer.status_code, body["status"], {d["name"]: d["works"] for d in body["dependencies"]}


def test_all_is_well(serve: Serve):
    answer = TestClient(serve()).get(PATH)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "dependencies": [
            {"name": "disk", "shared": False, "works": True, "reason": None},
            {"name": "store", "shared": True, "works": True, "reason": None},
        ],
    }


def test_a_dead_dependency_of_its_own_takes_the_server_out_and_back(serve: Serve, disk: Dependency):
    client = TestClient(serve())
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

    assert told(TestClient(serve(shared_fault=policy))) == (
        status,
        word,
        {"disk": True, "store": False},
    )


def test_a_shared_fault_hides_no_fault_of_its_own(
    serve: Serve, disk: Dependency, store: Dependency
):
    store.dead = disk.dead = True

    assert told(TestClient(serve())) == (503, "failed", {"disk": False, "store": False})


def test_what_hangs_costs_its_limit_once_however_many_hang(
    serve: Serve, disk: Dependency, store: Dependency
):
    disk.hangs = store.hangs = True
    client = TestClient(serve(probe_seconds=1))
    began = time.monotonic()

    answer = client.get(PATH)

    assert 1 <= time.monotonic() - began < 1.9
    assert answer.status_code == 503
    assert {d["reason"] for d in answer.json()["dependencies"]} == {"TimeoutError"}


def test_the_answer_names_kinds_of_errors_and_the_log_the_rest(
    serve: Serve, store: Dependency, caplog: pytest.LogCaptureFixture
):
    store.dead = True

    answer = TestClient(serve()).get(PATH)

    assert "ConnectionRefusedError" in answer.text
    assert "store.internal" not in answer.text
    (record,) = [vars(each) for each in caplog.records if each.levelno == logging.WARNING]
    assert record["reason"] == "ConnectionRefusedError: store.internal:6379 as user shop"


def test_a_fault_is_logged_when_it_begins_and_when_it_ends(
    serve: Serve, store: Dependency, caplog: pytest.LogCaptureFixture
):
    client = TestClient(serve())
    caplog.set_level(logging.INFO)
    for store.dead in (False, True, True, True, False, False):
        client.get(PATH)

    told = [(r.message, vars(r)["dependency"]) for r in caplog.records if "dependency" in vars(r)]
    assert told == [("a dependency fails", "store"), ("a dependency works again", "store")]


def test_no_cache_on_the_way_keeps_the_answer(serve: Serve, store: Dependency):
    client = TestClient(serve(shared_fault="fail"))
    for store.dead in (False, True):
        assert client.get(PATH).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/%68ealth/deep", "/health/%64eep", "/health%2Fdeep"])
def test_a_path_spelt_otherwise_is_not_found(serve: Serve, path: str, store: Dependency):
    client = TestClient(serve())

    assert client.get(path).status_code == 404
    assert client.get(f"{PATH}?query=1").status_code == 200
    assert store.asked == 1


def test_the_shallow_check_asks_nothing(serve: Serve, disk: Dependency, store: Dependency):
    disk.hangs = store.hangs = True

    assert TestClient(serve()).get("/health").json() == {"status": "ok"}
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
    [("probe_seconds", "0"), ("cache_seconds", "-1"), ("shared_fault", "ignore")],
)
def test_a_setting_that_makes_no_sense_stops_the_start(serve: Serve, name: str, value: str):
    with pytest.raises(ValidationError, match=f"health_{name}"):
        serve(**{name: value})
