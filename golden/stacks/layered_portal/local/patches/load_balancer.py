"""Security group rules on the mock AWS, read back as they were written."""

from __future__ import annotations

from moto.ec2.models.security_groups import SecurityGroupRule


def patch() -> None:
    """Find the description of a rule that names another security group.

    moto looks for it beside an address range only, so each plan would write it once more.
    """
    before = SecurityGroupRule.description.fget

    def description(self: SecurityGroupRule) -> str | None:
        return before(self) or self.source_group.get("Description")

    SecurityGroupRule.description = property(description)  # type: ignore[assignment, method-assign]
