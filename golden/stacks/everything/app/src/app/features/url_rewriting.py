"""URL Rewriting: links to static files lead elsewhere once a page leaves, whoever made the page.

Only attributes that hold links are looked at, and of these only links that begin with a path of
static files. Everything else of a page stays as it is, byte for byte. Scripts, styles and comments
inside a page are not looked into: a script that changed would no longer be the one that a policy
or a hash allows.
"""

import re
import zlib
from collections.abc import Sequence
from gzip import compress

from fastapi import FastAPI
from pydantic import Field, field_validator
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import FeatureSettings, Settings

MOST_BYTES = 4 * 1024 * 1024
"""A larger page leaves as it is: reading it would keep other requests waiting."""

ONE_LINK = {b"href", b"poster", b"src"}
SEVERAL_LINKS = {b"imagesrcset", b"srcset"}

LEFT_ALONE = {b"base", b"use"}
"""Other links rest on `base`, and browsers refuse parts of drawings from another host."""

NO_TAGS_INSIDE = {
    name: re.compile(rb"</" + name + rb"(?=[\s/>])", re.IGNORECASE)
    for name in (b"iframe", b"script", b"style", b"textarea", b"title", b"xmp")
}
"""What looks like a tag in their text is none; each with its end."""

# As browsers read them: a name, and perhaps a value that is quoted or ends at a blank.
NAME = rb"[^\s/>=][^\s/>=]*+"
VALUE = rb"""\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+))"""
ATTRIBUTE = re.compile(rb"(" + NAME + rb")(?:" + VALUE + rb")?+")

# A comment, or a tag with its attributes and, if it has one, its end. Nothing is looked at twice,
# so a page that is not well-formed takes no longer than another.
PIECE = re.compile(
    rb"<!--(?:-?>|.*?(?:--!?>|\Z))"
    rb"|<(?P<name>[a-z][^\s/>]*+)(?P<attributes>(?:[\s/=]++|"
    + ATTRIBUTE.pattern
    + rb")*+)(?P<end>>?)",
    re.DOTALL | re.IGNORECASE,
)
CANDIDATE = re.compile(rb"([\s,]*)(\S*[^\s,])(,+|[^,]*)")
UPWARDS = re.compile(rb"/(?:\.|%2e){1,2}(?:[/?#]|\Z)", re.IGNORECASE)


class RewritingSettings(FeatureSettings):
    """Which links lead where."""

    url_rewriting_base: str = Field(
        default="", pattern=r"""^(https://[^\s"'<>`=?#]*[^\s"'<>`=?#/])?$"""
    )
    """Where static files are, such as `https://files.example.com`; empty leaves links alone."""

    url_rewriting_prefixes: str = "/static/"
    """Paths of static files, separated by commas; each begins and ends with a slash."""

    @field_validator("url_rewriting_prefixes")
    @classmethod
    def _are_folders(cls, value: str) -> str:
        for prefix in value.split(","):
            if not re.fullmatch(r"/(?:[\w.~-]+/)+", prefix, re.ASCII):
                raise ValueError(f"{prefix!r} is no path of a folder, such as /static/")
        return value


class Links:
    """Rewrites the links of a page."""

    def __init__(self, base: str, prefixes: Sequence[str]) -> None:
        self._base = base.encode()
        paths = b"|".join(re.escape(prefix.encode()) for prefix in prefixes)
        self._moves = re.compile(rb"\s*(?=" + paths + rb")")

    def rewrite(self, page: bytes) -> bytes:
        """The page with its links changed; changing them once more would change nothing."""
        parts = []
        copied = at = 0
        while piece := PIECE.search(page, at):
            at = piece.end()
            if piece["name"] is None:
                continue
            if not piece["end"]:
                break  # no end: browsers show nothing of the rest
            name = piece["name"].lower()
            if name not in LEFT_ALONE:
                parts += [
                    page[copied : piece.start("attributes")],
                    self._attributes(piece["attributes"]),
                ]
                copied = piece.end("attributes")
            if name in NO_TAGS_INSIDE:
                end = NO_TAGS_INSIDE[name].search(page, at)
                at = end.start() if end else len(page)
        return b"".join([*parts, page[copied:]])

    def _attributes(self, text: bytes) -> bytes:
        names = {each[1].lower() for each in ATTRIBUTE.finditer(text)}
        if b"integrity" in names and b"crossorigin" not in names:
            return text  # a browser refuses a file from elsewhere whose hash it may not look at
        return ATTRIBUTE.sub(self._attribute, text)

    def _attribute(self, found: re.Match[bytes]) -> bytes:
        name, which = found[1].lower(), found.lastindex
        if not which or which == 1 or name not in ONE_LINK | SEVERAL_LINKS:
            return found[0]
        if name in ONE_LINK:
            value = self._link(found[which])
        else:
            value = CANDIDATE.sub(
                lambda each: each[1] + self._link(each[2]) + each[3], found[which]
            )
        before, after = found.start(which), found.end(which)
        return found.string[found.start() : before] + value + found.string[after : found.end()]

    def _link(self, link: bytes) -> bytes:
        begins = self._moves.match(link)
        if begins is None or UPWARDS.search(link):
            return link
        return link[: begins.end()] + self._base + link[begins.end() :]


class UrlRewriting:
    """Rewrites pages on their way out; whatever is no page passes as it comes."""

    def __init__(self, app: ASGIApp, links: Links) -> None:
        self.app = app
        self.links = links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        # How long a page will be is known when all of it is there, so its headers wait.
        start: Message | None = None
        page = bytearray()

        async def send_rewritten(message: Message) -> None:
            nonlocal start
            if start is None:
                if is_page(message):
                    start = message
                else:
                    await send(message)
                return
            if message["type"] == "http.response.body":
                page.extend(message.get("body", b""))
                more = message.get("more_body", False)
                if more and len(page) <= MOST_BYTES:
                    return
                message = {**message, "body": bytes(page)}
                if not more:
                    self._finish(scope["method"], start, message)
            elif page:
                await send(start)
                start = {"type": "http.response.body", "body": bytes(page), "more_body": True}
            # All of it, or something that leaves as it is: too large, or sent past this place.
            begin, start = start, None
            page.clear()
            await send(begin)
            await send(message)

        await self.app(scope, receive, send_rewritten)

    def _finish(self, method: str, start: Message, body: Message) -> None:
        headers = MutableHeaders(scope=start)
        packed = headers.get("content-encoding") == "gzip"
        text = unpacked(body["body"]) if packed else body["body"]
        if text is None or len(text) > MOST_BYTES:
            return
        # They are of the page as it was; one that differs must not pass for unchanged.
        for name in ("ETag", "Last-Modified", "Accept-Ranges", "Content-Digest", "Repr-Digest"):
            del headers[name]
        if method == "HEAD":
            del headers["Content-Length"]  # nobody knows without the page
            return
        text = self.links.rewrite(text)
        body["body"] = compress(text) if packed else text
        headers["Content-Length"] = str(len(body["body"]))


def is_page(message: Message) -> bool:
    """Whether this begins an answer whose links may be changed."""
    if message["type"] != "http.response.start" or message["status"] in (204, 206, 304):
        return False
    headers = MutableHeaders(scope=message)
    kind, _, parameters = headers.get("content-type", "").lower().partition(";")
    return (
        kind.strip() in ("text/html", "application/xhtml+xml")
        and not re.search(r"charset=\W*(utf-?(16|32)|ucs|utf-?7)", parameters)
        and headers.get("content-encoding", "identity") in ("identity", "gzip")
        and "no-transform" not in headers.get("cache-control", "")
    )


def unpacked(body: bytes) -> bytes | None:
    """What was packed, up to a byte more than a page may have; nothing where it cannot be read."""
    try:
        return zlib.decompressobj(wbits=31).decompress(body, MOST_BYTES + 1)
    except zlib.error:
        return None


def register(app: FastAPI, settings: Settings) -> None:
    """Wrap whatever the application answers, unless there is nowhere for links to lead."""
    told = RewritingSettings()
    if told.url_rewriting_base:
        links = Links(told.url_rewriting_base, told.url_rewriting_prefixes.split(","))
        app.add_middleware(UrlRewriting, links=links)
        app.state.content_sources.append(told.url_rewriting_base)
