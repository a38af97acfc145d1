"""Database: shows that there is one, and how fast it answers."""

import logging
import time

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from app.checks import Check
from app.database import Database, DatabaseSettings, DatabaseUnavailableError
from app.page import Panel
from app.settings import Settings

log = logging.getLogger(__name__)
router = APIRouter(tags=["database"])

_QUERY = "SELECT current_setting('server_version'), pg_postmaster_start_time()"


@router.get("/database")
async def facts(request: Request) -> dict[str, str | float]:
    """Tell the version of the database, since when it runs, and how long a query took."""
    database: Database = request.app.state.database
    began = time.perf_counter()
    [(version, since)] = await database.read(_QUERY)
    return {
        "version": str(version).split()[0],
        "since": since.isoformat(timespec="seconds"),
        "milliseconds": round((time.perf_counter() - began) * 1000, 1),
    }


async def panel(request: Request) -> Panel:
    """Show the same on the page."""
    try:
        told = await facts(request)
    except DatabaseUnavailableError as error:
        log.warning("the page is shown without the database", extra={"reason": str(error)})
        return Panel("Database", {"PostgreSQL": "not available at the moment"})
    return Panel(
        "Database",
        {
            "PostgreSQL": str(told["version"]),
            "Runs since": str(told["since"]),
            "A query took": f"{told['milliseconds']} ms",
        },
    )


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer for a database that did not."""
    log.error("database", extra={"reason": str(error)})
    return JSONResponse(
        {"detail": "the database is not available at the moment"}, 503, {"Retry-After": "5"}
    )


def register(app: FastAPI, settings: Settings) -> None:
    """Add the database of this system."""
    database = Database(DatabaseSettings())
    app.state.database = database
    app.state.panels.append(panel)
    app.state.checks.append(Check("database", database.ping, shared=True))
    app.state.on_stop.append(database.close)
    app.add_exception_handler(DatabaseUnavailableError, refuse)
    app.include_router(router)
