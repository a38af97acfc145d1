"""Files between servers, for real: setup parts in scratch roots, and processes that share a folder.

The file systems are those of a mock AWS, and so is the mounting, which leads to a folder of this
machine. Everything else is what a server runs: the setup parts, the units, the application.
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
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import client, make, variables
from tests.machine import free_port, need, needs_python, needs_terraform, until

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
REGION = "eu-central-1"

pytestmark = needs_python


def resolved(*patterns: str) -> Resolution:
    answer = resolve(TEMPLATE.catalog, list(patterns), {})
    assert isinstance(answer, Resolution)
    return answer


def write(resolution: Resolution, folder: Path) -> Path:
    for path, content in TEMPLATE.tree(resolution, Answers("shop", REGION)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def ask(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, method=method, data=body)  # noqa: S310 - a server of ours
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def told(url: str) -> Any:
    return json.loads(ask(url)[1])


@dataclass
class Mock:
    """A mock AWS with the patches of a generated repository."""

    endpoint: str

    @property
    def variables(self) -> dict[str, str]:
        return variables(self.endpoint, REGION)

    def client(self, service: str) -> Any:
        return client(service, self.endpoint, REGION)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(resolved("nfs_sharing"), tmp_path_factory.mktemp("sharing") / "shop")


@pytest.fixture(scope="module")
def mock(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """The mock AWS that a repository starts for itself."""
    ready = tmp_path_factory.mktemp("mock") / "mock.json"
    command = [sys.executable, str(repository / "local/runner/server.py"), str(ready)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert until(120, lambda: ready.exists() or server.poll() is not None)
        yield Mock(f"http://127.0.0.1:{json.loads(ready.read_text())['port']}")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


@dataclass
class Share:
    """A file system of the mock AWS, with one access point."""

    file_system: str
    access_point: str


def make_share(mock: Mock, *, mountable: bool = True) -> Share:
    efs, ec2 = mock.client("efs"), mock.client("ec2")
    made = efs.create_file_system(CreationToken=os.urandom(8).hex(), Encrypted=True)
    file_system = made["FileSystemId"]
    if mountable:
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        efs.create_mount_target(FileSystemId=file_system, SubnetId=subnet)
    point = efs.create_access_point(ClientToken=os.urandom(8).hex(), FileSystemId=file_system)
    return Share(file_system, point["AccessPointId"])


@dataclass
class Machine:
    """A scratch root that plays one server."""

    repository: Path
    mock: Mock
    root: Path
    extra: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def __post_init__(self) -> None:
        self.stubs = self.root.parent / f"{self.root.name}-stubs"
        self.stubs.mkdir(parents=True)
        for stub in (self.repository / "local/stubs").iterdir():
            (self.stubs / stub.name).write_text(stub.read_text())
            (self.stubs / stub.name).chmod(0o755)

    def settings(self, **settings: str) -> None:
        """Write what Parameter Store told this server."""
        lines = [f'APP_{name.upper()}="{value}"\n' for name, value in settings.items()]
        self.env.parent.mkdir(parents=True, exist_ok=True)
        self.env.write_text("".join(lines))

    @property
    def env(self) -> Path:
        return self.root / "etc/shop/app.env"

    def setting(self, name: str) -> str:
        found = re.search(rf'^APP_{name.upper()}="(.*)"$', self.env.read_text(), re.MULTILINE)
        assert found is not None
        return found[1]

    def parts(self, *parts: str) -> int:
        """Run setup parts, as `servers/setup/run` does; the exit code of the last one."""
        self.output = ""
        code = 0
        for part in parts:
            done = subprocess.run(
                ["bash", str(self.repository / "servers/setup" / part)],
                env={
                    **self.mock.variables,
                    "BUNDLE": str(self.repository),
                    "PATH": f"{self.stubs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "ROOT": str(self.root),
                    "SETUP_ATTEMPTS": "2",
                    "SETUP_BACKOFF": "0",
                    "SETUP_PROJECT": "shop",
                    **self.extra,
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            self.output += done.stdout
            code = done.returncode
            if code:
                break
        return code

    def mount(self, share: Share) -> int:
        """Run all parts that lead to a mounted share."""
        self.settings(
            shared_access_point=share.access_point,
            shared_file_system=share.file_system,
            shared_folder="/srv/share",
        )
        return self.parts("install/15-share.sh", "release/60-share.sh", "configure/85-share.sh")

    @property
    def share(self) -> Path:
        return self.root / "srv/share"


def machine(repository: Path, mock: Mock, folder: Path, name: str = "one") -> Machine:
    return Machine(repository, mock, folder / "servers" / name)


@dataclass
class Application:
    """One process of the generated application, on a port of its own."""

    url: str
    process: subprocess.Popen[bytes]


class Applications:
    """Starts applications, and stops them in the end."""

    def __init__(self, repository: Path, python: Path, logs: Path) -> None:
        self.repository, self.python, self.logs = repository, python, logs
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, **settings: object) -> Application:
        port = free_port()
        command = [str(self.python), "-m", "uvicorn", "--factory", "app.main:create_app"]
        with (self.logs / f"{port}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port), "--no-access-log"],
                env={
                    **{k: v for k, v in os.environ.items() if not k.startswith(("APP_", "AWS_"))},
                    "APP_INSTANCE_ID": f"i-{port}",
                    "APP_ZONE": f"{REGION}a",
                    "AWS_EC2_METADATA_DISABLED": "true",
                    "PYTHONPATH": str(self.repository / "app/src"),
                    **{f"APP_{name.upper()}": str(value) for name, value in settings.items()},
                },
                stdout=log,
                stderr=log,
            )
        self.started.append(process)
        url = f"http://127.0.0.1:{port}"

        def up() -> bool:
            assert process.poll() is None, (self.logs / f"{port}.log").read_text()
            try:
                return ask(f"{url}/health")[0] == 200
            except OSError:
                return False

        assert until(60, up), (self.logs / f"{port}.log").read_text()
        return Application(url, process)

    def stop(self) -> None:
        for process in self.started:
            process.kill()
            process.wait(10)


@pytest.fixture
def applications(repository: Path, python: Path, tmp_path: Path) -> Iterator[Applications]:
    made = Applications(repository, python, tmp_path)
    yield made
    made.stop()


# The share on a server


def test_two_servers_mount_one_share_the_way_its_policy_wants_it(
    repository: Path, mock: Mock, tmp_path: Path
) -> None:
    """What one of them writes the other one has, and its application is told where."""
    share = make_share(mock)
    servers = [machine(repository, mock, tmp_path, name) for name in ("one", "two")]

    for server in servers:
        assert server.mount(share) == 0, server.output
        assert server.setting("shared_folder") == str(server.share)
        line = (server.root / "etc/fstab").read_text().split()
        assert line[:3] == [f"{share.file_system}:/", "/srv/share", "efs"]
        assert {"_netdev", "iam", "nofail", "noresvport", "tls"} <= set(line[3].split(","))
        assert f"accesspoint={share.access_point}" in line[3].split(",")
        wanted = server.root / "etc/systemd/system/multi-user.target.wants/share.service"
        assert wanted.is_symlink()
    (servers[0].share / "a.txt").write_text("of server one")

    assert (servers[1].share / "a.txt").read_text() == "of server one"
    assert (servers[1].share / ".share").exists()


def test_mounting_again_changes_nothing(repository: Path, mock: Mock, tmp_path: Path) -> None:
    """Other lines of /etc/fstab stay, and files on the share too."""
    server = machine(repository, mock, tmp_path)
    fstab = server.root / "etc/fstab"
    fstab.parent.mkdir(parents=True)
    fstab.write_text("UUID=1 / xfs defaults 1 1\n")
    share = make_share(mock)
    assert server.mount(share) == 0, server.output
    (server.share / "a.txt").write_text("1")
    before, env = fstab.read_text(), server.env.read_text()

    assert server.mount(share) == 0, server.output
    assert server.parts("configure/85-share.sh") == 0, server.output

    assert before.startswith("UUID=1 / xfs defaults 1 1\n")
    assert (fstab.read_text(), server.env.read_text()) == (before, env)
    assert (server.share / "a.txt").read_text() == "1"


def test_another_share_takes_the_place_of_the_one_before(
    repository: Path, mock: Mock, tmp_path: Path
) -> None:
    """There is one line for the mount point, whatever was mounted there."""
    server = machine(repository, mock, tmp_path)
    assert server.mount(make_share(mock)) == 0, server.output
    second = make_share(mock)

    assert server.mount(second) == 0, server.output

    lines = (server.root / "etc/fstab").read_text().splitlines()
    assert [line.split()[0] for line in lines] == [f"{second.file_system}:/"]


def test_a_server_that_cannot_mount_the_share_fails_its_setup(
    repository: Path, mock: Mock, tmp_path: Path
) -> None:
    """It asks again, says where to look, and leaves a mount point nobody can write into."""
    server = machine(repository, mock, tmp_path)

    code = server.mount(make_share(mock, mountable=False))

    assert code != 0
    assert "attempt 1 of 2 failed" in server.output
    assert "could not be mounted" in server.output
    assert "/var/log/amazon/efs" in server.output
    assert server.share.stat().st_mode & 0o777 == 0
    assert not list((server.root / "etc/systemd/system").rglob("*.wants/share.service"))


def test_a_share_that_comes_late_is_waited_for(
    repository: Path, mock: Mock, tmp_path: Path
) -> None:
    """The name of a new file system is not known at once."""
    server = machine(repository, mock, tmp_path)
    (server.stubs / "mount").rename(server.stubs / "mount-late")
    asked = tmp_path / "asked"
    once = f"[ -e {asked} ] || {{ touch {asked}; exit 32; }}"
    (server.stubs / "mount").write_text(f'#!/bin/sh\n{once}\nexec "$0-late" "$@"\n')
    (server.stubs / "mount").chmod(0o755)

    assert server.mount(make_share(mock)) == 0, server.output

    assert "attempt 1 of 2 failed" in server.output


def test_settings_without_a_share_fail_the_setup(
    repository: Path, mock: Mock, tmp_path: Path
) -> None:
    """Before anything is written."""
    server = machine(repository, mock, tmp_path)
    server.settings(shared_folder="/srv/share")

    assert server.parts("configure/85-share.sh") != 0

    assert "the settings name no share to mount" in server.output
    assert not (server.root / "etc/fstab").exists()


def test_what_stands_in_for_mounting_refuses_what_the_share_would_refuse(
    repository: Path, mock: Mock, tmp_path: Path
) -> None:
    """Without TLS, role or access point nothing is mounted, here as there."""
    server = machine(repository, mock, tmp_path)
    part = (repository / "servers/setup/configure/85-share.sh").read_text()
    share = make_share(mock)
    for option in ("tls,", "iam,", "noresvport,"):
        shutil.rmtree(server.root, ignore_errors=True)
        (server.root / "bundle").mkdir(parents=True)
        shutil.copytree(repository / "servers", server.root / "bundle/servers")
        changed = server.root / "bundle/servers/setup/configure/85-share.sh"
        changed.write_text(part.replace(option, ""))
        server.extra["BUNDLE"] = str(server.root / "bundle")
        server.settings(
            shared_access_point=share.access_point,
            shared_file_system=share.file_system,
            shared_folder="/srv/share",
        )
        assert server.parts("release/60-share.sh") == 0, server.output
        done = subprocess.run(
            ["bash", str(changed)],
            env={
                **server.mock.variables,
                **server.extra,
                "PATH": f"{server.stubs}:{os.environ['PATH']}",
                "ROOT": str(server.root),
                "SETUP_ATTEMPTS": "1",
                "SETUP_PROJECT": "shop",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0, option
        assert "a share is of type efs" in done.stderr


# The units


def verify(folder: Path, units: Sequence[str]) -> str:
    """What systemd says of the units in a scratch root."""
    done = subprocess.run(
        [need("systemd-analyze"), "verify", f"--root={folder}", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def unit_root(repository: Path, folder: Path) -> Path:
    """A root in which the programs that the units name are there."""
    units = folder / "etc/systemd/system"
    shutil.copytree(repository / "servers/systemd", units)
    for program in ("bin/sh", "opt/shop/current/venv/bin/python", "usr/bin/systemctl"):
        (folder / program).parent.mkdir(parents=True, exist_ok=True)
        (folder / program).write_text("#!/bin/sh\n")
        (folder / program).chmod(0o755)
    for target in ("basic", "multi-user", "network-online", "network", "shutdown", "sysinit"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=there\n")
    return folder


def test_systemd_takes_the_units_and_the_application_waits_for_the_share(
    repository: Path, tmp_path: Path
) -> None:
    """The drop-in belongs to the application's unit, and names the unit of the mount point."""
    root = unit_root(repository, tmp_path)

    assert verify(root, ["app.service", "share.service"]) == ""

    escape = [need("systemd-escape"), "--path", "--suffix=mount", "/srv/share"]
    unit = subprocess.run(escape, capture_output=True, text=True, check=True).stdout.strip()
    drop_in = (root / "etc/systemd/system/app.service.d/share.conf").read_text()
    assert f"\nAfter={unit}\n" in drop_in
    assert "\nReadWritePaths=/srv\n" in drop_in
    assert f"systemctl start {unit}" in (root / "etc/systemd/system/share.service").read_text()


def test_systemd_would_refuse_a_broken_unit(repository: Path, tmp_path: Path) -> None:
    """The check above can fail."""
    root = unit_root(repository, tmp_path)
    drop_in = root / "etc/systemd/system/app.service.d/share.conf"
    drop_in.write_text(drop_in.read_text() + "ReadWritePath=/srv\n")

    assert "ReadWritePath" in verify(root, ["app.service"])


# The application


def test_two_processes_see_each_others_files_at_once(
    applications: Applications, tmp_path: Path
) -> None:
    """A file goes in at one and comes out at the other, whole, also while it is replaced."""
    share = tmp_path / "share"
    share.mkdir()
    one, two = (applications.start(shared_folder=share) for _ in range(2))

    assert ask(f"{one.url}/shared/a.bin", "PUT", b"1" * 500_000) == (204, b"")
    assert ask(f"{two.url}/shared/a.bin") == (200, b"1" * 500_000)
    assert [file["name"] for file in told(f"{two.url}/shared")] == ["a.bin"]
    for number in range(2, 10):
        content = str(number).encode() * 500_000
        assert ask(f"{two.url}/shared/a.bin", "PUT", content)[0] == 204
        assert ask(f"{one.url}/shared/a.bin") == (200, content)
    assert ask(f"{two.url}/shared/a.bin", "DELETE")[0] == 204
    assert ask(f"{one.url}/shared/a.bin")[0] == 404


def test_a_process_that_is_killed_while_it_receives_leaves_no_part(
    applications: Applications, tmp_path: Path
) -> None:
    """The other process goes on with the file as it was."""
    share = tmp_path / "share"
    share.mkdir()
    one, two = (applications.start(shared_folder=share) for _ in range(2))
    assert ask(f"{two.url}/shared/a.bin", "PUT", b"old")[0] == 204
    port = int(one.url.rpartition(":")[2])

    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"PUT /shared/a.bin HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nnew")
        time.sleep(0.5)
        one.process.kill()
        one.process.wait(10)

    assert ask(f"{two.url}/shared/a.bin") == (200, b"old")
    assert [file["name"] for file in told(f"{two.url}/shared")] == ["a.bin"]


def test_a_share_that_is_lost_takes_no_server_with_it_and_comes_back(
    applications: Applications, tmp_path: Path
) -> None:
    """Requests for files are refused, all others answered; nothing needs a restart."""
    share = tmp_path / "share"
    share.mkdir()
    server = applications.start(shared_folder=share)
    assert ask(f"{server.url}/shared/a", "PUT", b"1")[0] == 204
    share.rename(tmp_path / "away")
    share.write_text("no folder any more")

    assert ask(f"{server.url}/shared/a")[0] == 503
    assert ask(f"{server.url}/shared/b", "PUT", b"1")[0] == 503
    assert ask(f"{server.url}/health")[0] == 200
    assert b"the share is silent" in ask(server.url)[1]

    share.unlink()
    (tmp_path / "away").rename(share)
    assert ask(f"{server.url}/shared/a") == (200, b"1")


# A copy of it on each server


@pytest.fixture(scope="module")
def with_replica(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("rsync")
    return write(resolved("nfs_replica"), tmp_path_factory.mktemp("replica") / "shop")


class Copying:
    """Servers that follow a share, as their setup parts left them."""

    def __init__(self, repository: Path, mock: Mock, python: Path, folder: Path) -> None:
        self.repository, self.mock, self.python, self.folder = repository, mock, python, folder
        self.share = make_share(mock)
        self.started: list[Machine] = []

    @property
    def files(self) -> Path:
        return self.folder / f"shares/{self.share.file_system}-{self.share.access_point}"

    def mounted(self, name: str) -> Machine:
        """A server with its release, its settings and its share, but without a copy yet."""
        server = machine(self.repository, self.mock, self.folder, name)
        self.started.append(server)
        current = server.root / "opt/shop/current"
        current.mkdir(parents=True)
        (current / "venv").symlink_to(self.python.parent.parent)
        (current / "app").symlink_to(self.repository / "app")
        server.extra["SYSTEMCTL_PASS"] = " ".join(n for n in self.mock.variables if "AWS_" in n)
        server.settings(
            replica_folder="/srv/replica",
            replica_interval_seconds="1",
            replica_metric_namespace=f"shop-{name}/replica",
            shared_access_point=self.share.access_point,
            shared_file_system=self.share.file_system,
            shared_folder="/srv/share",
            shared_read_folder="/srv/replica/current",
        )
        parts = ("release/60-share.sh", "release/65-replica.sh", "configure/85-share.sh")
        assert server.parts(*parts) == 0, server.output
        return server

    def server(self, name: str) -> Machine:
        """A server that follows the share."""
        server = self.mounted(name)
        assert server.parts("configure/87-replica.sh") == 0, server.output
        return server

    def systemctl(self, server: Machine, *words: str) -> int:
        command = [sys.executable, str(server.stubs / "systemctl"), *words]
        variables = {**self.mock.variables, **server.extra, "ROOT": str(server.root)}
        return subprocess.run(command, env=variables, check=False).returncode

    def stop(self) -> None:
        for server in self.started:
            self.systemctl(server, "stop", "replica.service")


@pytest.fixture
def copying(with_replica: Path, mock: Mock, python: Path, tmp_path: Path) -> Iterator[Copying]:
    made = Copying(with_replica, mock, python, tmp_path)
    yield made
    made.stop()


def settings_of(server: Machine) -> dict[str, object]:
    """What the application of this server is started with."""
    found = re.findall(r'^APP_(\w+)="(.*)"$', server.env.read_text(), re.MULTILINE)
    return {name.lower(): value for name, value in found}


def test_a_new_server_has_every_file_before_its_application_starts(copying: Copying) -> None:
    """The setup part ends with a whole copy, in a folder only root and the application enter."""
    copying.mounted("first")
    (copying.files / "a.txt").write_text("1")

    server = copying.server("second")

    copy = server.root / "srv/replica/current"
    assert server.setting("shared_read_folder") == str(copy)
    assert [path.name for path in copy.iterdir()] == ["a.txt"]
    assert (copy / "a.txt").read_text() == "1"
    assert (server.root / "srv/replica").stat().st_mode & 0o777 == 0o750
    assert copying.systemctl(server, "is-active", "replica.service") == 0
    wanted = server.root / "etc/systemd/system/multi-user.target.wants/replica.service"
    assert wanted.is_symlink()


def test_a_new_server_without_the_share_fails_its_setup(copying: Copying) -> None:
    """It has nothing to serve, so it must not take requests."""
    server = copying.mounted("first")
    shutil.rmtree(copying.files)

    assert server.parts("configure/87-replica.sh") != 0

    assert "this server has no files to serve" in server.output
    assert not (server.root / "srv/replica/current").exists()
    assert copying.systemctl(server, "is-active", "replica.service") != 0


def test_setting_up_again_changes_nothing_and_goes_on_copying(copying: Copying) -> None:
    server = copying.server("first")
    before = server.env.read_text()

    assert server.parts("configure/85-share.sh", "configure/87-replica.sh") == 0, server.output

    assert server.env.read_text() == before
    assert copying.systemctl(server, "is-active", "replica.service") == 0
    (copying.files / "a.txt").write_text("1")
    copy = server.root / "srv/replica/current/a.txt"
    assert until(20, copy.exists)


def test_two_servers_read_their_copies_and_write_to_the_share(
    copying: Copying, python: Path, tmp_path: Path
) -> None:
    """What one writes the other reads a moment later, and goes on reading without the share."""

    def shows(url: str, content: bytes) -> bool:
        return ask(f"{url}/shared/a.txt") == (200, content)

    servers = [copying.server(name) for name in ("one", "two")]
    applications = Applications(copying.repository, python, tmp_path)
    try:
        one, two = (applications.start(**settings_of(server)) for server in servers)

        assert ask(f"{one.url}/shared/a.txt", "PUT", b"first")[0] == 202
        assert (copying.files / "a.txt").read_bytes() == b"first"
        for url in (one.url, two.url):
            assert until(20, partial(shows, url, b"first"))
        assert ask(f"{two.url}/shared/a.txt", "PUT", b"second")[0] == 202
        assert until(20, partial(shows, one.url, b"second"))
        assert until(20, partial(shows, two.url, b"second"))

        away = copying.files.rename(copying.folder / "away")
        age = told(f"{two.url}/replica")["age_seconds"]
        assert until(20, lambda: told(f"{two.url}/replica")["age_seconds"] > age + 3)
        for url in (one.url, two.url):
            assert ask(f"{url}/shared/a.txt") == (200, b"second")
            assert ask(f"{url}/shared/b.txt", "PUT", b"1")[0] == 503
            assert ask(f"{url}/health")[0] == 200
        log = (servers[1].root / "var/log/replica.service.log").read_text()
        failed = [json.loads(line) for line in log.splitlines() if '"ERROR"' in line]
        assert {each["message"] for each in failed} == {"the share was not copied"}

        away.rename(copying.files)
        assert ask(f"{one.url}/shared/a.txt", "DELETE")[0] == 202
        assert until(20, lambda: ask(f"{two.url}/shared/a.txt")[0] == 404)
        assert until(20, lambda: told(f"{two.url}/replica")["age_seconds"] < 3)
    finally:
        applications.stop()


def test_the_age_of_the_copy_is_told_to_cloudwatch(copying: Copying) -> None:
    """By the service and not by the application, which may be at rest."""
    copying.server("gauge")
    cloudwatch = copying.mock.client("cloudwatch")

    def metrics() -> list[Any]:
        return list(cloudwatch.list_metrics(Namespace="shop-gauge/replica")["Metrics"])

    assert until(30, metrics)[0]["MetricName"] == "AgeSeconds"


def test_systemd_takes_the_unit_that_copies(with_replica: Path, tmp_path: Path) -> None:
    root = unit_root(with_replica, tmp_path)

    assert verify(root, ["replica.service", "app.service", "share.service"]) == ""

    # A server that starts again reads its last copy; it waits for no new one.
    drop_ins = (root / "etc/systemd/system/app.service.d").iterdir()
    assert "replica" not in "".join(path.read_text() for path in drop_ins)


# In a repository


def test_content_is_kept_equal_the_way_that_was_chosen() -> None:
    """The share needs some kind of server, the copies need the share, and both fill one slot."""
    catalog = TEMPLATE.catalog

    def members(wish: list[str], **choices: str) -> tuple[set[str], str]:
        answer = resolve(catalog, wish, choices)
        assert isinstance(answer, Resolution)
        return set(answer.members), answer.slots["content_sync"]

    alone = resolved("nfs_sharing")
    assert alone.slots["any_server"] == "fleet"
    assert "servers" in alone.members
    assert "nfs_replica" not in alone.members
    assert {"nfs_sharing", "servers"} <= set(resolved("nfs_replica").members)
    plain, release = members(["multi_server"])
    assert release == "release"
    assert not {"nfs_replica", "nfs_sharing"} & plain
    shared, _ = members(["multi_server"], content_sync="share")
    assert "nfs_sharing" in shared
    assert "nfs_replica" not in shared
    copied, _ = members(["multi_server"], content_sync="replica")
    assert {"nfs_replica", "nfs_sharing"} <= copied
    assert members(["multi_server", "nfs_sharing"])[0] == shared
    assert members(["multi_server", "nfs_replica"])[0] == copied


@pytest.mark.slow("nfs_sharing", "nfs_replica")
@needs_terraform
@pytest.mark.parametrize("wish", [["nfs_sharing"], ["nfs_replica", "stamp", "multi_datacenter"]])
def test_the_local_stack_comes_up_settles_and_shares_files(wish: list[str], tmp_path: Path) -> None:
    """`make local` ends with an empty second plan and files that two servers share."""
    need("rsync")
    folder = write(resolved(*wish), tmp_path / "shop")

    try:
        shown = make(folder, "local")

        assert "read the same there after" in shown
        assert ("the share is gone: all read on" in shown) is ("nfs_replica" in wish)
        second = shown.partition("second plan\n")[2].partition("step ")[0]
        assert "nfs_" not in second
        for server in json.loads((folder / ".local/servers.json").read_text()):
            copy = Path(server["root"]) / "srv/replica/current/copied.txt"
            assert copy.exists() is ("nfs_replica" in wish)
    finally:
        shown = make(folder, "local-down")
    assert "nothing is left" in shown
    assert not (folder / ".local/shares").exists()
