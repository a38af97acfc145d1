"""What a command tells, as blocks: the words and what each is, but not how it looks.

`Sheet.plain` draws them for pipes, files and messages; `cdp_scaffold.terminal` for terminals.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Literal, NamedTuple

HEIGHT = 38
"""Lines of a terminal of 40 that an answer may take, prompt and command aside."""

Role = Literal["text", "title", "section", "error", "hint", "note", "names"]


class Gap(NamedTuple):
    """An empty line."""

    def plain(self, _width: int) -> list[str]:
        """Its lines."""
        return [""]


class Para(NamedTuple):
    """Running text; `first` and `rest` indent its first line and the others."""

    text: str
    role: Role = "text"
    first: str = ""
    rest: str = ""
    wrap: bool = True
    """Whether it is wrapped in plain text; a heading stays on one line there, for grep."""

    def plain(self, width: int) -> list[str]:
        """Its lines."""
        if not self.wrap:
            return [self.first + self.text]
        return wrapped(self.text, width, self.first, self.rest)


class Command(NamedTuple):
    """A command to paste: on one line, however wide the terminal."""

    text: str
    indent: str = ""

    def plain(self, _width: int) -> list[str]:
        """Its line."""
        return [self.indent + self.text]


class Row(NamedTuple):
    """A name and what is said of it."""

    name: str
    text: str
    aside: str = ""
    """What follows the text and matters less."""

    status: str = ""
    """`ready` or `planned`, in a list of patterns."""


class Rows(NamedTuple):
    """Names on the left, texts on the right."""

    rows: Sequence[Row]
    left: int = 0
    """Columns for the names, where they are to be as wide as those of other rows."""

    def plain(self, width: int) -> list[str]:
        """Its lines."""
        lines = []
        left = self.names
        for row in self.rows:
            first = f"{'· ' if row.status == 'planned' else '  '}{row.name:{left}}"
            lines += wrapped(row.text + row.aside, width, first, " " * len(first))
        return lines

    @property
    def names(self) -> int:
        """Columns for the names and the space after them."""
        return self.left or max(len(row.name) for row in self.rows) + 2


class Compared(NamedTuple):
    """A table whose first row and first column are heads."""

    rows: Sequence[Sequence[str]]
    indent: str = ""

    def plain(self, width: int) -> list[str]:
        """Columns of even width, cells wrapped."""
        first = max(len(row[0]) for row in self.rows) + 2
        each = (width - len(self.indent) - first) // (len(self.rows[0]) - 1)
        lines = []
        for row in self.rows:
            cells = [
                textwrap.wrap(row[0], first) or [""],
                *(textwrap.wrap(cell, each - 2) for cell in row[1:]),
            ]
            for number in range(max(len(cell) for cell in cells)):
                parts = [cell[number] if number < len(cell) else "" for cell in cells]
                line = f"{parts[0]:{first}}" + "".join(f"{part:{each}}" for part in parts[1:])
                lines.append((self.indent + line).rstrip())
        return lines


class Figures(NamedTuple):
    """A table of numbers, right under each other; the first row and column are heads."""

    rows: Sequence[Sequence[str]]

    def plain(self, _width: int) -> list[str]:
        """Its lines."""
        first, *others = (max(map(len, column)) for column in zip(*self.rows, strict=True))
        return [
            f"{row[0]:{first}}"
            + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], others, strict=True))
            for row in self.rows
        ]


class Node(NamedTuple):
    """One part of a tree and what stands under it."""

    name: str
    why: str = ""
    leaves: str = ""
    """Those that have nothing under them, where they share its line."""

    below: Sequence[Node] = ()

    def label(self) -> str:
        """Its whole text."""
        return self.name + self.why + self.leaves


class Tree(NamedTuple):
    """Roots, each with what stands under it."""

    roots: Sequence[Node]

    def plain(self, width: int) -> list[str]:
        """Its lines."""
        return [line for node in self.roots for line in _branch(node, "", "", width)]


class Verdict(NamedTuple):
    """What is said of two patterns together."""

    verdict: str
    one: str
    other: str
    text: str = ""


class Verdicts(NamedTuple):
    """Pairs; in plain text each on one line, for grep."""

    rows: Sequence[Verdict]

    def plain(self, _width: int) -> list[str]:
        """Its lines."""
        return [
            f"{row.verdict:9}  {row.one} + {row.other}" + (f": {row.text}" if row.text else "")
            for row in self.rows
        ]


Block = Gap | Para | Command | Rows | Compared | Figures | Tree | Verdicts
Blocks = Sequence[Block]


class Sheet(NamedTuple):
    """Everything a command tells."""

    forms: Sequence[Blocks]
    """From the fullest to the tersest; told is the first that is low enough, or the last."""

    table: bool = False
    """Whether it is a table, which may be wider than a text."""

    def plain(self, width: int, height: int = HEIGHT) -> str:
        """As plain text of at most so many columns, but for what must stay on one line."""
        lines: list[str] = []
        for form in self.forms:
            lines = plain(form, width)
            if len(lines) <= height:
                break
        return "\n".join(lines)


def plain(blocks: Blocks, width: int) -> list[str]:
    """The lines of all blocks."""
    return [line for block in blocks for line in block.plain(width)]


def wrapped(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Lines of at most so many columns; ids and commands are never broken."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _branch(node: Node, first: str, rest: str, width: int) -> list[str]:
    lines = wrapped(node.label(), width, first, rest + ("│ " if node.below else "  "))
    for each in node.below:
        last = each is node.below[-1]
        lines += _branch(
            each, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), width
        )
    return lines
