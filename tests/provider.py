"""One AWS provider that keeps running, where Terraform would start one for every single test."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "TF_REATTACH_PROVIDERS"

CONFIGURATION = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
"""


@contextmanager
def running_provider(folder: Path) -> Iterator[str]:
    """The value of `VARIABLE` under which Terraform finds the provider; it ends with the block.

    Each start takes longer than most tests. `-debug` is the provider's own way to be used so.
    """
    (folder / "main.tf").write_text(CONFIGURATION)
    subprocess.run(
        ["terraform", "init", "-backend=false", "-input=false"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    [program] = folder.glob(".terraform/providers/*/hashicorp/aws/*/*/terraform-provider-aws*")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, "-debug"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        address = None
        while address is None:
            told = (folder / "log").read_text()
            assert process.poll() is None and time.monotonic() < deadline, told
            time.sleep(0.1)
            address = re.search(rf"{VARIABLE}='(.*)'", told)
        yield address[1]
    finally:
        process.terminate()
        process.wait()
