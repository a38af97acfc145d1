"""The catalogue holds the whole book, and says of every relation why it is there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdp_scaffold.catalog import Catalog, load_catalog

FILE = Path(__file__).parents[1] / "blueprints" / "catalog.yml"

# Copied from the headings of the book, in its order. The book's own text names five of the families
# in headings of their own and "Relational Database" in a sentence; the other three are the
# collection's.
BOOK = {
    "Basic": [
        "Snapshot",
        "Stamp",
        "Scale Up",
        "Scale Out",
        "Ondemand Disk",
    ],
    "High Availability": [
        "Multi-Server",
        "Multi-Datacenter",
        "Floating IP",
        "Deep Health Check",
    ],
    "Dynamic Content": [
        "Clone Server",
        "NFS Sharing",
        "NFS Replica",
        "State Sharing",
        "URL Rewriting",
        "Rewrite Proxy",
        "Cache Proxy",
        "Scheduled Scale Out",
    ],
    "Static Content": [
        "Web Storage",
        "Direct Hosting",
        "Private Distribution",
        "Cache Distribution",
        "Rename Distribution",
    ],
    "Data Uploading": [
        "Write Proxy",
        "Storage Index",
        "Direct Object Upload",
    ],
    "Relational Database": [
        "DB Replication",
        "Read Replica",
        "Inmemory DB Cache",
        "Sharding Write",
    ],
    "Batch Processing": [
        "Queuing Chain",
        "Priority Queue",
        "Job Observer",
        "Scheduled Autoscaling",
    ],
    "Operation and Maintenance": [
        "Bootstrap",
        "Cloud DI",
        "Stack Deployment",
        "Server Swapping",
        "Monitoring Integration",
        "Web Storage Archive",
        "Weighted Transition",
        "Hybrid Backup",
    ],
    "Network": [
        "OnDemand NAT",
        "Backnet",
        "Functional Firewall",
        "Operational Firewall",
        "Multi Load Balancer",
        "WAF Proxy",
        "CloudHub",
    ],
}

# How long one clause may be before it no longer fits beside a name on a line of 160.
CLAUSE = 120
LINE = 140


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(FILE)


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def whys(raw: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """(where, the why, the reason why it is ours) of every relation in the file."""
    for id, entry in raw["entries"].items():
        for relation in ("needs", "slots", "excludes", "suits"):
            for other, why in (entry.get(relation) or {}).items():
                where = f"{id}.{relation}.{other}"
                if isinstance(why, dict):
                    yield where, why["why"], why["ours"]
                else:
                    yield where, why, None


def test_the_book_has_48_patterns() -> None:
    assert sum(map(len, BOOK.values())) == 48


def test_every_heading_of_the_book_is_a_pattern_and_in_its_order(catalog: Catalog) -> None:
    """None missing, none invented, order and families kept."""
    found: dict[str, list[str]] = {title: [] for title in catalog.families.values()}
    for id in catalog.patterns:
        entry = catalog.entries[id]
        assert entry.family is not None
        found[catalog.families[entry.family]].append(entry.title)
    assert list(found) == list(BOOK)
    assert found == BOOK
    assert [catalog.entries[id].title for id in catalog.patterns] == [
        title for titles in BOOK.values() for title in titles
    ]


def test_the_source_of_a_pattern_is_its_heading_in_the_book(catalog: Catalog) -> None:
    for id in catalog.patterns:
        assert catalog.entries[id].source == f"{catalog.entries[id].title} Pattern"


def test_an_id_is_its_title_in_snake_case(catalog: Catalog) -> None:
    for id in catalog.patterns:
        assert id == catalog.entries[id].title.lower().replace(" ", "_").replace("-", "_")


def test_components_have_no_source_and_stand_after_the_patterns(catalog: Catalog) -> None:
    kinds = [entry.kind for entry in catalog.entries.values()]
    assert kinds == sorted(kinds, reverse=True)
    for entry in catalog.entries.values():
        assert (entry.source is not None) == (entry.kind == "pattern")
        assert (entry.family is not None) == (entry.kind == "pattern")


def test_every_why_is_one_clause(raw: dict[str, Any]) -> None:
    """It stands in brackets and after "because": no capital, no full stop, no second part."""
    faults = []
    for where, why, ours in whys(raw):
        for text in (why, ours) if ours is not None else (why,):
            if not text.strip():
                faults.append(f"{where}: empty")
            if len(text) > CLAUSE:
                faults.append(f"{where}: {len(text)} characters")
            if text.rstrip().endswith((".", ";", ",")) or "; " in text or ". " in text:
                faults.append(f"{where}: more than one clause: {text}")
            if text[0].isupper() and not text.split()[0].isupper():
                faults.append(f"{where}: begins with a capital: {text}")
    assert faults == []


def test_a_why_names_no_id(raw: dict[str, Any]) -> None:
    """Who never read the catalogue knows titles, not ids."""
    ids = [id for id in (*raw["entries"], *raw["slots"]) if "_" in id]
    named = [(where, id) for where, why, _ in whys(raw) for id in ids if id in why]
    assert named == []


def test_every_summary_is_one_line(catalog: Catalog) -> None:
    for id, entry in catalog.entries.items():
        assert entry.summary.endswith("."), id
        assert len(entry.summary) <= LINE and "\n" not in entry.summary, (id, len(entry.summary))


def test_only_patterns_are_advised(catalog: Catalog) -> None:
    """Nobody can ask for a component."""
    for id, entry in catalog.entries.items():
        for other in entry.suits:
            assert catalog.entries[other].kind == "pattern", (id, other)
            assert other not in entry.needs, (id, other)


def test_an_exclusion_is_said_at_the_earlier_entry(catalog: Catalog) -> None:
    for id, entry in catalog.entries.items():
        for other in entry.excludes:
            assert catalog.place[id] < catalog.place[other]


def test_every_slot_tells_its_trade_off(catalog: Catalog) -> None:
    """What changes, when to take it and what it costs: a row each, and a clause for each option."""
    for slot in catalog.slots.values():
        assert slot.trade_off, slot.id
        assert len(slot.options) > 1, slot.id
        assert slot.job[0].islower() and not slot.job.endswith("."), slot.id
        for option in slot.options.values():
            assert not option.take.endswith("."), (slot.id, option.id)
        for row in slot.trade_off:
            assert len(set(row.of.values())) > 1, f"{slot.id}: {row.about!r} tells no options apart"


def test_every_component_is_of_use(catalog: Catalog) -> None:
    """Something needs it, or some option of a slot brings it."""
    for id, entry in catalog.entries.items():
        if entry.kind == "component" and not entry.always:
            assert catalog.needed_by[id] or catalog.filled_by[id], id
