"""NFS Replica: how far this server's own copy of the shared files is behind."""

import asyncio
import logging

from fastapi import APIRouter, FastAPI, Request

from app.page import Panel
from app.replica import Replica, ReplicaSettings
from app.settings import Settings

log = logging.getLogger(__name__)
router = APIRouter(tags=["shared files"])


@router.get("/replica")
async def replica(request: Request) -> dict[str, float | bool | None]:
    """Tell the age of the copy; nothing here asks the share."""
    own: Replica = request.app.state.replica
    age = await asyncio.to_thread(own.age)
    limit = own.settings.replica_max_age_seconds
    stale = age is None or age > limit
    if stale:
        log.warning("the copy of the shared files is stale", extra={"age_seconds": age})
    return {
        "age_seconds": None if age is None else round(age, 1),
        "max_age_seconds": limit,
        "stale": stale,
    }


async def panel(request: Request) -> Panel:
    """Show the same on the page."""
    told = await replica(request)
    age = told["age_seconds"]
    return Panel(
        "Copy of the shared files",
        {
            "Age": "there is none yet" if age is None else f"{age:.0f} s",
            "State": "stale" if told["stale"] else "follows the share",
        },
    )


def install(app: FastAPI, own: Replica) -> None:
    """Add what is told of the copy."""
    app.state.replica = own
    app.state.panels.append(panel)
    app.include_router(router)


def register(app: FastAPI, settings: Settings) -> None:
    """Add what is told of this server's copy."""
    install(app, Replica(ReplicaSettings()))
