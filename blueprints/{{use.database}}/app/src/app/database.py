"""The relational database: a few connections for all requests, made anew when they break."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString, Self, TypeAlias, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import AsyncConnection, OperationalError
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from pydantic import Field

from app.settings import FeatureSettings

T = TypeVar("T")
Connection: TypeAlias = AsyncConnection[TupleRow]

PAUSE = 0.2
"""Seconds between two attempts of one request."""


class DatabaseSettings(FeatureSettings):
    """Where the database is, and where its password is kept."""

    database_host: str

    database_port: int = Field(default=5432, ge=1, le=65535)

    database_name: str

    database_secret_arn: str = Field(pattern=r"^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:")
    """The secret with user and password, as RDS keeps it."""

    database_ca_file: str = "/etc/pki/rds/global-bundle.pem"
    """Who may vouch for the database: `servers/setup/install/30-database.sh` puts it there."""

    database_connections: int = Field(default=10, ge=1)
    """Connections that one process opens at most; others wait for one to come free."""

    database_seconds: float = Field(default=5, gt=0, le=60)
    """How long a request waits for the database, and for each statement."""


class DatabaseUnavailableError(Exception):
    """The database gave no answer in time; another attempt may get one."""


class Login:
    """User and password, read from Secrets Manager and kept until they are refused.

    RDS changes the password by itself. Connections that are open go on; a new one is refused,
    and that is when it is read again.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._lock = asyncio.Lock()
        self._known: dict[str, Any] | None = None

    async def current(self, refused: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what to sign in with, other than what was just refused.

        Raises:
            OperationalError: The secret cannot be read.
        """
        async with self._lock:
            if self._known is None or self._known == refused:
                self._known = await asyncio.to_thread(self._read)
            return self._known

    def _read(self) -> dict[str, Any]:
        config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
        try:
            client = boto3.client(
                "secretsmanager", region_name=self._secret.split(":")[3], config=config
            )
            secret = json.loads(client.get_secret_value(SecretId=self._secret)["SecretString"])
        except (BotoCoreError, ClientError) as error:
            raise OperationalError(f"the secret: {type(error).__name__}") from error
        return {"user": secret["username"], "password": secret["password"]}


class SignedIn(AsyncConnection[TupleRow]):
    """A connection that finds out by itself whom to sign in as, and breaks on silence."""

    patience: float
    """Seconds that the server may take for one statement."""

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, login: Login, patience: float, **options: Any
    ) -> Self:
        """Connect; where the password is refused, read it again and try once more."""
        connection = await cls._sign_in(conninfo, login, options)
        connection.patience = patience
        return connection

    @classmethod
    async def _sign_in(cls, conninfo: str, login: Login, options: dict[str, Any]) -> Self:
        known = await login.current()
        try:
            return await super().connect(conninfo, **options, **known)
        except OperationalError as error:
            # A server that is starting up refuses as well, before it asks for a password.
            if error.pgconn is None or not error.pgconn.used_password:
                raise
        return await super().connect(conninfo, **options, **await login.current(refused=known))

    async def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        """Wait for the server; psycopg does so here for each statement, BEGIN and COMMIT too."""
        with _hung_up_after(self.patience, self):
            return await super().wait(gen, *arguments, **options)


class Database:
    """One database, with what every request does alike."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._seconds = settings.database_seconds
        self._options: dict[str, Any] = {
            "login": Login(settings.database_secret_arn),
            # A little later than the database itself gives up.
            "patience": settings.database_seconds + 1,
            "host": settings.database_host,
            "port": settings.database_port,
            "dbname": settings.database_name,
            # Encrypted, by a server that proves to be the one of this name.
            "sslmode": "verify-full",
            "sslrootcert": settings.database_ca_file,
            "gssencmode": "disable",
            "connect_timeout": max(2, round(settings.database_seconds)),
            # What nobody waits for any more shall not go on in the database.
            "options": f"-c statement_timeout={round(settings.database_seconds * 1000)}",
        }
        # It starts with no connection, so the application starts without its database, too.
        self._pool = AsyncConnectionPool[SignedIn](
            connection_class=SignedIn,
            kwargs=self._options,
            min_size=0,
            max_size=settings.database_connections,
            timeout=self._seconds,
            reconnect_timeout=self._seconds,
            open=False,
        )

    @asynccontextmanager
    async def connection(self, seconds: float | None = None) -> AsyncIterator[Connection]:
        """Lend a connection for one transaction, which an exception rolls back.

        It may take as long as it needs, each of its statements `database_seconds`; those of one
        `executemany` go out together and count as one.

        Args:
            seconds: How long to wait for one; by default `database_seconds`.

        Raises:
            DatabaseUnavailableError: There is none in time, or it broke. Whether a commit that
                got no answer was done nobody knows: repeat only what may be done twice.
        """
        try:
            connection = await self._ready(self._seconds if seconds is None else seconds)
            try:
                async with connection.transaction():
                    yield connection
            finally:
                await self._pool.putconn(connection)
        except OperationalError as error:
            raise DatabaseUnavailableError(_reason(error)) from error

    async def _ready(self, seconds: float) -> SignedIn:
        """Take a connection whose server answers.

        The pool could check this itself, but pauses after each that it finds broken, and after
        a failover all of them are.
        """
        await self._pool.open()
        end = time.monotonic() + seconds
        while True:
            connection = await self._pool.getconn(end - time.monotonic())
            try:
                with _hung_up_after(1, connection):
                    await AsyncConnectionPool.check_connection(connection)
            except OperationalError:
                await self._pool.putconn(connection)  # which throws it away
            except BaseException:
                await self._pool.putconn(connection)
                raise
            else:
                return connection

    async def read(
        self, query: LiteralString, parameters: Mapping[str, object] | None = None
    ) -> list[TupleRow]:
        """Run a query that changes nothing; one that breaks half-way is asked again.

        So a request outlives the moment in which another server becomes the database.

        Raises:
            DatabaseUnavailableError: No attempt within `database_seconds` got an answer.
        """
        end = time.monotonic() + self._seconds
        while True:
            try:
                async with self.connection(max(end - time.monotonic(), PAUSE)) as connection:
                    return await (await connection.execute(query, parameters)).fetchall()
            except DatabaseUnavailableError:
                if time.monotonic() + PAUSE >= end:
                    raise
            await asyncio.sleep(PAUSE)

    async def ping(self) -> None:
        """Ask for one answer over a connection of its own.

        So it waits for no request, and none waits for it. It may be cancelled at any time.

        Raises:
            DatabaseUnavailableError: There was none within `database_seconds`.
        """
        try:
            async with asyncio.timeout(self._seconds):
                connection = await SignedIn.connect(**self._options)
                asked = asyncio.create_task(connection.execute("SELECT 1"))
                try:
                    await asyncio.wait([asked])
                finally:
                    # Cancelled itself, psycopg would first ask a silent server whether it may.
                    if not asked.done():
                        _hang_up(connection)
                        await asyncio.wait([asked])
                    failed = asked.exception()
                    await connection.close()
                if failed is not None:
                    raise failed
        except (OperationalError, TimeoutError) as error:
            raise DatabaseUnavailableError(_reason(error)) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()


@contextmanager
def _hung_up_after(seconds: float, connection: Connection) -> Iterator[None]:
    """Break a connection whose server has gone silent.

    A server that was lost with its machine closes nothing, and a cancelled statement would
    wait on for its answer. To psycopg this looks like any other broken connection.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _hang_up, connection)
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: Connection) -> None:
    if not connection.closed:
        with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as line:
            line.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    """Tell what went wrong in one line."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else '-'}"
