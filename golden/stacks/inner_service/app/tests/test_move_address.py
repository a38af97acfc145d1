"""The script moves to a server that answers and to no other, and tells what it did or did not."""

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "scripts/move_address.py"
MOCK = ROOT / "local/patches/floating_ip.py"
REGION = "eu-central-1"


def automation(allocation: str, card: str) -> dict[str, Any]:
    """An automation of the same kinds of steps as the one that moves the address."""
    by_card = {"Service": "ec2", "Api": "DescribeNetworkInterfaces", "NetworkInterfaceIds": [card]}
    here = [{"Name": "attachment.instance-id", "Values": ["{{ find.InstanceId }}"]}]
    status = {"PropertySelector": "$.NetworkInterfaces[0].Status"}

    def call(name: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"name": name, "action": "aws:executeAwsApi", "inputs": inputs, **more}

    def check(name: str, inputs: dict[str, Any], *wanted: str, **more: Any) -> dict[str, Any]:
        checked = {**inputs, "DesiredValues": wanted}
        return {"name": name, "action": "aws:assertAwsResourceProperty", "inputs": checked, **more}

    def output(name: str, selector: str) -> list[dict[str, str]]:
        return [{"Name": name, "Selector": selector, "Type": "String"}]

    name_tag = {"Name": "tag:Name", "Values": ["shop-{{ To }}"]}
    running = {"Name": "instance-state-name", "Values": ["running"]}
    target = {"Service": "ec2", "Api": "DescribeInstances", "Filters": [name_tag, running]}
    return {
        "schemaVersion": "0.3",
        "parameters": {
            "To": {"type": "String"},
            "EvenIfSilent": {"type": "String", "default": "false"},
        },
        "mainSteps": [
            check(
                "is_running",
                {**target, "PropertySelector": "$.Reservations[0].Instances[0].State.Name"},
                "running",
            ),
            call(
                "find",
                target,
                outputs=output("InstanceId", "$.Reservations[0].Instances[0].InstanceId"),
            ),
            {
                "name": "is_forced",
                "action": "aws:branch",
                "inputs": {
                    "Choices": [
                        {
                            "NextStep": "card_is_there",
                            "Variable": "{{ EvenIfSilent }}",
                            "StringEquals": "true",
                        }
                    ],
                    "Default": "answers",
                },
            },
            check(
                "answers",
                {
                    "Service": "cloudwatch",
                    "Api": "DescribeAlarms",
                    "AlarmNames": ["shop-{{ To }}"],
                    "PropertySelector": "$.MetricAlarms[0].StateValue",
                },
                "OK",
            ),
            check(
                "card_is_there",
                {**by_card, **status, "Filters": here},
                "in-use",
                isCritical=False,
                onFailure="step:find_card",
                nextStep="find_interface",
            ),
            call(
                "find_card",
                by_card,
                outputs=output("Id", "$.NetworkInterfaces[0].Attachment.AttachmentId"),
            ),
            call(
                "take_card",
                {
                    "Service": "ec2",
                    "Api": "DetachNetworkInterface",
                    "AttachmentId": "{{ find_card.Id }}",
                },
            ),
            {
                "name": "wait",
                "action": "aws:waitForAwsResourceProperty",
                "inputs": {**by_card, **status, "DesiredValues": ["available"]},
            },
            call(
                "put_card",
                {
                    "Service": "ec2",
                    "Api": "AttachNetworkInterface",
                    "DeviceIndex": 1,
                    "InstanceId": "{{ find.InstanceId }}",
                    "NetworkInterfaceId": card,
                },
            ),
            call(
                "find_interface",
                {
                    "Service": "ec2",
                    "Api": "DescribeNetworkInterfaces",
                    "Filters": [*here, {"Name": "attachment.device-index", "Values": ["0"]}],
                },
                outputs=output("Id", "$.NetworkInterfaces[0].NetworkInterfaceId"),
            ),
            call(
                "move_address",
                {
                    "Service": "ec2",
                    "Api": "AssociateAddress",
                    "AllocationId": allocation,
                    "AllowReassociation": True,
                    "NetworkInterfaceId": "{{ find_interface.Id }}",
                },
            ),
        ],
    }


class Stack:
    """Two servers on a mock AWS; `main` has the address and the card."""

    def __init__(self, folder: Path) -> None:
        self.ec2 = boto3.client("ec2")
        self.cloudwatch = boto3.client("cloudwatch")
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        self.ids = {name: self.server(name, subnet) for name in ("main", "spare")}
        public = self.ec2.allocate_address(Domain="vpc")
        self.ec2.associate_address(AllocationId=public["AllocationId"], InstanceId=self.ids["main"])
        made = self.ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
        card = made["NetworkInterfaceId"]
        self.ec2.attach_network_interface(
            DeviceIndex=1, InstanceId=self.ids["main"], NetworkInterfaceId=card
        )
        self.things = [public["PublicIp"], made["PrivateIpAddress"]]
        boto3.client("ssm").create_document(
            Name="move",
            DocumentType="Automation",
            Content=json.dumps(automation(public["AllocationId"], card)),
        )
        self.told = folder / "outputs.json"
        outputs = {
            "core_region": REGION,
            "elastic_address_public_ip": public["PublicIp"],
            "floating_ip_document": "move",
            "movable_interface_id": card,
            "standalone_server_ids": self.ids,
        }
        self.told.write_text(json.dumps({name: {"value": v} for name, v in outputs.items()}))

    def server(self, name: str, subnet: str) -> str:
        tags = [{"Key": "Name", "Value": f"shop-{name}"}]
        [made] = self.ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )["Instances"]
        self.cloudwatch.put_metric_alarm(
            AlarmName=f"shop-{name}",
            Namespace="shop",
            MetricName="ApplicationAnswers",
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=3,
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
        )
        self.say(name, "OK")
        return str(made["InstanceId"])

    def say(self, name: str, state: str) -> None:
        self.cloudwatch.set_alarm_state(
            AlarmName=f"shop-{name}", StateValue=state, StateReason="test"
        )

    def all_with(self, name: str) -> str:
        """What the script tells when this server has all of it."""
        return "".join(f"{thing}: {name}\n" for thing in self.things)


@pytest.fixture
def script() -> SimpleNamespace:
    found = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
    found.move.__globals__["PAUSE_SECONDS"] = 0.05
    return found


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds, and none is needed
    runpy.run_path(str(MOCK))["patch"]()
    terraform = tmp_path / "terraform"
    terraform.write_text(f'#!/bin/sh\ncat "{tmp_path}/outputs.json"\n')
    terraform.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with mock_aws():
        yield Stack(tmp_path)


def test_it_tells_which_server_has_what(
    script: SimpleNamespace, stack: Stack, capsys: pytest.CaptureFixture[str]
):
    assert script.main([]) == 0

    assert capsys.readouterr().out == stack.all_with("main")


def test_it_moves_all_to_the_spare_and_back(
    script: SimpleNamespace, stack: Stack, capsys: pytest.CaptureFixture[str]
):
    for name in ("spare", "spare", "main"):
        assert script.main([name]) == 0
        assert capsys.readouterr() == (stack.all_with(name), "")


def test_a_server_that_is_silent_gets_nothing_unless_forced(
    script: SimpleNamespace, stack: Stack, capsys: pytest.CaptureFixture[str]
):
    stack.say("spare", "ALARM")

    assert script.main(["spare"]) == 1
    assert "spare does not answer; nothing was moved" in capsys.readouterr().err
    assert script.main([]) == 0
    assert capsys.readouterr().out == stack.all_with("main")

    assert script.main(["spare", "--force"]) == 0
    assert capsys.readouterr().out == stack.all_with("spare")


def test_a_server_that_is_stopped_gets_nothing(
    script: SimpleNamespace, stack: Stack, capsys: pytest.CaptureFixture[str]
):
    stack.ec2.stop_instances(InstanceIds=[stack.ids["spare"]])

    assert script.main(["spare"]) == 1

    assert "spare is not running; nothing was moved" in capsys.readouterr().err


def test_a_move_that_broke_off_is_finished_by_the_next(
    script: SimpleNamespace, stack: Stack, capsys: pytest.CaptureFixture[str]
):
    """The address is with the spare already, the card still with main."""
    [address] = stack.ec2.describe_addresses()["Addresses"]
    stack.ec2.associate_address(
        AllocationId=address["AllocationId"],
        AllowReassociation=True,
        InstanceId=stack.ids["spare"],
    )

    assert script.main(["spare"]) == 0

    assert capsys.readouterr().out == stack.all_with("spare")


def test_what_takes_too_long_goes_on_and_is_told(
    script: SimpleNamespace, stack: Stack, capsys: pytest.CaptureFixture[str]
):
    assert script.main(["spare", "--wait", "-1"]) == 1

    assert "it goes on as" in capsys.readouterr().err


def test_a_server_nobody_knows_is_refused(
    script: SimpleNamespace, stack: Stack, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit, match="2"):
        script.main(["third"])

    assert "the servers are main and spare; got 'third'" in capsys.readouterr().err


def test_without_a_stack_it_says_so(
    script: SimpleNamespace, stack: Stack, capsys: pytest.CaptureFixture[str]
):
    stack.told.write_text("{}")

    assert script.main(["spare"]) == 1

    assert "was the stack applied?" in capsys.readouterr().err
