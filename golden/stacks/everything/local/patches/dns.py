"""A hosted zone for the mock AWS, as a real account has one before this stack is built."""

from __future__ import annotations

from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.route53.models import route53_backends

ZONE = "local.test"


def patch() -> None:
    """Bring the zone into being, and have ACM issue certificates at once and not after a minute."""
    settings.ACM_VALIDATION_WAIT = 0
    route53_backends[DEFAULT_ACCOUNT_ID]["aws"].create_hosted_zone(
        name=f"{ZONE}.",
        private_zone=False,
        caller_reference="local",
        vpcid=None,
        vpcregion=None,
        comment=None,
        delegation_set_id=None,
    )
