"""Run a command of ours: whatever ends it, a user sees one message and an exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

from cdp_scaffold.errors import ScaffoldError
from cdp_scaffold.interrupts import ending_cleanly


def run(command: Callable[[], object], complain: Callable[[ScaffoldError], None]) -> None:
    """Run it, and leave the program if it does not come to its end.

    Args:
        command: Reads the arguments of the program.
        complain: Shows an error that we know.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may not know each of our letters
    try:
        with ending_cleanly():
            command()
    except ScaffoldError as error:
        complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
