"""`make` in a generated repository, as a user calls it, and the mock AWS that it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3


def make(folder: Path, target: str) -> str:
    """What it prints; the test fails with that if it fails.

    Its Python is the one that runs this, which has all it needs: an environment for each stack
    would take longer than the rest of it. The demo sets up its own.
    """
    ready = f"--old-file={sys.prefix}/.ready"
    done = subprocess.run(
        ["make", "--no-print-directory", "-C", str(folder), ready, f"VENV={sys.prefix}", target],
        env={k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MAKE"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"make {target}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def client(service: str, endpoint: str, region: str) -> Any:
    """A client of a mock AWS, whatever account this machine knows."""
    return boto3.client(
        service,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=endpoint,
        region_name=region,
    )


def client_of(folder: Path, service: str, region: str) -> Any:
    """A client of the mock AWS on which this repository stands."""
    port = json.loads((folder / ".local/mock.json").read_text())["port"]
    return client(service, f"http://127.0.0.1:{port}", region)


def applied(folder: Path) -> list[tuple[str, str, str]]:
    """What the last apply did, event by event: kind, action, address."""
    events = []
    for line in (folder / ".local/terraform.log").read_text().splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("type") in ("apply_start", "apply_complete"):
            hook = event["hook"]
            events.append((event["type"], hook["action"], hook["resource"]["addr"]))
    return events


def variables(endpoint: str, region: str) -> dict[str, str]:
    """This machine's environment for programs that are to find a mock AWS and nothing else."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("APP_", "AWS_"))}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_SECRET_ACCESS_KEY": "test",
    }
