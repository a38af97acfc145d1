"""Content as clients see it: a master that takes it, and a clone that has a copy."""

import os
import time
from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from app import content as module
from app.content import Content, ContentSettings
from app.features import clone_server
from app.main import build
from app.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "content"
    made.mkdir()
    return made


def server(folder: Path, role: str, **settings: object) -> TestClient:
    feature = ModuleType("clone_server")
    own = ContentSettings(content_folder=str(folder), content_role=role, **settings)
    feature.register = lambda app, core: clone_server.install(  # type: ignore[attr-defined]
        app, Content(own)
    )
    return TestClient(build(Settings(instance_id="i-a", zone="zone-a"), [feature]))


def clone(folder: Path, **settings: object) -> TestClient:
    """A clone as its setup leaves it: the copy, and when it was made, beside each other."""
    (folder.parent / "copied").touch()
    return server(folder, "clone", **settings)


def test_the_master_takes_what_it_then_shows(folder: Path):
    master = server(folder, "master")

    assert master.put("/content/report.pdf", content=b"\x00\xff").status_code == 202
    assert master.get("/content/report.pdf").content == b"\x00\xff"
    told = master.get("/content").json()
    assert (told["role"], told["age_seconds"], told["stale"]) == ("master", 0.0, False)
    assert [(file["name"], file["size"]) for file in told["files"]] == [("report.pdf", 2)]

    assert master.delete("/content/report.pdf").status_code == 202
    assert master.get("/content/report.pdf").status_code == 404
    assert master.delete("/content/report.pdf").status_code == 202


def test_a_clone_reads_and_says_who_would_write(folder: Path):
    (folder / "a.txt").write_text("of the master")
    client = clone(folder)

    assert client.get("/content/a.txt").content == b"of the master"
    for refused in (client.put("/content/a.txt", content=b"1"), client.delete("/content/a.txt")):
        assert refused.status_code == 421
        assert refused.json()["detail"] == (
            "this server is a clone and only copies; requests that write belong to the master"
        )
    assert (folder / "a.txt").read_text() == "of the master"


def test_a_clone_tells_how_far_it_is_behind(folder: Path):
    client = clone(folder, content_max_age_seconds=60)
    told = client.get("/content").json()
    assert (told["role"], told["stale"]) == ("clone", False)
    assert "<dt>State</dt><dd>follows the master</dd>" in client.get("/").text

    long_ago = time.time() - 100
    os.utime(folder.parent / "copied", (long_ago, long_ago))
    told = client.get("/content").json()
    assert told["stale"]
    assert 99 < told["age_seconds"] < 200
    assert "<dt>State</dt><dd>stale</dd>" in client.get("/").text

    (folder.parent / "copied").unlink()
    assert client.get("/content").json()["age_seconds"] is None
    assert "<dt>Copied</dt><dd>never</dd>" in client.get("/").text


@pytest.mark.parametrize(
    "name",
    [".content", "%2e%2e%2fetc%2fpasswd", "a%2fb", "A.txt", "a b", "a" * 65, "-a", "a%00b"],
)
def test_names_that_could_lead_elsewhere_are_refused(folder: Path, name: str):
    (folder.parent / "outside").write_text("of this machine")
    (folder / ".content").write_text("the mark")
    client = server(folder, "master")

    for answer in (
        client.get(f"/content/{name}"),
        client.put(f"/content/{name}", content=b"1"),
        client.delete(f"/content/{name}"),
    ):
        assert answer.status_code in (404, 405, 422)
    assert [path.name for path in folder.iterdir()] == [".content"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["content", "outside"]


def test_a_link_is_no_file(folder: Path):
    (folder.parent / "outside").write_text("of this machine")
    (folder / "link").symlink_to(folder.parent / "outside")
    (folder / "folder").mkdir()
    client = server(folder, "master")

    assert client.get("/content/link").status_code == 404
    assert client.get("/content/folder").status_code == 404
    assert client.get("/content").json()["files"] == []


def test_no_browser_runs_a_file_as_a_page(folder: Path):
    client = server(folder, "master")
    client.put("/content/page.html", content=b"<script>alert(1)</script>")

    headers = client.get("/content/page.html").headers

    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == "attachment"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox")


def test_limits_are_told_with_their_number(folder: Path):
    client = server(folder, "master", content_max_files=1, content_max_file_bytes=4)

    too_large = client.put("/content/a", content=b"12345")
    assert too_large.status_code == 413
    assert too_large.json() == {"detail": "a file may hold at most 4 bytes"}
    assert client.put("/content/a", content=b"1234").status_code == 202
    too_many = client.put("/content/b", content=b"1")
    assert too_many.status_code == 507
    assert too_many.json() == {"detail": "there are 1 files, and there may be no more"}
    assert client.put("/content/a", content=b"new").status_code == 202


def test_a_file_is_the_old_one_until_the_new_one_is_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    files = Content(ContentSettings(content_folder=str(folder), content_role="master"))
    files.write("a", b"old")
    seen: list[tuple[bytes, list[str]]] = []

    def look(descriptor: int) -> None:
        seen.append((files.read("a"), [file.name for file in files.listing()]))
        raise OSError("the disk is full")

    monkeypatch.setattr(module.os, "fsync", look)
    with pytest.raises(module.UnavailableError, match="the disk is full"):
        files.write("a", b"new")

    assert seen == [(b"old", ["a"])]
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert files.read("a") == b"old"


def test_the_group_that_offers_files_to_clones_may_read_them(folder: Path):
    server(folder, "master").put("/content/a", content=b"1")

    assert (folder / "a").stat().st_mode & 0o777 == 0o640


def test_what_nobody_finishes_is_cleared_away(folder: Path):
    old, new = (folder / f".a.{digit * 16}" for digit in "01")
    for half in (old, new):
        half.write_bytes(b"half")
    os.utime(old, (1, 1))

    server(folder, "master").put("/content/b", content=b"1")

    assert sorted(path.name for path in folder.iterdir()) == [new.name, "b"]


def test_without_its_folder_all_else_goes_on(folder: Path, caplog: pytest.LogCaptureFixture):
    client = server(folder, "master")
    folder.rmdir()

    for answer in (
        client.get("/content"),
        client.get("/content/a"),
        client.put("/content/a", content=b"1"),
    ):
        assert answer.status_code in (404, 503)
        assert str(folder) not in answer.text
    assert client.get("/content").headers["retry-after"] == "5"
    assert client.get("/health").json() == {"status": "ok"}
    assert "<dt>Files</dt><dd>not available</dd>" in client.get("/").text
    assert str(folder) in "".join(str(vars(record)) for record in caplog.records)


def test_a_server_that_is_neither_master_nor_clone_has_no_content(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("APP_CONTENT_FOLDER", raising=False)

    client = TestClient(build(Settings(instance_id="i-a", zone="zone-a"), [clone_server]))

    assert client.get("/content").status_code == 404
    assert "<h2>Content</h2>" not in client.get("/").text
