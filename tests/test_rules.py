"""Each fault of a catalogue is told with file, entry and key, and where it helps with a way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cdp_scaffold.catalog import build_catalog
from cdp_scaffold.errors import CatalogError
from tests.made_up import Raw, entry, raw_catalogue, slot

ENTRY_KEYS = (
    "`title`, `kind`, `family`, `status`, `always`, `summary`, `source`, `needs`, `slots`, "
    "`excludes` or `suits`"
)
SLOT_KEYS = "`title`, `job`, `default`, `exclusive`, `options` or `trade_off`"


def good() -> Raw:
    """A catalogue without a fault, for each case to break."""
    return raw_catalogue(
        {"alpha": {"needs": ["stove"], "slots": ["cooking"]}, "bravo": {}, "charlie": {}},
        {"stove": {}},
        {"cooking": slot("quick", {"quick": ["bravo"], "slow": ["charlie"]})},
    )


def _reach(raw: Any, path: str) -> tuple[Any, str]:
    *way, last = path.split(".")
    for key in way:
        raw = raw[int(key) if isinstance(raw, list) else key]
    return raw, last


def put(path: str, value: Any) -> Callable[[Raw], None]:
    """Set what stands at the path."""

    def change(raw: Raw) -> None:
        at, last = _reach(raw, path)
        at[last] = value

    return change


def cut(path: str) -> Callable[[Raw], None]:
    """Take out what stands at the path."""

    def change(raw: Raw) -> None:
        at, last = _reach(raw, path)
        del at[last]

    return change


def faults(raw: Any) -> str:
    with pytest.raises(CatalogError) as caught:
        build_catalog(raw, "my/catalog.yml")
    return caught.value.render()


def test_a_good_catalogue_has_no_fault() -> None:
    assert set(build_catalog(good()).entries) == {"alpha", "bravo", "charlie", "stove"}


SCHEMA = [
    (
        put("patterns", {}),
        "`patterns` is an unknown key\n\nhint: the keys here are `families`, `slots` or `entries`",
    ),
    (cut("entries"), "`entries` is missing"),
    (put("entries", None), "`entries` must be a mapping; got `None`"),
    (put("families.letters", ""), "`families.letters` must be text"),
    (
        put("entries.alpha", None),
        f"`entries.alpha` must be a mapping with {ENTRY_KEYS}",
    ),
    (
        put("entries.alpha.need", {}),
        f"`entries.alpha.need` is an unknown key\n\nhint: the keys here are {ENTRY_KEYS}",
    ),
    (cut("entries.alpha.title"), "`entries.alpha.title` is missing"),
    (put("entries.alpha.summary", "  "), "`entries.alpha.summary` is empty"),
    (put("entries.alpha.title", 7), "`entries.alpha.title` must be text; got `7`"),
    (
        put("entries.alpha.needs", ["bravo"]),
        "`entries.alpha.needs` must be a mapping; got `['bravo']`",
    ),
    (
        put("entries.stove.always", "yes"),
        "`entries.stove.always` must be true or false; got `'yes'`",
    ),
    (
        put("entries.alpha.kind", "thing"),
        "`entries.alpha.kind` must be `pattern` or `component`; got `thing`",
    ),
    (
        put("entries.alpha.status", "done"),
        "`entries.alpha.status` must be `ready` or `planned`; got `done`",
    ),
    (
        put("entries.alpha.family", "digits"),
        "`entries.alpha.family` must be `letters`; got `digits`",
    ),
    (
        cut("entries.alpha.family"),
        "`entries.alpha.family` is missing\n\nhint: every pattern has a family",
    ),
    (
        cut("entries.alpha.source"),
        "`entries.alpha.source` is missing\n\nhint: every pattern has a source",
    ),
    (
        put("entries.alpha.needs.stove", None),
        (
            "`entries.alpha.needs.stove` has no reason\n\n"
            "hint: write `stove: …` with the reason in one clause"
        ),
    ),
    (
        put("entries.alpha.suits", {"bravo": ""}),
        (
            "`entries.alpha.suits.bravo` has no reason\n\n"
            "hint: write `bravo: …` with the reason in one clause"
        ),
    ),
    (
        put("entries.alpha.needs.stove", {"why": "it is hot"}),
        "`entries.alpha.needs.stove.ours` is missing",
    ),
    (
        put("entries.alpha.needs.stove", {"why": "it is hot", "ours": "x", "note": "y"}),
        (
            "`entries.alpha.needs.stove.note` is an unknown key\n\n"
            "hint: the keys here are `why` or `ours`"
        ),
    ),
    (
        lambda raw: raw["entries"].update({"Delta-1": entry("delta")}),
        (
            "`entries.Delta-1` must be lower-case words joined by `_`, "
            "for it becomes a name in two languages"
        ),
    ),
    (
        lambda raw: raw["entries"].update({True: entry("delta")}),
        (
            "`entries.True` must be lower-case words joined by `_`, "
            "for it becomes a name in two languages"
        ),
    ),
    (
        put("slots.cooking", "quick"),
        f"`slots.cooking` must be a mapping with {SLOT_KEYS}",
    ),
    (
        put("slots.cooking.way", "quick"),
        f"`slots.cooking.way` is an unknown key\n\nhint: the keys here are {SLOT_KEYS}",
    ),
    (cut("slots.cooking.default"), "`slots.cooking.default` is missing"),
    (
        put("slots.cooking.default", "raw"),
        "`slots.cooking.default` must be one of `quick` or `slow`; got `raw`",
    ),
    (
        put("slots.cooking.options", ["quick"]),
        "`slots.cooking.options` must be a mapping; got `['quick']`",
    ),
    (
        cut("slots.cooking.options.slow.take"),
        "`slots.cooking.options.slow.take` is missing",
    ),
    (
        put("slots.cooking.options.slow.fills", [{"charlie": 1}]),
        "`slots.cooking.options.slow.fills` must be a list of ids; got `{'charlie': 1}`",
    ),
    (
        cut("slots.cooking.trade_off.0.slow"),
        (
            "`slots.cooking.trade_off.0.slow` is missing\n\n"
            "hint: every row says something of every option"
        ),
    ),
    (
        put("slots.cooking.trade_off.0.raw", "no time"),
        (
            "`slots.cooking.trade_off.0.raw` is an unknown key\n\n"
            "hint: the keys here are `about`, `quick` or `slow`"
        ),
    ),
    (
        put("slots.cooking.trade_off", ["time"]),
        "`slots.cooking.trade_off.0` must be a mapping with `about` and a word on every option",
    ),
]


@pytest.mark.parametrize(
    ("change", "told"), SCHEMA, ids=[told.split("\n")[0] for _, told in SCHEMA]
)
def test_a_fault_of_the_data_names_file_entry_and_key(
    change: Callable[[Raw], None], told: str
) -> None:
    raw = good()
    change(raw)

    assert faults(raw) == f"error: my/catalog.yml: {told}"


@pytest.mark.parametrize("raw", [None, [], "alpha"])
def test_what_is_no_mapping_is_no_catalogue(raw: Any) -> None:
    assert faults(raw) == (
        "error: my/catalog.yml: `catalog` must be a mapping with `families`, `slots` and `entries`"
    )


def test_all_faults_are_told_at_once() -> None:
    raw = good()
    put("entries.alpha.kind", "thing")(raw)
    cut("entries.bravo.summary")(raw)
    put("slots.cooking.default", "raw")(raw)

    assert f"\n{faults(raw)}".split("\nerror: my/catalog.yml: ") == [
        "",
        "`slots.cooking.default` must be one of `quick` or `slow`; got `raw`",
        "`entries.alpha.kind` must be `pattern` or `component`; got `thing`",
        "`entries.bravo.summary` is missing",
    ]


def test_a_relation_with_nothing_under_it_is_no_fault() -> None:
    """`needs:` on a line of its own is a null in YAML."""
    raw = good()
    put("entries.bravo.needs", None)(raw)
    put("entries.bravo.slots", None)(raw)

    assert build_catalog(raw).entries["bravo"].needs == {}


RELATIONS = {
    "a need of an unknown id": (
        raw_catalogue({"alpha": {"needs": ["brvo"]}, "bravo": {}}),
        "`entries.alpha.needs.brvo` is no entry of the catalogue\n\nhint: did you mean `bravo`?",
    ),
    "advice of an unknown id": (
        raw_catalogue({"alpha": {"suits": ["xyz"]}}),
        "`entries.alpha.suits.xyz` is no entry of the catalogue",
    ),
    "a need of itself": (
        raw_catalogue({"alpha": {"needs": ["alpha"]}}),
        "`entries.alpha.needs.alpha` names the entry itself",
    ),
    "an unknown slot": (
        raw_catalogue(
            {"alpha": {"slots": ["coking", "cooking"]}}, slots={"cooking": slot("a", {"a": []})}
        ),
        "`entries.alpha.slots.coking` is no slot of the catalogue\n\nhint: did you mean `cooking`?",
    ),
    "an unknown filler": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}}, slots={"cooking": slot("a", {"a": ["alhpa"]})}
        ),
        (
            "`slots.cooking.options.a.fills` names `alhpa`, which is no entry\n\n"
            "hint: did you mean `alpha`?"
        ),
    ),
    "a circle": (
        raw_catalogue(
            {
                "alpha": {"needs": ["bravo"]},
                "bravo": {"needs": ["charlie"]},
                "charlie": {"needs": ["bravo"]},
            }
        ),
        (
            "`entries.charlie.needs.bravo` closes a circle: "
            "`bravo` needs `charlie` needs `bravo`\n\n"
            "hint: two parts that always come together are one entry"
        ),
    ),
    "needs that exclude each other": (
        raw_catalogue(
            {
                "alpha": {"needs": ["bravo"]},
                "bravo": {"needs": ["charlie", "delta"]},
                "charlie": {"excludes": ["echo"]},
                "delta": {"needs": ["echo"]},
                "echo": {},
            }
        ),
        "`entries.bravo.needs` bring in both `charlie` and `echo`, which exclude each other",
    ),
    "an entry that excludes what it needs": (
        raw_catalogue({"alpha": {"needs": ["bravo"], "excludes": ["bravo"]}, "bravo": {}}),
        "`entries.alpha.needs` bring in both `alpha` and `bravo`, which exclude each other",
    ),
    "an entry that excludes what is always there": (
        raw_catalogue(
            {"alpha": {"excludes": ["core"]}, "bravo": {"needs": ["alpha"]}},
            {"core": {"always": True}},
        ),
        "`entries.alpha.needs` bring in both `alpha` and `core`, which exclude each other",
    ),
    "an exclusion said twice": (
        raw_catalogue({"alpha": {"excludes": ["bravo"]}, "bravo": {"excludes": ["alpha"]}}),
        (
            "`entries.bravo.excludes.alpha` is said at `entries.alpha.excludes.bravo` already\n\n"
            "hint: an exclusion holds both ways; say it once"
        ),
    ),
    "a slot that nobody asks for": (
        raw_catalogue({"alpha": {}}, slots={"cooking": slot("a", {"a": []})}),
        "`slots.cooking` is asked for by no entry",
    ),
    "a default that asks": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}},
            slots={"cooking": slot("a", {"a": [], "b": []}, asks=["a"])},
        ),
        "`slots.cooking.default` is an option that asks to be chosen",
    ),
    "a filler of two options": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}},
            slots={"cooking": slot("a", {"a": ["bravo"], "b": ["bravo", "charlie"]})},
        ),
        (
            "`slots.cooking.options.b.fills` hold `bravo`, and so do those of `a`: "
            "nothing decides between them\n\n"
            "hint: write `asks: true` where `b` is taken only by choice"
        ),
    ),
    "a filler of two options of a shared slot": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}, "bravo": {}},
            slots={
                "cooking": slot("a", {"a": [], "b": ["bravo"], "c": ["bravo"]}, exclusive=False)
            },
        ),
        (
            "`slots.cooking.options.c.fills` hold `bravo`, and so do those of `b`: "
            "nothing decides between them"
        ),
    ),
    "a filler named twice": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}, "bravo": {}},
            slots={"cooking": slot("a", {"a": ["bravo", "bravo"]})},
        ),
        "`slots.cooking.options.a.fills` names an entry twice",
    ),
    "fillers that exclude each other": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}, "bravo": {"excludes": ["charlie"]}, "charlie": {}},
            slots={"cooking": slot("a", {"a": ["bravo", "charlie"]})},
        ),
        (
            "`slots.cooking.options.a.fills` bring in both `bravo` and `charlie`, "
            "which exclude each other"
        ),
    ),
    "a filler that needs another option's": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}, "bravo": {"needs": ["charlie"]}, "charlie": {}},
            slots={"cooking": slot("a", {"a": ["bravo"], "b": ["charlie"]})},
        ),
        (
            "`slots.cooking.options.a.fills` need `charlie`, "
            "which is another option's filler of the same slot"
        ),
    ),
    "a shared slot's option with two fillers": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}},
            slots={"cooking": slot("a", {"a": [], "b": ["bravo", "charlie"]}, exclusive=False)},
        ),
        "`slots.cooking.options.b.fills` must name one entry at most; the slot is not exclusive",
    ),
    "a shared slot's option that asks": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}, "bravo": {}},
            slots={"cooking": slot("a", {"a": [], "b": ["bravo"]}, asks=["b"], exclusive=False)},
        ),
        "`slots.cooking.options.b.asks` means nothing where the slot is not exclusive",
    ),
    "a shared slot's default that brings another filler": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking"]}, "bravo": {"needs": ["charlie"]}, "charlie": {}},
            slots={"cooking": slot("a", {"a": ["bravo"], "b": ["charlie"]}, exclusive=False)},
        ),
        (
            "`slots.cooking.default` brings in `charlie`, "
            "which is another option's filler of the same slot"
        ),
    ),
    "a slot that asks for an earlier one": (
        raw_catalogue(
            {"alpha": {"slots": ["driving"]}, "bravo": {"slots": ["cooking"]}, "charlie": {}},
            slots={
                "cooking": slot("a", {"a": [], "b": ["charlie"]}),
                "driving": slot("a", {"a": ["bravo"], "b": []}),
            },
        ),
        (
            "`slots.driving.options.a.fills` bring in `bravo`, which asks for `cooking`, "
            "a slot decided before\n\nhint: let `driving` stand before `cooking`"
        ),
    ),
    "a slot that fills an earlier one": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking", "driving"]}, "charlie": {}},
            {"stove": {"needs": ["charlie"]}},
            slots={
                "cooking": slot("a", {"a": [], "b": ["charlie"]}),
                "driving": slot("a", {"a": [], "b": ["stove"]}),
            },
        ),
        (
            "`slots.driving.options.b.fills` bring in `charlie`, which fills `cooking`, "
            "a slot decided before\n\nhint: let `driving` stand before `cooking`"
        ),
    ),
    "a slot that brings a pattern with a filler of an earlier shared one": (
        raw_catalogue(
            {"alpha": {"slots": ["cooking", "driving"]}, "bravo": {"needs": ["stove"]}},
            {"stove": {}},
            slots={
                "cooking": slot("a", {"a": [], "b": ["stove"]}, exclusive=False),
                "driving": slot("a", {"a": ["bravo"]}),
            },
        ),
        (
            "`slots.driving.options.a.fills` bring in `stove`, which fills `cooking`, "
            "a slot decided before\n\nhint: let `driving` stand before `cooking`"
        ),
    ),
    "a title of two entries": (
        raw_catalogue({"alpha": {}})
        | {"entries": {"alpha": entry("alpha"), "bravo": entry("alpha")}},
        "`entries.bravo.title` is the title of `alpha` too",
    ),
}


@pytest.mark.parametrize("case", RELATIONS)
def test_a_fault_between_entries_names_file_entry_and_key(case: str) -> None:
    raw, told = RELATIONS[case]

    assert faults(raw) == f"error: my/catalog.yml: {told}"


def test_each_circle_is_told_once() -> None:
    raw = raw_catalogue(
        {
            "alpha": {"needs": ["bravo"]},
            "bravo": {"needs": ["alpha"]},
            "charlie": {"needs": ["delta"]},
            "delta": {"needs": ["charlie"]},
            "echo": {"needs": ["alpha", "charlie"]},
        }
    )

    hint = "  hint: two parts that always come together are one entry"
    assert faults(raw).splitlines() == [
        (
            "error: my/catalog.yml: `entries.bravo.needs.alpha` closes a circle: "
            "`alpha` needs `bravo` needs `alpha`"
        ),
        hint,
        (
            "error: my/catalog.yml: `entries.delta.needs.charlie` closes a circle: "
            "`charlie` needs `delta` needs `charlie`"
        ),
        hint,
    ]


ALLOWED = {
    "a component that fills an earlier shared slot": raw_catalogue(
        {"alpha": {"slots": ["cooking", "driving"]}},
        {"stove": {}},
        slots={
            "cooking": slot("a", {"a": [], "b": ["stove"]}, exclusive=False),
            "driving": slot("a", {"a": ["stove"]}),
        },
    ),
    "an earlier slot that whoever asks has asked for too": raw_catalogue(
        {"alpha": {"slots": ["cooking", "driving"]}, "bravo": {"slots": ["cooking"]}},
        slots={"cooking": slot("a", {"a": []}), "driving": slot("a", {"a": ["bravo"]})},
    ),
    "an earlier slot that what is always there asks for": raw_catalogue(
        {"alpha": {"slots": ["driving"]}, "bravo": {"slots": ["cooking"]}},
        {"core": {"always": True, "slots": ["cooking"]}},
        slots={"cooking": slot("a", {"a": []}), "driving": slot("a", {"a": ["bravo"]})},
    ),
    "an earlier filler that whoever asks has brought already": raw_catalogue(
        {"alpha": {"slots": ["cooking", "driving"], "needs": ["bravo"]}, "bravo": {}},
        {"stove": {"needs": ["bravo"]}},
        slots={
            "cooking": slot("a", {"a": [], "b": ["bravo"]}),
            "driving": slot("a", {"a": ["stove"]}),
        },
    ),
    "a filler of two options of which one asks": raw_catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}, "charlie": {}},
        slots={
            "cooking": slot("a", {"a": ["bravo"], "b": ["bravo", "charlie"]}, asks=["b"]),
        },
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_does_no_harm_is_allowed(case: str) -> None:
    raw = ALLOWED[case]

    assert list(build_catalog(raw).slots) == list(raw["slots"])
