"""What the commands tell after they have done something."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_scaffold import report
from cdp_scaffold.catalog import Catalog, load_catalog
from cdp_scaffold.repository import Change
from cdp_scaffold.resolver import Resolution, resolve


@pytest.fixture(scope="module")
def catalog(template: Path) -> Catalog:
    return load_catalog(template / "blueprints" / "catalog.yml")


def resolved(catalog: Catalog, *wish: str) -> Resolution:
    answer = resolve(catalog, wish)
    assert isinstance(answer, Resolution)
    return answer


def change(**paths: tuple[str, ...]) -> Change:
    kinds = ("created", "changed", "deleted", "conflicts", "covered")
    return Change(**{kind: paths.get(kind, ()) for kind in kinds})


def test_a_new_repository_is_told_with_reasons_and_next_steps(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my shop").mkdir()
    Path("my shop", "a.txt").touch()
    answers = {"patterns": ["tea"], "project": "shop", "warm": True}

    told = report.generated(Path("my shop"), resolved(catalog, "tea"), answers, "https://x")

    assert told.startswith("Generated my shop: 1 file from https://x.\n\n1 pattern chosen")
    assert told.endswith(
        """
answers: project=shop, warm=true

next:
  cd 'my shop'    # README.md tells what is where and what it costs
  git init && git add --all && git commit -m 'Generate the repository'
  cdp add PATTERN    # change your mind; `cdp update` brings new versions
"""
    )
    assert "make test" not in told
    Path("my shop", "Makefile").touch()
    told = report.generated(Path("my shop"), resolved(catalog, "tea"), answers, "https://x")
    assert "  make test    # check all of it\n  make local    # run it on a mock AWS\n" in told


def test_after_an_interview_the_command_is_told_instead_of_the_reasons(
    catalog: Catalog, tmp_path: Path
) -> None:
    told = report.generated(tmp_path, resolved(catalog, "tea"), {}, "x", "cdp new shop tea")

    assert "the same without questions:\n  cdp new shop tea\n" in told
    assert "pattern chosen" not in told


def test_an_update_tells_what_became_different() -> None:
    told = report.updated(
        change(created=("a",), changed=("b", "c"), deleted=("d",)), ["x is now called y"], "v2"
    )

    assert told == (
        "note: x is now called y\n"
        "created  a\nchanged  b\nchanged  c\ndeleted  d\n\n"
        "The repository is at v2; nothing is committed yet.\n"
        "Look at it with `git diff`, run `make test`, and commit.\n"
    )


def test_an_update_of_many_files_counts_the_rest() -> None:
    told = report.updated(change(created=tuple(f"f{n:02}" for n in range(25))), [], "v2")

    assert told.count("created  f") == 20 and "created  and 5 more\n" in told


def test_an_update_that_changes_nothing_says_so() -> None:
    told = report.updated(change(), [], "v2")

    assert told == "Nothing to change; the repository is at v2.\n"


def test_conflicts_are_named_with_what_to_do() -> None:
    one, two = report.conflicts(["a"]), report.conflicts(["a", "b"])

    assert one.startswith("error: this file was changed by you and by the template in the same")
    assert two.startswith("error: these files were changed by you") and "\n  a\n  b\n" in two
    assert "hint: edit what stands between <<<<<<< and >>>>>>>" in one


def test_files_about_to_go_are_named() -> None:
    assert report.would_lose(["a"]) == (
        "warning: this file, which you edited, belongs to nothing that stays, "
        "and would be removed or replaced\n  a\n"
    )
    assert "these files, which you edited, belong" in report.would_lose(["a", "b"])


def test_a_table_in_a_pipe_has_one_line_a_row(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert report.columns() == 80
    assert len(report.listing(catalog).plain(report.table_columns()).splitlines()) == 8 + 4

    monkeypatch.setenv("COLUMNS", "40")  # no narrower than can be read
    assert report.table_columns() == 60 and report.columns() == 40
    monkeypatch.setenv("COLUMNS", "200")  # prose does not get as wide as a table
    assert report.table_columns() == 200 and report.columns() == 110
