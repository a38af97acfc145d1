"""Lay out columns of boxes joined like a circuit: lines in lanes, dots where they join.

All lines of one kind to one box share a trunk, so a box that many need gets one arrow and not
thirty. Lines that cross without a dot have nothing to do with each other. The same input gives the
same bytes on every machine: text is measured by a table, and nothing is left to chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum  # `sum` of floats differs between versions of Python

LANE = 9
"""Between two trunks."""

APART = 4
"""Between two level lines of one channel, at least."""

MARGIN = 28
TEXT, SMALL = 12.5, 10.5
LINE, SMALL_LINE = 16, 13


@dataclass(frozen=True)
class Box:
    """What lines lead to and from."""

    id: str
    title: str
    look: str
    """A class of the style sheet."""

    notes: tuple[str, ...] = ()
    """Small lines under the title."""

    heading: str = ""
    """Written above it, where a group begins."""

    @property
    def height(self) -> int:
        """Of the title and the notes; many lines to it make it higher."""
        return LINE + 8 + (SMALL_LINE * len(self.notes) + 2 if self.notes else 0)

    @property
    def width(self) -> float:
        """Of the widest line."""
        title = text_width(self.title, TEXT)
        return max([title, *(text_width(note, SMALL) for note in self.notes)]) + 22


@dataclass(frozen=True)
class Column:
    """Boxes above each other."""

    title: str
    boxes: tuple[Box, ...]
    fixed: bool = False
    """Whether the order counts; if not, boxes stand where their lines are short."""

    gap: int = 6
    """Between two boxes."""

    row: int = 0
    """The height of a box, at least."""

    loops: int = 1
    """On which side lines between two of its boxes run: 1 to the right, -1 to the left."""


@dataclass(frozen=True)
class Kind:
    """A kind of line."""

    id: str
    title: str
    end: str
    """`arrow`, `open` (an arrow not filled), `square`, or `cross` at both ends."""

    dash: str = ""
    paint: str = ""
    """A class of the style sheet; if empty, each target has a colour of its own."""


@dataclass(frozen=True)
class Net:
    """All lines of one kind to one box."""

    kind: Kind
    target: str
    sources: tuple[str, ...]


@dataclass
class Item:
    """A box, or a line on its way through a column, at its height."""

    height: int
    box: Box | None = None
    y: float = 0
    joined: list[Item] = field(default_factory=list, repr=False)


@dataclass
class Trunk:
    """One net in one channel."""

    net: Net
    ends: list[End] = field(default_factory=list)
    lane: int = 0

    @property
    def top(self) -> int:
        """The level where it begins."""
        return min(end.y for end in self.ends)

    @property
    def bottom(self) -> int:
        """The level where it ends."""
        return max(end.y for end in self.ends)


@dataclass
class End:
    """Where a trunk reaches a column."""

    item: Item
    side: int
    """-1: the column left of the channel; 1: the one right of it."""

    role: str
    """`source`, `target` or `wire`."""

    y: int = 0


def text_width(text: str, size: float) -> float:
    """About how wide the text is in a common sans-serif font; a little more rather than less."""
    return fsum(_WIDTHS.get(letter, 0.6) for letter in text) * size


_WIDTHS = {
    **dict.fromkeys("fijlrtI.,:;!'|()/- ·", 0.36),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&", 0.74),
    **dict.fromkeys("mwMW%", 0.92),
}


class Wiring:
    """The layout of a whole picture; `wiring_svg` draws it."""

    def __init__(self, columns: Sequence[Column], nets: Iterable[Net]) -> None:
        self.columns = columns
        self._place = {
            box.id: (number, box) for number, column in enumerate(columns) for box in column.boxes
        }
        self.nets = [net for net in nets if net.sources]
        self.targets = list(dict.fromkeys(net.target for net in self.nets))
        self.items: list[list[Item]] = [
            [Item(max(box.height, column.row), box) for box in column.boxes] for column in columns
        ]
        self._boxes = {i.box.id: i for items in self.items for i in items if i.box}
        # Channel n is left of column n; the last one is right of the last column.
        self.channels: list[list[Trunk]] = [[] for _ in range(len(columns) + 1)]
        for net in self.nets:
            self._route(net)
        self._grow()
        self.height = self._stack()
        for number in range(len(self.channels)):
            self._ports(number)
            self._lanes(number)
        self._measure()

    def _route(self, net: Net) -> None:
        """Give the net a trunk in each channel it runs through, and wires through columns."""
        goal = self._boxes[net.target]
        at = self._place[net.target][0]
        by_column: dict[int, list[Item]] = {}
        for source in net.sources:
            by_column.setdefault(self._place[source][0], []).append(self._boxes[source])
            self._boxes[source].joined.append(goal)
            goal.joined.append(self._boxes[source])
        if at in by_column:
            side = self.columns[at].loops
            channel = at + 1 if side > 0 else at
            ends = [End(item, -side, "source") for item in by_column.pop(at)]
            self.channels[channel].append(Trunk(net, [*ends, End(goal, -side, "target")]))
        for step in (1, -1):
            columns = sorted(
                (each for each in by_column if (at - each) * step > 0), reverse=step < 0
            )
            wire: Item | None = None
            for column in range(columns[0], at, step) if columns else ():
                ends = [End(item, -step, "source") for item in by_column.get(column, ())]
                ends += [End(wire, -step, "wire")] if wire else []
                onward = column + step
                if onward == at:
                    ends.append(End(goal, step, "target"))
                else:
                    before = [end.item for end in ends]
                    wire = Item(8, joined=[*before, goal])
                    self.items[onward].append(wire)
                    ends.append(End(wire, step, "wire"))
                self.channels[column + 1 if step > 0 else column].append(Trunk(net, ends))

    def _grow(self) -> None:
        """Make boxes high enough for their lines, which come from both sides of a channel."""
        for trunks in self.channels:
            ports: dict[int, tuple[Item, set[tuple[int, str]]]] = {}
            for trunk in trunks:
                for end in trunk.ends:
                    _, known = ports.setdefault(id(end.item), (end.item, set()))
                    known.add((end.side, _port(trunk, end)))
            for item, known in ports.values():
                if item.box:
                    item.height = max(item.height, 2 * APART * len(known) + 6)

    def _stack(self) -> int:
        """Give every item its height; those of a free column go where their lines are short."""
        for column, items in zip(self.columns, self.items, strict=True):
            y = 0
            for item in items:
                y += 26 if item.box and item.box.heading else 0
                item.y = y + item.height / 2
                y += item.height + column.gap
        for _ in range(12):
            for column, items in zip(self.columns, self.items, strict=True):
                if not column.fixed:
                    wanted = {
                        id(item): (
                            fsum(each.y for each in item.joined) / len(item.joined)
                            if item.joined
                            else item.y
                        )
                        for item in items
                    }
                    items.sort(key=lambda item: wanted[id(item)])
                    _settle(items, [wanted[id(item)] for item in items], column.gap)
        every = [item for items in self.items for item in items]
        top = min(
            item.y - item.height / 2 - (26 if item.box and item.box.heading else 0)
            for item in every
        )
        for item in every:
            item.y = round(item.y - top)
        return int(max(item.y + item.height / 2 for item in every))

    def _ports(self, number: int) -> None:
        """Give each end a level of its own, so that no two lines run over each other."""
        taken: list[int] = []
        known: dict[tuple[int, int, str], int] = {}
        ends = [(trunk, end) for trunk in self.channels[number] for end in trunk.ends]
        ends.sort(key=lambda each: (each[1].role != "wire", each[1].item.y))
        for trunk, end in ends:
            item = end.item
            if end.role == "wire":
                end.y = int(item.y)
                taken.append(end.y)
                continue
            key = (id(item), end.side, _port(trunk, end))
            if key not in known:
                room = item.height // 2 - 4
                levels = sorted(range(-room, room + 1), key=lambda offset: (abs(offset), offset))
                best = max(
                    levels,
                    key=lambda offset: min(
                        [2 * APART, *(abs(int(item.y) + offset - each) for each in taken)]
                    ),
                )
                known[key] = int(item.y) + best
                taken.append(known[key])
            end.y = known[key]

    def _lanes(self, number: int) -> None:
        """Order the trunks so that few lines cross: move each to where it costs least."""
        trunks = self.channels[number]
        cost = {
            (id(one), id(other)): _crossings(one, other)
            for one in trunks
            for other in trunks
            if one is not other
        }
        trunks.sort(key=lambda trunk: (trunk.top + trunk.bottom, trunk.top))
        for _ in range(20):
            before = list(trunks)
            for trunk in before:
                trunks.remove(trunk)
                left = [cost[id(each), id(trunk)] for each in trunks]
                right = [cost[id(trunk), id(each)] for each in trunks]
                sums = [sum(left[:at]) + sum(right[at:]) for at in range(len(trunks) + 1)]
                trunks.insert(sums.index(min(sums)), trunk)
            if trunks == before:
                break
        for lane, trunk in enumerate(trunks):
            trunk.lane = lane

    def _measure(self) -> None:
        """Say where each column and channel begins."""
        self.left: list[float] = []
        self.widths: list[float] = []
        self.starts: list[float] = []
        x = float(MARGIN)
        for number in range(len(self.channels)):
            lanes = len(self.channels[number])
            self.starts.append(x + 14)
            x += 28 + LANE * (lanes - 1) if lanes else (16 if 0 < number < len(self.columns) else 0)
            if number < len(self.columns):
                boxes = self.columns[number].boxes
                width = max((box.width for box in boxes), default=0.0)
                width = max(width, text_width(self.columns[number].title, TEXT))
                self.left.append(x)
                self.widths.append(round(width))
                x += round(width)
        self.width = int(x + MARGIN)


def _port(trunk: Trunk, end: End) -> str:
    """One box's lines of one kind leave it together; each trunk arrives by itself."""
    return (
        trunk.net.kind.id if end.role == "source" else f"to {trunk.net.kind.id} {trunk.net.target}"
    )


def _settle(items: Sequence[Item], wanted: Sequence[float], gap: int) -> None:
    """Put items, in their order, as near as can be to where they want to be without touching.

    Items that would touch form a block that stands where the mean of its members wants it.
    """
    blocks: list[tuple[float, int, list[Item]]] = []  # (sum of the wanted starts, length, members)
    for item, want in zip(items, wanted, strict=True):
        length = item.height + (gap if item.box else 2)
        block = (want - length / 2, length, [item])
        while blocks and blocks[-1][0] / len(blocks[-1][2]) + blocks[-1][1] > block[0] / len(
            block[2]
        ):
            total, before, members = blocks.pop()
            moved = block[0] - before * len(block[2])
            block = (total + moved, before + block[1], [*members, *block[2]])
        blocks.append(block)
    for total, _, members in blocks:
        y = total / len(members)
        for item in members:
            length = item.height + (gap if item.box else 2)
            item.y = y + length / 2
            y += length


def _crossings(left: Trunk, right: Trunk) -> int:
    """How often they cross if the one is left of the other."""
    count = sum(right.top <= end.y <= right.bottom for end in left.ends if end.side > 0)
    return count + sum(left.top <= end.y <= left.bottom for end in right.ends if end.side < 0)
