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
    """Answer requests one after the other.

    moto keeps all in lists and mappings that it does not guard: of two changes at once, one may
    be lost, and what is there not be found.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._lock = Lock()

    def __call__(self, *request: Any) -> Iterable[bytes]:
        """Answer when no other request is at work."""
        with self._lock:
            answer = self._app(*request)
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
