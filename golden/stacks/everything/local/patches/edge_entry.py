"""Security group rules on the mock AWS, read back as they were written."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule


def patch() -> None:
    """Keep the description of a rule that names a list of addresses.

    moto looks for it beside a single range of addresses only, so each plan would write it once
    more.
    """
    begin, described = SecurityGroupRule.__init__, SecurityGroupRule.description.fget

    def init(self: SecurityGroupRule, *values: Any, **named: Any) -> None:
        begin(self, *values, **named)
        lists = [each for each in (*values, *named.values()) if isinstance(each, dict)]
        told = [each.get("Description") for each in lists if "PrefixListId" in each]
        self.prefix_list_description = told[0] if told else None  # type: ignore[attr-defined]

    def description(self: SecurityGroupRule) -> Any:
        return described(self) or self.prefix_list_description  # type: ignore[attr-defined, misc]

    SecurityGroupRule.__init__ = init  # type: ignore[method-assign]
    SecurityGroupRule.description = property(description)  # type: ignore[assignment, method-assign]
