"""Work out what a choice does to a wish, before it is made; no terminal, no sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from cdp_scaffold.answers import Answers
from cdp_scaffold.catalog import Catalog
from cdp_scaffold.resolver import Conflict, Fact, Repair, Resolution, Wished, decide, resolve
from cdp_scaffold.rules import closures

Answer = Resolution | Conflict


@dataclass(frozen=True)
class Effect:
    """What a pattern does to a wish that it is, or would be, part of."""

    brings: tuple[str, ...]
    """The members that only it brings in."""

    excludes: tuple[str, ...]
    """The entries that cannot be in one system with it, whatever else is chosen."""

    against: tuple[str, ...]
    """Those of them that the wish holds."""

    shares: Mapping[str, tuple[str, ...]]
    """Slot → the members that do the same job, so that somebody must say which."""


def effect(
    catalog: Catalog, wish: Iterable[str], id: str, choices: Mapping[str, str] | None = None
) -> Effect:
    """What the pattern brings in and rules out.

    Args:
        catalog: Names and relates everything.
        wish: What is chosen; it may hold the pattern.
        id: The pattern.
        choices: Slot → option.
    """
    others = [each for each in wish if each != id]
    before = decide(catalog, others, choices or {})
    after = decide(catalog, [*others, id], choices or {})
    excludes = _excluded(catalog, id)
    return Effect(
        brings=catalog.ordered(set(after.members) - set(before.members) - {id}),
        excludes=excludes,
        against=tuple(each for each in excludes if each in before.members),
        shares={
            slot: tuple(each for each in after.fillers[slot] if each != id)
            for kind, slot, _ in after.wrong
            if kind == "slot_undecided" and id in after.fillers[slot]
        },
    )


@lru_cache(maxsize=128)
def _excluded(catalog: Catalog, id: str) -> tuple[str, ...]:
    closed = closures(catalog)
    rivals = {rival for part in closed[id] for rival in catalog.rivals[part]}
    return catalog.ordered(
        each
        for each in catalog.entries
        if each in rivals or (each in catalog.patterns and not rivals.isdisjoint(closed[each]))
    )


def offered(catalog: Catalog) -> tuple[str, ...]:
    """The patterns that can be generated, in the catalogue's order."""
    return tuple(id for id in catalog.patterns if not planned(catalog, resolve(catalog, [id])))


def planned(catalog: Catalog, answer: Answer) -> tuple[str, ...]:
    """The members that have no blueprint yet."""
    return tuple(id for id in answer.members if catalog.entries[id].status == "planned")


def open_options(catalog: Catalog, answers: Answers, slot: str) -> dict[str, Resolution]:
    """The options that the wish leaves open for a slot and that can be generated."""
    found = {}
    for option in catalog.slots[slot].options:
        after = resolve(catalog, answers.patterns, {**answers.choices, slot: option})
        if isinstance(after, Resolution) and not planned(catalog, after):
            found[option] = after
    return found


def ways_out(catalog: Catalog, conflict: Conflict) -> tuple[Conflict, list[tuple[Repair, Answer]]]:
    """The part of a conflict to ask about, and each repair of it with what the wish is then.

    The repairs of several facts at once are all combinations, which nobody can choose from; so
    only the first fact is asked about, and the caller comes back with what is left.
    """
    part = conflict
    if len(conflict.facts) > 1:
        alone = resolve(catalog, _roots(conflict.facts[0]), conflict.choices)
        part = alone if isinstance(alone, Conflict) else conflict
    wrong = conflict.decision.wrong[0]
    slot = part.facts[0].slot
    found: list[tuple[Repair, Answer]] = []
    for each in part.repairs:
        wish = tuple(id for id in conflict.wish if id not in each.drop)
        chosen = {**conflict.choices, **dict(each.choose)}
        choices = {slot: option for slot, option in chosen.items() if option}
        after = resolve(catalog, wish, choices)
        # The rest of the wish may want what the part could do without.
        if wrong not in after.decision.wrong and not planned(catalog, after):
            found.append((replace(each, wish=wish, choices=choices), after))
    # First the ways that answer the question, then those that make it needless.
    found.sort(key=lambda pair: slot is not None and slot not in pair[1].slots)
    return part, found


def _roots(fact: Fact) -> list[str]:
    sides = [*fact.sides, *([fact.asker] if fact.asker else [])]
    return [each.member for side in sides for each in side.chain if isinstance(each, Wished)]
