"""Whether what stands behind the application works: one check for each dependency.

A feature appends a `Check` to `app.state.checks` for each thing that it cannot do without.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

START_SECONDS = 5.0
"""How long the look after a start waits for a dependency."""


@dataclass(frozen=True, slots=True)
class Check:
    """How to find out whether one dependency works."""

    name: str
    probe: Callable[[], Awaitable[object]]
    """Asks the dependency for something small, and raises if it does not work.

    It may be cancelled at any time: that is how a dependency that hangs is given up on.
    """
    shared: bool
    """All servers lean on the same one, so without this server nothing is better."""


async def fault(check: Check, seconds: float) -> Exception | None:
    """Run a check, and return what is wrong; nothing where the dependency works."""
    try:
        async with asyncio.timeout(seconds) as limit:
            await check.probe()
    except Exception as error:
        return TimeoutError(f"no answer within {seconds:g} s") if limit.expired() else error
    return None


async def faults(checks: Sequence[Check], seconds: float) -> dict[Check, Exception]:
    """Run all checks at once, and return what is wrong with those that do not work."""
    found = await asyncio.gather(*(fault(check, seconds) for check in checks))
    return {check: error for check, error in zip(checks, found, strict=True) if error is not None}


def warn(check: Check, error: Exception) -> None:
    """Write into the log that a dependency does not work, and why."""
    reason = f"{type(error).__name__}: {error}"
    log.warning("a dependency fails", extra={"dependency": check.name, "reason": reason})


async def look(checks: Sequence[Check]) -> None:
    """Warn of each dependency that does not work, so that a start in vain is no riddle."""
    for check, error in (await faults(checks, START_SECONDS)).items():
        warn(check, error)
