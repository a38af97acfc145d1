"""Put the application together: `uvicorn --factory app.main:create_app`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import __version__, checks, features, logs, page, web
from app.identity import WhoAmI
from app.settings import Settings

router = APIRouter()


class CachedFiles(StaticFiles):
    """Files that say how long a browser or an edge cache may keep them."""

    def __init__(self, directory: Path, max_age: int) -> None:
        super().__init__(directory=directory)
        self._max_age = max_age

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in (200, 304):
            response.headers["Cache-Control"] = f"public, max-age={self._max_age}"
        return response


@router.get("/health")
async def health() -> dict[str, str]:
    """Tell that this process serves requests.

    Nothing behind it is asked: a store that is down would take every server out of service.
    """
    return {"status": "ok"}


@router.get("/whoami")
async def whoami(request: Request) -> dict[str, str]:
    """Tell which server answered."""
    return asdict(await request.app.state.whoami())


@router.get("/version")
async def version(request: Request) -> dict[str, str]:
    """Tell what runs here."""
    settings = request.app.state.settings
    return {"name": settings.name, "version": __version__, "release": settings.release}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Look behind the application once; let each feature close what it opened, the last first."""
    # In the background: a dependency that hangs must not keep a server from starting.
    looking = asyncio.create_task(checks.look(app.state.checks))
    yield
    looking.cancel()
    await asyncio.wait([looking])
    for stop in reversed(app.state.on_stop):
        await stop()


def build(settings: Settings, parts: Sequence[ModuleType]) -> FastAPI:
    """Build the application out of the core and the given features.

    Args:
        settings: The core's settings; each feature reads its own.
        parts: Modules with `register(app, settings)`, called in this order.
    """
    docs: dict[str, Any] = {} if settings.api_docs else {"openapi_url": None}
    app = FastAPI(title=settings.name, version=__version__, lifespan=lifespan, **docs)
    app.state.settings = settings
    app.state.whoami = WhoAmI(settings)
    app.state.panels = [page.server_panel]
    app.state.content_sources = []
    app.state.checks = []
    app.state.on_stop = []

    app.include_router(router)
    app.include_router(page.router)
    static = Path(__file__).with_name("static")
    app.mount("/static", CachedFiles(static, settings.static_max_age), name="static")
    for part in parts:
        part.register(app, settings)

    # Added last is outermost: the log sees the client that the proxy speaks for, and every
    # answer that a feature or the limit gives.
    app.add_middleware(web.BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(web.RequestLog)
    if settings.proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.proxies)
    return app


def create_app() -> FastAPI:
    """Build the application as a server runs it: settings around it, every feature in it."""
    settings = Settings()
    logs.configure(settings.log_level)
    return build(settings, features.scan())
