"""Sessions in a DynamoDB table."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.sessions import Record, StoreUnavailableError, VersionConflictError
from app.settings import FeatureSettings

KEY = "session_key"
EXPIRES_AT = "expires_at"
"""DynamoDB removes items by this attribute; `infra/session_table.tf` names the same."""

CALLS_AT_ONCE = 32


class TableSettings(FeatureSettings):
    """Where the table is."""

    session_table: str
    """The table's name."""


class DynamoDBStore:
    """Records as items, each call in a thread, so that the event loop never waits."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client
        # Of its own: slow calls to the table must not use up the threads everything else shares.
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="session-table")

    async def get(self, key: str) -> Record | None:
        # Consistent: the write of another server, a moment ago, must be seen.
        answer = await self._call(self._client.get_item, Key={KEY: {"S": key}}, ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        return Record(
            data=item["data"]["S"],
            version=item["version"]["S"],
            created_at=int(item["created_at"]["N"]),
            expires_at=int(item[EXPIRES_AT]["N"]),
        )

    async def put(self, key: str, record: Record, *, replaces: str | None) -> None:
        # The second half of each condition is this very write, sent again by a retry.
        if replaces is None:
            condition = "attribute_not_exists(#key) OR #version = :version"
            values = {":version": {"S": record.version}}
            names = {"#key": KEY, "#version": "version"}
        else:
            condition = "#version IN (:replaces, :version)"
            values = {":replaces": {"S": replaces}, ":version": {"S": record.version}}
            names = {"#version": "version"}
        await self._call(
            self._client.put_item,
            Item={
                KEY: {"S": key},
                "data": {"S": record.data},
                "version": {"S": record.version},
                "created_at": {"N": str(record.created_at)},
                EXPIRES_AT: {"N": str(record.expires_at)},
            },
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    async def touch(self, key: str, expires_at: int) -> bool:
        try:
            await self._call(
                self._client.update_item,
                Key={KEY: {"S": key}},
                UpdateExpression="SET #expires_at = :expires_at",
                ConditionExpression="attribute_exists(#key)",
                ExpressionAttributeNames={"#key": KEY, "#expires_at": EXPIRES_AT},
                ExpressionAttributeValues={":expires_at": {"N": str(expires_at)}},
            )
        except VersionConflictError:
            return False
        return True

    async def delete(self, key: str, *, version: str | None = None) -> None:
        condition: dict[str, Any] = {}
        if version is not None:
            condition = {
                "ConditionExpression": "attribute_not_exists(#key) OR #version = :version",
                "ExpressionAttributeNames": {"#key": KEY, "#version": "version"},
                "ExpressionAttributeValues": {":version": {"S": version}},
            }
        await self._call(self._client.delete_item, Key={KEY: {"S": key}}, **condition)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _call(
        self, method: Callable[..., dict[str, Any]], **arguments: Any
    ) -> dict[str, Any]:
        call = partial(method, TableName=self._table, **arguments)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code == "ConditionalCheckFailedException":
                raise VersionConflictError from None
            raise StoreUnavailableError(f"DynamoDB: {code}") from error
        except BotoCoreError as error:
            raise StoreUnavailableError(f"DynamoDB: {type(error).__name__}") from error


def open_store() -> DynamoDBStore:
    """Open the table that `APP_SESSION_TABLE` names."""
    settings = TableSettings()
    config = Config(
        connect_timeout=1,
        read_timeout=1,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=CALLS_AT_ONCE,
    )
    return DynamoDBStore(settings.session_table, boto3.client("dynamodb", config=config))
