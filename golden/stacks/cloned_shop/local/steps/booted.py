"""The servers that `50-boot.py` started and wrote down, for later steps that ask them something."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

LOCAL = Path(__file__).resolve().parents[2] / ".local"
SERVERS = LOCAL / "servers.json"


def servers() -> list[Mapping[str, str]]:
    """Each server's name, root and url.

    Raises:
        SystemExit: None was started.
    """
    try:
        known: list[Mapping[str, str]] = json.loads(SERVERS.read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit(f"{SERVERS} is missing; an earlier step starts the servers and writes it")
    return known


def two(who: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Two of them.

    Args:
        who: What needs them, for the message.

    Raises:
        SystemExit: There are not two.
    """
    known = servers()
    if len(known) < 2:
        sys.exit(f"{who} needs two servers; {SERVERS} knows {len(known)}")
    return known[0], known[1]
