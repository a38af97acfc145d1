"""Answers that pass a cache: what says nothing is not kept, and one route is for everybody."""

from datetime import UTC, datetime

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Settings

router = APIRouter(tags=["cache"])

KEPT_SECONDS = 30


class NotKept:
    """Give every answer an explicit `Cache-Control`.

    A cache has to guess about an answer without one, and a wrong guess shows a user what was
    another one's, or what was true a minute ago.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_policy)


@router.get("/moment")
async def moment(request: Request, response: Response) -> dict[str, str]:
    """Tell when and where this answer was made; while a cache keeps it, both stay as they are.

    An answer may say that it is for everybody when it is: no session, no name, no permission.
    """
    identity = await request.app.state.whoami()
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    return {"made_at": datetime.now(UTC).isoformat(), "made_by": identity.instance_id}


def register(app: FastAPI, settings: Settings) -> None:
    """Add both."""
    app.include_router(router)
    app.add_middleware(NotKept)
