"""Policies on the mock AWS: a refusal with a condition is no refusal of everything."""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult


def patch() -> None:
    """Let a refusal hold only where its condition could be looked at.

    moto knows nothing of a request to a bucket that a condition could ask for, and takes each one
    it cannot judge for met. So a bucket that refuses connections without encryption would refuse
    them all, the mock having none to offer.
    """
    judge = IAMPolicyStatement.is_action_permitted

    def judged(
        self: IAMPolicyStatement,
        action: str,
        resource: str = "*",
        principal: str | None = None,
        incoming_condition_values: dict[str, str] | None = None,
    ) -> Any:
        conditional = self._statement["Effect"] == "Deny" and "Condition" in self._statement
        if conditional and not incoming_condition_values:
            return PermissionResult.NEUTRAL
        return judge(self, action, resource, principal, incoming_condition_values)

    IAMPolicyStatement.is_action_permitted = judged  # type: ignore[method-assign]
