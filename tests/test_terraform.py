"""Members pass their own tests of Terraform: alone, and in the largest wishes.

Where the same tests run a second time, they run in short (see terraform_tests.py): what they ask is
the same, in fewer plans.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cdp_scaffold.bdd import FALSE
from cdp_scaffold.covering import alone
from cdp_scaffold.feature_model import told
from cdp_scaffold.resolver import Resolution
from cdp_scaffold.variants import variants
from tests.machine import needs_terraform
from tests.terraform_tests import RUN, gathered, without_refusals
from tests.test_generated import COMPANIES, MODEL, TEMPLATE, RecordProperty, terraform, write

SHARE = 20
"""Tests of the largest wish that run at one go, so that each core has some."""

ALONE = alone(MODEL)


def showing(member: str) -> list[Resolution]:
    """Wishes that show each text of each file that the member has in infra/.

    The first has the member in the smallest company: a pattern alone. The others are the smallest
    that show what neither these nor the largest company shows.
    """
    smallest = ALONE.get(member) or MODEL.smallest(MODEL.having(member))
    if smallest is None:
        return []
    answers = [smallest]
    seen = [COMPANIES[member]] if member in COMPANIES else []
    for source in TEMPLATE.sources:
        if source.member == member and source.path.startswith("infra/"):
            for text in variants(TEMPLATE, source, MODEL).all:
                shown = (MODEL.agreeing(answer) for answer in (*answers, *seen))
                if all(MODEL.both(text.wishes, here) == FALSE for here in shown):
                    answers.append(text.example)
    return answers


@dataclass(frozen=True)
class Run:
    """A wish to run tests of Terraform in."""

    answer: Resolution
    whole: Collection[str]
    """Files of tests that run as they are."""

    short: Collection[str]
    """Files of tests that run in short."""

    share: Collection[str] | None = None
    """What is left of these files, where that is not all of it."""

    @property
    def about(self) -> Collection[str]:
        """The files whose tests these are, at the least in part."""
        files = {*self.whole, *self.short}
        return files if self.share is None or set(self.share) - files else self.share

    def texts(self, tree: Mapping[str, bytes]) -> dict[str, bytes]:
        """What runs: files for `infra/tests`, made of those of the repository."""
        found = {path: tree[path] for path in self.whole} | in_short(tree, self.short)
        return found if self.share is None else {path: found[path] for path in self.share}


def runs() -> dict[str, Run]:
    """What to run to see each member's tests pass.

    They run wherever `showing` leads: all of them where it leads first, in short in the others.
    What comes along is tested in runs of its own.
    """
    found: dict[str, tuple[Resolution, list[str], list[str]]] = {}
    for source in TEMPLATE.sources:
        if source.path.endswith(".tftest.hcl"):
            for number, answer in enumerate(showing(source.member)):
                _, whole, short = found.setdefault(told(answer), (answer, [], []))
                (short if number else whole).append(source.path)
    return {name: Run(*each) for name, each in found.items()}


def in_short(tree: Mapping[str, bytes], paths: Collection[str]) -> dict[str, bytes]:
    """What is left of files of tests where all of it runs elsewhere, too."""
    return gathered({path: without_refusals(tree, path) for path in sorted(paths)})


RUNS = runs()


def passed(run: Run, folder: Path) -> int:
    """Run what there is to run; gives how many tests passed."""
    tree = TEMPLATE.tree(run.answer)
    texts = run.texts(tree)
    infra = write({**tree, **texts}, folder) / "infra"
    filters = [f"-filter={path.removeprefix('infra/')}" for path in texts]

    terraform(infra, "init", "-backend=false", "-input=false")
    told = terraform(infra, "test", *filters)

    found = re.search(r"Success! (\d+) passed, 0 failed", told)
    assert found is not None, told
    return int(found[1])


def test_runs_that_set_nothing_become_one() -> None:
    head = b'mock_provider "aws" {}\n'
    one = b"""\
# What everybody begins with.
mock_provider "aws" {}

run "one" {
  assert {
    condition = a
  }
}

run "named" {
  assert {
    condition = b
  }
}

run "other" {
  command = plan

  variables {
    c = run.named.c
  }

  assert {
    condition = c
  }
}

run "later" {
  assert {
    condition = a == run.named.a
  }
}
"""
    two = b"""\
mock_provider "aws" {}

run "two" {
  command = plan

  # What it is about.
  assert {
    condition = d
  }

  assert {
    condition = e
  }
}
"""
    stranger = two.replace(b'"aws"', b'"gcp"').replace(b'"two"', b'"three"')

    short = gathered({"1": one, "2": two, "3": stranger})

    assert list(short) == ["1", "3", "infra/tests/as_it_is_0.tftest.hcl"]
    assert [run["name"] for run in RUN.finditer(short["1"])] == [b"named", b"other", b"later"]
    assert short["3"] == stranger
    together = short["infra/tests/as_it_is_0.tftest.hcl"]
    [run] = RUN.finditer(together)
    asserted = (f"assert {{ condition = {each} }}" for each in "ade")
    assert run["body"].split() == " ".join(asserted).encode().split()
    assert together.startswith(head)
    assert gathered(short) == short


@needs_terraform
@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("name", RUNS)
def test_a_member_passes_its_terraform_tests(
    name: str, tmp_path: Path, record_property: RecordProperty
) -> None:
    """In the smallest company: what a test relies on comes with what it tests."""
    record_property(
        "proof: Terraform tests that pass in the smallest wishes", passed(RUNS[name], tmp_path)
    )


def in_company() -> list[Run]:
    """The tests of all members in the largest wishes that have them, in shares."""
    held: dict[str, tuple[Resolution, list[str]]] = {}
    for source in TEMPLATE.sources:
        if source.path.endswith(".tftest.hcl") and source.member in COMPANIES:
            answer = COMPANIES[source.member]
            held.setdefault(told(answer), (answer, []))[1].append(source.path)
    found: list[Run] = []
    for answer, paths in held.values():
        texts = in_short(TEMPLATE.tree(answer), paths)
        tests = {path: text.count(b"\nrun ") for path, text in texts.items()}
        # Long ones first, each to the share that has least to do.
        shares: list[list[str]] = [[] for _ in range(-(-sum(tests.values()) // SHARE))]
        for path in sorted(tests, key=lambda each: -tests[each]):
            min(shares, key=lambda each: sum(tests[p] for p in each)).append(path)
        found += (Run(answer, (), paths, share) for share in shares)
    return found


COMPANY = in_company()


@needs_terraform
@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("share", range(len(COMPANY)))
def test_the_largest_wish_passes_its_terraform_tests(
    share: int, tmp_path: Path, record_property: RecordProperty
) -> None:
    """Every member's tests hold in all company that it can have."""
    number = passed(COMPANY[share], tmp_path)

    record_property("proof: Terraform tests that pass in the largest wish", number)
