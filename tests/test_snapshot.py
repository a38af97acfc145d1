"""Holding a disk still for its copy: it always ends, and a copy that was not held still says so.

Each test runs with a stand-in that remembers what is frozen; and, where this machine may use loop
devices, with the kernel's own freeze of a file system that is really mounted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import client_of, make
from tests.machine import needs_terraform, program
from tests.repositories import write
from tests.test_ondemand_disk import MIB, MOUNT, SBIN, on_a_loop_device, output, unmount

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
SCRIPT = ROOT / "blueprints/{{use.snapshot}}/infra/snapshot/freeze.sh"

FSFREEZE = """\
#!/bin/bash
# As the kernel does it: to thaw what is not frozen is an error, and so is freezing twice.
marker={folder}/frozen/$(basename "$2")
case $1 in
  --freeze) [[ ! -e $marker ]] && touch "$marker" ;;
  --unfreeze) rm "$marker" 2>/dev/null ;;
esac
"""

SYSTEMD_RUN = """\
#!/bin/bash
# Runs a program out of reach of whoever asked for it, as a service that is gone when it has ended.
for word; do
  case $word in
    --unit=*) unit=${{word#--unit=}}.service ;;
    --*) ;;
    *) break ;;
  esac
  shift
done
[[ ! -e {folder}/units/$unit ]] || exit 1
setsid bash -c 'echo "$$" >"$0"; "$@"; rm -f "$0"' \
  {folder}/units/"$unit" "$@" </dev/null &>/dev/null &
until [[ -s {folder}/units/$unit ]]; do sleep 0.01; done
"""

SYSTEMCTL = """\
#!/bin/bash
# Knows how to stop a service, with all its processes.
[[ $1 == stop && -e {folder}/units/$2 ]] || exit 5
kill -KILL -- -"$(<{folder}/units/"$2")"
rm -f {folder}/units/"$2"
"""


@dataclass
class Server:
    """A machine with a disk at /data, and the script that holds it still."""

    folder: Path
    real: bool

    @property
    def place(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "FREEZE_SECONDS": "2",
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}:{SBIN}",
        }

    def run(self, command: str, *places: Path) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", str(SCRIPT), command, *map(str, places or [self.place])],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=20,
        )
        return done.returncode, done.stdout

    @property
    def frozen(self) -> bool:
        """Whether a write waits."""
        if not self.real:
            return (self.folder / "frozen/data").exists()
        writing = threading.Thread(target=(self.place / "written").write_text, args=["x"])
        writing.daemon = True
        writing.start()
        writing.join(0.3)
        return writing.is_alive()

    @property
    def guarded(self) -> bool:
        return any((self.folder / "units").iterdir())

    def thaws_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while frozen := self.frozen:
            if time.monotonic() > end:
                break
            time.sleep(0.05)
        return not frozen

    def stub(self, name: str, text: str) -> None:
        program(self.folder / "bin", name, text.format(folder=self.folder))


@pytest.fixture(params=["real", "stub"])
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    for name in ("bin", "data", "frozen", "units"):
        (tmp_path / name).mkdir()
    made = Server(tmp_path, request.param == "real")
    made.stub("systemd-run", SYSTEMD_RUN)
    made.stub("systemctl", SYSTEMCTL)
    loop = None
    if made.real:
        file = tmp_path / "volume"
        with file.open("wb") as new:
            new.truncate(32 * MIB)
        output("mkfs.ext4", "-q", file)
        loop = on_a_loop_device(file, MOUNT)
        if loop is None:
            pytest.skip("this machine mounts no loop devices; the same is shown with a stand-in")
        output("mount", loop, made.place)
    else:
        made.stub("fsfreeze", FSFREEZE)
        made.stub("mountpoint", "#!/bin/bash\n[[ $2 == */data || $2 == */more ]]\n")
    try:
        yield made
    finally:
        for unit in (tmp_path / "units").iterdir():
            # It may end by itself just now.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.killpg(int(unit.read_text()), signal.SIGKILL)
        if loop:
            with contextlib.suppress(subprocess.CalledProcessError):  # most are thawed
                output("fsfreeze", "--unfreeze", made.place)
            unmount(made.place)
            output("losetup", "--detach", loop)


def test_the_disk_is_still_between_the_two_scripts_and_no_longer(server: Server) -> None:
    code, said = server.run("pre-script")
    assert code == 0, said
    assert server.frozen
    assert server.guarded

    code, said = server.run("post-script")

    assert code == 0, said
    assert server.thaws_within(1)
    assert not server.guarded


def test_the_disk_goes_on_by_itself_where_nobody_ends_the_copy(server: Server) -> None:
    """And the copy is told not to be a good one."""
    server.run("pre-script")
    assert server.frozen

    assert server.thaws_within(6)

    code, said = server.run("post-script")
    assert code == 1
    assert "did not stay frozen for the copy, so files in it may be half-written" in said


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_disk_goes_on_where_the_script_is_killed_right_after_it_froze(
    server: Server, number: signal.Signals
) -> None:
    real = shutil.which("fsfreeze", path=f"{os.environ['PATH']}:{SBIN}") if server.real else ""
    if not server.real:
        (server.folder / "bin/fsfreeze").rename(server.folder / "bin/real-fsfreeze")
        real = "real-fsfreeze"
    server.stub(
        "fsfreeze",
        f'#!/bin/bash\n{real} "$@" || exit\n[[ $1 != --freeze ]] || kill -{number.value} "$PPID"\n',
    )

    code, _ = server.run("pre-script")

    assert code == -number
    assert server.frozen or number == signal.SIGTERM
    assert server.thaws_within(6)


def test_the_disk_goes_on_where_it_could_not_be_frozen_whole(server: Server) -> None:
    """The first of two is thawed at once when the second refuses."""
    if server.real:
        pytest.skip("shown with a stand-in")
    (server.folder / "more").mkdir()
    (server.folder / "frozen/more").touch()
    (server.folder / "bin/fsfreeze").rename(server.folder / "bin/other")
    # The second is held by somebody else, who does not let go.
    server.stub("fsfreeze", '#!/bin/bash\n[[ $2 != */more ]] || exit 1\nexec other "$@"\n')

    code, _ = server.run("pre-script", server.place, server.folder / "more")

    assert code == 1
    assert not server.frozen


def test_a_freeze_that_takes_longer_than_it_may_last_is_ended_when_it_is_done(
    server: Server,
) -> None:
    if server.real:
        pytest.skip("shown with a stand-in")
    (server.folder / "bin/fsfreeze").rename(server.folder / "bin/other")
    server.stub("fsfreeze", '#!/bin/bash\n[[ $1 != --freeze ]] || sleep 3\nexec other "$@"\n')

    server.run("pre-script")

    assert server.thaws_within(6)


def test_a_run_that_was_killed_does_not_spoil_the_next_one(server: Server) -> None:
    server.run("pre-script")

    code, said = server.run("pre-script")

    assert code == 0, said
    assert server.frozen
    assert server.run("post-script")[0] == 0


def test_a_disk_that_is_not_mounted_leaves_the_system_alone(server: Server) -> None:
    """Else the file system that the folder is in would be frozen."""
    (server.folder / "folder").mkdir()
    server.stub("fsfreeze", "#!/bin/bash\ntouch {folder}/called\n")

    code, said = server.run("pre-script", server.folder / "folder")

    assert code == 1
    assert "is not mounted; nothing was done" in said
    assert not (server.folder / "called").exists()


def test_a_rehearsal_freezes_nothing(server: Server) -> None:
    code, said = server.run("dry-run")

    assert code == 0, said
    assert not server.frozen


@pytest.mark.slow("snapshot", "ondemand_disk")
@needs_terraform
def test_terraform_makes_the_disk_from_a_copy_and_goes_on(tmp_path: Path) -> None:
    """The new disk is the copy; without the variable nothing changes any more."""
    answer = resolve(TEMPLATE.catalog, ["snapshot"], {})
    assert isinstance(answer, Resolution)
    folder = tmp_path / "shop"
    write(folder, {path: text.decode() for path, text in TEMPLATE.tree(answer).items()})
    settings = folder / "infra/terraform.tfvars"

    def volumes(ec2: Any) -> list[Any]:
        told = json.loads((folder / ".local/terraform.tfstate").read_text())
        ids = told["outputs"]["ondemand_disk_volume_ids"]["value"]
        return list(ec2.describe_volumes(VolumeIds=ids)["Volumes"])

    try:
        make(folder, "local")
        ec2 = client_of(folder, "ec2", "us-east-1")
        [before] = volumes(ec2)
        copy = ec2.create_snapshot(VolumeId=before["VolumeId"])["SnapshotId"]

        settings.write_text(f'ondemand_disk_snapshot_ids = {{ "01" = "{copy}" }}\n')
        with pytest.raises(AssertionError, match=r"second plan\n  empty\nstep 50-boot"):
            make(folder, "local")  # the server was stopped for it, so none could be booted

        [after] = volumes(ec2)
        assert after["SnapshotId"] == copy
        assert after["VolumeId"] != before["VolumeId"]
        assert after["Size"] >= before["Size"]
        server = after["Attachments"][0]["InstanceId"]
        assert server == before["Attachments"][0]["InstanceId"]

        ec2.start_instances(InstanceIds=[server])
        settings.unlink()
        assert "nothing to change" in make(folder, "local")
        assert volumes(ec2)[0]["VolumeId"] == after["VolumeId"]
    finally:
        assert "nothing is left" in make(folder, "local-down")
