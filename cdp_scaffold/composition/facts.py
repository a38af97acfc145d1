"""What a text defines and what it refers to: the words that every extractor and the proof share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """Something that can be defined and referred to."""

    kind: str
    """Told in messages: `Terraform address`, `route`, `path`."""

    text: str

    def __str__(self) -> str:
        return f"{self.kind} `{self.text}`"


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a name that some file must define."""

    names: tuple[Name, ...]
    """Any of these will do; the first one is told."""

    line: int

    hearsay: bool = False
    """It may also be a word that nobody defines; only where someone does, it must be there."""


@dataclass(slots=True)
class Facts:
    """What one text says."""

    defines: list[tuple[Name, int]] = field(default_factory=list)
    """Names that are this file's alone, each with its line."""

    provides: list[tuple[Name, int]] = field(default_factory=list)
    """Names that others may define just as well, such as a folder."""

    refers: list[Reference] = field(default_factory=list)

    depends: list[tuple[Name, Name, int]] = field(default_factory=list)
    """What is made after what, with the line that says so."""

    def define(self, kind: str, text: str, line: int) -> None:
        """Note a definition that must be the only one."""
        self.defines.append((Name(kind, text), line))

    def provide(self, kind: str, text: str, line: int) -> None:
        """Note a definition of which there may be several."""
        self.provides.append((Name(kind, text), line))

    def refer(self, kind: str, text: str, line: int, *, hearsay: bool = False) -> None:
        """Note a use."""
        self.refers.append(Reference((Name(kind, text),), line, hearsay))

    def refer_to_any(self, names: Iterable[Name], line: int, *, hearsay: bool = False) -> None:
        """Note a use that several names would serve."""
        self.refers.append(Reference(tuple(names), line, hearsay))

    def depend(self, kind: str, one: str, other: str, line: int) -> None:
        """Note that one thing waits for another."""
        self.depends.append((Name(kind, one), Name(kind, other), line))

    def add(self, other: Facts) -> None:
        """Take over what another extractor found in the same text."""
        self.defines += other.defines
        self.provides += other.provides
        self.refers += other.refers
        self.depends += other.depends

    def beyond(self, base: Facts) -> Facts:
        """What is said here and not in a base that this text was made from."""
        defined = {name for name, _ in base.defines}
        provided = {name for name, _ in base.provides}
        referred = {reference.names for reference in base.refers}
        depended = {(one, other) for one, other, _ in base.depends}
        return Facts(
            [each for each in self.defines if each[0] not in defined],
            [each for each in self.provides if each[0] not in provided],
            [each for each in self.refers if each.names not in referred],
            [each for each in self.depends if each[:2] not in depended],
        )
