"""Every text that a valid wish can give, with the wishes that give it and what it says.

A file with few texts gives each of them. One that gathers from many members has as many texts as
there are wishes; it is taken apart into its frame, which stands without contributions, and
what each member adds to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import TemplateError

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.composition import files
from cdp_scaffold.composition.facts import Facts
from cdp_scaffold.errors import ScaffoldError
from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.render import Source, Template
from cdp_scaffold.variants import variants

CONTRIBUTES = ".cdp/contributes.yml"
_SOCKET = re.compile(r"'([a-z_]+(?:\.[a-z_]+)?)'")
"""A word in quotes within a template; a macro may be given a socket's name."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One text, or what one member adds to a text."""

    source: Source
    part: str
    """Which of the file's texts, or whose addition; empty where there is only one."""

    wishes: int
    """The valid wishes whose repository has it."""

    facts: Facts

    def at(self, line: int) -> str:
        """Where a line of it stands, and in which file of the template it was written."""
        part = f", {self.part}" if self.part else ""
        return f"{self.source.path}:{line} ({self.source.member}{part})"


class NoFrameError(ScaffoldError):
    """A file that gathers cannot be rendered where nobody, or one member alone, contributes."""

    def __init__(self, source: Source, reason: str) -> None:
        super().__init__(
            f"`{source.file.as_posix()}` gathers from many and cannot do with few: {reason}",
            hint="let it loop over `plugs.get('<socket>', [])`, which may be empty",
        )


def pieces(template: Template, model: FeatureModel) -> Iterator[Piece]:
    """All of them, file by file."""
    for source in template.sources:
        yield from of_file(template, model, source)
    sockets = _sockets(template)
    for member in template.contributions:
        file = template.folder(member) / CONTRIBUTES
        source = Source(member, file.relative_to(template.root), CONTRIBUTES)
        name = source.file.as_posix()
        text = template.environment.get_template(name).render()
        if model.having(member) != FALSE:
            yield Piece(source, "", model.having(member), files.contributions(text))
            # A contribution may find nobody who gathers it, but somebody must know of its kind.
            yield Piece(source, "", model.having(member), sockets)


def _sockets(template: Template) -> Facts:
    """The sockets that some template reads."""
    found = Facts()
    for source in template.sources:
        if source.is_template:
            text = (template.root / source.file).read_text(encoding="utf-8")
            for socket in dict.fromkeys(_SOCKET.findall(text)):
                found.provide("socket", socket, 1)
    return found


def of_file(template: Template, model: FeatureModel, source: Source) -> Iterator[Piece]:
    """The pieces of one file."""
    found = variants(template, source, model)
    if found.gathers:
        yield from _gathered(template, model, source)
        return
    for variant in found.all:
        part = "" if len(found.all) == 1 else variant.name
        yield Piece(source, part, variant.wishes, files.facts(source.path, variant.text))


def _gathered(template: Template, model: FeatureModel, source: Source) -> Iterator[Piece]:
    owned = model.having(source.member)
    frame = files.facts(source.path, _with_plugs_of(template, model, source, owned, ()))
    yield Piece(source, "", owned, frame)
    for member in template.contributions:
        wishes = model.both(owned, model.having(member))
        if wishes != FALSE:
            text = _with_plugs_of(template, model, source, wishes, (member,))
            added = files.facts(source.path, text).beyond(frame)
            yield Piece(source, f"what {member} adds", wishes, added)


def _with_plugs_of(
    template: Template, model: FeatureModel, source: Source, wishes: int, members: tuple[str, ...]
) -> str:
    answer = model.smallest(wishes)
    assert answer is not None
    context = {**template.context(answer), "plugs": template.plugs(members)}
    try:
        return template.render(source, context).decode()
    except TemplateError as error:
        raise NoFrameError(source, str(error)) from error
