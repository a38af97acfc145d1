"""Word what the model knows: its numbers and each pair, for people and as data for programs.

docs/model.md documents the keys of the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from cdp_scaffold import explain
from cdp_scaffold.catalog import Catalog
from cdp_scaffold.model import Count, Model, Pair
from cdp_scaffold.resolver import Conflict
from cdp_scaffold.sheet import Block, Figures, Gap, Para, Sheet, Verdict, Verdicts


def numbers(model: Model) -> Sheet:
    """The numbers, and what never comes."""
    heads = ("", "the whole language", "what generates today")
    blocks: list[Block] = [Figures((heads, *numbers_rows(model)))]
    for title, names in (
        ("entries in every resolution", model.core),
        ("entries in no resolution", model.dead),
        ("entries that come only by choice", model.only_by_choice),
        ("slots that are never asked for", model.dead_slots),
        ("options that are never taken", _settings(model.dead_options)),
        ("options that are taken only by choice", _settings(model.options_only_by_choice)),
    ):
        blocks += [Gap(), Para(f"{title}:", "section", wrap=False)]
        blocks.append(Para(", ".join(names) or "none", "text", "  ", "  "))
    blocks += [
        Gap(),
        Para(pairs_summary(model)),
        Para("`cdp model --pairs` tells each pair, and why.", wrap=False),
    ]
    return Sheet((blocks,))


def numbers_rows(model: Model) -> list[tuple[str, str, str]]:
    """Title, number of the whole language, number of what generates today."""
    whole, today = model.whole, model.today
    return [
        ("patterns", *_both(whole.patterns, today.patterns)),
        ("wishes for one or more", *_both(whole.wishes, today.wishes)),
        ("valid, no option chosen", *_both(whole.valid, today.valid)),
        ("  distinct resolutions", *_both(whole.resolutions, today.resolutions)),
        ("  patterns in the largest", *_both(whole.largest, today.largest)),
        ("valid, an option per job", *_both(whole.chosen, today.chosen)),
        (
            "  distinct resolutions",
            *_both(whole.chosen_resolutions, today.chosen_resolutions),
        ),
    ]


def pairs_summary(model: Model) -> str:
    """How many pairs there are of each kind, and whether they tell all, in one line."""
    found = Counter(pair.verdict for pair in model.pairs)
    default = sum(pair.by_default for pair in model.pairs)
    beyond = model.refused_beyond_pairs
    other = (
        f"Wishes that are refused although no two of their patterns refuse each other: {beyond:,}."
        if beyond
        else "Every wish that is refused has one of the refused pairs in it."
    )
    return (
        f"{len(model.pairs):,} pairs: {found['valid']:,} are valid, in {found['bought_in']:,} one "
        f"brings in the other ({default:,} of these only by default), {found['refused']:,} are "
        f"refused. {other}"
    )


def pairs(model: Model) -> Sheet:
    """Each pair; as plain text on a line of its own, fit for grep."""
    words = {"valid": "valid", "bought_in": "bought in", "refused": "refused"}
    rows = [
        Verdict(
            words[pair.verdict],
            pair.one,
            pair.other,
            pair_why(model.catalog, pair) or pair_advice(model.catalog, pair) or "",
        )
        for pair in model.pairs
    ]
    return Sheet(((Verdicts(rows), Gap(), Para(pairs_summary(model), wrap=False)),), table=True)


def pair_why(catalog: Catalog, pair: Pair) -> str | None:
    """Why the one brings in the other or why both are refused, in one line."""
    if isinstance(pair.answer, Conflict):
        return " ".join(_fact_texts(catalog, pair.answer))
    return f"{_upper(explain.chain_text(catalog, pair.chain))}." if pair.chain else None


def pair_advice(catalog: Catalog, pair: Pair) -> str | None:
    """Why the one would suit the other, in one line."""
    return f"{explain.advice_text(catalog, pair.advice)}." if pair.advice else None


def _fact_texts(catalog: Catalog, conflict: Conflict) -> Iterator[str]:
    """Each fact: what cannot be, how the sides that nobody named came in, and why it cannot."""
    headlines = [fact["text"] for fact in explain.conflict_data(catalog, conflict)["facts"]]
    for fact, headline in zip(conflict.facts, headlines, strict=True):
        yield headline if headline.endswith("?") else f"{headline}."
        for side in fact.sides:
            if len(side.chain) > 1:
                yield f"{_upper(explain.chain_text(catalog, side.chain))}."
        if fact.kind == "excluded" and fact.why:
            one, other = (catalog.entries[side.member].title for side in fact.sides)
            yield f"{one} excludes {other}: {fact.why.text}."


def numbers_data(model: Model) -> dict[str, Any]:
    """The numbers as data; whole numbers are exact, and some are larger than 2^53."""
    found = Counter(pair.verdict for pair in model.pairs)
    return {
        "whole": _count_data(model.whole),
        "today": _count_data(model.today),
        "core": list(model.core),
        "dead": list(model.dead),
        "only_by_choice": list(model.only_by_choice),
        "dead_slots": list(model.dead_slots),
        "dead_options": _options_data(model.dead_options),
        "options_only_by_choice": _options_data(model.options_only_by_choice),
        "pairs": {each: found[each] for each in ("valid", "bought_in", "refused")},
        "refused_beyond_pairs": model.refused_beyond_pairs,
    }


def pairs_data(model: Model) -> list[dict[str, Any]]:
    """Each pair as data."""
    catalog = model.catalog
    return [
        {
            "one": pair.one,
            "other": pair.other,
            "verdict": pair.verdict,
            "by": pair.by,
            "by_default": pair.by_default,
            "why": pair_why(catalog, pair),
            "advice": pair_advice(catalog, pair),
            "today": pair.verdict != "refused" and model.ready.issuperset(pair.answer.members),
        }
        for pair in model.pairs
    ]


def _count_data(count: Count) -> dict[str, Any]:
    return {
        "patterns": count.patterns,
        "wishes": count.wishes,
        "valid": count.valid,
        "valid_by_size": list(count.by_size),
        "largest": count.largest,
        "resolutions": count.resolutions,
        "chosen": count.chosen,
        "chosen_resolutions": count.chosen_resolutions,
    }


def _options_data(options: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"slot": slot, "option": option} for slot, option in options]


def _settings(options: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{slot}={option}" for slot, option in options]


def _both(one: int, other: int) -> tuple[str, str]:
    return f"{one:,}", f"{other:,}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
