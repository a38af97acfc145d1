"""Pages of a real server, with and without the filter that changes their links."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import client_of, make
from tests.machine import needs_python, needs_terraform

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
BASE = "https://d111111abcdef8.cloudfront.net"

pytestmark = needs_python

PAGES = '''\
"""A page as it was before anybody thought of another address for its files."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse

LEGACY = Path(__file__).with_name("legacy.html")


def register(app: FastAPI, settings: object) -> None:
    @app.api_route("/legacy", methods=["GET", "HEAD"])
    async def legacy() -> FileResponse:
        return FileResponse(LEGACY)

    @app.get("/links")
    async def links() -> JSONResponse:
        return JSONResponse({"link": '<a href="/static/style.css">'})
'''

LEGACY = """\
<!DOCTYPE html>
<link rel=stylesheet href=/static/style.css>
<img src='/static/logo.png' srcset="/static/logo.png 1x, /static/big.png 2x" alt="Füße">
<!-- <img src="/static/old.png"> -->
<script>const later = "<img src='/static/later.png'>";</script>
<a href="/about">About</a> <video src="/media/film.mp4"></video>
"""

REWRITTEN = f"""\
<!DOCTYPE html>
<link rel=stylesheet href={BASE}/static/style.css>
<img src='{BASE}/static/logo.png' srcset="{BASE}/static/logo.png 1x, {BASE}/static/big.png 2x" alt="Füße">
<!-- <img src="/static/old.png"> -->
<script>const later = "<img src='/static/later.png'>";</script>
<a href="/about">About</a> <video src="{BASE}/media/film.mp4"></video>
"""  # noqa: E501 - a page


def write(folder: Path) -> Path:
    answer = resolve(TEMPLATE.catalog, ["url_rewriting"], {})
    assert isinstance(answer, Resolution)
    for path, content in TEMPLATE.tree(answer).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated repository, with a page of somebody's own."""
    made = write(tmp_path_factory.mktemp("rewriting") / "shop")
    features = made / "app/src/app/features"
    (features / "pages.py").write_text(PAGES)
    (features / "legacy.html").write_text(LEGACY, encoding="utf-8")
    return made


@contextmanager
def serving(repository: Path, python: Path, **settings: str) -> Iterator[int]:
    """The port of an application that runs as on a server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(
        [python, "-m", "uvicorn", "--factory", "app.main:create_app", "--port", str(port)],
        cwd=repository / "app/src",
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("APP_", "AWS_"))},
            "APP_INSTANCE_ID": "i-1",
            "APP_ZONE": "zone-a",
            **settings,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                ask(port, "/health")
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < deadline
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def ask(
    port: int, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_a_page_leaves_with_its_links_changed(repository: Path, python: Path) -> None:
    told = {"APP_URL_REWRITING_BASE": BASE, "APP_URL_REWRITING_PREFIXES": "/static/,/media/"}
    with serving(repository, python, **told) as port:
        answer, body = ask(port, "/legacy")
        assert body.decode() == REWRITTEN
        assert answer.getheader("Content-Length") == str(len(body))
        assert answer.getheader("ETag") is None

        answer, body = ask(port, "/legacy", "HEAD")
        assert (answer.status, body, answer.getheader("Content-Length")) == (200, b"", None)

        _, body = ask(port, "/links")
        assert body == b'{"link":"<a href=\\"/static/style.css\\">"}'

        answer, body = ask(port, "/")
        assert re.findall(rb'href="([^"]+)"', body) == [f"{BASE}/static/style.css".encode()]
        assert BASE in str(answer.getheader("Content-Security-Policy")).split(";")[0]

        # The files themselves are there, as the way back, with their own marks.
        answer, body = ask(port, "/static/style.css")
        assert body == (repository / "app/src/app/static/style.css").read_bytes()
        again, body = ask(
            port, "/static/style.css", **{"If-None-Match": str(answer.getheader("ETag"))}
        )
        assert (again.status, body) == (304, b"")


def test_told_nothing_the_filter_is_off(repository: Path, python: Path) -> None:
    with serving(repository, python) as port:
        answer, body = ask(port, "/legacy")
        assert body.decode() == LEGACY
        assert answer.getheader("ETag") is not None

        answer, body = ask(port, "/")
        assert b'href="/static/style.css"' in body
        assert str(answer.getheader("Content-Security-Policy")).startswith("default-src 'self';")


def standing(folder: Path, service: str) -> Any:
    """A client of the mock AWS in which this repository stands."""
    return client_of(folder, service, Answers().region)


def content(folder: Path) -> str:
    """The bucket that the files are in."""
    state = json.loads((folder / ".local/terraform.tfstate").read_text())
    return str(state["outputs"]["object_storage_buckets"]["value"]["content"])


def only_the_distribution_reads(folder: Path) -> None:
    """As the bucket itself holds it: nobody is let in besides."""
    bucket = content(folder)
    told = standing(folder, "cloudfront").list_distributions()["DistributionList"]
    (distribution,) = told["Items"]
    policy = json.loads(standing(folder, "s3").get_bucket_policy(Bucket=bucket)["Policy"])

    allowed = [each for each in policy["Statement"] if each["Effect"] != "Deny"]
    (denied,) = [each for each in policy["Statement"] if each["Effect"] == "Deny"]
    assert allowed == [
        {
            "Sid": "ReadByThisDistribution",
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
            "Condition": {"StringEquals": {"AWS:SourceArn": distribution["ARN"]}},
        }
    ]
    assert (denied["Action"], denied["Principal"]) == ("s3:*", "*")
    assert set(denied["Resource"]) == {f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"}
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def files_say_what_they_are_and_how_long_they_hold(folder: Path) -> None:
    """For a year where the name changes with the content, and else for some minutes."""
    s3, bucket = standing(folder, "s3"), content(folder)
    said = {}
    for name in ("logo.3f9c21aa.svg", "style.css"):
        head = s3.head_object(Bucket=bucket, Key=f"static/{name}")
        said[name] = (head["ContentType"], head["CacheControl"])

    assert said == {
        "logo.3f9c21aa.svg": ("image/svg+xml", "public, max-age=31536000, immutable"),
        "style.css": ("text/css; charset=utf-8", "public, max-age=300"),
    }


@pytest.mark.slow("storage_origin", "url_rewriting", "web_storage")
@needs_terraform
def test_the_links_of_a_booted_server_are_found_in_the_bucket(tmp_path: Path) -> None:
    """The whole stack on a mock AWS: applied, planned again, booted, asked, destroyed."""
    folder = write(tmp_path / "shop")
    (folder / "app/src/app/static/logo.3f9c21aa.svg").write_text("<svg/>")
    try:
        told = make(folder, "local")
        assert "second plan\n  empty\n" in told
        for server in ("server-1", "server-2"):
            assert re.search(
                rf"{server}: https://\w+\.cloudfront\.net/static/style\.css is text/css; "
                r"charset=utf-8 in the bucket",
                told,
            )
        only_the_distribution_reads(folder)
        files_say_what_they_are_and_how_long_they_hold(folder)
    finally:
        down = make(folder, "local-down")
    assert "nothing is left" in down
