"""A master and its clones, for real: rsync, stunnel, the setup parts and the application.

Parameter Store and Auto Scaling are those of a mock AWS or of nobody; servers are scratch folders
of this machine, on its loopback. Whatever runs on them is what runs on a server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import client_of, make
from tests.machine import free_port, need, needs_python, needs_terraform, program, until

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
REGION = "eu-central-1"
PARAMETERS = "/shop/dev/clone-server"
KEY = "5e" * 32

pytestmark = needs_python


def written(folder: Path, *patterns: str, **choices: str) -> Path:
    """The repository for a wish."""
    answer = resolve(TEMPLATE.catalog, list(patterns), choices)
    assert isinstance(answer, Resolution)
    for path, content in TEMPLATE.tree(answer, Answers("shop", REGION)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("rsync")
    return written(tmp_path_factory.mktemp("clones") / "shop", "clone_server")


# One copy, between folders


@dataclass
class Copy:
    """The script that copies, from one folder to another or from wherever it is told to."""

    script: Path
    source: Path
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.source.mkdir()
        (self.source / ".content").write_text("one\n")

    @property
    def variables(self) -> dict[str, str]:
        return {
            **os.environ,
            "CONTENT_FOLDER": str(self.folder),
            "CONTENT_SOURCE": str(self.source),
            **self.extra,
        }

    def run(self) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", str(self.script)],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    @property
    def current(self) -> Path:
        return self.folder / "current"

    def held(self) -> dict[str, str]:
        """What a reader finds, by its path."""
        files = (path for path in self.current.rglob("*") if path.is_file())
        return {str(path.relative_to(self.current)): path.read_text() for path in files}


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Copy:
    script = repository / "servers/setup/configure/clone_server/content-sync.sh"
    return Copy(script, tmp_path / "master", tmp_path / "clone")


def test_what_is_new_changed_or_gone_on_the_master_is_so_on_the_clone(copy: Copy) -> None:
    (copy.source / "a.txt").write_text("1")
    (copy.source / "deep/er").mkdir(parents=True)
    (copy.source / "deep/er/b.txt").write_text("2")
    assert copy.run()[0] == 0
    assert copy.held() == {".content": "one\n", "a.txt": "1", "deep/er/b.txt": "2"}

    (copy.source / "a.txt").write_text("3")
    shutil.rmtree(copy.source / "deep")
    (copy.source / "c.txt").write_text("4")
    assert copy.run()[0] == 0

    assert copy.held() == {".content": "one\n", "a.txt": "3", "c.txt": "4"}


def test_two_writes_of_one_size_within_a_second_are_two(copy: Copy) -> None:
    (copy.source / "a.txt").write_text("1")
    copy.run()
    (copy.source / "a.txt").write_text("2")

    assert copy.run()[0] == 0

    assert copy.held()["a.txt"] == "2"


def test_where_nothing_changed_nothing_is_copied_and_the_age_is_new(copy: Copy) -> None:
    copy.run()
    before = copy.current.readlink()
    os.utime(copy.folder / "copied", (1, 1))

    assert copy.run() == (0, "")

    assert copy.current.readlink() == before
    assert time.time() - (copy.folder / "copied").stat().st_mtime < 60


def test_a_pipe_is_left_out_and_is_no_change(copy: Copy) -> None:
    """What rsync says of it, each time, stands where it tells of changes."""
    os.mkfifo(copy.source / "pipe")
    (copy.source / "a.txt").write_text("1")
    assert copy.run()[0] == 0
    before = copy.current.readlink()

    assert copy.run() == (0, "")

    assert copy.current.readlink() == before
    assert sorted(path.name for path in copy.current.iterdir()) == [".content", "a.txt"]


def test_a_file_that_did_not_change_takes_no_room_again(copy: Copy) -> None:
    (copy.source / "a.txt").write_text("1")
    copy.run()
    before = (copy.current / "a.txt").stat().st_ino
    (copy.source / "b.txt").write_text("2")

    copy.run()

    assert (copy.current / "a.txt").stat().st_ino == before


def test_copies_do_not_pile_up(copy: Copy) -> None:
    for number in range(5):
        (copy.source / "a.txt").write_text(str(number))
        assert copy.run()[0] == 0

    assert len(list((copy.folder / "copies").iterdir())) == 2
    assert copy.held()["a.txt"] == "4"


def test_half_written_files_and_links_that_lead_out_stay_on_the_master(copy: Copy) -> None:
    (copy.source / ".a.txt.0123456789abcdef").write_text("ha")
    (copy.source / "a.txt").write_text("whole")
    (copy.source / "inside").symlink_to("a.txt")
    (copy.source / "outside").symlink_to("/etc/passwd")

    copy.run()

    assert sorted(path.name for path in copy.current.iterdir()) == [".content", "a.txt", "inside"]


def test_a_change_is_seen_whole_or_not_at_all(copy: Copy, tmp_path: Path) -> None:
    """A copy that is broken off half-way leaves every file as it was, and no part anywhere."""
    names = [f"{number}.txt" for number in range(50)]
    for name in names:
        (copy.source / name).write_text("old")
    copy.run()
    before = copy.held()
    for name in names:
        (copy.source / name).write_text("new")
    real = need("rsync")
    # The first run only compares. The second one copies, and is cut off with files on the way.
    broken = f"""#!/bin/sh
case "$*" in *--dry-run*) exec {real} "$@";; esac
{real} "$@" --bwlimit=1 &
pid=$!
sleep 0.5
kill -KILL $pid
wait $pid
"""
    copy.extra["PATH"] = f"{program(tmp_path / 'bin', 'rsync', broken)}:{os.environ['PATH']}"
    age = (copy.folder / "copied").stat().st_mtime
    for name in names:
        (copy.source / name).write_bytes(b"new" * 20_000)

    code, said = copy.run()

    assert code == 1
    assert f"content-sync: {copy.source} could not be copied" in said
    assert copy.held() == before
    assert len(list((copy.folder / "copies").iterdir())) == 1
    assert (copy.folder / "copied").stat().st_mtime == age


def test_readers_never_meet_two_states_at_once(copy: Copy) -> None:
    """Two files that always change together are read in one state, however often that is."""
    pair = ("a.txt", "b.txt")
    for name in pair:
        (copy.source / name).write_text("0")
    copy.run()
    seen: set[tuple[str, ...]] = set()
    for number in range(1, 6):
        for name in pair:
            (copy.source / name).write_text(str(number))
        running = subprocess.Popen(["bash", str(copy.script)], env=copy.variables)
        while running.poll() is None:
            folder = copy.current.resolve()
            seen.add(tuple((folder / name).read_text() for name in pair))
        assert running.returncode == 0

    assert len(seen) > 1
    assert all(one == other for one, other in seen)


@pytest.mark.parametrize("state", ["gone", "empty"])
def test_a_source_that_is_lost_leaves_the_copy_as_it_was(copy: Copy, state: str) -> None:
    """A folder whose disk is not mounted is empty, and nobody asked to delete everything."""
    (copy.source / "a.txt").write_text("1")
    copy.run()
    before = copy.held()
    shutil.rmtree(copy.source)
    if state == "empty":
        copy.source.mkdir()

    code, said = copy.run()

    assert code == 1
    assert "the copy stays as it was" in said
    assert copy.held() == before


def test_a_master_with_other_content_is_not_followed(copy: Copy) -> None:
    """One that was made anew would have what may be the last copy deleted."""
    (copy.source / "a.txt").write_text("1")
    copy.run()
    shutil.rmtree(copy.source)
    copy.source.mkdir()
    (copy.source / ".content").write_text("two\n")

    code, said = copy.run()

    assert code == 1
    assert "holds other content than before" in said
    assert copy.held()["a.txt"] == "1"
    shutil.rmtree(copy.folder)
    assert copy.run()[0] == 0
    assert copy.held() == {".content": "two\n"}


def test_a_copy_that_takes_too_long_is_given_up(copy: Copy, tmp_path: Path) -> None:
    stuck = program(tmp_path / "bin", "rsync", "#!/bin/sh\nexec sleep 60\n")
    copy.extra = {"CONTENT_COPY_SECONDS": "1", "PATH": f"{stuck}:{os.environ['PATH']}"}

    code, said = copy.run()

    assert code == 1
    assert "(exit code 124)" in said
    assert not copy.current.exists()


def test_two_copies_at_once_are_one_after_the_other(copy: Copy) -> None:
    (copy.source / "a.txt").write_text("1")
    command = ["bash", str(copy.script)]

    running = [subprocess.Popen(command, env=copy.variables) for _ in range(3)]

    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert copy.held()["a.txt"] == "1"
    assert len(list((copy.folder / "copies").iterdir())) == 1


def test_the_age_is_told_to_cloudwatch(repository: Path, tmp_path: Path) -> None:
    """Under the name that the alarm looks for; a clone without a copy tells none."""
    script = repository / "servers/setup/configure/clone_server/content-age.sh"
    path = program(tmp_path / "bin", "aws", f'#!/bin/sh\necho "$*" >>{tmp_path}/said\n')
    variables = {
        "CONTENT_FOLDER": str(tmp_path),
        "CONTENT_METRIC_NAMESPACE": "shop-dev/content",
        "PATH": f"{path}:{os.environ['PATH']}",
    }
    subprocess.run(["bash", str(script)], env=variables, check=True)
    assert not (tmp_path / "said").exists()

    (tmp_path / "copied").touch()
    long_ago = time.time() - 1000
    os.utime(tmp_path / "copied", (long_ago, long_ago))
    subprocess.run(["bash", str(script)], env=variables, check=True)

    [line] = (tmp_path / "said").read_text().splitlines()
    told = re.fullmatch(
        r"cloudwatch put-metric-data --namespace shop-dev/content --metric-name AgeSeconds "
        r"--unit Seconds --value (\d+)",
        line,
    )
    assert told is not None
    assert 999 <= int(told[1]) <= 1060


# A master that was made anew


def commands(repository: Path) -> list[str]:
    """What the page tells to do, block by block."""
    page = (repository / "docs/patterns/clone_server.md").read_text()
    section = page.partition("**The master was made anew**")[2].partition("What no clone has")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


class Rescue:
    """The page's way to bring content back, on folders and ports of this machine."""

    def __init__(self, repository: Path, folder: Path) -> None:
        _, self.offer, way, self.fetch, self.take, back, self.send, _ = commands(repository)
        # Session Manager makes these ways; here both ends are one machine.
        assert "portNumber=8870,localPortNumber=8871" in way
        assert "portNumber=8870,localPortNumber=8872" in back
        self.folder, self.started = folder, list[subprocess.Popen[bytes]]()
        self.ports = {"8871": free_port(), "8872": free_port()}
        self.clone, self.master = folder / "clone/current", folder / "master"
        program(folder / "bin", "sudo", '#!/bin/sh\nexec "$@"\n')

    def here(self, block: str) -> str:
        ours = {
            "/run/rescue.conf": "rescue.conf",
            "/srv/content/current": str(self.clone),
            "/srv/content": str(self.master),
            **{name: str(port) for name, port in self.ports.items()},
        }
        block = re.sub(r"'([ug]id) = \w+'", lambda m: f"'{m[1]} = {os.geteuid()}'", block)
        return re.sub("|".join(ours), lambda m: ours[m[0]], block)

    def serve(self, block: str, port: str) -> None:
        command = self.here(block.replace("8870", port))
        self.started.append(
            subprocess.Popen(
                ["bash", "-ec", command],
                cwd=self.folder,
                env={**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"},
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        with closing(socket.socket()) as probe:
            where = ("127.0.0.1", self.ports[port])
            assert until(20, lambda: probe.connect_ex(where) == 0)

    def run(self, block: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            ["bash", "-c", self.here(block)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()

    def stop(self) -> None:
        for each in self.started:
            os.killpg(each.pid, signal.SIGTERM)
            each.wait()


@pytest.fixture
def rescue(repository: Path, tmp_path: Path) -> Iterator[Rescue]:
    made = Rescue(repository, tmp_path)
    yield made
    made.stop()


def test_a_new_master_gets_all_that_a_clone_has_by_the_pages_commands(rescue: Rescue) -> None:
    """Deep, large and oddly named files too, which the application's own routes do not list."""
    copy = rescue.clone.with_name("copies") / "1"
    (copy / "deep/er").mkdir(parents=True)
    rescue.clone.symlink_to("copies/1")
    (copy / ".content").write_text("old\n")
    (copy / "a.txt").write_text("of the old master")
    (copy / "With space.PDF").write_bytes(os.urandom(2 << 20))
    (copy / "deep/er/b.txt").write_text("deep")
    (copy / "deep/link").symlink_to("er/b.txt")
    (copy / "since.txt").write_text("before")
    os.utime(copy / "since.txt", (1, 1))
    rescue.master.mkdir()
    (rescue.master / ".content").write_text("new\n")
    (rescue.master / "since.txt").write_text("written since")

    rescue.serve(rescue.offer, "8871")
    assert rescue.run(rescue.fetch) == (0, ["4"])
    rescue.serve(rescue.take, "8872")
    code, different = rescue.run(rescue.send)

    assert code == 0
    assert [line.partition(" ")[2] for line in different] == ["since.txt"]
    assert (rescue.master / "since.txt").read_text() == "written since"
    assert (rescue.master / ".content").read_text() == "new\n"
    for name in ("a.txt", "With space.PDF", "deep/er/b.txt"):
        assert (rescue.master / name).read_bytes() == (copy / name).read_bytes()
        assert (rescue.master / name).stat().st_mode & 0o777 == 0o640
    assert (rescue.master / "deep/link").readlink() == Path("er/b.txt")


def test_a_way_that_is_not_open_yet_ends_the_rescue(rescue: Rescue) -> None:
    """Nothing is told to be there, and no clone is replaced by the same block."""
    (rescue.folder / "rescued").mkdir()

    for block in (rescue.fetch, rescue.send):
        code, told = rescue.run(block)
        assert (code != 0, told) == (True, [])
        assert "instance-refresh" not in block


# Servers


@dataclass
class Machine:
    """A scratch root that plays one server."""

    repository: Path
    root: Path
    kind: str
    key: str = KEY
    extra: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def __post_init__(self) -> None:
        self.stubs = self.root.parent.parent / f"{self.root.name}-stubs/bin"
        for stub in (self.repository / "local/stubs").iterdir():
            lines = stub.read_text().split("\n", 1)
            program(self.stubs, stub.name, f"#!{sys.executable}\n{lines[1]}")
        settings = self.root / "etc/shop/app.env"
        settings.parent.mkdir(parents=True)
        settings.write_text('APP_LOG_LEVEL="INFO"\n')

    @property
    def variables(self) -> dict[str, str]:
        # In place of Parameter Store; what the mock AWS gives is shown by the local stack.
        parameters = {
            "copy_seconds": "30",
            "interval_seconds": "60",
            "key": self.key,
            "master": "192.0.2.1",
            "metric_namespace": "shop-dev/content",
        }
        told = [{"Name": f"{PARAMETERS}/{n}", "Value": v} for n, v in parameters.items()]
        answer = self.root.parent / f"{self.root.name}.json"
        answer.write_text(json.dumps({"Parameters": told}))
        wanted = f"ssm get-parameters-by-path --path {PARAMETERS} --with-decryption --output json"
        program(self.stubs, "aws", f'#!/bin/sh\n[ "$*" = "{wanted}" ] && cat {answer}\n')
        return {
            **os.environ,
            "AWS_DEFAULT_REGION": REGION,
            "BUNDLE": str(self.repository),
            "PATH": f"{self.stubs}:{os.environ['PATH']}",
            "ROOT": str(self.root),
            "SETUP_ATTEMPTS": "3",
            "SETUP_BACKOFF": "1",
            "SETUP_KIND": self.kind,
            "SETUP_PROJECT": "shop",
            "SETUP_SETTINGS_PATH": "/shop/dev/app",
            **self.extra,
        }

    def part(self, part: str) -> int:
        done = subprocess.run(
            ["bash", str(self.repository / "servers/setup" / part)],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output = done.stdout
        return done.returncode

    def set_up(self) -> int:
        return self.part("install/40-content.sh") or self.part("configure/86-content.sh")

    def follow(self) -> tuple[int, str]:
        """Copy once more, as the timer does."""
        text = (self.root / "etc/content/sync.env").read_text()
        done = subprocess.run(
            [str(self.root / "usr/local/sbin/content-sync")],
            env={**self.variables, **dict(re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def systemctl(self, *words: str) -> int:
        command = [str(self.stubs / "systemctl"), *words]
        return subprocess.run(command, env=self.variables, check=False).returncode

    @property
    def settings(self) -> dict[str, str]:
        text = (self.root / "etc/shop/app.env").read_text()
        return dict(re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE))


class Servers:
    """A master and clones on one machine."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.repository, self.folder = repository, folder
        self.master = Machine(repository, folder / "servers/master", "standalone_server")
        self.content = self.master.root / "srv/content"

    def clone(self, name: str, key: str = KEY) -> Machine:
        return Machine(self.repository, self.folder / "servers" / name, "servers", key)

    def listening(self) -> bool:
        """Whether the master takes connections; it needs a moment for that."""
        port = self.folder / "content.port"
        if not port.exists():
            return False
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", int(port.read_text()))) == 0

    def started(self) -> Servers:
        assert self.master.set_up() == 0, self.master.output
        assert until(20, self.listening)
        return self

    def stop(self) -> None:
        if (self.master.root / "etc/systemd/system/content.service").exists():
            self.master.systemctl("stop", "content.service")


@pytest.fixture
def servers(repository: Path, tmp_path: Path) -> Iterator[Servers]:
    need("stunnel")
    made = Servers(repository, tmp_path)
    yield made
    made.stop()


def test_a_clone_has_all_of_the_masters_content_when_its_setup_ends(servers: Servers) -> None:
    """Through the real rsync and the real stunnel; deletions and changes follow."""
    servers.started()
    (servers.content / "a.txt").write_text("1")
    (servers.content / "b.txt").write_text("2")
    clone = servers.clone("clone")

    assert clone.set_up() == 0, clone.output

    current = clone.root / "srv/content/current"
    assert clone.settings["APP_CONTENT_ROLE"] == "clone"
    assert clone.settings["APP_CONTENT_FOLDER"] == str(current)
    assert clone.settings["APP_CONTENT_MASTER"] == "192.0.2.1"
    assert (current / "a.txt").read_text() == "1"
    (servers.content / "a.txt").write_text("3")
    (servers.content / "b.txt").unlink()
    assert clone.follow()[0] == 0
    assert sorted(path.name for path in current.iterdir()) == [".content", "a.txt"]
    assert (current / "a.txt").read_text() == "3"


def test_a_master_is_told_so_and_only_it_has_the_mark_for_units(servers: Servers) -> None:
    servers.started()
    clone = servers.clone("clone")
    assert clone.set_up() == 0, clone.output

    assert servers.master.settings == {
        "APP_CONTENT_FOLDER": str(servers.content),
        "APP_CONTENT_MASTER": "127.0.0.1",
        "APP_CONTENT_ROLE": "master",
        "APP_LOG_LEVEL": "INFO",
    }
    assert (servers.master.root / "etc/content/master").exists()
    assert not (clone.root / "etc/content/master").exists()
    assert not (clone.root / "etc/systemd/system/app.service.d").exists()


@pytest.mark.parametrize(("name", "folder"), [("main", "data/content"), ("spare", "srv/content")])
def test_a_spare_without_the_data_disk_keeps_content_of_its_own(
    tmp_path: Path, name: str, folder: str
) -> None:
    """And comes up: the application starts after this part, or not at all."""
    need("stunnel")
    repository = written(tmp_path / "shop", "clone_server", "floating_ip", "ondemand_disk")
    told = {
        "ONDEMAND_DISK_SERVER": "shop-dev-standalone-server-main",
        "ONDEMAND_DISK_VOLUMES": "vol-0123456789abcdef0",
        "SETUP_SERVER": f"shop-dev-standalone-server-{name}",
    }
    server = Machine(repository, tmp_path / "servers" / name, "standalone_server", extra=told)
    try:
        assert server.part("configure/65-ondemand-disk.sh") == 0, server.output
        assert server.set_up() == 0, server.output
        assert server.settings["APP_CONTENT_FOLDER"] == str(server.root / folder)
        assert (server.root / folder / ".content").stat().st_size
        unit = server.root / "etc/systemd/system/app.service.d/60-content.conf"
        assert f"ReadWritePaths=-/{folder}\n" in unit.read_text()
    finally:
        server.systemctl("stop", "content.service")


def test_setting_up_again_changes_nothing(servers: Servers) -> None:
    """Above all not the mark of the content, or no clone would follow any more."""
    servers.started()
    clone = servers.clone("clone")
    assert clone.set_up() == 0, clone.output
    mark, env = (servers.content / ".content").read_text(), clone.settings

    assert servers.master.set_up() == 0, servers.master.output
    assert until(20, servers.listening)
    assert clone.set_up() == 0, clone.output

    assert (servers.content / ".content").read_text() == mark
    assert clone.settings == env


def test_the_application_is_what_reads_and_writes_what_is_copied(servers: Servers) -> None:
    """Keys are for those who need them, and content for the application's group."""
    servers.started()
    clone = servers.clone("clone")
    assert clone.set_up() == 0, clone.output

    def mode(path: Path) -> int:
        return path.stat().st_mode & 0o777

    assert mode(servers.content) == 0o750
    assert mode(servers.master.root / "etc/content/key") == 0o640
    assert mode(clone.root / "etc/content/key") == 0o600
    assert mode(clone.root / "srv/content") == 0o750
    unit = servers.master.root / "etc/systemd/system/app.service.d/60-content.conf"
    assert "\nReadWritePaths=-/srv/content\n" in unit.read_text()


def test_a_clone_waits_for_a_master_that_is_not_ready(servers: Servers) -> None:
    """All servers of a new system start at the same time."""
    clone = servers.clone("clone")
    assert clone.part("install/40-content.sh") == 0
    running = subprocess.Popen(
        ["bash", str(servers.repository / "servers/setup/configure/86-content.sh")],
        env={**clone.variables, "SETUP_ATTEMPTS": "6"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    waiting = (line for line in running.stdout if "attempt 1 of 6 failed" in line)
    assert next(waiting)

    servers.started()

    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert (clone.root / "srv/content/current/.content").exists()


def test_a_new_clone_without_a_master_fails_its_setup(servers: Servers) -> None:
    """It has nothing to serve, so it must not take requests."""
    clone = servers.clone("clone")

    assert clone.set_up() != 0

    assert "this clone has nothing to serve" in clone.output
    assert "APP_CONTENT_FOLDER" not in clone.settings
    assert not (clone.root / "srv/content/current").exists()


def test_without_the_master_a_clone_keeps_what_it_has_and_says_so(servers: Servers) -> None:
    servers.started()
    (servers.content / "a.txt").write_text("1")
    clone = servers.clone("clone")
    assert clone.set_up() == 0, clone.output
    copied = (clone.root / "srv/content/copied").stat().st_mtime
    servers.stop()

    code, said = clone.follow()

    assert code == 1
    assert "the copy stays as it was" in said
    assert (clone.root / "srv/content/current/a.txt").read_text() == "1"
    assert (clone.root / "srv/content/copied").stat().st_mtime == copied
    servers.master.systemctl("start", "content.service")
    assert until(20, lambda: clone.follow()[0] == 0)


def test_who_has_another_key_gets_nothing(servers: Servers) -> None:
    servers.started()
    (servers.content / "a.txt").write_text("secret of the house")
    stranger = servers.clone("stranger", key="ab" * 32)

    assert stranger.set_up() != 0

    assert "this clone has nothing to serve" in stranger.output
    assert not list((stranger.root / "srv/content").rglob("a.txt"))


def test_without_encryption_the_master_says_nothing(servers: Servers) -> None:
    """Neither to rsync in the clear, nor over TLS to somebody without a key."""
    servers.started()
    (servers.content / "a.txt").write_text("secret of the house")
    port = (servers.folder / "content.port").read_text()
    plain = {k: v for k, v in os.environ.items() if k != "RSYNC_CONNECT_PROG"}

    done = subprocess.run(
        ["rsync", "--timeout=5", f"rsync://127.0.0.1:{port}/content/", str(servers.folder / "got")],
        env=plain,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert not (servers.folder / "got").exists()
    client = f"client = yes\nsyslog = no\nconnect = 127.0.0.1:{port}\n"
    (servers.folder / "nokey.conf").write_text(client)
    tls = subprocess.run(
        ["stunnel", str(servers.folder / "nokey.conf")],
        input="@RSYNCD: 31.0\n",
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert "RSYNCD" not in tls.stdout


def test_a_clone_may_read_and_not_write(servers: Servers) -> None:
    """A clone that was taken over cannot spoil what all others copy."""
    servers.started()
    clone = servers.clone("clone")
    assert clone.set_up() == 0, clone.output
    (servers.folder / "evil.txt").write_text("spoilt")
    program = f"{clone.stubs}/stunnel {clone.root}/etc/content/fetch.conf"

    done = subprocess.run(
        ["rsync", str(servers.folder / "evil.txt"), "rsync://master/content/"],
        env={**clone.variables, "RSYNC_CONNECT_PROG": program},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert not (servers.content / "evil.txt").exists()


def test_other_kinds_of_servers_are_left_alone(repository: Path, tmp_path: Path) -> None:
    machine = Machine(repository, tmp_path / "servers/worker", "workers")

    assert machine.part("configure/86-content.sh") == 0

    assert "neither master nor clone" in machine.output
    assert machine.settings == {"APP_LOG_LEVEL": "INFO"}
    assert [path.name for path in machine.root.iterdir()] == ["etc"]


def test_a_master_whose_disk_is_away_fails_and_writes_nowhere_else(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What lies on a disk of its own lies there or nowhere."""
    repository = written(tmp_path / "shop", "clone_server", "ondemand_disk")
    machine = Machine(repository, tmp_path / "servers/master", "standalone_server")
    (machine.root / "data").mkdir()
    (machine.root / "data").chmod(0)

    try:
        assert machine.set_up() != 0
    finally:
        (machine.root / "data").chmod(0o755)

    assert "/data/content cannot be made; is its disk mounted?" in machine.output
    assert list((machine.root / "data").iterdir()) == []


def test_systemd_takes_every_unit(servers: Servers, tmp_path: Path) -> None:
    analyze = need("systemd-analyze")
    servers.started()
    clone = servers.clone("clone")
    assert clone.set_up() == 0, clone.output
    root = tmp_path / "image"
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    for machine in (servers.master, clone):
        for unit in (machine.root / "etc/systemd/system").glob("content*.*"):
            shutil.copy(unit, units)
    names = sorted(path.name for path in units.iterdir())
    assert names == ["content-sync.service", "content-sync.timer", "content.service"]
    shutil.copy(servers.repository / "servers/systemd/app.service", units)
    drop_in = servers.master.root / "etc/systemd/system/app.service.d"
    shutil.copytree(drop_in, units / "app.service.d")
    # Also after a copy that failed, unlike what would be one more `ExecStart`.
    sync = (units / "content-sync.service").read_text()
    assert "\nExecStopPost=/usr/local/sbin/content-age\n" in sync
    text = (units / "app.service").read_text()
    programs = re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE)
    for each in ("usr/bin/stunnel", "usr/local/sbin/content-sync", "usr/local/sbin/content-age"):
        programs.append(each)
    for each in programs:
        path = root / each.lstrip("/")
        program(path.parent, path.name, "#!/bin/sh\n")
    base = ("basic", "multi-user", "network-online", "shutdown", "sysinit", "timers")
    for target in base:
        (units / f"{target}.target").write_text("[Unit]\nDescription=There\n")

    def verify() -> str:
        done = subprocess.run(
            [analyze, "verify", "--man=no", f"--root={root}", *names, "app.service"],
            capture_output=True,
            text=True,
            check=False,
        )
        # Lines about units that stand elsewhere on a real system are not about ours.
        return "\n".join(line for line in done.stderr.splitlines() if "content" in line)

    assert verify() == ""
    timer = units / "content-sync.timer"
    timer.write_text(timer.read_text().replace("OnUnitInactiveSec", "OnUnitInactive"))
    assert "OnUnitInactive" in verify()


# In a repository


def test_clones_come_with_a_master_and_an_image_and_exclude_what_has_none() -> None:
    answer = resolve(TEMPLATE.catalog, ["clone_server"], {})
    assert isinstance(answer, Resolution)
    assert {"load_balancer", "servers", "stamp", "standalone_server"} <= set(answer.members)
    assert answer.slots["server_setup"] == "stamp"
    assert not isinstance(
        resolve(TEMPLATE.catalog, ["clone_server", "multi_server"], {}), Resolution
    )
    both = resolve(TEMPLATE.catalog, ["clone_server", "nfs_replica"], {})
    assert isinstance(both, Resolution)
    assert {"clone_server", "nfs_sharing", "nfs_replica"} <= set(both.members)


@dataclass
class Balancer:
    """Sends each request where the load balancer of a mock AWS would send it."""

    mock: Any
    urls: Mapping[str, str]
    """Where each server listens, by the id of its instance."""

    def __post_init__(self) -> None:
        [balancer] = self.mock.describe_load_balancers()["LoadBalancers"]
        [listener] = self.mock.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])[
            "Listeners"
        ]
        rules = self.mock.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        own = [rule for rule in rules if not rule["IsDefault"]]
        self.rules = sorted(own, key=lambda rule: int(rule["Priority"]))
        groups = {rule["Actions"][0]["TargetGroupArn"] for rule in self.rules}
        self.rounds = {group: cycle(self.targets(group)) for group in groups}

    def targets(self, group: str) -> list[str]:
        found = self.mock.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return sorted(each["Target"]["Id"] for each in found)

    def group(self, method: str, path: str) -> str:
        """The target group of the first rule that takes such a request."""
        asked = {"http-request-method": method, "path-pattern": path}
        for rule in self.rules:
            if all(takes(each, asked[each["Field"]]) for each in rule["Conditions"]):
                return str(rule["Actions"][0]["TargetGroupArn"])
        raise AssertionError(f"no rule takes {method} {path}")

    def ask(self, method: str, path: str) -> tuple[int, bytes]:
        url = self.urls[next(self.rounds[self.group(method, path)])]
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
            connection.request(method, path, b"1" if method == "PUT" else None)
            answer = connection.getresponse()
            return answer.status, answer.read()


def takes(condition: Mapping[str, Any], value: str) -> bool:
    """Whether a rule's condition holds; the mock tells its values beside its field."""
    [values] = [told["Values"] for name, told in condition.items() if name.endswith("Config")]
    return any(fnmatchcase(value, each) for each in values)


@pytest.mark.slow("clone_server")
@needs_terraform
def test_the_local_stack_comes_up_settles_and_clones_follow(tmp_path: Path) -> None:
    """`make local` ends with an empty second plan, and clones that read what the master wrote.

    Its load balancer has rules by which the master gets all that writes.
    """
    need("rsync")
    need("stunnel")
    folder = written(tmp_path / "shop", "clone_server", "ondemand_disk")

    try:
        shown = make(folder, "local")

        assert "2 clones refused to write, copied, and read the same" in shown
        assert "no clone could copy, and all read on" in shown
        second = shown.partition("second plan\n")[2].partition("step ")[0]
        assert "clone_server" not in second

        started = json.loads((folder / ".local/servers.json").read_text())
        master = started[0]["instance_id"]  # clones need it, so it is the first
        grouped = client_of(folder, "autoscaling", REGION).describe_auto_scaling_instances()
        all_of_them = sorted(
            [master, *(each["InstanceId"] for each in grouped["AutoScalingInstances"])]
        )
        balancer = Balancer(
            client_of(folder, "elbv2", REGION),
            {each["instance_id"]: each["url"] for each in started},
        )

        assert len(all_of_them) > 1
        assert balancer.targets(balancer.group("GET", "/")) == all_of_them
        writes = {balancer.group(method, "/") for method in ("DELETE", "PATCH", "POST", "PUT")}
        assert [balancer.targets(group) for group in writes] == [[master]]
        answers = [balancer.ask("GET", "/whoami") for _ in range(6)]
        assert {json.loads(body)["instance_id"] for _, body in answers} == set(all_of_them)
        for method in ("PUT", "DELETE"):
            asked = {balancer.ask(method, "/content/asked.txt")[0] for _ in range(6)}
            assert asked == {202}
    finally:
        shown = make(folder, "local-down")
    assert "nothing is left" in shown
