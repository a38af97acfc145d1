"""The cache of a proxy, real Varnish: what it keeps, who gets it, and what it never does."""

from __future__ import annotations

import gzip
import re
import runpy
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.front import Answer, Asked, Origin, Proxy, render, running, serving, until
from tests.machine import need

RULES = "servers/setup/configure/proxies/cache/cache.vcl"
EXPORTS = {
    "CACHE_GRACE_SECONDS": "60",
    "CACHE_HEALTH": "/ready",
    "CACHE_IGNORED_COOKIES": "_ga[^=;]*|_gid|__utm[^=;]*",
    "CACHE_MEMORY_PERCENT": "5",
    "CACHE_TTL_SECONDS": "120",
}


def pages(asked: Asked) -> Answer:
    """Web servers with a page of each kind."""
    path = asked.path.partition("?")[0]
    who = asked.headers.get("cookie", "nobody")
    said = {
        "/brief": {"Cache-Control": "public, max-age=1"},
        "/private": {"Cache-Control": "private"},
        "/browsers": {"Cache-Control": "private, max-age=10", "Vary": "Cookie"},
        "/no-store": {"Cache-Control": "no-store"},
        "/log-in": {"Cache-Control": "public, max-age=60", "Set-Cookie": "sid=7"},
        "/revalidate": {"Cache-Control": "public, max-age=1, must-revalidate"},
    }.get(path, {})
    if path == "/gzip" and "gzip" in asked.headers.get("accept-encoding", ""):
        return Answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"page " * 200))
    return Answer(headers=said, body=f"{path} for {who}, at {time.monotonic_ns()}".encode())


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache; answers are given a second longer than they say, so that no test waits for ten."""
    need("nginx")
    need("varnishd")
    fresh = {"set req.grace = 10s;": "set req.grace = 1s;"}
    return render(tmp_path_factory.mktemp("repository"), "cache_proxy", changes={RULES: fresh})


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


@pytest.fixture
def origin(both: tuple[Proxy, Origin]) -> Origin:
    """The web servers, with nothing asked yet; their health is asked for all the time."""
    both[1].asked.clear()
    return both[1]


def told(proxy: Proxy, path: str, **headers: str) -> str | None:
    """What the cache says it did."""
    return proxy.ask(path, headers)["X-Proxy-Cache"]


# What is kept


def test_a_hundred_equal_requests_reach_the_web_servers_once(proxy: Proxy, origin: Origin) -> None:
    answers = [proxy.ask("/popular") for _ in range(100)]

    assert len(origin.paths("/popular")) == 1
    assert len({answer.body for answer in answers}) == 1
    assert [answer["X-Proxy-Cache"] for answer in answers] == ["MISS"] + ["HIT"] * 99


def test_a_query_is_another_page(proxy: Proxy, origin: Origin) -> None:
    assert proxy.ask("/list?page=1").body != proxy.ask("/list?page=2").body
    assert len(origin.paths("/list")) == 2


def test_another_name_is_another_page(proxy: Proxy) -> None:
    one, other = (proxy.ask("/named", {"Host": f"{name}.example"}) for name in ("a", "b"))

    assert one.body != other.body


def test_an_answer_says_itself_how_long_it_may_be_kept(proxy: Proxy, origin: Origin) -> None:
    proxy.ask("/brief")
    until(lambda: told(proxy, "/brief") != "HIT", "the answer is too old")

    until(lambda: len(origin.paths("/brief")) >= 2, "it is asked for again")


def test_an_answer_that_must_not_be_old_is_not(proxy: Proxy, origin: Origin) -> None:
    proxy.ask("/revalidate")
    time.sleep(1.1)

    assert told(proxy, "/revalidate") == "MISS"


@pytest.mark.parametrize("path", ["/private", "/browsers", "/no-store"])
def test_what_is_not_for_everybody_is_not_kept(proxy: Proxy, origin: Origin, path: str) -> None:
    assert {told(proxy, path) for _ in range(3)} <= {"MISS", "PASS"}
    assert len(origin.paths(path)) == 3


def test_an_answer_that_sets_a_cookie_is_not_kept(proxy: Proxy, origin: Origin) -> None:
    """Whatever it says about itself: the next user would get the first one's session."""
    answers = [proxy.ask("/log-in") for _ in range(3)]

    assert len(origin.paths("/log-in")) == 3
    assert len({answer.body for answer in answers}) == 3


def test_one_kept_answer_serves_who_takes_it_compressed_and_who_does_not(
    proxy: Proxy, origin: Origin
) -> None:
    compressed = proxy.ask("/gzip", {"Accept-Encoding": "gzip"})
    plain = proxy.ask("/gzip")

    assert compressed["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.body) == plain.body == b"page " * 200
    assert len(origin.paths("/gzip")) == 1


# Who gets it


def test_two_users_with_sessions_get_their_own_pages(proxy: Proxy, origin: Origin) -> None:
    proxy.ask("/account")  # one for nobody is kept
    one, other, again = (
        proxy.ask("/account", {"Cookie": f"sid={user}"}) for user in ("ann", "bob", "ann")
    )

    assert b"for sid=ann" in one.body
    assert b"for sid=bob" in other.body
    assert one.body != again.body
    assert {each["X-Proxy-Cache"] for each in (one, other, again)} == {"PASS"}
    assert b"for nobody" in proxy.ask("/account").body


def test_cookies_of_scripts_do_not_count(proxy: Proxy, origin: Origin) -> None:
    cookies = ["_ga=GA1.2.3", "_ga_X1=a; _gid=b", "__utma=1;__utmb=2", ""]

    answers = [proxy.ask("/tracked", {"Cookie": each}) for each in cookies]

    [asked] = origin.paths("/tracked")
    assert "cookie" not in asked.headers
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        ("_ga=1; sid=x", "sid=x"),
        ("sid=x; _gid=2", "sid=x"),
        ("a=1; _ga=1; b=2", "a=1; b=2"),
        ("my_ga=1", "my_ga=1"),
    ],
)
def test_any_other_cookie_is_somebodys(
    proxy: Proxy, origin: Origin, sent: str, passed: str
) -> None:
    assert told(proxy, "/cookies", Cookie=sent) == "PASS"

    [asked] = origin.paths("/cookies")
    assert asked.headers["cookie"] == passed


def test_who_names_himself_gets_his_own_page(proxy: Proxy, origin: Origin) -> None:
    proxy.ask("/report")

    assert told(proxy, "/report", Authorization="Basic YW5uOg==") == "PASS"


def test_files_are_for_everybody(proxy: Proxy, origin: Origin) -> None:
    first = proxy.ask("/static/style.css", {"Cookie": "sid=ann"})

    assert told(proxy, "/static/style.css", Cookie="sid=bob") == "HIT"
    assert b"for nobody" in first.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_changes_something_is_passed_on(proxy: Proxy, origin: Origin, method: str) -> None:
    for _ in range(2):
        assert proxy.ask("/changing", method=method, body=b"a=1")["X-Proxy-Cache"] == "PASS"

    assert [each.body for each in origin.paths("/changing")] == [b"a=1"] * 2


@pytest.mark.parametrize("path", ["/health", "/health/deep", "/ready", "/proxy-health"])
def test_a_check_is_about_now(proxy: Proxy, path: str) -> None:
    assert [told(proxy, path) for _ in range(2)] == ["PASS"] * 2


def test_an_answer_tells_nothing_of_how_it_was_made(proxy: Proxy) -> None:
    answer = proxy.ask("/plain")

    assert {"X-Proxy-Cache", "Age"} <= set(answer.headers)
    assert not {"X-Cache", "X-Cache-Url", "X-Cache-State", "X-Varnish", "Via"} & set(answer.headers)


def test_what_a_user_says_of_the_cache_is_not_said_back(proxy: Proxy, origin: Origin) -> None:
    for path in ("/forged", "/forged/private"):
        told(proxy, path)

        assert told(proxy, path, **{"X-Cache-State": "MINE"}) == "HIT"
    assert told(proxy, "/forged", Cookie="sid=1", **{"X-Cache-State": "MINE"}) == "PASS"


# While web servers are ill


@contextmanager
def failing(repository: Path, folder: Path) -> Iterator[tuple[Proxy, Origin, dict[str, int]]]:
    """A proxy, and web servers that answer with the status that is put into the dictionary."""
    status = {"now": 200}

    def answer(asked: Asked) -> Answer:
        said = {"Cache-Control": "public, max-age=1"} if status["now"] == 200 else {}
        return Answer(status["now"], said, f"{status['now']} at {time.monotonic_ns()}".encode())

    with (
        serving(answer) as origin,
        running(repository, folder, origin.url, **EXPORTS) as proxy,
    ):
        yield proxy, origin, status


def test_an_old_answer_is_better_than_none(repository: Path, tmp_path: Path) -> None:
    """Both ways in which web servers can be away: nobody listens, or a load balancer says 503."""
    with failing(repository, tmp_path) as (proxy, origin, status):
        kept = proxy.ask("/page")
        time.sleep(2.5)  # older than what is given while all is well
        status["now"] = 503

        refused = proxy.ask("/page")
        origin.stop()
        gone = proxy.ask("/page")

        assert (refused.status, refused["X-Proxy-Cache"], refused.body) == (200, "STALE", kept.body)
        assert (gone.status, gone["X-Proxy-Cache"], gone.body) == (200, "STALE", kept.body)
        assert proxy.ask("/never-seen").status in (502, 503)
        assert proxy.ask("/page", {"Cookie": "sid=ann"}).status in (502, 503)

        status["now"] = 200
        origin.start()
        until(lambda: proxy.ask("/page").body != kept.body, "there is a new answer")


def test_an_old_answer_is_better_than_none_without_the_last_hop(
    repository: Path, tmp_path: Path
) -> None:
    """The program behind the cache is away for a moment, as when its own setup starts it anew."""
    with failing(repository, tmp_path) as (proxy, _, _):
        kept = proxy.ask("/page")
        time.sleep(2.5)  # older than what is given while all is well
        proxy.end("last-hop")

        late = proxy.ask("/page")
        assert (late.status, late["X-Proxy-Cache"], late.body) == (200, "STALE", kept.body)
        assert (proxy.ask("/never-seen").status, proxy.ask("/health").status) == (503, 503)
        assert proxy.ask("/page", {"Cookie": "sid=ann"}).status == 503
        assert proxy.ask("/page", method="POST", body=b"a=1").status == 503


def test_an_error_is_never_kept(repository: Path, tmp_path: Path) -> None:
    with failing(repository, tmp_path) as (proxy, _, status):
        status["now"] = 500
        assert proxy.ask("/page").status == 500

        status["now"] = 200

        assert proxy.ask("/page").status == 200


def test_an_error_in_the_background_leaves_what_is_kept(repository: Path, tmp_path: Path) -> None:
    with failing(repository, tmp_path) as (proxy, origin, status):
        kept = proxy.ask("/page")
        time.sleep(1.2)  # expired, and young enough to be given while it is renewed
        status["now"] = 500

        assert proxy.ask("/page").body == kept.body
        until(lambda: len(origin.paths("/page")) == 2, "it is renewed in the background")

        assert proxy.ask("/page").body == kept.body


# Throwing away


def test_a_page_is_thrown_away(proxy: Proxy, origin: Origin) -> None:
    for path in ("/news", "/news?page=2"):
        proxy.ask(path)

    assert proxy.ask("/news", method="PURGE").status == 200

    assert (told(proxy, "/news"), told(proxy, "/news?page=2")) == ("MISS", "HIT")


def test_pages_that_match_are_thrown_away(proxy: Proxy) -> None:
    for path in ("/shop/1", "/shop/2", "/about"):
        proxy.ask(path)

    assert proxy.ask("/", {"X-Cache-Match": "^/shop/"}, method="BAN").status == 200

    assert [told(proxy, path) for path in ("/shop/1", "/shop/2", "/about")] == [
        "MISS",
        "MISS",
        "HIT",
    ]


@pytest.mark.parametrize("method", ["PURGE", "BAN"])
def test_nobody_outside_throws_anything_away(proxy: Proxy, method: str) -> None:
    """Neither another machine, nor a request that something on this one passed on."""
    proxy.ask("/kept")

    assert proxy.ask("/kept", method=method, source="127.0.0.2").status == 405
    passed_on = {"X-Forwarded-For": "127.0.0.1"}
    assert proxy.ask("/kept", passed_on, method=method).status == 405

    assert told(proxy, "/kept") == "HIT"


def test_what_the_script_runs_on_a_proxy_throws_away(proxy: Proxy) -> None:
    need("curl")
    script = runpy.run_path(str(proxy.repository / "scripts/purge.py"))
    script["commands"].__globals__["ADDRESS"] = f"http://127.0.0.1:{proxy.port}"
    paths = ["/one", "/one?of=2&which=%7B", "/other/1", "/stays"]
    for path in paths:
        proxy.ask(path)

    lines = script["commands"](paths[:2], ["^/other/[0-9]$"])
    subprocess.run(["sh", "-c", "\n".join(lines)], check=True)

    assert [told(proxy, path) for path in paths] == ["MISS", "MISS", "MISS", "HIT"]


# The rules


def test_the_rules_name_this_machine_alone(both: tuple[Proxy, Origin]) -> None:
    """Varnish looks a name up once, and refuses one with several addresses."""
    rules = (both[0].root / "etc/proxies/cache.vcl").read_text()

    assert set(re.findall(r'\.host = "([^"]*)"', rules)) == {"127.0.0.1"}


def test_the_cache_stands_before_the_last_hop(both: tuple[Proxy, Origin]) -> None:
    proxy = both[0]
    hop = (proxy.root / "etc/proxies/last-hop.conf").read_text()

    assert f"listen 127.0.0.1:{proxy.port + 1};" in hop
    assert (
        f"-a 0.0.0.0:{proxy.port} " in (proxy.root / "etc/systemd/system/cache.service").read_text()
    )


def test_rules_that_do_not_compile_end_the_setup(tmp_path: Path) -> None:
    """Before anything is started with them."""
    need("nginx")
    need("varnishd")
    broken = {"sub vcl_pass {": "sub vcl_pas {"}
    repository = render(tmp_path / "repository", "cache_proxy", changes={RULES: broken})
    proxy = Proxy(repository, tmp_path / "root", "http://127.0.0.1:9", EXPORTS)

    try:
        code, said = proxy.setup("install", "configure")
    finally:
        proxy.stop()

    assert code != 0
    assert "vcl_pas" in said
    assert "the rules of the cache do not compile" in said


def test_a_share_of_the_memory_is_used(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:        2048000 kB\n")
    exports = {**EXPORTS, "CACHE_MEMORY_PERCENT": "50", "MEMINFO": str(tmp_path / "meminfo")}
    with running(repository, tmp_path / "root", "http://127.0.0.1:9", **exports) as proxy:
        unit = (proxy.root / "etc/systemd/system/cache.service").read_text()

    assert "-s malloc,1000M " in unit
