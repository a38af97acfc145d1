"""What a session promises, whichever store it lies in."""

import asyncio
import re
from dataclasses import replace

import pytest
from pydantic import ValidationError

from app.sessions import (
    Change,
    Data,
    Record,
    SessionBusyError,
    SessionDataError,
    SessionEndedError,
    Sessions,
    SessionSettings,
    SessionTooLargeError,
    StoreUnavailableError,
    key_of,
)
from memory_store import MemoryStore

pytestmark = pytest.mark.anyio


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def sessions(store: MemoryStore, clock: Clock) -> Sessions:
    settings = SessionSettings(session_ttl_seconds=100, session_max_age_seconds=250)
    return Sessions(store, settings, clock)


def remember(name: str) -> Change:
    def change(data: Data) -> None:
        data["name"] = name

    return change


def count(data: Data) -> None:
    data["count"] = data.get("count", 0) + 1


async def begin(sessions: Sessions, name: str = "ada") -> str:
    visit = sessions.visit(None)
    await visit.change(remember(name))
    assert visit.set_cookie
    return visit.set_cookie


async def test_what_one_visit_wrote_the_next_one_reads(sessions: Sessions):
    session_id = await begin(sessions)

    assert await sessions.visit(session_id).read() == {"name": "ada"}


async def test_an_id_has_256_bits_and_the_store_never_sees_it(
    sessions: Sessions, store: MemoryStore
):
    session_id = await begin(sessions)

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", session_id)
    assert list(store.records) == [key_of(session_id)]
    assert session_id not in repr(store.records)


async def test_reading_alone_begins_no_session(sessions: Sessions, store: MemoryStore):
    visit = sessions.visit(None)

    assert await visit.read() == {}
    assert visit.set_cookie is None
    assert store.calls == []


async def test_an_id_the_client_made_up_is_not_taken_over(sessions: Sessions, store: MemoryStore):
    made_up = "A" * 43
    visit = sessions.visit(made_up)

    await visit.change(count)

    assert visit.set_cookie not in (None, made_up)
    assert key_of(made_up) not in store.records


@pytest.mark.parametrize("cookie", ["", "x", "A" * 42, "A" * 44, "A" * 42 + "\n", "A" * 42 + "é"])
async def test_what_cannot_be_an_id_is_not_even_looked_up(
    cookie: str, sessions: Sessions, store: MemoryStore
):
    assert await sessions.visit(cookie).read() == {}
    assert store.calls == []


async def test_an_expired_record_is_refused_though_the_store_still_has_it(
    sessions: Sessions, store: MemoryStore, clock: Clock
):
    session_id = await begin(sessions)
    clock.now += 100

    assert await sessions.visit(session_id).read() == {}
    assert key_of(session_id) in store.records


async def test_an_expired_session_begins_again_under_a_new_id(sessions: Sessions, clock: Clock):
    session_id = await begin(sessions)
    clock.now += 100
    visit = sessions.visit(session_id)

    assert await visit.change(count) == {"count": 1}
    assert visit.set_cookie != session_id


async def test_a_session_in_use_goes_on(sessions: Sessions, clock: Clock):
    session_id = await begin(sessions)
    for _ in range(2):
        clock.now += 90
        visit = sessions.visit(session_id)
        assert await visit.read() == {"name": "ada"}
        assert visit.set_cookie == session_id  # the browser's copy lives on as well


async def test_even_a_session_in_use_ends_one_day(sessions: Sessions, clock: Clock):
    session_id = await begin(sessions)
    for _ in range(2):
        clock.now += 90
        assert await sessions.visit(session_id).change(count)

    clock.now += 70  # 250 after the beginning, 70 after the last use

    assert await sessions.visit(session_id).read() == {}


async def test_a_shorter_time_reaches_a_session_under_way_with_its_next_request(
    sessions: Sessions, store: MemoryStore, clock: Clock
):
    session_id = await begin(sessions)
    shorter = Sessions(store, SessionSettings(session_ttl_seconds=60), clock)
    visit = shorter.visit(session_id)

    assert await visit.read() == {"name": "ada"}

    assert store.records[key_of(session_id)].expires_at == clock.now + 60
    assert visit.set_cookie == session_id
    clock.now += 60
    assert await shorter.visit(session_id).read() == {}


async def test_a_lower_age_ends_a_session_that_is_older(
    sessions: Sessions, store: MemoryStore, clock: Clock
):
    session_id = await begin(sessions)
    limits = SessionSettings(session_ttl_seconds=100, session_max_age_seconds=80)
    stricter = Sessions(store, limits, clock)
    clock.now += 79
    assert await stricter.visit(session_id).read() == {"name": "ada"}
    assert store.records[key_of(session_id)].expires_at == clock.now + 1

    # Nobody asked before: what the store knows is still the end of before.
    forgotten = await begin(sessions)
    clock.now += 80
    assert await stricter.visit(forgotten).read() == {}
    visit = stricter.visit(forgotten)
    assert await visit.change(count) == {"count": 1}
    assert visit.set_cookie != forgotten


async def test_reads_in_quick_succession_write_nothing(
    sessions: Sessions, store: MemoryStore, clock: Clock
):
    session_id = await begin(sessions)
    store.calls.clear()

    for _ in range(3):
        clock.now += 3
        await sessions.visit(session_id).read()
    assert store.calls == ["get", "get", "get"]

    clock.now += 1
    await sessions.visit(session_id).read()
    assert store.calls == ["get", "get", "get", "get", "touch"]


async def test_of_two_changes_at_once_neither_is_lost(sessions: Sessions, store: MemoryStore):
    session_id = await begin(sessions)

    def another_server_was_faster() -> None:
        store.before_put = lambda: None
        key = key_of(session_id)
        store.records[key] = replace(store.records[key], data='{"count":41}', version="theirs")

    store.before_put = another_server_was_faster

    assert await sessions.visit(session_id).change(count) == {"count": 42}


async def test_many_changes_at_once_all_count(sessions: Sessions):
    session_id = await begin(sessions)

    await asyncio.gather(*(sessions.visit(session_id).change(count) for _ in range(4)))

    assert (await sessions.visit(session_id).read())["count"] == 4


async def test_who_never_gets_a_turn_is_told(sessions: Sessions, store: MemoryStore):
    session_id = await begin(sessions)
    versions = iter(range(100))

    def always_another() -> None:
        key = key_of(session_id)
        store.records[key] = replace(store.records[key], version=f"theirs-{next(versions)}")

    store.before_put = always_another

    with pytest.raises(SessionBusyError):
        await sessions.visit(session_id).change(count)
    assert store.calls.count("put") == 6  # the one that began it, and five attempts


async def test_a_change_does_not_bring_an_ended_session_back(
    sessions: Sessions, store: MemoryStore
):
    session_id = await begin(sessions)
    store.before_put = store.records.clear

    with pytest.raises(SessionEndedError):
        await sessions.visit(session_id).change(count)
    assert store.records == {}


async def test_rotation_keeps_the_data_and_kills_the_old_id(sessions: Sessions, store: MemoryStore):
    planted = await begin(sessions)
    visit = sessions.visit(planted)

    assert await visit.rotate(count) == {"name": "ada", "count": 1}

    assert visit.set_cookie
    assert visit.set_cookie != planted
    assert await sessions.visit(planted).read() == {}
    assert await sessions.visit(visit.set_cookie).read() == {"name": "ada", "count": 1}


async def test_rotation_does_not_make_a_session_younger(
    sessions: Sessions, store: MemoryStore, clock: Clock
):
    old = await begin(sessions)
    clock.now += 50
    visit = sessions.visit(old)
    await visit.rotate()

    [record] = store.records.values()
    assert record.created_at == 1_000_000


async def test_rotation_takes_a_change_of_another_server_along(
    sessions: Sessions, store: MemoryStore
):
    old = await begin(sessions)
    key = key_of(old)

    def another_server_was_faster() -> None:
        store.before_put = lambda: None
        store.records[key] = replace(store.records[key], data='{"late":true}', version="theirs")

    store.before_put = another_server_was_faster
    visit = sessions.visit(old)

    assert await visit.rotate() == {"late": True}
    assert visit.set_cookie
    assert list(store.records) == [key_of(visit.set_cookie)]  # no half-way copy is left behind


async def test_rotation_without_a_session_begins_one(sessions: Sessions):
    visit = sessions.visit(None)

    assert await visit.rotate(count) == {"count": 1}
    assert visit.set_cookie


async def test_an_ended_session_is_gone_everywhere(sessions: Sessions, store: MemoryStore):
    session_id = await begin(sessions)
    visit = sessions.visit(session_id)

    await visit.end()

    assert visit.set_cookie == ""
    assert store.records == {}


async def test_a_session_that_would_grow_too_large_stays_as_it_was(sessions: Sessions):
    session_id = await begin(sessions)

    def stuff(data: Data) -> None:
        data["stuff"] = "x" * 16384

    with pytest.raises(SessionTooLargeError, match="at most 16384 bytes; got 16409"):
        await sessions.visit(session_id).change(stuff)
    assert await sessions.visit(session_id).read() == {"name": "ada"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1, 2}])
async def test_what_cannot_be_read_back_is_not_written(
    value: object, sessions: Sessions, store: MemoryStore
):
    with pytest.raises(SessionDataError):
        await sessions.visit(None).change(lambda data: data.update(value=value))
    assert store.records == {}


async def test_a_silent_store_costs_no_more_than_its_time_limit(store: MemoryStore):
    store.silent = True
    sessions = Sessions(store, SessionSettings(session_store_timeout_seconds=0.05))

    with pytest.raises(StoreUnavailableError):
        await asyncio.wait_for(sessions.visit("A" * 43).read(), timeout=1)


async def test_a_rotation_that_fails_leaves_the_session_where_it_was(
    sessions: Sessions, store: MemoryStore
):
    session_id = await begin(sessions)
    visit = sessions.visit(session_id)

    def fail() -> None:
        store.down = True

    store.before_put = fail
    with pytest.raises(StoreUnavailableError):
        await visit.rotate(count)
    store.down = False

    assert visit.set_cookie is None
    assert await sessions.visit(session_id).read() == {"name": "ada"}


def test_a_record_shows_no_data_by_accident():
    shown = repr(Record(data='{"card":"4711"}', version="v", created_at=1, expires_at=2))

    assert "4711" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session_ttl_seconds", 59),
        ("session_max_bytes", 400_000),
        ("session_store_timeout_seconds", 0),
        ("session_cookie_name", "a;b"),
        ("session_cookie_name", ""),
    ],
)
def test_settings_out_of_bounds_stop_the_start(name: str, value: object):
    with pytest.raises(ValidationError, match=name):
        SessionSettings(**{name: value})
