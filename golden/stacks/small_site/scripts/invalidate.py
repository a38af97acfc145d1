#!/usr/bin/env python3
"""Take paths back from every edge location, and wait until they are gone.

    python scripts/invalidate.py '/static/*'

Browsers keep their own copies until these expire; nothing can take those back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

INFRA = Path(__file__).resolve().parent.parent / "infra"


def distribution_of_this_stack() -> str:
    """Ask Terraform's state which distribution this repository made.

    Raises:
        LookupError: The state knows none.
    """
    command = ["terraform", f"-chdir={INFRA}", "output", "-json"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return str(json.loads(told)["edge_distribution_id"]["value"])


def invalidate(distribution: str, paths: Sequence[str], seconds: int) -> str:
    """Invalidate paths of a distribution and wait for the end of it.

    Args:
        distribution: Id of the distribution.
        paths: What to take back; each starts with a slash and may end in `*`.
        seconds: How long to wait at most.

    Returns:
        The id of the invalidation, finished.
    """
    # CloudFront is one service for all Regions, and is spoken to in this one.
    client = boto3.client("cloudfront", region_name="us-east-1")
    started = client.create_invalidation(
        DistributionId=distribution,
        InvalidationBatch={
            "Paths": {"Quantity": len(paths), "Items": list(paths)},
            "CallerReference": str(uuid.uuid4()),
        },
    )
    identifier = str(started["Invalidation"]["Id"])
    pause = 5
    client.get_waiter("invalidation_completed").wait(
        DistributionId=distribution,
        Id=identifier,
        WaiterConfig={"Delay": pause, "MaxAttempts": max(1, seconds // pause)},
    )
    return identifier


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; tells on standard error what went wrong."""
    parser = argparse.ArgumentParser(description="Take paths back from every edge location.")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="such as '/static/*'")
    parser.add_argument("--distribution", help="id; by default the one of this repository's stack")
    parser.add_argument(
        "--wait", type=int, default=600, metavar="SECONDS", help="at most, default 600"
    )
    options = parser.parse_args(arguments)
    for path in options.paths:
        if not path.startswith("/"):
            parser.error(f"a path must start with a slash; got {path!r}")

    try:
        distribution = options.distribution or distribution_of_this_stack()
        identifier = invalidate(distribution, options.paths, options.wait)
    except FileNotFoundError:
        problem = "terraform was not found; name the distribution with --distribution"
    except subprocess.CalledProcessError as error:
        problem = f"Terraform's state could not be read: {error.stderr.strip()}"
    except LookupError:
        problem = "Terraform's state knows no distribution; was the stack applied?"
    except WaiterError as error:
        problem = f"not finished after {options.wait} s: {error}"
    except (BotoCoreError, ClientError) as error:
        problem = str(error)
    else:
        sys.stdout.write(f"{identifier}: {' '.join(options.paths)} taken back everywhere\n")
        return 0
    sys.stderr.write(f"error: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
