"""What a wish brings in, which option does each job, and what cannot be."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_scaffold.catalog import Catalog, Why, build_catalog, load_catalog
from cdp_scaffold.errors import UnknownOptionError, UnknownPatternError, UnknownSlotError
from cdp_scaffold.resolver import (
    Advice,
    Always,
    Chain,
    Conflict,
    Filled,
    Needed,
    Resolution,
    Wished,
    resolve,
)
from tests.made_up import Raw, catalogue, catalogues_and_wishes, slot

REAL = load_catalog(Path(__file__).parents[1] / "blueprints" / "catalog.yml")


def resolved(catalog: Catalog, *wish: str, **choices: str) -> Resolution:
    answer = resolve(catalog, wish, choices)
    assert isinstance(answer, Resolution)
    return answer


def refused(catalog: Catalog, *wish: str, **choices: str) -> Conflict:
    answer = resolve(catalog, wish, choices)
    assert isinstance(answer, Conflict)
    return answer


def needed(member: str, by: str) -> Needed:
    return Needed(member, by, Why(f"{by} needs {member}"))


# Needs


def test_a_wish_brings_in_what_it_needs_at_any_distance() -> None:
    catalog = catalogue(
        {"alpha": {"needs": ["bravo"]}, "bravo": {"needs": ["charlie"]}, "charlie": {}, "delta": {}}
    )

    assert resolved(catalog, "alpha").members == ("alpha", "bravo", "charlie")


def test_members_stand_in_the_order_of_the_file() -> None:
    catalog = catalogue({"alpha": {}, "bravo": {"needs": ["alpha"]}, "charlie": {}})

    assert resolved(catalog, "charlie", "bravo").members == ("alpha", "bravo", "charlie")


def test_what_is_always_there_is_there_with_an_empty_wish_too() -> None:
    catalog = catalogue({"alpha": {}}, {"core": {"always": True, "needs": ["frame"]}, "frame": {}})

    answer = resolved(catalog)

    assert answer.members == ("core", "frame")
    assert answer.reasons == {"core": (Always("core"),), "frame": (needed("frame", "core"),)}


def test_every_reason_of_a_member_is_kept() -> None:
    """The wish first, then in the order of the file."""
    catalog = catalogue(
        {"alpha": {"needs": ["charlie"]}, "bravo": {"needs": ["charlie"]}, "charlie": {}}
    )

    answer = resolved(catalog, "charlie", "bravo", "alpha")

    assert answer.reasons["charlie"] == (
        Wished("charlie"),
        needed("charlie", "alpha"),
        needed("charlie", "bravo"),
    )


def test_a_chain_is_the_shortest_one() -> None:
    catalog = catalogue(
        {
            "alpha": {"needs": ["bravo"]},
            "bravo": {"needs": ["charlie"]},
            "charlie": {"needs": ["delta"]},
            "delta": {},
            "echo": {"needs": ["delta"]},
        }
    )

    answer = resolved(catalog, "alpha", "echo")

    assert answer.chain("delta") == (Wished("echo"), needed("delta", "echo"))
    assert answer.chain("charlie") == (
        Wished("alpha"),
        needed("bravo", "alpha"),
        needed("charlie", "bravo"),
    )


def test_of_two_shortest_chains_the_one_from_the_earlier_entry_is_told() -> None:
    catalog = catalogue(
        {"alpha": {"needs": ["charlie"]}, "bravo": {"needs": ["charlie"]}, "charlie": {}}
    )

    assert resolved(catalog, "bravo", "alpha").chain("charlie") == (
        Wished("alpha"),
        needed("charlie", "alpha"),
    )


def test_what_was_wished_for_has_itself_as_its_reason_even_where_others_need_it() -> None:
    catalog = catalogue({"alpha": {"needs": ["bravo"]}, "bravo": {}})

    assert resolved(catalog, "alpha", "bravo").chain("bravo") == (Wished("bravo"),)


def test_a_wish_comes_before_what_is_always_there() -> None:
    """Both as a reason, and as the start of a chain of the same length."""
    catalog = catalogue(
        {"alpha": {"always": True, "needs": ["charlie"]}, "bravo": {"needs": ["charlie"]}},
        {"charlie": {}, "delta": {"always": True}},
    )

    answer = resolved(catalog, "bravo", "delta")

    assert answer.chain("charlie") == (Wished("bravo"), needed("charlie", "bravo"))
    assert answer.chain("delta") == (Wished("delta"),)
    assert answer.chain("alpha") == (Always("alpha"),)


# Slots that one option fills

EXCLUSIVE = catalogue(
    {
        "alpha": {"slots": ["cooking"]},
        "bravo": {},
        "charlie": {},
        "delta": {"needs": ["bravo"]},
    },
    {"stove": {}, "fridge": {}},
    {
        "cooking": slot(
            "quick",
            {"quick": ["bravo"], "slow": ["charlie", "stove"], "both": ["bravo", "charlie"]},
            asks=["both"],
        )
    },
)


def test_a_slot_that_nothing_speaks_for_takes_its_default() -> None:
    answer = resolved(EXCLUSIVE, "alpha")

    assert answer.slots == {"cooking": "quick"}
    assert answer.decision.how == {"cooking": "default"}
    assert answer.members == ("alpha", "bravo")
    assert answer.reasons["bravo"] == (
        Filled("bravo", "alpha", Why("alpha asks for cooking"), "cooking", "quick", "default"),
    )


def test_a_slot_that_nobody_asks_for_takes_nothing() -> None:
    answer = resolved(EXCLUSIVE, "charlie")

    assert answer.slots == {}
    assert answer.members == ("charlie",)


def test_a_member_that_fills_a_slot_decides_it_and_brings_the_rest_of_the_option() -> None:
    answer = resolved(EXCLUSIVE, "alpha", "charlie")

    assert answer.slots == {"cooking": "slow"}
    assert answer.decision.how == {"cooking": "fillers"}
    assert answer.members == ("alpha", "charlie", "stove")
    assert answer.reasons["stove"] == (
        Filled(
            "stove",
            "alpha",
            Why("alpha asks for cooking"),
            "cooking",
            "slow",
            "fillers",
            ("charlie",),
        ),
    )


def test_what_completes_an_option_has_its_chain_from_what_decided_it() -> None:
    """Who asked for the slot did not ask for this option."""
    chain = resolved(EXCLUSIVE, "alpha", "charlie").chain("stove")

    assert [reason.member for reason in chain] == ["charlie", "stove"]


def test_a_filler_that_is_needed_decides_like_one_that_is_wished_for() -> None:
    answer = resolved(EXCLUSIVE, "alpha", "delta")

    assert answer.slots == {"cooking": "quick"}
    assert answer.decision.how == {"cooking": "fillers"}
    assert answer.reasons["bravo"] == (needed("bravo", "delta"),)


def test_a_choice_brings_its_option() -> None:
    answer = resolved(EXCLUSIVE, "alpha", cooking="slow")

    assert answer.slots == {"cooking": "slow"}
    assert answer.decision.how == {"cooking": "choice"}
    assert answer.members == ("alpha", "charlie", "stove")


def test_a_choice_of_the_default_is_a_choice() -> None:
    assert resolved(EXCLUSIVE, "alpha", cooking="quick").decision.how == {"cooking": "choice"}


def test_fillers_of_two_options_leave_the_slot_undecided() -> None:
    """Never a silent pick, even where an option that asks would hold both."""
    answer = refused(EXCLUSIVE, "alpha", "bravo", "charlie")

    assert answer.slots == {"cooking": ""}
    (fact,) = answer.facts
    assert (fact.kind, fact.slot, fact.option) == ("slot_undecided", "cooking", None)
    assert [side.member for side in fact.sides] == ["bravo", "charlie"]
    assert fact.asker is not None and fact.asker.member == "alpha"


def test_an_option_that_asks_is_taken_once_it_is_chosen() -> None:
    answer = resolved(EXCLUSIVE, "alpha", "bravo", "charlie", cooking="both")

    assert answer.slots == {"cooking": "both"}
    assert answer.members == ("alpha", "bravo", "charlie")


def test_a_choice_that_leaves_out_a_filler_is_refused() -> None:
    answer = refused(EXCLUSIVE, "alpha", "delta", "charlie", cooking="slow")

    (fact,) = answer.facts
    assert (fact.kind, fact.slot, fact.option) == ("slot_choice", "cooking", "slow")
    assert [(side.member, len(side.chain)) for side in fact.sides] == [("bravo", 2)]


def test_a_filler_that_only_an_option_that_asks_holds_leaves_the_slot_undecided() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {}},
        slots={"cooking": slot("quick", {"quick": [], "slow": ["bravo"]}, asks=["slow"])},
    )

    (fact,) = refused(catalog, "alpha", "bravo").facts

    assert (fact.kind, [side.member for side in fact.sides]) == ("slot_undecided", ["bravo"])
    assert resolved(catalog, "alpha", "bravo", cooking="slow").slots == {"cooking": "slow"}


# Slots that several may fill

SHARED = catalogue(
    {
        "alpha": {"slots": ["cooking"]},
        "bravo": {},
        "charlie": {},
    },
    slots={
        "cooking": slot(
            "quick", {"slow": ["bravo"], "quick": [], "both": ["charlie"]}, exclusive=False
        )
    },
)


def test_a_shared_slot_is_content_with_any_filler_and_names_the_first() -> None:
    answer = resolved(SHARED, "alpha", "charlie", "bravo")

    assert answer.slots == {"cooking": "slow"}
    assert answer.decision.fillers == {"cooking": ("bravo", "charlie")}
    assert answer.members == ("alpha", "bravo", "charlie")


def test_a_shared_slot_without_a_filler_takes_its_default() -> None:
    assert resolved(SHARED, "alpha").slots == {"cooking": "quick"}


def test_a_choice_adds_its_filler_to_a_shared_slot() -> None:
    answer = resolved(SHARED, "alpha", "bravo", cooking="both")

    assert answer.slots == {"cooking": "both"}
    assert answer.members == ("alpha", "bravo", "charlie")


def test_slots_are_decided_in_the_order_of_the_file() -> None:
    """What the first brings decides the second."""
    catalog = catalogue(
        {
            "alpha": {"slots": ["driving", "cooking"]},
            "bravo": {"needs": ["charlie"]},
            "charlie": {},
        },
        slots={
            "cooking": slot("quick", {"quick": ["bravo"], "slow": []}),
            "driving": slot("quick", {"quick": [], "slow": ["charlie"]}),
        },
    )

    answer = resolved(catalog, "alpha")

    assert list(answer.slots.items()) == [("cooking", "quick"), ("driving", "slow")]
    assert answer.decision.how == {"cooking": "default", "driving": "fillers"}


def test_what_a_slot_brings_may_ask_for_a_later_one() -> None:
    catalog = catalogue(
        {"alpha": {"slots": ["cooking"]}, "bravo": {"slots": ["driving"]}, "charlie": {}},
        slots={
            "cooking": slot("quick", {"quick": ["bravo"], "slow": []}),
            "driving": slot("quick", {"quick": ["charlie"], "slow": []}),
        },
    )

    chain = resolved(catalog, "alpha").chain("charlie")

    assert [reason.member for reason in chain] == ["alpha", "bravo", "charlie"]


# Exclusions

RIVALS = catalogue(
    {
        "alpha": {"needs": ["bravo"]},
        "bravo": {"excludes": ["charlie"]},
        "charlie": {},
        "delta": {"needs": ["charlie"]},
    }
)


def test_what_excludes_each_other_is_refused_with_the_chain_of_each_side() -> None:
    (fact,) = refused(RIVALS, "delta", "alpha").facts

    chains: list[Chain] = [side.chain for side in fact.sides]
    assert (fact.kind, fact.why) == ("excluded", Why("bravo excludes charlie"))
    assert chains == [
        (Wished("alpha"), needed("bravo", "alpha")),
        (Wished("delta"), needed("charlie", "delta")),
    ]


def test_an_exclusion_is_seen_from_both_sides() -> None:
    assert RIVALS.rivals["bravo"] == {"charlie": Why("bravo excludes charlie")}
    assert RIVALS.rivals["charlie"] == {"bravo": Why("bravo excludes charlie")}
    assert refused(RIVALS, "bravo", "charlie").facts == refused(RIVALS, "charlie", "bravo").facts


def test_everything_that_cannot_be_is_told_slots_first() -> None:
    catalog = catalogue(
        {
            "alpha": {"slots": ["cooking"], "excludes": ["bravo", "charlie"]},
            "bravo": {},
            "charlie": {},
        },
        slots={"cooking": slot("quick", {"quick": ["bravo"], "slow": ["charlie"]})},
    )

    answer = refused(catalog, "alpha", "bravo", "charlie")

    assert [(fact.kind, tuple(side.member for side in fact.sides)) for fact in answer.facts] == [
        ("slot_undecided", ("bravo", "charlie")),
        ("excluded", ("alpha", "bravo")),
        ("excluded", ("alpha", "charlie")),
    ]


# Names


def test_an_unknown_pattern_is_refused_with_near_names() -> None:
    with pytest.raises(UnknownPatternError) as caught:
        resolve(RIVALS, ["alpha", "chalie"])

    assert (caught.value.name, caught.value.close) == ("chalie", ("charlie",))


def test_a_title_is_no_id_here_but_its_id_is_what_is_meant() -> None:
    with pytest.raises(UnknownPatternError) as caught:
        resolve(REAL, ["Multi-Datacenter"])

    assert caught.value.hint == "did you mean `multi_datacenter`?"


def test_an_unknown_slot_is_refused() -> None:
    with pytest.raises(UnknownSlotError) as caught:
        resolve(EXCLUSIVE, ["alpha"], {"cookin": "quick"})

    assert caught.value.render() == (
        "error: there is no slot `cookin`\n\nhint: the slots are `cooking`"
    )


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(UnknownOptionError) as caught:
        resolve(EXCLUSIVE, ["alpha"], {"cooking": "raw"})

    assert caught.value.render() == (
        "error: `cooking` cannot be `raw`\n\nhint: choose one of `quick`, `slow` or `both`"
    )


# Advice


def test_advice_tells_what_would_suit_the_wish_and_why() -> None:
    catalog = catalogue({"alpha": {"suits": ["charlie"]}, "bravo": {}, "charlie": {}})

    assert resolved(catalog, "alpha").advice() == (
        Advice("charlie", "alpha", Why("alpha likes charlie")),
    )


def test_advice_is_given_for_the_wish_alone_and_once_for_each_pattern() -> None:
    catalog = catalogue(
        {
            "alpha": {"needs": ["charlie"], "suits": ["echo"]},
            "bravo": {"suits": ["echo", "charlie"]},
            "charlie": {"suits": ["delta"]},
            "delta": {},
            "echo": {},
        }
    )

    advice = resolved(catalog, "alpha", "bravo").advice()

    assert [(each.pattern, each.by) for each in advice] == [("echo", "alpha")]


def test_what_would_end_in_a_conflict_is_not_advised() -> None:
    """Neither what is excluded, nor what would leave a slot undecided."""
    catalog = catalogue(
        {
            "alpha": {"slots": ["cooking"], "excludes": ["delta"], "suits": ["charlie", "echo"]},
            "bravo": {},
            "charlie": {},
            "delta": {},
            "echo": {"needs": ["delta"]},
        },
        slots={"cooking": slot("quick", {"quick": ["bravo"], "slow": ["charlie"]})},
    )

    assert [each.pattern for each in resolved(catalog, "alpha").advice()] == ["charlie"]
    assert resolved(catalog, "alpha", "bravo").advice() == ()


# Choices without use


def test_a_choice_that_nothing_asks_for_changes_nothing_and_is_told() -> None:
    answer = resolved(EXCLUSIVE, "charlie", cooking="quick")

    assert answer.members == resolved(EXCLUSIVE, "charlie").members
    assert answer.unused == ("cooking",)
    assert resolved(EXCLUSIVE, "alpha", cooking="quick").unused == ()


# Whatever the catalogue


@settings(deadline=None)
@given(catalogues_and_wishes(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(
    drawn: tuple[Raw, list[str], dict[str, str]], shuffled: random.Random
) -> None:
    raw, wish, choices = drawn
    catalog = build_catalog(raw)
    again = [*wish, *wish]
    shuffled.shuffle(again)

    one, other = resolve(catalog, wish, choices), resolve(catalog, again, choices)

    assert one == other
    assert one.reasons == other.reasons
    assert [one.chain(id) for id in one.members] == [other.chain(id) for id in other.members]
    if isinstance(one, Conflict) and isinstance(other, Conflict):
        assert (one.facts, one.repairs) == (other.facts, other.repairs)


@settings(max_examples=300, deadline=None)
@given(catalogues_and_wishes())
def test_wishing_for_what_is_there_anyway_changes_nothing_but_its_reason(
    drawn: tuple[Raw, list[str], dict[str, str]],
) -> None:
    raw, wish, choices = drawn
    catalog = build_catalog(raw)
    before = resolve(catalog, wish, choices)
    for id in before.members:
        if catalog.entries[id].kind == "component" or id in wish:
            continue

        after = resolve(catalog, [*wish, id], choices)

        assert type(after) is type(before)
        assert (after.members, after.slots) == (before.members, before.slots)
        assert after.decision.wrong == before.decision.wrong
        assert after.chain(id) == (Wished(id),)


@settings(max_examples=300, deadline=None)
@given(catalogues_and_wishes())
def test_a_resolution_is_closed_decided_and_free_of_exclusions(
    drawn: tuple[Raw, list[str], dict[str, str]],
) -> None:
    raw, wish, choices = drawn
    catalog = build_catalog(raw)
    answer = resolve(catalog, wish, choices)
    if isinstance(answer, Conflict):
        assert answer.facts
        return
    members = set(answer.members)
    entries = [catalog.entries[id] for id in members]

    assert {*wish, *catalog.always} <= members
    assert {need for entry in entries for need in entry.needs} <= members
    assert set(answer.slots) == {slot for entry in entries for slot in entry.slots}
    assert not members & {other for entry in entries for other in entry.excludes}
    for name, way in answer.slots.items():
        job = catalog.slots[name]
        assert way == choices.get(name, way)
        assert members >= set(job.options[way].fills)
        if job.exclusive:
            assert members & set(job.fillers) == set(job.options[way].fills)


@settings(max_examples=300, deadline=None)
@given(catalogues_and_wishes())
def test_every_member_has_a_reason_and_a_chain_that_holds(
    drawn: tuple[Raw, list[str], dict[str, str]],
) -> None:
    """Each link builds on the one before, and no other order of reasons reaches it sooner."""
    raw, wish, choices = drawn
    catalog = build_catalog(raw)
    answer = resolve(catalog, wish, choices)
    rounds = derivation_rounds(answer)

    assert set(rounds) == set(answer.members)
    for id in answer.members:
        chain = answer.chain(id)
        assert isinstance(chain[0], (Wished, Always))
        assert chain[-1] in answer.reasons[id] and chain[-1].member == id
        assert len(chain) <= rounds[id]
        for before, reason in pairwise(chain):
            assert isinstance(reason, (Needed, Filled))
            deciders = reason.fillers if isinstance(reason, Filled) else ()
            assert before.member in (deciders or (reason.by,))


def derivation_rounds(answer: Resolution | Conflict) -> dict[str, int]:
    """Member → after how many rounds of applying all reasons at once it is reached."""
    reached: dict[str, int] = {}
    for number in range(1, len(answer.members) + 1):
        known = set(reached)
        for id, reasons in answer.reasons.items():
            for reason in reasons:
                by = () if isinstance(reason, (Wished, Always)) else (reason.by,)
                deciders = reason.fillers if isinstance(reason, Filled) else ()
                if known.issuperset(by) and (not deciders or known & set(deciders)):
                    reached.setdefault(id, number)
    return reached


# The real catalogue


@pytest.mark.parametrize("pattern", REAL.patterns)
def test_every_pattern_can_be_had_by_itself(pattern: str) -> None:
    answer = resolved(REAL, pattern)

    assert pattern in answer.members
    assert all(answer.reasons[id] for id in answer.members)


def test_pairs_that_are_refused_are_known() -> None:
    """A change of the catalogue that refuses more, or less, is seen here."""
    refused_pairs = {
        (one, other)
        for number, one in enumerate(REAL.patterns)
        for other in REAL.patterns[number + 1 :]
        if isinstance(resolve(REAL, [one, other]), Conflict)
    }

    assert refused_pairs == {
        ("stamp", "bootstrap"),
        ("clone_server", "bootstrap"),
        ("multi_server", "clone_server"),
        ("multi_datacenter", "clone_server"),
        ("url_rewriting", "rewrite_proxy"),
    }


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(REAL.patterns), min_size=1, max_size=20),
    st.sampled_from(list(REAL.slots)).flatmap(
        lambda name: st.dictionaries(
            st.just(name), st.sampled_from(list(REAL.slots[name].options)), max_size=1
        )
    ),
)
def test_a_bought_in_pattern_may_be_wished_for_in_the_real_catalogue_too(
    wish: list[str], choices: dict[str, str]
) -> None:
    before = resolve(REAL, wish, choices)
    bought = [id for id in before.members if REAL.entries[id].kind == "pattern"]

    after = resolve(REAL, bought, choices)

    assert (after.members, after.slots) == (before.members, before.slots)
    assert after.decision.wrong == before.decision.wrong
