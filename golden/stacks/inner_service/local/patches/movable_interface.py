"""Network cards on the mock AWS: each keeps its own firewall groups."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface


def patch() -> None:
    """Tell of a card only the groups that it was given; moto adds those of its server."""

    def group_set(self: NetworkInterface) -> Any:
        return self._group_set

    NetworkInterface.group_set = property(group_set)  # type: ignore[method-assign, assignment]
