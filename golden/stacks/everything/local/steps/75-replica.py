"""Take the share away, and read on from the copies that the servers have.

The servers are those that an earlier step started and wrote down in `.local/servers.json`. The
share is the folder beside them that their mount points lead to.

    python local/steps/75-replica.py          show it; the exit code is 1 if reading stops
    python local/steps/75-replica.py down     nothing to end: the share was given back
"""

import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from booted import LOCAL, servers

SHARES = LOCAL / "shares"

NAME = "copied.txt"

PATIENCE = 60
"""Seconds until a copy must have followed the share."""


def ask(method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and content of an answer."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(urllib.request.Request(url, method=method, data=body), timeout=30) as got:
            return got.status, bytes(got.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        sys.exit(f"{url} does not answer: {error}")


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    """Come back once something is so.

    Raises:
        SystemExit: It never was.
    """
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            sys.exit(f"after {PATIENCE} s it is still not so that {what}")
        time.sleep(0.2)


def main() -> None:
    urls = [server["url"] for server in servers()]
    first, later = secrets.token_hex(4).encode(), secrets.token_hex(4).encode()

    def all_read(content: bytes) -> bool:
        return all(ask("GET", f"{url}/shared/{NAME}") == (200, content) for url in urls)

    ask("PUT", f"{urls[0]}/shared/{NAME}", first)
    wait_for("every server has a copy", lambda: all_read(first))
    print(f"{len(urls)} servers have a copy of {NAME}")

    away = SHARES.rename(SHARES.with_name("shares-away"))
    try:
        if not all_read(first):
            sys.exit("without the share, some server does not read on")
        status, _ = ask("PUT", f"{urls[0]}/shared/{NAME}", later)
        if status != 503:
            sys.exit(f"without the share, a write was answered with {status} instead of 503")
        print("the share is gone: all read on from their copies, and writes are refused")
    finally:
        away.rename(SHARES)

    ask("PUT", f"{urls[0]}/shared/{NAME}", later)
    wait_for("the copies follow again", lambda: all_read(later))
    print("the share is back: all copies follow it again")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    if sys.argv[1:] != ["down"]:
        main()
