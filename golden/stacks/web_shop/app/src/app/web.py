"""What happens around every request: an id, one log line, a limit on its size."""

import logging
import re
import time
import uuid

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs

log = logging.getLogger("app.request")

# What is answered here passes no feature, and caches guess where an answer says nothing.
_NOT_KEPT = {"Cache-Control": "no-store"}

_TRACE = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}")


class RequestLog:
    """Give each request an id, write one line about it, and turn a crash into a plain 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        # Made here: an id a client could choose would let it forge lines about other requests.
        identifier = uuid.uuid4().hex
        token = logs.request_id.set(identifier)
        began = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = identifier
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            log.exception("request failed")
            if status:
                raise  # half a response is out; only closing the connection tells the client
            told = {"detail": "internal error", "request_id": identifier}
            await JSONResponse(told, 500, _NOT_KEPT)(scope, receive, send_with_id)
        finally:
            self._write(scope, status, time.perf_counter() - began)
            logs.request_id.reset(token)

    @staticmethod
    def _write(scope: Scope, status: int, seconds: float) -> None:
        client = scope.get("client")
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
            "client": client[0] if client else None,
        }
        if trace := _TRACE.match(Headers(scope=scope).get("x-amzn-trace-id", "")):
            fields["trace"] = trace.group()
        # Every load balancer node asks every few seconds; its answers would drown the rest.
        probe = f"{scope['path']}/".startswith("/health/") and status == 200
        log.log(logging.DEBUG if probe else logging.INFO, "request", extra=fields)


class BodyLimit:
    """Refuse a body above the limit, whether its length was announced or not."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self.max_bytes:
            refusal = JSONResponse({"detail": self._detail}, 413, _NOT_KEPT)
            await refusal(scope, receive, send)
            return

        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_bytes:
                raise HTTPException(413, self._detail)
            return message

        await self.app(scope, receive_counted, send)

    @property
    def _detail(self) -> str:
        return f"a request body may hold at most {self.max_bytes} bytes"
