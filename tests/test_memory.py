"""A text that is remembered is the text that would be rendered."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from cdp_scaffold import memory
from cdp_scaffold.memory import EVERYTHING, Memory
from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.covering import choices

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
ARRAY = choices(ROOT).array
ANSWERS = (
    Answers(),
    Answers("kitchen"),
    Answers(region="eu-west-1"),
    Answers(commit="v1", source="x"),
    Answers(others={"tea": 1}),
)


def resolution(number: int) -> Resolution:
    case = ARRAY[number]
    answer = resolve(TEMPLATE.catalog, case.wish, dict(case.choices))
    assert isinstance(answer, Resolution)
    return answer


def test_any_wish_after_any_other_gives_what_it_gives_alone() -> None:
    """Twice each, with every kind of answer between."""
    remembering, fresh = Template(ROOT), Template(ROOT)
    for number in (*range(len(ARRAY)), *range(len(ARRAY))):
        wanted = resolution(number)
        answers = ANSWERS[number % len(ANSWERS)]
        context = fresh.context(wanted, answers)
        alone = {
            source.path: fresh.render(source, context)
            for source in fresh.sources
            if source.member in wanted.members
        }
        assert remembering.tree(wanted, answers) == alone


def test_a_wish_that_was_met_before_is_not_rendered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    template = Template(ROOT)
    first = template.tree(resolution(0))
    template.tree(resolution(0))
    monkeypatch.setattr(Template, "render", None)

    assert template.tree(resolution(0)) == first


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("plain", set()),
        ("{{ project }}", {"project"}),
        (
            "{{ plugs.a }}{{ plugs['b.c'] }}{{ plugs.get('d', []) }}",
            {"plugs.a", "plugs.b.c", "plugs.d"},
        ),
        ("{{ plugs[project] }}", {"plugs", "project"}),
        ("{{ plugs.items() | list }}", {"plugs", "plugs.items"}),
        ("{{ plugs.keys }}", {"plugs"}),
        ("{{ plugs }}{{ plugs.a }}", {"plugs", "plugs.a"}),
        ("{% set mine = resolution %}{{ mine.members }}", {"resolution"}),
        (
            "{% for id in resolution.members %}{{ use[id] }}{% endfor %}",
            {"resolution.members", "use"},
        ),
        ("{{ catalog.entries.tea }}", {"catalog"}),
        ("{% include 'other' %}", {"region"}),
        ("{% import 'other' as o %}{{ o.x(use.tea) }}", {"region", "use.tea"}),
        ("{% include project %}", {"project", EVERYTHING}),
        ("{% include 'self' %}", set()),
    ],
)
def test_what_a_template_may_read_is_known(text: str, reads: set[str]) -> None:
    """A part, where only that can be read; all, where it cannot be told."""
    texts = {"it": text, "other": "{{ region }}", "self": "{% include 'self' %}"}

    found = Memory(Environment(loader=DictLoader(texts))).reads("it")  # noqa: S701 - no HTML

    # More than is read does no harm.
    assert reads <= found | {"plugs.items"} and found - reads <= {"plugs.items"}


def test_what_was_remembered_too_long_ago_is_rendered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "MOST", 1000)
    store = Memory(Environment(loader=DictLoader({"it": "{{ project }}"})))  # noqa: S701
    rendered: list[int] = []

    def text(number: int) -> bytes:
        def render() -> bytes:
            rendered.append(number)
            return b"%03d" % number

        return store.get("it", {"project": number, EVERYTHING: number}, render)

    for number in (*range(400), *range(399, -1, -1)):
        assert text(number) == b"%03d" % number
    assert 400 < len(rendered) < 800
    assert sum(map(len, store._texts.values())) <= 1000
