"""An environment with what generated applications require."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from cdp_scaffold.resolver import Resolution, resolve
from tests.test_goldens import STACKS, TEMPLATE

REQUIREMENTS = ("app/requirements.txt", "app/requirements-dev.txt")


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
    """The environment's `bin`; whoever asks first makes it, and others wait."""
    with environment.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            pip: list[str | Path] = [
                environment / "bin/pip",
                "install",
                "-q",
                "--disable-pip-version-check",
            ]
            subprocess.run([*pip, *pins()], check=True)
            (environment / "ready").touch()
    return environment / "bin"
