"""Look for what a destroy left behind, beyond what Terraform knows of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import boto3
import environment


def find(endpoint: str, regions: Iterable[str]) -> list[str]:
    """ARNs of all that still carries the tag everything of the stack carries.

    Machines and gateways that have ended are left out: AWS shows them for an hour, and so does
    the mock.
    """
    found: set[str] = set()
    for region in regions:
        pages = client("resourcegroupstaggingapi", endpoint, region).get_paginator("get_resources")
        tagged = {
            item["ResourceARN"]
            for page in pages.paginate(TagFilters=[{"Key": "ManagedBy", "Values": ["terraform"]}])
            for item in page["ResourceTagMappingList"]
        }
        if tagged:
            over = ended(client("ec2", endpoint, region))
            found |= {arn for arn in tagged if arn.rsplit("/", 1)[-1] not in over}
    return sorted(found)


def ended(ec2: Any) -> set[str]:
    """Ids of machines that are terminated and of gateways that are deleted."""
    instances = {
        instance["InstanceId"]
        for page in ec2.get_paginator("describe_instances").paginate()
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] == "terminated"
    }
    gateways = {
        gateway["NatGatewayId"]
        for page in ec2.get_paginator("describe_nat_gateways").paginate()
        for gateway in page["NatGateways"]
        if gateway["State"] == "deleted"
    }
    return instances | gateways


def client(service: str, endpoint: str, region: str) -> Any:
    """A client that speaks to the mock, whatever this program's own environment says."""
    session = boto3.Session(
        aws_access_key_id=environment.KEY,
        aws_secret_access_key=environment.KEY,
        region_name=region,
    )
    return session.client(service, endpoint_url=endpoint)
