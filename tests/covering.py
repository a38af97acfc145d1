"""A few wishes in which every two choices that can meet do meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations, product
from pathlib import Path

from cdp_scaffold.catalog import Catalog
from cdp_scaffold.covering import covering, wishing
from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.questions import Questions
from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, decide, resolve

Value = bool | str
Choice = tuple[str, Value]
"""A pattern, and whether it is wished for; or a slot, and its option, `""` where none is asked."""

Pair = frozenset[Choice]


@dataclass(frozen=True)
class Case:
    """A valid wish with a choice for every slot that the template asks about."""

    wish: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "+".join([*self.wish, *(f"{slot}={option}" for slot, option in self.choices)])


@dataclass(frozen=True)
class Choices:
    """What may be chosen in a template."""

    catalog: Catalog
    questions: Questions

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """Those that can be generated."""
        entries = self.catalog.entries
        return tuple(id for id in self.catalog.patterns if entries[id].status == "ready")

    @cached_property
    def slots(self) -> Mapping[str, tuple[str, ...]]:
        """The slots that are asked about → the options that can be generated."""
        return {
            slot.id: tuple(
                option.id
                for option in slot.options.values()
                if all(self.catalog.entries[id].status == "ready" for id in option.fills)
            )
            for slot in self.catalog.slots.values()
            if slot.id in self.questions.all
        }

    def asked(self, wish: tuple[str, ...]) -> tuple[str, ...]:
        """The slots that the template asks about for a wish."""
        drafted = decide(self.catalog, wish, {}).slots
        return tuple(slot for slot in self.slots if slot in drafted)

    def is_valid(self, case: Case) -> bool:
        """Whether the wish resolves to what can be generated, and needs every choice."""
        answer = self._resolved(case.wish, dict(case.choices))
        return answer is not None and answer.unused == ()

    def _resolved(self, wish: tuple[str, ...], choices: Mapping[str, str]) -> Resolution | None:
        if not wish or any(k == "excluded" for k, _, _ in decide(self.catalog, wish, {}).wrong):
            return None
        answer = resolve(self.catalog, wish, choices)
        if isinstance(answer, Resolution) and all(
            self.catalog.entries[id].status == "ready" for id in answer.members
        ):
            return answer
        return None

    def pairs(self, case: Case) -> set[Pair]:
        """Every two choices that meet in a case."""
        chosen = dict(case.choices)
        row: list[Choice] = [(id, id in case.wish) for id in self.patterns]
        row += [(slot, chosen.get(slot, "")) for slot in self.slots]
        return {frozenset(pair) for pair in combinations(row, 2)}

    def small(self) -> Iterator[Case]:
        """Every valid case of one or two patterns.

        Where two choices can meet at all, they do in one of these: what more patterns bring in
        can only speak against it.
        """
        for size in (1, 2):
            for wish in combinations(self.patterns, size):
                asked = self.asked(wish)
                for options in product(*(self.slots[slot] for slot in asked)):
                    answer = self._resolved(wish, dict(zip(asked, options, strict=True)))
                    if answer is not None:
                        yield self._case(answer)

    @cached_property
    def array(self) -> list[Case]:
        """Cases that hold every pair which any valid case holds."""
        found = list(map(self._case, covering(self._model, self._statements())))
        covered = {pair for case in found for pair in self.pairs(case)}
        small = sorted(self.small(), key=lambda case: -len(case.choices) - len(case.wish))
        # A slot may be asked about that one answer to another leaves without use.
        for case in small:
            if not self.pairs(case) <= covered:
                found.append(case)
                covered |= self.pairs(case)
        return found

    @cached_property
    def _model(self) -> FeatureModel:
        return FeatureModel(self.catalog, self.questions.all)

    def _statements(self) -> dict[str, int]:
        """What may be true of a wish → the wishes of which it is."""
        model = self._model
        found = {}
        for id in self.patterns:
            found[id] = wishing(model, id)
            found[f"no {id}"] = model.without(model.valid, found[id])
        for slot, options in self.slots.items():
            found |= {f"{slot}={option}": model.taking(slot, option) for option in (*options, None)}
        return found

    def _case(self, answer: Resolution) -> Case:
        asked = (slot for slot in self.asked(answer.wish) if slot in answer.slots)
        return Case(answer.wish, tuple((slot, answer.slots[slot]) for slot in asked))


@cache
def choices(root: Path) -> Choices:
    """Those of a template; the same for all who ask, since the array takes seconds."""
    template = Template(root)
    return Choices(template.catalog, template.questions)
