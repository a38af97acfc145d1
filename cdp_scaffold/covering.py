"""Few wishes that show what all of them could: for checks that take seconds a wish.

Wishes double with every pattern that comes, pairs of choices do not. What goes wrong between parts
goes wrong between two of them: where both are there, where one misses the other, or where a third
brings it. So each choice alone, each pair of choices as small as it can be, each pair within few
wishes of many, and the largest wishes stand for all. That no wish breaks a rule of composition is
shown without trying any; see docs/proof.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.resolver import Resolution

EFFORT = 4_000
"""How many pairs are looked at for a wish: in many tries while few are left, in one while many."""


def patterns(model: FeatureModel) -> tuple[str, ...]:
    """The patterns that some valid wish has."""
    entries = model.catalog.entries
    ready = (id for id in model.ready if entries[id].kind == "pattern")
    return tuple(id for id in ready if model.having(id) != FALSE)


def choices(model: FeatureModel) -> dict[str, int]:
    """Every pattern and every option that some valid wish has: name → the wishes that do."""
    found = {id: model.having(id) for id in patterns(model)}
    for slot in model.catalog.slots.values():
        for option in slot.options:
            wishes = model.taking(slot.id, option)
            if wishes != FALSE:
                found[f"{slot.id}={option}"] = wishes
    return found


def alone(model: FeatureModel) -> dict[str, Resolution]:
    """For each pattern a smallest wish for it, for each option a smallest wish that takes it."""
    wished = {id: wishing(model, id) for id in patterns(model)}
    every = {name: wished.get(name, wishes) for name, wishes in choices(model).items()}
    return {name: _smallest(model, wishes) for name, wishes in every.items()}


def pairs(model: FeatureModel) -> dict[tuple[str, str], Resolution]:
    """For each two patterns that any valid wish names, a smallest wish that does."""
    found = {}
    for one, other in combinations(patterns(model), 2):
        wishes = model.both(wishing(model, one), wishing(model, other))
        if wishes != FALSE:
            found[one, other] = _smallest(model, wishes)
    return found


def wishing(model: FeatureModel, pattern: str) -> int:
    """The valid wishes that name the pattern, unlike those that get it anyway."""
    return model.both(model.valid, model.diagrams.variable(pattern))


def covering(
    model: FeatureModel, statements: Mapping[str, int], given: Iterable[Resolution] = ()
) -> list[Resolution]:
    """Few wishes in which every two statements hold together that do so in any valid wish.

    What holds in the given wishes need not be shown again.

    Each wish is the best of some tries to take up as many as possible of the pairs that are left.
    """
    pairs = (model.both(*two) for two in combinations(statements.values(), 2))
    # A statement that goes with no other is to be shown too.
    shown = model.diagrams.some(model.agreeing(answer) for answer in given)
    left = [
        wishes
        for wishes in (*pairs, *statements.values())
        if wishes != FALSE and model.both(wishes, shown) == FALSE
    ]
    found = []
    while left:
        tries = max(1, EFFORT // len(left))
        starts = range(0, len(left), -(-len(left) // tries))
        tried = [_together(model, left, start) for start in starts]
        answer, left = min(tried, key=lambda each: len(each[1]))
        found.append(answer)
    return found


def _together(model: FeatureModel, left: Sequence[int], start: int) -> tuple[Resolution, list[int]]:
    """A wish in one of the functions and in as many others as go with it, and those it misses."""
    wishes = left[start]
    for other in (*left[start:], *left[:start]):
        narrower = model.both(wishes, other)
        wishes = wishes if narrower == FALSE else narrower
    answer = _smallest(model, wishes)
    here = model.agreeing(answer)
    return answer, [each for each in left if model.both(each, here) == FALSE]


def largest(model: FeatureModel) -> list[Resolution]:
    """Every wish to which no pattern can be added, that with most patterns first.

    Of the wishes with the same patterns it is one with most components, none of which is asked for
    by a choice that undoes another.
    """
    return sorted(_largest(model), key=_size, reverse=True)


def companies(model: FeatureModel) -> dict[str, Resolution]:
    """Each member of the largest wishes → the first of them that has it."""
    found: dict[str, Resolution] = {}
    for answer in largest(model):
        for member in answer.members:
            found.setdefault(member, answer)
    return found


def distinct(answers: Iterable[Resolution]) -> list[Resolution]:
    """Each resolution once: the same members, the same options."""
    shapes = {(a.members, tuple(sorted(a.slots.items()))): a for a in reversed(list(answers))}
    return list(reversed(shapes.values()))


def representative(model: FeatureModel) -> list[Resolution]:
    """All of the above, each resolution once."""
    most = largest(model)
    return distinct(
        (
            *alone(model).values(),
            *pairs(model).values(),
            *covering(model, choices(model), most),
            *most,
        )
    )


def _largest(model: FeatureModel) -> Iterator[Resolution]:
    known = patterns(model)
    left = model.valid
    while left != FALSE:
        wishes = left
        for id in (*known, *(id for id in model.ready if id not in known)):
            more = model.both(wishes, model.having(id))
            wishes = wishes if more == FALSE else more
        answer = _smallest(model, wishes)
        yield answer
        missing = [model.having(id) for id in known if id not in answer.members]
        left = model.both(left, model.diagrams.some(missing))


def _size(answer: Resolution) -> tuple[int, int]:
    entries = answer.catalog.entries
    return sum(entries[id].kind == "pattern" for id in answer.members), len(answer.members)


def _smallest(model: FeatureModel, wishes: int) -> Resolution:
    answer = model.smallest(wishes)
    assert answer is not None
    return answer
