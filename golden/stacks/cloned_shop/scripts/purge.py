#!/usr/bin/env python3
"""Throw answers away that the proxies keep, on every one of them.

    python scripts/purge.py /moment /static/style.css      these paths, with their query
    python scripts/purge.py --matching '^/static/'         all whose path matches

A proxy knows nothing of the others, and a load balancer would tell only one. So each is told by
itself, through Systems Manager; from outside a proxy takes no such request.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

INFRA = Path(__file__).resolve().parent.parent / "infra"

ADDRESS = "http://127.0.0.1:8080"
"""Where the cache of a proxy listens, on the proxy itself."""

CURL = ["curl", "-sS", "--fail", "--noproxy", "*", "--globoff", "--path-as-is", "-o", "/dev/null"]

UNDER_WAY = {"Pending", "InProgress", "Delayed"}


def output_of_this_stack(name: str) -> str:
    """Ask Terraform's state for one output of this repository's stack.

    Raises:
        LookupError: The state holds no such output.
    """
    command = ["terraform", f"-chdir={INFRA}", "output", "-json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return str(json.loads(told)[name]["value"])


def commands(paths: Sequence[str], matching: Sequence[str]) -> list[str]:
    """What is to be run on a proxy."""
    asked = [["-X", "PURGE", f"{ADDRESS}{path}"] for path in paths]
    asked += [["-X", "BAN", "-H", f"X-Cache-Match: {pattern}", ADDRESS] for pattern in matching]
    return ["set -e", *(shlex.join([*CURL, *each]) for each in asked)]


def in_service(autoscaling: Any, group: str) -> list[str]:
    """The proxies that answer users now."""
    pages = autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
        AutoScalingGroupNames=[group]
    )
    return [
        instance["InstanceId"]
        for page in pages
        for each in page["AutoScalingGroups"]
        for instance in each["Instances"]
        if instance["LifecycleState"] == "InService"
    ]


def outcome(ssm: Any, command: str, instance: str, seconds: int) -> tuple[bool, str]:
    """Whether one proxy did it, and what it says if not."""
    until = time.monotonic() + seconds
    while True:
        try:
            told = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
        except ssm.exceptions.InvocationDoesNotExist:
            told = {"Status": "Pending"}
        if told["Status"] not in UNDER_WAY:
            said = told.get("StandardErrorContent", "").strip() or told["Status"]
            return told["Status"] == "Success", said
        if time.monotonic() > until:
            return False, f"no answer within {seconds} s"
        time.sleep(1)


def a_path(text: str) -> str:
    """A path as a cache knows it."""
    if not re.fullmatch(r"/[^\s#]*", text):
        raise argparse.ArgumentTypeError(
            f"it must begin with a slash and have no spaces; got {text!r}"
        )
    return text


def a_pattern(text: str) -> str:
    """A regular expression that a cache understands."""
    if not re.fullmatch(r"\S+", text):
        raise argparse.ArgumentTypeError(f"it must have no spaces; got {text!r}")
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(
            f"it must be a regular expression: {error}; got {text!r}"
        ) from None
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; tells on standard error what went wrong."""
    parser = argparse.ArgumentParser(description="Throw away answers that the proxies keep.")
    parser.add_argument("path", nargs="*", type=a_path, help="such as /moment")
    parser.add_argument(
        "--matching",
        action="append",
        default=[],
        metavar="PATTERN",
        type=a_pattern,
        help="such as '^/static/'",
    )
    parser.add_argument("--group", help="of the proxies; by default this repository's")
    parser.add_argument("--region", help="by default the one this repository's stack stands in")
    parser.add_argument("--seconds", type=int, default=60, help="to wait for each; default 60")
    options = parser.parse_args(arguments)
    if not options.path and not options.matching:
        parser.error("name a path, or a pattern with --matching")

    try:
        group = options.group or output_of_this_stack("proxies_autoscaling_group")
        region = options.region or output_of_this_stack("core_region")
        proxies = in_service(boto3.client("autoscaling", region_name=region), group)
        if not proxies:
            raise LookupError(f"no proxy of {group} is in service")
        ssm = boto3.client("ssm", region_name=region)
        command = ssm.send_command(
            DocumentName="AWS-RunShellScript",
            InstanceIds=proxies,
            Parameters={"commands": commands(options.path, options.matching)},
        )["Command"]["CommandId"]
        failed = 0
        for proxy in proxies:
            done, said = outcome(ssm, command, proxy, options.seconds)
            failed += not done
            sys.stdout.write(f"{proxy}: {'thrown away' if done else 'FAILED: ' + said}\n")
        if failed:
            raise LookupError(f"{failed} of {len(proxies)} proxies still keep it")
    except FileNotFoundError:
        problem = "terraform was not found; name --group and --region"
    except subprocess.CalledProcessError as error:
        problem = f"Terraform's state could not be read: {error.stderr.strip()}"
    except KeyError:
        problem = "Terraform's state knows no proxies; was it applied?"
    except (BotoCoreError, ClientError, LookupError) as error:
        problem = str(error)
    else:
        return 0
    sys.stderr.write(f"error: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
