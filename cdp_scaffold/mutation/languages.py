"""What a line of a blueprint is written in, and whether anything depends on it."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

HCL = "hcl"
PYTHON = "python"
SHELL = "shell"
YAML = "yaml"
PROSE = "prose"
OTHER = "other"

_BY_SUFFIX = {
    ".tf": HCL,
    ".hcl": HCL,
    ".tfvars": HCL,
    ".example": HCL,
    ".py": PYTHON,
    ".sh": SHELL,
    ".yml": YAML,
    ".yaml": YAML,
    ".md": PROSE,
    ".jinja": OTHER,
}
_JINJA = re.compile(r"\{%-?.*?-?%\}|\{\{.*?\}\}")
_JINJA_COMMENT = re.compile(r"\s*\{#-?.*?-?#\}\s*")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_PROSE_KEYS = re.compile(
    r"\s*(description|error_message|alarm_description|why|title|summary)\s*[=:]"
)


def language(path: str, text: str) -> str:
    """The language of a file; a template is in that of what it renders."""
    name = PurePosixPath(path.removesuffix(".jinja") if not path.startswith("macros/") else path)
    if text.startswith("#!") and "sh" in text.splitlines()[0]:
        return SHELL
    return _BY_SUFFIX.get(name.suffix, OTHER)


def lines_that_matter(path: str, text: str) -> list[int]:
    """The numbers of the lines, from 0, that are no comment, no docstring, no prose and not blank.

    Of prose (Markdown) the lines with template code matter: they decide what is told to whom.
    """
    kind, lines = language(path, text), text.splitlines()
    skipped = _docstrings(text) if kind == PYTHON else set()
    inside = False
    found = []
    for number, line in enumerate(lines):
        bare = line.strip()
        inside = inside or bare.startswith("{#")
        comment = inside
        inside = inside and "#}" not in bare
        if comment and not _JINJA.search(bare.rpartition("#}")[2]):
            continue
        if not bare or number in skipped or _JINJA_COMMENT.fullmatch(line):
            continue
        if kind == PROSE and not _JINJA.search(line):
            continue
        if kind != PROSE and bare.startswith(("#", "<!--")) and not bare.startswith("#!"):
            continue
        found.append(number)
    return found


def _docstrings(text: str) -> set[int]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        # A template of Python; its docstrings are few, and count as code.
        return set()
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.update(range(node.lineno - 1, node.end_lineno or node.lineno))
    return found


def is_prose(line: str) -> bool:
    """Whether the line is a text for people, such as a description."""
    return _PROSE_KEYS.match(line) is not None


def code_spans(line: str, kind: str) -> list[tuple[int, int]]:
    """The parts of a line in which operators and numbers are code: not within quotes."""
    if kind in (PROSE, OTHER):
        return [found.span() for found in _JINJA.finditer(line)]
    spans, last = [], 0
    for quoted in _QUOTED.finditer(line):
        spans.append((last, quoted.start()))
        last = quoted.end()
    comment = re.search(r"(?<=\s)#\s", line[last:])
    spans.append((last, last + comment.start() if comment else len(line)))
    return spans
