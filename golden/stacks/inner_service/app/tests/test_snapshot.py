"""Copies of the data disk come back: beside the disk, whole, and encrypted."""

import json
import re
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.ec2.models import ec2_backends

SCRIPT = Path(__file__).parent.parent.parent / "scripts/restore.py"
REGION = "eu-central-1"
ZONE = "eu-central-1b"
NIGHT = datetime(2030, 1, 1, 3, 15, tzinfo=UTC)


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ec2", region_name=REGION)


class Stack:
    """A server with a disk, which may be a stripe, and the script for it."""

    def __init__(self, ec2: Any, monkeypatch: pytest.MonkeyPatch, stripes: int) -> None:
        self.ec2 = ec2
        [server] = ec2.run_instances(
            ImageId="ami-12c6146b",
            MaxCount=1,
            MinCount=1,
            Placement={"AvailabilityZone": ZONE},
        )["Instances"]
        self.server: str = server["InstanceId"]
        self.names = {f"0{n}": f"shop-dev-ondemand-disk-0{n}" for n in range(1, stripes + 1)}
        self.volumes = {key: self.volume(name, key) for key, name in self.names.items()}
        self.script = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
        disk = self.script.Disk("/data", REGION, self.server, self.names, ZONE)
        monkeypatch.setitem(self.script.main.__globals__, "disk_of_this_stack", lambda: disk)

    def volume(self, name: str, key: str) -> str:
        volume: str = self.ec2.create_volume(
            AvailabilityZone=ZONE,
            Encrypted=True,
            Size=10,
            TagSpecifications=[
                {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": name}]}
            ],
        )["VolumeId"]
        self.ec2.attach_volume(
            Device=f"/dev/sd{'efgh'[int(key)]}", InstanceId=self.server, VolumeId=volume
        )
        return volume

    def copy(self, night: int, *, script: str = "SUCCESS", but: str = "") -> dict[str, str]:
        """What Data Lifecycle Manager leaves of a night, perhaps without one volume."""
        made = {}
        for key, volume in self.volumes.items():
            if key == but:
                continue
            copied = self.ec2.create_snapshot(
                VolumeId=volume,
                TagSpecifications=[
                    {
                        "ResourceType": "snapshot",
                        "Tags": [{"Key": "Name", "Value": self.names[key]}],
                    }
                ],
            )["SnapshotId"]
            # The mock gives no other time, and lets nobody else write AWS's own tags either.
            backend = ec2_backends["123456789012"][REGION]
            backend.snapshots[copied].start_time = NIGHT + timedelta(days=night)
            backend.tags[copied] |= {"aws:dlm:pre-script": script, "aws:dlm:post-script": script}
            made[key] = copied
        return made

    def run(self, *arguments: str) -> int:
        return int(self.script.main(list(arguments)))

    def restored(self) -> list[dict[str, Any]]:
        filters = [{"Name": "tag:RestoredFor", "Values": [self.server]}]
        return list(self.ec2.describe_volumes(Filters=filters)["Volumes"])


@pytest.fixture(params=[1, 3], ids=["one volume", "a stripe"])
def stack(ec2: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Stack:
    return Stack(ec2, monkeypatch, request.param)


def test_the_list_tells_which_copies_were_held_still(
    stack: Stack, capsys: pytest.CaptureFixture[str]
):
    older, newer = stack.copy(0), stack.copy(1, script="FAILED")

    assert stack.run("list") == 0

    assert capsys.readouterr().out == (
        f"2030-01-02 03:15 UTC  as after a power cut  {' '.join(newer.values())}\n"
        f"2030-01-01 03:15 UTC  held still            {' '.join(older.values())}\n"
    )


def test_the_newest_copy_is_attached_in_the_zone_of_the_server_and_taken_away_again(
    stack: Stack, capsys: pytest.CaptureFixture[str]
):
    stack.copy(0)
    newest = stack.copy(1)
    before = {volume["VolumeId"] for volume in stack.ec2.describe_volumes()["Volumes"]}

    assert stack.run("beside") == 0

    said = capsys.readouterr().out
    made = stack.restored()
    assert {volume["SnapshotId"] for volume in made} == set(newest.values())
    assert {volume["Encrypted"] for volume in made} == {True}
    assert {volume["AvailabilityZone"] for volume in made} == {ZONE}
    assert {volume["Attachments"][0]["InstanceId"] for volume in made} == {stack.server}
    for volume in made:
        assert f"Amazon_Elastic_Block_Store_{volume['VolumeId'].replace('-', '')}" in said
    # These volumes are in no list of devices that LVM has kept.
    lvm = re.findall(r"sudo vg\w+ (\S+ \S+)", said)
    assert lvm == (['--devicesfile ""'] * 3 if len(made) > 1 else [])

    assert stack.run("away") == 0

    assert "deleted: " in capsys.readouterr().out
    assert {volume["VolumeId"] for volume in stack.ec2.describe_volumes()["Volumes"]} == before


def test_an_older_copy_is_named_by_any_of_its_snapshots(stack: Stack):
    older = stack.copy(0)
    stack.copy(1)

    assert stack.run("beside", list(older.values())[-1]) == 0

    assert {volume["SnapshotId"] for volume in stack.restored()} == set(older.values())


def test_a_second_restored_copy_is_refused(stack: Stack, capsys: pytest.CaptureFixture[str]):
    stack.copy(0)
    stack.run("beside")
    before = stack.restored()

    assert stack.run("beside") == 1

    assert "a restored copy is there already" in capsys.readouterr().err
    assert stack.restored() == before


def test_terraform_is_told_the_snapshot_of_each_volume(
    stack: Stack, capsys: pytest.CaptureFixture[str]
):
    copy = stack.copy(0)

    assert stack.run("whole") == 0

    assert f"\n  ondemand_disk_snapshot_ids = {json.dumps(copy)}\n" in capsys.readouterr().out


def test_a_copy_that_lacks_a_volume_is_no_copy(
    ec2: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stack = Stack(ec2, monkeypatch, 2)
    torn = stack.copy(1, but="02")

    assert stack.run("beside") == 1
    assert stack.run("beside", torn["01"]) == 1

    first, second = capsys.readouterr().err.splitlines()
    assert first == "error: there is no copy of /data yet"
    assert second == (
        f"error: {torn['01']} belongs to no copy of /data; `list` tells which there are"
    )
    assert stack.restored() == []


def test_there_may_be_nothing_to_tell_or_to_take_away(
    stack: Stack, capsys: pytest.CaptureFixture[str]
):
    assert stack.run("list") == 0
    assert stack.run("away") == 0

    assert capsys.readouterr().out == (
        "there is no copy of /data yet\nthere was nothing to take away\n"
    )
