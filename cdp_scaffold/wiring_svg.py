"""Draw a layout of `wiring` as SVG that reads well on light and on dark paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from cdp_scaffold.wiring import (
    LANE,
    MARGIN,
    SMALL_LINE,
    TEXT,
    Box,
    End,
    Item,
    Kind,
    Net,
    Trunk,
    Wiring,
    text_width,
)


def svg(wiring: Wiring, title: str, description: str, boxes: Sequence[tuple[str, str]]) -> str:
    """The picture as text.

    Args:
        boxes: (look, what it means), for the legend; the lines are explained by their kinds.
    """
    top = MARGIN + 64
    legend, below = _legend(wiring, boxes, top + wiring.height + 34)
    parts = [*_headings(wiring, top), *_wires(wiring, top)]
    for number in range(len(wiring.channels)):
        parts += _drawn(wiring, number, top)
    parts += [
        drawn
        for number, items in enumerate(wiring.items)
        for item in items
        if item.box
        for drawn in _box(item, item.box, wiring.left[number], wiring.widths[number], top)
    ]
    height = below + MARGIN
    size = f'viewBox="0 0 {wiring.width} {height}" width="{wiring.width}" height="{height}"'
    labels = 'role="img" aria-labelledby="title description"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {labels}>',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            f"<style>{STYLE}</style>",
            '<rect class="paper" width="100%" height="100%"/>',
            f'<text class="title" x="{MARGIN}" y="{MARGIN + 8}">{escape(title)}</text>',
            *parts,
            *legend,
            "</svg>",
            "",
        ]
    )


def _headings(wiring: Wiring, top: int) -> list[str]:
    return [
        _text("column", _n(wiring.left[number]), top - 18, column.title)
        for number, column in enumerate(wiring.columns)
    ]


def _wires(wiring: Wiring, top: int) -> list[str]:
    """The lines on their way through a column."""
    crossing = {
        id(end.item): (end.item, trunk.net)
        for trunks in wiring.channels
        for trunk in trunks
        for end in trunk.ends
        if end.role == "wire"
    }
    return [
        _path(
            f"M{_n(wiring.left[number])} {top + int(item.y)}h{_n(wiring.widths[number])}",
            _paint(wiring, net),
            net.kind,
        )
        for number, items in enumerate(wiring.items)
        for item, net in (crossing[id(item)] for item in items if not item.box)
    ]


def _drawn(wiring: Wiring, number: int, top: int) -> list[str]:
    """One channel: what leaves the boxes, trunks, what arrives, and dots where lines join."""
    start, trunks = wiring.starts[number], wiring.channels[number]
    edges = {
        -1: wiring.left[number - 1] + wiring.widths[number - 1] if number else start,
        1: wiring.left[number] if number < len(wiring.columns) else start,
    }
    leaving: dict[tuple[int, int, str], list[tuple[Trunk, End]]] = {}
    lines: list[str] = []
    ends: list[str] = []
    for trunk in trunks:
        x, paint, kind = start + LANE * trunk.lane, _paint(wiring, trunk.net), trunk.net.kind
        if trunk.top < trunk.bottom:
            lines.append(_path(f"M{_n(x)} {top + trunk.top}V{top + trunk.bottom}", paint, kind))
        for end in trunk.ends:
            edge, y = edges[end.side], top + end.y
            if end.role == "source":
                leaving.setdefault((id(end.item), end.side, kind.id), []).append((trunk, end))
                continue
            tip = edge - end.side * 2 if end.role == "target" else edge
            lines.append(_path(f"M{_n(x)} {y}H{_n(tip)}", paint, kind))
            if end.role == "target":
                ends.append(_tip(kind, edge, y, end.side, paint))
            if trunk.top < end.y < trunk.bottom:
                ends.append(_dot(x, y, paint))
    for joined in leaving.values():
        lanes = {trunk.lane for trunk, _ in joined}
        end, kind = joined[0][1], joined[0][0].net.kind
        far = max(lanes) if end.side < 0 else min(lanes)
        paints = {_paint(wiring, trunk.net) for trunk, _ in joined}
        paint = paints.pop() if len(paints) == 1 else "many"
        edge, y = edges[end.side], top + end.y
        lines.append(_path(f"M{_n(edge)} {y}H{_n(start + LANE * far)}", paint, kind))
        if kind.end == "cross":
            ends.append(_tip(kind, edge, y, end.side, paint))
        ends += [
            _dot(start + LANE * trunk.lane, y, _paint(wiring, trunk.net))
            for trunk, _ in joined
            if trunk.lane != far or trunk.top < end.y < trunk.bottom
        ]
    return lines + ends


def _paint(wiring: Wiring, net: Net) -> str:
    return net.kind.paint or f"c{wiring.targets.index(net.target) % PAINTS}"


def _box(item: Item, box: Box, x: float, width: float, top: int) -> list[str]:
    upper = top + int(item.y) - item.height // 2
    first = upper + 16 + (item.height - box.height) // 2
    left, inner = _n(x), _n(x + 10)
    parts = []
    if box.heading:
        parts.append(_text("heading", left, upper - 7, box.heading))
    parts.append(
        f'<rect class="box {box.look}" x="{left}" y="{upper}" width="{_n(width)}" '
        f'height="{item.height}" rx="4"/>'
    )
    parts.append(_text(f"name {box.look}", inner, first, box.title))
    for number, note in enumerate(box.notes):
        parts.append(_text("note", inner, first + 15 + SMALL_LINE * number, note))
    return parts


def _legend(wiring: Wiring, boxes: Sequence[tuple[str, str]], y: int) -> tuple[list[str], int]:
    """What boxes and lines mean, in rows as wide as the picture."""
    kinds = list(dict.fromkeys(net.kind for net in wiring.nets))
    parts: list[str] = []
    x = float(MARGIN)
    looks = {box.look for column in wiring.columns for box in column.boxes}
    signs: list[tuple[str, Kind | str]] = [(text, look) for look, text in boxes if look in looks]
    signs += [(kind.title, kind) for kind in kinds]
    for text, sign in signs:
        width = 52 + text_width(text, TEXT)
        if x > MARGIN and x + width > wiring.width - MARGIN:
            x, y = float(MARGIN), y + 24
        if isinstance(sign, Kind):
            paint = sign.paint or "c0"
            parts.append(_path(f"M{_n(x)} {y}h30", paint, sign))
            parts.append(_tip(sign, x + 32, y, 1, paint))
            if sign.end == "cross":
                parts.append(_tip(sign, x, y, -1, paint))
        else:
            parts.append(
                f'<rect class="box {sign}" x="{_n(x)}" y="{y - 7}" width="30" height="14" rx="3"/>'
            )
        parts.append(f'<text class="legend" x="{_n(x + 40)}" y="{y + 4}">{escape(text)}</text>')
        x += width + 14
    return parts, y + 8


def _path(d: str, paint: str, kind: Kind) -> str:
    dash = f' stroke-dasharray="{kind.dash}"' if kind.dash else ""
    return f'<path class="{paint}" d="{d}"{dash}/>'


def _dot(x: float, y: int, paint: str) -> str:
    return f'<circle class="{paint} dot" cx="{_n(x)}" cy="{y}" r="2.6"/>'


def _tip(kind: Kind, x: float, y: int, side: int, paint: str) -> str:
    """The end of a line at a box whose edge is at `x`; `side` is 1 where it comes from the left."""
    if kind.end == "square":
        left = _n(x - 3 - side * 3)
        return f'<rect class="{paint} dot" x="{left}" y="{y - 3}" width="6" height="6"/>'
    if kind.end == "cross":
        left = _n(x - side * 5 - 4)
        return f'<path class="{paint} end" d="M{left} {y - 4}l8 8m0 -8l-8 8"/>'
    back, tip = _n(x - side * 8), _n(x - side if kind.end == "open" else x)
    look, close = ("end", "") if kind.end == "open" else ("dot", "z")
    return f'<path class="{paint} {look}" d="M{back} {y - 4}L{tip} {y}L{back} {y + 4}{close}"/>'


def _text(look: str, x: str, y: int, text: str) -> str:
    return f'<text class="{look}" x="{x}" y="{y}">{escape(text)}</text>'


def _n(number: float) -> str:
    return f"{number:g}"


PAINTS = 8
_LIGHT = ("#1f5fae", "#b3530a", "#0b7a5c", "#8a3ab0", "#6b6d00", "#0b7285", "#8c5a2e", "#4b4fc4")
_DARK = ("#7db3f5", "#f0a05a", "#4fd0a8", "#cf8df0", "#cdd04e", "#59c9dd", "#d7a673", "#a5a8ff")


def _style(colours: Sequence[str], shades: Mapping[str, str]) -> str:
    rules = {
        ".paper": f"fill:{shades['paper']}",
        "text": f"fill:{shades['ink']}",
        ".note,.legend,.column": f"fill:{shades['soft']}",
        ".heading": f"fill:{shades['soft']}",
        ".many": f"stroke:{shades['many']}",
        ".excludes": f"stroke:{shades['red']}",
        ".dot.many": f"fill:{shades['many']}",
        ".box": f"fill:{shades['paper']};stroke:{shades['soft']}",
        ".box.ready": f"fill:{shades['ready']};stroke:{shades['ink']}",
        ".box.slot": f"fill:{shades['slot']};stroke:{shades['soft']}",
    }
    for number, colour in enumerate(colours):
        rules[f".c{number}"] = f"stroke:{colour}"
        rules[f".dot.c{number}"] = f"fill:{colour}"
    return "".join(f"{selector}{{{rule}}}" for selector, rule in rules.items())


STYLE = (
    "text{font:12.5px Helvetica,Arial,'Liberation Sans',sans-serif}"
    ".title{font-size:20px;font-weight:bold}"
    ".column{font-weight:bold;letter-spacing:.4px}"
    ".heading{font-weight:bold}"
    ".name.ready{font-weight:bold}"
    ".note{font-size:10.5px}"
    "path{fill:none;stroke-width:1.4}.end{stroke-width:1.6}.dot{stroke:none}"
    ".box.planned{stroke-dasharray:4 3}.box.slot{rx:11px}"
    + _style(
        _LIGHT,
        {
            "paper": "#ffffff",
            "ink": "#17212b",
            "soft": "#556270",
            "many": "#7b8794",
            "red": "#c81e2c",
            "ready": "#e3f0e6",
            "slot": "#f1f3f6",
        },
    )
    + "@media(prefers-color-scheme:dark){"
    + _style(
        _DARK,
        {
            "paper": "#14181d",
            "ink": "#eef2f6",
            "soft": "#a9b4c0",
            "many": "#8793a0",
            "red": "#ff6b74",
            "ready": "#1f3d2a",
            "slot": "#242b33",
        },
    )
    + "}"
)
