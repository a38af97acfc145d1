"""Links changed on the way, by real nginx: which change, which must not, and what else must fit."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.front import Answer, Asked, Origin, Proxy, render, running, serving
from tests.machine import need

TO = "https://d111111abcdef8.cloudfront.net"
EXPORTS = {"REWRITE_TO": TO, "REWRITE_PREFIXES": "/static/"}

PAGE = """\
<!doctype html>
<link rel="stylesheet" href="/static/style.css">
<img src='/static/logo.png' alt="the path /static/ as it is told">
<div style="background: url(/static/back.jpg)">See /static/ for files.</div>
<a href="/shop">shop</a> <a href="/shop/static/1">not at the beginning</a>
<a href="https://other.example/static/x">elsewhere</a>
"""
CHANGED = f"""\
<!doctype html>
<link rel="stylesheet" href="{TO}/static/style.css">
<img src='{TO}/static/logo.png' alt="the path /static/ as it is told">
<div style="background: url({TO}/static/back.jpg)">See /static/ for files.</div>
<a href="/shop">shop</a> <a href="/shop/static/1">not at the beginning</a>
<a href="https://other.example/static/x">elsewhere</a>
"""
OTHERS = {
    "/data.json": ("application/json", b'{"logo": "/static/logo.png"}'),
    "/script.js": ("application/javascript", b'fetch("/static/list.json")'),
    "/text.txt": ("text/plain", b'see "/static/logo.png"'),
    "/image.png": ("image/png", b'\x89PNG "/static/ \x00\xff' * 100),
}


def pages(asked: Asked) -> Answer:
    """An application that is as it is, and compresses for whoever takes it."""
    path = asked.path.partition("?")[0]
    headers = {"Content-Type": "text/html; charset=utf-8"}
    if "x-policy" in asked.headers:
        headers["Content-Security-Policy"] = asked.headers["x-policy"]
    body = {"/changed": CHANGED, "/long": PAGE * 2000}.get(path, PAGE).encode()
    if path in OTHERS:
        headers["Content-Type"], body = OTHERS[path]
    if path == "/style.css":
        headers["Content-Type"], body = "text/css", b"a { background: url('/static/a.png') }"
    if path == "/echo":
        told = {"headers": asked.headers, "method": asked.method, "body": asked.body.decode()}
        headers["Content-Type"], body = "application/json", json.dumps(told).encode()
        headers["Set-Cookie"] = "sid=1; HttpOnly"
    if path == "/error":
        return Answer(500, headers, body)
    if "gzip" in asked.headers.get("accept-encoding", ""):
        return Answer(headers=headers | {"Content-Encoding": "gzip"}, body=gzip.compress(body))
    return Answer(headers=headers, body=body)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("nginx")
    return render(tmp_path_factory.mktemp("repository"), "rewrite_proxy")


@pytest.fixture(scope="module")
def both(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Proxy, Origin]]:
    with (
        serving(pages) as origin,
        running(repository, tmp_path_factory.mktemp("proxy"), origin.url, **EXPORTS) as proxy,
    ):
        yield proxy, origin


@pytest.fixture
def proxy(both: tuple[Proxy, Origin]) -> Proxy:
    return both[0]


# What is changed


def test_links_of_a_page_lead_to_the_bucket(proxy: Proxy) -> None:
    answer = proxy.ask("/page")

    assert answer.body.decode() == CHANGED
    assert answer["Content-Length"] in (None, str(len(answer.body)))


def test_a_page_that_was_changed_already_is_left_as_it_is(proxy: Proxy) -> None:
    assert proxy.ask("/changed").body.decode() == CHANGED


def test_a_long_page_is_changed_to_its_end(proxy: Proxy) -> None:
    assert proxy.ask("/long").body.decode() == CHANGED * 2000


def test_the_page_of_the_application_is_changed(repository: Path) -> None:
    """It is the system that is to stay as it is, so the links in it are of the kind that change."""
    source = (repository / "app/src/app/page.py").read_text()

    assert re.findall(r'(?:href|src)="(/static/[^"]+)"', source)


def test_style_sheets_are_changed(proxy: Proxy) -> None:
    answer = proxy.ask("/style.css")

    assert answer.body.decode() == f"a {{ background: url('{TO}/static/a.png') }}"


def test_a_page_that_tells_of_an_error_is_changed(proxy: Proxy) -> None:
    answer = proxy.ask("/error")

    assert (answer.status, answer.body.decode()) == (500, CHANGED)


@pytest.mark.parametrize("path", OTHERS)
@pytest.mark.parametrize("accepted", ["identity", "gzip"])
def test_anything_else_comes_through_as_it_is(proxy: Proxy, path: str, accepted: str) -> None:
    answer = proxy.ask(path, {"Accept-Encoding": accepted})

    body = gzip.decompress(answer.body) if answer["Content-Encoding"] == "gzip" else answer.body
    kind, expected = OTHERS[path]
    assert (answer["Content-Type"], body) == (kind, expected)


def test_several_paths_can_lead_to_the_bucket(repository: Path, tmp_path: Path) -> None:
    def answer(_: Asked) -> Answer:
        body = b'<a href="/static/a"><a href="/media/old/b"><a href="/media/c">'
        return Answer(headers={"Content-Type": "text/html"}, body=body)

    exports = {**EXPORTS, "REWRITE_PREFIXES": "/static/ /media/old/"}
    with serving(answer) as origin, running(repository, tmp_path, origin.url, **exports) as proxy:
        assert proxy.ask("/").body.decode() == (
            f'<a href="{TO}/static/a"><a href="{TO}/media/old/b"><a href="/media/c">'
        )


def test_an_address_with_a_slash_at_its_end_ends_the_setup(
    repository: Path, tmp_path: Path
) -> None:
    proxy = Proxy(repository, tmp_path, "http://127.0.0.1:9", {**EXPORTS, "REWRITE_TO": f"{TO}/"})

    code, said = proxy.setup("configure")

    assert code != 0
    assert f"static files cannot be at {TO}/" in said


# What else must fit


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "identity"])
def test_a_page_is_changed_whatever_a_browser_takes(
    both: tuple[Proxy, Origin], accepted: str
) -> None:
    """The application compresses too, and nothing could be changed in what it compressed."""
    proxy, origin = both
    origin.asked.clear()

    answer = proxy.ask("/page", {"Accept-Encoding": accepted})

    compressed = "gzip" in accepted
    assert answer["Content-Encoding"] == ("gzip" if compressed else None)
    body = gzip.decompress(answer.body) if compressed else answer.body
    assert body.decode() == CHANGED
    assert answer["Vary"] == "Accept-Encoding"
    assert "accept-encoding" not in origin.asked[0].headers


def test_forms_cookies_and_the_name_come_through(proxy: Proxy) -> None:
    headers = {"Host": "shop.example", "Cookie": "sid=1"}

    answer = proxy.ask("/echo", headers, method="POST", body=b"a=/static/b")

    told = json.loads(answer.body)
    assert (told["method"], told["body"]) == ("POST", "a=/static/b")
    assert (told["headers"]["host"], told["headers"]["cookie"]) == ("shop.example", "sid=1")
    assert answer["Set-Cookie"] == "sid=1; HttpOnly"


def test_a_body_is_refused_before_it_was_sent(repository: Path, tmp_path: Path) -> None:
    """The application says how large one may be; here it would lie on the disk of the proxy."""
    with (
        serving(pages, largest=1000) as origin,
        running(repository, tmp_path, origin.url, **EXPORTS) as proxy,
        proxy.sending("/form", 4_000_000, b"x" * 1000) as client,
    ):
        answer = client.recv(1000)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"too large")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "default-src 'self'; frame-ancestors 'none'",
            f"default-src 'self' {TO}; frame-ancestors 'none'",
        ),
        ("default-src 'none'; style-src 'self'", f"default-src 'none'; style-src 'self' {TO}"),
        (
            "img-src data: 'self'; script-src 'self' 'nonce-x'; font-src 'self'; media-src 'self'",
            (
                f"img-src data: 'self' {TO}; script-src 'self' {TO} 'nonce-x'; "
                f"font-src 'self' {TO}; media-src 'self' {TO}"
            ),
        ),
        ("Default-Src 'self'", f"Default-Src 'self' {TO}"),
        (f"default-src 'self' {TO}", f"default-src 'self' {TO}"),
        ("form-action 'self'; base-uri 'self'", "form-action 'self'; base-uri 'self'"),
        ("default-src https:", "default-src https:"),
    ],
)
def test_a_policy_that_admits_its_own_host_admits_the_files(
    proxy: Proxy, said: str, expected: str
) -> None:
    """Of the rest of a policy not a word changes."""
    assert proxy.ask("/page", {"X-Policy": said})["Content-Security-Policy"] == expected


def test_the_policy_of_the_application_is_of_the_kind_that_is_changed(repository: Path) -> None:
    source = (repository / "app/src/app/page.py").read_text()

    assert "'self'" in source
    assert re.findall(r'"Content-Security-Policy": f?"default-src ', source)


def test_no_policy_stays_none(proxy: Proxy) -> None:
    assert proxy.ask("/page")["Content-Security-Policy"] is None


# Behind a cache


def test_a_cache_keeps_the_changed_page(tmp_path: Path) -> None:
    """Cache, then rewriting, in this order: a page is changed once, however often it is read."""
    need("nginx")
    need("varnishd")
    repository = render(tmp_path / "repository", "cache_proxy", "rewrite_proxy")
    exports = {**EXPORTS, "CACHE_IGNORED_COOKIES": "_ga", "CACHE_MEMORY_PERCENT": "5"}
    with (
        serving(pages) as origin,
        running(repository, tmp_path / "proxy", origin.url, **exports) as proxy,
    ):
        answers = [proxy.ask("/page", {"Accept-Encoding": kind}) for kind in ("gzip", "", "gzip")]

        assert [answer["X-Proxy-Cache"] for answer in answers] == ["MISS", "HIT", "HIT"]
        assert gzip.decompress(answers[0].body).decode() == CHANGED
        assert answers[1].body.decode() == CHANGED
        assert len(origin.paths("/page")) == 1
        policy = proxy.ask("/policy", {"X-Policy": "default-src 'self'"})
        assert policy["Content-Security-Policy"] == f"default-src 'self' {TO}"
