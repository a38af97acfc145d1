"""The script that makes, mounts and grows the data disk, on real file systems in files.

Each test runs on a plain file that is grown unmounted, with a stand-in for `mount`; and, where this
machine may use loop devices, on one that is really mounted and grown in use.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.machine import program, until
from tests.test_standalone_server import listening, part

ROOT = Path(__file__).parent.parent
PARTS = ROOT / "blueprints/{{use.ondemand_disk}}/servers/setup/configure"
SCRIPT = PARTS / "ondemand_disk/grow-data.sh"
VOLUME = "vol-0123456789abcdef0"
MIB = 1024 * 1024
SBIN = "/usr/sbin:/sbin"


def output(*command: object) -> str:
    return subprocess.run(
        [str(each) for each in command],
        env={**os.environ, "PATH": f"{os.environ['PATH']}:{SBIN}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@dataclass
class Disk:
    """A volume as the server sees it, and the script for it."""

    folder: Path
    file: Path
    device: Path
    mounts: bool

    @property
    def place(self) -> Path:
        return self.folder / "data"

    def run(self) -> tuple[int, str]:
        path = f"{os.environ['PATH']}:{SBIN}"
        done = subprocess.run(
            ["bash", str(SCRIPT)],
            env={
                **os.environ,
                "BY_ID": str(self.folder / "by-id"),
                "MOUNT_POINT": str(self.place),
                "PATH": path if self.mounts else f"{self.folder / 'bin'}:{path}",
                "VOLUMES": VOLUME,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def grow(self, mib: int) -> None:
        with self.file.open("r+b") as file:
            file.truncate(mib * MIB)
        if self.mounts:
            output("losetup", "--set-capacity", self.device)

    def write(self, position: int, data: bytes) -> None:
        """As a program does that uses the disk without a file system."""
        with self.device.open("r+b") as file:
            file.seek(position)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    @property
    def file_system_bytes(self) -> int:
        told = dict(
            line.split(":", 1)
            for line in output("dumpe2fs", "-h", self.device).splitlines()
            if line.startswith(("Block count:", "Block size:"))
        )
        return int(told["Block count"]) * int(told["Block size"])

    @property
    def id(self) -> str:
        return output("blkid", "--probe", "--output", "value", "--match-tag", "UUID", self.device)


MOUNT, RESIZE_IN_USE = 21, 24
"""Numbers of the two capabilities it takes, as the kernel counts them."""


def may(*capabilities: int) -> bool:
    """Whether the kernel lets this process do so; root of a container often may not."""
    status = Path("/proc/self/status")
    if not status.exists():
        return False
    [effective] = [line for line in status.read_text().splitlines() if line.startswith("CapEff:")]
    granted = int(effective.split()[1], 16)
    return all(granted >> each & 1 for each in capabilities)


def on_a_loop_device(file: Path, *capabilities: int) -> Path | None:
    """The loop device of a file; nothing where this machine gives none, or lets nobody use it."""
    if not may(*capabilities):
        return None
    try:
        return Path(output("losetup", "--find", "--show", file).strip())
    except (OSError, subprocess.CalledProcessError):
        return None


def unmount(place: Path) -> None:
    """Once whoever still holds a file there has let go; an error where nobody does for 10 s."""

    def gone() -> bool:
        subprocess.run(["umount", str(place)], check=False, capture_output=True)
        return not os.path.ismount(place)

    assert not os.path.ismount(place) or until(10, gone), f"{place} is still mounted"


@pytest.fixture(params=["mounted", "plain"])
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Disk]:
    """An empty volume, each way: as a device that is mounted, and as a plain file."""
    file = tmp_path / "volume"
    with file.open("wb") as new:
        new.truncate(32 * MIB)
    loop = None
    if request.param == "mounted":
        loop = on_a_loop_device(file, MOUNT, RESIZE_IN_USE)
        if loop is None:
            pytest.skip("this machine mounts no loop devices; the same is shown on a plain file")
    (tmp_path / "by-id").mkdir()
    name = f"nvme-Amazon_Elastic_Block_Store_{VOLUME.replace('-', '')}"
    (tmp_path / "by-id" / name).symlink_to(loop or file)
    for stub, text in {
        "mount": f"touch {tmp_path}/mounted",
        "mountpoint": f"test -e {tmp_path}/mounted",
    }.items():
        program(tmp_path / "bin", stub, f"#!/bin/sh\n{text}\n")
    made = Disk(tmp_path, file, loop or file, mounts=loop is not None)
    yield made
    if loop:
        unmount(made.place)
        output("losetup", "--detach", loop)


def test_an_empty_volume_gets_a_file_system_and_is_mounted(disk: Disk) -> None:
    code, said = disk.run()

    assert code == 0, said
    assert "made a file system" in said and "mounted" in said
    assert disk.file_system_bytes >= 31 * MIB
    if disk.mounts:
        assert os.path.ismount(disk.place)


def test_a_second_run_does_nothing(disk: Disk) -> None:
    disk.run()
    before = disk.id

    assert disk.run() == (0, "")
    assert disk.id == before


def test_a_larger_volume_is_filled_once_and_keeps_its_files(disk: Disk) -> None:
    disk.run()
    if disk.mounts:
        (disk.place / "kept").write_text("data")
    before = disk.id
    disk.grow(64)

    code, said = disk.run()

    assert (code, said.count("grew the file system")) == (0, 1), said
    assert disk.file_system_bytes >= 63 * MIB
    assert disk.id == before
    assert disk.run() == (0, "")
    if disk.mounts:
        assert (disk.place / "kept").read_text() == "data"


def test_a_disk_that_is_not_understood_is_left_alone(disk: Disk) -> None:
    output("mkswap", disk.device)
    before = disk.file.read_bytes()

    code, said = disk.run()

    assert code == 1
    assert "holds neither ext4 nor xfs but swap; it was left alone" in said
    assert disk.file.read_bytes() == before


def test_a_disk_of_which_two_things_are_known_is_left_alone(disk: Disk) -> None:
    """To blkid it is neither of them, which must not count as empty."""
    output("mkfs.ext4", "-q", disk.device)
    disk.write(0, b"hsqs")  # the other one: a squashfs of version 4, before the ext4 begins
    disk.write(28, b"\x04\x00\x00\x00")
    before = disk.file.read_bytes()

    code, said = disk.run()

    assert code == 1
    assert f"it is not clear what {disk.device} holds" in said
    assert "it was left alone" in said
    assert disk.file.read_bytes() == before


def test_a_disk_with_data_of_nobody_knows_what_is_left_alone(disk: Disk) -> None:
    """Such as one whose file system lost its beginning, or a database without a file system."""
    disk.write(MIB - 4, b"data")
    before = disk.file.read_bytes()

    code, said = disk.run()

    assert code == 1
    assert "holds neither ext4 nor xfs but something else; it was left alone" in said
    assert disk.file.read_bytes() == before


def test_a_disk_that_cannot_be_read_is_left_alone(disk: Disk) -> None:
    """To blkid it is as good as empty; a folder is what not even root can read as a disk."""
    [link] = (disk.folder / "by-id").iterdir()
    link.unlink()
    link.symlink_to(disk.folder)
    program(disk.folder / "bin", "mkfs.ext4", "#!/bin/sh\n")

    code, said = disk.run()

    assert code == 1
    assert "it was left alone" in said
    assert "made a file system" not in said


def test_a_volume_that_is_not_attached_is_told(disk: Disk) -> None:
    for link in (disk.folder / "by-id").iterdir():
        link.unlink()

    code, said = disk.run()

    assert code == 1
    assert f"{VOLUME} is not attached to this server" in said


@dataclass
class Stripe:
    """Two volumes, and a stand-in for LVM that writes down what was to be changed."""

    folder: Path
    volumes: tuple[str, ...] = ("vol-0aa", "vol-0bb")

    def __post_init__(self) -> None:
        (self.folder / "by-id").mkdir()
        for volume in self.volumes:
            (self.folder / volume).write_bytes(b"")
            link = f"nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}"
            (self.folder / "by-id" / link).symlink_to(self.folder / volume)

    def run(self, **answers: str) -> list[str]:
        """Run the script; each program answers as told here, or writes down its words."""
        said = self.folder / "said"
        looks = ("pvs", "vgs", "lvs")
        changes = ("pvcreate", "pvresize", "vgcreate", "vgchange", "lvcreate", "lvextend")
        # In LVM's list a volume that took another's place is missing, and a copy of both may stand
        # beside them: it is to know these two, and no others.
        known = ",".join(str(self.folder / volume) for volume in self.volumes)
        only_these = f'[ "$1 $2" = "--devices {known}" ] || exit 9; shift 2\n'
        stubs = {
            **dict.fromkeys((*looks, "mountpoint"), "exit 0"),
            **{
                name: f'echo "{name} $*" >>{said}'
                for name in (*changes, "mkfs.ext4", "resize2fs", "xfs_growfs")
            },
            **answers,
        }
        for name, text in stubs.items():
            first = only_these if name in looks + changes else ""
            program(self.folder / "bin", name, f"#!/bin/sh\n{first}{text}\n")
        subprocess.run(
            ["bash", str(SCRIPT)],
            env={
                "BY_ID": str(self.folder / "by-id"),
                "MOUNT_POINT": str(self.folder / "data"),
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "VOLUMES": " ".join(self.volumes),
            },
            check=True,
        )
        return said.read_text().splitlines()


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@pytest.mark.parametrize("grown", [False, True])
def test_a_stripe_grows_over_all_its_volumes_once(tmp_path: Path, grown: bool, kind: str) -> None:
    """And nothing is asked to change where nothing grew: LVM keeps a file of each such attempt."""
    stripe = Stripe(tmp_path)
    gib = 1024 * MIB
    has = 10 * gib - 4 * MIB  # LVM keeps some for itself, and takes whole parts only

    said = stripe.run(
        blkid=f'case "$*" in *data/data*TYPE|*TYPE*data/data) echo {kind};; *PTTYPE*) exit 2;; '
        "*) echo LVM2_member;; esac",
        pvs=f"echo '  {(20 if grown else 10) * gib} {has}'",
        vgs=f'case "$*" in *vg_free_count*) echo {5120 if grown else 0};; esac',
        dumpe2fs="printf 'Block count: 10\\nBlock size: 4096\\n'",
        xfs_info="echo 'data     =                 bsize=4096   blocks=10, imaxpct=25'",
        blockdev=f"grep -q lvextend {tmp_path}/said && echo 33595392 || echo 40960",
    )

    expected = ["vgchange --quiet --activate y data"]
    if grown:
        fills = {"ext4": "resize2fs /dev/data/data", "xfs": f"xfs_growfs {tmp_path / 'data'}"}
        expected = [
            *(f"pvresize --quiet {tmp_path / volume}" for volume in stripe.volumes),
            *expected,
            "lvextend --quiet --extents +100%FREE data/data",
            fills[kind],
        ]
    assert said == expected


# Which server has it


def set_up(root: Path, **variables: str) -> tuple[int, str]:
    """Run the setup part for it as a server does that knows its name by its metadata alone."""
    bundle = root / "bundle"
    shutil.copytree(PARTS, bundle / "servers/setup/configure")
    shutil.copy(ROOT / "blueprints/{{use.setup}}/servers/setup/lib.sh", bundle / "servers/setup")
    return part(
        bundle,
        "65-ondemand-disk.sh",
        root / "server",
        AWS_EC2_METADATA_DISABLED="false",
        ONDEMAND_DISK_SERVER="shop-dev-standalone-server-main",
        ONDEMAND_DISK_VOLUMES=VOLUME,
        SETUP_ATTEMPTS="2",
        SETUP_BACKOFF="0",
        **variables,
    )


@pytest.mark.parametrize(("name", "has_it"), [("main", True), ("spare", False)])
def test_only_the_server_that_has_the_disk_waits_for_it(
    tmp_path: Path, name: str, has_it: bool
) -> None:
    """A spare is told the same, and has neither its folder nor anything that looks for it."""
    with listening(name=f"shop-dev-standalone-server-{name}") as port:
        code, said = set_up(tmp_path, AWS_EC2_METADATA_SERVICE_ENDPOINT=f"http://127.0.0.1:{port}")

    assert code == 0, said
    server = tmp_path / "server"
    there = {str(each.relative_to(server)) for each in server.rglob("*") if each.is_file()}
    assert (server / "data").is_dir() is has_it
    assert ("etc/systemd/system/grow-data.timer" in there) is has_it
    assert has_it or not there
    assert ("nothing to do" in said) is not has_it


def test_a_server_that_does_not_know_which_one_it_is_fails_its_setup(tmp_path: Path) -> None:
    """It would keep on its system disk what belongs on the data disk."""
    with listening() as port:
        code, said = set_up(tmp_path, AWS_EC2_METADATA_SERVICE_ENDPOINT=f"http://127.0.0.1:{port}")

    assert code == 1
    assert "EC2 does not say which server this is" in said
    assert not (tmp_path / "server").exists()
