"""The page for people. Features add panels; the page knows none of them by name."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape
from string import Template

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

log = logging.getLogger(__name__)
router = APIRouter()


@dataclass(frozen=True, slots=True)
class Panel:
    """A titled list of facts, as plain text; the page escapes them."""

    title: str
    facts: Mapping[str, str]


MakePanel = Callable[[Request], Awaitable[Panel]]
"""What a feature appends to `app.state.panels`."""

_PAGE = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$name</title>
<link rel="stylesheet" href="/static/style.css">
</head>
<body>
<main>
<h1>$name</h1>
<p>Reload the page: another server may answer.</p>
$panels
</main>
</body>
</html>
"""
)


async def server_panel(request: Request) -> Panel:
    """Show which server answered."""
    identity = await request.app.state.whoami()
    return Panel(
        "This server",
        {
            "Instance": identity.instance_id,
            "Zone": identity.zone,
            "Release": request.app.state.settings.release,
        },
    )


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
async def page(request: Request) -> HTMLResponse:
    """Show every panel; one that fails is told of and hides none of the others."""
    panels = []
    for make in request.app.state.panels:
        try:
            panels.append(await make(request))
        except Exception:
            log.exception("a panel failed")
            panels.append(Panel("Not available", {"Panel": make.__name__}))
    text = _PAGE.substitute(
        name=escape(request.app.state.settings.name),
        panels="\n".join(_render(panel) for panel in panels),
    )
    sources = " ".join(["'self'", *request.app.state.content_sources])
    return HTMLResponse(
        text,
        headers={
            "Cache-Control": "private, no-store",  # it shows who answered, and whom
            "Content-Security-Policy": f"default-src {sources}; frame-ancestors 'none'",
        },
    )


def _render(panel: Panel) -> str:
    facts = "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in panel.facts.items()
    )
    return f"<section>\n<h2>{escape(panel.title)}</h2>\n<dl>\n{facts}\n</dl>\n</section>"
