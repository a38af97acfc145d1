#!/usr/bin/env python3
"""Put the files of `media/` into the bucket that users fetch them from.

    python scripts/publish.py             new and changed files
    python scripts/publish.py --delete    and take away what is no longer in the folder

Each file is printed with its address. What was there before under the same name is taken back
from every edge location; browsers keep their own copies until these expire. The bucket keeps
replaced and deleted files for some days.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mimetypes
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).resolve().parent.parent
INFRA = ROOT / "infra"

PREFIX = "media/"
"""Path below which the bucket answers for these files."""

NAMED_AFTER_ITS_CONTENT = re.compile(r"\.[0-9a-f]{8,64}\.[^/]+$")
YEAR = 365 * 24 * 3600

MOST_PATHS = 30
"""Paths named one by one when copies are taken back; for more, all of the folder is."""

# Python's own list and nothing of this machine's, so that everybody publishes the same types.
TYPES = mimetypes.MimeTypes()
for ending, known in {
    ".avif": "image/avif",
    ".mkv": "video/x-matroska",
    ".webp": "image/webp",
}.items():
    TYPES.add_type(known, ending)


@dataclass(frozen=True)
class Stack:
    """Where files go, and how long copies live."""

    bucket: str
    distribution: str
    url: str
    seconds: int


@dataclass(frozen=True)
class Published:
    """What a run did."""

    uploaded: Sequence[str]
    deleted: Sequence[str]
    taken_back: Sequence[str]
    fresh: bool = True
    """Whether all could be taken back that had to be."""


def stack(outputs: Path | None) -> Stack:
    """Where files go, by a file or by Terraform's state.

    Raises:
        LookupError: Neither tells.
    """
    if outputs is not None:
        told = outputs.read_text(encoding="utf-8")
    else:
        command = ["terraform", f"-chdir={INFRA}", "output", "-json"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Stack(**json.loads(told)["web_storage_publish"]["value"])


def content_type(name: str) -> str:
    """What a browser is told to take the file for."""
    kind, packed = TYPES.guess_type(name, strict=False)
    if packed or kind is None:
        # A packed file is one to keep, not one that the browser unpacks.
        return "application/gzip" if packed == "gzip" else "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def cache_control(name: str, seconds: int) -> str:
    """For how long copies of the file may be kept."""
    if NAMED_AFTER_ITS_CONTENT.search(name):
        return f"public, max-age={YEAR}, immutable"
    return f"public, max-age={seconds}"


def found(folder: Path) -> Iterator[tuple[str, Path]]:
    """Key and path of each file, but those that begin with a dot."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield PREFIX + name.as_posix(), path


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def head(s3: Any, bucket: str, key: str) -> dict[str, Any] | None:
    """What the bucket tells of an object, if there is one."""
    try:
        answer: dict[str, Any] = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return None
        raise
    return answer


def publish(into: Stack, folder: Path, *, delete: bool) -> Published:
    """Make the bucket hold what the folder holds.

    Args:
        into: Where files go.
        folder: What to publish.
        delete: Whether to take away what the folder no longer holds.
    """
    s3 = boto3.client("s3")
    uploaded: list[str] = []
    changed: list[str] = []
    try:
        kept = set()
        for key, path in found(folder):
            kept.add(key)
            wanted = {
                "CacheControl": cache_control(key, into.seconds),
                "ContentType": content_type(key),
                "Metadata": {"sha256": sha256(path)},
            }
            there = head(s3, into.bucket, key)
            if there is not None:
                if all(there.get(name) == value for name, value in wanted.items()):
                    continue
                # Noted before: an upload of which no answer came may have arrived.
                changed.append(key)
            # Large files travel in parts, several at a time, each tried again by itself.
            s3.upload_file(str(path), into.bucket, key, ExtraArgs=wanted)
            uploaded.append(key)

        gone = [key for key in keys(s3, into.bucket) if key not in kept] if delete else []
        for key in gone:
            changed.append(key)
            s3.delete_object(Bucket=into.bucket, Key=key)
    finally:
        # Whatever ended this: the next run finds these as they should be, and leaves them alone.
        paths = paths_of(changed)
        fresh = take_back(into, paths)
    return Published(uploaded, gone, paths if fresh else [], fresh)


def paths_of(changed: Sequence[str]) -> list[str]:
    """Where users find these keys; all of the folder, where there are many."""
    paths = [f"/{quote(key)}" for key in changed]
    return [f"/{PREFIX}*"] if len(paths) > MOST_PATHS else paths


def take_back(into: Stack, paths: Sequence[str]) -> bool:
    """Have every edge location fetch these anew; says on standard error where it would not."""
    if not paths:
        return True
    try:
        # CloudFront is one service for all Regions, and is spoken to in this one.
        boto3.client("cloudfront", region_name="us-east-1").create_invalidation(
            DistributionId=into.distribution,
            InvalidationBatch={
                "CallerReference": str(uuid.uuid4()),
                "Paths": {"Quantity": len(paths), "Items": paths},
            },
        )
    except (BotoCoreError, ClientError) as error:
        command = ["aws", "cloudfront", "create-invalidation"]
        command += ["--distribution-id", into.distribution, "--paths", *paths]
        sys.stderr.write(
            f"error: old copies were not taken back from the edge: {error}\n"
            f"Users may get them for {into.seconds} seconds; take them back by hand:\n"
            f"  {shlex.join(command)}\n"
        )
        return False
    return True


def keys(s3: Any, bucket: str) -> Iterator[str]:
    """Every object that this script may have put there."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX):
        for each in page.get("Contents", []):
            yield str(each["Key"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; tells on standard error what went wrong."""
    parser = argparse.ArgumentParser(description="Put large files where users fetch them from.")
    parser.add_argument("--folder", type=Path, default=ROOT / "media", help="default: media")
    parser.add_argument(
        "--delete", action="store_true", help="take away what is no longer in the folder"
    )
    parser.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help="what `terraform output -json` printed elsewhere",
    )
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"there is no folder {options.folder}")
    if options.outputs is not None and not options.outputs.is_file():
        parser.error(f"there is no file {options.outputs}")

    try:
        into = stack(options.outputs)
        done = publish(into, options.folder, delete=options.delete)
    except FileNotFoundError:
        problem = "terraform was not found; name a file with --outputs"
    except subprocess.CalledProcessError as error:
        problem = f"Terraform's state could not be read: {error.stderr.strip()}"
    except LookupError:
        problem = "there is no output `web_storage_publish`; was the stack applied?"
    except (BotoCoreError, ClientError, S3UploadFailedError) as error:
        problem = str(error)
    else:
        for key, _ in found(options.folder):
            what = "uploaded" if key in done.uploaded else "unchanged"
            sys.stdout.write(f"{what}: {into.url}/{quote(key)}\n")
        for key in done.deleted:
            sys.stdout.write(f"deleted: {into.url}/{quote(key)}\n")
        if done.taken_back:
            sys.stdout.write(
                f"being taken back from the edge, within minutes: {' '.join(done.taken_back)}\n"
            )
        return 0 if done.fresh else 1
    sys.stderr.write(f"error: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
