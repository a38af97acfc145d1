"""A copy of the shared folder on this server's own disk, made again and again.

    python -m app.replica         follow the share for ever, as the service does
    python -m app.replica once    copy it once; the exit code is 1 if that failed

A copy is a folder of its own, named after its time, in which unchanged files are hard links to
those of the copy before. The link `current` goes over to it when it is complete, so whoever
reads through it never meets a part of a change. A share that is lost, empty because nobody
mounted it, or silent leaves the last good copy where it is.
"""

import fcntl
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from pydantic import Field

from app import logs
from app.gauge import Gauge
from app.settings import FeatureSettings, Settings

log = logging.getLogger(__name__)

MARK = ".share"
"""Lies on every share; a folder without it is a mount point that nothing is mounted on."""

RSYNC = (
    "rsync",
    "--recursive",
    "--times",
    "--omit-dir-times",
    "--modify-window=-1",  # to the nanosecond: two writes within a second are two
    "--links",
    "--safe-links",
    "--perms",
    "--chmod=D755,F644",
    "--exclude=.*",  # half-written files, and what is not meant to be read
    "--info=nonreg0",  # a pipe is left out, and must not be told of as if it were a change
)

VANISHED = 24
"""How rsync ends where files were taken away while it ran; the next copy is without them."""

KEPT = 2
"""Copies that stay: the current one, and the one somebody may still be reading."""


class ReplicaSettings(FeatureSettings):
    """From where to where, and how often."""

    shared_folder: str
    """The share, as this server has it mounted."""

    replica_folder: str
    """The folder on this server's own disk that holds the copies."""

    replica_interval_seconds: int = Field(default=60, ge=1)
    """Seconds between two copies, give or take a fifth, so that servers do not ask in step."""

    replica_copy_seconds: int = Field(default=900, ge=1)
    """Seconds a copy may take; a share that takes longer counts as lost."""

    replica_max_age_seconds: int = Field(default=900, ge=1)
    """Seconds after which a copy is called stale; it is read all the same."""

    replica_metric_namespace: str = ""
    """Where CloudWatch keeps the age; empty tells nobody."""


class ReplicaError(Exception):
    """The share could not be copied."""


class Replica:
    """The copies of one share in one folder."""

    def __init__(self, settings: ReplicaSettings) -> None:
        self.settings = settings
        self.share = Path(settings.shared_folder)
        self.folder = Path(settings.replica_folder)
        self.copies = self.folder / "copies"
        self.current = self.folder / "current"
        self.copied = self.folder / "copied"

    def age(self) -> float | None:
        """Seconds since the share was last read as a whole; `None` before the first time."""
        try:
            return max(0.0, time.time() - self.copied.stat().st_mtime)
        except FileNotFoundError:
            return None

    def copy(self) -> bool:
        """Make the current copy equal to the share; the answer is whether anything had changed.

        Raises:
            ReplicaError: The share could not be read as a whole. The current copy stays.
        """
        self.copies.mkdir(parents=True, exist_ok=True)
        with self._alone():
            began = time.time()
            deadline = time.monotonic() + self.settings.replica_copy_seconds
            self._run(deadline, "test", "-e", str(self.share / MARK), doing="looking for the share")
            changed = not self.current.exists() or self._differs(deadline)
            if changed:
                self._switch(self._make(deadline))
            self.copied.touch()
            # What was written since then may be missing in it.
            os.utime(self.copied, (began, began))
            return changed

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _differs(self, deadline: float) -> bool:
        """Whether anything on the share is not so in the current copy."""
        told = self._rsync(
            deadline, "--dry-run", "--delete", "--itemize-changes", target=self.current
        )
        return bool(told.strip())

    def _make(self, deadline: float) -> Path:
        """A new, complete copy, beside the current one."""
        new = self.copies / str(time.time_ns())
        # Seen from the new copy; the files it has already are linked and not read again.
        known = [f"--link-dest={self.current.resolve()}"] if self.current.exists() else []
        try:
            self._rsync(deadline, *known, target=new)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        return new

    def _switch(self, new: Path) -> None:
        following = self.folder / "current.new"
        following.unlink(missing_ok=True)
        following.symlink_to(new.relative_to(self.folder))
        following.replace(self.current)
        # Names are times, all of the same length.
        for old in sorted(self.copies.iterdir(), key=lambda copy: copy.name)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def _rsync(self, deadline: float, *options: str, target: Path) -> str:
        command = (*RSYNC, *options, f"{self.share}/", f"{target}/")
        return self._run(deadline, *command, doing="copying", forgiven=VANISHED)

    def _run(self, deadline: float, *command: str, doing: str, forgiven: int = 0) -> str:
        """Run a program that asks the share, and end it where the share does not answer."""
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and no word from a request
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise ReplicaError(f"{command[0]} was not found; install it and start again") from None
        try:
            out, err = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise ReplicaError(
                f"{doing}: {self.share} did not answer within "
                f"{self.settings.replica_copy_seconds} s"
            ) from None
        finally:
            end(process)
        if process.returncode not in (0, forgiven):
            why = err.strip() or f"{command[0]} ended with exit code {process.returncode}"
            raise ReplicaError(f"{doing}: {self.share}: {why}")
        return out


def end(process: subprocess.Popen[str]) -> None:
    """End a program with all it started, if it runs yet."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def follow(replica: Replica, stop: Event) -> None:
    """Copy the share until told to stop; what fails is tried again the next time."""
    # The worst of all servers counts.
    gauge = Gauge(replica.settings.replica_metric_namespace, "AgeSeconds", "Seconds")
    while not stop.is_set():
        attempt(replica)
        if (age := replica.age()) is not None:
            gauge.tell(age)
        stop.wait(replica.settings.replica_interval_seconds * random.uniform(0.8, 1.2))  # noqa: S311


def attempt(replica: Replica) -> bool:
    """Copy the share once, and log how it went."""
    began = time.monotonic()
    try:
        changed = replica.copy()
    except (ReplicaError, OSError) as error:
        age = replica.age()
        told = {"reason": str(error), "age_seconds": None if age is None else round(age)}
        log.error("the share was not copied", extra=told)
        return False
    seconds = round(time.monotonic() - began, 1)
    log.log(
        logging.INFO if changed else logging.DEBUG,
        "the share was copied",
        extra={"changed": changed, "seconds": seconds},
    )
    return True


def main(words: list[str]) -> int:
    """Do what the command line says; the answer is the exit code."""
    if words not in ([], ["once"]):
        print("usage: python -m app.replica [once]", file=sys.stderr)  # noqa: T201
        return 2
    logs.configure(Settings().log_level)
    replica = Replica(ReplicaSettings())
    if words == ["once"]:
        return 0 if attempt(replica) else 1
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    follow(replica, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
