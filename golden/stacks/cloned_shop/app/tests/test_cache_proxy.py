"""Answers say what caches may do with them, and every proxy is told to throw some away."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from starlette.testclient import TestClient

from app import features
from app.features import proxied_answers
from app.main import build
from app.settings import Settings

SCRIPT = Path(__file__).parent.parent.parent / "scripts/purge.py"
GROUP = ("--group", "shop-dev-proxies", "--region", "us-east-1")


@pytest.fixture
def script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture
def instances() -> Iterator[list[str]]:
    """A group of three proxies, one of which is on its way out."""
    with mock_aws():
        ec2 = boto3.client("ec2", region_name="us-east-1")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        autoscaling = boto3.client("autoscaling", region_name="us-east-1")
        autoscaling.create_launch_configuration(
            LaunchConfigurationName="proxies", ImageId="ami-12c6146b", InstanceType="t3.small"
        )
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="shop-dev-proxies",
            LaunchConfigurationName="proxies",
            MinSize=3,
            MaxSize=3,
            VPCZoneIdentifier=subnet,
        )
        [group] = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        ids = sorted(each["InstanceId"] for each in group["Instances"])
        autoscaling.enter_standby(
            AutoScalingGroupName="shop-dev-proxies",
            InstanceIds=ids[2:],
            ShouldDecrementDesiredCapacity=False,
        )
        yield ids


def sent() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boto3.client("ssm", region_name="us-east-1").list_commands()[
        "Commands"
    ]
    return found


def client() -> TestClient:
    return TestClient(build(Settings(instance_id="i-1", zone="z"), [proxied_answers]))


def test_an_answer_for_everybody_may_be_kept():
    answer = client().get("/moment")

    assert answer.headers["cache-control"] == "public, max-age=30"
    assert answer.json()["made_by"] == "i-1"


@pytest.mark.parametrize("path", ["/health", "/whoami", "/version", "/nowhere"])
def test_an_answer_that_says_nothing_is_not_kept(path: str):
    assert client().get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "said"), [("/", "private, no-store"), ("/static/style.css", "public, max-age=300")]
)
def test_what_an_answer_says_it_goes_on_saying(path: str, said: str):
    assert client().get(path).headers["cache-control"] == said


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("path", ["/whoami", "/version", "/quiet"])
def test_whatever_else_is_there_proxies_keep_no_answer_that_says_nothing(path: str):
    """Other features speak of caches as well, and mean those of browsers."""
    app = build(Settings(instance_id="i-1", zone="z"), features.scan())
    app.add_api_route("/quiet", lambda: "nothing")

    said = TestClient(app).get(path).headers["cache-control"]

    assert {"no-store", "private"} & set(said.split(", "))
    assert TestClient(app).get("/moment").headers["cache-control"] == "public, max-age=30"


def test_every_proxy_in_service_is_told(
    script: SimpleNamespace, instances: list[str], capsys: pytest.CaptureFixture[str]
):
    assert script.main([*GROUP, "/moment", "/static/style.css"]) == 0

    [command] = sent()
    assert set(command["InstanceIds"]) >= set(instances[:2])
    assert command["DocumentName"] == "AWS-RunShellScript"
    lines = command["Parameters"]["commands"]
    assert [line.split()[-1] for line in lines if "PURGE" in line] == [
        f"{script.ADDRESS}/moment",
        f"{script.ADDRESS}/static/style.css",
    ]
    told = capsys.readouterr().out
    assert all(f"{instance}: thrown away\n" in told for instance in instances[:2])


def test_a_pattern_is_quoted_for_the_shell(script: SimpleNamespace, instances: list[str]):
    assert script.main([*GROUP, "--matching", "^/a$;reboot"]) == 0

    [command] = sent()
    [line] = [each for each in command["Parameters"]["commands"] if "BAN" in each]
    assert "'X-Cache-Match: ^/a$;reboot'" in line


@pytest.mark.parametrize("pattern", ["^/a b", "^/(a"])
def test_what_is_no_pattern_is_refused(
    script: SimpleNamespace, pattern: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit, match="2"):
        script.main([*GROUP, "--matching", pattern])

    assert f"got {pattern!r}" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["whoami", "/with space"])
def test_what_is_no_path_is_refused(
    script: SimpleNamespace, path: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit, match="2"):
        script.main([*GROUP, path])

    assert f"got {path!r}" in capsys.readouterr().err


def test_a_group_without_proxies_is_told(
    script: SimpleNamespace, instances: list[str], capsys: pytest.CaptureFixture[str]
):
    assert script.main(["--group", "other", "--region", "us-east-1", "/"]) == 1

    assert capsys.readouterr().err == "error: no proxy of other is in service\n"
