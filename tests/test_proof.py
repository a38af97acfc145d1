"""The numbers of the proof: printed by the run that counted them, and quoted rightly."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from types import SimpleNamespace
from typing import Any

import pytest

from cdp_scaffold.composition.proof import prove
from cdp_scaffold.feature_model import FeatureModel
from cdp_scaffold.render import Answers, Template
from cdp_scaffold.variants import variants
from tests.conftest import ROOT
from tests.gathered import fragments
from tests.proof_report import FIRST, Report

README = ROOT / "README.md"
BLOCK = re.compile(
    r"(?<=  <!-- `make goldens` writes these numbers -->\n).*?(?=  <!-- end of numbers -->)",
    re.DOTALL,
)


def quoted() -> str:
    """What README says, from numbers that are counted here and now."""
    template = Template(ROOT)
    model = FeatureModel(template.catalog, template.questions.all)
    found = [variants(template, s, model) for s in template.sources if s.is_template]
    parts = [fragments(template, model, f.source, Answers()) for f in found if f.gathers]
    proof = prove(template, model)
    assert not proof.breaches
    texts = sum(len(f.all) for f in found) + sum(map(len, parts))
    return fill(
        f"What generates today allows {wishes(model):,} wishes, choices and all, for "
        f"{model.resolutions():,} different repositories. Its {len(found):,} templates have "
        f"{texts:,} texts and fragments, each in a golden. In all of these repositories each of "
        f"{proof.references:,} references meets its definition, each of {proof.definitions:,} "
        f"definitions is the only one, and no address of Terraform leads back to itself over "
        f"{proof.dependencies:,} dependencies.",
        width=118,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )


def wishes(model: FeatureModel) -> int:
    return sum(model.diagrams.count(model.valid, ()))


def test_the_readme_quotes_what_is_counted(request: pytest.FixtureRequest) -> None:
    text = README.read_text(encoding="utf-8")
    expected = BLOCK.sub(lambda _: quoted() + "\n", text)
    if request.config.getoption("--update-goldens"):
        README.write_text(expected, encoding="utf-8")
        return

    assert len(BLOCK.findall(text)) == 1
    assert text == expected, "accept with: make goldens"


def test_the_valid_wishes_are_counted(record_property: Callable[[str, object], None]) -> None:
    template = Template(ROOT)
    model = FeatureModel(template.catalog, template.questions.all)
    record_property("proof: valid wishes, choices and all", wishes(model))
    record_property("proof: distinct resolutions", model.resolutions())
    record_property("proof: files of blueprints", len(template.sources))

    assert model.resolutions() <= wishes(model)


def reported(nodeid: str, numbers: dict[str, int], **more: Any) -> Any:
    properties = [(f"proof: {what}", number) for what, number in numbers.items()]
    plain = {"when": "call", "passed": True, "failed": False, "duration": 1.0}
    return SimpleNamespace(nodeid=nodeid, user_properties=properties, **{**plain, **more})


def test_numbers_of_one_name_are_summed_and_told_in_order(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text('"""Counts cups.\n\nAnd more."""\n', encoding="utf-8")
    (tmp_path / "test_b.py").write_text('"""Counts pots."""\n', encoding="utf-8")
    report = Report()
    for each in (
        reported("test_a.py::one", {}, when="setup", duration=0.5),
        reported("test_a.py::one", {"cups": 1000, FIRST[1]: 7}),
        reported("test_b.py::two", {"cups": 24, FIRST[0]: 8}),
    ):
        report.pytest_runtest_logreport(each)

    assert report.lines(tmp_path) == [
        f"    8  {FIRST[0]}",
        f"    7  {FIRST[1]}",
        "1,024  cups",
        "",
        "seconds  tests  step, where several run at a time",
        "    1.5      1  test_a.py: Counts cups.",
        "    1.0      1  test_b.py: Counts pots.",
    ]


def test_a_test_that_failed_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("", encoding="utf-8")
    report = Report()
    failed = reported("test_a.py::one", {"cups": 1}, passed=False, failed=True)

    report.pytest_runtest_logreport(failed)

    assert report.lines(tmp_path)[0] == "not proven: 1 tests failed"


def test_what_is_told_first_is_told_by_some_test() -> None:
    """A label that nobody records any more would never be missed."""
    sources = "".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "tests").glob("test_*.py")
        if file != Path(__file__)
    )
    own = Path(__file__).read_text(encoding="utf-8")
    told = re.findall(r'"proof: ([^"{]+)"', sources + own)
    told += [f"{kind} in goldens" for kind in ("variants", "fragments")]

    assert set(FIRST) <= set(told)
