"""A copy of this project takes a new pattern in, and CONTRIBUTING.md says how, word for word.

The pattern is written by `cdp-dev new-pattern` as a contributor would, and then meets the checks
that every pattern meets, run as they stand, in the copy.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cdp_scaffold.catalog import Catalog, load_catalog
from cdp_scaffold.dev.new_entry import Wording
from cdp_scaffold.dev.writing import always_with, can_be_written, new
from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.machine import needs_terraform
from tests.repositories import ENVIRONMENT, commit, git
from tests.test_generated import (
    terraform,
    write,
)

ROOT = Path(__file__).parent.parent
CATALOG = load_catalog(ROOT / "blueprints/catalog.yml")
APPLICATIONS = "tests/test_generated.py::test_applications_pass_their_own_checks"
INVENTED = "practice_run"


def candidate(catalog: Catalog, *, app: bool) -> str:
    """A pattern that can be written today; with everything written, one that is made up.

    Args:
        catalog: What there is.
        app: Whether it comes with the application, whatever else is chosen, or alone without it.
    """
    for id in catalog.patterns:
        if can_be_written(catalog, id):
            answer = resolve(catalog, (id,))
            brought = always_with(catalog, id) if app else getattr(answer, "members", ("app",))
            if ("app" in brought) == app:
                return id
    return INVENTED


def with_pattern(root: Path, id: str, *, app: bool) -> None:
    """Write the pattern, and where it is made up its entry."""
    wording = Wording(
        title="Practice Run",
        family=next(iter(CATALOG.families)),
        summary="Nothing is left to be written; practise on this.",
        source="Practice Run Pattern",
        needs=("app=it has something to tell",) if app else (),
    )
    new(root, [id], wording if id == INVENTED else Wording())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """This project as it stands in the work tree, committed, with programs that run it."""
    root = tmp_path / "copy"
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for path in filter(None, listed.split("\0")):
        if (ROOT / path).is_file():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, root / path)
    commit(root)
    programs = root / ".venv/bin"
    programs.mkdir(parents=True)
    for name, module in {
        "python": "",
        "pytest": "-m pytest",
        "cdp": "-m cdp_scaffold.cli",
        "cdp-dev": "-m cdp_scaffold.dev",
    }.items():
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (programs / name).chmod(0o755)
    (root / ".venv/.ready").touch()  # what `make` would set up is this very environment
    return root


def run(root: Path, *command: str, **variables: str) -> str:
    """Run a command in the copy, on the copy's own modules; fail with its whole output."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        cwd=root,
        env={**kept, **ENVIRONMENT, "PYTHONPATH": str(root), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def test_the_whole_house_takes_a_new_pattern_in(copy: Path) -> None:
    """Catalogue, both resolvers, both ways in, variants, pages, docs: and no other file changes."""
    id = candidate(CATALOG, app=True)
    with_pattern(copy, id, app=True)
    run(copy, ".venv/bin/python", "-m", "cdp_scaffold.pages")
    run(copy, ".venv/bin/pytest", "-q", "tests/test_goldens.py", "--update-goldens")

    told = run(
        copy,
        ".venv/bin/pytest",
        "-q",
        "tests/test_goldens.py",
        "tests/test_catalog.py",
        *([] if id == INVENTED else ["tests/test_catalogue_text.py", "tests/test_pages.py"]),
        "tests/test_dev_names.py",
        "tests/test_generated.py::test_every_file_says_why_it_is_there",
        "tests/test_generated.py::test_no_path_has_two_owners",
        "tests/test_generated.py::test_no_output_shows_traces_of_the_template",
    )
    own = run(
        copy,
        ".venv/bin/pytest",
        "-q",
        "tests/test_around.py",
        "tests/test_jinja_resolver.py",
        "tests/test_resolver.py",
        "tests/test_two_ways.py",
        "-k",
        f"[{id}]",
    )

    assert " passed" in told
    assert " passed" in own
    for changed in git(copy, "status", "--porcelain", "--untracked-files=all").splitlines():
        path = changed[3:].strip('"')
        places = (f"blueprints/{{{{use.{id}}}}}/", "blueprints/catalog.yml", "golden/", "docs/")
        assert path.startswith(places), changed
    lines = git(copy, "diff", "--numstat", "blueprints/catalog.yml").split()
    assert lines[:2] == (["10", "0"] if id == INVENTED else ["1", "1"])


def alone(root: Path, id: str) -> Mapping[str, bytes]:
    """The repository that the new pattern alone makes."""
    template = Template(root)
    answer = resolve(template.catalog, (id,))
    assert isinstance(answer, Resolution)
    return template.tree(answer)


@needs_terraform
@pytest.mark.parametrize("app", [True, False], ids=["with_the_application", "without_it"])
def test_its_terraform_is_laid_out_valid_and_tested(app: bool, copy: Path, tmp_path: Path) -> None:
    """By its own tests, as the pattern stands alone."""
    id = candidate(CATALOG, app=app)
    with_pattern(copy, id, app=app)
    infra = write(dict(alone(copy, id)), tmp_path / "alone") / "infra"

    assert terraform(infra, "fmt", "-check", "-recursive") == ""
    terraform(infra, "init", "-backend=false", "-input=false")
    terraform(infra, "validate")
    told = terraform(infra, "test", f"-filter=tests/{id}.tftest.hcl")
    assert f"Success! {5 if app else 4} passed, 0 failed." in told


@pytest.mark.skipif(sys.version_info < (3, 11), reason="generated applications need Python 3.11")
def test_its_part_of_the_application_is_clean_and_tested(
    copy: Path,
    tmp_path: Path,
    app_programs: Path,
) -> None:
    id = candidate(CATALOG, app=True)
    with_pattern(copy, id, app=True)
    folder = write(dict(alone(copy, id)), tmp_path / "alone") / "app"

    for command in (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("pytest", "-v", "-p", "no:cacheprovider"),
    ):
        told = run(folder, str(app_programs / command[0]), *command[1:], PYTHONPATH="")
    assert f"tests/test_{id}.py::test_people_see_the_note_as_text PASSED" in told


# CONTRIBUTING.md


def first_pattern() -> str:
    """The commands of the ten minutes, as they stand in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## A first pattern in ten minutes\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def test_the_ten_minutes_of_contributing_go_as_written(copy: Path, app_programs: Path) -> None:
    """Each command ends well. Once its example is written, the next one takes its place."""
    commands = first_pattern()
    named = re.search(r"^id=(\w+)", commands, re.MULTILINE)
    assert named is not None
    id = named[1]
    if not can_be_written(CATALOG, id):
        id = candidate(CATALOG, app=False)
    if id == INVENTED:
        pytest.skip("nothing is planned any more, so there is nothing to take")
    script = re.sub(r"^id=\w+", f"id={id}", commands, flags=re.MULTILINE)

    told = run(
        copy,
        "bash",
        "-euc",
        script,
        # Held above already, and its environment takes a minute to make.
        PYTEST_ADDOPTS=f"--deselect {APPLICATIONS}",
        # What `../try` would set up for itself, and takes as long.
        VENV=str(app_programs.parent),
    )

    assert f"  {id} " in told
    assert f"blueprints/{{{{use.{id}}}}}/" in told
    assert (copy.parent / "try/docs/patterns" / f"{id}.md").is_file()
    assert len(commands.splitlines()) >= 6
