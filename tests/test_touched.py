"""Slow tests run as well where a change touches what they are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repositories import commit
from tests.touched import no_longer_slow, touched


class About(pytest.Item):
    """A test that is marked as given."""

    def runtest(self) -> None:
        raise NotImplementedError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for id in ("tea", "soup"):
        file = tmp_path / "blueprints" / f"{{{{use.{id}}}}}" / "infra" / "main.tf"
        file.parent.mkdir(parents=True)
        file.write_text("\n")
    commit(tmp_path)
    return tmp_path


def test_members_whose_files_differ_are_touched(repository: Path) -> None:
    assert touched(repository, "HEAD") == set()

    (repository / "blueprints/{{use.tea}}/infra/main.tf").unlink()
    (repository / "README.md").write_text("more\n")
    assert touched(repository, "HEAD") == {"tea"}

    commit(repository)
    assert touched(repository, "HEAD~1") == {"tea"}
    assert touched(repository, "HEAD") == set()


def test_an_unknown_commit_is_told(repository: Path) -> None:
    with pytest.raises(pytest.UsageError, match=r"^--touched-since=v9: .*v9"):
        touched(repository, "v9")


def test_only_tests_of_touched_members_are_no_longer_slow(request: pytest.FixtureRequest) -> None:
    marks = {
        "tea": pytest.mark.slow("tea", "milk"),
        "soup": pytest.mark.slow("soup"),
        "all": pytest.mark.slow,
        "quick": pytest.mark.usefixtures("tmp_path"),
    }
    items = []
    for name, mark in marks.items():
        item = About.from_parent(request.session, name=name)
        item.add_marker(mark)
        items.append(item)

    freed = no_longer_slow(items, {"milk", "bread"})

    assert [item.name for item in freed] == ["tea"]
    slow = [item.name for item in items if item.get_closest_marker("slow")]
    assert slow == ["soup", "all"]
