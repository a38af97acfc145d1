"""Every answer says who may keep it, and a cache that obeys never shows one user another's page."""

from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from app import features
from app.features import cached_answers
from app.main import build
from app.settings import Settings

STATIC = Path(__file__).parent.parent / "src/app/static"


def sample() -> FastAPI:
    """The core with this feature alone, and a few routes that behave in each way."""
    app = build(Settings(static_max_age=300), [cached_answers])

    @app.get("/page")
    async def greeting() -> str:
        return "hello"

    @app.get("/log-in")
    async def log_in(response: Response) -> str:
        response.set_cookie("sid", "1")
        response.headers["Cache-Control"] = "public, max-age=60"
        return "welcome"

    @app.get("/hourly")
    async def hourly(response: Response) -> str:
        response.headers["Cache-Control"] = "public, max-age=3600"
        return "news"

    @app.post("/page")
    async def change() -> str:
        return "done"

    @app.get("/away")
    async def away(request: Request) -> str:
        return str(request.url_for("greeting"))

    return app


@pytest.fixture
def application() -> FastAPI:
    return sample()


@pytest.fixture
def client(application: FastAPI) -> TestClient:
    return TestClient(application)


def policy(client: TestClient, path: str, method: str = "GET", **headers: str) -> str:
    return client.request(method, path, headers=headers).headers["cache-control"]


def test_a_page_of_nobody_is_kept_briefly_and_by_browsers_alone(client: TestClient):
    answer = client.get("/page")

    assert answer.headers["cache-control"] == "private, max-age=10"
    assert answer.headers["vary"] == "Cookie"


@pytest.mark.parametrize("header", ["Cookie", "Authorization"])
def test_a_page_for_someone_is_kept_by_nobody(client: TestClient, header: str):
    assert policy(client, "/page", **{header: "sid=1"}) == "private, no-store"


def test_an_answer_that_sets_a_cookie_is_private_whatever_it_says(client: TestClient):
    assert policy(client, "/log-in") == "private, no-store"


def test_a_page_that_calls_itself_public_is_believed_without_a_session_only(client: TestClient):
    assert policy(client, "/hourly") == "public, max-age=3600"
    assert policy(client, "/hourly", Cookie="sid=1") == "private, no-store"


def test_what_changes_something_or_fails_is_kept_by_nobody(client: TestClient):
    assert policy(client, "/page", "POST") == "no-store"
    assert policy(client, "/nowhere") == "no-store"
    assert policy(client, "/page", "DELETE") == "no-store"


def test_a_static_file_is_kept_longer_at_the_edge_than_in_a_browser(client: TestClient):
    expected = "public, max-age=300, s-maxage=86400"

    assert policy(client, "/static/style.css") == expected
    assert policy(client, "/static/style.css", Cookie="sid=1") == expected


def test_a_missing_static_file_is_kept_by_nobody(client: TestClient):
    assert policy(client, "/static/nowhere.css") == "no-store"


def test_a_file_named_after_its_content_is_kept_for_good(
    application: FastAPI, client: TestClient, tmp_path: Path
):
    from starlette.staticfiles import StaticFiles

    (tmp_path / "app.0123456789ab.css").write_text("")
    application.mount("/static/build", StaticFiles(directory=tmp_path))
    application.router.routes.insert(0, application.router.routes.pop())

    assert policy(client, "/static/build/app.0123456789ab.css") == (
        "public, max-age=31536000, immutable"
    )


def test_an_unchanged_file_renews_its_time(client: TestClient):
    etag = client.get("/static/style.css").headers["etag"]

    answer = client.get("/static/style.css", headers={"If-None-Match": etag})

    assert answer.status_code == 304
    assert answer.headers["cache-control"] == "public, max-age=300, s-maxage=86400"


def test_times_come_from_the_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APP_CACHE_EDGE_SECONDS", "60")
    monkeypatch.setenv("APP_CACHE_PAGE_SECONDS", "0")
    client = TestClient(build(Settings(static_max_age=30), [cached_answers]))

    assert policy(client, "/static/style.css") == "public, max-age=30, s-maxage=60"
    assert policy(client, "/version") == "private, max-age=0"


def test_links_lead_to_what_users_speak(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    assert client.get("/away").json() == "http://testserver/page"

    monkeypatch.setenv("APP_PUBLIC_SCHEME", "https")

    assert TestClient(sample()).get("/away").json() == "https://testserver/page"


@pytest.mark.usefixtures("whole")
def test_every_route_of_the_whole_application_says_it():
    app = build(Settings(), features.scan())
    requests = [
        (method, route.path)
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
    ]

    assert {("GET", "/"), ("GET", "/health")} <= set(requests)
    with TestClient(app, raise_server_exceptions=False) as client:
        silent = [
            f"{method} {path}"
            for method, path in requests
            if "cache-control" not in client.request(method, path).headers
        ]
    assert silent == []


class Edge:
    """A cache that keys and keeps as the distribution does: cached paths by path alone."""

    def __init__(self, origin: TestClient) -> None:
        self.origin = origin
        self.kept: dict[str, str] = {}
        self.fetched: list[str] = []

    def get(self, path: str, cookie: str = "") -> str:
        if path in self.kept:
            return self.kept[path]
        cached = path.startswith("/static/")
        self.fetched.append(path)
        headers = {"Cookie": cookie} if cookie and not cached else {}
        answer = self.origin.get(path, headers=headers)
        if cached and "public" in answer.headers["cache-control"]:
            self.kept[path] = answer.text
        return answer.text


def test_the_second_user_gets_a_file_from_the_edge_and_a_page_from_the_origin(client: TestClient):
    edge = Edge(client)

    for user in ("sid=1", "sid=2"):
        edge.get("/static/style.css", cookie=user)
        edge.get("/page", cookie=user)

    assert edge.fetched == ["/static/style.css", "/page", "/page"]
    assert edge.get("/static/style.css") == (STATIC / "style.css").read_text()
