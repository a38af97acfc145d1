"""Which members of the template a change touches, so that their slow tests run as well."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from cdp_scaffold.errors import ScaffoldError
from cdp_scaffold.git import run
from cdp_scaffold.mutation.checks import member


def touched(root: Path, since: str) -> set[str]:
    """The members whose files differ between a commit and what is in the folder now.

    Raises:
        pytest.UsageError: The commit is not in this checkout.
    """
    names = ["diff", "--name-only", "--no-renames", "-z", since, "--", "blueprints"]
    try:
        told = run(root, *names, error=ScaffoldError)
    except ScaffoldError as error:
        raise pytest.UsageError(f"--touched-since={since}: {error}") from error
    return {found for path in told.decode().split("\0") if (found := member(path))}


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
