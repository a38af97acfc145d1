"""Settings, from the environment on a server and from Parameter Store on a desk.

A server's environment is written from Parameter Store before the application starts, so the
application itself reads `APP_*` only. With `APP_SETTINGS_PATH` it reads the parameters under
that path as well, and the environment wins.
"""

import os
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

import boto3
from botocore.config import Config
from pydantic import Field, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)


@lru_cache
def parameters(path: str) -> dict[str, str]:
    """Read every parameter directly under a path, once a process.

    Args:
        path: The path that holds the settings, such as `/shop/dev/app`.

    Returns:
        Each parameter's own name, without the path, with its value.
    """
    client = boto3.client("ssm", config=Config(connect_timeout=2, read_timeout=5))
    prefix = path.rstrip("/") + "/"
    pages = client.get_paginator("get_parameters_by_path").paginate(
        Path=prefix, WithDecryption=True
    )
    return {
        parameter["Name"].removeprefix(prefix): parameter["Value"]
        for page in pages
        for parameter in page["Parameters"]
    }


class ParameterStore(PydanticBaseSettingsSource):
    """The parameters under `APP_SETTINGS_PATH`, or nothing where it is not set."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get("APP_SETTINGS_PATH", "")
        return (parameters(path).get(field_name) if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


class FeatureSettings(BaseSettings):
    """Base of every group of settings: the same sources, whoever owns the group."""

    model_config = SettingsConfigDict(env_prefix="APP_", extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, ParameterStore(settings_cls)


class Settings(FeatureSettings):
    """What the core needs to know; a feature reads its own settings."""

    name: str = "shop"
    """Shown on the page and in the logs."""

    release: str = "unreleased"
    """What `/version` answers: the hash of the files this server was set up from."""

    instance_id: str = ""
    """This server's id; empty asks the instance metadata service."""

    zone: str = ""
    """This server's Availability Zone; empty asks the instance metadata service."""

    trusted_proxies: str = ""
    """Networks whose `X-Forwarded-*` headers are believed, separated by commas.

    Anyone can send these headers, so the default believes nobody.
    """

    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    """The largest request body that is read."""

    static_max_age: int = Field(default=300, ge=0)
    """Seconds that browsers and edge caches may keep a file of `/static/`."""

    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    api_docs: bool = False
    """Serve the interactive API pages under `/docs`; they load scripts from elsewhere."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for network in filter(None, map(str.strip, value.split(","))):
            ip_network(network)
        return value

    @property
    def proxies(self) -> list[str]:
        """The trusted networks, one an entry."""
        return [each.strip() for each in self.trusted_proxies.split(",") if each.strip()]
