"""Every distinct text a template file can have, over all valid wishes.

A file reads few choices. Rendering it for one wish with a recorder tells which it read; every
other wish in which these are the same gives the same text. So the valid wishes are taken off,
a reading at a time, until none is left: the number of renderings is that of the distinct readings,
however many wishes there are.
A file that reads the whole resolution, or what many members contribute, gathers (README, file
guide, picture): it has as many texts as there are wishes, and is checked by its fragments instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.render import Source, Template
from cdp_scaffold.resolver import Resolution

EVERYTHING = "*"
GATHERED = {"patterns", "_copier_answers"}
"""Variables that stand for the whole wish."""

MANY = 5
"""Where more members than these contribute to a file, it gathers."""

Reading = Mapping[str, str]
"""Member -> `yes` or nothing, slot -> option or nothing: what a template read."""


class _Recorder(dict[str, Any]):
    """A mapping that notes which of its keys a template reads, and when it reads them all."""

    def __init__(self, data: Mapping[str, Any], reads: set[str], prefix: str) -> None:
        super().__init__(data)
        self._reads = reads
        self._prefix = prefix

    def _note(self, key: str) -> None:
        self._reads.add(self._prefix + key)

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(str(key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._note(EVERYTHING)
        return super().__iter__()

    def items(self) -> Any:
        self._note(EVERYTHING)
        return super().items()

    def keys(self) -> Any:
        self._note(EVERYTHING)
        return super().keys()

    def values(self) -> Any:
        self._note(EVERYTHING)
        return super().values()


@dataclass(frozen=True, slots=True)
class Variant:
    """One distinct text of a file."""

    name: str
    """What decides that it is this one: `always`, `alone`, or the members and options read."""

    text: str

    wishes: int
    """The valid wishes that give it, as a function of the feature model."""

    example: Resolution
    """A smallest of them."""


@dataclass(frozen=True, slots=True)
class Variants:
    """The distinct texts of one file."""

    source: Source
    gathers: bool
    """Whether the file puts together what many members contribute; then `all` is empty."""
    all: tuple[Variant, ...]

    @property
    def texts(self) -> dict[str, str]:
        """Name -> text."""
        return {variant.name: variant.text for variant in self.all}


def variants(template: Template, source: Source, model: FeatureModel) -> Variants:
    """The variants of one file, over all valid wishes whose answer has its owner."""
    owned = model.having(source.member)
    first = model.smallest(owned)
    if first is None:
        return Variants(source, gathers=False, all=())
    if not source.is_template:
        text = (template.root / source.file).read_text(encoding="utf-8")
        return Variants(source, gathers=False, all=(Variant("always", text, owned, first),))
    if template.variables(source) & GATHERED:
        return Variants(source, gathers=True, all=())
    found: dict[str, list[tuple[Reading, int, Resolution]]] = {}
    left = owned
    while left != FALSE:
        resolution = model.smallest(left)
        assert resolution is not None
        reads: set[str] = set()
        text = template.render(source, _recording(template, resolution, reads)).decode()
        if "resolution.members" in reads or len(_plugged(template, reads)) > MANY:
            return Variants(source, gathers=True, all=())
        reading = _reading(template, reads, resolution)
        wishes = model.both(left, *_agreeing(model, reading))
        found.setdefault(text, []).append((reading, wishes, resolution))
        left = model.without(left, wishes)
    return Variants(source, False, tuple(sorted(_named(model, owned, found), key=_by_name)))


def _by_name(variant: Variant) -> str:
    return variant.name


def _recording(template: Template, resolution: Resolution, reads: set[str]) -> dict[str, Any]:
    context = template.context(resolution)
    parts = context["resolution"]
    parts["slots"] = _Recorder(parts["slots"], reads, "slot.")
    return {
        **context,
        "resolution": _Recorder(parts, reads, "resolution."),
        "plugs": _Recorder(context["plugs"], reads, "plugs."),
        "use": _Recorder(context["use"], reads, "use."),
    }


def _plugged(template: Template, reads: Iterable[str]) -> list[str]:
    """The members that contribute to a socket among what was read."""
    sockets = {name for kind, _, name in (read.partition(".") for read in reads) if kind == "plugs"}
    return [
        member
        for member, contributed in template.contributions.items()
        if EVERYTHING in sockets or not sockets.isdisjoint(contributed)
    ]


def _reading(template: Template, reads: Iterable[str], resolution: Resolution) -> Reading:
    told: dict[str, str] = {}
    for read in reads:
        kind, _, name = read.partition(".")
        if kind == "slot":
            slots = list(resolution.catalog.slots) if name == EVERYTHING else [name]
            told.update({slot: resolution.slots.get(slot, "") for slot in slots})
        elif kind == "use":
            ids = list(resolution.catalog.entries) if name == EVERYTHING else [name]
            told.update({id: "yes" if id in resolution.members else "" for id in ids})
    for member in _plugged(template, reads):
        told[member] = "yes" if member in resolution.members else ""
    return dict(sorted(told.items()))


def _agreeing(model: FeatureModel, reading: Reading) -> Iterator[int]:
    """For each thing read, the wishes in which it is the same."""
    for name, value in reading.items():
        if name in model.catalog.slots:
            yield model.taking(name, value or None)
        else:
            yield model.having(name) if value else model.lacking(name)


def _named(
    model: FeatureModel,
    owned: int,
    found: Mapping[str, list[tuple[Reading, int, Resolution]]],
) -> Iterator[Variant]:
    """Name each text by the shortest of the readings that lead to it."""
    for text, readings in found.items():
        names = [_name(model, owned, reading) for reading, _, _ in readings]
        name = "always" if len(found) == 1 else min(names, key=lambda each: (len(each), each))
        wishes = model.diagrams.some(wishes for _, wishes, _ in readings)
        yield Variant(name, text, wishes, readings[0][2])


def _name(model: FeatureModel, owned: int, reading: Reading) -> str:
    """The members and options read, without those that come with the file's owner anyway."""
    parts = []
    for name in sorted(reading, key=lambda each: model.catalog.place.get(each, len(reading) + 999)):
        value, slot = reading[name], name in model.catalog.slots
        if not value:
            continue
        if slot:
            parts.append(f"{name}={value}")
        elif model.without(owned, model.having(name)) != FALSE:
            parts.append(name)
    return " + ".join(parts) or "alone"
