"""Long tests begin before others, whoever runs them."""

from __future__ import annotations

import pytest

from tests.order import long_first


class Named(pytest.Item):
    """A test that is only looked at."""

    def runtest(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (1, "C E H a b d f g"),
        (2, "C H a b d E f g"),
        (3, "C a b E d f H g"),
    ],
)
def test_each_worker_begins_with_its_part_of_the_long_ones(
    request: pytest.FixtureRequest, workers: int, expected: str
) -> None:
    items = []
    for name in "abCdEfgH":
        item = Named.from_parent(request.session, name=name)
        if name.isupper():
            item.add_marker(pytest.mark.long)
        items.append(item)

    assert " ".join(item.name for item in long_first(items, workers)) == expected
