"""Fleets on the mock AWS: launch templates and policies as written, servers in every zone."""

from __future__ import annotations

from collections import Counter
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, FakeScalingPolicy
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.utils import parse_user_data


def patch() -> None:
    """Make the mock do all of it."""
    keep_policies()
    keep_templates()
    spread_servers()


def keep_policies() -> None:
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


def keep_templates() -> None:
    """Keep a version of a launch template as it was asked for.

    moto adds the template's own tags to those of its servers, so each plan would make a version
    without them; and from any version but the first it starts no server that has user data.
    """
    begin = LaunchTemplateVersion.__init__

    def init(
        self: LaunchTemplateVersion,
        template: LaunchTemplate,
        number: int,
        data: dict[str, Any],
        description: str,
    ) -> None:
        tags = data.get("TagSpecifications", [])
        tags[:] = [each for each in tags if each.get("ResourceType") != "launch-template"]
        if data.get("UserData") is not None:
            data["UserData"] = parse_user_data(str(data["UserData"]))
        begin(self, template, number, data, description)

    LaunchTemplateVersion.__init__ = init  # type: ignore[method-assign]


def spread_servers() -> None:
    """Start each server where the fewest are, as Auto Scaling does.

    moto puts all of them into the first subnet.
    """
    launch = FakeAutoScalingGroup.replace_autoscaling_group_instances

    def launch_each(self: FakeAutoScalingGroup, count_needed: int, tags: dict[str, str]) -> None:
        everywhere = self.vpc_zone_identifier
        if not everywhere:
            launch(self, count_needed, tags)
            return
        try:
            for _ in range(count_needed):
                there = Counter(state.instance.subnet_id for state in self.instance_states)
                self.vpc_zone_identifier = min(everywhere.split(","), key=lambda id: there[id])
                launch(self, 1, tags)
        finally:
            self.vpc_zone_identifier = everywhere

    FakeAutoScalingGroup.replace_autoscaling_group_instances = launch_each  # type: ignore[method-assign]
