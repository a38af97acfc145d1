"""Where things are. Whatever the local stack writes lies in `.local/`, which git does not see."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = REPOSITORY / "local"
LOCAL = REPOSITORY / ".local"

ANSWER = LOCAL / "answer"
"""What the application answered last; gone once the stack is taken down."""

SERVERS = LOCAL / "servers.json"
"""Written by the step that starts servers, where there is one."""


def read_json(file: Path) -> Any:
    """The content of a JSON file; `None` where it is missing or was written half."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(file: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    new.replace(file)


def tail(file: Path, lines: int = 20) -> str:
    """The end of a log."""
    try:
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
