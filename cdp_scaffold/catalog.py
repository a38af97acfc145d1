"""Read `blueprints/catalog.yml` into a `Catalog`; every fault names file, entry and key.

Nothing is resolved here. The rules that a catalogue must keep so that resolving is well defined
stand in `cdp_scaffold.rules`, and every load checks them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cdp_scaffold.errors import CatalogError, Fault, UnknownPatternError


@dataclass(frozen=True)
class Why:
    """The reason of a relation, in one clause."""

    text: str

    ours: str | None = None
    """Where the book does not carry the relation: for what reason we do."""


@dataclass(frozen=True)
class Option:
    """One way to do a slot's job."""

    id: str
    title: str
    fills: tuple[str, ...]
    """The entries that do the job together."""

    take: str
    """When to take it, in one clause."""

    asks: bool = False
    """Never taken by itself: somebody has to choose it."""


@dataclass(frozen=True)
class TradeOff:
    """One row of the table that compares the options of a slot."""

    about: str
    of: Mapping[str, str]
    """Option → what it means there."""


@dataclass(frozen=True)
class Slot:
    """A job with several ways to do it."""

    id: str
    title: str
    job: str
    default: str
    options: Mapping[str, Option]
    exclusive: bool = True
    """Whether exactly one option does the job; if not, any number may, but at least one."""

    trade_off: tuple[TradeOff, ...] = ()

    @cached_property
    def fillers(self) -> tuple[str, ...]:
        """Every entry that some option fills the slot with, in the order of the options."""
        return tuple(dict.fromkeys(id for option in self.options.values() for id in option.fills))


@dataclass(frozen=True)
class Entry:
    """A pattern or component, and how it relates to the others."""

    id: str
    title: str
    kind: str
    """`pattern` (a user may ask for it) or `component` (comes in because something needs it)."""

    status: str
    """`ready` or `planned`: whether there is a blueprint."""

    summary: str
    family: str | None = None
    source: str | None = None
    """The section of the book; only patterns have one."""

    needs: Mapping[str, Why] = field(default_factory=dict)
    slots: Mapping[str, Why] = field(default_factory=dict)
    excludes: Mapping[str, Why] = field(default_factory=dict)
    suits: Mapping[str, Why] = field(default_factory=dict)
    always: bool = False


@dataclass(frozen=True, eq=False)
class Catalog:
    """The whole pattern language; every mapping keeps the order of the file."""

    entries: Mapping[str, Entry]
    slots: Mapping[str, Slot] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    file: str = "catalog.yml"

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Each entry's place in the file; what sorts every answer."""
        return {id: number for number, id in enumerate(self.entries)}

    @cached_property
    def always(self) -> tuple[str, ...]:
        """The entries that are part of every resolution."""
        return tuple(id for id, entry in self.entries.items() if entry.always)

    @cached_property
    def excluding(self) -> frozenset[str]:
        """The entries that exclude others; few, so that checking them costs little."""
        return frozenset(id for id, entry in self.entries.items() if entry.excludes)

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """What a user may ask for."""
        return tuple(id for id, entry in self.entries.items() if entry.kind == "pattern")

    @cached_property
    def needed_by(self) -> Mapping[str, Mapping[str, Why]]:
        """Entry → who needs it directly, and why."""
        return self._reversed("needs")

    @cached_property
    def rivals(self) -> Mapping[str, Mapping[str, Why]]:
        """Entry → what cannot be in one resolution with it, from both sides."""
        found: dict[str, dict[str, Why]] = {id: {} for id in self.entries}
        for id, entry in self.entries.items():
            for other, why in entry.excludes.items():
                found[id][other] = why
                found[other].setdefault(id, why)
        return found

    @cached_property
    def filled_by(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Entry → each (slot, option) that it fills."""
        found: dict[str, list[tuple[str, str]]] = {id: [] for id in self.entries}
        for slot in self.slots.values():
            for option in slot.options.values():
                for id in option.fills:
                    found[id].append((slot.id, option.id))
        return {id: tuple(pairs) for id, pairs in found.items()}

    def ordered(self, ids: Any) -> tuple[str, ...]:
        """The ids without repetition, in the order of the file."""
        return tuple(sorted(set(ids), key=self.place.__getitem__))

    def find(self, name: str, kind: str | None = None) -> str:
        """The id that a person means by an id or a title, however it is spelled.

        Args:
            name: `two_words`, `Two-Words`, `two words`, …
            kind: Look only among entries of this kind.

        Raises:
            UnknownPatternError: No entry is called so; it carries near names.
        """
        names = self._names(kind)
        found = names.get(_plain(name))
        if found is not None:
            return found
        raise UnknownPatternError(name, self._near(_plain(name), names))

    def find_slot(self, name: str) -> str | None:
        """The slot that a person means by an id or a title, however it is spelled."""
        plain = _plain(name)
        for attribute in ("id", "title"):
            for slot in self.slots.values():
                if _plain(getattr(slot, attribute)) == plain:
                    return slot.id
        return None

    def _names(self, kind: str | None) -> dict[str, str]:
        names: dict[str, str] = {}
        # Ids after titles: where a title of one is the id of another, the id wins.
        for attribute in ("title", "id"):
            for id, entry in self.entries.items():
                if kind is None or entry.kind == kind:
                    names[_plain(getattr(entry, attribute))] = id
        return names

    def _near(self, name: str, names: Mapping[str, str]) -> tuple[str, ...]:
        import difflib  # Only a wrong name needs it.

        close = difflib.get_close_matches(name, names, n=6, cutoff=0.6)
        # "queue" is far from every title by edit distance, but part of some.
        within = [each for each in names if len(name) > 2 and name in each]
        return tuple(dict.fromkeys(names[each] for each in (*close, *within)))[:3]

    def _reversed(self, relation: str) -> Mapping[str, Mapping[str, Why]]:
        found: dict[str, dict[str, Why]] = {id: {} for id in self.entries}
        for id, entry in self.entries.items():
            for other, why in getattr(entry, relation).items():
                found[other][id] = why
        return found


def load_catalog(path: Path) -> Catalog:
    """Read and check a catalogue.

    Raises:
        CatalogError: The file is missing, is no YAML or breaks a rule; all faults at once.
    """
    import yaml  # Importing it takes longer than `cdp --help` may.

    from cdp_scaffold import plain_yaml

    class Loader(plain_yaml.LOADER):  # type: ignore[misc]
        """YAML itself would let the second of two equal keys win without a word."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                if key.value in seen:
                    twice = f"`{key.value}` stands here twice"
                    raise yaml.constructor.ConstructorError(
                        problem=twice, problem_mark=key.start_mark
                    )
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506 - a safe one
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(str(path), [Fault("catalog", f"cannot be read: {error}")]) from error
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", error)
        line = f"; line {mark.line + 1}" if mark else ""
        fault = Fault("catalog", f"is no valid YAML{line}: {problem}")
        raise CatalogError(str(path), [fault]) from error
    return build_catalog(raw, str(path))


def build_catalog(raw: Any, file: str = "catalog.yml") -> Catalog:
    """Make a catalogue of plain data; the same checks as for a file.

    Raises:
        CatalogError: The data breaks a rule; all faults at once.
    """
    from cdp_scaffold import rules

    faults = rules.schema_faults(raw)
    if faults:
        raise CatalogError(file, faults)
    catalog = Catalog(
        entries={id: _entry(id, each) for id, each in raw["entries"].items()},
        slots={id: _slot(id, each) for id, each in (raw.get("slots") or {}).items()},
        families=dict(raw.get("families") or {}),
        file=file,
    )
    faults = rules.relation_faults(catalog)
    if faults:
        raise CatalogError(file, faults)
    return catalog


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _why(raw: Any) -> Why:
    if isinstance(raw, str):
        return Why(raw.strip())
    return Why(raw["why"].strip(), raw["ours"].strip())


def _whys(raw: Mapping[str, Any] | None) -> Mapping[str, Why]:
    return {id: _why(why) for id, why in (raw or {}).items()}


def _entry(id: str, raw: Mapping[str, Any]) -> Entry:
    return Entry(
        id=id,
        title=raw["title"],
        kind=raw["kind"],
        status=raw["status"],
        summary=raw["summary"].strip(),
        family=raw.get("family"),
        source=raw.get("source"),
        needs=_whys(raw.get("needs")),
        slots=_whys(raw.get("slots")),
        excludes=_whys(raw.get("excludes")),
        suits=_whys(raw.get("suits")),
        always=raw.get("always", False),
    )


def _slot(id: str, raw: Mapping[str, Any]) -> Slot:
    rows: Sequence[Mapping[str, str]] = raw.get("trade_off") or ()
    return Slot(
        id=id,
        title=raw["title"],
        job=raw["job"],
        default=raw["default"],
        exclusive=raw.get("exclusive", True),
        options={
            key: Option(
                id=key,
                title=each["title"],
                fills=tuple(each["fills"]),
                take=each["take"],
                asks=each.get("asks", False),
            )
            for key, each in raw["options"].items()
        },
        trade_off=tuple(
            TradeOff(row["about"], {key: text for key, text in row.items() if key != "about"})
            for row in rows
        ),
    )
