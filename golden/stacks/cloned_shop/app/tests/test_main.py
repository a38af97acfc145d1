"""The core, with made-up features in place of the real ones."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from app import features
from app.main import build
from app.page import Panel
from app.settings import Settings


def feature(register: Callable[[FastAPI, Settings], None]) -> ModuleType:
    module = ModuleType("made_up")
    module.register = register  # type: ignore[attr-defined]
    return module


def client(*parts: ModuleType, **settings: object) -> TestClient:
    told = {"name": "shop", "instance_id": "i-1", "zone": "zone-a", "release": "r1"} | settings
    return TestClient(build(Settings(**told), parts))


def test_health_asks_nothing_behind_it():
    answer = client().get("/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_whoami_tells_instance_and_zone():
    assert client().get("/whoami").json() == {"instance_id": "i-1", "zone": "zone-a"}


def test_version_tells_the_release():
    answer = client().get("/version").json()

    assert answer == {"name": "shop", "version": "0.1.0", "release": "r1"}


def test_the_page_shows_the_server_and_is_never_cached():
    answer = client().get("/")

    assert answer.status_code == 200
    assert "<dt>Instance</dt><dd>i-1</dd>" in answer.text
    assert "<dt>Zone</dt><dd>zone-a</dd>" in answer.text
    assert answer.headers["cache-control"] == "private, no-store"


def test_the_page_loads_files_from_here_and_where_a_feature_says():
    def more(app: FastAPI, settings: Settings) -> None:
        app.state.content_sources.append("https://files.example.com")

    plain, wider = (client(*parts).get("/").headers for parts in ((), (feature(more),)))

    assert plain["content-security-policy"] == "default-src 'self'; frame-ancestors 'none'"
    assert wider["content-security-policy"] == (
        "default-src 'self' https://files.example.com; frame-ancestors 'none'"
    )


def test_a_panel_of_a_feature_is_shown_and_escaped():
    async def panel(request: Request) -> Panel:
        return Panel("Guests", {"Last": "<script>"})

    answer = client(feature(lambda app, settings: app.state.panels.append(panel))).get("/")

    assert "<h2>Guests</h2>" in answer.text
    assert "<dt>Last</dt><dd>&lt;script&gt;</dd>" in answer.text


def test_a_failing_panel_hides_no_other():
    async def broken(request: Request) -> Panel:
        raise OSError

    answer = client(feature(lambda app, settings: app.state.panels.insert(0, broken))).get("/")

    assert answer.status_code == 200
    assert "<dt>Panel</dt><dd>broken</dd>" in answer.text
    assert "<dt>Instance</dt><dd>i-1</dd>" in answer.text


def test_static_files_say_how_long_they_may_be_kept():
    answer = client(static_max_age=60).get("/static/style.css")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["cache-control"] == "public, max-age=60"


def test_a_missing_static_file_is_not_kept():
    answer = client().get("/static/none.css")

    assert answer.status_code == 404
    assert "cache-control" not in answer.headers


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_api_pages_are_off_unless_asked_for(path: str):
    assert client().get(path).status_code == 404
    assert client(api_docs=True).get(path).status_code == 200


def test_features_stop_in_reverse_order():
    stopped: list[str] = []

    def stopping(name: str) -> ModuleType:
        async def stop() -> None:
            stopped.append(name)

        return feature(lambda app, settings: app.state.on_stop.append(stop))

    with client(stopping("first"), stopping("second")):
        assert stopped == []

    assert stopped == ["second", "first"]


def test_features_are_found_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("zeta", "alpha"):
        (tmp_path / f"{name}.py").write_text("def register(app, settings): ...\n")
    monkeypatch.setattr(features, "__path__", [str(tmp_path)])

    names = [module.__name__ for module in features.scan()]

    assert names == ["app.features.alpha", "app.features.zeta"]


def test_every_feature_of_this_repository_can_register():
    assert all(callable(module.register) for module in features.scan())
