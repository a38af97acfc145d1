"""The steps around the stack: programs `local/steps/NN-name.py`, each told `up` or `down`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import process
from errors import LocalError
from places import HERE


def every() -> list[Path]:
    """All steps in the order of their numbers."""
    return sorted((HERE / "steps").glob("[0-9][0-9]-*.py"))


def up(variables: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Run every step.

    Raises:
        LocalError: One failed; those after it were not run.
    """
    for step in every():
        say(f"step {step.name}")
        if code := process.run([sys.executable, str(step), "up"], variables):
            raise LocalError(f"step {step.name} ended with exit code {code}")


def down(variables: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Undo every step, the last one first.

    Raises:
        LocalError: One or more failed; the others were run all the same.
    """
    failed = []
    for step in reversed(every()):
        say(f"step {step.name} down")
        if process.run([sys.executable, str(step), "down"], variables):
            failed.append(step.name)
    if failed:
        raise LocalError(f"could not be undone: {', '.join(failed)}")
