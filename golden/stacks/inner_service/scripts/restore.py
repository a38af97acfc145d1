#!/usr/bin/env python3
"""Bring the data disk back from a copy: beside the disk that is there, to fetch files from it.

    python scripts/restore.py list               tell the copies, the newest first
    python scripts/restore.py beside [snap-…]    attach a copy to the server
    python scripts/restore.py away               detach it and delete it again
    python scripts/restore.py whole [snap-…]     tell how a copy takes the place of the disk

The newest copy is taken, if none is named. A stripe of several volumes is restored whole: any of
its snapshots names the copy.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

INFRA = Path(__file__).resolve().parent.parent / "infra"

DEVICES = "pqrstuvw"
"""Letters of the names that restored volumes are attached under, one for each of a stripe."""

AT_ONCE = timedelta(minutes=1)
"""Snapshots of one copy are no further apart."""


class RestoreError(Exception):
    """There is no such copy, or nothing to do with it."""


@dataclass(frozen=True)
class Disk:
    """The disk that is copied, as Terraform's state tells of it."""

    mount_point: str
    region: str
    server: str
    volumes: dict[str, str]
    """The number of each volume, and its name, which its copies have too."""
    zone: str


@dataclass
class Copy:
    """One snapshot of every volume, all of the same moment."""

    began: datetime
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """What is known of it: whether it is complete, and whether the disk was held still."""
        if any(each["State"] != "completed" for each in self.snapshots.values()):
            return "not ready"
        marks = [
            tags(each).get(f"aws:dlm:{when}-script")
            for each in self.snapshots.values()
            for when in ("pre", "post")
        ]
        return "held still" if set(marks) == {"SUCCESS"} else "as after a power cut"


def tags(resource: dict[str, Any]) -> dict[str, str]:
    """The tags of a resource by their keys."""
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}


def disk_of_this_stack() -> Disk:
    """Ask Terraform's state which disk this repository made.

    Raises:
        LookupError: The state knows none.
    """
    command = ["terraform", f"-chdir={INFRA}", "output", "-json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Disk(**json.loads(told)["snapshot_disk"]["value"])


def copies(ec2: Any, disk: Disk) -> list[Copy]:
    """Every copy that has a snapshot of each volume, the newest first."""
    number = {name: key for key, name in disk.volumes.items()}
    pages = ec2.get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"], Filters=[{"Name": "tag:Name", "Values": list(number)}]
    )
    found: list[Copy] = []
    snapshots = [snapshot for page in pages for snapshot in page["Snapshots"]]
    for snapshot in sorted(snapshots, key=lambda each: each["StartTime"]):
        key = number[tags(snapshot)["Name"]]
        if (
            not found
            or key in found[-1].snapshots
            or snapshot["StartTime"] - found[-1].began > AT_ONCE
        ):
            found.append(Copy(snapshot["StartTime"]))
        found[-1].snapshots[key] = snapshot
    return [copy for copy in reversed(found) if copy.snapshots.keys() == disk.volumes.keys()]


def chosen(ec2: Any, disk: Disk, snapshot: str | None) -> Copy:
    """The copy that a snapshot belongs to, or the newest one that is complete.

    Raises:
        RestoreError: There is none.
    """
    known = copies(ec2, disk)
    for copy in known:
        ids = {each["SnapshotId"] for each in copy.snapshots.values()}
        if snapshot in ids or (snapshot is None and copy.state != "not ready"):
            return copy
    if snapshot is None:
        raise RestoreError(f"there is no copy of {disk.mount_point} yet")
    raise RestoreError(
        f"{snapshot} belongs to no copy of {disk.mount_point}; `list` tells which there are"
    )


def restored(ec2: Any, disk: Disk) -> list[dict[str, Any]]:
    """Volumes that this script made for the server and that are still there."""
    pages = ec2.get_paginator("describe_volumes").paginate(
        Filters=[{"Name": "tag:RestoredFor", "Values": [disk.server]}]
    )
    return [volume for page in pages for volume in page["Volumes"]]


def beside(ec2: Any, disk: Disk, copy: Copy) -> dict[str, str]:
    """Make a volume from each snapshot, in the server's zone, and attach it to the server.

    Returns:
        The id of each new volume by its number.

    Raises:
        RestoreError: A restored copy is there already.
    """
    if there := restored(ec2, disk):
        ids = ", ".join(volume["VolumeId"] for volume in there)
        raise RestoreError(f"a restored copy is there already ({ids}); take it away first")
    made = {}
    for key, snapshot in sorted(copy.snapshots.items()):
        made[key] = ec2.create_volume(
            AvailabilityZone=disk.zone,
            Encrypted=True,
            SnapshotId=snapshot["SnapshotId"],
            TagSpecifications=[
                {
                    "ResourceType": "volume",
                    "Tags": [
                        {"Key": "Name", "Value": f"{disk.volumes[key]}-restored"},
                        {"Key": "RestoredFor", "Value": disk.server},
                    ],
                }
            ],
            VolumeType="gp3",
        )["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=list(made.values()))
    for letter, volume in zip(DEVICES, made.values(), strict=False):
        ec2.attach_volume(Device=f"/dev/sd{letter}", InstanceId=disk.server, VolumeId=volume)
    ec2.get_waiter("volume_in_use").wait(VolumeIds=list(made.values()))
    return made


def away(ec2: Any, disk: Disk) -> list[str]:
    """Detach and delete what `beside` made; the ids of it."""
    there = restored(ec2, disk)
    ids = [volume["VolumeId"] for volume in there]
    for volume in there:
        if volume["Attachments"]:
            ec2.detach_volume(InstanceId=disk.server, VolumeId=volume["VolumeId"])
    if ids:
        ec2.get_waiter("volume_available").wait(VolumeIds=ids)
    for id in ids:
        ec2.delete_volume(VolumeId=id)
    return ids


def to_mount(volumes: Sequence[str]) -> str:
    """What to type on the server to read restored volumes, under /mnt."""
    links = [
        f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}"
        for volume in volumes
    ]
    if len(links) == 1:
        return f"  sudo mount -o ro {links[0]} /mnt"
    # A copy of a stripe has the same names as the stripe, so it gets others before it is used. LVM
    # keeps a list of its devices, which these are not in.
    return (
        '  sudo vgimportclone --devicesfile "" --basevgname restored \\\n    '
        + " \\\n    ".join(links)
        + '\n  sudo vgchange --devicesfile "" --activate y restored'
        + "\n  sudo mount -o ro /dev/restored/data /mnt"
    )


def to_replace(copy: Copy) -> str:
    """What to write and to run, so that Terraform makes the disk from a copy."""
    ids = {key: each["SnapshotId"] for key, each in sorted(copy.snapshots.items())}
    return (
        "in infra/terraform.tfvars:\n"
        f"  ondemand_disk_snapshot_ids = {json.dumps(ids)}\n"
        "then `make apply`: its plan must replace the volumes of the disk and their attachments,\n"
        "and nothing else. docs/patterns/snapshot.md says what comes before and after.\n"
    )


def run(ec2: Any, disk: Disk, options: argparse.Namespace) -> str:
    """Do what was asked for; what to say of it."""
    if options.command == "list":
        lines = [
            f"{copy.began:%Y-%m-%d %H:%M} UTC  {copy.state:20}  "
            + " ".join(each["SnapshotId"] for _, each in sorted(copy.snapshots.items()))
            for copy in copies(ec2, disk)
        ]
        return "\n".join(lines or [f"there is no copy of {disk.mount_point} yet"]) + "\n"
    if options.command == "away":
        gone = away(ec2, disk)
        return f"deleted: {', '.join(gone)}\n" if gone else "there was nothing to take away\n"
    copy = chosen(ec2, disk, options.snapshot)
    if options.command == "whole":
        return to_replace(copy)
    made = beside(ec2, disk, copy)
    return (
        f"the copy of {copy.began:%Y-%m-%d %H:%M} UTC ({copy.state}) is attached to {disk.server}; "
        f"to read it there:\n{to_mount([made[key] for key in sorted(made)])}\n"
        "when you have what you need: `sudo umount /mnt`"
        + (', `sudo vgchange --devicesfile "" --activate n restored`' if len(made) > 1 else "")
        + ", and here `restore.py away`\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; tells on standard error what went wrong."""
    parser = argparse.ArgumentParser(description="Bring the data disk back from a copy.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="tell the copies, the newest first")
    for name, help in (
        ("beside", "attach a copy to the server, beside the disk"),
        ("whole", "tell how a copy takes the place of the disk"),
    ):
        command = commands.add_parser(name, help=help)
        command.add_argument("snapshot", nargs="?", metavar="SNAPSHOT", help="default: the newest")
    commands.add_parser("away", help="detach and delete what `beside` attached")
    options = parser.parse_args(arguments)

    try:
        disk = disk_of_this_stack()
        said = run(boto3.client("ec2", region_name=disk.region), disk, options)
    except FileNotFoundError:
        problem = "terraform was not found, which knows the disk"
    except subprocess.CalledProcessError as error:
        problem = f"Terraform's state could not be read: {error.stderr.strip()}"
    except LookupError:
        problem = "Terraform's state knows no disk; was the stack applied?"
    except WaiterError as error:
        problem = f"a volume did not become ready: {error}"
    except (BotoCoreError, ClientError, RestoreError) as error:
        problem = str(error)
    else:
        sys.stdout.write(said)
        return 0
    sys.stderr.write(f"error: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
