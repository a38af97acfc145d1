"""The text of every template, in every variant or fragment, and whole repositories.

Goldens change through `pytest --update-goldens` only; read the difference before you commit it.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdp_scaffold.covering import largest
from cdp_scaffold.feature_model import FeatureModel, told
from cdp_scaffold.render import Answers, Source, Template
from cdp_scaffold.resolver import Resolution, resolve
from cdp_scaffold.variants import Variants, variants
from tests.gathered import fragments

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "golden"
TEMPLATE = Template(ROOT)
TEMPLATES = [source for source in TEMPLATE.sources if source.is_template]


def named_stacks() -> Mapping[str, Any]:
    """Name → patterns and choices; those of `largest` are found in the feature model of today."""
    named: Mapping[str, Any] = yaml.safe_load((GOLDEN / "stacks.yml").read_text(encoding="utf-8"))
    for each in named.values():
        if each.pop("largest", False):
            answer = largest(FeatureModel(TEMPLATE.catalog, TEMPLATE.questions.all))[0]
            each.update(patterns=list(answer.wish), choices=dict(answer.choices))
    return named


STACKS = named_stacks()
SAMPLE = Answers(project="shop", region="eu-central-1", commit="v0.0.0", source="the template")
HANDFUL = 8


@pytest.fixture(scope="session")
def model() -> FeatureModel:
    return FeatureModel(TEMPLATE.catalog, TEMPLATE.questions.all)


def golden_path(source: Source) -> Path:
    return GOLDEN / source.member / f"{source.path}.yml"


def texts_of(found: Variants, model: FeatureModel) -> dict[str, str]:
    """The texts to hold a template to: all variants, or of a gathering file every fragment.

    tests/test_gathering.py shows that the whole is nothing but its fragments.
    """
    if not found.gathers:
        return found.texts
    return fragments(TEMPLATE, model, found.source, SAMPLE)


def short_diff(expected: str, actual: str, name: str) -> str:
    lines = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), f"golden: {name}", "now", n=2, lineterm=""
    )
    return "\n".join(list(lines)[:40])


@pytest.mark.parametrize("source", TEMPLATES, ids=lambda s: f"{s.member}/{s.path}")
def test_every_variant_of_a_template_is_as_in_its_golden(
    source: Source,
    model: FeatureModel,
    golden: Any,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """A template has just the variants its golden holds, each to the letter."""
    found = variants(TEMPLATE, source, model)
    actual = texts_of(found, model)
    record_property("proof: templates", 1)
    record_property(
        f"proof: {'fragments' if found.gathers else 'variants'} in goldens", len(actual)
    )
    path = golden_path(source)
    accept = f'pytest tests/test_goldens.py --update-goldens -k "{source.member}/{source.path}"'
    if request.config.getoption("--update-goldens"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        fixture = golden.open(path)
        assert fixture.out["variants"] == actual
        return
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing; accept with: {accept}")

    expected = golden.open(path).out.get("variants") or {}

    for name in expected.keys() | actual.keys():
        if expected.get(name) != actual.get(name):
            diff = short_diff(expected.get(name) or "", actual.get(name) or "", name)
            pytest.fail(
                f"{path.relative_to(ROOT)}, variant `{name}`:\n{diff}\naccept with: {accept}"
            )


def test_no_golden_is_an_orphan(request: pytest.FixtureRequest) -> None:
    """Every golden belongs to a template, every browsable tree to a named stack."""
    known = {golden_path(source) for source in TEMPLATES}
    orphans = [
        path
        for folder in GOLDEN.iterdir()
        if folder.is_dir() and folder.name not in ("stacks", "messages")
        for path in folder.rglob("*")
        if path.is_file() and path not in known
    ]
    orphans += [p for p in (GOLDEN / "stacks").glob("*") if p.name not in STACKS]
    if request.config.getoption("--update-goldens"):
        for path in orphans:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return

    assert orphans == []


@pytest.mark.parametrize("name", STACKS)
def test_a_named_stack_is_as_in_its_tree(
    name: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """The whole repository, file by file."""
    answer = resolve(TEMPLATE.catalog, STACKS[name]["patterns"], STACKS[name].get("choices", {}))
    assert isinstance(answer, Resolution)
    actual = TEMPLATE.tree(answer, SAMPLE)
    record_property("proof: files of named stacks in goldens", len(actual))
    folder = GOLDEN / "stacks" / name
    if request.config.getoption("--update-goldens"):
        shutil.rmtree(folder, ignore_errors=True)
        for path, content in actual.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return

    expected = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }

    accept = f"pytest tests/test_goldens.py --update-goldens -k {name}"
    assert sorted(expected) == sorted(actual), f"accept with: {accept}"
    for path, content in actual.items():
        if expected[path] != content:
            diff = short_diff(expected[path].decode(), content.decode(), path)
            pytest.fail(f"{diff}\naccept with: {accept}")


def test_every_file_stands_in_a_named_stack(model: FeatureModel) -> None:
    """What is copied as it is has no golden of its own: so a tree must hold it to the letter."""
    shown = {
        source.file
        for each in STACKS.values()
        for source in TEMPLATE.sources
        if source.member
        in resolve(TEMPLATE.catalog, each["patterns"], each.get("choices", {})).members
    }
    missing = {
        source.member: told(answer)
        for source in TEMPLATE.sources
        if source.file not in shown and (answer := model.smallest(model.having(source.member)))
    }

    assert missing == {}, "name a stack in golden/stacks.yml that has these members"


def test_a_template_has_a_handful_of_variants(model: FeatureModel) -> None:
    """A file with more usually lacks a seam: its parts should meet through a gathering."""
    counts = {s.path: len(variants(TEMPLATE, s, model).all) for s in TEMPLATES}

    assert {path: n for path, n in counts.items() if n > HANDFUL} == {}
