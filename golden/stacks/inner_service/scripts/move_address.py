#!/usr/bin/env python3
"""Move the address that users know to a server, or tell which server has it.

    python scripts/move_address.py            which one has it
    python scripts/move_address.py spare      the spare has it from now on
    python scripts/move_address.py main       and back

The server must answer; `--force` moves all the same. It is the automation that a failure starts,
too, so both do the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

INFRA = Path(__file__).resolve().parent.parent / "infra"
PAUSE_SECONDS = 1.0
RUNNING = ("Pending", "InProgress", "Waiting", "RunbookInProgress")

REFUSALS = {
    "answers": "{} does not answer; nothing was moved (--force moves all the same)",
    "is_running": "{} is not running; nothing was moved",
}
"""What it means that the automation ended with one of these steps."""


class MoveError(Exception):
    """The address was not moved, or not wholly."""


def outputs() -> dict[str, Any]:
    """Ask Terraform's state what this repository made."""
    command = ["terraform", f"-chdir={INFRA}", "output", "-json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: output["value"] for name, output in json.loads(told).items()}


def holders(stack: Mapping[str, Any]) -> dict[str, str]:
    """Which server has each thing that moves.

    Args:
        stack: What Terraform's state tells.

    Returns:
        The name of a server, or what EC2 knows instead, for each address.
    """
    ec2 = boto3.client("ec2", region_name=stack.get("core_region"))
    names = {id: name for name, id in stack["standalone_server_ids"].items()}
    found = {}
    if address := stack.get("elastic_address_public_ip"):
        [public] = ec2.describe_addresses(PublicIps=[address])["Addresses"]
        found[address] = public.get("InstanceId")
    if card := stack.get("movable_interface_id"):
        [private] = ec2.describe_network_interfaces(NetworkInterfaceIds=[card])["NetworkInterfaces"]
        found[private["PrivateIpAddress"]] = private.get("Attachment", {}).get("InstanceId")
    return {thing: names.get(id, id or "no server") for thing, id in found.items()}


def move(stack: Mapping[str, Any], to: str, force: bool, seconds: float) -> None:
    """Run the automation and wait for its end.

    Args:
        stack: What Terraform's state tells.
        to: Name of the server that is to answer.
        force: Whether to move although it does not.
        seconds: How long to wait at most.

    Raises:
        MoveError: It failed, or is not done yet.
    """
    ssm = boto3.client("ssm", region_name=stack.get("core_region"))
    id = ssm.start_automation_execution(
        DocumentName=stack["floating_ip_document"],
        Parameters={"To": [to], "EvenIfSilent": [str(force).lower()]},
    )["AutomationExecutionId"]
    until = time.monotonic() + seconds
    while True:
        execution = ssm.get_automation_execution(AutomationExecutionId=id)["AutomationExecution"]
        status = execution["AutomationExecutionStatus"]
        if status == "Success":
            return
        if status not in RUNNING:
            last = [each["StepName"] for each in execution["StepExecutions"]][-1:]
            reason = f"{status}: {execution.get('FailureMessage', 'no reason is given')}"
            raise MoveError(REFUSALS.get("".join(last), reason).format(to))
        if time.monotonic() > until:
            raise MoveError(f"not finished after {seconds:.0f} s; it goes on as {id}")
        time.sleep(PAUSE_SECONDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; tells on standard error what went wrong."""
    parser = argparse.ArgumentParser(description="Move the address that users know to a server.")
    parser.add_argument("to", nargs="?", metavar="SERVER", help="main or spare; else tell")
    parser.add_argument("--force", action="store_true", help="though that server does not answer")
    parser.add_argument(
        "--wait", type=float, default=300, metavar="SECONDS", help="at most, default 300"
    )
    options = parser.parse_args(arguments)
    try:
        stack = outputs()
        names = sorted(stack["standalone_server_ids"])
        if options.to is not None:
            if options.to not in names:
                parser.error(f"the servers are {' and '.join(names)}; got {options.to!r}")
            move(stack, options.to, options.force, options.wait)
        for thing, holder in holders(stack).items():
            sys.stdout.write(f"{thing}: {holder}\n")
    except FileNotFoundError:
        problem = "terraform was not found; it knows which servers there are"
    except subprocess.CalledProcessError as error:
        problem = f"Terraform's state could not be read: {error.stderr.strip()}"
    except LookupError:
        problem = "Terraform's state knows no servers; was the stack applied?"
    except (MoveError, BotoCoreError, ClientError) as error:
        problem = str(error)
    else:
        return 0
    sys.stderr.write(f"error: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
