"""Checks of what stands behind the application."""

import asyncio
import logging
import time

import pytest
from starlette.testclient import TestClient

from app import checks
from app.checks import Check, fault, faults
from app.main import build
from app.settings import Settings


async def works() -> None: ...


async def fails() -> None:
    raise OSError("no route to host")


async def hangs() -> None:
    await asyncio.sleep(60)


@pytest.mark.anyio
async def test_what_works_has_no_fault():
    assert await fault(Check("store", works, shared=True), 1) is None


@pytest.mark.anyio
async def test_a_dependency_that_fails_says_why():
    error = await fault(Check("store", fails, shared=True), 1)

    assert repr(error) == "OSError('no route to host')"


@pytest.mark.anyio
async def test_a_dependency_that_hangs_is_given_up_on():
    error = await fault(Check("store", hangs, shared=True), 0.05)

    assert repr(error) == "TimeoutError('no answer within 0.05 s')"


@pytest.mark.anyio
async def test_a_limit_that_a_probe_sets_itself_is_told_in_its_own_words():
    async def impatient() -> None:
        raise TimeoutError("connect: 1 s")

    error = await fault(Check("store", impatient, shared=True), 1)

    assert repr(error) == "TimeoutError('connect: 1 s')"


@pytest.mark.anyio
async def test_many_that_hang_take_no_longer_than_one():
    many = [Check(str(number), hangs, shared=True) for number in range(20)]
    began = time.monotonic()

    found = await faults([Check("well", works, shared=True), *many], 1)

    assert list(found) == many
    assert time.monotonic() - began < 10


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    monkeypatch.setattr(checks, "START_SECONDS", 0.05)
    return [
        Check("cache", fails, shared=True),
        Check("disk", works, shared=False),
        Check("share", hangs, shared=True),
    ]


def test_after_a_start_each_fault_is_told_once(
    asked: list[Check], caplog: pytest.LogCaptureFixture
):
    app = build(Settings(instance_id="i-1", zone="zone-a"), [])
    app.state.checks += asked

    with TestClient(app) as server:
        assert server.get("/health").status_code == 200
        time.sleep(0.5)

    told = [vars(record) for record in caplog.records if record.name == "app.checks"]
    assert [(each["levelno"], each["dependency"], each["reason"]) for each in told] == [
        (logging.WARNING, "cache", "OSError: no route to host"),
        (logging.WARNING, "share", "TimeoutError: no answer within 0.05 s"),
    ]


def test_a_server_starts_and_stops_without_waiting_for_what_hangs():
    app = build(Settings(), [])
    app.state.checks.append(Check("share", hangs, shared=True))
    began = time.monotonic()

    with TestClient(app):
        pass

    assert time.monotonic() - began < 2
