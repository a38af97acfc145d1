"""Try mutants one by one in a copy of the template, and tell which check noticed each."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cdp_scaffold.mutation.checks import CHECKS, Check
from cdp_scaffold.mutation.mutants import Mutant

LIMIT, SLOW_LIMIT = 240, 1800
"""Seconds after which a check counts as failed: something waits that should not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    noticed_by: Check | None
    seconds: float


class Copy:
    """A copy of the template in which one file at a time is broken."""

    def __init__(self, root: Path, folder: Path) -> None:
        """Copy what git tracks, and what it would track, of `root`."""
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in sorted(filter(None, listed.split("\0"))):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)
        # The tree of the largest wish may be older than its members.
        self._sound: dict[tuple[str, ...], bool] = {}
        self._passes(["tests/test_goldens.py", "--update-goldens", "-k", "tree"])
        # Some tests clone what they stand in.
        _git(folder, "init", "-q")
        _git(folder, "add", "-A")
        _git(folder, *_NAME, "commit", "-qm", "the template")

    @contextmanager
    def broken(self, mutant: Mutant) -> Iterator[None]:
        """The copy with one mutant in it."""
        file = self.folder / mutant.path
        before = file.read_bytes()
        try:
            if mutant.text is None:
                file.unlink()
            else:
                file.write_text(mutant.text, encoding="utf-8")
            yield
        finally:
            file.write_bytes(before)

    def outcome(self, mutant: Mutant, checks: Sequence[Check]) -> Outcome:
        """Run the checks until one notices."""
        start = time.monotonic()
        for check in checks:
            tests = self._tests(check, mutant)
            if not tests:
                continue
            if self._told_at_once(check, mutant) or self._told_by_tests(check, tests, mutant):
                return Outcome(mutant, check, time.monotonic() - start)
        return Outcome(mutant, None, time.monotonic() - start)

    def _told_at_once(self, check: Check, mutant: Mutant) -> bool:
        if check.at_once is None:
            return False
        with self.broken(mutant):
            told = check.at_once(self.folder, mutant.path)
        return told and not check.at_once(self.folder, mutant.path)

    def _told_by_tests(self, check: Check, tests: tuple[str, ...], mutant: Mutant) -> bool:
        with self.broken(mutant):
            passed = self._passes(tests, SLOW_LIMIT if check.slow else LIMIT)
        return not passed and self._is_sound(tests)

    def _tests(self, check: Check, mutant: Mutant) -> tuple[str, ...]:
        if not check.may(mutant.path):
            return ()
        return tuple(check.tests if check.chosen is None else check.chosen(mutant.path))

    def _is_sound(self, tests: tuple[str, ...]) -> bool:
        """Whether the tests pass when nothing is broken; else that they fail tells nothing."""
        if tests not in self._sound:
            self._sound[tests] = self._passes(tests)
            if not self._sound[tests]:
                print(f"fails without a mutation, see {self.log}: {' '.join(tests)}", flush=True)
        return self._sound[tests]

    def _passes(self, tests: Sequence[str], limit: float = SLOW_LIMIT) -> bool:
        """Run tests in the copy, in a process that has pytest and what it needs already."""
        child = os.fork()
        if child == 0:
            os._exit(self._in_child(tests))
        deadline = time.monotonic() + limit
        status = None
        try:
            while status is None and time.monotonic() < deadline:
                done, code = os.waitpid(child, os.WNOHANG)
                status = os.waitstatus_to_exitcode(code) if done else None
                time.sleep(0.02)
        finally:
            if status is None:
                # It hangs, or this process is told to stop.
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
        return status == 0

    def _in_child(self, tests: Sequence[str]) -> int:
        import pytest

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout = sys.stderr = os.fdopen(1, "w", closefd=False)
        os.chdir(self.folder)
        sys.dont_write_bytecode = True
        for name in [n for n in sys.modules if n.split(".")[0] in ("cdp_scaffold", "tests")]:
            del sys.modules[name]
        sys.path.insert(0, str(self.folder))
        os.environ.update(PYTHONPATH=str(self.folder), PYTHONDONTWRITEBYTECODE="1")
        try:
            return int(
                pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
            )
        except BaseException as error:
            print(repr(error), flush=True)
            return 99


_NAME = ("-c", "user.name=mutation", "-c", "user.email=mutation@example.com")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def preload() -> None:
    """Import what tests need and no mutation changes, so that each child has it from its birth."""
    import hypothesis
    import jinja2.sandbox
    import pytest
    import yaml

    for each in (hypothesis, jinja2.sandbox, pytest, yaml):
        assert each


@contextmanager
def _shared(folder: Path, checks: Sequence[Check]) -> Iterator[Callable[[], None]]:
    """What each check would set up for itself: the packages of applications, the provider.

    It gives what to call before each mutant, for the provider may have ended.
    """
    with ExitStack() as stack:
        stack.enter_context(_told("CDP_APP_ENVIRONMENT", str(folder / "app-environment")))
        if shutil.which("terraform") and any("terraform" in each.name for each in checks):
            from tests.provider import VARIABLE, Provider

            (folder / "provider").mkdir()
            provider = stack.enter_context(closing(Provider(folder / "provider")))
            stack.enter_context(_told(VARIABLE, provider.address))
            yield lambda: os.environ.update({VARIABLE: provider.address})
        else:
            yield lambda: None


@contextmanager
def _told(name: str, value: str) -> Iterator[None]:
    """An environment variable for the block: what it leads to is gone after it."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def tried(
    root: Path, mutants: Sequence[Mutant], checks: Sequence[Check] = CHECKS
) -> Iterator[Outcome]:
    """What becomes of each mutant, in turn."""
    preload()
    with tempfile.TemporaryDirectory(prefix="cdp-mutation.") as name:
        folder = Path(name)
        copy = Copy(root, folder / "template")
        with _shared(folder, checks) as renew:
            for mutant in mutants:
                renew()
                yield copy.outcome(mutant, checks)
