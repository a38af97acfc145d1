"""The README's first command, and what comes out of it, as a person who tries it would see them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine import needs_terraform
from tests.provider import VARIABLE, Provider

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, **variables: str) -> str:
    """What a command prints that is run from here."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MAKE", "PYTEST_"))}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-8000:]}"
    return done.stdout


@needs_terraform
@pytest.mark.long
@pytest.mark.stack
def test_the_demo_stands_answers_and_passes_its_own_checks(
    tmp_path: Path, provider_of_all: Provider
) -> None:
    """It sets up what it needs, builds only once, and leaves nothing."""
    shop = tmp_path / "demo-shop"
    demo = ("bash", "tools/demo.sh", f"{sys.prefix}/bin", shop)

    try:
        built = run(*demo)
        again = run(*demo)
        checked = run("make", "-C", shop, "test", **{VARIABLE: provider_of_all.address})
    finally:
        told = run("make", "-C", shop, "local-down")

    assert "setting up .venv; this happens once" in built
    assert built.count('/health answers {"status":"ok"}') == 2
    assert "is left as it is" in again
    assert again.count('/health answers {"status":"ok"}') == 2
    assert "building the stack" not in again
    assert " passed, 0 failed" in checked
    assert " passed in " in checked
    assert "nothing is left" in told
