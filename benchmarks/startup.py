"""How much CPU time the quick commands take beyond the bare interpreter.

Usage: python benchmarks/startup.py [RUNS]. Each command runs in a process of its own; told is the
median, and what is left when the median of an interpreter that does nothing is taken away.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

import yaml

ROOT = Path(__file__).parent.parent
STACKS = yaml.safe_load((ROOT / "golden" / "stacks.yml").read_text(encoding="utf-8"))
PATTERN: str = STACKS["web_shop"]["patterns"][0]
LIMIT = 0.2
"""Seconds that `cdp --help` and `cdp list` may take beyond the bare interpreter."""

COMMANDS = {
    "the bare interpreter": ["-c", "pass"],
    "cdp --help": ["-m", "cdp_scaffold.cli", "--help"],
    "cdp --version": ["-m", "cdp_scaffold.cli", "--version"],
    "cdp list": ["-m", "cdp_scaffold.cli", "list"],
    "cdp list --json": ["-m", "cdp_scaffold.cli", "list", "--json"],
    "cdp show PATTERN": ["-m", "cdp_scaffold.cli", "show", PATTERN],
    "cdp resolve PATTERN": ["-m", "cdp_scaffold.cli", "resolve", PATTERN],
}


def cpu(arguments: list[str]) -> float:
    """The CPU seconds, user and system, of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    for arguments in COMMANDS.values():
        cpu(arguments)  # compiles what is not compiled yet
    times = {name: median(cpu(each) for _ in range(runs)) for name, each in COMMANDS.items()}
    bare = times["the bare interpreter"]
    print(f"{'median of ' + str(runs):30} {'seconds':>8} {'beyond bare':>12} {'of the limit':>13}")
    for name, seconds in times.items():
        beyond = seconds - bare
        print(f"{name:30} {seconds:8.3f} {beyond:12.3f} {beyond / LIMIT:13.0%}")


if __name__ == "__main__":
    main()
