"""Every `--json` has the keys that the docs promise, and no others.

The promise is read from the pages, so a page and the data cannot drift apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cdp_scaffold import explain, report
from cdp_scaffold.catalog import load_catalog
from cdp_scaffold.cli import app
from cdp_scaffold.model import Model
from cdp_scaffold.model_text import numbers_data
from cdp_scaffold.resolver import resolve
from tests.made_up import catalogue, slot
from tests.test_model import LETTERS

ROOT = Path(__file__).parents[1]
REAL = load_catalog(ROOT / "blueprints" / "catalog.yml")

LIST = ("commands.md", "`cdp list --json`")
ENTRY = ("commands.md", "`cdp show NAME --json` of a pattern or component")
SLOT = ("commands.md", "`cdp show NAME --json` of a slot")
RESOLUTION = ("resolver.md", "A resolution")
CONFLICT = ("resolver.md", "A conflict")
TREE = ("commands.md", "`cdp resolve PATTERN… --tree --json`")
MODEL = ("model.md", "`cdp model --json`")
PAIRS = ("model.md", "`cdp model --pairs --json`")

HOLDERS = {
    **dict.fromkeys(("choices", "choose", "slots"), "<slot>"),
    **dict.fromkeys(("needs", "excludes", "suits", "needed_by", "asked_by"), "<id>"),
}
"""Objects whose keys are names of the catalogue."""


def documented(page: tuple[str, str]) -> set[str]:
    """The keys in the first column of the table under a heading."""
    file, heading = page
    text = (ROOT / "docs" / file).read_text(encoding="utf-8")
    _, _, section = text.partition(f"\n### {heading}\n")
    keys = re.findall(r"^\| `(\S+)` \|", re.split(r"\n##", section)[0], re.MULTILINE)
    assert keys and len(keys) == len(set(keys)), page
    return set(keys)


def keys_of(data: Any, path: str = "") -> set[str]:
    """The keys of data as the pages write them: `members[].reasons[].kind`."""
    if isinstance(data, list):
        return set().union(*(keys_of(each, f"{path}[]") for each in data))
    if not isinstance(data, dict):
        return {path}
    start = f"{path}." if path else ""
    holder = HOLDERS.get(path.rpartition(".")[2])

    def name(key: str) -> str:
        if path == "trade_off[]" and key != "about":
            return "<option>"
        if not path and key in ("whole", "today"):
            return "<count>"
        return holder or key

    return set().union(*(keys_of(each, f"{start}{name(key)}") for key, each in data.items()))


def tops(keys: Iterable[str]) -> set[str]:
    """What stands first in each key."""
    return {re.match(r"[^.\[]*", key)[0] for key in keys}  # type: ignore[index]


def printed(*arguments: str, code: int = 0) -> Any:
    """What a command prints, read as JSON."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def messages() -> list[Any]:
    """The data of every wish whose text is a golden."""
    cases = [yaml.safe_load(file.read_text()) for file in (ROOT / "golden/messages").glob("*.yml")]
    return [
        report.answer_json(REAL, resolve(REAL, case["wish"], case.get("set") or {}))
        for case in cases
    ]


def test_list_has_the_documented_keys_for_each_pattern() -> None:
    rows = printed("list")

    assert [row["id"] for row in rows] == list(REAL.patterns)
    for row in rows:
        assert keys_of([row]) == documented(LIST)


def test_show_has_the_documented_keys_for_every_entry() -> None:
    found: set[str] = set()
    for id in REAL.entries:
        data = report.entry_json(REAL, id)
        found |= keys_of(data)
        assert set(data) == tops(documented(ENTRY))

    assert found == documented(ENTRY)


def test_show_has_the_documented_keys_for_every_slot() -> None:
    found: set[str] = set()
    for id, known in REAL.slots.items():
        data = report.slot_json(REAL, id)
        found |= keys_of(data)
        assert set(data) == tops(documented(SLOT))
        assert all(set(row) == {"about", *known.options} for row in data["trade_off"])

    assert found == documented(SLOT)


@pytest.mark.parametrize(
    ("name", "page"), [("stack_deployment", ENTRY), ("network", ENTRY), ("server_setup", SLOT)]
)
def test_show_prints_that_data(name: str, page: tuple[str, str]) -> None:
    data = printed("show", name)

    assert data["id"] == name
    assert keys_of(data) <= documented(page) and set(data) == tops(documented(page))


def test_resolve_has_the_documented_keys_for_valid_wishes() -> None:
    valid = [data for data in messages() if data["valid"]]

    assert set().union(*map(keys_of, valid)) == documented(RESOLUTION)
    for data in (*valid, printed("resolve", "multi_datacenter", "state_sharing")):
        assert set(data) == tops(documented(RESOLUTION))


def test_resolve_has_the_documented_keys_for_conflicts() -> None:
    """Those of the goldens, and of a conflict that no wish for our patterns has."""
    completed = catalogue(
        {"alpha": {"slots": ["cooking"], "excludes": ["stove"]}, "bravo": {}},
        {"stove": {}},
        {"cooking": slot("quick", {"quick": [], "slow": ["bravo", "stove"]})},
    )
    other = report.answer_json(completed, resolve(completed, ["alpha", "bravo"]))
    conflicts = [data for data in (*messages(), other) if not data["valid"]]

    assert set().union(*map(keys_of, conflicts)) == documented(CONFLICT)
    for data in (*conflicts, printed("resolve", "stamp", "bootstrap", code=2)):
        assert set(data) == tops(documented(CONFLICT))


def test_the_files_of_a_wish_have_the_documented_keys() -> None:
    for row in printed("resolve", "multi_server", "--tree"):
        assert keys_of([row]) == documented(TREE)


def test_resolve_lists_all_repairs_where_the_text_shows_only_some() -> None:
    wish = ["stamp", "bootstrap", "multi_server", "clone_server", "url_rewriting", "rewrite_proxy"]
    data = printed("resolve", *wish, code=2)

    assert len(data["repairs"]) > explain.SHOWN


def test_model_has_the_documented_keys() -> None:
    """With a language that has dead options, for ours has none."""
    data = printed("model")
    found = keys_of(data) | keys_of(numbers_data(Model(LETTERS)))

    assert {"whole", "today"} <= set(data)
    assert keys_of(data["whole"]) == keys_of(data["today"])
    assert found == documented(MODEL)


def test_model_has_the_documented_keys_for_each_pair() -> None:
    for pair in printed("model", "--pairs"):
        assert keys_of([pair]) == documented(PAIRS)


@pytest.mark.parametrize("file", ["commands.md", "resolver.md", "model.md"])
def test_each_page_promises_that_its_keys_stay(file: str) -> None:
    text = " ".join((ROOT / "docs" / file).read_text(encoding="utf-8").split())

    assert "keys are stable" in text
    assert "is renamed or dropped, none changes its meaning or type, and new ones may come" in text
