"""Generated repositories under their real tools: Terraform, ruff, mypy, pytest, shellcheck."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from python_terraform import IsFlagged, Terraform

from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.test_goldens import STACKS

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
READY = [
    e.id for e in TEMPLATE.catalog.entries.values() if e.kind == "pattern" and e.status == "ready"
]

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None and not os.environ.get("CI"),
    reason="terraform was not found; these checks need it (in CI it must be there)",
)


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


def distinct(folder: str) -> dict[str, Resolution]:
    """One wish for each distinct content of `folder` over all valid wishes."""
    found: dict[tuple[tuple[str, bytes], ...], Resolution] = {}
    for resolution in FeatureModel(TEMPLATE.catalog).each():
        tree = TEMPLATE.tree(resolution)
        part = tuple(sorted((p, c) for p, c in tree.items() if p.startswith(folder)))
        found.setdefault(part, resolution)
    return {f"wish_{n}": resolution for n, resolution in enumerate(found.values())}


@needs_terraform
def test_every_variant_is_formatted(tmp_path: Path) -> None:
    """`terraform fmt` finds nothing to change: else a later update would conflict."""
    for name, resolution in distinct("infra/").items():
        tree = TEMPLATE.tree(resolution)
        write({p: c for p, c in tree.items() if p.startswith("infra/")}, tmp_path / name)

    assert terraform(tmp_path, "fmt", "-check", "-recursive", "-list=true").strip() == ""


@needs_terraform
def test_every_valid_wish_validates(tmp_path: Path) -> None:
    """All of them as children of one root, so that the provider is configured once."""
    lines = ['terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}']
    lines.append('provider "aws" {}\nprovider "aws" {\n  alias = "us_east_1"\n}')
    for name, resolution in distinct("infra/").items():
        tree = TEMPLATE.tree(resolution)
        infra = {
            p.removeprefix("infra/"): c
            for p, c in tree.items()
            if p.startswith("infra/") and "/tests/" not in p and not p.endswith(".tfvars")
        }
        # Terraform reads these as it validates: they are what servers are set up with.
        write({p: c for p, c in tree.items() if p.startswith("servers/")}, tmp_path / name)
        given = [
            f"  {each['value']['name']} = {json.dumps(each['value']['value'])}"
            for each in TEMPLATE.plugs(resolution.members).get("local.variables", [])
        ]
        aliased = b"us_east_1" in infra["provider.tf"]
        del infra["provider.tf"]
        providers = ""
        if aliased:
            infra["versions.tf"] = infra["versions.tf"].replace(
                b'source  = "hashicorp/aws"',
                b'source  = "hashicorp/aws"\n      configuration_aliases = [aws.us_east_1]',
            )
            providers = "\n  providers = {\n    aws = aws\n    aws.us_east_1 = aws.us_east_1\n  }"
        write(infra, tmp_path / name / "infra")
        arguments = "\n".join(given)
        lines.append(f'module "{name}" {{\n  source = "./{name}/infra"{providers}\n{arguments}\n}}')
    (tmp_path / "main.tf").write_text("\n".join(lines))

    terraform(tmp_path, "init", "-backend=false", "-input=false")
    terraform(tmp_path, "validate")


@needs_terraform
@pytest.mark.parametrize("pattern", READY)
def test_a_pattern_alone_passes_its_terraform_tests(pattern: str, tmp_path: Path) -> None:
    """Only the tests of the pattern and of what it needs are there, and they pass."""
    folder = write(TEMPLATE.tree(resolved([pattern])), tmp_path) / "infra"

    terraform(folder, "init", "-backend=false", "-input=false")
    assert "Success!" in terraform(folder, "test")


@needs_terraform
@pytest.mark.parametrize("name", STACKS)
def test_a_named_stack_passes_its_terraform_tests(name: str, tmp_path: Path) -> None:
    """Every member's tests hold in company too."""
    folder = write(TEMPLATE.tree(stack(name)), tmp_path) / "infra"

    terraform(folder, "init", "-backend=false", "-input=false")
    assert "Success!" in terraform(folder, "test")


def covering(folder: str) -> dict[str, Resolution]:
    """Few wishes that show every pair of members with files in `folder`, together and apart.

    Two features can only disagree where both are there, or where one misses the other.
    """
    owners = {s.member for s in TEMPLATE.sources if s.path.startswith(folder)}

    def shown(resolution: Resolution) -> set[tuple[tuple[str, bool], ...]]:
        state = [(id, id in resolution.members) for id in sorted(owners)]
        return set(combinations(state, 2))

    resolutions = {n: r for n, r in distinct(folder).items() if not owners.isdisjoint(r.members)}
    left = {name: shown(resolution) for name, resolution in resolutions.items()}
    chosen = {}
    missing = set().union(*left.values())
    while missing:
        name = max(left, key=lambda each: len(left[each] & missing))
        missing -= left[name]
        chosen[" + ".join(resolutions[name].wish) + f" ({name})"] = resolutions[name]
    return chosen


APPS = covering("app/")


@pytest.fixture(scope="session")
def app_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with what the generated applications pin, made once a run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    environment = shared / "app-venv"
    with (shared / "app-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "ready").exists():
            wanted: set[str] = set()
            for resolution in APPS.values():
                tree = TEMPLATE.tree(resolution)
                for name in ("app/requirements.txt", "app/requirements-dev.txt"):
                    wanted.update(tree[name].decode().splitlines())
            pins = sorted(line for line in wanted if line and not line.startswith(("#", "-r")))
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            pip: list[str | Path] = [
                environment / "bin/pip",
                "install",
                "-q",
                "--disable-pip-version-check",
            ]
            subprocess.run([*pip, *pins], check=True)
            (environment / "ready").touch()
    return environment / "bin"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="generated applications need Python 3.11")
@pytest.mark.parametrize("name", APPS)
def test_applications_pass_their_own_checks(name: str, app_programs: Path, tmp_path: Path) -> None:
    """Ruff, mypy and tests, as `pyproject.toml` has them, for every pair of features."""
    folder = write(TEMPLATE.tree(APPS[name]), tmp_path)
    commands = (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("pytest", "-q", "-p", "no:cacheprovider"),
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


def test_shell_scripts_are_clean(tmp_path: Path) -> None:
    """Shellcheck finds nothing in any script of any member."""
    if shutil.which("shellcheck") is None and not os.environ.get("CI"):
        pytest.skip("shellcheck was not found")
    scripts = []
    for first, second in combinations(READY, 2):
        answer = resolve(TEMPLATE.catalog, [first, second], {})
        if isinstance(answer, Resolution):
            folder = write(TEMPLATE.tree(answer), tmp_path / f"{first}-{second}")
            scripts += [f for f in folder.rglob("*") if f.is_file() and is_shell(f)]

    assert scripts
    done = subprocess.run(
        ["shellcheck", *map(str, scripts)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def is_shell(file: Path) -> bool:
    return file.suffix == ".sh" or file.read_bytes()[:40].startswith(
        (b"#!/usr/bin/env bash", b"#!/bin/bash", b"#!/bin/sh")
    )


def test_every_file_says_why_it_is_there() -> None:
    """What a member lists in `files` is just what its folder holds."""
    for member in TEMPLATE.catalog.entries:
        held = sorted(s.path for s in TEMPLATE.sources if s.member == member)
        listed = sorted(f["path"] for f in TEMPLATE.contributions.get(member, {}).get("files", []))
        assert listed == held, member


def test_no_path_has_two_owners() -> None:
    """Two members that may meet never write the same file."""
    for resolution in FeatureModel(TEMPLATE.catalog).each():
        paths = [s.path for s in TEMPLATE.sources if s.member in resolution.members]
        assert len(paths) == len(set(paths))


def test_no_output_shows_traces_of_the_template() -> None:
    """No Jinja left, no empty file, no trailing blank lines or holes of three lines."""
    for name in STACKS:
        for path, content in TEMPLATE.tree(stack(name)).items():
            text = content.decode()
            assert text.strip() or path.endswith("__init__.py"), path
            assert "{%" not in text and "{#" not in text, path
            assert "\n\n\n\n" not in text and not text.endswith("\n\n"), path
