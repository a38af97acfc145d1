"""What every store must do; the tests of a store inherit from `SessionStoreContract`."""

import asyncio
import secrets
import time

import pytest

from app.sessions import Record, SessionStore, VersionConflictError


def record(data: str = "{}", version: str = "v1", lasts: int = 600) -> Record:
    now = int(time.time())
    return Record(data=data, version=version, created_at=now, expires_at=now + lasts)


def new_key() -> str:
    return secrets.token_hex(32)


@pytest.mark.anyio
class SessionStoreContract:
    """Inherit and give a fixture `store`."""

    async def test_what_was_put_is_got(self, store: SessionStore):
        key, put = new_key(), record('{"name":"Zoë ✓","n":1.5}')

        await store.put(key, put, replaces=None)

        assert await store.get(key) == put

    async def test_an_unknown_key_is_nothing(self, store: SessionStore):
        assert await store.get(new_key()) is None

    async def test_a_record_is_not_put_over_another(self, store: SessionStore):
        key = new_key()
        await store.put(key, record("1", "v1"), replaces=None)

        with pytest.raises(VersionConflictError):
            await store.put(key, record("2", "v2"), replaces=None)

        assert (await store.get(key)).data == "1"  # type: ignore[union-attr]

    async def test_a_record_replaces_the_version_that_was_read(self, store: SessionStore):
        key, newer = new_key(), record("2", "v2", lasts=900)
        await store.put(key, record("1", "v1"), replaces=None)

        await store.put(key, newer, replaces="v1")

        assert await store.get(key) == newer

    async def test_a_record_does_not_replace_a_newer_version(self, store: SessionStore):
        key = new_key()
        await store.put(key, record("1", "v1"), replaces=None)
        await store.put(key, record("2", "v2"), replaces="v1")

        with pytest.raises(VersionConflictError):
            await store.put(key, record("3", "v3"), replaces="v1")

        assert (await store.get(key)).data == "2"  # type: ignore[union-attr]

    async def test_a_deleted_record_is_not_brought_back(self, store: SessionStore):
        key = new_key()
        await store.put(key, record("1", "v1"), replaces=None)
        await store.delete(key)

        with pytest.raises(VersionConflictError):
            await store.put(key, record("2", "v2"), replaces="v1")

        assert await store.get(key) is None

    async def test_the_same_write_twice_is_one_write(self, store: SessionStore):
        key, first, second = new_key(), record("1", "v1"), record("2", "v2")
        await store.put(key, first, replaces=None)
        await store.put(key, first, replaces=None)

        await store.put(key, second, replaces="v1")
        await store.put(key, second, replaces="v1")

        assert await store.get(key) == second

    async def test_of_many_writers_one_wins(self, store: SessionStore):
        key = new_key()
        await store.put(key, record("0", "v0"), replaces=None)

        async def write(number: int) -> bool:
            try:
                await store.put(key, record(str(number), f"w{number}"), replaces="v0")
            except VersionConflictError:
                return False
            return True

        wrote = await asyncio.gather(*(write(number) for number in range(8)))
        won = [number for number, success in enumerate(wrote) if success]

        assert len(won) == 1
        assert (await store.get(key)).data == str(won[0])  # type: ignore[union-attr]

    async def test_touch_moves_the_end_and_nothing_else(self, store: SessionStore):
        key, put = new_key(), record("1", "v1")
        await store.put(key, put, replaces=None)

        assert await store.touch(key, put.expires_at + 300)

        moved = Record(put.data, put.version, put.created_at, put.expires_at + 300)
        assert await store.get(key) == moved

    async def test_touch_brings_nothing_back(self, store: SessionStore):
        key = new_key()

        assert not await store.touch(key, int(time.time()) + 300)

        assert await store.get(key) is None

    async def test_a_record_is_deleted(self, store: SessionStore):
        key = new_key()
        await store.put(key, record(), replaces=None)

        await store.delete(key)

        assert await store.get(key) is None

    async def test_deleting_what_is_gone_is_no_error(self, store: SessionStore):
        await store.delete(new_key())
        await store.delete(new_key(), version="v1")

    async def test_only_the_named_version_is_deleted(self, store: SessionStore):
        key = new_key()
        await store.put(key, record("1", "v1"), replaces=None)
        await store.put(key, record("2", "v2"), replaces="v1")

        with pytest.raises(VersionConflictError):
            await store.delete(key, version="v1")
        assert await store.get(key) is not None

        await store.delete(key, version="v2")
        assert await store.get(key) is None
