"""Programs: run one to its end, look for one by its number, stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    each: Callable[[str], None] | None = None,
) -> int:
    """Run a program to its end, also through Ctrl-C.

    The program hears Ctrl-C from the terminal itself and winds up in its own way: Terraform
    writes its state first. Killing it in the middle would leave things nobody knows of.

    Args:
        command: The program and its arguments.
        environment: All its variables.
        each: Gets every line it prints; without, they go to the terminal.

    Raises:
        KeyboardInterrupt: It ended after Ctrl-C, or after this process was told to end.
    """
    told: list[int] = []

    def hear(number: int, _: FrameType | None) -> None:
        told.append(number)
        if number == signal.SIGTERM and len(told) == 1:
            process.send_signal(signal.SIGINT)  # nobody else tells it

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=None if each is None else subprocess.PIPE,
        stderr=None if each is None else subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    for number in before:
        signal.signal(number, hear)
    try:
        for line in process.stdout or ():
            if each is not None:
                each(line.rstrip("\n"))
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if told:
        raise KeyboardInterrupt
    return code


def runs(pid: int, program: Path) -> bool:
    """Whether process `pid` runs `program`; a number that went to another one does not count."""
    line = Path(f"/proc/{pid}/cmdline")
    if line.parent.parent.joinpath("self").exists():
        # A program that has ended and was not asked for its exit code has an empty line.
        try:
            return str(program) in line.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
    shown = subprocess.run(
        ["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return str(program) in shown and not shown.startswith("Z")


def stop(pid: int, program: Path, patience: float = 10) -> None:
    """End a process that runs `program`; first asked, then forced."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not runs(pid, program):
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        until = time.monotonic() + patience
        while runs(pid, program) and time.monotonic() < until:
            time.sleep(0.05)
