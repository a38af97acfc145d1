"""The Terraform of generated repositories is valid: alone, in every pair, in the largest wish.

The wishes come from the feature model: few that stand for all (see covering.py). So what is checked
here grows with pairs of patterns, not with wishes. Tests of Terraform run in test_terraform.py.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from cdp_scaffold.covering import choices, pairs, representative
from cdp_scaffold.feature_model import told
from cdp_scaffold.resolver import Resolution
from tests.machine import needs_terraform
from tests.test_generated import (
    MODEL,
    TEMPLATE,
    RecordProperty,
    terraform,
    texts,
    write,
)

TERRAFORM = (".tf", ".tf.example", ".hcl", ".tfvars")
BATCHES = 2
"""Roots to validate in: each starts the provider once, and each can have a core of its own."""

PROVIDERS = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

provider "aws" {
  alias = "us_east_1"
}
"""


@needs_terraform
def test_every_text_is_formatted(tmp_path: Path, record_property: RecordProperty) -> None:
    """`terraform fmt` finds nothing to change: else a later update would conflict."""
    number = 0
    for path, each in texts().items():
        if path.endswith(TERRAFORM):
            for text in each:
                # Other names than the real ones are left alone by `terraform fmt`.
                name = path.removesuffix(".example").replace("/", ".")
                suffix = next(s for s in (".tftest.hcl", ".tfmock.hcl", *TERRAFORM) if s in name)
                (tmp_path / f"{number}.{name.removesuffix(suffix)}{suffix}").write_bytes(text)
                number += 1

    assert terraform(tmp_path, "fmt", "-check", "-list=true").strip() == ""
    record_property("proof: distinct Terraform files that are formatted", number)


def infrastructure(resolution: Resolution) -> dict[str, bytes]:
    """What Terraform reads of a repository as it validates: servers are set up with its files."""
    return {
        path: content
        for path, content in TEMPLATE.tree(resolution).items()
        if path.startswith(("infra/", "servers/"))
        and not path.startswith("infra/tests/")
        and not path.endswith(".tfvars")
    }


@cache
def validated() -> list[tuple[Resolution, dict[str, bytes]]]:
    """One wish for each distinct infrastructure of those that stand for all."""
    found: dict[tuple[tuple[str, bytes], ...], tuple[Resolution, dict[str, bytes]]] = {}
    for answer in representative(MODEL):
        tree = infrastructure(answer)
        found.setdefault(tuple(sorted(tree.items())), (answer, tree))
    return list(found.values())


def module(name: str, resolution: Resolution, tree: dict[str, bytes], folder: Path) -> str:
    """Write the infrastructure as a module of a root in `folder`; gives the lines that call it.

    The provider is configured in the root: a configuration of its own for each of many modules
    takes Terraform seven times as long.
    """
    infra = dict(tree)
    lines = [f"# {told(resolution)}", f'module "{name}" {{', f'  source = "./{name}/infra"']
    if b"us_east_1" in infra.pop("infra/provider.tf"):
        infra["infra/versions.tf"] = infra["infra/versions.tf"].replace(
            b'source  = "hashicorp/aws"',
            b'source  = "hashicorp/aws"\n      configuration_aliases = [aws.us_east_1]',
        )
        lines += [
            "  providers = {",
            "    aws           = aws",
            "    aws.us_east_1 = aws.us_east_1",
            "  }",
        ]
    write(infra, folder / name)
    for each in TEMPLATE.plugs(resolution.members).get("local.variables", []):
        lines.append(f"  {each['value']['name']} = {json.dumps(each['value']['value'])}")
    return "\n".join((*lines, "}\n"))


@needs_terraform
@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_pair_validates(batch: int, tmp_path: Path, record_property: RecordProperty) -> None:
    """So does every choice alone, and the largest wishes; as modules of one root."""
    wishes = validated()[batch::BATCHES]
    modules = [
        module(f"wish_{number}", answer, tree, tmp_path)
        for number, (answer, tree) in enumerate(wishes)
    ]
    (tmp_path / "main.tf").write_text("\n".join((PROVIDERS, *modules)))

    terraform(tmp_path, "init", "-backend=false", "-input=false")
    terraform(tmp_path, "validate")
    record_property("proof: distinct infrastructures that validate", len(wishes))


@needs_terraform
def test_what_validates_has_every_pair(record_property: RecordProperty) -> None:
    """Each two patterns, and each pattern or option with each other, if any valid wish has both."""
    answers = representative(MODEL)
    shown = MODEL.diagrams.some(MODEL.agreeing(answer) for answer in answers)
    made = list(choices(MODEL).values())
    number = 0
    for place, one in enumerate(made):
        for other in made[place:]:
            wishes = MODEL.both(one, other)
            if MODEL.smallest(wishes) is not None:
                number += 1
                assert MODEL.smallest(MODEL.both(wishes, shown)) is not None
    record_property("proof: pairs of patterns that validate", len(pairs(MODEL)))
    record_property("proof: pairs of patterns and options that validate", number)
    record_property("proof: wishes that stand for all of them", len(answers))
