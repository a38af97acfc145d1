"""Deep Health Check: whether this server can do its work, for the load balancer to ask.

Every dependency in `app.state.checks` is asked for something small, all at once and none for long.
One that fails on this server alone takes it out of service. One that all servers share would take
out all of them, which mends nothing; so by default the answer says `degraded`, and an alarm rings.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from app import checks
from app.checks import Check
from app.gauge import Gauge
from app.settings import FeatureSettings, Settings

log = logging.getLogger(__name__)
router = APIRouter(tags=["health"])

PATH = "/health/deep"
"""`infra/deep_health_check.tf` has the load balancer ask here, and nobody else."""

METRIC = "SharedFaults"
"""How many of the dependencies that all servers share fail; told to CloudWatch while any does."""


class DeepHealthSettings(FeatureSettings):
    """How long to wait, how long to remember, and what becomes of a shared fault."""

    health_probe_seconds: float = Field(default=2, gt=0, le=60)
    """Seconds a dependency may take; less than the load balancer waits for the answer."""

    health_cache_seconds: float = Field(default=5, ge=0, le=300)
    """Seconds an answer is given again, so that many who ask cause one look."""

    health_shared_fault: Literal["degrade", "fail"] = "degrade"
    """Whether a server whose shared dependency fails goes on getting requests."""

    health_network: IPv4Network | None = None
    """Who may ask besides this machine: the network that the load balancer stands in."""

    health_metric_namespace: str = ""
    """Where CloudWatch keeps the metric; empty tells nobody."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look behind this server found."""

    status: Literal["ok", "degraded", "failed"]
    dependencies: Sequence[dict[str, Any]]


class DeepHealth:
    """Looks behind this server when asked, but not more often than need be.

    Args:
        known: The checks, as features have added and will add them.
        settings: Limits, and what becomes of a shared fault.
    """

    def __init__(self, known: Sequence[Check], settings: DeepHealthSettings) -> None:
        self._checks = known
        self._settings = settings
        self._gauge = Gauge(settings.health_metric_namespace, METRIC, "Count")
        self._looking: asyncio.Task[Verdict] | None = None
        self._until = 0.0
        self._failing: set[str] = set()

    def tells(self, request: Request) -> bool:
        """Tell whether one gets an answer: only this machine and its network do, asking straight.

        Users reach a server through the load balancer, whose rule knows one spelling of the path,
        or at an address of its own. The one names in `X-Forwarded-For` whom it speaks for, which
        its own checks do not have; at the other the sender's address tells.
        """
        if request.client is None or "x-forwarded-for" in request.headers:
            return False
        try:
            peer = ip_address(request.client.host)
        except ValueError:
            return False
        network = self._settings.health_network
        return peer.is_loopback or (network is not None and peer in network)

    async def verdict(self) -> Verdict:
        """Return what the last look found while that is fresh, or wait for the next one."""
        if self._looking is None or (self._looking.done() and time.monotonic() >= self._until):
            self._looking = asyncio.create_task(self._look())
        # One who stops waiting does not end the look that others wait for.
        return await asyncio.shield(self._looking)

    async def _look(self) -> Verdict:
        found = await checks.faults(self._checks, self._settings.health_probe_seconds)
        self._write(found)
        shared = sum(check.shared for check in found)
        if shared:
            # Nobody waits for it: CloudWatch may be what cannot be reached.
            asyncio.get_running_loop().run_in_executor(None, self._gauge.tell, shared)
        forgiven = shared if self._settings.health_shared_fault == "degrade" else 0
        self._until = time.monotonic() + self._settings.health_cache_seconds
        return Verdict(
            "ok" if not found else "degraded" if len(found) == forgiven else "failed",
            [_told(check, found.get(check)) for check in self._checks],
        )

    def _write(self, found: dict[Check, Exception]) -> None:
        """Log what has changed, and not the same fault every few seconds."""
        for check, error in found.items():
            if check.name not in self._failing:
                checks.warn(check, error)
        now = {check.name for check in found}
        for name in sorted(self._failing - now):
            log.info("a dependency works again", extra={"dependency": name})
        self._failing = now


def _told(check: Check, error: Exception | None) -> dict[str, Any]:
    """Word one dependency; only the log says more of an error, which may name hosts or users."""
    return {
        "name": check.name,
        "shared": check.shared,
        "works": error is None,
        "reason": None if error is None else type(error).__name__,
    }


@router.get(PATH)
async def deep(request: Request) -> JSONResponse:
    """Tell what works behind this server: 503 where it should get no requests."""
    health: DeepHealth = request.app.state.deep_health
    if not health.tells(request):
        raise HTTPException(404)
    found = await health.verdict()
    return JSONResponse(
        {"status": found.status, "dependencies": found.dependencies},
        503 if found.status == "failed" else 200,
        {"Cache-Control": "no-store"},
    )


def register(app: FastAPI, settings: Settings) -> None:
    """Add the page that the load balancer asks."""
    app.state.deep_health = DeepHealth(app.state.checks, DeepHealthSettings())
    app.include_router(router)
