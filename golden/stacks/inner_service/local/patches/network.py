"""The network on the mock AWS: gateway endpoints with all their routes, rules as written."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpcs import VPCEndPoint


def patch() -> None:
    """Make the mock do both."""
    keep_routes()
    keep_descriptions()


def keep_descriptions() -> None:
    """Find the description of a rule that names another security group, or a list of addresses.

    moto looks for it beside an address range only, so each plan would write it once more.
    """
    begin, described = SecurityGroupRule.__init__, SecurityGroupRule.description.fget

    def init(self: SecurityGroupRule, *values: Any, **named: Any) -> None:
        begin(self, *values, **named)
        lists = [each for each in (*values, *named.values()) if isinstance(each, dict)]
        told = [each.get("Description") for each in lists if "PrefixListId" in each]
        self.prefix_list_description = next(iter(told), None)  # type: ignore[attr-defined]

    def description(self: SecurityGroupRule) -> Any:
        group, listed = self.source_group, self.prefix_list_description  # type: ignore[attr-defined]
        return described(self) or group.get("Description") or listed

    SecurityGroupRule.__init__ = init  # type: ignore[method-assign]
    SecurityGroupRule.description = property(description)  # type: ignore[assignment, method-assign]


def keep_routes() -> None:
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
