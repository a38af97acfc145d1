"""What the model says of all wishes is what the resolver says of each."""

import json
import random
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cdp_scaffold.bdd import FALSE, TRUE, Diagrams
from cdp_scaffold.catalog import Catalog, build_catalog, load_catalog
from cdp_scaffold.cli import app
from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.model import Model, Variable, Wishes
from cdp_scaffold.model_text import numbers, numbers_data, pair_why, pairs, pairs_data
from cdp_scaffold.resolver import Decision, Resolution, decide, resolve

CATALOG = load_catalog(Path(__file__).parents[1] / "blueprints" / "catalog.yml")
MODEL = Model(CATALOG)
READY = tuple(id for id in CATALOG.patterns if CATALOG.entries[id].status == "ready")


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - nothing here is secret


# Whatever conflicts, competes for a job or is brought in by default, in parts small enough to list.
SUBMODELS = {
    "the ready patterns": READY[:14],
    "who fills a slot": tuple(
        id for id in CATALOG.patterns if CATALOG.filled_by[id] or CATALOG.rivals[id]
    ),
    "basic and high availability": tuple(
        id
        for id in CATALOG.patterns
        if CATALOG.entries[id].family in ("basic", "high_availability", "relational_database")
    ),
    "dynamic content, stamp, bootstrap": (
        *(id for id in CATALOG.patterns if CATALOG.entries[id].family == "dynamic_content"),
        *("stamp", "bootstrap", "multi_server", "scale_out", "web_storage"),
    ),
    **{
        f"fourteen at random, {seed}": tuple(seeded(seed).sample(CATALOG.patterns, 14))
        for seed in range(3)
    },
}

Answer = tuple[frozenset[str], frozenset[tuple[str, str]]]


def subsets(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    every = tuple(ids)
    return chain.from_iterable(combinations(every, size) for size in range(1, len(every) + 1))


def answer(decision: Decision) -> Answer:
    return frozenset(decision.members), frozenset(decision.slots.items())


def decided(
    catalog: Catalog, wish: Iterable[str], offered: Container[str] | None = None
) -> Iterator[dict[str, str]]:
    """Every way to choose one option for each job that is asked for, and none for another.

    Args:
        offered: What an option may fill its slot with; anything if left out.
    """
    wished = tuple(wish)

    def onward(choices: dict[str, str]) -> Iterator[dict[str, str]]:
        asked = decide(catalog, wished, choices).slots
        # A slot is decided before those after it, so what it brings may only ask for these.
        following = next(
            (slot for slot in catalog.slots if slot in asked and slot not in choices), ""
        )
        if not following:
            yield choices
            return
        for id, option in catalog.slots[following].options.items():
            if offered is None or all(each in offered for each in option.fills):
                yield from onward({**choices, following: id})

    return onward({})


def by_brute_force(
    catalog: Catalog, patterns: Iterable[str], *, chosen: bool
) -> tuple[Counter[int], int]:
    """The valid wishes by size, and the number of distinct resolutions."""
    sizes: Counter[int] = Counter()
    answers: set[Answer] = set()
    for wish in subsets(patterns):
        for choices in decided(catalog, wish) if chosen else ({},):
            decision = decide(catalog, wish, choices)
            if not decision.wrong:
                sizes[len(wish)] += 1
                answers.add(answer(decision))
    return sizes, len(answers)


def with_ready(catalog: Catalog, ready: Container[str]) -> Catalog:
    """The same language with another part of it to generate."""
    entries = {
        id: replace(entry, status="ready" if id in ready else "planned")
        for id, entry in catalog.entries.items()
    }
    return Catalog(entries, catalog.slots, catalog.families)


def counted(catalog: Catalog, patterns: Iterable[str], *, chosen: bool) -> tuple[Counter[int], int]:
    wishes = Wishes(catalog, chosen=catalog.slots if chosen else (), patterns=tuple(patterns))
    valid = wishes.resolving()
    sizes = Counter({size: n for size, n in enumerate(wishes.count(valid)) if n})
    return sizes, sum(wishes.count(wishes.full(valid)))


@pytest.mark.parametrize("patterns", SUBMODELS.values(), ids=SUBMODELS)
def test_counting_a_part_gives_what_listing_it_gives(patterns: tuple[str, ...]) -> None:
    sizes, answers = by_brute_force(CATALOG, patterns, chosen=False)

    assert len(patterns) <= 18 and sizes.total() < 2 ** len(patterns)
    assert counted(CATALOG, patterns, chosen=False) == (sizes, answers)


CHOOSING = [
    ("stamp", "multi_server", "bootstrap"),
    ("deep_health_check", "state_sharing"),
    ("weighted_transition", "direct_hosting", "hybrid_backup"),
    ("clone_server", "nfs_replica"),
    ("url_rewriting", "rewrite_proxy"),
    ("floating_ip", "backnet", "stamp", "bootstrap"),
    ("db_replication", "read_replica", "inmemory_db_cache", "priority_queue"),
    ("cache_distribution", "web_storage", "ondemand_nat"),
]


@pytest.mark.parametrize("patterns", CHOOSING, ids=" ".join)
def test_counting_a_part_with_choices_gives_what_listing_it_gives(
    patterns: tuple[str, ...],
) -> None:
    sizes, answers = by_brute_force(CATALOG, patterns, chosen=True)

    assert sizes.total() > 2 ** len(patterns)
    assert counted(CATALOG, patterns, chosen=True) == (sizes, answers)


def test_wishes_of_up_to_three_patterns_are_counted_as_the_resolver_finds_them() -> None:
    """All 17,296 triples: at this size the whole language can still be listed."""
    found = [0]
    for size in (1, 2, 3):
        wishes = combinations(CATALOG.patterns, size)
        found.append(sum(not decide(CATALOG, wish, {}).wrong for wish in wishes))

    assert list(MODEL.whole.by_size[:4]) == found
    assert found[1] == 48


def test_the_whole_count_follows_from_the_refused_pairs() -> None:
    """No diagram in it: the few patterns that refuse each other, listed, and all others free."""
    refused = [{p.one, p.other} for p in MODEL.pairs if p.verdict == "refused"]
    few = set().union(*refused)
    free = sum(
        not any(pair <= set(chosen) for pair in refused)
        for size in range(len(few) + 1)
        for chosen in combinations(sorted(few), size)
    )

    empty = 1
    expected = free * 2 ** (len(CATALOG.patterns) - len(few)) - empty
    assert MODEL.whole.valid + MODEL.refused_beyond_pairs == expected


def random_wish(dice: random.Random) -> list[str]:
    return dice.sample(CATALOG.patterns, dice.choice((2, 4, 8, 16, 24, 32, 40, 44, 46, 48)))


def agrees(wishes: Wishes, wish: Iterable[str], choices: Mapping[str, str]) -> bool:
    """Hold every function against the resolver's answer to one wish; tell whether it is valid."""
    values: dict[Variable, bool] = dict.fromkeys((*wish, *choices.items()), True)
    decision = decide(CATALOG, wish, choices)

    def where(functions: Mapping[Any, int]) -> set[Any]:
        return {key for key, f in functions.items() if wishes.diagrams.holds(f, values)}

    valid = not decision.wrong
    assert wishes.diagrams.holds(wishes.valid, values) == valid
    if valid:
        assert where(wishes.members) == set(decision.members)
        assert where(wishes.taken) == set(decision.slots.items())
    return valid


def test_every_function_agrees_with_the_resolver_on_large_wishes() -> None:
    dice = seeded(48)
    valid = Counter(agrees(MODEL.by_default, random_wish(dice), {}) for _ in range(2_000))

    assert min(valid[True], valid[False]) > 300


def test_every_function_agrees_with_the_resolver_on_large_wishes_with_choices() -> None:
    dice = seeded(84)
    valid: Counter[bool] = Counter()
    for _ in range(1_000):
        wish, choices = random_wish(dice), dict[str, str]()
        for slot in CATALOG.slots.values():
            # A slot is asked for by what is there when its turn comes; later ones change nothing.
            decision = decide(CATALOG, wish, choices)
            if slot.id in decision.slots:
                told = decision.slots[slot.id]
                options = [told] * 6 if told else []
                choices[slot.id] = dice.choice([*options, *slot.options])
        valid[agrees(MODEL.by_choice, wish, choices)] += 1

    assert min(valid[True], valid[False]) > 100


def test_choosing_what_was_taken_anyway_changes_nothing() -> None:
    """So each set of choices comes down to one with an option for each job and no more."""
    dice, valid = seeded(7), 0
    for _ in range(1_000):
        wish = random_wish(dice)
        slots = dice.sample(list(CATALOG.slots.values()), dice.randrange(len(CATALOG.slots)))
        choices = {slot.id: dice.choice(list(slot.options)) for slot in slots}
        decision = decide(CATALOG, wish, choices)
        if not decision.wrong:
            again = decide(CATALOG, wish, decision.slots)
            assert (answer(again), again.wrong) == (answer(decision), ())
            assert agrees(MODEL.by_choice, wish, decision.slots)
            valid += 1

    assert valid > 100


@pytest.mark.parametrize("wishes", [MODEL.by_default, MODEL.by_choice], ids=["default", "chosen"])
def test_naming_what_comes_anyway_changes_nothing_in_any_wish(wishes: Wishes) -> None:
    """Proven over all wishes; it is what makes the full wishes count the resolutions."""
    d, valid = wishes.diagrams, wishes.resolving()
    answers = [*wishes.members.values(), *wishes.taken.values()]
    for id in wishes.patterns:
        comes = d.every((valid, wishes.members[id], d.no(d.variable(id))))
        for function in (*answers, wishes.valid):
            named = d.fixed(function, id, True)
            assert not d.meet(comes, d.ite(function, d.no(named), named)), id


def test_what_generates_today_is_counted_as_the_resolver_finds_it() -> None:
    """Planned parts neither in the wish nor in its answer; six patterns can be listed."""
    six = ["stamp", "multi_server", "multi_datacenter", "state_sharing", "bootstrap"]
    six.append("cache_distribution")
    components = {id for id in MODEL.ready if CATALOG.entries[id].kind == "component"}
    ready = components.union(six)
    catalog = with_ready(CATALOG, ready)
    found: dict[bool, Counter[int]] = {False: Counter(), True: Counter()}
    answers: dict[bool, set[Answer]] = {False: set(), True: set()}
    for wish in subsets(six):
        for chosen in (False, True):
            for choices in decided(catalog, wish, ready) if chosen else ({},):
                decision = decide(catalog, wish, choices)
                if not decision.wrong and decision.members.keys() <= ready:
                    found[chosen][len(wish)] += 1
                    answers[chosen].add(answer(decision))

    count = Model(catalog).today

    assert (count.patterns, count.wishes) == (6, 63)
    assert count.by_size == tuple(found[False][size] for size in range(7))
    assert (count.chosen, count.resolutions) == (found[True].total(), len(answers[False]))
    assert count.chosen_resolutions == len(answers[True]) == len(list(FeatureModel(catalog).each()))


def test_every_single_pattern_is_valid() -> None:
    assert MODEL.whole.by_size[:2] == (0, len(CATALOG.patterns))


# What the catalogue must not have is shown on made-up ones.


def entry(**more: Any) -> dict[str, Any]:
    return {"title": "", "kind": "component", "status": "ready", "summary": "A part.", **more}


def made_up(entries: dict[str, dict[str, Any]], slots: dict[str, Any] | None = None) -> Catalog:
    for id, raw in entries.items():
        raw["title"] = id.title()
        if raw["kind"] == "pattern":
            raw.update(family="letters", source="Letters")
    return build_catalog(
        {"families": {"letters": "Letters"}, "slots": slots or {}, "entries": entries}
    )


def slot(default: str, **fills: list[str]) -> dict[str, Any]:
    options = {
        id: {"title": id.title(), "fills": list(each), "take": "you like it"}
        for id, each in fills.items()
    }
    return {"title": "Job", "job": "how it is done", "default": default, "options": options}


LETTERS = made_up(
    {
        "alpha": entry(kind="pattern", needs={"gamma": "it stands on it"}),
        "beta": entry(
            kind="pattern",
            slots={"job": "somebody must do it"},
            excludes={"never": "it fights with whoever does the job so"},
        ),
        "epsilon": entry(kind="pattern", excludes={"one": "it does not go with it"}),
        "frame": entry(always=True, needs={"ground": "it stands on it"}),
        "ground": entry(),
        "gamma": entry(),
        "ghost": entry(slots={"other_job": "nobody is there to ask"}),
        "one": entry(),
        "two": entry(status="planned"),
        "never": entry(),
    },
    {
        "job": slot("first", first=["one"], second=["two"], third=["never"]),
        "other_job": slot("none", none=[], some=["gamma"]),
    },
)


def test_core_dead_and_chosen_parts_of_a_made_up_language_are_told() -> None:
    model = Model(LETTERS)

    assert model.core == ("frame", "ground")
    assert model.dead == ("ghost", "never")
    assert model.only_by_choice == ("two",)
    assert model.dead_slots == ("other_job",)
    assert model.dead_options == (("job", "third"), ("other_job", "none"), ("other_job", "some"))
    assert model.options_only_by_choice == (("job", "second"),)


def test_the_numbers_of_a_made_up_language_can_be_counted_by_hand() -> None:
    """Valid are all but {beta, epsilon} and {alpha, beta, epsilon}, whose default is excluded."""
    model = Model(LETTERS)

    assert model.whole.wishes == 7
    assert model.whole.by_size == (0, 3, 2, 0)
    assert (model.whole.valid, model.whole.largest, model.whole.resolutions) == (5, 2, 5)
    # beta and {alpha, beta} with `first` or `second`; with epsilon only `second` is left.
    assert (model.whole.chosen, model.whole.chosen_resolutions) == (3 + 2 + 2 + 2, 9)
    # `two` is planned, so `second` cannot be generated.
    assert (model.today.chosen, model.today.valid) == (3 + 1 + 1, 5)


def test_a_pattern_that_comes_by_default_makes_no_resolution_of_its_own() -> None:
    catalog = made_up(
        {
            "alpha": entry(kind="pattern", slots={"job": "somebody must do it"}),
            "beta": entry(kind="pattern"),
            "gamma": entry(kind="pattern"),
        },
        {"job": slot("first", first=["beta"], second=["gamma"])},
    )

    count = Model(catalog).whole

    # {alpha} and {alpha, beta} are one; {alpha, beta, gamma} is refused, which of the two is it?
    assert (count.wishes, count.valid, count.resolutions) == (7, 6, 5)


def needed(id: str) -> set[str]:
    return {id}.union(*map(needed, CATALOG.entries[id].needs))


def test_refused_wishes_that_no_pair_explains_are_counted() -> None:
    """No two of alpha, beta and gamma refuse each other: with alpha the other two do one job."""
    pattern = {"kind": "pattern"}
    catalog = made_up(
        {
            "alpha": entry(**pattern, slots={"job": "somebody must do it"}),
            "beta": entry(**pattern),
            "gamma": entry(**pattern),
        },
        {"job": slot("none", none=[], first=["beta"], second=["gamma"])},
    )
    model = Model(catalog)

    assert {pair.verdict for pair in model.pairs} == {"valid"}
    assert model.refused_beyond_pairs == 1
    assert (
        pairs(model)
        .plain(80)
        .endswith("Wishes that are refused although no two of their patterns refuse each other: 1.")
    )
    assert MODEL.refused_beyond_pairs == 0


def test_pairs_are_what_the_resolver_makes_of_them() -> None:
    by_hand: Counter[str] = Counter()
    for pair in MODEL.pairs:
        together = resolve(CATALOG, (pair.one, pair.other))
        alone = {id: resolve(CATALOG, (id,)).members for id in (pair.one, pair.other)}
        brings = pair.other in alone[pair.one] or pair.one in alone[pair.other]
        verdict = "refused"
        if isinstance(together, Resolution):
            verdict = "bought_in" if brings else "valid"
        assert pair.verdict == verdict, pair
        if pair.by:
            assert pair.brought in alone[pair.by] and {pair.by, pair.brought} == set(alone)
            assert pair.by_default == (pair.brought not in needed(pair.by))
        by_hand[verdict] += 1

    assert by_hand.total() == 48 * 47 // 2
    assert by_hand["valid"] + by_hand["bought_in"] == MODEL.whole.by_size[2]


def test_every_pair_that_is_not_just_valid_says_why_in_one_line() -> None:
    for pair in MODEL.pairs:
        why = pair_why(CATALOG, pair)
        if pair.verdict == "valid":
            assert why is None
            continue
        assert why and "\n" not in why, pair
        if pair.verdict == "refused":
            assert any(
                CATALOG.entries[side.member].title in why
                for fact in getattr(pair.answer, "facts", ())
                for side in fact.sides
            )
        else:
            assert why.startswith(f"You chose {CATALOG.entries[str(pair.by)].title}, which needs ")
            assert CATALOG.entries[str(pair.brought)].title in why or why.endswith("zone.")


def test_each_kind_of_pair_is_told_in_its_own_words() -> None:
    pattern = {"kind": "pattern"}
    job = {"job": "somebody must do it"}
    catalog = made_up(
        {
            "alpha": entry(**pattern, excludes={"beta": "they fight"}),
            "beta": entry(**pattern, suits={"delta": "it likes it"}),
            "gamma": entry(**pattern, needs={"beta": "it stands on it"}),
            "delta": entry(**pattern, slots=job),
            "one": entry(**pattern),
            "three": entry(**pattern, needs={"two": "it stands on it"}, slots=job),
            "two": entry(),
        },
        {"job": slot("first", first=["one"], second=["two"])},
    )
    told = """
refused    alpha + beta: Alpha and Beta cannot be in one system. Alpha excludes Beta: they fight.
refused    alpha + gamma: Alpha and Beta cannot be in one system. You chose Gamma, which needs \
Beta (it stands on it). Alpha excludes Beta: they fight.
valid      alpha + delta
valid      alpha + one
valid      alpha + three
bought in  beta + gamma: You chose Gamma, which needs Beta (it stands on it).
valid      beta + delta: Delta would suit Beta: it likes it.
valid      beta + one
valid      beta + three
valid      gamma + delta
valid      gamma + one
valid      gamma + three
bought in  delta + one: You chose Delta, which needs some job (somebody must do it), by default \
One (First).
valid      delta + three
refused    one + three: One and Two do one job, job: which is it to be? You chose Three, which \
needs Two (it stands on it).

15 pairs: 10 are valid, in 2 one brings in the other (1 of these only by default), 3 are refused. \
Every wish that is refused has one of the refused pairs in it.
"""

    assert pairs(Model(catalog)).plain(80) == told.strip()


COUNT_KEYS = [
    *("patterns", "wishes", "valid", "valid_by_size", "largest", "resolutions"),
    *("chosen", "chosen_resolutions"),
]


PAIR_KEYS = ["one", "other", "verdict", "by", "by_default", "why", "advice", "today"]


def cdp(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_prints_the_numbers() -> None:
    printed = cdp("model")

    assert printed == numbers(MODEL).plain(80) + "\n"
    assert f"{MODEL.whole.valid:,}" in printed and f"{MODEL.whole.wishes:,}" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_the_command_prints_the_numbers_as_data_with_keys_that_stay() -> None:
    data = json.loads(cdp("model", "--json"))

    assert list(data) == [
        *("whole", "today", "core", "dead", "only_by_choice", "dead_slots", "dead_options"),
        *("options_only_by_choice", "pairs", "refused_beyond_pairs"),
    ]
    assert list(data["whole"]) == list(data["today"]) == COUNT_KEYS
    assert data == numbers_data(MODEL)
    assert data["whole"]["valid"] == sum(data["whole"]["valid_by_size"])
    assert sum(data["pairs"].values()) == 1_128


def test_the_command_prints_all_pairs_as_text_and_as_data() -> None:
    lines = cdp("model", "--pairs").splitlines()
    data = json.loads(cdp("model", "--pairs", "--json"))

    assert len(lines) == 1_128 + 2 and len(data) == 1_128
    assert data == pairs_data(MODEL)
    for line, pair in zip(lines, data, strict=False):
        assert list(pair) == PAIR_KEYS
        assert line.startswith(pair["verdict"].replace("_", " "))
        assert f"  {pair['one']} + {pair['other']}" in line
        assert (pair["why"] or pair["advice"] or "") in line
    assert sum(pair["today"] for pair in data) == MODEL.today.by_size[2]


# Diagrams, against truth tables.

NAMES = "pqrst"
Formula = Any
STEP = st.tuples(st.sampled_from(["no", "every", "some", "ite"]), *[st.integers(0, 12)] * 3)


def formula(steps: list[tuple[str, int, int, int]]) -> Formula:
    """Each step joins what an earlier one made, or a variable."""
    made: list[Formula] = list(NAMES)
    for operator, *places in steps:
        parts = [made[place % len(made)] for place in places]
        made.append((operator, *parts[: {"no": 1, "ite": 3}.get(operator, 2)]))
    return made[-1]


FORMULAS = st.lists(STEP, max_size=8).map(formula)


def diagram(d: Diagrams[str], formula: Formula) -> int:
    if isinstance(formula, str):
        return d.variable(formula)
    operator, *parts = formula
    functions = [diagram(d, part) for part in parts]
    if operator in ("every", "some"):
        return int(getattr(d, operator)(functions))
    return int(getattr(d, operator)(*functions))


def truth(formula: Formula, values: Mapping[str, bool]) -> bool:
    if isinstance(formula, str):
        return values[formula]
    operator, *parts = formula
    told = [truth(part, values) for part in parts]
    if operator == "no":
        return not told[0]
    if operator == "ite":
        return told[1] if told[0] else told[2]
    return all(told) if operator == "every" else any(told)


TABLE = [dict(zip(NAMES, bits, strict=True)) for bits in product((False, True), repeat=5)]


@settings(max_examples=100, deadline=None)
@given(FORMULAS, FORMULAS, st.sets(st.sampled_from(NAMES)), st.sampled_from(NAMES), st.booleans())
def test_diagrams_agree_with_truth_tables(
    one: Formula, other: Formula, sized: set[str], name: str, value: bool
) -> None:
    d: Diagrams[str] = Diagrams(NAMES)
    f, g = diagram(d, one), diagram(d, other)
    models = [row for row in TABLE if truth(one, row)]

    assert [d.holds(f, row) for row in TABLE] == [truth(one, row) for row in TABLE]
    assert [d.holds(d.fixed(f, name, value), row) for row in TABLE] == [
        truth(one, {**row, name: value}) for row in TABLE
    ]
    sizes = Counter(sum(row[each] for each in sized) for row in models)
    assert d.count(f, sized) == tuple(sizes[size] for size in range(len(sized) + 1))
    assert d.meet(f, g) == any(truth(other, row) for row in models)
    assert (f == g) == all(truth(one, row) == truth(other, row) for row in TABLE)
    assert (f == FALSE, f == TRUE) == (not models, len(models) == len(TABLE))
