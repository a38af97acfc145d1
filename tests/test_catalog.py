"""What is read from the catalogue's file, and what is looked up in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_scaffold.catalog import Option, TradeOff, Why, build_catalog, load_catalog
from cdp_scaffold.errors import CatalogError, UnknownPatternError
from tests.made_up import catalogue, raw_catalogue, slot

REAL = load_catalog(Path(__file__).parents[1] / "blueprints" / "catalog.yml")

TEXT = """\
families:
  letters: Letters

slots:
  cooking:
    title: Cooking
    job: how food gets warm
    exclusive: false
    default: quick
    options:
      quick:
        title: A microwave
        fills: []
        take: nobody is at home
      slow:
        title: A stove
        fills: [stove]
        take: there are guests
    trade_off:
      - about: time
        quick: minutes
        slow: an hour

entries:
  alpha:
    title: Alpha Dish
    kind: pattern
    family: letters
    status: planned
    summary: >
      Something to eat.
    source: Alpha Pattern
    needs:
      kitchen: it is made there
    slots:
      cooking: {why: it is eaten warm, ours: the book likes it cold}
    suits:
      bravo: salt brings out the taste
  bravo:
    title: Bravo
    kind: pattern
    family: letters
    status: ready
    summary: Salt.
    source: Bravo Pattern
    excludes:
      stove: it would burn
  kitchen:
    title: Kitchen
    kind: component
    status: ready
    always: true
    summary: A room.
  stove:
    title: Stove
    kind: component
    status: ready
    summary: Fire.
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def fault(path: Path) -> str:
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    return str(caught.value)


def test_an_entry_is_read_with_all_its_relations(file: Path) -> None:
    alpha = load_catalog(file).entries["alpha"]

    assert (alpha.id, alpha.title, alpha.kind, alpha.status) == (
        "alpha",
        "Alpha Dish",
        "pattern",
        "planned",
    )
    assert (alpha.summary, alpha.family, alpha.source) == (
        "Something to eat.",
        "letters",
        "Alpha Pattern",
    )
    assert alpha.needs == {"kitchen": Why("it is made there")}
    assert alpha.slots == {"cooking": Why("it is eaten warm", ours="the book likes it cold")}
    assert alpha.suits == {"bravo": Why("salt brings out the taste")}
    assert (alpha.excludes, alpha.always) == ({}, False)


def test_a_slot_is_read_with_its_options_and_its_trade_off(file: Path) -> None:
    cooking = load_catalog(file).slots["cooking"]

    assert (cooking.title, cooking.job) == ("Cooking", "how food gets warm")
    assert (cooking.default, cooking.exclusive) == ("quick", False)
    assert list(cooking.options.values()) == [
        Option("quick", "A microwave", (), "nobody is at home"),
        Option("slow", "A stove", ("stove",), "there are guests"),
    ]
    assert cooking.trade_off == (TradeOff("time", {"quick": "minutes", "slow": "an hour"}),)
    assert cooking.fillers == ("stove",)


def test_what_a_file_leaves_out_has_its_plain_meaning(file: Path) -> None:
    text = TEXT.replace("    exclusive: false\n", "")
    file.write_text(text, encoding="utf-8")

    catalog = load_catalog(file)

    assert catalog.slots["cooking"].exclusive
    assert not catalog.slots["cooking"].options["slow"].asks
    assert catalog.always == ("kitchen",)


def test_lookups_keep_the_order_of_the_file(file: Path) -> None:
    catalog = load_catalog(file)

    assert catalog.patterns == ("alpha", "bravo")
    assert list(catalog.place) == ["alpha", "bravo", "kitchen", "stove"]
    assert catalog.ordered(["stove", "alpha", "stove"]) == ("alpha", "stove")
    assert catalog.needed_by["kitchen"] == {"alpha": Why("it is made there")}
    assert catalog.needed_by["alpha"] == {}
    assert catalog.rivals["stove"] == {"bravo": Why("it would burn")}
    assert catalog.rivals["bravo"] == {"stove": Why("it would burn")}
    assert catalog.filled_by["stove"] == (("cooking", "slow"),)
    assert catalog.excluding == {"bravo"}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yml"

    assert fault(path) == (
        f"{path}: `catalog` cannot be read: [Errno 2] No such file or directory: '{path}'"
    )


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yml"
    path.write_bytes(b"entries: \xff\xfe")

    assert fault(path).startswith(f"{path}: `catalog` cannot be read: 'utf-8' codec can't decode")


def test_broken_yaml_is_told_with_its_line(file: Path) -> None:
    file.write_text(TEXT.replace("  bravo:\n    title: Bravo", "  bravo\n    title: Bravo"))

    assert fault(file).startswith(f"{file}: `catalog` is no valid YAML; line 40: ")


def test_an_entry_that_stands_twice_is_told_with_its_line(file: Path) -> None:
    """YAML itself would let the second win without a word."""
    file.write_text(TEXT.replace("  stove:\n    title", "  alpha:\n    title"), encoding="utf-8")

    assert fault(file) == (
        f"{file}: `catalog` is no valid YAML; line 54: `alpha` stands here twice"
    )


def test_a_fault_inside_names_the_file_too(file: Path) -> None:
    file.write_text(TEXT.replace("kitchen: it is", "kichen: it is"), encoding="utf-8")

    with pytest.raises(CatalogError) as caught:
        load_catalog(file)

    assert caught.value.render() == (
        f"error: {file}: `entries.alpha.needs.kichen` is no entry of the catalogue\n\n"
        "hint: did you mean `kitchen`?"
    )


def test_each_of_several_faults_is_told_with_its_own_way_out(file: Path) -> None:
    text = TEXT.replace("kitchen: it is", "kichen: it is").replace("stove: it", "stoove: it")
    file.write_text(text.replace("default: quick", "default: fast"), encoding="utf-8")

    with pytest.raises(CatalogError) as caught:
        load_catalog(file)
    schema = caught.value.render()
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        load_catalog(file)

    assert schema == (
        f"error: {file}: `slots.cooking.default` must be one of `quick` or `slow`; got `fast`"
    )
    assert caught.value.render() == (
        f"error: {file}: `entries.alpha.needs.kichen` is no entry of the catalogue\n"
        "  hint: did you mean `kitchen`?\n"
        f"error: {file}: `entries.bravo.excludes.stoove` is no entry of the catalogue\n"
        "  hint: did you mean `stove`?"
    )


@pytest.mark.parametrize(
    "name",
    [
        "multi_datacenter",
        "Multi-Datacenter",
        "multi datacenter",
        "MultiDatacenter",
        " MULTI-DATACENTER ",
    ],
)
def test_an_id_or_title_is_found_however_it_is_spelled(name: str) -> None:
    assert REAL.find(name) == "multi_datacenter"


@pytest.mark.parametrize("id", REAL.entries)
def test_every_entry_is_found_by_its_id_and_by_its_title(id: str) -> None:
    assert REAL.find(id) == id
    assert REAL.find(REAL.entries[id].title) == id


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("multi_datacentre", ("multi_datacenter",)),
        ("bootstap", ("bootstrap",)),
        ("stat sharing", ("state_sharing",)),
        ("quarks", ()),
        ("", ()),
    ],
)
def test_a_wrong_name_is_refused_with_near_ones(name: str, close: tuple[str, ...]) -> None:
    with pytest.raises(UnknownPatternError) as caught:
        REAL.find(name)

    assert caught.value.name == name
    assert caught.value.close[:1] == close


def test_a_part_of_a_name_is_near_it() -> None:
    with pytest.raises(UnknownPatternError) as caught:
        REAL.find("replica", kind="pattern")

    assert set(caught.value.close) == {"nfs_replica", "read_replica", "db_replication"}


def test_a_name_can_be_looked_up_among_patterns_alone() -> None:
    assert REAL.find("session_table") == "session_table"
    with pytest.raises(UnknownPatternError):
        REAL.find("session_table", kind="pattern")


def test_where_a_title_is_the_id_of_another_the_id_wins() -> None:
    raw = raw_catalogue({"alpha": {}, "bravo": {}})
    raw["entries"]["alpha"]["title"] = "Bravo"
    raw["entries"]["bravo"]["title"] = "Charlie"

    assert build_catalog(raw).find("Bravo") == "bravo"


def test_a_slot_knows_each_of_its_fillers_once() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}},
        slots={
            "cooking": slot(
                "a", {"a": ["charlie"], "b": ["bravo"], "c": ["bravo", "charlie"]}, asks=["c"]
            )
        },
    )

    assert catalog.slots["cooking"].fillers == ("charlie", "bravo")
    assert catalog.filled_by["bravo"] == (("cooking", "b"), ("cooking", "c"))
