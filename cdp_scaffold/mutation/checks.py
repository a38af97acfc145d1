"""Who may notice that the template is broken: the checks of `make test`, cheapest first.

A check is some of our tests, run on a copy of the template. To add one, add it to `CHECKS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from jinja2 import TemplateError

from cdp_scaffold.mutation.mutants import CATALOGUE, ENGINE
from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve

ROOT = Path(__file__).parents[2]

SAMPLE = Answers(project="shop", region="eu-central-1", commit="v0.0.0", source="the template")
"""What the trees of the named stacks are made with."""


@dataclass(frozen=True, slots=True)
class Check:
    """Some tests that may notice."""

    name: str
    tests: Sequence[str]
    """What pytest is told to run: files and options."""

    golden: bool = False
    """Whether it compares with what was right before, rather than knowing what is right."""

    may: Callable[[str], bool] = field(default=lambda _: True)
    """Whether a change of this file can make it fail at all."""

    chosen: Callable[[str], Sequence[str]] | None = None
    """Picks the tests for a changed file in the copy, where not all are of use."""

    at_once: Callable[[Path, str], bool] | None = None
    """Whether the tests would fail, told for one changed file in a copy without starting them.

    It may say no where they would: then they are started.
    """

    slow: bool = False
    """Whether it takes more than some seconds."""


def member(path: str) -> str | None:
    """Whose folder a file is in."""
    found = re.match(r"blueprints/\{\{use\.(\w+)\}\}/", path)
    return found[1] if found else None


def _decides(path: str) -> bool:
    return path == CATALOGUE or path in ENGINE or path.startswith("macros/")


def _gathers(path: str) -> bool:
    return _decides(path) or "/.cdp/" in path


def _in(*folders: str) -> Callable[[str], bool]:
    def may(path: str) -> bool:
        return _gathers(path) or any(f"}}}}/{folder}" in path for folder in folders)

    return may


def _own_terraform(path: str) -> Sequence[str]:
    """The tests of the member in the wishes that show its files."""
    from tests.test_terraform import COMPANY, RUNS

    own = f"infra/tests/{member(path)}.tftest.hcl"
    names = [name for name, run in RUNS.items() if own in run.about]
    shares = [number for number, run in enumerate(COMPANY) if own in run.about]
    test = "tests/test_terraform.py::test_a_member_passes_its_terraform_tests"
    company = "tests/test_terraform.py::test_the_largest_wish_passes_its_terraform_tests"
    return [
        *(f"{test}[{name}]" for name in names),
        *(f"{company}[{share}]" for share in shares),
    ]


def _own_app(path: str) -> Sequence[str]:
    """The application in the first two of the wishes where the member's tests are run."""
    from tests.test_generated import APPS

    names = [name for name, trial in APPS.items() if member(path) in trial.members]
    test = "tests/test_generated.py::test_applications_pass_their_own_checks"
    return [f"{test}[{name}]" for name in names[:2]]


def _own_tests(path: str) -> Sequence[str]:
    """Our own tests that name the member, where no other check runs them."""
    elsewhere = {word.partition("::")[0] for check in CHECKS for word in check.tests}
    named = re.compile(rf"""["'/.]{member(path)}["'/.]""")
    return [
        f"tests/{file.name}"
        for file in sorted((ROOT / "tests").glob("test_*.py"))
        if f"tests/{file.name}" not in elsewhere and named.search(file.read_text(encoding="utf-8"))
    ]


def _differs_from_its_stacks(root: Path, path: str) -> bool:
    """Whether a file of a blueprint is not as in the trees of the named stacks."""
    if member(path) is None or "/.cdp/" in path:
        return False
    template = Template(root)
    stacks = yaml.safe_load((root / "golden" / "stacks.yml").read_text(encoding="utf-8"))
    source = next((each for each in template.sources if each.file.as_posix() == path), None)
    if source is None:
        return True
    for name, stack in stacks.items():
        if "patterns" not in stack:
            continue  # the largest wish is found in the feature model, which takes longer
        answer = resolve(template.catalog, stack["patterns"], stack.get("choices", {}))
        if isinstance(answer, Resolution) and source.member in answer.members:
            try:
                text = template.render(source, template.context(answer, SAMPLE))
            except (ArithmeticError, LookupError, TemplateError, TypeError, ValueError):
                return True
            if text != (root / "golden" / "stacks" / name / source.path).read_bytes():
                return True
    return False


CHECKS = (
    Check(
        "rules of the catalogue",
        ["tests/test_catalog.py", "tests/test_catalogue_text.py"],
        may=lambda path: path == CATALOGUE,
    ),
    Check(
        "pages made from the catalogue",
        ["tests/test_pages.py", "-k", "stale"],
        golden=True,
        may=_decides,
    ),
    Check("the resolver", ["tests/test_resolver.py"], may=lambda path: path in ENGINE),
    Check(
        "the resolver's twin",
        ["tests/test_jinja_resolver.py", "-k", "not triple and not pair and not other"],
        may=lambda path: path in ENGINE or path.startswith("macros/"),
    ),
    Check(
        "questions",
        ["tests/test_questions.py", "tests/test_slot_questions.py"],
        may=lambda path: _decides(path) or path.endswith(".cdp/questions.yml"),
    ),
    Check("goldens of messages", ["tests/test_explain.py"], golden=True, may=_decides),
    Check(
        "goldens of stacks",
        ["tests/test_goldens.py", "-k", "named_stack"],
        golden=True,
        at_once=_differs_from_its_stacks,
    ),
    Check("goldens of variants", ["tests/test_goldens.py", "-k", "not tree"], golden=True),
    Check(
        "texts and scripts",
        ["tests/test_generated.py", "-k", "says or owners or traces or shell"],
    ),
    Check("composition", ["tests/test_composition.py"]),
    Check(
        "copier writes the same",
        ["tests/test_standin.py", "-k", "a_named_stack"],
        may=lambda path: path.startswith("macros/"),
        slow=True,
    ),
    Check(
        "the feature model",
        ["tests/test_model.py", "tests/test_rules.py"],
        may=_decides,
        slow=True,
    ),
    Check(
        "the resolver's twin, everywhere", ["tests/test_jinja_resolver.py"], may=_decides, slow=True
    ),
    Check(
        "terraform fmt and validate",
        ["tests/test_pairs.py", "-k", "formatted or validates"],
        may=_in("infra", "servers"),
    ),
    Check(
        "terraform test of the member",
        [],
        may=_in("infra", "servers"),
        chosen=_own_terraform,
        slow=True,
    ),
    Check("tests of the application", [], may=_in("app"), chosen=_own_app, slow=True),
    Check(
        "tests of the member",
        [],
        may=lambda path: member(path) is not None,
        chosen=_own_tests,
        slow=True,
    ),
    Check("files around the code", ["tests/test_around.py"], slow=True),
    Check(
        "boot and fleet",
        ["tests/test_boot.py", "tests/test_fleet.py"],
        may=_in("servers", "infra", "app", "local"),
        slow=True,
    ),
    Check("both ways in", ["tests/test_two_ways.py"], may=_gathers, slow=True),
    Check(
        "the local stack",
        ["tests/test_local.py"],
        may=_in("local", "infra", "servers", "app", "Makefile"),
        slow=True,
    ),
    Check(
        "terraform test of the largest wish",
        ["tests/test_terraform.py", "-k", "largest"],
        may=_in("infra", "servers"),
        slow=True,
    ),
)
