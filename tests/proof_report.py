"""A plugin of pytest: `-p tests.proof_report` ends the run with what it proved, in numbers.

A test tells a number by `record_property("proof: <what>", number)`; those of one name are summed,
over all workers. Nothing is printed that was not counted in this very run.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARK = "proof: "
FIRST = (
    "valid wishes, choices and all",
    "distinct resolutions",
    "files of blueprints",
    "templates",
    "variants in goldens",
    "fragments in goldens",
    "files of named stacks in goldens",
    "gathering files",
    "fragments put together",
    "pieces of text read",
    "definitions, each the only one",
    "references, each with its definition",
    "dependencies, none leading back to itself",
    "verdicts that a SAT solver shares",
)
"""The order of what is always told; other numbers follow by name."""


class Report:
    """What came in from the tests so far."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        self.tests: dict[str, int] = {}
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take one phase of one test in; with xdist this is called where they come together."""
        module = report.nodeid.partition("::")[0]
        self.seconds[module] = self.seconds.get(module, 0.0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)
        if report.when != "call":
            return
        self.tests[module] = self.tests.get(module, 0) + 1
        for name, value in report.user_properties if report.passed else ():
            if name.startswith(MARK):
                told = name.removeprefix(MARK)
                self.numbers[told] = self.numbers.get(told, 0) + int(value)

    def lines(self, root: Path) -> list[str]:
        """The table, or why there is nothing to tell."""
        rows = [(what, f"{number:,}") for what, number in _ordered(self.numbers)]
        wide = max((len(number) for _, number in rows), default=0)
        told = [f"{number:>{wide}}  {what}" for what, number in rows]
        if self.failed:
            told.append(f"not proven: {len(self.failed)} tests failed")
        told += ["", "seconds  tests  step, where several run at a time"]
        for module, seconds in sorted(self.seconds.items(), key=lambda each: -each[1]):
            step = f"{module}: {_purpose(root / module)}"
            told.append(f"{seconds:7.1f}  {self.tests.get(module, 0):5}  {step}")
        return told

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print it below what pytest prints."""
        terminalreporter.section("proven in this run")
        for line in self.lines(terminalreporter.config.rootpath):
            terminalreporter.write_line(line)


def pytest_configure(config: Any) -> None:
    """Listen where results come together, not in the workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report(), "proof-report")


def _ordered(numbers: Mapping[str, int]) -> list[tuple[str, int]]:
    place = {what: number for number, what in enumerate(FIRST)}
    return sorted(numbers.items(), key=lambda each: (place.get(each[0], len(place)), each[0]))


def _purpose(file: Path) -> str:
    """What a module says about itself in its first line."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]
