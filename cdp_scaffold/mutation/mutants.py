"""The small ways in which the template can be broken, each with a name that lasts."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdp_scaffold.mutation.languages import (
    HCL,
    PYTHON,
    SHELL,
    YAML,
    code_spans,
    is_prose,
    language,
    lines_that_matter,
)

CATALOGUE = "blueprints/catalog.yml"
ENGINE = ("cdp_scaffold/resolver.py",)
"""What decides of a wish; the rest of the package has tests that need no template to be broken."""

DELETE = "delete a line"
KINDS = (
    DELETE,
    "drop a file",
    "flip a condition",
    "change a number",
    "change a string",
    "rename a definition",
    "duplicate a definition",
    "drop a contribution",
    "remove a need",
    "swap two slot fillers",
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of one file."""

    kind: str
    path: str
    """The file, relative to the template's root."""

    line: int
    """The first line that changes, from 1; 0 for the whole file."""

    before: str
    after: str
    nth: int
    """Which of the equal lines of the file it is, from 0."""

    text: str | None
    """The file afterwards; `None` if it is gone."""

    @property
    def fingerprint(self) -> str:
        """Its name: the same as long as the changed lines and their file keep theirs."""
        told = "\n".join(
            (self.kind, self.path, str(self.nth), self.before.strip(), self.after.strip())
        )
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        change = f"\n    - {self.before.strip()}" if self.before else ""
        change += f"\n    + {self.after.strip()}" if self.after else ""
        return f"{self.fingerprint} {self.kind} · {place}{change}"


Change = tuple[str, int, int, Sequence[str]]
"""Kind, the first line, the first line after, and what stands there instead."""


def mutants(root: Path) -> Iterator[Mutant]:
    """All of them, in the order of files and lines."""
    for path in sorted(_files(root)):
        text = (root / path).read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        seen: Counter[tuple[str, str, str]] = Counter()
        if path.startswith("blueprints/{{"):
            yield Mutant("drop a file", path, 0, "", "", 0, None)
        for kind, start, end, instead in _changes(path, text, lines):
            before, after = "".join(lines[start:end]), "".join(instead)
            if before == after:
                continue
            same = (kind, before.strip(), after.strip())
            changed = "".join((*lines[:start], *instead, *lines[end:]))
            yield Mutant(kind, path, start + 1, before, after, seen[same], changed)
            seen[same] += 1


def chosen(every: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """A sample: half of it deleted lines, the other half shared by the other kinds."""
    draw = random.Random(seed)  # noqa: S311 - to be repeatable is the point
    kinds: dict[str, list[Mutant]] = {kind: [] for kind in KINDS}
    for mutant in every:
        kinds[mutant.kind].append(mutant)
    for each in kinds.values():
        draw.shuffle(each)
    found = [kinds[DELETE].pop() for _ in range(min(count // 2, len(kinds[DELETE])))]
    while len(found) < count and any(kinds.values()):
        for kind, each in kinds.items():
            if each and len(found) < count and kind != DELETE:
                found.append(each.pop())
        if not any(each for kind, each in kinds.items() if kind != DELETE):
            found += kinds[DELETE][: count - len(found)]
            break
    draw.shuffle(found)
    return found


def _files(root: Path) -> Iterator[str]:
    for folder in ("blueprints", "macros"):
        for file in (root / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and file.read_bytes():
                yield file.relative_to(root).as_posix()
    yield from ENGINE


def _changes(path: str, text: str, lines: list[str]) -> Iterator[Change]:
    kind = language(path, text)
    matter = lines_that_matter(path, text)
    for number in matter:
        line = lines[number]
        yield DELETE, number, number + 1, []
        for name, instead in _in_line(line, kind, path.endswith(".jinja")):
            yield name, number, number + 1, [instead]
    if kind == HCL:
        yield from _blocks(lines)
    if path.endswith(".cdp/contributes.yml"):
        yield from _contributions(lines)
    if path == CATALOGUE:
        yield from _catalogue(lines)


FLIPS = {
    "==": "!=",
    "!=": "==",
    "<=": "<",
    ">=": ">",
    " < ": " >= ",
    " > ": " <= ",
    "&&": "||",
    "||": "&&",
    " and ": " or ",
    " or ": " and ",
    " not in ": " in ",
    " not ": " ",
    "true": "false",
    "false": "true",
    "True": "False",
    "False": "True",
    " -z ": " -n ",
    " -n ": " -z ",
    " -eq ": " -ne ",
    " -f ": " -d ",
}
_WORDS = frozenset({" and ", " or ", " not in ", " not "})
_FLIP = re.compile("|".join(re.escape(each) for each in sorted(FLIPS, key=len, reverse=True)))
_IF = re.compile(r"(\{%-?\s*(?:el)?if\s+)(.*?)(\s*-?%\})")
_PYTHON_IF = re.compile(r"^(\s*(?:el)?if )(.*)(:\s*)$", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.\"'-])\d+(?![\w.])")
_STRING = re.compile(r"""(["'])([A-Za-z0-9_./:*-]*[A-Za-z][A-Za-z0-9_./:*-]*)\1""")
_PATH = re.compile(r'"(/?\$\{[^"\s]*\}[^"\s]*)"')
_DEFINED = re.compile(
    r'^(resource "\w+" "|data "\w+" "|variable "|output "|module ")(\w+)(")'
    r"|^(\s*(?:async )?def |class )(\w+)(\()"
    r"|^(\w+)(\(\) \{)"
)


def _in_line(line: str, kind: str, jinja: bool) -> Iterator[tuple[str, str]]:
    """Kind and line for whatever can be changed within a line."""
    if is_prose(line):
        return
    if jinja:
        for found in _IF.finditer(line):
            flipped = f"{found[1]}not ({found[2]}){found[3]}"
            yield "flip a condition", line[: found.start()] + flipped + line[found.end() :]
    if kind == PYTHON and (condition := _PYTHON_IF.match(line)):
        yield "flip a condition", f"{condition[1]}not ({condition[2]}){condition[3]}"
    for start, end in code_spans(line, kind):
        for found in _FLIP.finditer(line, start, end):
            if kind == YAML and found[0] in _WORDS:
                continue  # there they stand in texts for people
            instead = FLIPS[found[0]]
            yield "flip a condition", line[: found.start()] + instead + line[found.end() :]
        for found in _NUMBER.finditer(line, start, end):
            instead = str(int(found[0]) + 1)
            yield "change a number", line[: found.start()] + instead + line[found.end() :]
    if kind in (HCL, PYTHON, SHELL, YAML):
        for found in (*_STRING.finditer(line), *_PATH.finditer(line)):
            at = found.end() - 1
            if not _DEFINED.match(line):
                yield "change a string", f"{line[:at]}x{line[at:]}"
    if defined := _DEFINED.match(line):
        at = next(defined.end(group) for group in (2, 5, 7) if defined[group])
        yield "rename a definition", f"{line[:at]}_x{line[at:]}"


def _blocks(lines: list[str]) -> Iterator[Change]:
    """Blocks of HCL that stand at the margin, put in twice."""
    start = None
    for number, line in enumerate(lines):
        if re.match(r"^(resource|data|variable|output|locals|run)\b.*\{\s*$", line):
            start = number
        elif line.startswith("}") and start is not None:
            block = lines[start : number + 1]
            yield "duplicate a definition", number + 1, number + 1, ["\n", *block]
            start = None


def _contributions(lines: list[str]) -> Iterator[Change]:
    for start, end in _items(lines):
        yield "drop a contribution", start, end, []
        yield "duplicate a definition", end, end, lines[start:end]


def _items(lines: list[str]) -> Iterator[tuple[int, int]]:
    """The entries of lists: from the dash to the next line that is indented no deeper."""
    for start, line in enumerate(lines):
        if found := re.match(r"^(\s*)- ", line):
            end = start + 1
            while end < len(lines) and re.match(rf"^{found[1]}\s+\S", lines[end]):
                end += 1
            yield start, end


def _catalogue(lines: list[str]) -> Iterator[Change]:
    inside = ""
    fills: list[int] = []
    for number, line in enumerate(lines):
        if found := re.match(r"^  ( *)(\w+):\s*$", line):
            inside = found[2] if found[1] == "  " else inside
            if not found[1]:
                fills = []
        elif inside == "needs" and re.match(r"^      \w+: ", line):
            yield "remove a need", number, number + 1, []
        if re.match(r"^        fills: ", line):
            for other in fills:
                between = lines[other + 1 : number]
                yield "swap two slot fillers", other, number + 1, [line, *between, lines[other]]
            fills.append(number)
