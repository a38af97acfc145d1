#!/usr/bin/env python3
"""Delete images of this stack that nobody needs any more, and their snapshots.

    python scripts/prune_images.py             tell which would go
    python scripts/prune_images.py --delete    delete them

The newest ones stay, and so does every image that an instance runs on, that an Auto Scaling
group would start one from, or that is the newest or default of a launch template.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

INFRA = Path(__file__).resolve().parent.parent / "infra"


def output_of_this_stack(name: str) -> str:
    """Ask Terraform's state for one output of this repository's stack.

    Raises:
        LookupError: The state holds no such output.
    """
    command = ["terraform", f"-chdir={INFRA}", "output", "-json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return str(json.loads(told)[name]["value"])


def images_of(ec2: Any, stack: str) -> list[dict[str, Any]]:
    """Every image that was built for the stack, the newest first."""
    pages = ec2.get_paginator("describe_images").paginate(
        Owners=["self"], Filters=[{"Name": "tag:Name", "Values": [f"{stack}-server"]}]
    )
    images = [image for page in pages for image in page["Images"]]
    return sorted(images, key=lambda image: str(image["CreationDate"]), reverse=True)


def in_use(ec2: Any, autoscaling: Any) -> set[str]:
    """Ids of images that servers run on, or may be started from at any time."""
    alive = ["pending", "running", "stopping", "stopped"]
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[{"Name": "instance-state-name", "Values": alive}]
    )
    used = {
        instance["ImageId"]
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    }
    wanted = {
        (template["LaunchTemplateId"], version)
        for page in ec2.get_paginator("describe_launch_templates").paginate()
        for template in page["LaunchTemplates"]
        for version in ("$Latest", "$Default")
    }
    for page in autoscaling.get_paginator("describe_auto_scaling_groups").paginate():
        for group in page["AutoScalingGroups"]:
            mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
            started_from = group.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification")
            if started_from:
                version = started_from.get("Version", "$Default")
                wanted.add((started_from["LaunchTemplateId"], version))
    for template, version in sorted(wanted):
        answer = ec2.describe_launch_template_versions(
            LaunchTemplateId=template, Versions=[version]
        )
        used |= {
            each["LaunchTemplateData"].get("ImageId", "")
            for each in answer["LaunchTemplateVersions"]
        }
    return used


def delete(ec2: Any, image: dict[str, Any]) -> None:
    """Delete one image, then the snapshots it was made of."""
    disks = [mapping.get("Ebs", {}) for mapping in image.get("BlockDeviceMappings", [])]
    ec2.deregister_image(ImageId=image["ImageId"])
    for disk in disks:
        if "SnapshotId" in disk:
            ec2.delete_snapshot(SnapshotId=disk["SnapshotId"])


def not_negative(text: str) -> int:
    """A number of images to keep; what is in use stays even where it is none."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"it must be 0 or more; got {text}")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; tells on standard error what went wrong."""
    parser = argparse.ArgumentParser(description="Delete images that nobody needs any more.")
    parser.add_argument("--delete", action="store_true", help="delete them, and not only tell")
    parser.add_argument(
        "--keep", type=not_negative, default=5, metavar="N", help="newest that stay, default 5"
    )
    parser.add_argument("--stack", help="<project>-<environment>; by default this repository's")
    parser.add_argument("--region", help="by default the one this repository's stack stands in")
    options = parser.parse_args(arguments)

    try:
        stack = options.stack or output_of_this_stack("core_name")
        region = options.region or output_of_this_stack("core_region")
        ec2 = boto3.client("ec2", region_name=region)
        images = images_of(ec2, stack)
        used = in_use(ec2, boto3.client("autoscaling", region_name=region))
        for image in images[options.keep :]:
            told = f"{image['ImageId']} of {image['CreationDate']}"
            if image["ImageId"] in used:
                sys.stdout.write(f"{told}: stays, it is in use\n")
            elif options.delete:
                delete(ec2, image)
                sys.stdout.write(f"{told}: deleted\n")
            else:
                sys.stdout.write(f"{told}: would go with --delete\n")
        sys.stdout.write(f"{min(len(images), options.keep)} newest of {stack} stay\n")
    except FileNotFoundError:
        problem = "terraform was not found; name --stack and --region"
    except subprocess.CalledProcessError as error:
        problem = f"Terraform's state could not be read: {error.stderr.strip()}"
    except LookupError:
        problem = "Terraform's state knows no stack; was it applied?"
    except (BotoCoreError, ClientError) as error:
        problem = str(error)
    else:
        return 0
    sys.stderr.write(f"error: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
