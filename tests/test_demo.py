"""The README's first command, and what comes out of it, as a person who tries it would see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine import needs_terraform
from tests.provider import VARIABLE, Provider
from tests.repositories import ROOT, run


def make(*words: object, **environment: str) -> str:
    """What `make` prints; nothing of this run of tests is told to it."""
    alone = {"MAKEFLAGS": "", "PYTEST_ADDOPTS": "", "PYTHONPATH": ""}
    done = run("make", *words, cwd=ROOT, **alone, **environment)
    assert done.code == 0, f"make {words}\n{done.out[-8000:]}\n{done.err[-3000:]}"
    return done.out


@needs_terraform
@pytest.mark.long
@pytest.mark.stack
def test_the_demo_stands_answers_and_passes_its_own_checks(
    tmp_path: Path, provider_of_all: Provider
) -> None:
    """It sets up what it needs, builds only once, and leaves nothing."""
    shop = tmp_path / "demo-shop"

    try:
        built = make("demo", f"DEMO={shop}")
        again = make("demo", f"DEMO={shop}")
        checked = make("-C", shop, "test", **{VARIABLE: provider_of_all.address})
    finally:
        told = make("-C", shop, "local-down")

    assert "setting up .venv; this happens once" in built
    assert built.count('/health answers {"status":"ok"}') == 2
    assert "is left as it is" in again
    assert again.count('/health answers {"status":"ok"}') == 2
    assert "building the stack" not in again
    assert " passed, 0 failed" in checked
    assert " passed in " in checked
    assert "nothing is left" in told
