"""A file that gathers is its fragments, put together in catalogue order, for any valid wish."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.render import Source, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.conftest import ROOT, write_template
from tests.gathered import OverlapError, fragment, gathering, merged, view, wishes

TEMPLATE = Template(ROOT)
MODEL = FeatureModel(TEMPLATE.catalog, TEMPLATE.questions.all)
GATHERING = {source.path: source for source in gathering(TEMPLATE, MODEL)}
EXAMPLES = 12
quickly = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],  # what is drawn is a smallest wish already
)

SENTENCES = {"README.md": "An AWS system built from ", "docs/architecture.md": "Built from "}
"""Lines that name all patterns of the wish, so that no part of them is a line of its own."""


def check_contributions(template: Template, source: Source, answer: Resolution) -> int:
    """The whole is the frame with what each member alone adds to it; gives how many do."""
    assert answer.members == tuple(template.catalog.ordered(answer.members))

    def seen(*members: str) -> list[str]:
        return view(template, source, answer, plugs=members)

    frame = seen()
    fragments = [fragment(frame, seen(id), seen(id, id)) for id in answer.members]
    whole = template.render(source, template.context(answer)).decode().splitlines()

    assert merged(frame, fragments) == whole

    return sum(bool(each) for each in fragments)


def check_frame(template: Template, source: Source, answer: Resolution) -> int:
    """The frame is a skeleton with the lines of each member, and then of each job, in it."""
    sentence = SENTENCES.get(source.path)

    def seen(members: Sequence[str] = (), slots: Sequence[str] = ()) -> list[str]:
        lines = view(template, source, answer, members=members, slots=slots)
        return [line for line in lines if sentence is None or not line.startswith(sentence)]

    bare, slots = seen(), sorted(answer.slots)
    frame = seen(answer.members)
    fragments = [fragment(bare, seen([id]), seen([id, id])) for id in answer.members]
    assert merged(bare, fragments) == frame

    jobs = [
        fragment(frame, seen(answer.members, [slot]), seen(answer.members, [slot, slot]))
        for slot in slots
    ]
    assert merged(frame, jobs) == seen(answer.members, slots)

    fragments += jobs
    return sum(bool(each) for each in fragments)


def titles(answer: Resolution) -> list[str]:
    return [TEMPLATE.catalog.entries[id].title for id in TEMPLATE.catalog.ordered(answer.wish)]


# Where a member's part depends on others, because an arrow takes two boxes and boxes share the
# room, another exact property stands for the fragments.


def contributed(answer: Resolution, socket: str) -> list[dict[str, Any]]:
    return TEMPLATE.plugs(answer.members).get(socket, [])


def arrows(answer: Resolution) -> list[dict[str, str]]:
    known = {plug["value"]["id"] for plug in contributed(answer, "picture.nodes")}
    edges = [plug["value"] for plug in contributed(answer, "picture.edges")]
    without = [plug["value"] for plug in contributed(answer, "picture.without")]
    return [
        each
        for each in edges
        if {each["from"], each["to"]} <= known
        and {"from": each["from"], "to": each["to"]} not in without
    ]


def check_mermaid(text: str, answer: Resolution) -> None:
    """Each box stands in its tier, in order, each arrow between two boxes, and nothing else."""
    nodes = contributed(answer, "picture.nodes")
    entries = TEMPLATE.catalog.entries
    [drawing] = re.findall(r"```mermaid\nflowchart LR\n(.*?)```", text, re.DOTALL)
    tiers = re.findall(r'  subgraph (\w+)_tier \["[^"\n]+"\]\n(.*?)  end\n', drawing, re.DOTALL)
    expected: dict[str, str] = {}
    for each in (plug["value"] for plug in nodes):
        note = f"<br/>{each['note']}" if "note" in each else ""
        line = f'    {each["id"]}["{each["label"]}{note}"]\n'
        expected[each["tier"]] = expected.get(each["tier"], "") + line
    assert dict(tiers) == expected and len(tiers) == len(expected)
    drawn = re.sub(r"  subgraph .*?  end\n", "", drawing, flags=re.DOTALL)
    labels = [f'|"{each["label"]}"|' if "label" in each else "" for each in arrows(answer)]
    assert drawn == "".join(
        f"  {each['from']} -->{label} {each['to']}\n"
        for each, label in zip(arrows(answer), labels, strict=True)
    )
    rows = [
        f"| {p['value']['label']} | {entries[p['by']].title} | {entries[p['by']].summary} |"
        for p in nodes
    ]
    head = ("| Box | Brought in by | What that is for |", "| --- | --- | --- |")
    after = text.partition(drawing)[2]
    assert after == "```\n\n" + "".join(f"{row}\n" for row in (*head, *rows))
    assert f"\nBuilt from {', '.join(titles(answer))}.\n" in text


def check_picture(text: str, answer: Resolution) -> None:
    """Each box is drawn once and in order, over no other, and each arrow once."""
    picture = ElementTree.fromstring(text)  # noqa: S314 - drawn by ourselves
    svg = "{http://www.w3.org/2000/svg}"
    groups = picture.findall(f"{svg}g")
    nodes = [plug["value"] for plug in contributed(answer, "picture.nodes")]
    told = [" ".join(t.text or "" for t in g.iter(f"{svg}tspan")) for g in groups]
    assert told == [f"{n['label']} {n.get('note', '')}".strip() for n in nodes]
    assert [len(g.findall(f"{svg}rect")) for g in groups] == [
        4 if node.get("stack") else 2 for node in nodes
    ]
    rects = [g.findall(f"{svg}rect")[-2] for g in groups]
    boxes = [{k: float(r.attrib[k]) for k in ("x", "y", "width", "height")} for r in rects]
    for one, other in combinations(boxes, 2):
        assert (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        ), (one, other)
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    assert all(box["x"] + box["width"] <= width for box in boxes) and height > 0
    lines = [path for path in picture.findall(f"{svg}path") if "marker-end" in path.attrib]
    assert len(lines) == len(arrows(answer))
    labels = [t.text for t in picture.findall(f"{svg}text") if "paint-order" in t.attrib]
    assert sorted(map(str, labels)) == sorted(a["label"] for a in arrows(answer) if "label" in a)
    assert " · ".join(titles(answer)) in [t.text for t in picture.findall(f"{svg}text")]


OTHERWISE: Mapping[str, Callable[[str, Resolution], None]] = {
    "docs/architecture.md": check_mermaid,
    "docs/architecture.svg": check_picture,
}


def test_a_box_or_an_arrow_that_is_lost_or_doubled_is_noticed() -> None:
    answer = resolve(TEMPLATE.catalog, ["multi_server"])
    assert isinstance(answer, Resolution)
    marks = {
        "docs/architecture.md": r"    \w+\[.*\n|  \w+ -->.*\n|\| .* \|\n",
        "docs/architecture.svg": r"(?s)  <g>.*?</g>\n|  <path [^>]*marker-end[^>]*/>\n",
    }
    for path, mark in marks.items():
        text = TEMPLATE.render(GATHERING[path], TEMPLATE.context(answer)).decode()
        OTHERWISE[path](text, answer)
        for each in re.finditer(mark, text):
            for wrong in ("", each[0] * 2):
                with pytest.raises(AssertionError):
                    OTHERWISE[path](text[: each.start()] + wrong + text[each.end() :], answer)


@pytest.mark.parametrize("path", GATHERING)
def test_the_whole_is_its_fragments(
    path: str, record_property: Callable[[str, object], None]
) -> None:
    source = GATHERING[path]
    found = {"wishes": 0, "fragments": 0}

    @quickly
    @given(wishes(MODEL))
    def check(answer: Resolution) -> None:
        if source.member not in answer.members:
            return
        found["wishes"] += 1
        if path in OTHERWISE:
            OTHERWISE[path](TEMPLATE.render(source, TEMPLATE.context(answer)).decode(), answer)
        else:
            found["fragments"] += check_contributions(TEMPLATE, source, answer)
            found["fragments"] += check_frame(TEMPLATE, source, answer)

    check()

    assert path in OTHERWISE or found["fragments"]
    record_property("proof: gathering files", 1)
    record_property("proof: fragments put together", found["fragments"])


@pytest.mark.parametrize("path", GATHERING)
def test_the_whole_of_a_largest_wish_is_its_fragments(path: str) -> None:
    """With as many members as there can be, every two that meet somewhere do."""
    source = GATHERING[path]
    wish = MODEL.valid
    for member in MODEL.ready:
        more = MODEL.both(wish, MODEL.having(member))
        wish = more or wish
    answer = MODEL.smallest(wish)
    assert answer is not None and source.member in answer.members
    if path in OTHERWISE:
        OTHERWISE[path](TEMPLATE.render(source, TEMPLATE.context(answer)).decode(), answer)
    else:
        check_contributions(TEMPLATE, source, answer)
        check_frame(TEMPLATE, source, answer)


@quickly
@given(wishes(MODEL))
def test_the_sentences_name_all_patterns_of_the_wish_in_order(answer: Resolution) -> None:
    for path, sentence in SENTENCES.items():
        text = TEMPLATE.render(GATHERING[path], TEMPLATE.context(answer)).decode()
        [line] = [line for line in text.splitlines() if line.startswith(sentence)]
        names = ", ".join(titles(answer))
        count = len(answer.wish)
        of = "the cloud design pattern " if count == 1 else f"{count} cloud design patterns: "
        assert line == sentence + (of if path == "README.md" else "") + names + "."


# What the property notices, on files of a made-up template.


def loop(inside: str, filters: str = "") -> str:
    return f"{{% for plug in plugs.get('cups', []){filters} %}}{inside}{{% endfor %}}"


TELLS = "{{ plug.value }}\n"
HEADING = "{% if loop.first %}\n## Which\n\n{% endif %}- "
GOOD: Mapping[str, str] = {
    "a loop": f"Cups\n{loop(TELLS)}End\n",
    "a heading where there is something below it": f"Cups\n{loop(HEADING + TELLS)}\nEnd\n",
    "a block around": loop(
        "{% if loop.first %}[\n{% endif %}" + TELLS + "{% if loop.last %}]\n{% endif %}"
    ),
    "the same once": "{% for value in plugs.get('same', []) | map(attribute='value') | unique %}"
    "{{ value }}\n{% endfor %}",
    "a line for each member": "{% for id in resolution.members %}{{ id }}\n{% endfor %}",
}
WRONG: Mapping[str, str] = {
    "another order": loop(TELLS, " | sort(attribute='value')"),
    "the first one only": loop("{% if loop.first %}" + TELLS + "{% endif %}"),
    "one that asks for another": loop("{% if loop.length < 3 %}" + TELLS + "{% endif %}"),
    "all in one line": loop("{{ plug.value }} ") + "\n",
    "a number": "{{ plugs.get('cups', []) | length }}\n",
}


def made_up(folder: Path, text: str) -> tuple[Template, Source, Resolution]:
    cups = {"stove": "zinc", "tea": "clay", "mug": "bone", "cupboard": "wood", "soup": "iron"}
    tree = {
        f"{{{{use.{id}}}}}/.cdp/contributes.yml": f"cups: [{cup}]\nsame: [handle]\n"
        for id, cup in cups.items()
    }
    head = "{% for id in resolution.members %}{% endfor %}"
    tree["{{use.table}}/cups.txt.jinja"] = head + text
    template = Template(write_template(folder / "template", tree))
    found = gathering(template, FeatureModel(template.catalog, template.questions.all))
    [source] = [source for source in found if source.path == "cups.txt"]
    answer = resolve(template.catalog, ["tea", "soup"], {"heat": "stove"})
    assert isinstance(answer, Resolution)
    return template, source, answer


@pytest.mark.parametrize("kind", GOOD)
def test_a_file_that_gathers_is_put_together_again(kind: str, tmp_path: Path) -> None:
    template, source, answer = made_up(tmp_path, GOOD[kind])

    assert check_contributions(template, source, answer) or check_frame(template, source, answer)


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_does_more_than_gather_is_noticed(kind: str, tmp_path: Path) -> None:
    template, source, answer = made_up(tmp_path, WRONG[kind])

    with pytest.raises(AssertionError):
        check_contributions(template, source, answer)


def test_two_members_that_change_one_line_are_told() -> None:
    frame = ["a", "b", "c"]
    one = fragment(frame, ["x", "c"], ["x", "c"])
    other = fragment(frame, ["a", "y"], ["a", "y"])

    with pytest.raises(OverlapError, match="two members change line 2: 'b'"):
        merged(frame, [one, other])
