"""Gateway endpoints on the mock AWS: a route in each of their tables, also in later ones."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.vpcs import VPCEndPoint


def patch() -> None:
    """Bring the routes along when an endpoint is told of other route tables.

    moto brings them only when the endpoint is made, and does not delete one whose routes it
    cannot find: a network that gained a zone could not be taken away again.
    """
    modify = VPCEndPoint.modify

    def modified(self: VPCEndPoint, *values: Any, **named: Any) -> None:
        before = set(self.route_table_ids)
        modify(self, *values, **named)
        after = set(self.route_table_ids)
        routes, target = self.ec2_backend, self.destination_prefix_list_id
        if target is None:
            return
        for table in after - before:
            routes.create_route(table, None, gateway_id=self.id, destination_prefix_list_id=target)
        for table in before - after:
            routes.delete_route(table, target)

    VPCEndPoint.modify = modified  # type: ignore[method-assign]
