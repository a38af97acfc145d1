#!/usr/bin/env python3
"""Switch a database to its standby, as the loss of its zone would, and tell how long that took.

    python scripts/failover_database.py --watch https://shop.example.com/database

Connections break and come back: that is what the drill is for. With --watch, an address that
needs the database is asked twice a second, and the longest time it gave no good answer is told.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

INFRA = Path(__file__).resolve().parent.parent / "infra"

PAUSE = 2
"""Seconds between two questions how the database is."""


class DrillError(Exception):
    """The database was not switched, or not in time."""


def output_of_this_stack(name: str) -> Any:
    """Ask Terraform's state for one output of this repository's stack.

    Raises:
        LookupError: The state holds no such output.
    """
    command = ["terraform", f"-chdir={INFRA}", "output", "-json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(told)[name]["value"]


class Watch:
    """Asks an address again and again, and measures how long it gives no good answer."""

    def __init__(self, url: str) -> None:
        self.longest = 0.0
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Watch:
        if not self._answers():
            raise DrillError(f"{self._url} gives no good answer already before the switch")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(120)  # the database may be back before whoever asks it is

    def _ask(self) -> None:
        since = None
        while since is not None or not self._over.is_set():
            asked = time.monotonic()
            if self._answers():
                since = None
            else:
                since = since or asked
                self.longest = max(self.longest, time.monotonic() - since)
            time.sleep(0.5)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._url, timeout=10) as answer:
                return bool(answer.status < 400)
        except (OSError, ValueError):
            return False


def describe(rds: Any, identifier: str) -> dict[str, Any]:
    """Ask RDS how a database is."""
    [found] = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    return dict(found)


def switch(rds: Any, identifier: str, seconds: int) -> tuple[str, str, float]:
    """Switch to the standby and wait until it is the database.

    Args:
        rds: A client of boto3.
        identifier: What RDS calls the database.
        seconds: How long to wait at most.

    Returns:
        The zone before, the zone after, and the seconds between, as RDS tells it.

    Raises:
        DrillError: There is no standby, the database is busy, or it took longer.
    """
    before = describe(rds, identifier)
    if not before["MultiAZ"]:
        raise DrillError(f"{identifier} has no standby that could take over")
    if before["DBInstanceStatus"] != "available":
        raise DrillError(
            f"{identifier} is {before['DBInstanceStatus']}; wait until it is available"
        )
    began = time.monotonic()
    rds.reboot_db_instance(DBInstanceIdentifier=identifier, ForceFailover=True)
    while time.monotonic() - began < seconds:
        now = describe(rds, identifier)
        moved = now["AvailabilityZone"] != before["AvailabilityZone"]
        if moved and now["DBInstanceStatus"] == "available":
            took = time.monotonic() - began
            return before["AvailabilityZone"], now["AvailabilityZone"], took
        time.sleep(PAUSE)
    raise DrillError(
        f"after {seconds} s {identifier} is {now['DBInstanceStatus']} in {now['AvailabilityZone']};"
        " its events tell more: aws rds describe-events --source-type db-instance"
        f" --source-identifier {identifier}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; tells on standard error what went wrong."""
    parser = argparse.ArgumentParser(description="Switch a database to its standby.")
    parser.add_argument("--database", default="main", metavar="NAME", help="by default main")
    parser.add_argument("--identifier", help="what RDS calls it; by default that of this stack")
    parser.add_argument("--region", help="by default the one this repository's stack stands in")
    parser.add_argument("--wait", type=int, default=600, metavar="SECONDS", help="default 600")
    parser.add_argument("--watch", metavar="URL", help="an address that needs the database")
    options = parser.parse_args(arguments)
    if options.watch and not options.watch.startswith(("http://", "https://")):
        parser.error(f"--watch takes an address with http:// or https://; got {options.watch!r}")

    try:
        identifier = (
            options.identifier or output_of_this_stack("database_identifiers")[options.database]
        )
        region = options.region or output_of_this_stack("core_region")
        rds = boto3.client("rds", region_name=region)
        if options.watch:
            with Watch(options.watch) as watch:
                left, reached, took = switch(rds, identifier, options.wait)
        else:
            left, reached, took = switch(rds, identifier, options.wait)
    except FileNotFoundError:
        problem = "terraform was not found; name --identifier and --region"
    except subprocess.CalledProcessError as error:
        problem = f"Terraform's state could not be read: {error.stderr.strip()}"
    except LookupError:
        problem = f"Terraform's state knows no database {options.database}; was the stack applied?"
    except (BotoCoreError, ClientError, DrillError) as error:
        problem = str(error)
    else:
        sys.stdout.write(f"{identifier}: from {left} to {reached} in {took:.0f} s\n")
        if options.watch:
            sys.stdout.write(f"{options.watch}: no good answer for {watch.longest:.0f} s\n")
        return 0
    sys.stderr.write(f"error: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
