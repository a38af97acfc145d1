"""What any text refers to in passing: files of the repository, outputs, commands, variables.

It does not see: paths put together from parts, paths from another folder than the repository's
own (`../x` in a script), and names that stand in running text without quotes or backticks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath

from cdp_scaffold.composition.facts import Facts, Name
from cdp_scaffold.composition.python import SETTINGS

FOLDERS = ("app", "infra", "servers", "scripts", "docs", "local", ".github")
_PATH = re.compile(
    rf"(?<![\w./<>{{}}$-])(?:\$BUNDLE/|\$\{{BUNDLE\}}/|\./)?"
    rf"((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*\w\.\w+)(?!\w|/|-\w)"
)
MADE_LATER = re.compile(
    r"\.terraform|\.tfstate|\.tfplan$|/terraform\.tfvars$|^infra/backend\.tf$|\.local/|__pycache__"
)
"""Paths that Terraform, people or a run write; no file of the repository is meant."""

_EXAMPLE = re.compile(r"\b(?:such as|for example|like) `?$|\$\(wildcard $")
"""What stands before a path that is no file, but one that could be, or is asked for."""

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_OUTPUT = re.compile(r"terraform(?: -chdir=infra)? output(?: -\w+)* ([a-z]\w*)")
_MAKE = re.compile(r"(?:`|run: |&& )make ([a-z][a-z-]*)")
_MAKE_LINE = re.compile(r"^\s*make ([a-z][a-z-]*)")
_SPAN = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\b")
_HTTP = re.compile(r"http://(?:127\.0\.0\.1|localhost)(?::[\w${}]+)?(/[\w/-]+)")
_LOCATION = re.compile(r"^\s*location = (/[\w/-]+) \{")
_TARGET = re.compile(r"^([a-z][\w-]*):(?!=)", re.MULTILINE)


def read(path: str, text: str) -> Facts:
    """What a text of any kind mentions."""
    facts = Facts()
    command = not path.endswith(".md")  # in running text a line may begin with any word
    for number, line in enumerate(text.splitlines(), 1):
        command ^= path.endswith(".md") and line.lstrip().startswith("```")
        for match in _PATH.finditer(line):
            found = match[1]
            example = "/NN-" in found or _EXAMPLE.search(line[: match.start()])
            if not example and not MADE_LATER.search(found):
                facts.refer("path", normpath(found), number)
        for output in _OUTPUT.findall(line):
            facts.refer("Terraform address", f"output.{output}", number)
        if path.endswith((".sh", "/run")):
            for route in _HTTP.findall(line):
                facts.refer("route", f"GET {route}", number)
        for target in (*_MAKE.findall(line), *(_MAKE_LINE.findall(line) if command else ())):
            facts.refer("make target", target, number)
    return facts


def markdown(path: str, text: str) -> Facts:
    """Links to other files, and names in backticks that somewhere are defined."""
    facts = Facts()
    folder = PurePosixPath(path).parent
    for number, line in enumerate(text.splitlines(), 1):
        for link in _LINK.findall(line):
            if not re.match(r"[a-z]+:|#", link):
                where = normpath((folder / link.partition("#")[0]).as_posix())
                facts.refer("path", where, number)
        for word in _SPAN.findall(line):
            kinds = (f"var.{word}", f"output.{word}", f"local.{word}")
            names = [Name("Terraform address", each) for each in kinds]
            names += [Name(SETTINGS, word), Name("parameter of the application", word)]
            facts.refer_to_any(names, number, hearsay=True)
    return facts


def nginx(_: str, text: str) -> Facts:
    """The routes that a server of nginx answers under exactly that path."""
    facts = Facts()
    for number, line in enumerate(text.splitlines(), 1):
        for route in _LOCATION.findall(line):
            facts.define("route", f"GET {route}", number)
    return facts


def makefile(_: str, text: str) -> Facts:
    """The targets of a Makefile."""
    facts = Facts()
    targets = dict.fromkeys(_TARGET.findall(text))  # twice where a condition decides
    for target in targets:
        facts.define("make target", target, _line(text, f"{target}:"))
    return facts


def _line(text: str, start: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(start):
            return number
    return 1


def folders(path: str) -> Iterator[str]:
    """Every folder a path lies in."""
    for parent in PurePosixPath(path).parents:
        if parent.as_posix() != ".":
            yield parent.as_posix()
