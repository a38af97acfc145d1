"""Old images go, with what they cost; images in use never do."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

SCRIPT = Path(__file__).parent.parent.parent / "scripts/prune_images.py"
STACK = ("--stack", "shop-dev", "--region", "us-east-1")


@pytest.fixture
def script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


def built(ec2: Any, name: str, stack: str = "shop-dev") -> str:
    """Make an image with a snapshot, as a build of the stack leaves it behind."""
    [machine] = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"]
    image: str = ec2.create_image(InstanceId=machine["InstanceId"], Name=name)["ImageId"]
    ec2.create_tags(Resources=[image], Tags=[{"Key": "Name", "Value": f"{stack}-server"}])
    ec2.terminate_instances(InstanceIds=[machine["InstanceId"]])
    return image


def there(ec2: Any) -> set[str]:
    return {image["ImageId"] for image in ec2.describe_images(Owners=["self"])["Images"]}


def aged(script: SimpleNamespace, images: list[str]) -> None:
    """Give images ages in the order of the list, the oldest first; the mock knows seconds only."""
    images_of = script.images_of

    def in_order(ec2: Any, stack: str) -> list[dict[str, Any]]:
        return sorted(images_of(ec2, stack), key=lambda image: -images.index(image["ImageId"]))

    script.main.__globals__["images_of"] = in_order


def test_the_newest_stay_and_the_rest_goes_with_its_snapshots(
    script: SimpleNamespace, ec2: Any, capsys: pytest.CaptureFixture[str]
):
    images = [built(ec2, f"image-{number}") for number in range(3)]
    aged(script, images)
    [old] = ec2.describe_images(ImageIds=[images[0]])["Images"]
    snapshot = old["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]

    assert script.main([*STACK, "--keep", "2", "--delete"]) == 0

    assert there(ec2) == set(images[1:])
    left = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert snapshot not in {each["SnapshotId"] for each in left}
    assert f"{images[0]} of {old['CreationDate']}: deleted\n" in capsys.readouterr().out


def test_without_the_word_nothing_is_deleted(
    script: SimpleNamespace, ec2: Any, capsys: pytest.CaptureFixture[str]
):
    images = [built(ec2, f"image-{number}") for number in range(2)]

    assert script.main([*STACK, "--keep", "1"]) == 0

    assert there(ec2) == set(images)
    assert "would go with --delete" in capsys.readouterr().out


def test_images_of_another_stack_are_not_looked_at(script: SimpleNamespace, ec2: Any):
    other = built(ec2, "other", stack="shop-prod")
    mine = built(ec2, "mine")

    assert script.main([*STACK, "--keep", "1", "--delete"]) == 0

    assert there(ec2) == {other, mine}


def test_an_image_that_a_server_runs_on_stays(
    script: SimpleNamespace, ec2: Any, capsys: pytest.CaptureFixture[str]
):
    images = [built(ec2, f"image-{number}") for number in range(2)]
    aged(script, images)
    ec2.run_instances(ImageId=images[0], MinCount=1, MaxCount=1)

    assert script.main([*STACK, "--keep", "1", "--delete"]) == 0

    assert there(ec2) == set(images)
    assert "stays, it is in use" in capsys.readouterr().out


def test_an_image_that_servers_would_be_started_from_stays(script: SimpleNamespace, ec2: Any):
    images = [built(ec2, f"image-{number}") for number in range(4)]
    aged(script, images)
    for image in images[:3]:
        if image == images[0]:
            ec2.create_launch_template(
                LaunchTemplateName="servers", LaunchTemplateData={"ImageId": image}
            )
        else:
            ec2.create_launch_template_version(
                LaunchTemplateName="servers", LaunchTemplateData={"ImageId": image}
            )
    # A roll that was taken back: the group goes on with a version that is neither of the two.
    boto3.client("autoscaling", region_name="us-east-1").create_auto_scaling_group(
        AutoScalingGroupName="servers",
        AvailabilityZones=["us-east-1a"],
        LaunchTemplate={"LaunchTemplateName": "servers", "Version": "2"},
        MinSize=0,
        MaxSize=0,
    )

    assert script.main([*STACK, "--keep", "1", "--delete"]) == 0

    assert there(ec2) == set(images)


def test_when_the_stack_is_gone_all_its_images_can_go(script: SimpleNamespace, ec2: Any):
    built(ec2, "image")

    assert script.main([*STACK, "--keep", "0", "--delete"]) == 0

    assert there(ec2) == set()


def test_keeping_less_than_none_is_refused(
    script: SimpleNamespace, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit, match="2"):
        script.main([*STACK, "--keep", "-1"])

    assert "it must be 0 or more; got -1" in capsys.readouterr().err


def test_what_aws_refuses_is_told(
    script: SimpleNamespace,
    ec2: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    assert script.main(list(STACK)) == 1

    assert capsys.readouterr().err.startswith("error: ")
