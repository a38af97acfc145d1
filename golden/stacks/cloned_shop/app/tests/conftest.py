"""What every test shares."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import settings


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep a test away from real accounts, from the metadata service and from other tests."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    settings.parameters.cache_clear()
    yield
    settings.parameters.cache_clear()


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set whatever features cannot be built without; each brings its own file of settings."""
    for file in Path(__file__).parent.glob("settings/*.json"):
        for name, value in json.loads(file.read_text(encoding="utf-8")).items():
            monkeypatch.setenv(name, value)
