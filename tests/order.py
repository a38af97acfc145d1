"""In which order tests run: long ones first, so that no core waits for a last one alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest


def long_first(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Begin each worker's share with its part of the tests that are marked `long`.

    Args:
        items: The tests in the order they were collected, which the others keep.
        workers: How many share them. Each begins with as many as every other, one after the other,
            as `--dist worksteal` deals them out.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    share = -(-len(others) // workers)
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        ordered += long[worker::workers]
        ordered += others[worker * share : (worker + 1) * share]
    return ordered
