"""Say with every answer who may keep it, and for how long.

Files are the same for everybody, and so is a page that calls itself public: the edge and browsers
keep them. What says nothing a browser keeps for a moment, and nobody else. An answer without
`Cache-Control` leaves the decision to them, and one wrong guess shows a user someone else's page;
so no answer leaves without it.
"""

import re

from fastapi import FastAPI
from pydantic import Field
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import FeatureSettings, Settings

STATIC = "/static/"
NAMED_AFTER_ITS_CONTENT = re.compile(r"\.[0-9a-f]{8,64}\.[^/]+$")
PERSONAL = "private, no-store"
YEAR = 365 * 24 * 3600


class CacheSettings(FeatureSettings):
    """How long copies live."""

    cache_edge_seconds: int = Field(default=86400, ge=0)
    """Seconds an edge keeps a file of `/static/`, if it keeps files; it can be told to drop it."""

    cache_page_seconds: int = Field(default=10, ge=0)
    """Seconds a browser keeps an answer that is nobody's own and says nothing itself."""

    public_scheme: str = Field(default="", pattern="^(https?)?$")
    """What users speak to the edge; empty believes what the load balancer says.

    The edge sends everybody to HTTPS, but may speak HTTP to the load balancer. Without this,
    cookies would not be marked secure and redirects would lead to HTTP.
    """


class CacheControl:
    """Give every answer an explicit `Cache-Control`."""

    def __init__(self, app: ASGIApp, cache: CacheSettings, static_seconds: int) -> None:
        self.app = app
        self.cache = cache
        self.static_seconds = static_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._decide(scope, message["status"], MutableHeaders(scope=message))
            await send(message)

        if self.cache.public_scheme:
            scope = {**scope, "scheme": self.cache.public_scheme}
        await self.app(scope, receive, send_with_policy)

    def _decide(self, scope: Scope, status: int, answer: MutableHeaders) -> None:
        request = Headers(scope=scope)
        said = answer.get("cache-control", "")
        path = scope["path"]
        fetched = scope["method"] in ("GET", "HEAD")

        if "set-cookie" in answer:
            answer["Cache-Control"] = PERSONAL
        elif fetched and path.startswith(STATIC) and status in (200, 206, 304):
            # The same file for everybody, whatever cookie the browser sent along.
            answer["Cache-Control"] = self._static(path)
        elif "cookie" in request or "authorization" in request:
            if "no-store" not in said:
                answer["Cache-Control"] = PERSONAL
        elif not said:
            kept = fetched and status < 400
            # By its browser alone. It may be about now, or about one server: whatever else keeps
            # answers on the way would give it to others, and some of them when it is long old.
            answer["Cache-Control"] = (
                f"private, max-age={self.cache.cache_page_seconds}" if kept else "no-store"
            )
            if kept:
                # A browser that gets a session must not go on with the page from before.
                answer.add_vary_header("Cookie")

    def _static(self, path: str) -> str:
        if NAMED_AFTER_ITS_CONTENT.search(path):
            return f"public, max-age={YEAR}, immutable"
        # A browser cannot be told to drop a file: under a lasting name it keeps one only briefly.
        return f"public, max-age={self.static_seconds}, s-maxage={self.cache.cache_edge_seconds}"


def register(app: FastAPI, settings: Settings) -> None:
    """Wrap whatever the application answers."""
    app.add_middleware(CacheControl, cache=CacheSettings(), static_seconds=settings.static_max_age)
