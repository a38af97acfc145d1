"""The script that takes copies back from the edge, against a mock AWS in this process."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

FOLDER = Path(__file__).parent.parent / "blueprints/{{use.cache_distribution}}"


@pytest.fixture
def script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(FOLDER / "scripts/invalidate.py")))


@pytest.fixture
def distribution() -> Iterator[str]:
    """A distribution on a mock AWS that tells the end of an invalidation as AWS does."""
    runpy.run_path(str(FOLDER / "local/patches/cache_distribution.py"))["patch"]()
    with mock_aws():
        client = boto3.client("cloudfront", region_name="us-east-1")
        made = client.create_distribution(
            DistributionConfig={
                "CallerReference": "test",
                "Comment": "",
                "Enabled": True,
                "Origins": {
                    "Quantity": 1,
                    "Items": [
                        {
                            "Id": "servers",
                            "DomainName": "origin.example.com",
                            "CustomOriginConfig": {
                                "HTTPPort": 80,
                                "HTTPSPort": 443,
                                "OriginProtocolPolicy": "http-only",
                            },
                        }
                    ],
                },
                "DefaultCacheBehavior": {
                    "TargetOriginId": "servers",
                    "ViewerProtocolPolicy": "redirect-to-https",
                },
            }
        )
        yield made["Distribution"]["Id"]


def test_the_script_ends_when_the_paths_are_gone(
    script: SimpleNamespace, distribution: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--distribution", distribution, "/static/*", "/x.css"]) == 0

    client = boto3.client("cloudfront", region_name="us-east-1")
    [done] = client.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    full = client.get_invalidation(DistributionId=distribution, Id=done["Id"])["Invalidation"]
    assert full["Status"] == "Completed"
    assert full["InvalidationBatch"]["Paths"]["Items"] == ["/static/*", "/x.css"]
    assert capsys.readouterr().out == f"{done['Id']}: /static/* /x.css taken back everywhere\n"


def test_the_script_tells_what_went_wrong(
    script: SimpleNamespace, distribution: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--distribution", distribution + "X", "/static/*"]) == 1

    assert "NoSuchDistribution" in capsys.readouterr().err


def test_the_script_asks_terraform_which_distribution_is_meant(
    script: SimpleNamespace,
    distribution: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    terraform = tmp_path / "terraform"
    terraform.write_text("#!/bin/sh\necho '{}'\n")
    terraform.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert script.main(["/static/*"]) == 1
    assert "was the stack applied?" in capsys.readouterr().err

    told = {"edge_distribution_id": {"sensitive": False, "type": "string", "value": distribution}}
    terraform.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")

    assert script.main(["/static/*"]) == 0


def test_the_script_refuses_a_path_without_a_slash(
    script: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        script.main(["--distribution", "E1", "static/*"])

    assert "a path must start with a slash; got 'static/*'" in capsys.readouterr().err
