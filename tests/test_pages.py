"""The pages made from the catalogue are up to date, say all of it, and can be read."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from cdp_scaffold import pictures, wiring_svg
from cdp_scaffold.catalog import build_catalog, load_catalog
from cdp_scaffold.model import Model
from cdp_scaffold.model_text import pair_advice, pair_why
from cdp_scaffold.pages import pages, stale, write
from cdp_scaffold.wiring import Box, Column, Kind, Net, Wiring, text_width

ROOT = Path(__file__).parents[1]
CATALOG = load_catalog(ROOT / "blueprints" / "catalog.yml")
MODEL = Model(CATALOG)
PAGES = pages(CATALOG)
PATTERNS = PAGES["docs/patterns.md"]
SVG = "{http://www.w3.org/2000/svg}"


def test_no_page_is_stale() -> None:
    faults = stale(ROOT, PAGES)

    assert not faults, "\n".join([*faults, "`make docs` mends it"])


def test_pages_are_the_same_whatever_the_order_of_sets() -> None:
    """A set's order changes from run to run, so a page that follows one is never up to date."""
    told = subprocess.run(
        [sys.executable, "-m", "cdp_scaffold.pages", "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_a_stale_page_a_missing_page_and_a_left_over_picture_are_told(tmp_path: Path) -> None:
    write(tmp_path, PAGES)
    assert stale(tmp_path, PAGES) == []
    (tmp_path / "docs" / "patterns.md").write_text("old", encoding="utf-8")
    (tmp_path / "docs" / "model.md").unlink()
    (tmp_path / "docs" / "pictures" / "gone.svg").write_text("<svg/>", encoding="utf-8")

    assert stale(tmp_path, PAGES) == [
        "docs/patterns.md is not what the catalogue makes of it",
        "docs/model.md is missing",
        "docs/pictures/gone.svg belongs to nothing in the catalogue",
    ]
    write(tmp_path, PAGES)
    assert stale(tmp_path, PAGES) == []


# docs/patterns.md


def section(anchor: str) -> str:
    """From an anchor to the next one."""
    return PATTERNS.split(f'<a id="{anchor}"></a>', 1)[1].split("<a id=", 1)[0]


def plain(text: str) -> str:
    return re.sub(r"\\(?=[\\`*_|<\[])", "", text)


def test_patterns_stand_in_the_order_of_the_book() -> None:
    anchors = re.findall(r'<a id="pattern-(\w+)">', PATTERNS)

    assert anchors == list(CATALOG.patterns)
    assert re.findall(r'<a id="family-(\w+)">', PATTERNS) == list(CATALOG.families)
    assert re.findall(r'<a id="slot-(\w+)">', PATTERNS) == list(CATALOG.slots)


@pytest.mark.parametrize("id", CATALOG.entries)
def test_the_section_of_an_entry_says_all_the_catalogue_says(id: str) -> None:
    entry = CATALOG.entries[id]
    told = section(f"{entry.kind}-{id}")
    lines = told.splitlines()

    assert f"### {entry.title}" in lines
    assert plain(entry.summary) in plain(told)
    status = "generates today" if entry.status == "ready" else "planned"
    assert f"`{id}` · {status}" in told
    assert not entry.source or f"section “{entry.source}” of the book" in told
    for relation, whys in (
        ("needs", entry.needs),
        ("job", entry.slots),
        ("excludes", CATALOG.rivals[id]),
        ("suited by", entry.suits),
    ):
        rows = [plain(line) for line in lines if line.startswith(f"| {relation} |")]
        assert len(rows) == len(whys), relation
        for row, (other, why) in zip(rows, whys.items(), strict=True):
            assert f"-{other})" in row
            assert f"| {why.text}" in row
            assert (f"(*ours:* {why.ours})" in row) == (why.ours is not None)


@pytest.mark.parametrize("id", CATALOG.slots)
def test_the_section_of_a_job_compares_its_ways(id: str) -> None:
    slot, told = CATALOG.slots[id], plain(section(f"slot-{id}"))

    assert slot.job in told
    for option in slot.options.values():
        row = next(line for line in told.splitlines() if f"| `{option.id}` |" in line)
        assert row.endswith(f"| {option.take} |")
        assert all(f"-{each})" in row for each in option.fills)
        assert ("(default)" in row) == (option.id == slot.default)
    for compared in slot.trade_off:
        cells = [compared.about, *(compared.of[id] for id in slot.options)]
        assert f"| {' | '.join(cells)} |" in told


@pytest.mark.parametrize("page", ["docs/patterns.md", "docs/model.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", PAGES[page])
    anchors = set(re.findall(r'<a id="([^"]+)">', PAGES[page]))

    assert links
    assert len(anchors) == PAGES[page].count("<a id=")
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors, link
        elif not link.startswith("https://"):
            assert f"docs/{link}" in PAGES, link


def test_every_row_of_a_table_is_as_wide_as_its_head() -> None:
    width = 0
    for line in PATTERNS.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (width and cells) or cells == width, line
        width = cells


def test_every_picture_is_on_the_page() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((pictures/\w+\.svg)\)", PATTERNS)

    assert [f"docs/{each}" for each in shown] == [p for p in PAGES if p.endswith(".svg")]


# docs/model.md


def test_the_page_of_the_model_has_the_numbers_of_the_command() -> None:
    told = PAGES["docs/model.md"]
    whole = MODEL.whole

    for number in (whole.wishes, whole.valid, whole.resolutions, whole.chosen):
        assert f" {number:,} |" in told
    assert f"2^{whole.patterns} − 1" in told  # noqa: RUF001 - a minus


# docs/matrix.html


class Matrix(HTMLParser):
    """The cells of the table, row by row, and whatever the page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[dict[str, str]]] = []
        self.fetched: list[str] = []
        self.heads: list[tuple[str, str]] = []
        self._text: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {key: value or "" for key, value in attrs}
        self.fetched += [told["src"]] if "src" in told else []
        self.fetched += [told["href"]] if "href" in told else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._text = {**told, "tag": tag, "text": ""}
            self.rows[-1].append(self._text)

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text["text"] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._text = None


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    parser = Matrix()
    parser.feed(PAGES["docs/matrix.html"])
    return parser


def test_the_matrix_has_each_pattern_against_each(matrix: Matrix) -> None:
    titles = [CATALOG.entries[id].title for id in CATALOG.patterns]
    heads = [cell for cell in matrix.rows[1] if cell["text"]]
    rows = matrix.rows[2:]

    assert [cell["text"] for cell in heads] == titles
    assert [row[-49]["text"] for row in rows] == titles
    assert all([cell["tag"] for cell in row[-48:]] == ["td"] * 48 for row in rows)
    assert [cell["text"] for cell in matrix.rows[0] if cell["text"]] == [*CATALOG.families.values()]
    for head, row, id in zip(heads, rows, CATALOG.patterns, strict=True):
        ready = CATALOG.entries[id].status == "ready"
        assert ("ready" in head["class"], "ready" in row[-49]["class"]) == (ready, ready)


def test_each_square_of_the_matrix_tells_its_pair(matrix: Matrix) -> None:
    squares = [row[-48:] for row in matrix.rows[2:]]
    place = {id: number for number, id in enumerate(CATALOG.patterns)}
    for pair in MODEL.pairs:
        one, other = place[pair.one], place[pair.other]
        told = " ".join(filter(None, (pair_why(CATALOG, pair), pair_advice(CATALOG, pair))))
        for row, column in ((one, other), (other, one)):
            square = squares[row][column]
            assert square.get("data-told", "") == told
            look, mark = "suits" if told else "valid", "+" if told else ""
            if pair.verdict == "refused":
                look, mark = "refused", "\N{MULTIPLICATION SIGN}"
            elif pair.verdict == "bought_in":
                look = "default" if pair.by_default else "brings"
                mark = "↑" if place[str(pair.brought)] == column else "←"
            assert (square["class"].split()[0], square["text"]) == (look, mark)
    for row in range(48):
        assert squares[row][row]["class"].split()[0] == "self"
        assert squares[row][row]["data-told"].startswith("Alone it brings in ")


def test_the_matrix_needs_no_other_file(matrix: Matrix) -> None:
    assert matrix.fetched == ["patterns.md"]
    assert not re.search(r"@import|url\(|https?://", PAGES["docs/matrix.html"])


# docs/pictures


class Rect(NamedTuple):
    x: float
    y: float
    width: float
    height: float

    def over(self, other: "Rect", by: float = 0) -> bool:
        return (
            self.x + by < other.x + other.width
            and other.x + by < self.x + self.width
            and self.y + by < other.y + other.height
            and other.y + by < self.y + self.height
        )


PICTURES = [
    ("whole", pictures.whole_layout(CATALOG), PAGES["docs/pictures/whole.svg"]),
    *(
        (id, pictures.family_layout(CATALOG, id), PAGES[f"docs/pictures/{id}.svg"])
        for id in CATALOG.families
    ),
]
every_picture = pytest.mark.parametrize(
    ("name", "wiring", "text"), PICTURES, ids=[name for name, *_ in PICTURES]
)


@every_picture
def test_a_picture_shows_all_relations_and_no_others(name: str, wiring: Wiring, text: str) -> None:
    shown = {(net.kind.id, source, net.target) for net in wiring.nets for source in net.sources}
    own = {id for id, e in CATALOG.entries.items() if name in ("whole", e.family) and not e.always}
    expected = set()
    for id in own:
        entry = CATALOG.entries[id]
        expected |= {("needs", id, need) for need in entry.needs}
        expected |= {("asks", id, f"slot {slot}") for slot in entry.slots}
        expected |= {("does", id, f"slot {slot}") for slot, _ in CATALOG.filled_by[id]}
        for rival in CATALOG.rivals[id]:
            pair = (id, rival) if rival in entry.excludes else (rival, id)
            expected.add(("excludes", *pair))
        if name != "whole":
            expected |= {("suits", id, suit) for suit in entry.suits}

    assert shown == expected


@every_picture
def test_every_line_of_a_picture_is_unbroken(name: str, wiring: Wiring, text: str) -> None:
    for net in wiring.nets:
        trunks = [t for channel in wiring.channels for t in channel if t.net is net]
        reached = {id(end.item) for t in trunks for end in t.ends if end.role == "target"}
        while True:
            more = {id(e.item) for t in trunks for e in t.ends} & reached
            onward = {
                id(e.item)
                for t in trunks
                if any(id(end.item) in more for end in t.ends)
                for e in t.ends
            }
            if onward <= reached:
                break
            reached |= onward
        boxes = {i.box.id: i for items in wiring.items for i in items if i.box}
        assert {id(boxes[source]) for source in net.sources} <= reached


@every_picture
def test_no_two_lines_of_a_picture_run_over_each_other(
    name: str, wiring: Wiring, text: str
) -> None:
    for trunks in wiring.channels:
        assert len({trunk.lane for trunk in trunks}) == len(trunks)
        level: dict[tuple[int, int, str], tuple[int, int, int]] = {}
        for trunk in trunks:
            for end in trunk.ends:
                own = trunk.net.kind.id if end.role == "source" else f"to {id(trunk)}"
                reach = (-1, trunk.lane) if end.side < 0 else (trunk.lane, len(trunks))
                key = (id(end.item), end.side, own)
                _, left, right = level.get(key, (end.y, *reach))
                level[key] = (end.y, min(left, reach[0]), max(right, reach[1]))
        for one, other in combinations(level.values(), 2):
            beside = one[2] < other[1] or other[2] < one[1]
            assert beside or abs(one[0] - other[0]) >= 2, (one, other)


def box_rects(svg: ElementTree.Element) -> list[Rect]:
    return [
        Rect(*(float(rect.attrib[key]) for key in ("x", "y", "width", "height")))
        for rect in svg.iter(f"{SVG}rect")
        if rect.attrib["class"].startswith("box ")
    ]


@every_picture
def test_boxes_and_their_texts_have_room(name: str, wiring: Wiring, text: str) -> None:
    svg = ElementTree.fromstring(text)  # noqa: S314 - made here
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    boxes = box_rects(svg)

    for one, other in combinations(boxes, 2):
        assert not one.over(other)
    for label in svg.iter(f"{SVG}text"):
        x, y, look = float(label.attrib["x"]), float(label.attrib["y"]), label.attrib["class"]
        size = {"title": 20.0, "note": 10.5}.get(look, 12.5)
        rect = Rect(x, y - size * 0.8, text_width(label.text or "", size), size)
        assert rect.x + rect.width <= width and rect.y + size <= height, label.text
        around = [box for box in boxes if box.over(rect, by=1)]
        if look.startswith(("name", "note")):
            (box,) = around
            assert rect.x + rect.width <= box.x + box.width, label.text
        else:
            assert not around, label.text


@every_picture
def test_no_line_runs_through_a_box(name: str, wiring: Wiring, text: str) -> None:
    svg = ElementTree.fromstring(text)  # noqa: S314 - made here
    boxes = box_rects(svg)
    for path in svg.iter(f"{SVG}path"):
        level = re.fullmatch(r"M([\d.]+) (\d+)([HhV])([\d.]+)", path.attrib["d"])
        if not level:
            continue
        x, y, to = float(level[1]), float(level[2]), float(level[4])
        x2, y2 = {"H": (to, y), "h": (x + to, y), "V": (x, to)}[level[3]]
        line = Rect(min(x, x2), min(y, y2), abs(x2 - x), abs(y2 - y))
        assert not any(line.over(box, by=0.5) for box in boxes), path.attrib["d"]


def test_a_picture_is_drawn_like_this() -> None:
    """Small enough to check by eye: a trunk that two share, and a job in between to get around."""
    needs, asks = Kind("needs", "needs", "arrow"), Kind("asks", "asks", "arrow", dash="7 3")
    columns = [
        Column("Left", (Box("a", "A", "ready"), Box("b", "B", "planned")), fixed=True),
        Column("Middle", (Box("m", "M", "slot"),)),
        Column("Right", (Box("z", "Z", "ready"),)),
    ]
    wiring = Wiring(columns, [Net(needs, "z", ("a", "b")), Net(asks, "m", ("b",))])

    assert [[t.net.target for t in channel] for channel in wiring.channels] == [
        [],
        ["z", "m"],
        ["z"],
        [],
    ]
    ways = wiring.channels[1][0]
    assert [(end.role, end.side) for end in ways.ends] == [
        ("source", -1),
        ("source", -1),
        ("wire", 1),
    ]
    drawn = wiring_svg.svg(wiring, "A < B", "Two lines", [("ready", "is there")])
    assert drawn.count("<circle") == 1
    assert 'stroke-dasharray="7 3"' in drawn
    assert "A &lt; B" in drawn


def test_a_language_of_two_patterns_makes_pages_too() -> None:
    """Nothing here knows how many patterns, families or slots there are, and text is escaped."""
    more = {"kind": "pattern", "status": "planned", "family": "odd", "source": "A book"}
    catalog = build_catalog(
        {
            "families": {"odd": "Odd & <even>", "empty": "Empty"},
            "entries": {
                "alpha": {**more, "title": "Al|pha", "summary": "One <b> of *two*."},
                "beta": {
                    **more,
                    "title": "Be & ta",
                    "summary": "The other.",
                    "suits": {"alpha": "a|b"},
                },
            },
        }
    )

    made = pages(catalog)

    assert sorted(made) == [
        "docs/matrix.html",
        "docs/model.md",
        "docs/patterns.md",
        "docs/pictures/odd.svg",
        "docs/pictures/whole.svg",
    ]
    assert "One \\<b> of \\*two\\*." in made["docs/patterns.md"]
    assert "| suited by | [Al\\|pha](#pattern-alpha) | a\\|b |" in made["docs/patterns.md"]
    assert "<b>" not in made["docs/matrix.html"].split("<table")[1]
    for path in made:
        if path.endswith(".svg"):
            assert "Be &amp; ta" in "".join(made[path].splitlines())


def test_the_readme_quotes_the_numbers_of_the_model() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert f"Of the {MODEL.whole.wishes:,} wishes" in readme
    assert f"{MODEL.whole.valid:,} are valid" in readme
