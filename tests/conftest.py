"""A made-up template, and `cdp` run in this process, for tests of the command way in."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings

from cdp_scaffold.cli import main
from tests.order import long_first
from tests.provider import VARIABLE, Provider

ROOT = Path(__file__).parent.parent

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Terraform spends half of its time on clearing away what a minute later nobody needs.
os.environ.setdefault("GOGC", "off")
os.environ.setdefault("GOMEMLIMIT", "2GiB")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How to ask for the slow tests of what a change touches."""
    parser.addoption(
        "--touched-since",
        metavar="COMMIT",
        help="run slow tests, too, whose members have changed since this commit",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Before slow tests are left out, take those back that are asked for; then put all in order."""
    since = config.getoption("--touched-since")
    if since:
        from tests.touched import no_longer_slow, touched  # knows more than most runs need

        no_longer_slow(items, touched(ROOT, since))
    yield
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = long_first(items, workers)


CATALOG = """
families: {drinks: Drinks, meals: Meals}

slots:
  heat:
    title: Heat
    job: what boils the water
    default: kettle
    options:
      kettle: {title: Kettle, fills: [kettle], take: one drink at a time is enough}
      stove: {title: Stove, fills: [stove], take: many come at once}
      both: {title: Both, fills: [kettle, stove], asks: true, take: some days are busy}
    trade_off:
      - {about: a cup takes, kettle: a minute, stove: five minutes, both: what you like}
      - {about: ten cups take, kettle: ten minutes, stove: five minutes, both: five minutes}
  cup:
    title: Cup
    job: what is drunk from
    default: mug
    options:
      mug: {title: A mug, fills: [mug], take: it is cold outside}
      glass: {title: A glass, fills: [glass], take: the colour matters}
      silver: {title: Silver, fills: [silver], take: guests come}
    trade_off:
      - {about: when it falls, mug: it may break, glass: it breaks, silver: it has a dent}
  spoon:
    title: Spoon
    job: what stirs
    default: teaspoon
    options:
      teaspoon: {title: A teaspoon, fills: [], take: there is one}

entries:
  kettle:
    {title: Kettle, kind: pattern, family: drinks, status: ready, source: Chapter 1,
     summary: Water is cold; boil a little of it fast., needs: {cupboard: it is kept there}}
  stove:
    {title: Stove, kind: pattern, family: drinks, status: ready, source: Chapter 2,
     summary: Many want hot water; boil a lot of it., needs: {cupboard: pots are kept there}}
  tea:
    {title: Tea, kind: pattern, family: drinks, status: ready, source: Chapter 3,
     summary: Mornings are hard; drink something warm.,
     slots: {heat: leaves want hot water, cup: it is drunk from something, spoon: sugar sinks},
     suits: {soup: both are warm}}
  iced_tea:
    {title: Iced Tea, kind: pattern, family: drinks, status: ready, source: Chapter 4,
     summary: Summers are hot; drink something cold., needs: {glass: ice wants to be seen},
     excludes: {tea: nobody drinks both}}
  soup:
    {title: Soup-of-the-Day, kind: pattern, family: meals, status: ready, source: Chapter 5,
     summary: Hunger comes at noon; cook what there is., slots: {heat: soup is cooked}}
  feast:
    {title: Feast, kind: pattern, family: meals, status: planned, source: Chapter 6,
     summary: Guests come; serve all there is., needs: {soup: it is the first course}}
  table: {title: Table, kind: component, status: ready, always: true, summary: Where all stands.}
  cupboard: {title: Cupboard, kind: component, status: ready, summary: Where things are kept.}
  mug: {title: Mug, kind: component, status: ready, summary: A thick cup.}
  glass: {title: Glass, kind: component, status: ready, summary: A clear cup.}
  silver: {title: Silver, kind: component, status: planned, summary: A dear cup.}
"""

QUESTIONS: dict[str, Any] = {
    "milk": {"type": "str", "help": "Milk", "choices": ["none", "cow", "oat"], "default": "none"},
    "lumps": {
        "type": "int",
        "help": "Lumps of sugar",
        "default": 1,
        "validator": "{% if lumps < 0 %}`lumps` must be at least 0{% endif %}",
    },
    "warm": {"type": "bool", "help": "Warm the pot?", "default": True},
    "patterns": {
        "type": "str",
        "multiselect": True,
        "choices": "{{ catalog.entries.keys() | list }}",
        "default": "{{ UNSET }}",
    },
    "draft": {
        "type": "json",
        "when": False,
        "default": "{% from 'macros/resolve.jinja' import resolve %}"
        "{{ resolve(catalog, patterns, {}) }}",
    },
    **{
        slot: {
            "type": "str",
            "when": f"{{{{ '{slot}' in draft.slots }}}}",
            "choices": "{% from 'macros/resolve.jinja' import options %}"
            f"{{{{ options(catalog, '{slot}') }}}}",
            "default": f"{{{{ draft.slots.{slot} | default('', true) or UNSET }}}}",
        }
        for slot in ("heat", "cup")
    },
    "lemon": {
        "type": "bool",
        "help": "A slice of lemon?",
        "when": "{{ 'tea' in draft.members }}",
        "default": False,
    },
    "resolution": {
        "type": "json",
        "when": False,
        "default": "{% from 'macros/resolve.jinja' import resolve %}{% set choices = {} %}"
        "{% if heat is defined %}{% set choices = dict(choices, heat=heat) %}{% endif %}"
        "{% if cup is defined %}{% set choices = dict(choices, cup=cup) %}{% endif %}"
        "{{ resolve(catalog, patterns, choices) }}",
    },
    "use": {
        "type": "yaml",
        "when": False,
        "default": "{% for id in catalog.entries %}{{ id }}: "
        '"{{ "." if id in resolution.members }}"\n{% endfor %}',
    },
}

FILES = {
    "{{use.table}}/{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers | to_nice_yaml -}}\n",
    "{{use.table}}/parts.txt.jinja": "{{ resolution.members | join('\\n') }}\n",
    "{{use.tea}}/tea.txt": "Three minutes.\n",
    "{{use.stove}}/stove.txt": "Mind the handle.\n",
}


def write_template(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A small template, not in git; the rules of project and region are the real ones."""
    real = next(yaml.safe_load_all((ROOT / "copier.yml").read_text(encoding="utf-8")))
    settings = {key: real[key] for key in ("_subdirectory", "_envops", "_exclude", "_answers_file")}
    kept = {key: real[key] for key in ("catalog", "project", "region")}
    text = yaml.safe_dump({**settings, **kept, **QUESTIONS}, sort_keys=False)
    tree = {"copier.yml": text, "blueprints/catalog.yml": CATALOG}
    tree.update(
        {f"blueprints/{path}": content for path, content in {**FILES, **(files or {})}.items()}
    )
    for path, content in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    (folder / "macros").mkdir()
    shutil.copy(ROOT / "macros" / "resolve.jinja", folder / "macros")
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up template; nobody changes it."""
    return write_template(tmp_path_factory.mktemp("made-up") / "template")


@pytest.fixture(scope="session")
def tagged(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a git repository with one version."""
    folder = tmp_path_factory.mktemp("tagged") / "template"
    shutil.copytree(template, folder)
    name = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "--all"], ["commit", "-qm", "All"], ["tag", "v1.0.0"]):
        subprocess.run(["git", "-C", str(folder), *name, *command], check=True)
    return folder


@pytest.fixture(scope="session")
def provider_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with closing(Provider(tmp_path_factory.mktemp("provider"))) as started:
        yield started


@pytest.fixture
def provider(provider_of_all: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider for all tests that ask for it, and for no others; or one that runs already."""
    if VARIABLE not in os.environ:
        monkeypatch.setenv(VARIABLE, provider_of_all.address)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def app_programs(shared: Path) -> Path:
    """The `bin` of an environment with what generated applications require, made once a run."""
    from tests.applications import installed  # knows the whole template, which few tests need

    return installed(Path(os.environ.get("CDP_APP_ENVIRONMENT") or shared / "app-venv"))


@pytest.fixture(scope="session")
def python(app_programs: Path) -> Path:
    """A Python with what generated applications require."""
    return app_programs / "python"


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def cdp(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Run]]:
    """Run `cdp` in this process, with a terminal of so many columns as far as it can tell."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: object, columns: int | None = 80) -> Run:
        monkeypatch.setattr(sys, "argv", ["cdp", *map(str, arguments)])
        if columns is None:
            monkeypatch.delenv("COLUMNS", raising=False)
        else:
            monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        return Run(code, *capsys.readouterr())

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def tree(folder: Path) -> dict[str, bytes]:
    """Every path under a folder, with its bytes."""
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else b""
        for each in sorted(folder.rglob("*"))
    }
