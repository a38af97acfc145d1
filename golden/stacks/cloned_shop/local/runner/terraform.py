"""Terraform, with the copy and the mock it works on."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import process
from errors import LocalError
from places import HERE, LOCAL
from stack import STATE

LOG = LOCAL / "terraform.log"
PLAN = LOCAL / "second.tfplan"
VARIABLES = HERE / "variables.tfvars"

EVERY = 10
"""Seconds between two lines that tell how far it is."""


def require() -> None:
    """Say so at once where there is no Terraform.

    Raises:
        LocalError: It is not on the path.
    """
    if shutil.which("terraform") is None:
        raise LocalError(
            "terraform was not found; the local stack is built with it\n"
            "install it (developer.hashicorp.com/terraform/install) and run this again"
        )


@dataclass
class Terraform:
    """Terraform commands in one folder."""

    folder: Path
    variables: Mapping[str, str]
    say: Callable[[str], None]

    def init(self) -> None:
        """Fetch the provider and set up the state, both under `.local/`."""
        self._run("init", "-input=false", "-no-color", "-reconfigure")

    def apply(self) -> None:
        """Bring the mock to what the files say."""
        self._follow("apply", "-auto-approve", "-input=false", "-json", f"-var-file={VARIABLES}")

    def destroy(self) -> None:
        """Take away everything in the state."""
        self._follow("destroy", "-auto-approve", "-input=false", "-json", f"-var-file={VARIABLES}")

    def plan(self) -> dict[str, Any]:
        """What Terraform would change now."""
        self._run("plan", "-input=false", "-no-color", f"-out={PLAN}", f"-var-file={VARIABLES}")
        plan: dict[str, Any] = json.loads(self._read("show", "-json", str(PLAN)))
        PLAN.unlink()
        return plan

    def output(self, name: str) -> Any:
        """One output; `None` where there is none of this name."""
        return json.loads(self._read("output", "-json") or "{}").get(name, {}).get("value")

    def resources(self) -> list[str]:
        """Addresses of all that is in the state."""
        return self._read("state", "list").split() if STATE.is_file() else []

    def _environment(self) -> dict[str, str]:
        return {
            **self.variables,
            "TF_DATA_DIR": str(LOCAL / "terraform"),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
        }

    def _command(self, *arguments: str) -> list[str]:
        return ["terraform", f"-chdir={self.folder}", *arguments]

    def _read(self, *arguments: str) -> str:
        done = subprocess.run(
            self._command(*arguments),
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LocalError(f"terraform {arguments[0]} failed:\n{done.stderr.strip()}")
        return done.stdout

    def _run(self, *arguments: str) -> None:
        """Run a command whose output matters only if it fails."""
        lines: list[str] = []
        with LOG.open("a", encoding="utf-8") as log:

            def each(line: str) -> None:
                lines.append(line)
                print(line, file=log, flush=True)

            code = process.run(self._command(*arguments), self._environment(), each)
        if code:
            raise LocalError(f"terraform {arguments[0]} failed:\n" + "\n".join(lines[-40:]))

    def _follow(self, *arguments: str) -> None:
        """Run a command that changes much, and tell how far it is."""
        progress = _Progress(self.say)
        with LOG.open("a", encoding="utf-8") as log:

            def each(line: str) -> None:
                print(line, file=log, flush=True)
                progress.hear(line)

            code = process.run(self._command(*arguments), self._environment(), each)
        if code:
            errors = "\n\n".join(progress.errors) or f"see {LOG}"
            raise LocalError(f"terraform {arguments[0]} failed:\n{errors}")
        self.say(progress.result)


class _Progress:
    """Follow what `terraform … -json` tells, one JSON object a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.errors: list[str] = []
        self.result = "nothing to change"
        self._say = say
        self._todo = 0
        self._done = 0
        self._at_work: dict[str, None] = {}
        self._last = time.monotonic()

    def hear(self, line: str) -> None:
        """Take in one line."""
        try:
            event = json.loads(line)
        except ValueError:
            self.errors.append(line)
            return
        kind = event.get("type")
        if kind == "planned_change":
            self._todo += event["change"]["action"] not in ("noop", "read")
        elif kind == "apply_start":
            self._at_work[event["hook"]["resource"]["addr"]] = None
        elif kind in ("apply_complete", "apply_errored"):
            self._at_work.pop(event["hook"]["resource"]["addr"], None)
            self._done += event["hook"]["action"] != "read"
        elif kind == "change_summary":
            told = event["changes"]
            if told["operation"] != "plan" and told["add"] + told["change"] + told["remove"]:
                self.result = "{add} added, {change} changed, {remove} removed".format(**told)
        elif kind == "diagnostic" and event["diagnostic"]["severity"] == "error":
            self.errors.append(_worded(event["diagnostic"]))
        if time.monotonic() - self._last >= EVERY and self._todo:
            self._last = time.monotonic()
            at_work = ", ".join([*self._at_work][:2]) + (", …" if len(self._at_work) > 2 else "")
            self._say(f"{self._done} of {self._todo} done" + (f"; at {at_work}" if at_work else ""))


def _worded(diagnostic: Mapping[str, Any]) -> str:
    place = diagnostic.get("range") or {}
    where = f"{place['filename']}:{place['start']['line']}" if place else ""
    at = " at ".join(filter(None, [diagnostic.get("address", ""), where]))
    lines = [f"{diagnostic['summary']}" + (f" ({at})" if at else ""), diagnostic.get("detail", "")]
    return "\n".join(filter(None, lines))
