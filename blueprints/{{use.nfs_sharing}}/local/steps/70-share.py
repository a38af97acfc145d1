"""Write a file on one server, and read it on another.

The servers are those that an earlier step started and wrote down in `.local/servers.json`. The
mock AWS serves no files: `local/stubs/mount` lets each server's mount point lead to one folder,
which is all that stands in for the network here.

    python local/steps/70-share.py          show it; the exit code is 1 if the file is not shared
    python local/steps/70-share.py down     take that folder away
"""

import secrets
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from booted import LOCAL, two

SHARES = LOCAL / "shares"

NAME = "shown.txt"

PATIENCE = 60
"""Seconds until a copy must have followed, where servers read from one."""


def ask(method: str, server: Mapping[str, str], path: str, body: bytes | None = None) -> bytes:
    """What the server answers; nothing where there is no such file.

    Raises:
        SystemExit: It does not answer, or refuses.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"{server['url']}{path}", method=method, data=body)
    try:
        with direct.open(request, timeout=10) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        if (method, error.code) == ("GET", 404):
            return b""
        sys.exit(f"{server['name']}: {method} {path} ended in {error.code}: {error.read()!r}")
    except OSError as error:
        sys.exit(f"{server['name']} at {server['url']} does not answer: {error}")


def main() -> None:
    writer, reader = two("a file that is shared")
    secret = secrets.token_hex(4).encode()

    ask("PUT", writer, f"/shared/{NAME}", secret)
    print(f"{writer['name']} ({writer['url']}) wrote {secret.decode()} to {NAME}")

    began = time.monotonic()
    while (found := ask("GET", reader, f"/shared/{NAME}")) != secret:
        if time.monotonic() - began > PATIENCE:
            sys.exit(f"the file is not shared: {reader['name']} ({reader['url']}) found {found!r}")
        time.sleep(0.2)
    seconds = time.monotonic() - began
    print(f"{reader['name']} ({reader['url']}) read the same there after {seconds:.1f} s")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    if sys.argv[1:] == ["down"]:
        shutil.rmtree(SHARES, ignore_errors=True)
    else:
        main()
