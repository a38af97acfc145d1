"""Sessions in a table of moto, the mock AWS."""

import socket
import time
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from pydantic import ValidationError

from app.session_stores.dynamodb import DynamoDBStore, open_store
from app.sessions import StoreUnavailableError
from session_store_contract import SessionStoreContract, new_key, record

pytestmark = pytest.mark.anyio


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("APP_SESSION_TABLE", "shop-test-sessions")
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="shop-test-sessions",
            AttributeDefinitions=[{"AttributeName": "session_key", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "session_key", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield "shop-test-sessions"


class TestDynamoDBStore(SessionStoreContract):
    @pytest.fixture
    def store(self, table: str) -> DynamoDBStore:
        return open_store()


async def test_what_two_stores_share_is_the_table(table: str):
    key, put = new_key(), record('{"count":1}')

    await open_store().put(key, put, replaces=None)

    assert await open_store().get(key) == put


async def test_the_end_is_kept_as_a_number_that_dynamodb_can_expire_by(table: str):
    key, put = new_key(), record()
    await open_store().put(key, put, replaces=None)

    item = boto3.client("dynamodb").get_item(TableName=table, Key={"session_key": {"S": key}})

    assert item["Item"]["expires_at"] == {"N": str(put.expires_at)}


async def test_a_missing_table_is_a_store_that_is_not_available(
    table: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("APP_SESSION_TABLE", "another")

    with pytest.raises(StoreUnavailableError, match="ResourceNotFoundException"):
        await open_store().get(new_key())


async def test_a_table_that_does_not_answer_is_given_up_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APP_SESSION_TABLE", "shop-test-sessions")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="ReadTimeoutError"):
            await open_store().get(new_key())

    assert time.monotonic() - began < 6  # two attempts of a second, and a pause between them


def test_without_a_table_the_application_does_not_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("APP_SESSION_TABLE", raising=False)

    with pytest.raises(ValidationError, match="session_table"):
        open_store()
