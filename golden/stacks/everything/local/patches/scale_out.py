"""Scaling policies on the mock AWS, read back as they were written."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import FakeScalingPolicy


def patch() -> None:
    """Tell that a policy is enabled, and of no forecast that nobody asked for.

    moto says neither yes nor no to the first and returns an empty one of the second, so each plan
    would change both.
    """
    begin = FakeScalingPolicy.__init__

    def init(self: FakeScalingPolicy, *values: Any, **named: Any) -> None:
        begin(self, *values, **named)
        self.enabled = True  # type: ignore[attr-defined]
        if not self.predictive_scaling_configuration:
            del self.predictive_scaling_configuration

    FakeScalingPolicy.__init__ = init  # type: ignore[method-assign]
