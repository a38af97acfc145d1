"""Pages leave with their links changed, and nothing else of what is answered is touched."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, StreamingResponse
from pydantic import ValidationError
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from app import features
from app.features import url_rewriting
from app.features.url_rewriting import Links, RewritingSettings, UrlRewriting
from app.main import build
from app.settings import Settings

BASE = "https://files.example.com"
STATIC = Path(__file__).parent.parent / "src/app/static"

links = Links(BASE, ["/static/", "/media/"])


def rewritten(page: str) -> str:
    once = links.rewrite(page.encode())
    assert links.rewrite(once) == once
    return once.decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<img src="/static/a.png">', f'<img src="{BASE}/static/a.png">'),
        ("<img src='/static/a.png'/>", f"<img src='{BASE}/static/a.png'/>"),
        ("<img src=/static/a.png alt=a>", f"<img src={BASE}/static/a.png alt=a>"),
        ('<IMG\n SRC = "/static/a.png">', f'<IMG\n SRC = "{BASE}/static/a.png">'),
        ('<a href=" /media/a.mp4?x=1#t">', f'<a href=" {BASE}/media/a.mp4?x=1#t">'),
        (
            '<video poster="/static/p.jpg" src="/media/ü.mp4">',
            f'<video poster="{BASE}/static/p.jpg" src="{BASE}/media/ü.mp4">',
        ),
        (
            '<img srcset="/static/a.png 1x,/static/b,c.png 2x, /other.png 3x">',
            f'<img srcset="{BASE}/static/a.png 1x,{BASE}/static/b,c.png 2x, /other.png 3x">',
        ),
        (
            '<link imagesrcset="/static/a.png, /static/b.png 2x" href="/static/a.png">',
            f'<link imagesrcset="{BASE}/static/a.png, {BASE}/static/b.png 2x" '
            f'href="{BASE}/static/a.png">',
        ),
        (
            '<script src="/static/a.js"></script><p title=">"><img src="/static/a.png">',
            f'<script src="{BASE}/static/a.js"></script><p title=">">'
            f'<img src="{BASE}/static/a.png">',
        ),
        ("<!--><img src=/static/a.png>", f"<!--><img src={BASE}/static/a.png>"),
        ("<p class=it's><img src=/static/a>", f"<p class=it's><img src={BASE}/static/a>"),
        (
            '<script src="/static/a.js" integrity="sha256-1" crossorigin></script>',
            f'<script src="{BASE}/static/a.js" integrity="sha256-1" crossorigin></script>',
        ),
    ],
)
def test_a_link_to_a_static_file_leads_elsewhere(before: str, after: str):
    assert rewritten(before) == after


@pytest.mark.parametrize(
    "page",
    [
        '<a href="/">home</a> <a href="/staticky/a">',
        f'<img src="{BASE}/static/a.png">',
        '<img src="https://other.example.com/static/a.png">',
        '<img src="//other.example.com/static/a.png">',
        '<img src="static/a.png">',
        "<p>see /static/a.png or href='/static/a.png'</p>",
        '<img alt="src=\'/static/a.png\'" data-src="/static/a.png">',
        '<form action="/static/form">',
        '<!-- <img src="/static/a.png"> -->',
        "<!-- <img src='/static/a.png'>",
        "<script>let a = \"<img src='/static/a.png'>\"</script>",
        '<style>body { background: url("/static/a.png") }</style>',
        "<textarea><img src='/static/a.png'></textarea>",
        "<title><img src='/static/a.png'></title>",
        '<svg><use href="/static/icons.svg#a"/></svg>',
        '<base href="/static/">',
        '<script src="/static/a.js" integrity="sha256-1"></script>',
        '<a href="/static/../admin">',
        '<a href="/static/%2E%2e/admin">',
        "<a href='/static/a",
        "<img src> <img src=> <img src =>",
        "<p class=it's> 'href=/static/a' </p>",
        "< img src='/static/a.png'>",
        "",
    ],
)
def test_everything_else_stays_byte_for_byte(page: str):
    assert rewritten(page) == page


def test_a_script_that_speaks_of_its_end_hides_nothing_behind_it():
    page = '<SCRIPT>a = "<img src=/static/a>"</Script ><img src="/static/a.png">'

    assert rewritten(page) == page.replace('"/static/', f'"{BASE}/static/')


def test_bytes_that_are_no_text_are_kept():
    page = b'\xff\x00<img alt="\xe4" src="/static/\xfc.png">\xfe'

    assert links.rewrite(page) == page.replace(b"/static/", BASE.encode() + b"/static/")


@pytest.mark.parametrize(
    "page",
    [
        "<a '" * 20000,
        "<!--" * 20000,
        "<script>" * 20000,
        "<a " + "b=" * 50000,
        "<a href=' " * 20000,
    ],
)
def test_a_page_that_is_not_well_formed_takes_no_longer(page: str):
    assert links.rewrite(page.encode()) == page.encode()


def sample() -> FastAPI:
    """The core with this feature alone, and answers of many kinds."""
    app = build(Settings(name="shop"), [url_rewriting])
    html = '<img src="/static/a.png">'

    @app.api_route("/page", methods=["GET", "HEAD"])
    async def page() -> HTMLResponse:
        return HTMLResponse(html, headers={"ETag": '"1"', "Last-Modified": "yesterday"})

    @app.get("/json")
    async def data() -> JSONResponse:
        return JSONResponse({"html": html}, headers={"ETag": '"1"'})

    @app.get("/packed")
    async def packed() -> Response:
        return HTMLResponse(gzip.compress(html.encode()), headers={"Content-Encoding": "gzip"})

    @app.get("/wrongly-packed")
    async def wrongly_packed() -> Response:
        return HTMLResponse(html, headers={"Content-Encoding": "gzip"})

    @app.get("/odd")
    async def odd(kind: str, cache: str = "", status: int = 200) -> Response:
        return Response(html, status, {"Content-Type": kind, "Cache-Control": cache})

    @app.get("/stream")
    async def stream(kind: str = "text/html", size: int = 0) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b'<img src="/sta'
            yield b'tic/a.png">'
            yield b" " * size

        return StreamingResponse(parts(), media_type=kind)

    @app.get("/file")
    async def file(name: str) -> FileResponse:
        return FileResponse(name)

    return app


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("APP_URL_REWRITING_BASE", BASE)
    return TestClient(sample())


def test_the_page_for_people_leads_to_files_that_are_there(client: TestClient):
    answer = client.get("/")

    found = re.findall(r'(?:href|src)="([^"]+)"', answer.text)
    assert found == [f"{BASE}/static/style.css"]
    assert all((STATIC / each.removeprefix(f"{BASE}/static/")).is_file() for each in found)
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_the_page_s_policy_lets_the_files_in(client: TestClient):
    policy = client.get("/").headers["content-security-policy"]

    assert policy == f"default-src 'self' {BASE}; frame-ancestors 'none'"


def test_a_browser_keeps_no_page_by_the_mark_of_another(client: TestClient):
    answer = client.get("/page")

    assert answer.text == f'<img src="{BASE}/static/a.png">'
    assert answer.headers["content-length"] == str(len(answer.content))
    assert not {"etag", "last-modified"} & set(answer.headers)


def test_asked_for_headers_alone_no_wrong_length_is_told(client: TestClient):
    answer = client.head("/page")

    assert (answer.status_code, answer.content) == (200, b"")
    assert not {"content-length", "etag", "last-modified"} & set(answer.headers)


def test_a_packed_page_is_unpacked_rewritten_and_packed_again(client: TestClient):
    answer = client.get("/packed")

    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == f'<img src="{BASE}/static/a.png">'
    with client.stream("GET", "/packed") as raw:
        assert int(raw.headers["content-length"]) == len(b"".join(raw.iter_raw()))


def test_a_page_packed_in_another_way_stays_as_it_is():
    assert not is_page_with({"content-encoding": "br"})
    assert not is_page_with({"content-encoding": "gzip, gzip"})
    assert is_page_with({"content-encoding": "gzip"})


def is_page_with(headers: dict[str, str]) -> bool:
    raw = [(b"content-type", b"text/html")]
    raw += [(name.encode(), value.encode()) for name, value in headers.items()]
    return url_rewriting.is_page({"type": "http.response.start", "status": 200, "headers": raw})


def test_a_page_of_another_width_of_letters_stays_as_it_is(client: TestClient):
    with client.stream("GET", "/odd?kind=text/html;charset=utf-16") as answer:
        assert b"".join(answer.iter_raw()) == b'<img src="/static/a.png">'


def test_what_only_says_that_it_is_packed_passes(client: TestClient):
    with client.stream("GET", "/wrongly-packed") as answer:
        assert b"".join(answer.iter_raw()) == b'<img src="/static/a.png">'


def test_a_page_that_unpacks_to_more_than_fits_passes(
    monkeypatch: pytest.MonkeyPatch, client: TestClient
):
    monkeypatch.setattr(url_rewriting, "MOST_BYTES", 10)

    assert client.get("/packed").text == '<img src="/static/a.png">'


def test_packing_outside_and_inside_of_the_filter_gives_the_same_page(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("APP_URL_REWRITING_BASE", BASE)
    page = "<p>" + " " * 1000 + '<img src="/static/a.png">'
    texts = []
    for inside in (True, False):
        app = FastAPI()
        app.state.content_sources = []
        if inside:
            app.add_middleware(GZipMiddleware)
        url_rewriting.register(app, Settings())
        if not inside:
            app.add_middleware(GZipMiddleware)
        app.add_api_route("/", lambda: HTMLResponse(page))
        answer = TestClient(app).get("/")
        assert answer.headers["content-encoding"] == "gzip"
        texts.append(answer.text)

    assert texts == [page.replace("/static/", f"{BASE}/static/")] * 2


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "text/javascript",
        "text/css",
        "text/plain",
        "image/svg+xml",
        "application/octet-stream",
    ],
)
def test_what_is_no_page_is_untouched(client: TestClient, kind: str):
    assert client.get("/odd", params={"kind": kind}).text == '<img src="/static/a.png">'


def test_json_keeps_its_mark(client: TestClient):
    answer = client.get("/json")

    assert answer.json() == {"html": '<img src="/static/a.png">'}
    assert answer.headers["etag"] == '"1"'


def test_a_page_nobody_may_transform_is_untouched(client: TestClient):
    asked = {"kind": "text/html", "cache": "public, no-transform"}

    assert client.get("/odd", params=asked).text == '<img src="/static/a.png">'


def test_a_page_that_tells_of_an_error_is_rewritten(client: TestClient):
    answer = client.get("/odd", params={"kind": "text/html", "status": "404"})

    assert (answer.status_code, answer.text) == (404, f'<img src="{BASE}/static/a.png">')


def test_part_of_a_page_is_untouched(client: TestClient, tmp_path: Path):
    (tmp_path / "a.html").write_text('<img src="/static/a.png">')
    asked = {"name": str(tmp_path / "a.html")}

    part = client.get("/file", params=asked, headers={"Range": "bytes=0-15"})
    whole = client.get("/file", params=asked)

    assert (part.status_code, part.text) == (206, '<img src="/stati')
    assert whole.text == f'<img src="{BASE}/static/a.png">'
    assert "accept-ranges" not in whole.headers


def test_a_page_in_parts_is_rewritten_where_they_meet(client: TestClient):
    answer = client.get("/stream")

    assert answer.text == f'<img src="{BASE}/static/a.png">'
    assert answer.headers["content-length"] == str(len(answer.content))


def test_a_page_that_is_too_large_arrives_whole_and_as_it_was(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(url_rewriting, "MOST_BYTES", 20)

    assert client.get("/stream", params={"size": 100}).text == (
        '<img src="/static/a.png">' + " " * 100
    )


async def messages(*sent: Message) -> list[str]:
    """What the filter passes on of an answer, and when: after each message what was out."""
    out: list[Message] = []
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in sent:
            await send(message)
            seen.append(" ".join(each["type"].removeprefix("http.response.") for each in out))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        out.append(message)

    await UrlRewriting(app, links)({"type": "http", "method": "GET"}, receive, send)
    return seen


def begins(kind: bytes) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.mark.anyio
async def test_what_is_no_page_is_not_held_back():
    seen = await messages(
        begins(b"text/event-stream"), part(b"a", more=True), part(b"b", more=False)
    )

    assert seen == ["start", "start body", "start body body"]


@pytest.mark.anyio
async def test_a_page_is_held_back_until_it_is_whole():
    seen = await messages(begins(b"text/html"), part(b"a", more=True), part(b"b", more=False))

    assert seen == ["", "", "start body"]


@pytest.mark.anyio
async def test_a_file_that_the_server_sends_itself_passes():
    sent: Message = {"type": "http.response.pathsend", "path": "/a.html"}

    assert await messages(begins(b"text/html"), sent) == ["", "start pathsend"]


def test_without_a_base_the_filter_is_off():
    client = TestClient(sample())
    answer = client.get("/page")

    assert answer.text == '<img src="/static/a.png">'
    assert answer.headers["etag"] == '"1"'
    assert 'href="/static/style.css"' in client.get("/").text
    assert client.get("/static/style.css").status_code == 200


@pytest.mark.usefixtures("whole")
def test_every_page_of_the_whole_application_is_rewritten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APP_URL_REWRITING_BASE", BASE)
    with TestClient(build(Settings(), features.scan())) as client:
        answer = client.get("/")

    assert f'href="{BASE}/static/style.css"' in answer.text
    assert 'href="/static/' not in answer.text
    assert BASE in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "base", ["http://files.example.com", f"{BASE}/", f'{BASE}"', "files.example.com", f"{BASE} x"]
)
def test_a_base_that_would_break_pages_is_refused(base: str):
    with pytest.raises(ValidationError):
        RewritingSettings(url_rewriting_base=base)


@pytest.mark.parametrize("prefixes", ["", "/", "static/", "/static", "/static/,", "/a b/"])
def test_a_prefix_that_is_no_folder_is_refused(prefixes: str):
    with pytest.raises(ValidationError):
        RewritingSettings(url_rewriting_prefixes=prefixes)
