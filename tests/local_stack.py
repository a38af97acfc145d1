"""`make` in a generated repository, as a user calls it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def make(folder: Path, target: str) -> str:
    """What it prints; the test fails with that if it fails."""
    done = subprocess.run(
        ["make", "--no-print-directory", "-C", str(folder), target],
        env={k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MAKE"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"make {target}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout
