#!/usr/bin/env python3
"""What Checkov says of the Terraform in each of some folders, as JSON on standard output.

Usage: tools/scan.py FOLDER...

Checkov pins a hundred packages, so it has an environment of its own, made on first use; which
version, `make scan` of a generated repository says. It asks nobody: its rules come with it.

A block whose `count` Checkov takes for 0 is passed over in silence, and it takes many for 0 that
are not, as it knows nothing of `null`. So here every block is there once, whatever its `count`.
"""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VERSION = ROOT / "blueprints" / "{{use.core}}" / ".github" / "requirements-scan.txt"
ENVIRONMENT = ROOT / ".venv" / "checkov"


def environment() -> Path:
    """A Python that has Checkov; whoever asks first makes it, and others wait."""
    wanted = VERSION.read_text(encoding="utf-8")
    ready = ENVIRONMENT / ".ready"
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    with ENVIRONMENT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
            pip = str(ENVIRONMENT / "bin" / "pip")
            install = [pip, "install", "--quiet", "--disable-pip-version-check", "-r", str(VERSION)]
            subprocess.run(install, check=True, stdout=sys.stderr)
            ready.write_text(wanted, encoding="utf-8")
    return ENVIRONMENT / "bin" / "python"


def scan(folder: Path) -> dict[str, Any]:
    """What passed, failed or is suppressed in the `*.tf` of one folder."""
    from checkov.runner_filter import RunnerFilter
    from checkov.terraform.runner import Runner

    files = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.tf")}
    with tempfile.TemporaryDirectory() as copy:
        for name, text in files.items():
            every = re.sub(r"(?m)^  count\s*=.*$", "", text)
            (Path(copy) / name).write_text(every, encoding="utf-8")
        report = Runner().run(root_folder=copy, runner_filter=RunnerFilter(framework=["terraform"]))

    def told(record: Any) -> dict[str, Any]:
        reason = record.check_result.get("suppress_comment", "").strip()
        return {
            "check": record.check_id,
            "name": record.check_name,
            "resource": record.resource,
            "file": Path(record.file_path).name,
            "line": record.file_line_range[0],
            "reason": "" if reason == "No comment provided" else reason,
        }

    return {
        "folder": str(folder),
        "lines": sum(text.count("\n") for text in files.values()),
        "resources": len(re.findall(r'(?m)^resource "', "\n".join(files.values()))),
        "seen": len({re.sub(r"\[.*", "", each) for each in report.resources}),
        "unread": [Path(each).name for each in report.parsing_errors],
        "passed": [told(record) for record in report.passed_checks],
        "failed": [told(record) for record in report.failed_checks],
        "suppressed": [told(record) for record in report.skipped_checks],
    }


def main() -> None:
    """Change over to the environment of Checkov, and scan."""
    if not sys.argv[1:]:
        sys.exit(__doc__)
    if Path(sys.prefix) != ENVIRONMENT:
        command = [str(environment()), __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, check=False).returncode)
    print(json.dumps([scan(Path(folder)) for folder in sys.argv[1:]], indent=1))


if __name__ == "__main__":
    main()
