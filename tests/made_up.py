"""Made-up catalogues: written in a few words, or drawn at random for properties.

What is tested on them stays true while the real catalogue grows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from cdp_scaffold.catalog import Catalog, build_catalog
from cdp_scaffold.errors import CatalogError, Fault

NAMES = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliett",
]
JOBS = ("cooking", "driving", "mending", "singing")
WAYS = ("quick", "slow", "both")
Raw = dict[str, Any]


def entry(id: str, kind: str = "pattern", always: bool = False, **relations: Any) -> Raw:
    """One entry; a relation is a list of ids, or a mapping where the why matters.

    Without one, the why of `alpha` for `bravo` is "alpha needs bravo" (or asks for it, …).
    """
    raw: Raw = {
        "title": id.capitalize(),
        "kind": kind,
        "status": "ready",
        "summary": f"What {id} is for.",
    }
    if kind == "pattern":
        raw |= {"family": "letters", "source": f"{id.capitalize()} Pattern"}
    if always:
        raw["always"] = True
    verbs = {"needs": "needs", "slots": "asks for", "excludes": "excludes", "suits": "likes"}
    for relation, others in relations.items():
        raw[relation] = (
            dict(others)
            if isinstance(others, Mapping)
            else {other: f"{id} {verbs[relation]} {other}" for other in others}
        )
    return raw


def slot(
    default: str,
    options: Mapping[str, Sequence[str]],
    asks: Sequence[str] = (),
    exclusive: bool = True,
) -> Raw:
    """One slot, its options as way → fillers."""
    return {
        "title": "Work",
        "job": "how the work is done",
        "default": default,
        "exclusive": exclusive,
        "options": {
            way: {
                "title": way.capitalize(),
                "fills": list(fills),
                "take": f"{way} will do",
                **({"asks": True} if way in asks else {}),
            }
            for way, fills in options.items()
        },
        "trade_off": [{"about": "time", **{way: f"{way} time" for way in options}}],
    }


def raw_catalogue(
    patterns: Mapping[str, Mapping[str, Any]],
    components: Mapping[str, Mapping[str, Any]] | None = None,
    slots: Mapping[str, Raw] | None = None,
) -> Raw:
    """A whole catalogue as plain data, as Jinja takes it too."""
    entries = {id: entry(id, **relations) for id, relations in patterns.items()}
    for id, relations in (components or {}).items():
        entries[id] = entry(id, "component", **relations)
    return {
        "families": {"letters": "Letters"},
        "slots": {
            id: {**each, "title": id.capitalize(), "job": f"how {id} is done"}
            for id, each in (slots or {}).items()
        },
        "entries": entries,
    }


def catalogue(
    patterns: Mapping[str, Mapping[str, Any]],
    components: Mapping[str, Mapping[str, Any]] | None = None,
    slots: Mapping[str, Raw] | None = None,
) -> Catalog:
    """A whole catalogue, checked."""
    return build_catalog(raw_catalogue(patterns, components, slots))


@st.composite
def raw_catalogues(draw: st.DrawFn, most_exclusions: int = 3) -> Raw:
    """A random catalogue that keeps every rule, as plain data."""
    ids = NAMES[: draw(st.integers(3, len(NAMES)))]
    patterns = ids[: draw(st.integers(2, len(ids)))]
    jobs = JOBS[: draw(st.integers(0, len(JOBS)))]
    some = st.lists(st.sampled_from(ids), max_size=2, unique=True)
    # Needs along a drawn order have no circles.
    rank = draw(st.permutations(ids))
    relations: dict[str, dict[str, Any]] = {}
    for id in ids:
        after = rank[rank.index(id) + 1 :]
        relations[id] = {
            "needs": draw(st.lists(st.sampled_from(after), max_size=2, unique=True))
            if after
            else [],
            "slots": draw(st.lists(st.sampled_from(jobs), max_size=2, unique=True)) if jobs else [],
            "excludes": [],
            "suits": draw(some),
        }
    pairs = st.tuples(st.sampled_from(ids), st.sampled_from(ids))
    for one, other in draw(st.lists(pairs, max_size=most_exclusions)):
        relations[one]["excludes"].append(other)
    if draw(st.booleans()) and len(patterns) < len(ids):
        relations[ids[-1]]["always"] = True
    slots = {}
    for job in jobs:
        ways = WAYS[: draw(st.integers(2, len(WAYS)))]
        exclusive = draw(st.booleans())
        slots[job] = slot(
            draw(st.sampled_from(ways)),
            {way: draw(some) for way in ways},
            asks=ways[2:] if exclusive and draw(st.booleans()) else (),
            exclusive=exclusive,
        )
    raw = raw_catalogue(
        {id: relations[id] for id in patterns},
        {id: relations[id] for id in ids[len(patterns) :]},
        slots,
    )
    return _pruned(raw)


@st.composite
def wishes(draw: st.DrawFn, raw: Raw) -> tuple[list[str], dict[str, str]]:
    """A random wish for a catalogue, and random choices."""
    patterns = [id for id, each in raw["entries"].items() if each["kind"] == "pattern"]
    wish = draw(st.lists(st.sampled_from(patterns), min_size=1, max_size=4, unique=True))
    choices = {
        job: draw(st.sampled_from(list(each["options"])))
        for job, each in raw["slots"].items()
        if draw(st.integers(0, 3)) == 0
    }
    return wish, choices


@st.composite
def catalogues_and_wishes(
    draw: st.DrawFn, conflicting: bool = False
) -> tuple[Raw, list[str], dict[str, str]]:
    """A random catalogue with a wish and choices for it; on demand such as often conflict."""
    raw = draw(raw_catalogues(most_exclusions=8 if conflicting else 3))
    return raw, *draw(wishes(raw))


def _pruned(raw: Raw) -> Raw:
    """The catalogue without what breaks a rule, fault by fault until none is left."""
    try:
        build_catalog(raw)
    except CatalogError as error:
        _take_out(raw, error.faults[0])
        return _pruned(raw)
    return raw


def _take_out(raw: Raw, fault: Fault) -> None:
    first, id, *rest = fault.key.split(".")
    if first == "entries" and rest == ["needs"]:
        one, other = re.findall(r"`(\w+)`", fault.message)
        del raw["entries"][one]["excludes"][other]
    elif first == "entries":
        del raw["entries"][id][rest[0]][rest[1]]
    elif rest[-1:] == ["asks"]:
        del raw["slots"][id]["options"][rest[1]]["asks"]
    elif rest[-1:] == ["fills"] and raw["slots"][id]["options"][rest[1]]["fills"]:
        raw["slots"][id]["options"][rest[1]]["fills"].pop()
    else:
        del raw["slots"][id]
        for each in raw["entries"].values():
            each["slots"].pop(id, None)
