"""A store for tests of everything that is not a store, with ways to make it fail."""

import asyncio
from collections.abc import Callable

from app.sessions import Record, StoreUnavailableError, VersionConflictError


class MemoryStore:
    """Records in a dictionary."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.calls: list[str] = []
        self.down = False
        self.silent = False
        self.before_put: Callable[[], None] = lambda: None
        self.closed = False

    async def get(self, key: str) -> Record | None:
        await self._called("get")
        return self.records.get(key)

    async def put(self, key: str, record: Record, *, replaces: str | None) -> None:
        await self._called("put")
        self.before_put()
        stored = self.records.get(key)
        version = stored.version if stored else None
        if version == record.version:
            return
        if version != replaces:
            raise VersionConflictError
        self.records[key] = record

    async def touch(self, key: str, expires_at: int) -> bool:
        await self._called("touch")
        if (stored := self.records.get(key)) is None:
            return False
        self.records[key] = Record(stored.data, stored.version, stored.created_at, expires_at)
        return True

    async def delete(self, key: str, *, version: str | None = None) -> None:
        await self._called("delete")
        stored = self.records.get(key)
        if stored and version not in (None, stored.version):
            raise VersionConflictError
        self.records.pop(key, None)

    async def close(self) -> None:
        self.closed = True

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.silent:
            await asyncio.sleep(60)
        if self.down:
            raise StoreUnavailableError("down")
