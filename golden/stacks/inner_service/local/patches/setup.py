"""What a changed setup sets going, on the mock AWS: a hook that reads back, and a roll."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.autoscaling.models import LifecycleHook
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

REFRESHES: dict[str, list[dict[str, Any]]] = {}


def start_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """Replace every server of a group at once; the mock has nobody who would have to wait."""
    name = str(self._get_param("AutoScalingGroupName"))
    backend = self.autoscaling_backend
    size = backend.autoscaling_groups[name].desired_capacity
    for capacity in (0, size):
        backend.set_desired_capacity(name, capacity)
    backend.update_attached_target_groups(name)
    refresh = {
        "AutoScalingGroupName": name,
        "InstanceRefreshId": str(uuid4()),
        "PercentageComplete": 100,
        "Status": "Successful",
    }
    REFRESHES.setdefault(name, []).insert(0, refresh)
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def describe_instance_refreshes(self: AutoScalingResponse) -> ActionResult:
    """Tell the rolls of a group, the newest first."""
    name = str(self._get_param("AutoScalingGroupName"))
    return ActionResult({"InstanceRefreshes": REFRESHES.get(name, [])})


def patch() -> None:
    """Serve rolls, which moto has none of, and give no hook a role and a queue it made up."""
    for call in (start_instance_refresh, describe_instance_refreshes):
        setattr(AutoScalingResponse, call.__name__, call)
    begin = LifecycleHook.__init__

    def init(self: LifecycleHook, *values: Any, **named: Any) -> None:
        begin(self, *values, **named)
        del self.role_arn, self.notification_target_arn

    LifecycleHook.__init__ = init  # type: ignore[method-assign]
