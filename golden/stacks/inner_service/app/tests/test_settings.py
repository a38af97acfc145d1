"""Where settings come from, and which of two wins."""

import boto3
import pytest
from moto import mock_aws
from pydantic import ValidationError

from app.settings import FeatureSettings, Settings


class Guests(FeatureSettings):
    """What a feature would define for itself."""

    guests_limit: int = 10


def put(name: str, value: str, kind: str = "String") -> None:
    boto3.client("ssm").put_parameter(Name=name, Value=value, Type=kind)


@mock_aws
def test_parameters_are_read_by_path(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APP_SETTINGS_PATH", "/shop/dev/app")
    for number in range(12):  # more than one page
        put(f"/shop/dev/app/other_{number}", "x")
    put("/shop/dev/app/release", "from-ssm", "SecureString")
    put("/shop/dev/app/guests_limit", "25")
    put("/shop/dev/application/name", "another path with the same beginning")

    assert Settings().release == "from-ssm"
    assert Settings().name != "another path with the same beginning"
    assert Guests().guests_limit == 25


@mock_aws
def test_the_environment_wins_over_parameters(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APP_SETTINGS_PATH", "/shop/dev/app")
    monkeypatch.setenv("APP_RELEASE", "from-environment")
    put("/shop/dev/app/release", "from-ssm")

    assert Settings().release == "from-environment"


def test_without_a_path_nothing_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    assert Settings().release == "unreleased"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", "10.0.0.0/16, everybody"),
        ("trusted_proxies", "*"),
        ("log_level", "chatty"),
        ("max_body_bytes", "12"),
        ("static_max_age", "-1"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(f"APP_{name.upper()}", value)

    with pytest.raises(ValidationError, match=name):
        Settings()
