"""An environment with what generated applications require."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from cdp_scaffold.resolver import Resolution, resolve
from tests.test_goldens import STACKS, TEMPLATE

REQUIREMENTS = ("app/requirements.txt", "app/requirements-dev.txt")

LATER = 4_102_444_800
"""The year 2100: requirements of repositories that are yet to be written seem older."""


def pins() -> list[str]:
    """What all of them require: every member stands in some named stack."""
    wanted: set[str] = set()
    for each in STACKS.values():
        answer = resolve(TEMPLATE.catalog, each["patterns"], each.get("choices", {}))
        assert isinstance(answer, Resolution)
        tree = TEMPLATE.tree(answer)
        wanted.update(*(tree[name].decode().splitlines() for name in REQUIREMENTS))
    return sorted(line for line in wanted if line and not line.startswith(("#", "-r")))


def installed(environment: Path) -> Path:
    """The environment's `bin`; whoever asks first makes it, and others wait.

    A generated repository's `make` takes it as its own, too, if it is told so by `VENV`.
    """
    ready = environment / ".ready"
    with environment.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            pip: list[str | Path] = [
                environment / "bin/pip",
                "install",
                "-q",
                "--disable-pip-version-check",
            ]
            subprocess.run([*pip, *pins()], check=True)
            ready.touch()
            os.utime(ready, (LATER, LATER))
    return environment / "bin"
