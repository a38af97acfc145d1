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
    """Put off whatever would end the program until the block is done.

    Programs that are started in it inherit the mask; another thread of this one may be handed a
    signal in spite of it, and for that the handlers wait as well.
    """
    numbers = (signal.SIGINT, *ENDINGS)
    waiting: list[int] = []
    handlers = {}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        for number in numbers:
            handlers[number] = signal.signal(number, lambda got, _: waiting.append(got))
    except ValueError:  # not in the main thread, to which no handler is called
        pass
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if waiting:
            signal.raise_signal(waiting[0])
