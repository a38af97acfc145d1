"""A pattern is named where it lives and nowhere else, so adding one edits no other file.

It lives in its folder, its catalogue entry, its goldens, and in tests and documents of this
project. Everywhere else its id, as a whole word, is a seam that is missing:

- An id of several words (`like_this`) is nobody's English, so any mention counts, comments and
  docstrings too. They age with the pattern just as code does.
- An id that is one word may be plain English or a term of AWS (a disk has a snapshot). It counts
  where it stands as a name: in quotes of code, as an option's value, as a key or an attribute, in
  a path. Inside the blueprints, where those are often words of AWS's interfaces, it counts as a
  member that is asked for: `use.<id>`, `features.<id>`, `from app.features import <id>`, a page
  `<id>.md`.
- A folder may name what the catalogue says it needs: that is there whenever the folder is, and
  where it is not needed any more the catalogue says that as well.
- Longer names that begin with an id, such as an address or a variable of Terraform, are held to
  their owners by the proof of the composition, not here.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp_scaffold import rules
from cdp_scaffold.catalog import load_catalog

ROOT = Path(__file__).parent.parent
CATALOG = load_catalog(ROOT / "blueprints/catalog.yml")
CLOSED = rules.closures(CATALOG)
FOLDER = re.compile(r"blueprints/\{\{use\.(\w+)\}\}/")
DOCUMENTS = ("docs/", "tests/", "golden/", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")


def texts() -> Iterator[tuple[str, str]]:
    """Path and text of every file that git knows and that is no document or test."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for path in filter(None, listed.split("\0")):
        file = ROOT / path
        if not path.startswith((*DOCUMENTS, "blueprints/catalog.yml")) and file.is_file():
            yield path, file.read_text(encoding="utf-8")


TEXTS = dict(texts())


def mentions(id: str, path: str, text: str) -> list[str]:
    """The lines on which an id is named although it should not be."""
    folder = FOLDER.match(path)
    if folder and id in CLOSED[folder[1]]:
        return []
    word = re.escape(id)
    if "_" in id:
        named = rf"(?<!\w){word}(?!\w)"
    elif folder:
        named = rf"\b(?:use|features)\.{word}\b|\bfeatures import {word}\b|(?<![\w-]){word}\.md\b"
    else:
        named = (
            rf"([\"'`]){word}\1|[\w)\]]\.{word}(?![\w(])|-p {word}\b|"
            rf"(?<=[/\[,=]){word}(?=[/\],.\s]|$)|(?<![\w-]){word}\.(?:md|tf|py)\b"
        )
    return [
        f"{path}:{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(named, line)
    ]


@pytest.mark.parametrize("id", CATALOG.patterns)
def test_no_shared_file_names_a_pattern(id: str) -> None:
    """The same as `git grep` for it; a finding is mended by a socket, or by reading a list."""
    found = [line for path, text in TEXTS.items() for line in mentions(id, path, text)]

    assert found == []


def test_the_whole_template_and_program_are_looked_at() -> None:
    places = {path.split("/")[0] for path in TEXTS}

    assert {"blueprints", "benchmarks", "cdp_scaffold", "copier.yml", "macros", "tools"} <= places
    assert {"hatch_build.py", "Makefile", "pyproject.toml"} <= places
    assert {FOLDER.match(p)[1] for p in TEXTS if FOLDER.match(p)} <= set(CATALOG.entries)  # type: ignore[index]


ONE = next(id for id in CATALOG.patterns if "_" not in id)
TWO = next(id for id in CATALOG.patterns if "_" in id)


@pytest.mark.parametrize(
    ("path", "line", "counts"),
    [
        ("macros/x.jinja", f"{{# as {TWO} does #}}", True),
        ("macros/x.jinja", f"{TWO}_zones and not_{TWO}", False),
        ("tools/x.sh", f"cdp new shop -p {ONE}", True),
        ("cdp_scaffold/x.py", f'DEFAULT = "{ONE}"', True),
        ("cdp_scaffold/x.py", f"of entries.{ONE}.needs", True),
        ("copier.yml", f"default: [{ONE}, other]", True),
        ("cdp_scaffold/x.py", f"# a {ONE} of the disk", False),
        ("blueprints/{{use.core}}/x.md", f"the disk's {ONE}.", False),
        ("blueprints/{{use.core}}/x.jinja", f"{{% if use.{ONE} %}}", True),
        ("blueprints/{{use.core}}/x.py", f"from app.features import {ONE}", True),
        ("blueprints/{{use.core}}/x.md", f"[see]({ONE}.md)", True),
        (f"blueprints/{{{{use.{TWO}}}}}/x.tf", f'"{TWO}"', False),
    ],
)
def test_a_name_is_told_from_a_word(path: str, line: str, counts: bool) -> None:
    assert any(mentions(id, path, line) for id in (ONE, TWO)) == counts
