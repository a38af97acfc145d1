"""Databases on the mock AWS: as many as there shall be, and on this machine."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from moto.rds.models import DBInstance, DBParameterGroup, MasterUserSecret


def patch() -> None:
    """Teach the mock what it lacks."""
    tell_databases_apart()
    keep_parameters()
    make_passwords()
    # `local/steps/40-database.py` runs one there.
    DBInstance.address = "127.0.0.1"  # type: ignore[assignment,method-assign]


def tell_databases_apart() -> None:
    """Give each an id of its own, by which Terraform finds it; moto gives all the same.

    And tell whether it is watched by Performance Insights, which moto forgets.
    """
    before = DBInstance.__init__

    def init(self: DBInstance, *values: Any, **named: Any) -> None:
        before(self, *values, **named)
        self.dbi_resource_id = f"db-{secrets.token_hex(13).upper()}"
        watched = named.get("enable_performance_insights", False)
        self.performance_insights_enabled = watched  # type: ignore[attr-defined]
        days = named.get("performance_insights_retention_period")
        self.performance_insights_retention_period = days  # type: ignore[attr-defined]

    DBInstance.__init__ = init  # type: ignore[method-assign]


def keep_parameters() -> None:
    """Say of each parameter that somebody set it, or Terraform would set it again."""
    before = DBParameterGroup.update_parameters

    def update(self: DBParameterGroup, new_parameters: Iterable[dict[str, Any]]) -> None:
        before(self, [{**each, "Source": "user"} for each in new_parameters])

    DBParameterGroup.update_parameters = update  # type: ignore[method-assign]


def make_passwords() -> None:
    """Put user and password of the database into its secret, which are the same for all in moto."""

    def text(self: MasterUserSecret) -> str:
        user = self.resource.master_username
        return f'{{"username": "{user}", "password": "{secrets.token_urlsafe(24)}"}}'

    MasterUserSecret._generate_secret_string = text  # type: ignore[method-assign]
