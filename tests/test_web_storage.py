"""Files on their way to users: the script that publishes them, and what is asked of a bucket."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import S3Transfer
from moto import mock_aws

from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import make
from tests.machine import needs_terraform

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "blueprints/{{use.web_storage}}/scripts/publish.py"
TEMPLATE = Template(ROOT)
URL = "https://d111111abcdef8.cloudfront.net"
HASHED = "film.3f9c21aa.mp4"

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="the generated scripts need Python 3.11"
)


def resolved(*patterns: str, **choices: str) -> Resolution:
    answer = resolve(TEMPLATE.catalog, list(patterns), choices)
    assert isinstance(answer, Resolution)
    return answer


def write(resolution: Resolution, folder: Path) -> Path:
    for path, content in TEMPLATE.tree(resolution).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.fixture
def stack(script: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A versioned bucket and a distribution of the mock AWS, as the script is told of them."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="content")
        s3.put_bucket_versioning(Bucket="content", VersioningConfiguration={"Status": "Enabled"})
        made = boto3.client("cloudfront").create_distribution(
            DistributionConfig={
                "CallerReference": "test",
                "Comment": "",
                "Enabled": True,
                "Origins": {
                    "Quantity": 1,
                    "Items": [
                        {
                            "Id": "content",
                            "DomainName": "content.s3.us-east-1.amazonaws.com",
                            "S3OriginConfig": {"OriginAccessIdentity": ""},
                        }
                    ],
                },
                "DefaultCacheBehavior": {
                    "TargetOriginId": "content",
                    "ViewerProtocolPolicy": "redirect-to-https",
                },
            }
        )
        yield script.Stack("content", made["Distribution"]["Id"], URL, 3600)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "media"
    (made / "a b").mkdir(parents=True)
    (made / "a b/ü.mp4").write_bytes(b"film")
    (made / HASHED).write_bytes(b"film")
    (made / "notes.txt").write_text("read me\n")
    (made / "all.tar.gz").write_bytes(b"packed")
    (made / "odd.thing").write_bytes(b"?")
    (made / ".gitignore").write_text("*\n")
    return made


def invalidated(stack: Any) -> list[list[str]]:
    """The paths of each time that copies were taken back."""
    client = boto3.client("cloudfront")
    told = client.list_invalidations(DistributionId=stack.distribution)["InvalidationList"]
    return [
        client.get_invalidation(DistributionId=stack.distribution, Id=each["Id"])["Invalidation"][
            "InvalidationBatch"
        ]["Paths"]["Items"]
        for each in told.get("Items", [])
    ]


def test_each_class_of_file_has_its_type_and_its_time(
    script: SimpleNamespace, stack: Any, folder: Path
) -> None:
    script.publish(stack, folder, delete=False)

    s3 = boto3.client("s3")
    there = [each["Key"] for each in s3.list_objects_v2(Bucket="content")["Contents"]]
    heads = {key: s3.head_object(Bucket="content", Key=key) for key in there}
    brief, lasting = "public, max-age=3600", "public, max-age=31536000, immutable"
    assert {key: (head["ContentType"], head["CacheControl"]) for key, head in heads.items()} == {
        "media/a b/ü.mp4": ("video/mp4", brief),
        "media/all.tar.gz": ("application/gzip", brief),
        f"media/{HASHED}": ("video/mp4", lasting),
        "media/notes.txt": ("text/plain; charset=utf-8", brief),
        "media/odd.thing": ("application/octet-stream", brief),
    }


def test_what_is_unchanged_stays_and_what_is_replaced_is_taken_back(
    script: SimpleNamespace, stack: Any, folder: Path
) -> None:
    script.publish(stack, folder, delete=False)
    assert script.publish(stack, folder, delete=False) == script.Published([], [], [])
    assert invalidated(stack) == []

    (folder / "a b/ü.mp4").write_bytes(b"another film")
    (folder / "new.zip").write_bytes(b"zip")
    done = script.publish(stack, folder, delete=False)

    assert done.uploaded == ["media/a b/ü.mp4", "media/new.zip"]
    assert invalidated(stack) == [["/media/a%20b/%C3%BC.mp4"]]
    body = boto3.client("s3").get_object(Bucket="content", Key="media/a b/ü.mp4")["Body"]
    assert body.read() == b"another film"


def test_another_time_reaches_files_that_are_there(
    script: SimpleNamespace, stack: Any, folder: Path
) -> None:
    script.publish(stack, folder, delete=False)
    longer = script.Stack(stack.bucket, stack.distribution, stack.url, 7200)

    done = script.publish(longer, folder, delete=False)

    # What is named after its content keeps its year.
    assert sorted(done.uploaded) == [
        "media/a b/ü.mp4",
        "media/all.tar.gz",
        "media/notes.txt",
        "media/odd.thing",
    ]


def test_nothing_is_deleted_unless_asked_for_and_only_large_files_are(
    script: SimpleNamespace, stack: Any, folder: Path
) -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket="content", Key="static/style.css", Body=b"body {}")
    script.publish(stack, folder, delete=False)
    (folder / "notes.txt").unlink()

    assert script.publish(stack, folder, delete=False).deleted == []
    assert script.publish(stack, folder, delete=True).deleted == ["media/notes.txt"]

    there = [each["Key"] for each in s3.list_objects_v2(Bucket="content")["Contents"]]
    assert "static/style.css" in there
    assert "media/notes.txt" not in there
    assert invalidated(stack) == [["/media/notes.txt"]]
    # It can be brought back: its version is there, under the mark that it was deleted.
    versions = s3.list_object_versions(Bucket="content", Prefix="media/notes.txt")
    assert (len(versions["Versions"]), len(versions["DeleteMarkers"])) == (1, 1)


def test_many_paths_are_taken_back_as_one(
    script: SimpleNamespace, stack: Any, folder: Path
) -> None:
    for number in range(script.MOST_PATHS + 1):
        (folder / f"{number}.bin").write_bytes(b"1")
    script.publish(stack, folder, delete=False)
    for number in range(script.MOST_PATHS + 1):
        (folder / f"{number}.bin").write_bytes(b"2")

    assert script.publish(stack, folder, delete=False).taken_back == ["/media/*"]


def test_a_large_file_arrives_in_parts_and_whole(
    script: SimpleNamespace, stack: Any, folder: Path
) -> None:
    content = os.urandom(20 * 1024 * 1024)
    (folder / "large.iso").write_bytes(content)

    script.publish(stack, folder, delete=False)

    there = boto3.client("s3").get_object(Bucket="content", Key="media/large.iso")
    assert "-" in there["ETag"]  # made of parts
    assert hashlib.sha256(there["Body"].read()).digest() == hashlib.sha256(content).digest()
    assert script.publish(stack, folder, delete=False).uploaded == []


def fail_at(name: str, monkeypatch: pytest.MonkeyPatch, *, arrives: bool) -> None:
    """Lose the connection at one file, before or after the bucket has it."""
    upload = S3Transfer.upload_file

    def lost(transfer: S3Transfer, filename: str, *arguments: Any, **more: Any) -> None:
        failing = Path(filename).name == name
        if arrives or not failing:
            upload(transfer, filename, *arguments, **more)
        if failing:
            raise S3UploadFailedError(f"the connection was lost at {name}")

    monkeypatch.setattr(S3Transfer, "upload_file", lost)


@pytest.mark.parametrize("arrives", [False, True], ids=["not_there", "there"])
def test_what_was_replaced_is_taken_back_where_a_later_upload_fails(
    arrives: bool,
    script: SimpleNamespace,
    stack: Any,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next run calls it unchanged, and would leave the old copies at the edge."""
    script.publish(stack, folder, delete=False)
    (folder / "a b/ü.mp4").write_bytes(b"another film")
    (folder / "notes.txt").write_text("read me again\n")

    with monkeypatch.context() as patched:
        fail_at("notes.txt", patched, arrives=arrives)
        with pytest.raises(S3UploadFailedError):
            script.publish(stack, folder, delete=False)

    assert invalidated(stack) == [["/media/a%20b/%C3%BC.mp4", "/media/notes.txt"]]
    rest = [] if arrives else ["media/notes.txt"]
    assert script.publish(stack, folder, delete=False).uploaded == rest


@pytest.mark.parametrize("also", ["", "notes.txt"], ids=["alone", "and_an_upload"])
def test_copies_that_could_not_be_taken_back_are_told_with_the_command_that_does(
    also: str,
    script: SimpleNamespace,
    stack: Any,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script.publish(stack, folder, delete=False)
    (folder / "a b/ü.mp4").write_bytes(b"another film")
    told = {"bucket": "content", "distribution": "E0", "seconds": 3600, "url": URL}
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"web_storage_publish": {"value": told}}))
    if also:
        (folder / also).write_text("read me again\n")
        fail_at(also, monkeypatch, arrives=False)

    assert script.main(["--folder", str(folder), "--outputs", str(outputs)]) == 1

    out, err = capsys.readouterr()
    command = "aws cloudfront create-invalidation --distribution-id E0 --paths"
    assert err.startswith("error: old copies were not taken back from the edge: ")
    assert f"\n  {command} /media/a%20b/%C3%BC.mp4" in err
    assert "being taken back" not in out
    assert err.endswith("error: the connection was lost at notes.txt\n") == bool(also)


def pretend_terraform(folder: Path, monkeypatch: pytest.MonkeyPatch, told: object) -> None:
    """A Terraform whose state tells this."""
    program = folder / "terraform"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_the_command_prints_addresses_that_lead_to_the_keys(
    script: SimpleNamespace,
    stack: Any,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = {"bucket": "content", "distribution": stack.distribution, "seconds": 60, "url": URL}
    pretend_terraform(tmp_path, monkeypatch, {"web_storage_publish": {"value": told}})

    assert script.main(["--folder", str(folder)]) == 0

    lines = capsys.readouterr().out.splitlines()
    keys = [unquote(urlsplit(line.removeprefix("uploaded: ")).path)[1:] for line in lines]
    there = boto3.client("s3").list_objects_v2(Bucket="content")["Contents"]
    assert sorted(keys) == sorted(each["Key"] for each in there)
    assert f"uploaded: {URL}/media/a%20b/%C3%BC.mp4" in lines

    (folder / HASHED).unlink()
    assert script.main(["--folder", str(folder), "--delete"]) == 0
    told_then = capsys.readouterr().out
    assert f"deleted: {URL}/media/{HASHED}\n" in told_then
    assert f"unchanged: {URL}/media/notes.txt\n" in told_then
    assert told_then.endswith(f"being taken back from the edge, within minutes: /media/{HASHED}\n")


def test_the_command_tells_what_went_wrong(
    script: SimpleNamespace,
    stack: Any,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend_terraform(tmp_path, monkeypatch, {})
    assert script.main(["--folder", str(folder)]) == 1
    assert "was the stack applied?" in capsys.readouterr().err

    told = {"bucket": "nowhere", "distribution": stack.distribution, "seconds": 1, "url": URL}
    pretend_terraform(tmp_path, monkeypatch, {"web_storage_publish": {"value": told}})
    assert script.main(["--folder", str(folder)]) == 1
    assert capsys.readouterr().err.startswith("error: ")

    with pytest.raises(SystemExit, match="2"):
        script.main(["--folder", str(folder / "none")])
    with pytest.raises(SystemExit, match="2"):
        script.main(["--folder", str(folder), "--outputs", str(folder / "none")])


def test_where_files_go_can_be_told_by_a_file(
    script: SimpleNamespace, stack: Any, folder: Path, tmp_path: Path
) -> None:
    told = {"bucket": "content", "distribution": stack.distribution, "seconds": 60, "url": URL}
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({"web_storage_publish": {"value": told}}))

    assert script.main(["--folder", str(folder), "--outputs", str(file)]) == 0
    assert len(boto3.client("s3").list_objects_v2(Bucket="content")["Contents"]) == 5


@needs_terraform
def test_what_parts_want_of_a_bucket_is_put_together(tmp_path: Path) -> None:
    """Two policies, a lifecycle and an origin for one bucket, none for the other: all are kept."""
    context = TEMPLATE.context(resolved("web_storage"))
    plugs = {
        **context["plugs"],
        "object_storage.buckets": [
            {"by": "a", "value": {"id": "content", "purpose": "films"}},
            {"by": "b", "value": {"id": "inbox", "purpose": "uploads"}},
        ],
        "object_storage.policies": [
            {"by": each, "value": {"bucket": "inbox", "document": f"local.{each}"}}
            for each in ("a", "b")
        ],
        "object_storage.lifecycle_rules": [
            {
                "by": "b",
                "value": {
                    "bucket": "inbox",
                    "rules": '[{ id = "old", prefix = "in/", expiration_days = 9 }]',
                },
            }
        ],
        "object_storage.cors_rules": [
            {
                "by": "b",
                "value": {
                    "bucket": "inbox",
                    "rules": "local.c",
                },
            }
        ],
    }
    [source] = [each for each in TEMPLATE.sources if each.path == "infra/object_storage.tf"]
    infra = tmp_path / "infra"
    (infra / "tests").mkdir(parents=True)
    (infra / "object_storage.tf").write_bytes(TEMPLATE.render(source, {**context, "plugs": plugs}))
    for name in ("object_storage.variables.tf", "versions.tf", "provider.tf", "core.tf"):
        shutil.copy(write(resolved("web_storage"), tmp_path / "whole") / "infra" / name, infra)
    shutil.copy(tmp_path / "whole/infra/core.variables.tf", infra)
    shutil.copytree(tmp_path / "whole/infra/tests/mocks", infra / "tests/mocks")
    (infra / "wanted.tf").write_text(WANTED)
    (infra / "tests/gathered.tftest.hcl").write_text(GATHERED)

    done = subprocess.run(
        ["terraform", "init", "-backend=false", "-input=false"],
        cwd=infra,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        ["terraform", "test", "-no-color"], cwd=infra, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


WANTED = """\
locals {
  a = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "A", Effect = "Allow" }] })
  b = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "B", Effect = "Allow" }] })
  c = [{ allowed_methods = ["POST"], allowed_origins = ["https://a.example"] }]
}
"""

GATHERED = """\
mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "all_of_it" {
  assert {
    condition = {
      for id, document in data.aws_iam_policy_document.object_storage :
      id => try([for each in document.source_policy_documents : each], [])
      } == {
      content = []
      inbox   = [local.a, local.b]
    }
    error_message = "policies are lost, or another bucket has them"
  }

  assert {
    condition = {
      for id, each in aws_s3_bucket_lifecycle_configuration.object_storage :
      id => [for rule in each.rule : "${rule.id} ${try(one(rule.expiration).days, "-")}"]
      } == {
      content = ["forget-what-was-replaced 0"]
      inbox   = ["forget-what-was-replaced 0", "old 9"]
    }
    error_message = jsonencode(aws_s3_bucket_lifecycle_configuration.object_storage)
  }

  assert {
    condition = {
      for id, each in aws_s3_bucket_cors_configuration.object_storage :
      id => one(each.cors_rule).allowed_origins
    } == { inbox = toset(["https://a.example"]) }
    error_message = "pages of others may speak to a bucket"
  }
}
"""


@pytest.mark.slow("web_storage", "object_storage", "storage_origin")
@needs_terraform
def test_the_stack_settles_on_a_mock_and_holds_what_was_published(tmp_path: Path) -> None:
    """A bucket behind the edge, alone: applied, planned again, published to, destroyed."""
    repository = write(resolved("web_storage"), tmp_path / "shop")
    try:
        told = make(repository, "local")
        assert "second plan\n  empty\n" in told
        assert "the bucket has it as video/mp4, public, max-age=86400" in told
    finally:
        down = make(repository, "local-down")
    assert "nothing is left" in down
