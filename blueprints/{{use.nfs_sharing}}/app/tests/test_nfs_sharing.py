"""Shared files as clients see them: two servers, one folder."""

from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from app.features import nfs_sharing
from app.main import build
from app.settings import Settings
from app.shared_files import SharedFiles, SharedSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "share"
    made.mkdir()
    return made


def server(folder: Path, **settings: object) -> TestClient:
    feature = ModuleType("nfs_sharing")
    feature.register = lambda app, core: nfs_sharing.install(  # type: ignore[attr-defined]
        app, SharedFiles(SharedSettings(shared_folder=str(folder), **settings))
    )
    return TestClient(build(Settings(instance_id="i-a", zone="zone-a"), [feature]))


def test_a_file_written_on_one_server_is_read_on_another(folder: Path):
    first, second = server(folder), server(folder)

    assert first.put("/shared/report.pdf", content=b"\x00\xff").status_code == 204
    assert second.get("/shared/report.pdf").content == b"\x00\xff"
    told = second.get("/shared").json()
    assert [(file["name"], file["size"]) for file in told] == [("report.pdf", 2)]

    assert second.delete("/shared/report.pdf").status_code == 204
    assert first.get("/shared/report.pdf").status_code == 404
    assert first.delete("/shared/report.pdf").status_code == 204


@pytest.mark.parametrize(
    "name",
    [".hidden", "%2e%2e%2fetc%2fpasswd", "a%2fb", "A.txt", "a b", "a" * 65, "-a", "a%00b"],
)
def test_names_that_could_lead_elsewhere_are_refused(folder: Path, name: str):
    (folder.parent / "outside").write_text("of this machine")
    client = server(folder)

    for answer in (
        client.get(f"/shared/{name}"),
        client.put(f"/shared/{name}", content=b"1"),
        client.delete(f"/shared/{name}"),
    ):
        assert answer.status_code in (404, 405, 422)
    assert list(folder.iterdir()) == []
    assert sorted(path.name for path in folder.parent.iterdir()) == ["outside", "share"]


def test_no_browser_runs_a_shared_file_as_a_page(folder: Path):
    client = server(folder)
    client.put("/shared/page.html", content=b"<script>alert(1)</script>")

    headers = client.get("/shared/page.html").headers

    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == "attachment"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox")
    assert headers["cache-control"] == "no-cache"


def test_limits_are_told_with_their_number(folder: Path):
    client = server(folder, shared_max_files=1, shared_max_file_bytes=4)

    too_large = client.put("/shared/a", content=b"12345")
    assert too_large.status_code == 413
    assert too_large.json() == {"detail": "a shared file may hold at most 4 bytes"}
    assert client.put("/shared/a", content=b"1234").status_code == 204
    too_many = client.put("/shared/b", content=b"1")
    assert too_many.status_code == 507
    assert too_many.json() == {"detail": "there are 1 shared files, and there may be no more"}


def test_an_empty_file_is_a_file(folder: Path):
    client = server(folder)

    assert client.put("/shared/empty").status_code == 204

    assert client.get("/shared/empty").status_code == 200
    assert client.get("/shared/empty").content == b""


def test_without_the_share_all_else_goes_on(folder: Path, caplog: pytest.LogCaptureFixture):
    client = server(folder)
    assert "<dt>Files</dt><dd>0</dd>" in client.get("/").text
    folder.rmdir()

    for answer in (
        client.get("/shared"),
        client.get("/shared/a"),
        client.put("/shared/a", content=b"1"),
    ):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert str(folder) not in answer.text
    assert client.get("/health").json() == {"status": "ok"}
    assert "not available, the share is silent" in client.get("/").text
    assert str(folder) in "".join(str(vars(record)) for record in caplog.records)


def test_what_is_read_from_a_copy_is_only_accepted(folder: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    copy.mkdir()
    client = server(folder, shared_read_folder=str(copy))

    assert client.put("/shared/a", content=b"1").status_code == 202
    assert client.get("/shared/a").status_code == 404
    (copy / "a").write_bytes((folder / "a").read_bytes())
    assert client.get("/shared/a").content == b"1"
    assert client.delete("/shared/a").status_code == 202
    assert not (folder / "a").exists()


@pytest.mark.parametrize(
    ("read", "checks"),
    [("", {"share": True}), ("copy", {"share": True, "copy of the share": False})],
)
def test_the_share_is_checked_and_a_copy_of_it_too(
    folder: Path, tmp_path: Path, read: str, checks: dict[str, bool]
):
    app = server(folder, shared_read_folder=read and str(tmp_path / read)).app

    assert {check.name: check.shared for check in app.state.checks} == checks  # type: ignore[attr-defined]


def test_the_panel_names_the_newest_file(folder: Path):
    client = server(folder)
    client.put("/shared/a", content=b"1")

    assert "<dt>Files</dt><dd>1</dd>" in client.get("/").text
    assert "<dt>Newest</dt><dd>a</dd>" in client.get("/").text


def test_without_its_folder_the_feature_says_which_setting_is_missing():
    with pytest.raises(ValueError, match="shared_folder"):
        build(Settings(), [nfs_sharing])
