"""State Sharing: sessions in a store that all servers share, and a small basket to see it."""

import logging
from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Path, Request
from fastapi.responses import JSONResponse
from pydantic import JsonValue
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.checks import Check
from app.page import Panel
from app.session_stores import open_store
from app.sessions import (
    Data,
    SessionBusyError,
    SessionDataError,
    SessionEndedError,
    SessionError,
    Sessions,
    SessionSettings,
    SessionStore,
    SessionTooLargeError,
    StoreUnavailableError,
    Visit,
)
from app.settings import Settings

log = logging.getLogger(__name__)
router = APIRouter(prefix="/session", tags=["session"])

_STATUS: dict[type[SessionError], int] = {
    SessionBusyError: 409,
    SessionEndedError: 409,
    SessionTooLargeError: 413,
    SessionDataError: 422,
    StoreUnavailableError: 503,
}


class SessionMiddleware:
    """Put a `Visit` on each request, and its cookie on the answer."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self.app = app
        self.sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        settings = self.sessions.settings
        visit = self.sessions.visit(Request(scope).cookies.get(settings.cookie))
        scope.setdefault("state", {})["visit"] = visit

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and visit.used:
                headers = MutableHeaders(scope=message)
                # A cache that kept this answer would hand one person's session to the next.
                headers["Cache-Control"] = "private, no-store"
                if visit.set_cookie is not None:
                    headers.append("Set-Cookie", cookie(settings, visit.set_cookie))
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def cookie(settings: SessionSettings, session_id: str) -> str:
    """Word the header that gives an id to the browser, or takes it away with `""`."""
    age = settings.session_ttl_seconds if session_id else 0
    secure = "; Secure" if settings.session_cookie_secure else ""
    return f"{settings.cookie}={session_id}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def visit_of(request: Request) -> Visit:
    """Return the visit, for routes that ask with `Depends`."""
    visit: Visit = request.state.visit
    return visit


ThisVisit = Annotated[Visit, Depends(visit_of)]
Key = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,64}$")]


@router.get("")
async def show(visit: ThisVisit) -> Data:
    """Show everything in this browser's basket."""
    return _basket(await visit.read())


@router.delete("", status_code=204)
async def end(visit: ThisVisit) -> None:
    """End the session, as a logout does."""
    await visit.end()


@router.post("/rotate", status_code=204)
async def rotate(visit: ThisVisit) -> None:
    """Move the session to a new id, as a login does once it has checked who is there."""
    await visit.rotate()


@router.get("/{key}")
async def get(key: Key, visit: ThisVisit) -> JsonValue:
    """Show one thing in the basket."""
    basket = _basket(await visit.read())
    if key not in basket:
        raise HTTPException(404, f"the basket holds no `{key}`")
    value: JsonValue = basket[key]
    return value


@router.put("/{key}", status_code=204)
async def put(key: Key, value: Annotated[JsonValue, Body()], visit: ThisVisit) -> None:
    """Put one thing into the basket, or replace it."""

    def change(data: Data) -> None:
        data.setdefault("basket", {})[key] = value

    await visit.change(change)


@router.delete("/{key}", status_code=204)
async def delete(key: Key, visit: ThisVisit) -> None:
    """Take one thing out of the basket; one that is not there is no error."""
    if key in _basket(await visit.read()):
        await visit.change(lambda data: data.get("basket", {}).pop(key, None))


def _basket(data: Data) -> Data:
    basket: Data = data.get("basket", {})
    return basket


async def panel(request: Request) -> Panel:
    """Count this browser's visits, whichever server they went to."""

    def count(data: Data) -> None:
        data["visits"] = data.get("visits", 0) + 1

    try:
        data = await visit_of(request).change(count)
    except StoreUnavailableError:
        log.warning("the page is shown without a session")
        return Panel("Your session", {"Visits": "not available, the session store is silent"})
    return Panel(
        "Your session",
        {"Visits": str(data["visits"]), "In the basket": str(len(_basket(data)))},
    )


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer for a session that could not be read or changed."""
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    if status != 503:
        return JSONResponse({"detail": str(error)}, status)
    # The cookie stays in the browser: the session is there again when the store is.
    log.error("session store", extra={"reason": str(error)})
    return JSONResponse(
        {"detail": "sessions are not available at the moment"}, 503, {"Retry-After": "5"}
    )


def install(app: FastAPI, sessions: Sessions) -> None:
    """Add sessions to the application, wherever they lie."""
    app.state.sessions = sessions
    app.state.panels.append(panel)
    app.state.checks.append(Check("session store", sessions.probe, shared=True))
    app.state.on_stop.append(sessions.store.close)
    app.add_middleware(SessionMiddleware, sessions=sessions)
    app.add_exception_handler(SessionError, refuse)
    app.include_router(router)


def register(app: FastAPI, settings: Settings) -> None:
    """Add sessions in the store that this repository was generated with."""
    store: SessionStore = open_store()
    install(app, Sessions(store, SessionSettings()))
