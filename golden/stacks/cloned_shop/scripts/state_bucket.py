"""Make the S3 bucket that Terraform keeps its state in; docs/remote-state.md says when and why.

    .venv/bin/python scripts/state_bucket.py BUCKET --region REGION

Run it again at any time: it brings the bucket to what is said below and leaves the state in it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, UnknownRegionError

KEEP_DAYS = 90
"""How long a replaced state can be brought back."""


def make(s3: Any, bucket: str, region: str, partition: str) -> list[str]:
    """Bring the bucket to what a state needs, and say what was done."""
    done = [f"{bucket}: {create(s3, bucket, region)}"]
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    )
    done.append("nobody outside the account can be let in")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    done.append("every state that is replaced stays as a version")
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    done.append("what is stored is encrypted")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(encrypted_only(bucket, partition)))
    done.append("connections without encryption are refused")
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "forget-replaced-states",
                    "Status": "Enabled",
                    "Filter": {},
                    "NoncurrentVersionExpiration": {
                        "NoncurrentDays": KEEP_DAYS,
                        "NewerNoncurrentVersions": 10,
                    },
                }
            ]
        },
    )
    done.append(f"replaced states go after {KEEP_DAYS} days, but for the last ten")
    return done


def create(s3: Any, bucket: str, region: str) -> str:
    """Create the bucket, or find that it is there and yours."""
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        # 403 means that it is somebody else's, or that you may not look at it.
        if error.response["Error"]["Code"] != "404":
            raise
    else:
        return "was there already"
    if region == "us-east-1":  # the one Region that must not be named
        s3.create_bucket(Bucket=bucket)
    else:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    return f"created in {region}"


def encrypted_only(bucket: str, partition: str) -> dict[str, Any]:
    """The policy that refuses connections without encryption."""
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EncryptedConnectionsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def main() -> int:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(
        description="Make the bucket that Terraform keeps its state in."
    )
    parser.add_argument("bucket", help="its name, unlike that of any other bucket in the world")
    parser.add_argument("--region", required=True, help="where it is to stand")
    arguments = parser.parse_args()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", arguments.bucket):
        print(
            "error: the name of a bucket must be 3 to 63 lower-case letters, digits and hyphens, "
            f"and start and end with a letter or digit; got `{arguments.bucket}`",
            file=sys.stderr,
        )
        return 1
    session = boto3.Session(region_name=arguments.region)
    try:
        partition = session.get_partition_for_region(arguments.region)
        done = make(session.client("s3"), arguments.bucket, arguments.region, partition)
    except UnknownRegionError:
        print(
            f"error: `{arguments.region}` is no AWS Region, such as eu-central-1", file=sys.stderr
        )
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"error: {arguments.bucket}: {error}", file=sys.stderr)
        return 1
    print("\n".join(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
