"""Work out the new wish of a generated repository; pure.

A repository records its slot choices whether the user made them or they were defaults. A recorded
choice stays where it can: a store of sessions must not change because a default did. Where it
stands against what the user asks for now, it gives way if it was no more than the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cdp_scaffold.answers import Answers, find_patterns, settle
from cdp_scaffold.catalog import Catalog
from cdp_scaffold.errors import (
    AnswerLostError,
    ConflictError,
    NotChosenError,
    StillNeededError,
)
from cdp_scaffold.resolver import Conflict, Filled, Resolution, resolve


@dataclass(frozen=True)
class Turn:
    """The way from what is to what shall be."""

    resolution: Resolution
    notes: tuple[str, ...] = ()
    """What becomes different besides what was asked for."""


def turn(
    catalog: Catalog,
    recorded: Mapping[str, Any],
    renames: Mapping[str, str],
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    choices: Mapping[str, str],
) -> Turn:
    """The resolution after patterns were added and removed.

    Args:
        catalog: The catalogue of the version to go to.
        recorded: The answers that the repository records.
        renames: Former id → present id.
        add: Ids or titles.
        remove: Ids or titles.
        choices: What the user chooses now.

    Raises:
        AnswerLostError: A recorded pattern or option is no longer in the catalogue.
        NotChosenError, StillNeededError: A pattern to remove is not there, or would stay.
        ConflictError, PlannedError, UnusedChoiceError, UnknownPatternError: The wish cannot be.
    """
    before, notes = renamed(catalog, recorded.get("patterns") or (), renames)
    removed = find_patterns(catalog, remove)
    kept = recorded_choices(catalog, recorded)
    _check_chosen(catalog, removed, before, kept)
    wish = [id for id in before if id not in removed]
    wish += [id for id in find_patterns(catalog, add) if id not in wish]
    made = deliberate(catalog, before, kept)
    for slot, option in kept.items():
        # Left alone, the job of a removed pattern would bring it back in.
        if slot not in made and any(id in removed for id in _fills(catalog, slot, option)):
            kept = {name: each for name, each in kept.items() if name != slot}
    kept = _giving_way(catalog, wish, kept, made, choices)
    used = resolve(catalog, wish, {**kept, **choices}).slots if wish else {}
    kept = {slot: option for slot, option in kept.items() if slot in used}
    resolution = _settle(catalog, wish, {**kept, **choices}, before)
    for id in removed:
        if id in resolution.members:
            raise _still_needed(catalog, resolution, id, removed)
    for slot, option in resolution.slots.items():
        was = recorded.get(slot)
        if was is None or was == option or slot in choices:
            continue
        if was not in catalog.slots[slot].options:
            raise AnswerLostError(slot, was, option)
        notes.append(f"{slot} becomes {option}; it was {was} by default")
    return Turn(resolution, tuple(notes))


def renamed(
    catalog: Catalog, patterns: Iterable[str], renames: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """The recorded patterns under their present names, and a note for each new name.

    Raises:
        AnswerLostError: One is neither there nor renamed.
    """
    found: dict[str, None] = {}
    notes = []
    patterns = tuple(patterns)
    for id in patterns:
        now = id if id in catalog.entries else renames.get(id)
        if now is None or now not in catalog.entries:
            lost = AnswerLostError("patterns", id, None)
            # At the version that the repository has, the pattern is still known.
            lost.hint = (
                f"take it out first: cdp remove {id}"
                if len(patterns) > 1
                else f"put another in its place first: cdp add PATTERN --instead-of {id}"
            )
            raise lost
        if now != id:
            notes.append(f"{id} is now called {now}")
        found[now] = None
    return list(found), notes


def recorded_choices(catalog: Catalog, recorded: Mapping[str, Any]) -> dict[str, str]:
    """The recorded slot choices that the catalogue still knows."""
    return {
        slot: recorded[slot]
        for slot, known in catalog.slots.items()
        if recorded.get(slot) in known.options
    }


def deliberate(catalog: Catalog, wish: Sequence[str], kept: Mapping[str, str]) -> frozenset[str]:
    """The slots in which the user chose something else than what the wish alone gives."""
    draft = resolve(catalog, wish).slots if wish else {}
    return frozenset(slot for slot, option in kept.items() if draft.get(slot) != option)


def _giving_way(
    catalog: Catalog,
    wish: Sequence[str],
    kept: Mapping[str, str],
    made: frozenset[str],
    choices: Mapping[str, str],
) -> dict[str, str]:
    """Leave out defaults that stand against the wish, one after the other, as few as possible."""
    kept = {slot: option for slot, option in kept.items() if slot not in choices}
    while wish:
        answer = resolve(catalog, wish, {**kept, **choices})
        if not isinstance(answer, Conflict):
            break
        against = [fact.slot for fact in answer.facts if fact.slot in kept]
        for fact in answer.facts:
            for side in fact.sides:
                against += [r.slot for r in side.chain if isinstance(r, Filled) and r.slot in kept]
        yields = [slot for slot in against if slot not in made]
        if not yields:
            break
        kept = {slot: option for slot, option in kept.items() if slot != yields[0]}
    return kept


def _settle(
    catalog: Catalog, wish: Sequence[str], choices: Mapping[str, str], before: Sequence[str]
) -> Resolution:
    """Resolve, and word the ways out of a conflict as changes of the repository."""
    from cdp_scaffold.explain import conflict_text, repair_text

    try:
        return settle(catalog, Answers(tuple(wish), choices))
    except ConflictError as error:
        conflict = error.conflict
        lines = []
        for repair in conflict.repairs:
            added = [id for id in repair.wish if id not in before]
            dropped = [id for id in before if id not in repair.wish]
            if added or not dropped:
                command = ["cdp", "add", *added] if added else ["cdp", "update"]
                command += [part for id in dropped for part in ("--instead-of", id)]
            else:
                command = ["cdp", "remove", *dropped]
            for slot, option in repair.choose:
                if option:
                    command += ["--set", f"{slot}={option}"]
            if set(added) | set(dropped) or repair.choose:
                lines += [f"  {repair_text(catalog, repair)}:", f"    {' '.join(command)}"]
        told = conflict_text(catalog, conflict).partition("\n\nhint: ")[0]
        if lines:
            told = "\n".join([told, "", "hint: any one of these resolves it", *lines])
        raise ConflictError(conflict, told) from None


def _check_chosen(
    catalog: Catalog, removed: Sequence[str], before: Sequence[str], kept: Mapping[str, str]
) -> None:
    from cdp_scaffold.explain import because

    for id in removed:
        if id not in before:
            answer = resolve(catalog, before, kept)
            why = ""
            if id in answer.members:
                why = f"it is there because {because(catalog, answer.chain(id))}"
            raise NotChosenError(id, why, before)


def _still_needed(
    catalog: Catalog, resolution: Resolution, id: str, removed: Sequence[str]
) -> StillNeededError:
    from cdp_scaffold.explain import because

    chain = resolution.chain(id)
    last = chain[-1]
    if isinstance(last, Filled):
        others = [o for o in catalog.slots[last.slot].options.values() if id not in o.fills]
        hint = f"cdp remove {' '.join(removed)} --set {last.slot}={others[0].id}" if others else ""
    else:
        hint = f"cdp remove {' '.join(dict.fromkeys([*removed, chain[0].member]))}"
    return StillNeededError(catalog.entries[id].title, because(catalog, chain), hint)


def _fills(catalog: Catalog, slot: str, option: str) -> tuple[str, ...]:
    return catalog.slots[slot].options[option].fills
