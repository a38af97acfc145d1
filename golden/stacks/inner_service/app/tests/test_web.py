"""Request ids, the log and the limit on bodies."""

import json
import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from app import logs
from app.main import build
from app.settings import Settings


def application(**settings: object) -> FastAPI:
    app = build(Settings(**settings), [])

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("cannot go on")

    @app.get("/scheme")
    async def scheme(request: Request) -> list[str]:
        return [request.url.scheme, request.client.host if request.client else ""]

    return app


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """The log as it is written, one dictionary a line."""
    written: list[dict[str, object]] = []
    handler = logging.Handler()
    handler.setFormatter(logs.JsonFormatter())
    handler.emit = lambda record: written.append(json.loads(handler.format(record)))  # type: ignore[method-assign]
    handler.addFilter(lambda record: record.name != "httpx2")  # the test's client, not the server
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_request_is_one_line_with_the_id_the_client_gets(lines: list[dict[str, object]]):
    answer = TestClient(application()).get("/version")

    [line] = [line for line in lines if line["logger"] == "app.request"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/version", 200)


def test_a_client_cannot_choose_the_id():
    answer = TestClient(application()).get("/version", headers={"X-Request-Id": "mine"})

    assert answer.headers["x-request-id"] != "mine"


def test_no_cookie_header_or_query_reaches_the_log(lines: list[dict[str, object]]):
    TestClient(application()).get(
        "/version?token=secret-1",
        headers={"Cookie": "sid=secret-2", "Authorization": "Bearer secret-3"},
    )

    assert lines
    assert "secret" not in json.dumps(lines)


def test_the_trace_of_the_load_balancer_is_kept_and_anything_else_is_not(
    lines: list[dict[str, object]],
):
    client = TestClient(application())
    trace = "Root=1-67891233-abcdef012345678912345678"

    client.get("/version", headers={"X-Amzn-Trace-Id": trace + ";Self=1"})
    client.get("/version", headers={"X-Amzn-Trace-Id": "forged\tline"})

    assert [line.get("trace") for line in lines if line["message"] == "request"] == [trace, None]


def test_health_probes_do_not_fill_the_log(lines: list[dict[str, object]]):
    app = application()
    for path in ("/health/more", "/healthy"):
        app.add_api_route(path, lambda: "ok")
    for path in ("/health", "/health/more", "/health/none", "/healthy"):
        TestClient(app).get(path)

    told = [(line["path"], line["status"]) for line in lines if line["message"] == "request"]
    assert told == [("/health/none", 404), ("/healthy", 200)]


def test_a_crash_is_logged_once_and_told_without_its_reason(lines: list[dict[str, object]]):
    answer = TestClient(application()).get("/crash")

    assert answer.status_code == 500
    assert answer.json() == {
        "detail": "internal error",
        "request_id": answer.headers["x-request-id"],
    }
    assert answer.headers["cache-control"] == "no-store"
    [failure] = [line for line in lines if "exception" in line]
    assert "RuntimeError: cannot go on" in str(failure["exception"])
    assert failure["request_id"] == answer.headers["x-request-id"]


def test_an_announced_body_above_the_limit_is_refused():
    client = TestClient(application(max_body_bytes=1024))

    assert client.post("/echo", content=b"x" * 1024).json() == 1024
    refused = client.post("/echo", content=b"x" * 1025)
    assert (refused.status_code, refused.headers["cache-control"]) == (413, "no-store")


def test_an_unannounced_body_above_the_limit_is_refused():
    client = TestClient(application(max_body_bytes=1024))

    answer = client.post("/echo", content=iter([b"x" * 1000, b"x" * 1000]))

    assert answer.status_code == 413
    assert answer.json() == {"detail": "a request body may hold at most 1024 bytes"}


def test_forwarded_headers_are_believed_from_trusted_networks_only():
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}

    def scheme(proxies: str, peer: str) -> object:
        app = application(trusted_proxies=proxies)
        return TestClient(app, client=(peer, 50000)).get("/scheme", headers=headers).json()

    assert scheme("", "10.0.1.7") == ["http", "10.0.1.7"]
    assert scheme("10.0.0.0/20", "10.0.1.7") == ["https", "203.0.113.9"]
    assert scheme("10.0.0.0/20", "10.9.0.1") == ["http", "10.9.0.1"]
