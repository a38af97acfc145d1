"""Sessions as a browser sees them: two servers, one store."""

import json
import logging
from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from app import session_stores
from app.features import state_sharing
from app.main import build
from app.sessions import Sessions, SessionSettings, StoreUnavailableError
from app.settings import Settings
from memory_store import MemoryStore


def server(store: MemoryStore, name: str = "a", **settings: object) -> TestClient:
    feature = ModuleType("state_sharing")
    feature.register = lambda app, core: state_sharing.install(  # type: ignore[attr-defined]
        app, Sessions(store, SessionSettings(**settings))
    )
    app = build(Settings(instance_id=f"i-{name}", zone=f"zone-{name}"), [feature])
    return TestClient(app, base_url="https://shop.example")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_a_session_begun_on_one_server_goes_on_at_another(store: MemoryStore):
    first, second = server(store, "a"), server(store, "b")

    assert first.put("/session/colour", json="green").status_code == 204
    second.cookies = first.cookies
    first.close()

    assert second.get("/session/colour").json() == "green"
    assert second.get("/whoami").json()["instance_id"] == "i-b"


def test_the_basket(store: MemoryStore):
    browser = server(store)
    assert browser.get("/session").json() == {}
    assert browser.get("/session/size").status_code == 404

    browser.put("/session/size", json={"eu": 42})
    browser.put("/session/colour", json="green")
    assert browser.get("/session").json() == {"size": {"eu": 42}, "colour": "green"}

    assert browser.delete("/session/size").status_code == 204
    assert browser.get("/session").json() == {"colour": "green"}


def test_the_cookie_is_for_this_host_over_https_and_not_for_scripts(store: MemoryStore):
    answer = server(store).put("/session/colour", json="green")

    name, _, rest = answer.headers["set-cookie"].partition("=")
    session_id, _, flags = rest.partition("; ")
    assert name == "__Host-sid"
    assert len(session_id) == 43
    assert flags == "Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"


def test_without_https_the_cookie_has_no_prefix_that_browsers_would_refuse(store: MemoryStore):
    browser = server(store, session_cookie_secure=False)
    browser.base_url = "http://shop.example"

    header = browser.put("/session/colour", json="green").headers["set-cookie"]

    assert header.startswith("sid=")
    assert header.endswith("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax")
    assert browser.get("/session/colour").json() == "green"


def test_an_answer_with_a_session_is_never_cached(store: MemoryStore):
    browser = server(store)

    assert browser.get("/session").headers["cache-control"] == "private, no-store"
    assert "set-cookie" not in browser.get("/static/style.css").headers
    assert browser.get("/static/style.css").headers["cache-control"].startswith("public")


def test_static_files_and_health_never_ask_the_store(store: MemoryStore):
    browser = server(store)
    browser.put("/session/colour", json="green")
    store.calls.clear()

    for path in ("/static/style.css", "/health", "/whoami", "/version"):
        assert browser.get(path).status_code == 200

    assert store.calls == []


@pytest.mark.anyio
async def test_the_store_is_checked_by_one_read(store: MemoryStore):
    (check,) = server(store, session_store_timeout_seconds=0.05).app.state.checks  # type: ignore[attr-defined]
    assert check.shared

    await check.probe()

    assert store.calls == ["get"]
    for how in ("down", "silent"):
        setattr(store, how, True)
        with pytest.raises(StoreUnavailableError):
            await check.probe()


def test_a_login_moves_the_session_to_a_new_id(store: MemoryStore):
    browser = server(store)
    browser.put("/session/colour", json="green")
    planted = browser.cookies["__Host-sid"]

    assert browser.post("/session/rotate").status_code == 204

    assert browser.cookies["__Host-sid"] != planted
    assert browser.get("/session/colour").json() == "green"
    attacker = server(store)
    attacker.cookies.set("__Host-sid", planted)
    assert attacker.get("/session").json() == {}


def test_a_logout_ends_the_session_and_takes_the_cookie_away(store: MemoryStore):
    browser = server(store)
    browser.put("/session/colour", json="green")
    kept = browser.cookies["__Host-sid"]

    answer = browser.delete("/session")

    assert answer.status_code == 204
    assert "__Host-sid=; Path=/; Max-Age=0;" in answer.headers["set-cookie"]
    thief = server(store)
    thief.cookies.set("__Host-sid", kept)
    assert thief.get("/session").json() == {}


def test_an_unknown_id_is_not_cleared(store: MemoryStore):
    """Two requests, one rotates: an answer to the other must not take the new cookie away."""
    browser = server(store)
    browser.cookies.set("__Host-sid", "A" * 43)

    assert "set-cookie" not in browser.get("/session").headers


def test_the_page_counts_across_servers(store: MemoryStore):
    first, second = server(store, "a"), server(store, "b")
    assert "<dt>Visits</dt><dd>1</dd>" in first.get("/").text
    second.cookies = first.cookies

    text = second.get("/").text

    assert "<dt>Visits</dt><dd>2</dd>" in text
    assert "<dt>Instance</dt><dd>i-b</dd>" in text


@pytest.mark.parametrize("how", ["down", "silent"])
def test_while_the_store_is_away_pages_are_served_and_writes_are_refused(
    how: str, store: MemoryStore
):
    browser = server(store, session_store_timeout_seconds=0.05)
    browser.put("/session/colour", json="green")
    kept = browser.cookies["__Host-sid"]
    setattr(store, how, True)

    page = browser.get("/")
    assert page.status_code == 200
    assert "not available" in page.text
    assert browser.get("/health").status_code == 200
    for answer in (
        browser.get("/session"),
        browser.put("/session/colour", json="red"),
        browser.delete("/session/colour"),
        browser.post("/session/rotate"),
        browser.delete("/session"),
    ):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "set-cookie" not in answer.headers

    setattr(store, how, False)
    assert browser.cookies["__Host-sid"] == kept
    assert browser.get("/session/colour").json() == "green"


@pytest.mark.parametrize("key", ["UPPER", "a b", "a" * 65, "a.b"])
def test_a_key_that_makes_no_sense_is_refused(key: str, store: MemoryStore):
    assert server(store).put(f"/session/{key}", json=1).status_code == 422


@pytest.mark.parametrize("body", ["NaN", "Infinity", '"\\ud800"', "[" * 100_000, "{", ""])
def test_a_body_that_cannot_be_kept_is_the_clients_error(body: str, store: MemoryStore):
    answer = server(store).put(
        "/session/colour", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in (400, 422)
    assert store.records == {}


def test_a_session_above_the_limit_is_refused(store: MemoryStore):
    browser = server(store, session_max_bytes=256)

    answer = browser.put("/session/colour", json="x" * 300)

    assert answer.status_code == 413
    assert answer.json() == {"detail": "a session may hold at most 256 bytes; got 324"}


def test_no_session_id_reaches_the_log(store: MemoryStore, caplog: pytest.LogCaptureFixture):
    browser = server(store)
    with caplog.at_level(logging.DEBUG):
        browser.put("/session/colour", json="green")
        browser.get("/session")
        store.down = True
        browser.get("/session")

    written = json.dumps([{k: str(v) for k, v in vars(r).items()} for r in caplog.records])
    assert "session store" in written
    assert browser.cookies["__Host-sid"] not in written


def test_the_store_is_closed_when_the_server_stops(store: MemoryStore):
    with server(store):
        assert not store.closed
    assert store.closed


def test_exactly_one_store_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session_stores, "__path__", [str(tmp_path)])
    with pytest.raises(RuntimeError, match=r"exactly one store; got \[\]"):
        session_stores.open_store()

    for name in ("alpha", "beta"):
        (tmp_path / f"{name}.py").touch()
    with pytest.raises(RuntimeError, match=r"exactly one store; got \['alpha', 'beta'\]"):
        session_stores.open_store()
