"""Which server this is, so that a person can see requests being spread."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from app.settings import Settings

log = logging.getLogger(__name__)

METADATA_SECONDS = 1.0
"""The service is on the same host: what takes longer is not there."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's name and place."""

    instance_id: str
    zone: str


class WhoAmI:
    """Find the identity when first asked and remember it, found or not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: Identity | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> Identity:
        async with self._lock:
            if self._known is None:
                self._known = await self._find()
        return self._known

    async def _find(self) -> Identity:
        told = Identity(self._settings.instance_id, self._settings.zone)
        if told.instance_id and told.zone:
            return told
        document = await asyncio.to_thread(instance_document)
        return Identity(
            told.instance_id or document.get("instanceId") or socket.gethostname(),
            told.zone or document.get("availabilityZone") or "unknown",
        )


def instance_document() -> Mapping[str, str]:
    """Ask the instance metadata service (version 2) who this is.

    Returns:
        The instance identity document, or nothing where there is no such service.
    """
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return {}
    place = urlsplit(
        os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"
    )
    # http.client and not urllib: a proxy from the environment must never see these requests.
    connection = HTTPConnection(place.hostname or "", place.port, timeout=METADATA_SECONDS)
    try:
        connection.request(
            "PUT", "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        )
        token = connection.getresponse().read().decode("ascii")
        connection.request(
            "GET",
            "/latest/dynamic/instance-identity/document",
            headers={"X-aws-ec2-metadata-token": token},
        )
        document = json.loads(connection.getresponse().read())
    except (OSError, ValueError, HTTPException) as error:
        log.info("no instance metadata", extra={"reason": type(error).__name__})
        return {}
    finally:
        connection.close()
    return document if isinstance(document, dict) else {}
