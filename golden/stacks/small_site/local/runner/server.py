"""The mock AWS itself: moto, with what parts of this repository add to it.

    python local/runner/server.py FILE

Serves on a free port of this machine, which only programs on this machine can reach, and writes
process number and port into FILE once it does. Each `local/patches/*.py` is loaded first and its
`patch()` called: moto lacks some things and reads others back differently.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from types import FrameType
from typing import Any

from places import HERE, write_json

os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # AWS's own policies can be attached then

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server


def patch() -> None:
    """Add what each part of this repository needs of the mock."""
    for file in sorted((HERE / "patches").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"patch_{file.stem}", file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} cannot be loaded")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.patch()


class OneAtATime:
    """Answer requests one after the other, and a call that is sent again without doing it again.

    moto keeps all in lists and mappings that it does not guard: of two changes at once, one may
    be lost. And where an answer gets lost on a busy machine, a client asks once more under the
    same id; moto would make a second load balancer, or not find what it took away just before.
    """

    KEPT = 1000
    """Answers to remember; a call is sent again within seconds or never."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._lock = Lock()
        self._answers: dict[str, tuple[tuple[Any, ...], list[bytes]]] = {}

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer when no other request is at work."""
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        with self._lock:
            if call not in self._answers:
                heads: list[tuple[Any, ...]] = []
                body = self._answer(environ, lambda *head: heads.append(head))
                if not call or not str(heads[-1][0]).startswith("2"):
                    start(*heads[-1])
                    return body
                self._answers[call] = heads[-1], body
                if len(self._answers) > self.KEPT:
                    del self._answers[next(iter(self._answers))]
            head, body = self._answers[call]
        start(*head)
        return body

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        answer = self._app(environ, start)
        try:
            return list(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()


def end(*_: int | FrameType | None) -> None:
    """Leave when told to, without a traceback in the log."""
    os._exit(0)


def main(ready: Path) -> None:
    """Serve until told to end."""
    patch()
    server = make_server(
        "127.0.0.1",
        0,
        OneAtATime(DomainDispatcherApplication(create_backend_app)),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    os.environ["MOTO_PORT"] = str(server.port)  # moto puts it into addresses it hands out
    signal.signal(signal.SIGTERM, end)
    write_json(ready, {"pid": os.getpid(), "port": server.port})
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
