"""Sessions that outlive the server that began them.

A browser holds a random id and nothing else. What belongs to it lies in a store that all servers
share, under the hash of the id: who reads the store, or a copy of it, can take over no session.

    Visit       one request's view of its session: read, change, rotate, end
    Sessions    makes visits; holds the store, the limits and the time limit
    SessionStore  what a store must do; `session_stores` holds the one in use

    SessionError
    ├── StoreUnavailableError   the store failed, or took too long
    ├── VersionConflictError    the record is not the one that was read
    ├── SessionBusyError        others kept changing the session, attempt after attempt
    ├── SessionEndedError       it ended while this request was at work
    └── SessionDataError        the data cannot be kept
        └── SessionTooLargeError
"""

import asyncio
import hashlib
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import Field

from app.settings import FeatureSettings

T = TypeVar("T")
Data = dict[str, Any]
Change = Callable[[Data], object]
"""Edits the data in place. It may be called again with newer data, so it keeps nothing."""

_ID = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits as `secrets.token_urlsafe` writes them
_ATTEMPTS = 5


class SessionError(Exception):
    """Base of all that can go wrong with a session."""


class StoreUnavailableError(SessionError):
    """The store failed or took too long; whether a write arrived is not known."""


class VersionConflictError(SessionError):
    """The stored record is not, or no longer, the one that was to be replaced."""


class SessionBusyError(SessionError):
    """Other requests of the same session kept changing it."""

    def __init__(self) -> None:
        super().__init__("the session is being changed by other requests; try again")


class SessionEndedError(SessionError):
    """The session ended while this request was changing it."""

    def __init__(self) -> None:
        super().__init__("the session has ended")


class SessionDataError(SessionError):
    """The data is not JSON that can be written and read back."""

    def __init__(self, message: str = "session data must be valid JSON text and numbers") -> None:
        super().__init__(message)


class SessionTooLargeError(SessionDataError):
    """The data is above the limit."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a session may hold at most {limit} bytes; got {size}")


@dataclass(frozen=True, slots=True)
class Record:
    """What a store keeps of a session. Times are seconds since the epoch."""

    data: str = field(repr=False)
    """JSON; never shown, as logs show what is represented."""
    version: str
    """Random, new with each write: tells one state of the session from every other."""
    created_at: int
    expires_at: int


class SessionStore(Protocol):
    """A place for records that all servers share.

    Every method raises `StoreUnavailableError` when the store does not do its work. A store may
    hand out records that have expired: `Sessions` checks that itself.
    """

    async def get(self, key: str) -> Record | None:
        """Return the newest record; a write that another server finished must be seen."""

    async def put(self, key: str, record: Record, *, replaces: str | None) -> None:
        """Write a record, if the stored version is `replaces` (`None`: if there is no record).

        Writing the very record that is stored is a success: it is this write, sent again because
        its answer was lost.

        Raises:
            VersionConflictError: Something else is stored; nothing was written.
        """

    async def touch(self, key: str, expires_at: int) -> bool:
        """Move the end of a record, or return false where there is none to move."""

    async def delete(self, key: str, *, version: str | None = None) -> None:
        """Remove a record, whatever its version or only this one; one that is gone is no error.

        Raises:
            VersionConflictError: Another version is stored; it was left alone.
        """

    async def close(self) -> None:
        """Give connections back."""


class SessionSettings(FeatureSettings):
    """How long sessions live, and how their cookie looks."""

    session_ttl_seconds: int = Field(default=3600, ge=60, le=2592000)
    """A session ends after this time without a request."""

    session_max_age_seconds: int = Field(default=604800, ge=60)
    """A session ends after this time in any case, so a stolen id is of no use for ever."""

    session_max_bytes: int = Field(default=16384, ge=256, le=262144)
    """The most that one session may hold, as JSON."""

    session_store_timeout_seconds: float = Field(default=2.0, gt=0, le=30)
    """How long a request waits for the store before it goes on without."""

    session_cookie_name: str = Field(default="sid", pattern="^[A-Za-z0-9_-]{1,40}$")

    session_cookie_secure: bool = True
    """Send the cookie over HTTPS only. False is for a desk, or a balancer without certificate."""

    @property
    def cookie(self) -> str:
        """The cookie's name on the wire.

        With the prefix a browser takes it over HTTPS from this very host only, so a neighbouring
        subdomain cannot plant an id.
        """
        return ("__Host-" if self.session_cookie_secure else "") + self.session_cookie_name


def key_of(session_id: str) -> str:
    """Return the key that the store knows a session by."""
    return hashlib.sha256(session_id.encode("ascii")).hexdigest()


class Sessions:
    """Makes visits, and keeps every call to the store within its time limit."""

    def __init__(
        self,
        store: SessionStore,
        settings: SessionSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock

    def visit(self, cookie: str | None) -> "Visit":
        """Begin a visit with what the browser sent; nothing is asked of the store yet."""
        return Visit(self, cookie if cookie and _ID.fullmatch(cookie) else None)

    async def probe(self) -> None:
        """Read a record that nobody has, the least there is to ask of a store."""
        await self.ask(self.store.get(key_of("probe")))

    def now(self) -> int:
        return int(self.clock())

    def end_of(self, created_at: int) -> int:
        """When a session ends that is used now."""
        limits = self.settings
        return min(
            self.now() + limits.session_ttl_seconds, created_at + limits.session_max_age_seconds
        )

    def is_over(self, record: Record) -> bool:
        """Tell whether a session has ended that the store still has.

        Stores remove late, DynamoDB by hours or days; and the age may be limited more strictly
        than when the record was written.
        """
        oldest = record.created_at + self.settings.session_max_age_seconds
        return min(record.expires_at, oldest) <= self.now()

    def encode(self, data: Data) -> str:
        try:
            text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            size = len(text.encode())
        except (TypeError, ValueError, RecursionError):
            raise SessionDataError from None
        if size > self.settings.session_max_bytes:
            raise SessionTooLargeError(size, self.settings.session_max_bytes)
        return text

    async def ask(self, call: Awaitable[T]) -> T:
        """Wait for the store, but not for long."""
        try:
            async with asyncio.timeout(self.settings.session_store_timeout_seconds):
                return await call
        except TimeoutError:
            raise StoreUnavailableError("the session store took too long") from None


class Visit:
    """One request's view of its session.

    A browser without a session gets one with the first change. An id that the store does not know
    is never taken over: the change makes a session under a new id.
    """

    def __init__(self, sessions: Sessions, session_id: str | None) -> None:
        self._sessions = sessions
        self._id = session_id
        self.used = False
        """The store was asked, so the answer belongs to this browser alone."""
        self.set_cookie: str | None = None
        """The id the browser must be told; `""` tells it to forget."""

    async def read(self) -> Data:
        """Return what the session holds: nothing where there is no session."""
        record = await self._load()
        if record is None:
            return {}
        await self._prolong(record)
        return _decode(record)

    async def change(self, change: Change) -> Data:
        """Change the session; of two changes at once, neither is lost.

        Raises:
            SessionBusyError: Others were faster, several times in a row.
            SessionEndedError: The session ended between reading and writing.
            SessionTooLargeError: The session would grow above the limit; it stays as it was.
        """
        record = await self._load()
        if record is None:
            return await self._begin(change)
        for _ in range(_ATTEMPTS):
            data = _decode(record)
            change(data)
            replacing = self._record(data, record.created_at)
            try:
                await self._put(self._known_id, replacing, replaces=record.version)
            except VersionConflictError:
                record = await self._load()
                if record is None:
                    raise SessionEndedError from None
                continue
            self.set_cookie = self._id
            return data
        raise SessionBusyError

    async def rotate(self, change: Change = lambda data: None) -> Data:
        """Move the session to a new id, and change it on the way. Do this at every login.

        An id that somebody planted in the browser before the login is worth nothing after it.
        """
        for _ in range(_ATTEMPTS):
            record = await self._load()
            if record is None:
                return await self._begin(change)
            data = _decode(record)
            change(data)
            fresh = secrets.token_urlsafe(32)
            await self._put(fresh, self._record(data, record.created_at), replaces=None)
            try:
                await self._delete(self._known_id, version=record.version)
            except VersionConflictError:
                # Changed since it was read: the copy misses that change, so take a new one.
                await self._delete(fresh)
                continue
            self._id = self.set_cookie = fresh
            return data
        raise SessionBusyError

    async def end(self) -> None:
        """End the session here and in the browser."""
        self.used = True
        if self._id is not None:
            await self._delete(self._id)
        self._id = None
        self.set_cookie = ""

    @property
    def _known_id(self) -> str:
        assert self._id is not None  # noqa: S101 - a record was loaded under it
        return self._id

    async def _load(self) -> Record | None:
        self.used = True
        if self._id is None:
            return None
        record = await self._sessions.ask(self._sessions.store.get(key_of(self._id)))
        if record is None or self._sessions.is_over(record):
            return None
        return record

    async def _begin(self, change: Change) -> Data:
        data: Data = {}
        change(data)
        fresh = secrets.token_urlsafe(32)
        await self._put(fresh, self._record(data, self._sessions.now()), replaces=None)
        self._id = self.set_cookie = fresh
        return data

    async def _prolong(self, record: Record) -> None:
        """Move the end of the session, at most once in a tenth of its time: each is a write.

        It also moves to an earlier time, where limits are stricter now than they were.
        """
        end = self._sessions.end_of(record.created_at)
        if abs(end - record.expires_at) * 10 < self._sessions.settings.session_ttl_seconds:
            return
        if await self._sessions.ask(self._sessions.store.touch(key_of(self._known_id), end)):
            self.set_cookie = self._id

    def _record(self, data: Data, created_at: int) -> Record:
        return Record(
            data=self._sessions.encode(data),
            version=secrets.token_hex(8),
            created_at=created_at,
            expires_at=self._sessions.end_of(created_at),
        )

    async def _put(self, session_id: str, record: Record, *, replaces: str | None) -> None:
        store = self._sessions.store
        await self._sessions.ask(store.put(key_of(session_id), record, replaces=replaces))

    async def _delete(self, session_id: str, *, version: str | None = None) -> None:
        store = self._sessions.store
        await self._sessions.ask(store.delete(key_of(session_id), version=version))


def _decode(record: Record) -> Data:
    data: Data = json.loads(record.data)
    return data
