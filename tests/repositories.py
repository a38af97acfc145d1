"""Templates and repositories that tests make for themselves, and the commands run on them.

The small template is the real `copier.yml` and the real macros over a made-up catalogue: what is
tested is how a repository is generated and updated, whatever the patterns are.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parent.parent
TEMPLATE = ("copier.yml", "blueprints", "macros")
DEMO = ("multi_datacenter", "state_sharing", "cache_distribution", "bootstrap")

# Nothing of the person who runs the tests shall matter: not their git settings, not copier's cache.
ENVIRONMENT = {
    "COLUMNS": "80",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_AUTHOR_EMAIL": "kim@example.com",
    "GIT_AUTHOR_NAME": "Kim",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_EMAIL": "kim@example.com",
    "GIT_COMMITTER_NAME": "Kim",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "PYTHONPATH": str(ROOT),
    "XDG_CONFIG_HOME": "/nonexistent",
}

CATALOG = """\
families: {drinks: Drinks}

slots:
  heat:
    title: Heat
    job: how water gets hot
    default: gas
    options:
      gas: {title: A gas stove, fills: [gas_stove], take: there is gas}
      electric: {title: An electric stove, fills: [electric_stove], take: there is a socket}

entries:
  tea:
    title: Tea
    kind: pattern
    family: drinks
    status: ready
    summary: Leaves in hot water.
    source: https://example.com/drinks
    needs: {water: it is mostly water}
    slots: {heat: leaves want hot water}
  milk:
    title: Milk
    kind: pattern
    family: drinks
    status: ready
    summary: From a cow.
    source: https://example.com/drinks
  lemon:
    title: Lemon
    kind: pattern
    family: drinks
    status: ready
    summary: Sour.
    source: https://example.com/drinks
    excludes: {milk: it curdles}
  core: {title: Core, kind: component, status: ready, always: true, summary: The kitchen.}
  water: {title: Water, kind: component, status: ready, summary: From the tap.}
  gas_stove: {title: Gas stove, kind: component, status: ready, summary: Burns gas.}
  electric_stove: {title: Electric stove, kind: component, status: ready, summary: Glows.}
"""

TEA_QUESTIONS = """\
heat:
  type: str
  help: How does water get hot?
  when: "{{ 'heat' in draft.slots }}"
  choices: |
    {% from 'macros/resolve.jinja' import options %}{{ options(catalog, 'heat') }}
  default: "{{ draft.slots.heat | default('', true) or UNSET }}"
  validator: |-
    {% from 'macros/resolve.jinja' import refuse %}{{ refuse(catalog, patterns, 'heat', heat) }}

tea_minutes:
  type: int
  help: For how long does it draw?
  when: "{{ 'tea' in patterns }}"
  default: 3
  validator: "{% if tea_minutes > 9 %}`tea_minutes` must be at most 9{% endif %}"
"""


def lines(word: str, *, but: Mapping[int, str] | None = None) -> str:
    """Twenty numbered lines, so far apart that edits at both ends merge; some may differ."""
    return "".join(f"{(but or {}).get(n, f'{word} {n}')}\n" for n in range(1, 21))


SMALL: Mapping[str, str] = {
    "blueprints/catalog.yml": CATALOG,
    "blueprints/{{use.core}}/{{_copier_conf.answers_file}}.jinja": (
        "# Written by the template.\n{{ _copier_answers | to_nice_yaml -}}\n"
    ),
    "blueprints/{{use.core}}/README.md.jinja": (
        "# {{ project }}\n\n"
        "{% for id in resolution.members %}- {{ catalog.entries[id].title }}\n{% endfor %}"
    ),
    "blueprints/{{use.core}}/kitchen.txt": lines("kitchen"),
    "blueprints/{{use.core}}/bin/boil": "#!/bin/sh\necho boil\n",
    "blueprints/{{use.tea}}/.cdp/questions.yml": TEA_QUESTIONS,
    "blueprints/{{use.tea}}/docs/tea.txt": lines("tea"),
    "blueprints/{{use.tea}}/docs/leaves.txt.jinja": "{{ tea_minutes }} minutes\n",
    "blueprints/{{use.milk}}/docs/milk.txt": lines("milk"),
    "blueprints/{{use.milk}}/cow/name.txt": "Berta\n",
    "blueprints/{{use.lemon}}/docs/lemon.txt": lines("lemon"),
    "blueprints/{{use.gas_stove}}/stove/gas.txt": lines("gas"),
    "blueprints/{{use.electric_stove}}/stove/electric.txt": lines("electric"),
}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


def git(folder: Path, *arguments: str) -> str:
    """Run git, as nobody in particular."""
    done = subprocess.run(
        ["git", "-C", folder, *arguments],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """Write files; `None` removes one."""
    for path, text in files.items():
        if text is None:
            (folder / path).unlink()
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")


def commit(folder: Path, message: str = "Work") -> str:
    """Commit all there is, in a repository that is made if need be."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD").strip()


def release(template: Path, tag: str, files: Mapping[str, str | None] | None = None) -> None:
    """Change a template, commit and tag it."""
    write(template, files or {})
    commit(template, tag)
    git(template, "tag", tag)


def small_template(folder: Path) -> Path:
    """The small template, released as v0.1.0."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "copier.yml", folder)
    shutil.copytree(ROOT / "macros", folder / "macros")
    write(folder, SMALL)
    (folder / "blueprints/{{use.core}}/bin/boil").chmod(0o755)
    release(folder, "v0.1.0")
    return folder


def real_template(folder: Path, *tags: str) -> Path:
    """The template of the working tree, committed and not yet tagged unless asked for."""
    folder.mkdir(parents=True)
    for name in TEMPLATE:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    commit(folder, "The template")
    for tag in tags:
        git(folder, "tag", tag)
    return folder


def snapshot(folder: Path, *, git_too: bool = True) -> dict[str, tuple[int, bytes | str]]:
    """Every file with mode and bytes, every folder; that of git too if not told otherwise."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not git_too and (name == ".git" or name.startswith(".git/")):
            continue
        mode = path.lstat().st_mode
        if path.is_symlink():
            found[name] = (mode, str(path.readlink()))
        else:
            found[name] = (mode, path.read_bytes() if path.is_file() else "folder")
    return found


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a repository but git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@contextlib.contextmanager
def surroundings(folder: Path | None = None, **environment: str) -> Iterator[None]:
    """The environment of the tests, in a folder."""
    before = Path.cwd()
    with mock.patch.dict(os.environ, {**ENVIRONMENT, **environment}):
        os.chdir(folder or before)
        try:
            yield
        finally:
            os.chdir(before)


def cdp(*arguments: object, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run `cdp` in this process, which saves its start."""
    from cdp_scaffold.cli import main

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        surroundings(cwd, **environment),
        mock.patch.object(sys, "argv", ["cdp", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Outcome(code, out.getvalue(), err.getvalue())


def run(*command: object, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run a program in a process of its own."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def copier(*arguments: object, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run the real `copier` command, in this process, which saves its start."""
    from copier._cli import CopierApp
    from plumbum import local

    out, err = io.StringIO(), io.StringIO()
    with (
        surroundings(cwd, **environment),
        local.cwd(cwd or Path.cwd()),
        local.env(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        local.env.clear()  # plumbum keeps a copy of its own
        local.env.update(os.environ)
        try:
            _, code = CopierApp.run(["copier", *map(str, arguments)], exit=False)
        except Exception as error:  # it would end the program with a traceback
            code = 1
            err.write(f"{type(error).__name__}: {error}\n")
    return Outcome(code or 0, out.getvalue(), err.getvalue())
