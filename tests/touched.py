"""Which members of the template a change touches, so that their slow tests run as well."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

_MEMBER = re.compile(r"blueprints/\{\{use\.(\w+)\}\}/")


def touched(root: Path, since: str) -> set[str]:
    """The members whose files differ between a commit and what is in the folder now.

    Raises:
        pytest.UsageError: The commit is not in this checkout.
    """
    done = subprocess.run(
        ["git", "diff", "--name-only", "--no-renames", "-z", since, "--", "blueprints"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise pytest.UsageError(f"--touched-since={since}: {done.stderr.strip()}")
    found = map(_MEMBER.match, done.stdout.split("\0"))
    return {match[1] for match in found if match}


def no_longer_slow(items: Iterable[pytest.Item], members: set[str]) -> list[pytest.Item]:
    """Take the mark `slow` off tests whose members are among these; gives those tests.

    A test says by the mark's arguments whose files it is about.
    """
    found = []
    for item in items:
        mark = item.get_closest_marker("slow")
        if mark is not None and not members.isdisjoint(mark.args):
            item.own_markers = [each for each in item.own_markers if each.name != "slow"]
            found.append(item)
    return found
