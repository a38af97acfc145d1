"""A server of its own on the mock AWS: it reads back as it was asked for."""

from __future__ import annotations

from typing import Any

from moto.ec2.responses.instances import InstanceResponse


def patch() -> None:
    """Keep what moto forgets of an instance: that it is protected, and its firewall groups.

    Whether an instance may be terminated moto does not read when it starts one, and groups only
    where they do not come with a network card, as they do in a public subnet. And it takes a change
    of any attribute that it does not know for one of the groups, to none at all.
    """
    run = InstanceResponse.run_instances

    def run_protected(self: InstanceResponse) -> Any:
        result: Any = run(self)
        protected = str(self._get_param("DisableApiTermination")).lower() == "true"
        for instance in result.result.instances:
            instance.disable_api_termination = protected
            instance.security_groups = instance.security_groups or instance.nics[0].group_set
        return result

    InstanceResponse.run_instances = run_protected  # type: ignore[method-assign]

    change = InstanceResponse._security_grp_instance_attribute_handler

    def change_groups(self: InstanceResponse) -> bool:
        return change(self) if self._get_param("Groups", []) else True

    InstanceResponse._security_grp_instance_attribute_handler = change_groups  # type: ignore[method-assign]
