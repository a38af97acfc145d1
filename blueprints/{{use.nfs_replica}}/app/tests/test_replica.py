"""Copies of a share, made by a real rsync between folders of this machine."""

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import replica
from app.replica import Replica, ReplicaError, ReplicaSettings

pytestmark = pytest.mark.skipif(
    shutil.which("rsync") is None and not os.environ.get("CI"),
    reason="rsync was not found; a package of that name brings it",
)

MakeCopy = Callable[..., Replica]


@pytest.fixture
def share(tmp_path: Path) -> Path:
    made = tmp_path / "share"
    made.mkdir()
    (made / ".share").touch()
    return made


@pytest.fixture
def own(share: Path, tmp_path: Path) -> MakeCopy:
    def make(**settings: object) -> Replica:
        folder = tmp_path / "replica"
        folder.mkdir(exist_ok=True)
        known = {"shared_folder": str(share), "replica_folder": str(folder), **settings}
        return Replica(ReplicaSettings(**known))

    return make


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def found(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All below a folder: its mode, when it was changed, and what it holds or leads to."""
    return {
        path.relative_to(folder).as_posix(): (told.st_mode, told.st_mtime_ns, held(path))
        for path in folder.rglob("*")
        for told in [path.lstat()]
    }


def held(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return path.read_bytes() if path.is_file() else b""


def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, script: str) -> None:
    """Let another program be found under this name."""
    folder = tmp_path / "programs"
    folder.mkdir(exist_ok=True)
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_changes_new_files_and_deletions_follow(share: Path, own: MakeCopy):
    (share / "a.txt").write_text("1")
    (share / "deep/er").mkdir(parents=True)
    (share / "deep/er/b.txt").write_text("b")
    copies = own()
    assert copies.age() is None

    assert copies.copy()
    assert files(copies.current) == {"a.txt": "1", "deep/er/b.txt": "b"}
    age = copies.age()
    assert age is not None
    assert age < 60

    (share / "a.txt").write_text("2")  # as long as before, and within the same second
    (share / "c.txt").write_text("c")
    shutil.rmtree(share / "deep")
    assert copies.copy()
    assert files(copies.current) == {"a.txt": "2", "c.txt": "c"}


def test_no_copy_whether_whole_or_broken_off_changes_the_share(
    share: Path, own: MakeCopy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (share / "deep").mkdir(mode=0o700)
    (share / "deep/a.txt").write_text("a")
    (share / "deep/b.txt").write_text("b")
    (share / "deep/b.txt").chmod(0o640)
    (share / "link").symlink_to("deep/a.txt")
    (share / ".half.0123456789abcdef").write_text("half-writt")
    for path in share.rglob("*"):
        os.utime(path, (1, 1.5), follow_symlinks=False)
    copies = own()
    before = found(share)

    assert copies.copy()
    assert found(share) == before

    (share / "deep/a.txt").write_text("2")
    before = found(share)
    assert copies.copy()
    assert found(share) == before

    (share / "deep/b.txt").unlink()
    before = found(share)
    real = shutil.which("rsync")
    broken = f'"{real}" "$@"; case "$*" in *--dry-run*) ;; *) exit 12 ;; esac'
    pretend(tmp_path, monkeypatch, "rsync", broken)
    with pytest.raises(ReplicaError, match="exit code 12"):
        copies.copy()
    assert found(share) == before


def test_where_nothing_changed_nothing_is_copied(share: Path, own: MakeCopy):
    (share / "a.txt").write_text("1")
    copies = own()
    copies.copy()
    before = copies.current.resolve()
    os.utime(copies.copied, (0, 0))

    assert not copies.copy()

    assert copies.current.resolve() == before
    assert (copies.age() or 1e9) < 60


def test_a_pipe_is_left_out_and_is_no_change(share: Path, own: MakeCopy):
    os.mkfifo(share / "pipe")
    (share / "a.txt").write_text("1")
    copies = own()
    copies.copy()
    before = copies.current.resolve()

    assert not copies.copy()

    assert copies.current.resolve() == before
    assert files(copies.current) == {"a.txt": "1"}


def test_an_unchanged_file_takes_no_room_a_second_time(share: Path, own: MakeCopy):
    (share / "a.txt").write_text("1")
    (share / "b.txt").write_text("1")
    copies = own()
    copies.copy()
    before = (copies.current / "a.txt").stat()

    (share / "b.txt").write_text("2")
    copies.copy()

    assert (copies.current / "a.txt").stat().st_ino == before.st_ino
    assert (copies.current / "b.txt").read_text() == "2"


def test_two_copies_are_kept_and_no_more(share: Path, own: MakeCopy):
    copies = own()
    for number in range(4):
        (share / "a.txt").write_text(str(number))
        copies.copy()

    kept = sorted(path.name for path in copies.copies.iterdir())
    assert len(kept) == 2
    assert copies.current.resolve().name == kept[-1]
    assert (copies.copies / kept[0] / "a.txt").read_text() == "2"


def test_whoever_opened_a_copy_reads_it_to_the_end(share: Path, own: MakeCopy):
    (share / "a.txt").write_text("old")
    copies = own()
    copies.copy()
    folder = os.open(copies.current, os.O_RDONLY)

    (share / "a.txt").write_text("new")
    copies.copy()

    descriptor = os.open("a.txt", os.O_RDONLY, dir_fd=folder)
    assert os.read(descriptor, 10) == b"old"
    os.close(descriptor)
    os.close(folder)


def test_a_reader_never_meets_a_part_of_a_change(share: Path, own: MakeCopy):
    def change(number: int) -> None:
        for name in "abcdefgh":
            (share / f".{name}").write_text(str(number) * 20_000)
            (share / f".{name}").replace(share / name)

    copies, over = own(), threading.Event()
    change(0)
    copies.copy()

    def read() -> int:
        seen = 0
        while not over.is_set():
            folder = os.open(copies.current, os.O_RDONLY)
            found = set()
            for name in "abcdefgh":
                with open(os.open(name, os.O_RDONLY, dir_fd=folder)) as file:
                    found.add(file.read())
            os.close(folder)
            assert len(found) == 1
            assert len(found.pop()) == 20_000
            seen += 1
        return seen

    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        for number in range(1, 9):
            change(number)
            copies.copy()
        over.set()
        assert all(each.result(30) for each in reading)


def test_what_begins_with_a_dot_or_leads_out_is_not_copied(share: Path, own: MakeCopy):
    (share.parent / "secret").write_text("of this machine")
    (share / "out").symlink_to(share.parent / "secret")
    (share / ".a.txt.0123456789abcdef").write_text("half-writt")
    (share / "a.txt").write_text("1")
    copies = own()

    copies.copy()

    assert [path.name for path in copies.current.iterdir()] == ["a.txt"]


def test_the_application_can_read_every_copy_whatever_the_share_says(share: Path, own: MakeCopy):
    (share / "a.txt").write_text("1")
    (share / "a.txt").chmod(0o600)
    copies = own()

    copies.copy()

    assert (copies.current / "a.txt").stat().st_mode & 0o777 == 0o644
    assert not copies.copy()


@pytest.mark.parametrize("lost", ["gone", "not mounted", "refused"])
def test_a_lost_share_leaves_the_last_copy_and_its_age_grows(
    share: Path, own: MakeCopy, lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (share / "a.txt").write_text("1")
    copies = own()
    copies.copy()
    os.utime(copies.copied, (time.time() - 500,) * 2)
    away = share.rename(share.with_name("away"))
    if lost == "not mounted":
        share.mkdir()  # empty: taken for a share, it would empty the copy
    elif lost == "refused":
        away.rename(share)
        pretend(tmp_path, monkeypatch, "rsync", "echo 'Permission denied (13)' >&2; exit 23")

    with pytest.raises(ReplicaError, match=r"share"):
        copies.copy()

    assert files(copies.current) == {"a.txt": "1"}
    assert len(list(copies.copies.iterdir())) == 1
    assert (copies.age() or 0) >= 500


def test_a_share_that_comes_back_is_followed_again(share: Path, own: MakeCopy):
    copies = own()
    copies.copy()
    away = share.rename(share.with_name("away"))
    with pytest.raises(ReplicaError):
        copies.copy()
    away.rename(share)
    (share / "a.txt").write_text("1")

    assert copies.copy()
    assert files(copies.current) == {"a.txt": "1"}


def test_a_copy_that_breaks_off_is_taken_away(
    share: Path, own: MakeCopy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (share / "a.txt").write_text("1")
    real = shutil.which("rsync")
    half = f'for last; do :; done; "{real}" "$@"; echo half >"$last/half"; exit 12'
    pretend(tmp_path, monkeypatch, "rsync", half)
    copies = own()

    with pytest.raises(ReplicaError, match="exit code 12"):
        copies.copy()

    assert list(copies.copies.iterdir()) == []
    assert not copies.current.exists()
    assert copies.age() is None


def test_files_that_vanish_while_it_copies_are_no_failure(
    share: Path, own: MakeCopy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (share / "a.txt").write_text("1")
    pretend(tmp_path, monkeypatch, "rsync", f'"{shutil.which("rsync")}" "$@"; exit 24')
    copies = own()

    assert copies.copy()
    assert files(copies.current) == {"a.txt": "1"}


def runs(pid: int) -> bool:
    """Whether a process is there, and no mere entry that nobody has asked about yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("program", ["test", "rsync"])
def test_a_share_that_hangs_is_given_up_with_all_that_waits_for_it(
    share: Path, own: MakeCopy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
):
    pids = tmp_path / "pids"
    pretend(tmp_path, monkeypatch, program, f"sleep 300 & echo $! $$ >{pids}; wait")
    copies = own(replica_copy_seconds=1)
    began = time.monotonic()

    with pytest.raises(ReplicaError, match="did not answer within 1 s"):
        copies.copy()

    assert time.monotonic() - began < 20
    for pid in pids.read_text().split():
        # On a busy machine it takes a moment until a process that was killed is gone.
        while runs(int(pid)) and time.monotonic() - began < 40:
            time.sleep(0.05)
        assert not runs(int(pid))


def test_without_rsync_the_error_says_what_to_do(
    share: Path, own: MakeCopy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pretend(tmp_path, monkeypatch, "test", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))

    with pytest.raises(ReplicaError, match="rsync was not found; install it"):
        own().copy()


def test_the_service_copies_again_and_again_until_told_to_stop(
    share: Path, own: MakeCopy, monkeypatch: pytest.MonkeyPatch
):
    copies, stop = own(replica_interval_seconds=1), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(replica.follow, copies, stop)
        try:
            for text in ("1", "2"):
                (share / "a.txt").write_text(text)
                until = time.monotonic() + 20
                while files(copies.current) != {"a.txt": text} and time.monotonic() < until:
                    time.sleep(0.05)
                assert files(copies.current) == {"a.txt": text}
        finally:
            stop.set()
        following.result(20)


def test_a_failure_is_logged_with_the_age_and_does_not_end_the_service(
    share: Path, own: MakeCopy, caplog: pytest.LogCaptureFixture
):
    copies = own()
    assert replica.attempt(copies)
    shutil.rmtree(share)

    assert not replica.attempt(copies)

    told = [vars(each) for each in caplog.records if each.levelno == logging.ERROR]
    assert [each["age_seconds"] for each in told] == [0]
    assert "looking for the share" in told[0]["reason"]


def run(*words: str, **settings: str) -> int:
    path = os.pathsep.join(filter(None, sys.path))
    named = {f"APP_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "app.replica", *words],
        env={**os.environ, "PYTHONPATH": path, **named},
        capture_output=True,
        check=False,
    ).returncode


def test_a_first_copy_tells_by_its_exit_code_how_it_went(share: Path, own: MakeCopy):
    copies = own()
    told = {"shared_folder": str(share), "replica_folder": str(copies.folder)}
    (share / "a.txt").write_text("1")

    assert run("once", **told) == 0
    assert files(copies.current) == {"a.txt": "1"}
    (share / ".share").unlink()
    assert run("once", **told) == 1
    assert run("twice", **told) == 2
