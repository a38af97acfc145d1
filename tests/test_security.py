"""Checkov finds nothing in what is generated, beside what is suppressed where it stands.

Which rules are of high severity only Checkov's platform says, and it is asked for nothing here. So
no rule may fail at all. docs/security.md tells what is suppressed, and why.
"""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold.covering import alone, largest
from cdp_scaffold.feature_model import told
from cdp_scaffold.resolver import Resolution
from tests.conftest import ROOT
from tests.machine import needs_terraform
from tests.test_generated import (
    MODEL,
    TEMPLATE,
    RecordProperty,
    resolved,
    terraform,
    write,
)

SCANNER = ROOT / "tools" / "scan.py"
SUPPRESSION = re.compile(r"(?m)^ *# checkov:skip=.*\n")
PARTS = 2
"""Shares of the wishes, for as many cores."""

MISTAKES = b"""\
resource "aws_vpc_security_group_ingress_rule" "mistake" {
  count = var.alarms_email == null ? 1 : 0

  security_group_id = aws_security_group.servers.id
  description       = "Everybody"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_sns_topic" "mistake" {
  # checkov:skip=CKV_AWS_26
  name = "mistake"
}
"""


def read(answer: Resolution) -> dict[str, bytes]:
    """What Checkov reads of a repository."""
    return {
        path: text
        for path, text in TEMPLATE.tree(answer).items()
        if path.startswith("infra/") and path.count("/") == 1 and path.endswith(".tf")
    }


@cache
def wishes() -> dict[str, dict[str, bytes]]:
    """Each pattern and each option alone, and the largest wishes; equal infrastructure once."""
    found: dict[tuple[tuple[str, bytes], ...], str] = {}
    for answer in (*alone(MODEL).values(), *largest(MODEL)):
        found.setdefault(tuple(sorted(read(answer).items())), told(answer))
    return {name: dict(tree) for tree, name in found.items()}


def scan(trees: Mapping[str, Mapping[str, bytes]], folder: Path) -> dict[str, dict[str, Any]]:
    """What Checkov says of each."""
    folders = [
        write(dict(tree), folder / str(number)) / "infra"
        for number, tree in enumerate(trees.values())
    ]
    done = subprocess.run(
        [sys.executable, SCANNER, *folders], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(trees, json.loads(done.stdout), strict=True))


def findings(reports: Mapping[str, dict[str, Any]]) -> list[str]:
    """What is to be mended or accepted, each with the first wish that shows it."""
    found: dict[tuple[str, ...], str] = {}
    for wish, report in reports.items():
        silent = [record for record in report["suppressed"] if not record["reason"]]
        for records, tell in ((report["failed"], failure), (silent, silence)):
            for record in records:
                block = record["file"], record["resource"].partition("[")[0], record["check"]
                found.setdefault(block, tell(wish, record))
    return list(found.values())


def failure(wish: str, record: Mapping[str, Any]) -> str:
    path = f"infra/{record['file']}"
    owners = [str(source.file) for source in TEMPLATE.sources if source.path == path]
    return (
        f"{wish}: {path}:{record['line']} {record['resource']} fails {record['check']} "
        f"({record['name']})\n"
        f"  Mend it in {' or '.join(owners) or path}. Where a security reviewer would accept it,\n"
        f"  write inside the block: # checkov:skip={record['check']}: <why it may be so here>"
    )


def silence(wish: str, record: Mapping[str, Any]) -> str:
    where = f"{wish}: infra/{record['file']}:{record['line']} {record['resource']}"
    return f"{where} suppresses {record['check']} and does not say why"


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_found(part: int, tmp_path: Path, record_property: RecordProperty) -> None:
    """In every single wish and the largest; every block was read, and every reason is there."""
    names = list(wishes())[part::PARTS]

    reports = scan({name: wishes()[name] for name in names}, tmp_path)

    found = findings(reports)
    assert not found, "\n".join(found)
    for wish, report in reports.items():
        assert report["unread"] == [], wish
        assert report["seen"] == report["resources"] > 0, wish
    record_property("proof: distinct infrastructures that are scanned", len(reports))
    for what in ("passed", "suppressed"):
        number = sum(len(report[what]) for report in reports.values())
        record_property(f"proof: rules of security, {what}", number)


def test_a_mistake_is_found(tmp_path: Path) -> None:
    """An open door, though Checkov takes its `count` for 0, and a suppression without a reason."""
    tree = {**read(resolved(["bootstrap"])), "infra/mistakes.tf": MISTAKES}

    assert "\n".join(findings(scan({"bootstrap": tree}, tmp_path))) == (
        "bootstrap: infra/mistakes.tf:1 aws_vpc_security_group_ingress_rule.mistake fails "
        "CKV_AWS_24 (Ensure no security groups allow ingress from 0.0.0.0:0 to port 22)\n"
        "  Mend it in infra/mistakes.tf. Where a security reviewer would accept it,\n"
        "  write inside the block: # checkov:skip=CKV_AWS_24: <why it may be so here>\n"
        "bootstrap: infra/mistakes.tf:12 aws_sns_topic.mistake suppresses CKV_AWS_26 and does "
        "not say why"
    )


@pytest.mark.slow
def test_what_is_suppressed_would_be_found(tmp_path: Path) -> None:
    """A suppression goes when what it is about goes."""
    bare = {
        wish: {path: SUPPRESSION.sub("", text.decode()).encode() for path, text in tree.items()}
        for wish, tree in wishes().items()
    }

    def told_of(reports: Iterable[dict[str, Any]], what: str) -> set[tuple[str, str]]:
        return {
            (record["resource"].partition("[")[0], record["check"])
            for report in reports
            for record in report[what]
        }

    suppressed = told_of(scan(wishes(), tmp_path / "as it is").values(), "suppressed")
    assert suppressed == told_of(scan(bare, tmp_path / "bare").values(), "failed")


def test_make_scan_says_so_too(tmp_path: Path) -> None:
    """A generated repository asks Checkov itself; here with the environment that we have."""
    repository = write(TEMPLATE.tree(resolved(["bootstrap"])), tmp_path / "repository")
    environment = runpy.run_path(str(SCANNER))["environment"]().parent
    scanner = tmp_path / "venv" / "checkov"
    scanner.mkdir(parents=True)
    (scanner / "bin").symlink_to(environment)
    (scanner / ".ready").touch()

    def make_scan() -> tuple[int, list[str]]:
        done = subprocess.run(
            ["make", "scan", f"VENV={tmp_path / 'venv'}"],
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, re.findall(r"Failed checks: (\d+)", done.stdout)

    assert make_scan() == (0, ["0", "0"]), "workflows, then Terraform"
    mistake = re.sub(rb"(?m)^  count .*$", b"", MISTAKES)
    (repository / "infra" / "mistake.tf").write_bytes(mistake)
    assert make_scan() == (2, ["0", "1"])


@needs_terraform
def test_the_tutorial_is_valid(tmp_path: Path) -> None:
    """What the generated web shop is compared with would work."""
    folder = shutil.copytree(ROOT / "benchmarks" / "tutorial", tmp_path / "tutorial")

    terraform(folder, "fmt", "-check")
    terraform(folder, "init", "-backend=false", "-input=false")
    terraform(folder, "validate")


def test_the_comparison_reads_all_of_both() -> None:
    """Else who is read less would look better."""
    for report in runpy.run_path(str(ROOT / "benchmarks" / "security.py"))["reports"]():
        assert report["unread"] == []
        assert report["seen"] == report["resources"] > 0
        assert report["passed"]
