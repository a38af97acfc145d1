"""Databases on the mock AWS that stand in two zones, and can change places."""

from __future__ import annotations

from typing import Any

from moto.rds.models import DBInstance
from moto.rds.responses import RDSResponse


def standby_zone(self: DBInstance) -> str | None:
    """Where the other copy stands: in the first zone that is not the database's own."""
    if not self.multi_az or self.db_subnet_group is None:
        return None
    zones = {subnet.availability_zone for subnet in self.db_subnet_group._subnets}
    return min(zones - {self.availability_zone}, default=None)


def patch() -> None:
    """Tell of the other zone, and let a reboot lead there when it is asked to."""
    DBInstance.secondary_availability_zone = property(standby_zone)  # type: ignore[attr-defined]
    reboot = RDSResponse.reboot_db_instance

    def rebooted(self: RDSResponse) -> Any:
        [database] = self.backend.describe_db_instances(self.params["DBInstanceIdentifier"])
        if self.params.get("ForceFailover") and (other := standby_zone(database)):
            database.availability_zone = other
        return reboot(self)

    RDSResponse.reboot_db_instance = rebooted  # type: ignore[method-assign]
