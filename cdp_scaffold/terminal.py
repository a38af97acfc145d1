"""Draw on a terminal, with rich, what `cdp_scaffold.sheet` draws as plain text.

The words are the same. Whatever colour tells, a word or a sign tells too: a terminal without
colour, and `NO_COLOR`, lose nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TextIO

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment, Segments
from rich.table import Column, Table
from rich.text import Text
from rich.tree import Tree

from cdp_scaffold import sheet
from cdp_scaffold.report import columns, table_columns

OPENINGS = {"error:": "bold red", "hint:": "bold green", "note:": "bold yellow"}
"""What a paragraph may begin with."""

ROLES = {"title": "bold", "section": "bold", "error": "bold", "names": "bold cyan"}
STATUS = {"ready": ("●", "ready", "bold green"), "planned": ("·", "planned", "")}
WIDE = 100
"""Columns from which on a list has room for the word beside the sign."""

VERDICTS = {"valid": "green", "bought in": "cyan", "refused": "bold red"}


def draw(told: sheet.Sheet, stream: TextIO) -> None:
    """Draw the fullest form that is no higher than the terminal, or else the tersest."""
    console = Console(file=stream, highlight=False, emoji=False, markup=False)
    width = table_columns() if told.table else columns()
    # No lower than a terminal of 40 lines: who scrolls anyway would rather know why.
    height = max(sheet.HEIGHT, console.size.height - 2)
    drawing(console, told, width, height)


def drawing(console: Console, told: sheet.Sheet, width: int, height: int) -> None:
    """Draw it on any console."""
    lines: list[list[Segment]] = []
    for form in told.forms:
        lines = [line for block in form for line in _lines(console, block, width)]
        if len(lines) <= height:
            break
    # Neither wrapped nor cropped once more: a command is one line for whoever copies it.
    console.print(
        Segments([each for line in lines for each in (*line, Segment.line())]),
        soft_wrap=True,
        end="",
    )


def _lines(console: Console, block: sheet.Block, width: int) -> Iterator[list[Segment]]:
    """A block's lines, without the spaces that rich fills them up with."""
    if isinstance(block, sheet.Command):
        width = len(block.indent + block.text)
    options = console.options.update(width=width, height=None)
    for line in console.render_lines(_block(block), options, pad=False):
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
        yield line


def _block(block: sheet.Block) -> RenderableType:
    match block:
        case sheet.Gap():
            return Text("")
        case sheet.Para():
            return _para(block)
        case sheet.Command():
            # The style ends where the command ends, and nothing inside it changes.
            return Text.assemble(block.indent, (block.text, "bold"))
        case sheet.Rows():
            return _Fitting(lambda width: _rows(block, width))
        case sheet.Compared():
            return _Fitting(lambda width: _compared(block, width))
        case sheet.Figures():
            return _Fitting(lambda width: _figures(block, width))
        case sheet.Tree():
            return _tree(block)
        case sheet.Verdicts():
            return _Stack(_verdicts(block))


def _para(para: sheet.Para) -> RenderableType:
    if para.role == "section" and not para.wrap:
        title = Text(para.text.removesuffix(":"), "bold")
        return Rule(title, align="left", style="dim")
    text = Text(para.text, ROLES.get(para.role, ""))
    text.highlight_regex(r"`[^`]+`", "cyan")
    opening = para.text.split(" ", 1)[0]
    if opening in OPENINGS:
        text.stylize(OPENINGS[opening], 0, len(opening))
    return _Hanging(text, para.first, para.rest)


def _rows(rows: sheet.Rows, width: int) -> Table:
    stated = any(row.status for row in rows.rows)
    words = stated and width >= WIDE
    table = Table.grid(Column(width=rows.names + 2))
    if words:
        table.add_column(width=max(len(word) for _, word, _ in STATUS.values()) + 2)
    table.add_column(overflow="fold")
    for row in rows.rows:
        sign, word, style = STATUS.get(row.status, (" ", "", ""))
        name = Text.assemble((sign, style), " ", (row.name, f"cyan {style}".strip()))
        status = [Text(word, style)] if words else []
        table.add_row(name, *status, Text.assemble(row.text, (row.aside, "dim")))
    return table


def _compared(compared: sheet.Compared, width: int) -> RenderableType:
    head, *others = compared.rows
    room = width - len(compared.indent) - max(len(row[0]) for row in compared.rows) - 4
    longest = max(len(word) for row in compared.rows for cell in row[1:] for word in cell.split())
    if room // (len(head) - 1) < longest + 3:
        table = _stacked(compared.rows)
    else:
        table = Table(box=box.ROUNDED, show_lines=True, border_style="dim", expand=True)
        table.add_column(style="dim")
        for title in head[1:]:
            table.add_column(Text(title, "bold"), ratio=1)
        for row in others:
            table.add_row(*map(Text, row))
    return Padding(table, (0, 0, 0, len(compared.indent)))


def _figures(figures: sheet.Figures, width: int) -> Table:
    head, *others = figures.rows
    if sum(max(map(len, column)) + 3 for column in zip(*figures.rows, strict=True)) >= width:
        return _stacked(figures.rows)
    table = Table(box=box.ROUNDED, border_style="dim", header_style="bold")
    table.add_column(head[0])
    for title in head[1:]:
        table.add_column(Text(title), justify="right")
    for row in others:
        table.add_row(*map(Text, row))
    return table


def _stacked(rows: Sequence[Sequence[str]]) -> Table:
    """A table too wide for the terminal: one column after the other."""
    head, *others = rows
    table = Table(box=box.ROUNDED, border_style="dim", show_header=False)
    table.add_column(style="dim")
    table.add_column()
    for number, title in enumerate(head[1:], 1):
        table.add_row(Text(), Text(title, "bold"))
        for row in others:
            table.add_row(Text(row[0]), Text(row[number]), end_section=row is others[-1])
    return table


class _Guided(Tree):
    """A tree whose branches are as wide as those of the plain one, so that it breaks alike."""

    TREE_GUIDES = [("   ", "│  ", "├─ ", "└─ ")] * 3
    ASCII_GUIDES = ("   ", "|  ", "+- ", "`- ")


def _tree(tree: sheet.Tree) -> RenderableType:
    drawn = _Guided("", hide_root=True, guide_style="dim")
    for node in tree.roots:
        _grow(drawn, node, "cyan" if node.why else "bold cyan")
    return drawn


def _grow(under: Tree, node: sheet.Node, style: str) -> None:
    label = Text.assemble((node.name, style), (node.why, "dim"), node.leaves)
    rest = Text("│ " if node.below else "  ", "dim")
    branch = under.add(_Hanging(label, Text(), rest), guide_style="dim")
    for each in node.below:
        _grow(branch, each, "cyan")


def _verdicts(verdicts: sheet.Verdicts) -> Iterator[RenderableType]:
    names = max(len(row.other) for row in verdicts.rows) + 2
    for one, rows in groupby(verdicts.rows, lambda row: row.one):
        if one != verdicts.rows[0].one:
            yield Text("")
        yield Rule(Text(one, "bold"), align="left", style="dim")
        table = Table.grid(Column(width=13), Column(width=names), Column())
        for row in rows:
            verdict = Text.assemble("  ", (row.verdict, VERDICTS[row.verdict]))
            table.add_row(verdict, Text(row.other, "cyan"), Text(row.text))
        yield table


class _Fitting:
    """Something whose shape depends on the columns there are."""

    def __init__(self, make: Callable[[int], RenderableType]) -> None:
        self.make = make

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.make(options.max_width)


class _Stack:
    """Several things, one under the other."""

    def __init__(self, parts: Iterable[RenderableType]) -> None:
        self.parts = list(parts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.parts


class _Hanging:
    """Wrapped text whose first line is indented otherwise than the rest."""

    def __init__(self, text: Text, first: str | Text, rest: str | Text) -> None:
        self.text = text
        self.first = first if isinstance(first, Text) else Text(first)
        self.rest = rest if isinstance(rest, Text) else Text(rest)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text, indent = self.text, self.first
        while text:
            room = max(options.max_width - len(indent), 10)
            line = text.wrap(console, room)[0]
            after = len(line) + len(re.match(r"\s*", text.plain[len(line) :])[0])  # type: ignore[index]
            yield Text.assemble(indent, line)
            text, indent = text[after:], self.rest
