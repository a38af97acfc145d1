"""One AWS provider that keeps running, where Terraform would start one for every single test."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

VARIABLE = "TF_REATTACH_PROVIDERS"

LARGE = 1_500_000_000
"""Bytes of memory beyond which it is replaced: what it is asked it never forgets."""

CONFIGURATION = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
"""


class Provider:
    """The provider, started where it is asked for, and anew where it ended or grew large.

    Each start takes longer than most tests. `-debug` is the provider's own way to be used so.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""

    @property
    def address(self) -> str:
        """The value of `VARIABLE` under which Terraform finds it."""
        process = self._process
        if process is None or process.poll() is not None or _memory(process.pid) > LARGE:
            self.close()
            self._start()
        return self._address

    def close(self) -> None:
        """End it; whoever asks for it later starts another one."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        log = self.folder / "log"
        # It lives long, so it clears away as usual, whatever Terraform is told.
        variables = {k: v for k, v in os.environ.items() if k not in ("GOGC", "GOMEMLIMIT")}
        with log.open("w") as told:
            self._process = subprocess.Popen(
                [self._program(), "-debug"], env=variables, stdout=told, stderr=told
            )
        deadline = time.monotonic() + 120
        while not (found := re.search(rf"{VARIABLE}='(.*)'", log.read_text())):
            assert self._process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        self._address = found[1]

    def _program(self) -> Path:
        if not (self.folder / ".terraform").exists():
            (self.folder / "main.tf").write_text(CONFIGURATION)
            subprocess.run(
                ["terraform", "init", "-backend=false", "-input=false"],
                cwd=self.folder,
                check=True,
                capture_output=True,
            )
        [program] = self.folder.glob(
            ".terraform/providers/*/hashicorp/aws/*/*/terraform-provider-aws*"
        )
        return program


def _memory(pid: int) -> int:
    """Bytes that a process holds; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0
