"""Shared files: whole or not at all, and no waiting for a folder that does not answer."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.shared_files import (
    FileMissingError,
    Folder,
    FolderUnavailableError,
    SharedFiles,
    SharedSettings,
    TooLargeError,
    TooManyFilesError,
)

now = asyncio.run

DIES_WHILE_WRITING = """\
import asyncio, os, sys
from app.shared_files import SharedFiles, SharedSettings

os.fsync = lambda descriptor: os._exit(9)
asyncio.run(SharedFiles(SharedSettings(shared_folder=sys.argv[1])).write("a.txt", b"new" * 1000))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "share"
    made.mkdir()
    return made


def opened(folder: Path, **settings: object) -> SharedFiles:
    return SharedFiles(SharedSettings(shared_folder=str(folder), **settings))


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What hanging questions wait for; set in the end, or Python would wait for them."""
    event = threading.Event()
    yield event
    event.set()


def test_what_one_writes_the_other_reads_at_once(folder: Path):
    first, second = opened(folder), opened(folder)

    now(first.write("a.txt", b"1"))
    assert now(second.read("a.txt")) == b"1"
    now(second.write("a.txt", b"two"))
    assert now(first.read("a.txt")) == b"two"
    now(first.delete("a.txt"))

    with pytest.raises(FileMissingError, match="no shared file `a"):
        now(second.read("a.txt"))
    assert now(second.listing()) == []


def test_a_server_that_dies_while_it_writes_leaves_the_old_file(folder: Path):
    files = opened(folder)
    now(files.write("a.txt", b"old"))

    ended = subprocess.run(
        [sys.executable, "-c", DIES_WHILE_WRITING, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )

    assert ended.returncode == 9
    halves = [path for path in folder.iterdir() if path.name != "a.txt"]
    assert [half.read_bytes() for half in halves] == [b"new" * 1000]
    assert now(files.read("a.txt")) == b"old"
    assert [file.name for file in now(files.listing())] == ["a.txt"]

    os.utime(halves[0], (0, time.time() - 3601))  # nobody finishes it any more
    now(files.write("b.txt", b"1"))
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt"]


def test_a_write_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    files = opened(folder)
    now(files.write("a.txt", b"old"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FolderUnavailableError, match="No space left"):
        now(files.write("a.txt", b"new"))

    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    assert now(files.read("a.txt")) == b"old"


def test_readers_never_see_a_part_while_two_write(folder: Path):
    contents = {letter.encode() * 200_000 for letter in "ab"}
    asyncio.run(opened(folder).write("a.txt", b"a" * 200_000))
    over = threading.Event()

    async def write(content: bytes) -> None:
        files = opened(folder)
        for _ in range(25):
            await files.write("a.txt", content)

    async def read() -> int:
        files, seen = opened(folder), 0
        while not over.is_set():
            assert await files.read("a.txt") in contents
            seen += 1
        return seen

    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(asyncio.run, read())
        for done in [pool.submit(asyncio.run, write(content)) for content in contents]:
            done.result(60)
        over.set()

        assert reading.result(60) > 0


def test_a_file_above_the_limit_is_refused_and_not_read(folder: Path):
    files = opened(folder, shared_max_file_bytes=4)
    now(files.write("a.txt", b"1234"))

    with pytest.raises(TooLargeError, match="at most 4 bytes"):
        now(files.write("a.txt", b"12345"))
    assert now(files.read("a.txt")) == b"1234"

    (folder / "big").write_bytes(b"12345")
    with pytest.raises(TooLargeError, match="more than 4 bytes"):
        now(files.read("big"))


def test_one_file_too_many_is_refused_and_others_can_still_change(folder: Path):
    files = opened(folder, shared_max_files=2)
    now(files.write("a.txt", b"1"))
    now(files.write("b.txt", b"1"))

    with pytest.raises(TooManyFilesError, match="there are 2 shared files"):
        now(files.write("c.txt", b"1"))
    now(files.write("b.txt", b"2"))

    assert [file.name for file in now(files.listing())] == ["a.txt", "b.txt"]
    assert now(files.read("b.txt")) == b"2"


def test_links_folders_and_pipes_are_no_shared_files(folder: Path):
    (folder.parent / "secret").write_text("of this machine")
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / ".share").touch()
    files = opened(folder, shared_seconds=2)

    assert now(files.listing()) == []
    for name in ("link", "folder", "pipe"):
        with pytest.raises(FileMissingError):
            now(files.read(name))


@pytest.mark.parametrize("lost", ["gone", "no folder", "closed"])
def test_a_lost_share_is_told_and_comes_back(folder: Path, lost: str):
    files = opened(folder)
    now(files.write("a.txt", b"1"))
    away = folder.rename(folder.with_name("away"))
    if lost == "no folder":
        folder.write_text("")
    elif lost == "closed":
        if os.geteuid() == 0:
            pytest.skip("nothing is closed to root")
        folder.mkdir(mode=0)  # a mount point without its share

    for attempt in (files.listing(), files.read("a.txt"), files.write("b.txt", b"2")):
        with pytest.raises(FolderUnavailableError):
            now(attempt)

    if lost == "closed":
        folder.rmdir()
    folder.unlink(missing_ok=True)
    away.rename(folder)
    assert now(files.read("a.txt")) == b"1"


def test_nobody_waits_for_a_folder_that_hangs(folder: Path, stuck: threading.Event):
    hanging = Folder(str(folder), seconds=0.2, threads=2)
    began = time.monotonic()

    for _ in range(2):
        with pytest.raises(FolderUnavailableError, match="did not answer within"):
            now(hanging.ask(lambda _: stuck.wait(60)))
    assert time.monotonic() - began < 5
    # Both threads are still stuck: the next one is not even begun.
    with pytest.raises(FolderUnavailableError, match="has not answered earlier requests"):
        now(hanging.ask(os.listdir))

    stuck.set()
    for _ in range(100):
        try:
            assert now(hanging.ask(os.listdir)) == []
            return
        except FolderUnavailableError:
            time.sleep(0.05)
    pytest.fail("the folder answers again, but nobody is let through")


def test_a_copy_is_read_while_the_share_hangs(folder: Path, stuck: threading.Event):
    copy = folder.with_name("copy")
    copy.mkdir()
    (copy / "a.txt").write_bytes(b"1")
    files = opened(folder, shared_read_folder=str(copy), shared_seconds=0.1)
    assert files.copied

    for _ in range(9):
        with pytest.raises(FolderUnavailableError):
            now(files.share.ask(lambda _: stuck.wait(60)))

    assert now(files.read("a.txt")) == b"1"
    assert [file.name for file in now(files.listing())] == ["a.txt"]


def test_the_folder_itself_is_no_copy(folder: Path):
    assert not opened(folder).copied
    assert not opened(folder, shared_read_folder=str(folder)).copied


def test_a_share_that_answers_passes_its_check_and_a_lost_one_does_not(folder: Path):
    files = opened(folder)
    now(files.probe_share())

    folder.rmdir()

    with pytest.raises(FolderUnavailableError):
        now(files.probe_share())


def test_a_share_that_hangs_fails_its_check_in_time(
    folder: Path, stuck: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "fstatvfs", lambda _: stuck.wait(60))
    files = opened(folder, shared_seconds=0.1)
    began = time.monotonic()

    for _ in range(10):
        with pytest.raises(FolderUnavailableError):
            now(files.probe_share())

    assert time.monotonic() - began < 5
    # Requests have threads of their own.
    assert now(files.listing()) == []


def test_the_copy_is_checked_apart_from_the_share(folder: Path):
    files = opened(folder, shared_read_folder=str(folder / "copy"))
    now(files.probe_share())
    with pytest.raises(FolderUnavailableError):
        now(files.probe_copy())

    (folder / "copy").mkdir()

    now(files.probe_copy())
