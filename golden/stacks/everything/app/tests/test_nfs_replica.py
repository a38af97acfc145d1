"""What is told of the copy, and reads that go on without the share."""

import os
import time
from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from app.features import nfs_replica, nfs_sharing
from app.main import build
from app.replica import Replica, ReplicaSettings
from app.settings import Settings
from app.shared_files import SharedFiles, SharedSettings


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The copy as one run left it, a minute ago."""
    folder = tmp_path / "replica"
    (folder / "copies/1").mkdir(parents=True)
    (folder / "copies/1/a.txt").write_bytes(b"copied")
    (folder / "current").symlink_to("copies/1")
    (folder / "copied").touch()
    os.utime(folder / "copied", (time.time() - 60,) * 2)
    return folder


def server(share: Path, folder: Path) -> TestClient:
    def register(app: object, core: Settings) -> None:
        shared = SharedSettings(
            shared_folder=str(share), shared_read_folder=str(folder / "current")
        )
        own = ReplicaSettings(shared_folder=str(share), replica_folder=str(folder))
        nfs_sharing.install(app, SharedFiles(shared))  # type: ignore[arg-type]
        nfs_replica.install(app, Replica(own))  # type: ignore[arg-type]

    feature = ModuleType("both")
    feature.register = register  # type: ignore[attr-defined]
    return TestClient(build(Settings(instance_id="i-a", zone="zone-a"), [feature]))


def test_the_age_of_the_copy_is_told(share: Path, folder: Path):
    client = server(share, folder)

    told = client.get("/replica").json()

    assert 60 <= told["age_seconds"] < 120
    assert told["max_age_seconds"] == 900
    assert told["stale"] is False
    assert "<dt>State</dt><dd>follows the share</dd>" in client.get("/").text


def test_an_old_copy_is_called_stale_and_logged(
    share: Path, folder: Path, caplog: pytest.LogCaptureFixture
):
    os.utime(folder / "copied", (time.time() - 1000,) * 2)
    client = server(share, folder)

    assert client.get("/replica").json()["stale"] is True
    assert "<dt>State</dt><dd>stale</dd>" in client.get("/").text
    assert "the copy of the shared files is stale" in caplog.text
    assert client.get("/shared/a.txt").content == b"copied"


def test_reads_are_from_the_copy_and_writes_go_to_the_share(share: Path, folder: Path):
    client = server(share, folder)
    (share / "a.txt").write_bytes(b"newer")

    assert client.get("/shared/a.txt").content == b"copied"
    assert client.put("/shared/b.txt", content=b"1").status_code == 202
    assert (share / "b.txt").read_bytes() == b"1"
    assert not (folder / "copies/1/b.txt").exists()
    assert [file["name"] for file in client.get("/shared").json()] == ["a.txt"]


def test_without_the_share_reads_go_on_and_writes_are_refused(share: Path, folder: Path):
    client = server(share, folder)
    share.rmdir()

    assert client.get("/shared/a.txt").content == b"copied"
    assert [file["name"] for file in client.get("/shared").json()] == ["a.txt"]
    assert client.put("/shared/b.txt", content=b"1").status_code == 503
    assert client.delete("/shared/a.txt").status_code == 503
    assert client.get("/shared/a.txt").content == b"copied"


def test_a_server_without_a_copy_says_so(share: Path, tmp_path: Path):
    client = server(share, tmp_path / "nothing")

    assert client.get("/replica").json() == {
        "age_seconds": None,
        "max_age_seconds": 900,
        "stale": True,
    }
    assert client.get("/shared/a.txt").status_code == 503
    assert "there is none yet" in client.get("/").text
