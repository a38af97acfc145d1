"""Take a file that gathers apart into what each member brings, and put it together again.

A fragment is what one member alone changes in the frame, the text without any: lines it inserts
and where, lines it writes anew. Where several meet at one place they follow each other. What stands
there once for all, a heading or a closing bracket, shows when one member brings all it has twice:
that repeats the rest and not this.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import Any

from hypothesis import strategies as st

from cdp_scaffold.answers import asked_slots
from cdp_scaffold.bdd import FALSE
from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.render import Answers, Source, Template
from cdp_scaffold.resolver import Resolution
from cdp_scaffold.variants import variants

PLAIN = Answers()
Place = tuple[int, int]
"""Lines of the frame, from and up to; both are equal where something is inserted."""


@dataclass(frozen=True, slots=True)
class Lines:
    """What one member brings to one place."""

    head: tuple[str, ...]
    """Stands there once for all members."""
    own: tuple[str, ...]
    tail: tuple[str, ...]
    """Stands there once for all members, after them."""
    once: bool
    """A line that another member brought already is not repeated."""


Fragment = Mapping[Place, Lines]


class OverlapError(AssertionError):
    """Two members change the same lines of the frame."""


def gathering(template: Template, model: FeatureModel) -> list[Source]:
    """Every file that gathers, found by what it reads."""
    return [s for s in template.sources if variants(template, s, model).gathers]


def wishes(model: FeatureModel) -> st.SearchStrategy[Resolution]:
    """Valid wishes: as many of some random members and options as go together."""
    catalog = model.catalog
    things: list[str | tuple[str, str]] = list(model.ready)
    things += [(slot, option) for slot in catalog.slots for option in catalog.slots[slot].options]

    def valid(drawn: Iterable[str | tuple[str, str]]) -> Resolution:
        found = model.valid
        for thing in drawn:
            wanted = model.having(thing) if isinstance(thing, str) else model.taking(*thing)
            narrowed = model.both(found, wanted)
            found = found if narrowed == FALSE else narrowed
        answer = model.smallest(found)
        assert answer is not None
        return answer

    return st.lists(st.sampled_from(things), unique=True, max_size=12).map(valid)


class _Shown(list[Any]):
    """A list of which the template's own loops see a part; macros and `in` see all of it."""

    def __init__(self, all: Iterable[Any], shown: Iterable[Any]) -> None:
        super().__init__(all)
        self._shown = list(shown)

    def __iter__(self) -> Iterator[Any]:
        frame = sys._getframe(1)
        while not (file := frame.f_code.co_filename).endswith(".jinja"):
            assert frame.f_back is not None
            frame = frame.f_back
        return iter(self._shown) if "blueprints/" in file else super().__iter__()


class _ShownItems(dict[str, Any]):
    """The same for a mapping."""

    def __init__(self, all: Mapping[str, Any], shown: Iterable[str]) -> None:
        super().__init__(all)
        self._items = _Shown(all.items(), [(key, all[key]) for key in shown])

    def items(self) -> Any:
        return self._items


def view(
    template: Template,
    source: Source,
    answer: Resolution,
    *,
    plugs: Sequence[str] = (),
    members: Sequence[str] | None = None,
    slots: Sequence[str] | None = None,
    answers: Answers = PLAIN,
) -> list[str]:
    """The lines of a file when these members contribute, and its loops see these of the answer.

    `None` lets them see all.
    """
    context = template.context(answer, answers)
    seen = answer.members if members is None else members
    jobs = sorted(answer.slots) if slots is None else slots
    resolution = context["resolution"]
    wish = [id for id in seen if id in answer.wish]
    asked = asked_slots(template.questions, answer)
    recorded = {k: v for k, v in context["_copier_answers"].items() if k not in asked or k in jobs}
    context.update(
        plugs=template.plugs(plugs),
        patterns=_Shown(answer.wish, wish),
        _copier_answers={**recorded, "patterns": wish},
        resolution={
            **resolution,
            "members": _Shown(answer.members, seen),
            "slots": _ShownItems(resolution["slots"], jobs),
        },
    )
    return template.render(source, context).decode().splitlines()


def fragment(frame: Sequence[str], text: Sequence[str], twice: Sequence[str]) -> Fragment:
    """What a member changes in the frame.

    Args:
        text: The frame with what it brings.
        twice: The same where it brings everything twice.
    """
    doubled = _changes(frame, twice)
    return {
        place: _lines(lines, doubled.get(place, lines))
        for place, lines in _changes(frame, text).items()
    }


def _changes(frame: Sequence[str], text: Sequence[str]) -> dict[Place, tuple[str, ...]]:
    found: dict[Place, tuple[str, ...]] = {}
    matcher = SequenceMatcher(None, frame, text, autojunk=False)
    for kind, start, end, begin, stop in matcher.get_opcodes():
        lines = tuple(text[begin:stop])
        if kind == "equal":
            continue
        # The same insertion can be told in several ways; the uppermost one is as good as any.
        while start == end and start and lines and frame[start - 1] == lines[-1]:
            lines = (lines[-1], *lines[:-1])
            start = end = start - 1
        found[start, end] = lines
    return found


def _lines(lines: tuple[str, ...], twice: tuple[str, ...]) -> Lines:
    """Which of the lines are shared: those that are not repeated when all else is."""
    if twice == lines:
        return Lines((), lines, (), once=True)
    shared = 2 * len(lines) - len(twice)
    for head in range(shared + 1):
        end = len(lines) - (shared - head)
        own = lines[head:end]
        if twice == (*lines[:head], *own, *own, *lines[end:]):
            return Lines(lines[:head], own, lines[end:], once=False)
    return Lines((), lines, (), once=False)  # a block of its own


def merged(frame: Sequence[str], fragments: Sequence[Fragment]) -> list[str]:
    """The frame with all fragments in place, in the order given."""
    places: dict[Place, list[Lines]] = {}
    for each in fragments:
        for place, lines in each.items():
            places.setdefault(place, []).append(lines)
    text: list[str] = []
    at = 0
    for start, end in sorted(places):
        if start < at:
            raise OverlapError(f"two members change line {start + 1}: {frame[start]!r}")
        text += frame[at:start]
        text += _joined(places[start, end])
        at = end
    return [*text, *frame[at:]]


def _joined(parts: Sequence[Lines]) -> list[str]:
    if len({(part.head, part.tail) for part in parts}) > 1:
        raise OverlapError(f"two members write different headings: {[p.head for p in parts]}")
    own = [line for part in parts for line in part.own]
    if all(part.once for part in parts):
        own = list(dict.fromkeys(own))
    return [*parts[0].head, *own, *parts[0].tail]


def fragments(
    template: Template, model: FeatureModel, source: Source, answers: Answers
) -> dict[str, str]:
    """The frame of a file that gathers, and how it differs with each member or job alone.

    Each in the smallest wish that has it. A difference has no line numbers, so that a change of
    the frame shows in the frame alone.
    """
    owned = model.having(source.member)
    texts: dict[str, str] = {}

    def tell(name: str, wishes: int, member: Sequence[str], slot: Sequence[str]) -> None:
        answer = model.smallest(model.both(owned, wishes))
        if answer is None:
            return
        frame = view(template, source, answer, members=(), slots=(), answers=answers)
        texts.setdefault("frame", "\n".join(frame) + "\n")
        text = view(
            *(template, source, answer), plugs=member, members=member, slots=slot, answers=answers
        )
        if difference := _difference(frame, text):
            texts[name] = difference

    for member in model.ready:
        tell(member, model.having(member), [member], [])
    for slot in model.catalog.slots.values():
        for option in slot.options:
            tell(f"{slot.id}={option}", model.taking(slot.id, option), [], [slot.id])
    return texts


def _difference(frame: Sequence[str], text: Sequence[str]) -> str:
    lines = list(unified_diff(frame, text, n=1, lineterm=""))[2:]
    return "".join(("@@" if line.startswith("@@") else line) + "\n" for line in lines)
