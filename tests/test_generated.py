"""Generated applications and scripts under their real tools: ruff, mypy, pytest, shellcheck.

Their Terraform has tests of its own: see test_terraform.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from python_terraform import IsFlagged, Terraform

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.covering import alone, companies, covering, representative
from cdp_scaffold.feature_model import FeatureModel, told
from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve
from cdp_scaffold.variants import variants
from tests.machine import needs_python
from tests.test_goldens import STACKS

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
MODEL = FeatureModel(TEMPLATE.catalog, TEMPLATE.questions.all)
COMPANIES = companies(MODEL)
READY = [
    e.id for e in TEMPLATE.catalog.entries.values() if e.kind == "pattern" and e.status == "ready"
]

RecordProperty = Callable[[str, Any], None]


def write(tree: dict[str, bytes], folder: Path) -> Path:
    for path, content in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def stack(name: str) -> Resolution:
    return resolved(STACKS[name]["patterns"], STACKS[name].get("choices", {}))


def resolved(patterns: list[str], choices: dict[str, str] | None = None) -> Resolution:
    answer = resolve(TEMPLATE.catalog, patterns, choices or {})
    assert isinstance(answer, Resolution)
    return answer


def terraform(folder: Path, *arguments: str) -> str:
    """Run one Terraform command in `folder`; fail the test with its whole output if it fails."""
    driver = Terraform(working_dir=str(folder))
    code, out, err = driver.cmd(*arguments, capture_output=True, no_color=IsFlagged)
    assert code == 0, f"terraform {' '.join(arguments)} in {folder}\n{out}\n{err}"
    return str(out)


@cache
def texts() -> dict[str, set[bytes]]:
    """Path → every text it can have; of what gathers, those in wishes that stand for all.

    A path may be owned by different members, each in wishes of its own.
    """
    found: dict[str, set[bytes]] = {}
    gathering = []
    for source in TEMPLATE.sources:
        every = variants(TEMPLATE, source, MODEL)
        found.setdefault(source.path, set()).update(v.text.encode() for v in every.all)
        if every.gathers:
            gathering.append(source)
    for answer in representative(MODEL):
        context = TEMPLATE.context(answer)
        for source in gathering:
            if source.member in answer.members:
                found[source.path].add(TEMPLATE.render(source, context))
    return found


@dataclass(frozen=True)
class Trial:
    """An application to check, and whose tests to run there."""

    answer: Resolution
    members: tuple[str, ...]

    @property
    def tests(self) -> list[str]:
        """Paths below `app/`."""
        return [
            source.path.removeprefix("app/")
            for source in TEMPLATE.sources
            if source.path.startswith("app/tests/test_") and source.member in self.members
        ]


@cache
def app_texts() -> dict[tuple[str, str], int]:
    """Each text of each file of the application, with its owner → the wishes that give it."""
    return {
        (source.member, f"{source.path}: {variant.name}"): variant.wishes
        for source in TEMPLATE.sources
        if source.path.startswith("app/")
        for variant in variants(TEMPLATE, source, MODEL).all
    }


def app_wishes() -> list[Resolution]:
    """The largest wishes, each pattern of the application alone, and each two features together.

    Two features can only disagree where both are there, or where one misses the other.
    """
    owners = dict.fromkeys(s.member for s in TEMPLATE.sources if s.path.startswith("app/"))
    statements = {}
    for owner in owners:
        statements[owner] = MODEL.having(owner)
        statements[f"no {owner}"] = MODEL.both(MODEL.having("app"), MODEL.lacking(owner))
    statements |= {text: wishes for (_, text), wishes in app_texts().items()}
    large = {told(COMPANIES[owner]): COMPANIES[owner] for owner in owners if owner in COMPANIES}
    wished = alone(MODEL)
    first = [*large.values(), *(wished[owner] for owner in owners if owner in wished)]
    return [*first, *covering(MODEL, statements, first)]


def trials() -> dict[str, Trial]:
    """Each of those, with the tests of the application and of whoever shows something new there.

    A pattern's own tests run where it is alone, in a largest wish, and with each text of its files.
    The application's own tests put together whatever is there, so they run everywhere.
    """
    seen: set[tuple[str, str]] = set()
    found: dict[str, Trial] = {}
    for answer in app_wishes():
        here = MODEL.agreeing(answer)
        shown = {text for text, wishes in app_texts().items() if MODEL.both(wishes, here) != FALSE}
        members = {"app", *(answer.wish if len(answer.wish) == 1 else ())}
        members |= {member for member, _ in shown - seen}
        seen |= shown
        trial = Trial(answer, tuple(m for m in answer.members if m in members))
        found.setdefault(told(answer), trial)
    return found


APPS = trials()


@needs_python
@pytest.mark.parametrize("name", APPS)
def test_applications_pass_their_own_checks(name: str, app_programs: Path, tmp_path: Path) -> None:
    """Ruff, mypy and tests, as `pyproject.toml` has them, for every pair of features."""
    trial = APPS[name]
    folder = write(TEMPLATE.tree(trial.answer), tmp_path)
    commands = (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy", "--cache-dir", str(app_programs.parent / "mypy")),
        ("pytest", "-q", "-p", "no:cacheprovider", *trial.tests),
    )
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    for command in commands:
        done = subprocess.run(
            [app_programs / command[0], *command[1:]],
            cwd=folder / "app",
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def test_shell_scripts_are_clean(tmp_path: Path, record_property: RecordProperty) -> None:
    """Shellcheck finds nothing in any text of any script."""
    if shutil.which("shellcheck") is None and not os.environ.get("CI"):
        pytest.skip("shellcheck was not found")
    scripts = []
    for path, each in texts().items():
        for number, text in enumerate(sorted(each)):
            if is_shell(path, text):
                write({path: text}, tmp_path / str(number))
                scripts.append(f"{number}/{path}")

    assert scripts
    done = subprocess.run(
        ["shellcheck", *scripts], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    record_property("proof: shell scripts that shellcheck passes", len(scripts))


def is_shell(path: str, text: bytes) -> bool:
    return path.endswith(".sh") or text.startswith(
        (b"#!/usr/bin/env bash", b"#!/bin/bash", b"#!/bin/sh")
    )


def test_every_member_that_is_ready_stands_in_some_wish() -> None:
    """Else no question offers the option that brings it, and nothing here looks at its files."""
    ready = {entry.id for entry in TEMPLATE.catalog.entries.values() if entry.status == "ready"}

    assert {id for id in ready if MODEL.smallest(MODEL.having(id)) is None} == set()


def test_every_file_says_why_it_is_there() -> None:
    """What a member lists in `files` is just what its folder holds."""
    for member in TEMPLATE.catalog.entries:
        held = sorted(s.path for s in TEMPLATE.sources if s.member == member)
        listed = sorted(f["path"] for f in TEMPLATE.contributions.get(member, {}).get("files", []))
        assert listed == held, member


def test_no_path_has_two_owners() -> None:
    """Two members that meet in any valid wish never write the same file."""
    owners: dict[str, list[str]] = {}
    for source in TEMPLATE.sources:
        owners.setdefault(source.path, []).append(source.member)

    for path, members in owners.items():
        for one, other in combinations(members, 2):
            meeting = MODEL.both(MODEL.having(one), MODEL.having(other))
            answer = MODEL.smallest(meeting)
            assert answer is None, f"{one} and {other} both write {path} for {told(answer)}"


def test_no_output_shows_traces_of_the_template(record_property: RecordProperty) -> None:
    """No Jinja left, no empty file, no trailing blank lines or holes of three lines."""
    number = 0
    for path, each in texts().items():
        for text in map(bytes.decode, each):
            number += 1
            assert text.strip() or path.endswith("__init__.py"), path
            assert "{%" not in text and "{#" not in text, path
            assert "\n\n\n\n" not in text and not text.endswith("\n\n"), path
    record_property("proof: distinct texts of files without a trace of the template", number)
