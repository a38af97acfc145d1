"""Show for all valid wishes that what a repository refers to is defined in it, once, and before.

A name's definitions and references each stand under the wishes whose repository has them. With `f`
the wishes that have a reference and `d` those that have a definition, `f and not d` are the
wishes in which something is missing: there are none, or there is a smallest one to show. What
depends on what stands under wishes, too; none of them may let a name depend on itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.composition import cycles
from cdp_scaffold.composition.facts import Name
from cdp_scaffold.composition.pieces import Piece, pieces
from cdp_scaffold.feature_model import FeatureModel, told
from cdp_scaffold.render import Template

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a piece."""

    piece: Piece
    line: int

    def __str__(self) -> str:
        return self.piece.at(self.line)


@dataclass(frozen=True, slots=True)
class Breach:
    """A valid wish whose repository would not hold together."""

    name: Name
    what: str
    wish: str
    """The smallest one that shows it."""

    places: tuple[tuple[Place, str], ...]
    """The files that are at odds, each with its part in it."""

    def __str__(self) -> str:
        lines = (f"\n  {place} {part}" for place, part in self.places)
        return f"{self.name} {self.what} for the wish: {self.wish}{''.join(lines)}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of all valid wishes: are there any of these and none of those?"""

    name: Name
    has: int
    lacks: int
    """Of these there must not be one; `FALSE` where the question is only whether `has` is empty."""


@dataclass(slots=True)
class Proof:
    """What was asked, and what came out."""

    pieces: int = 0
    definitions: int = 0
    references: int = 0
    """How many places refer to something."""

    dependencies: int = 0
    """How many pairs there are of which one waits for the other."""

    questions: list[Question] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)


def prove(template: Template, model: FeatureModel) -> Proof:
    """Hold every reference against every definition."""
    return prove_pieces(model, list(pieces(template, model)))


def prove_pieces(model: FeatureModel, found: Iterable[Piece]) -> Proof:
    """The same for given pieces."""
    index = _Index(model)
    proof = Proof()
    for piece in found:
        proof.pieces += 1
        index.add(piece)
    proof.definitions = sum(map(len, index.defined.values()))
    for name, places in sorted(index.defined.items()):
        proof.breaches += _twice(model, name, places, proof)
    for (names, hearsay), places in sorted(index.referred.items(), key=lambda item: item[0][0]):
        if hearsay and not any(index.present(name) for name in names):
            continue
        proof.references += len(places)
        proof.breaches += _missing(model, index, names, places, proof)
    proof.dependencies = len(index.depends)
    proof.breaches += _circular(model, index, proof)
    return proof


class _Index:
    """Who defines and who refers, by name."""

    def __init__(self, model: FeatureModel) -> None:
        self.model = model
        self.defined: dict[Name, list[Place]] = {}
        self.provided: dict[Name, list[Place]] = {}
        self.referred: dict[tuple[tuple[Name, ...], bool], list[Place]] = {}
        self.depends: dict[tuple[Name, Name], list[Place]] = {}

    def add(self, piece: Piece) -> None:
        for name, line in piece.facts.defines:
            self.defined.setdefault(name, []).append(Place(piece, line))
        for name, line in piece.facts.provides:
            self.provided.setdefault(name, []).append(Place(piece, line))
        for each in piece.facts.refers:
            places = self.referred.setdefault((each.names, each.hearsay), [])
            places.append(Place(piece, each.line))
        for one, other, line in piece.facts.depends:
            self.depends.setdefault((one, other), []).append(Place(piece, line))

    def present(self, name: Name) -> list[Place]:
        return [*self.defined.get(name, ()), *self.provided.get(name, ())]


def _any(model: FeatureModel, places: Iterable[Place]) -> int:
    return model.diagrams.some({place.piece.wishes: None for place in places})


def _twice(model: FeatureModel, name: Name, places: list[Place], proof: Proof) -> Iterator[Breach]:
    """One after the other is held against all before it, so the effort grows with their number."""
    before = FALSE
    for number, place in enumerate(places):
        both = model.both(before, place.piece.wishes)
        if number:
            proof.questions.append(Question(name, both, FALSE))
        if both != FALSE:
            yield _breach(model, name, "is defined twice", both, places[: number + 1], "defines it")
            return
        before = model.diagrams.some((before, place.piece.wishes))


def _missing(
    model: FeatureModel,
    index: _Index,
    names: tuple[Name, ...],
    places: list[Place],
    proof: Proof,
) -> Iterator[Breach]:
    definers = [place for name in names for place in index.present(name)]
    has, there = _any(model, places), _any(model, definers)
    proof.questions.append(Question(names[0], has, there))
    lacking = model.without(has, there)
    if lacking == FALSE:
        return
    breach = _breach(
        model, names[0], "is referred to and not defined", lacking, places, "refers to it"
    )
    absent = [(place, "defines it, and is not there") for place in definers[:SHOWN]]
    yield Breach(breach.name, breach.what, breach.wish, (*breach.places[:SHOWN], *absent))


def _circular(model: FeatureModel, index: _Index, proof: Proof) -> Iterator[Breach]:
    """One breach for each way back, although each name on it depends on itself."""
    edges = {edge: _any(model, places) for edge, places in index.depends.items()}
    seen: set[frozenset[tuple[Name, Name]]] = set()
    for name, wishes in cycles.leading_back(model, edges):
        proof.questions.append(Question(name, wishes, FALSE))
        answer = model.smallest(wishes)
        if answer is None:
            continue
        here = model.both(model.agreeing(answer), wishes)
        way = cycles.shortest(model, edges, here, name)
        if frozenset(way) not in seen:
            seen.add(frozenset(way))
            places = tuple(
                (place, f"makes `{one.text}` wait for `{other.text}`")
                for one, other in way
                for place in index.depends[one, other]
                if model.diagrams.meet(place.piece.wishes, here)
            )
            yield Breach(name, "waits for itself", told(answer), places)


def _breach(
    model: FeatureModel, name: Name, what: str, wishes: int, places: list[Place], part: str
) -> Breach:
    answer = model.smallest(wishes)
    assert answer is not None
    here = model.both(model.agreeing(answer), wishes)
    shown = [(p, part) for p in places if model.diagrams.meet(p.piece.wishes, here)]
    return Breach(name, what, told(answer), tuple(shown))


def by_kind(names: Iterable[Name]) -> Mapping[str, int]:
    """How many there are of each kind."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name.kind] = counts.get(name.kind, 0) + 1
    return dict(sorted(counts.items()))
