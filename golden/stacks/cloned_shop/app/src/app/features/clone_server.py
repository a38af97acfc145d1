"""Clone Server: files that are written on the master and read on it and on its clones."""

import asyncio
import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse

from app.content import (
    Content,
    ContentError,
    ContentSettings,
    FileMissingError,
    NotTheMasterError,
    TooLargeError,
    TooManyFilesError,
    UnavailableError,
)
from app.page import Panel
from app.settings import Settings

log = logging.getLogger(__name__)
router = APIRouter(prefix="/content", tags=["content"])

_STATUS: dict[type[Exception], int] = {
    FileMissingError: 404,
    NotTheMasterError: 421,
    TooLargeError: 413,
    TooManyFilesError: 507,
}

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Disposition": "attachment",
    # Whoever may write a file must not be able to run it as a page of this site.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def content_of(request: Request) -> Content:
    """Return this server's files, for routes that ask with `Depends`."""
    content: Content = request.app.state.content
    return content


TheContent = Annotated[Content, Depends(content_of)]
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


@router.get("")
def told(content: TheContent) -> dict[str, Any]:
    """Tell which server this is to the others, how old its files are, and name them."""
    age = content.age()
    return {
        "role": content.settings.content_role,
        "age_seconds": None if age is None else round(age, 1),
        "stale": age is None or age > content.settings.content_max_age_seconds,
        "files": content.listing(),
    }


@router.get("/{name}")
def get(name: Name, content: TheContent) -> Response:
    """Send one file, as bytes that no browser takes for a page."""
    return Response(content.read(name), 200, _HEADERS, "application/octet-stream")


@router.put("/{name}", status_code=202, response_class=Response)
async def put(name: Name, request: Request, content: TheContent) -> None:
    """Write one file, or replace it; 202, since clones have it after their next copy."""
    content.check_writable()
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        content.check_size(len(received))
    await asyncio.to_thread(content.write, name, bytes(received))


@router.delete("/{name}", status_code=202, response_class=Response)
def delete(name: Name, content: TheContent) -> None:
    """Take one file away; one that is not there is no error."""
    content.delete(name)


async def panel(request: Request) -> Panel:
    """Show the same on the page."""
    content = content_of(request)
    try:
        known = await asyncio.to_thread(told, content)
    except UnavailableError:
        log.warning("the page is shown without the content", exc_info=True)
        return Panel("Content", {"Files": "not available"})
    facts = {"This server": known["role"], "Files": str(len(known["files"]))}
    if not content.is_master:
        age = known["age_seconds"]
        facts["Copied"] = "never" if age is None else f"{age:.0f} s ago"
        facts["State"] = "stale" if known["stale"] else "follows the master"
    return Panel("Content", facts)


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer for a file that could not be read or written."""
    if isinstance(error, UnavailableError):
        # Its place on this server is nobody's business.
        log.error("content", extra={"reason": str(error)})
        detail = "content is not available at the moment"
        return JSONResponse({"detail": detail}, 503, {"Retry-After": "5"})
    return JSONResponse({"detail": str(error)}, _STATUS[type(error)])


def install(app: FastAPI, content: Content) -> None:
    """Add content to the application, wherever it lies."""
    app.state.content = content
    app.state.panels.append(panel)
    app.add_exception_handler(ContentError, refuse)
    app.include_router(router)


def register(app: FastAPI, settings: Settings) -> None:
    """Add this server's content, on a master or a clone."""
    own = ContentSettings()
    if own.content_folder:
        install(app, Content(own))
