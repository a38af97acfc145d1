"""End cleanly when told to, and not in the middle of what must be whole."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDINGS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Let a request to terminate end the program like an error does, so that all is tidied up."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {}
    try:
        for number in ENDINGS:
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, end)
    except ValueError:  # not in the main thread: whoever runs us handles signals
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off whatever would end the program until the block is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *ENDINGS})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
