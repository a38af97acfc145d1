"""What Checkov says of the generated web shop and of one written by hand, as tutorials write it.

Usage: python benchmarks/security.py. Both have the same parts (see tutorial/README.md); scanner,
rules and settings are the same, those of tools/scan.py. A rule is counted once for each block it
looks at. What the generated one suppresses is not met, though accepted, so it counts beside what
fails wherever the two are compared. Rules have a severity only on Checkov's platform, which is not
asked; those below are as its public policy reference (Prisma Cloud, build policies) lists them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve

ROOT = Path(__file__).parent.parent
STACKS = yaml.safe_load((ROOT / "golden" / "stacks.yml").read_text(encoding="utf-8"))
SHOP: list[str] = STACKS["web_shop"]["patterns"]
TUTORIAL = ROOT / "benchmarks" / "tutorial"

SEVERITIES = {
    "high": "CKV_AWS_28 CKV_AWS_103",
    "medium": """
        CKV_AWS_2 CKV_AWS_26 CKV_AWS_68 CKV_AWS_79 CKV_AWS_130 CKV_AWS_131 CKV_AWS_174 CKV_AWS_305
        CKV_AWS_310 CKV_AWS_378 CKV2_AWS_28 CKV2_AWS_42 CKV2_AWS_47 CKV2_AWS_61
    """,
    "low or for information": """
        CKV_AWS_18 CKV_AWS_21 CKV_AWS_23 CKV_AWS_86 CKV_AWS_91 CKV_AWS_119 CKV_AWS_144 CKV_AWS_145
        CKV_AWS_150 CKV_AWS_158 CKV_AWS_260 CKV_AWS_338 CKV_AWS_374 CKV_AWS_382 CKV2_AWS_6
        CKV2_AWS_11 CKV2_AWS_12 CKV2_AWS_15 CKV2_AWS_20 CKV2_AWS_34 CKV2_AWS_62
    """,
}
NOT_LISTED = "not listed there"
SEVERITY = {rule: severity for severity, rules in SEVERITIES.items() for rule in rules.split()}


def reports() -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the generated shop and of the tutorial's."""
    template = Template(ROOT)
    answer = resolve(template.catalog, SHOP)
    assert isinstance(answer, Resolution)
    with tempfile.TemporaryDirectory(prefix="cdp-bench.") as place:
        for path, content in template.tree(answer).items():
            if path.startswith("infra/") and path.count("/") == 1:
                (Path(place) / Path(path).name).write_bytes(content)
        command = [sys.executable, str(ROOT / "tools" / "scan.py"), place, str(TUTORIAL)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    ours, theirs = json.loads(done.stdout)
    return ours, theirs


def unmet(report: dict[str, Any]) -> set[str]:
    """The rules that some block does not meet."""
    return {record["check"] for record in (*report["failed"], *report["suppressed"])}


def row(what: str, *cells: object) -> None:
    """Print a line of the table."""
    print(f"{what:46}" + "".join(f"{cell:>12}" for cell in cells))


def main() -> None:
    """Print the table."""
    both = reports()
    row("", "generated", "tutorial")
    row("lines of Terraform", *(each["lines"] for each in both))
    row("resource blocks", *(each["resources"] for each in both))
    counts = [{key: len(each[key]) for key in ("passed", "failed", "suppressed")} for each in both]
    row("passed", *(each["passed"] for each in counts))
    row("failed", *(each["failed"] for each in counts))
    for severity in (*SEVERITIES, NOT_LISTED):
        found = [
            sum(SEVERITY.get(record["check"], NOT_LISTED) == severity for record in each["failed"])
            for each in both
        ]
        row(f"  of severity {severity}" if severity != NOT_LISTED else f"  {severity}", *found)
    row("suppressed in place, with the reason", *(each["suppressed"] for each in counts))
    row("passed, of all", *(f"{each['passed'] / sum(each.values()):.0%}" for each in counts))
    for what in ("failed", "suppressed"):
        share = (
            100 * each[what] / report["resources"]
            for each, report in zip(counts, both, strict=True)
        )
        row(f"{what}, per 100 resource blocks", *(f"{number:.0f}" for number in share))

    ours, theirs = map(unmet, both)
    print(f"\n{len(ours | theirs)} rules are not met by every block of both:")
    for what, rules in (
        ("failed by the tutorial, met by the generated", theirs - ours),
        ("failed by the tutorial, suppressed in the generated", theirs & ours),
        ("suppressed in the generated, met by the tutorial or not asked", ours - theirs),
    ):
        print(f"  {what}: {len(rules)}")
        print(f"    {' '.join(sorted(rules, key=lambda each: (each[:5], len(each), each)))}")
    if both[0]["failed"]:
        sys.exit("the generated shop does not pass; tests/test_security.py says what and where")


if __name__ == "__main__":
    main()
