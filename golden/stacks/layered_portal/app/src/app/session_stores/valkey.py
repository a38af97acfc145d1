"""Sessions in Valkey, or in anything that speaks its protocol."""

import asyncio
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict
from valkey import exceptions
from valkey.asyncio import BlockingConnectionPool, Connection, SSLConnection, Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import ConstantBackoff

from app.sessions import Record, StoreUnavailableError, VersionConflictError
from app.settings import FeatureSettings

PREFIX = "session:"
"""What every key begins with; `infra/session_cache.tf` lets the servers reach no others."""

CALLS_AT_ONCE = 32
TOKEN_SECONDS = 900
"""The longest that ElastiCache takes; a connection lives on after its token."""

_PASSING = [exceptions.ConnectionError, exceptions.ReadOnlyError, exceptions.TimeoutError]
"""What a second attempt on a new connection may mend."""

FIELDS = ("data", "version", "created_at", "expires_at")

# Scripts, because comparing and writing must be one step. Sent whole each time: they are short,
# and a cache that took over from a failed one knows no script by its hash.
PUT = """\
local stored = redis.call('HGET', KEYS[1], 'version')
if stored == ARGV[2] then return 1 end
if (stored or '') ~= ARGV[5] then return 0 end
redis.call('HSET', KEYS[1], 'data', ARGV[1], 'version', ARGV[2],
  'created_at', ARGV[3], 'expires_at', ARGV[4])
redis.call('EXPIREAT', KEYS[1], ARGV[4])
return 1
"""
TOUCH = """\
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'expires_at', ARGV[1])
redis.call('EXPIREAT', KEYS[1], ARGV[1])
return 1
"""
DELETE = """\
local stored = redis.call('HGET', KEYS[1], 'version')
if stored and stored ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
"""


class CacheSettings(FeatureSettings):
    """Where the cache is, and who this server is to it."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)  # it may hold the password

    session_cache_url: str = Field(pattern=r"^valkeys?://[A-Za-z0-9.-]+:[0-9]{1,5}$")
    """`valkeys://host:port`; the `s` encrypts, and only this very machine goes without."""

    session_cache_user: str = ""
    """The user to sign in as; empty signs in as nobody in particular."""

    session_cache_name: str = ""
    """The ElastiCache cache to sign in to with the server's own role."""

    session_cache_password: SecretStr = SecretStr("")
    """For a cache that knows passwords and no roles."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.encrypted and self.host not in ("127.0.0.1", "localhost"):
            raise ValueError(f"sessions must not travel unencrypted; use valkeys://{self.host}")
        if self.session_cache_name and not self.session_cache_user:
            raise ValueError("session_cache_name needs a session_cache_user to sign in as")
        return self

    @property
    def encrypted(self) -> bool:
        return urlsplit(self.session_cache_url).scheme == "valkeys"

    @property
    def host(self) -> str:
        return urlsplit(self.session_cache_url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.session_cache_url).port or 6379


class RoleToken:
    """The password of the moment: a request to connect, signed with this server's own role.

    There is no lasting password, so none can leak and none has to be changed.
    """

    def __init__(self, user: str, cache: str) -> None:
        self._url = f"https://{cache}/"
        self._params = {"Action": "connect", "User": user}
        self._session = boto3.Session()

    def __call__(self) -> str:
        """Sign a request; every connection gets one of its own.

        Raises:
            AuthenticationError: This server has no role, or its keys cannot be had.
        """
        request = AWSRequest("GET", self._url, params=self._params)
        region = self._session.region_name
        try:
            credentials = self._session.get_credentials()
            if credentials is None or region is None:
                raise exceptions.AuthenticationError("this server has no role or no Region")
            SigV4QueryAuth(credentials, "elasticache", region, TOKEN_SECONDS).add_auth(request)
        except (BotoCoreError, RuntimeError) as error:  # the latter where keys came expired
            raise exceptions.AuthenticationError(type(error).__name__) from error
        return str(request.url).removeprefix("https://")

    async def sign_in(self, connection: Connection) -> None:
        """Do what a new connection does first."""
        try:
            # In a thread: the keys of the role are asked of the metadata service now and then.
            connection.password = await asyncio.to_thread(self)
            await connection.on_connect()
        except BaseException:
            # Given up on half-way, it must not go back to the others as if it were of use.
            await connection.disconnect(nowait=True)
            raise


class ValkeyStore:
    """Records as hashes that the cache drops by itself when their time is over."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self, key: str) -> Record | None:
        data, version, created_at, expires_at = await self._call("HMGET", PREFIX + key, *FIELDS)
        if version is None:
            return None
        return Record(data, version, int(created_at), int(expires_at))

    async def put(self, key: str, record: Record, *, replaces: str | None) -> None:
        values = (record.data, record.version, record.created_at, record.expires_at)
        if not await self._run(PUT, key, *values, replaces or ""):
            raise VersionConflictError

    async def touch(self, key: str, expires_at: int) -> bool:
        return await self._run(TOUCH, key, expires_at)

    async def delete(self, key: str, *, version: str | None = None) -> None:
        if version is None:
            await self._call("DEL", PREFIX + key)
        elif not await self._run(DELETE, key, version):
            raise VersionConflictError

    async def close(self) -> None:
        await self._client.aclose()

    async def _run(self, script: str, key: str, *values: str | int) -> bool:
        return bool(await self._call("EVAL", script, 1, PREFIX + key, *values))

    async def _call(self, *command: str | int) -> Any:
        try:
            return await self._client.execute_command(*command)
        except exceptions.ValkeyError as error:
            raise StoreUnavailableError(f"Valkey: {type(error).__name__}") from error


def options_of(settings: CacheSettings) -> dict[str, Any]:
    """How each connection is made."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "decode_responses": True,
        "socket_connect_timeout": 1,
        "socket_timeout": 1,
        # The connection at hand may lead to a primary that failed, or takes no writes any more;
        # a new one finds its successor. No call does harm when it is made twice.
        "retry": Retry(ConstantBackoff(0.1), 1),
        "retry_on_error": _PASSING,
        # Telling the cache the name of this library would take one more permission.
        "lib_name": None,
        "lib_version": None,
    }
    if settings.encrypted:
        options["connection_class"] = SSLConnection
        options["ssl_check_hostname"] = True  # the library by itself takes anybody's certificate
    if settings.session_cache_user:
        options["username"] = settings.session_cache_user
    if settings.session_cache_name:
        token = RoleToken(settings.session_cache_user, settings.session_cache_name)
        options["valkey_connect_func"] = token.sign_in
    elif password := settings.session_cache_password.get_secret_value():
        options["password"] = password
    return options


def open_store() -> ValkeyStore:
    """Open the cache that `APP_SESSION_CACHE_URL` names; nothing is asked of it yet."""
    pool = BlockingConnectionPool(
        max_connections=CALLS_AT_ONCE, timeout=1, **options_of(CacheSettings())
    )
    return ValkeyStore(Valkey.from_pool(pool))
