"""The environment that all of the local stack runs in: it leads to the mock AWS, nowhere else."""

from __future__ import annotations

import os

KEY = "test"
"""Access key and secret key; the real AWS knows neither, should anything ever ask it."""

NOWHERE = "http://127.0.0.1:9"
"""An address where nobody answers, for what needs no AWS at all."""

ANYWHERE = "us-east-1"
"""The Region asked until the stack has said which one it stands in."""

DROPPED = ("AWS_", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE")
"""Beginnings of variables that could lead elsewhere: to an account, another state, more options."""


def toward(endpoint: str, region: str = ANYWHERE) -> dict[str, str]:
    """Variables with which Terraform, boto3 and the servers speak to the mock only.

    Profiles and credentials of this machine are not read at all, so a setting in them, such as
    `ignore_configured_endpoint_urls`, cannot lead around the mock either.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    direct = ",".join(filter(None, [kept.get("NO_PROXY", ""), "127.0.0.1", "localhost"]))
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CHECKPOINT_DISABLE": "1",
        "NO_PROXY": direct,
        "no_proxy": direct,
    }
