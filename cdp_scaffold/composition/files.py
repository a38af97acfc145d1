"""Which extractors read which kind of file; a kind that nobody thought of is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from cdp_scaffold.composition import mentions, python, terraform
from cdp_scaffold.composition.facts import Facts
from cdp_scaffold.errors import ScaffoldError

Extractor = Callable[[str, str], Facts]

UNITS = ("service", "timer", "socket", "path", "mount", "swap", "slice", "target")
"""What systemd reads."""

EXTRACTORS: Mapping[str, tuple[Extractor, ...]] = {
    ".tf": (terraform.read,),
    ".tf.example": (terraform.read,),
    ".tftest.hcl": (terraform.read,),
    ".tfmock.hcl": (terraform.read,),
    ".tfvars": (terraform.read,),
    ".py": (python.read, python.variables),
    ".md": (mentions.markdown, python.variables),
    "Makefile": (mentions.makefile,),
    "requirements.txt": (python.requirements,),
    "requirements-dev.txt": (python.requirements,),
    ".conf": (mentions.nginx,),
    ".sh": (python.variables,),
    ".json": (python.variables,),
    **{f".{unit}": (python.variables,) for unit in UNITS},
}
"""End of a file's name → what reads it, besides `mentions.read`, which reads all."""

ONLY_MENTIONS: Mapping[str, str] = {
    ".yml": "workflows and hooks define nothing that others refer to; what they run is mentioned",
    ".yaml": "hooks, as above",
    ".toml": "settings of tools",
    ".txt": "requirements of a workflow, which no Python of the repository imports",
    ".css": "looks",
    ".svg": "drawn from the boxes and arrows that are contributed, which are read themselves",
    ".html": "pages for people",
    ".vcl": "configuration of a daemon, which a test starts with it",
    ".gitignore": "patterns of files that are made later",
    ".editorconfig": "looks",
}
"""Kinds that define nothing, each with the reason."""

STARTS_WITH = "#!"
"""A script without a suffix is known by its first line, and read as shell."""


class UnknownKindError(ScaffoldError):
    """A blueprint has a file of a kind that the composition proof knows nothing about."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"the composition proof does not know what `{path}` may define or refer to",
            hint="give its suffix an extractor, or a reason for none, in "
            "cdp_scaffold/composition/files.py",
        )


@cache
def facts(path: str, text: str) -> Facts:
    """What a file says; the same object for the same text."""
    found = Facts()
    found.define("path", path, 1)
    for folder in mentions.folders(path):
        found.provide("path", folder, 1)
    for extract in _extractors(path, text):
        found.add(extract(path, text))
    found.add(mentions.read(path, text))
    return found


def _extractors(path: str, text: str) -> tuple[Extractor, ...]:
    name = PurePosixPath(path).name
    ends = [end for end in (*EXTRACTORS, *ONLY_MENTIONS) if name.endswith(end)]
    if ends:
        return EXTRACTORS.get(max(ends, key=len), ())
    if text.startswith(STARTS_WITH):
        return (python.read,) if "python" in text.partition("\n")[0] else (python.variables,)
    raise UnknownKindError(path)


def contributions(text: str) -> Facts:
    """What a member's `.cdp/contributes.yml` says: its files, its boxes, the sockets it fills."""
    found = Facts()
    for socket, line, values in _items(yaml.compose(text, yaml.SafeLoader)):
        found.refer("socket", socket, line)
        for value in getattr(values, "value", ()):
            inside = {key: (each, at) for key, at, each in _items(value)}
            if socket == "files" and "path" in inside:
                each, at = inside["path"]
                found.refer("path", each.value, at)
            elif socket == "picture.nodes" and "id" in inside:
                each, at = inside["id"]
                found.define("box of the picture", each.value, at)
    return found


def _items(node: Any) -> Iterator[tuple[str, int, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key.value, key.start_mark.line + 1, value
