"""Write on the master and read on its clones, then stop the master and read on.

The servers are those that an earlier step started and wrote down in `.local/servers.json`. The
stand-in for systemd starts no timers, so this runs the clones' copies, as their timers would.

    python local/steps/77-content.py          show it; the exit code is 1 if a clone does not follow
    python local/steps/77-content.py down     forget where the master listened
"""

import json
import os
import re
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from booted import LOCAL, servers

Server = Mapping[str, str]

NAME = "shown.txt"


def ask(server: Server, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and content of an answer.

    Raises:
        SystemExit: There is none.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"{server['url']}{path}", method=method, data=body)
    try:
        with direct.open(request, timeout=10) as answer:
            return answer.status, bytes(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        sys.exit(f"{server['name']} at {server['url']} does not answer: {error}")


def told(server: Server) -> Mapping[str, Any]:
    """What a server says of its content; nothing where it has none."""
    status, body = ask(server, "GET", "/content")
    return dict(json.loads(body)) if status == 200 else {}


def mark(server: Server) -> str:
    """What tells this server's content from any other."""
    settings = (Path(server["root"]) / "etc").glob("*/app.env")
    found = re.search(r'^APP_CONTENT_FOLDER="(.*)"$', next(settings).read_text(), re.MULTILINE)
    return (Path(found[1]) / ".content").read_text() if found else ""


def under(server: Server) -> dict[str, str]:
    """The variables that programs of this server run with."""
    path = f"{LOCAL / 'bin'}:{os.environ['PATH']}"
    return {**os.environ, "ROOT": server["root"], "PATH": path}


def follow(clone: Server) -> bool:
    """Copy once, as the timer of this clone would; the answer is whether it worked."""
    root = Path(clone["root"])
    settings = (root / "etc/content/sync.env").read_text(encoding="utf-8")
    named = dict(re.findall(r'^(\w+)="(.*)"$', settings, re.MULTILINE))
    done = subprocess.run(
        [str(root / "usr/local/sbin/content-sync")],
        env={**under(clone), **named},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0


def systemctl(server: Server, command: str) -> None:
    """Start or stop what offers the master's content."""
    words = [str(LOCAL / "bin/systemctl"), command, "content.service"]
    subprocess.run(words, env=under(server), check=True)


def main() -> None:
    roles = {server["name"]: told(server).get("role") for server in servers()}
    masters = [server for server in servers() if roles[server["name"]] == "master"]
    clones = [server for server in servers() if roles[server["name"]] == "clone"]
    # Of several servers that stand alone, clones follow one.
    followed = [one for one in masters if clones and mark(one) == mark(clones[0])]
    if len(followed) != 1:
        sys.exit(f"there should be one master, and clones of it: {roles}")
    [master] = followed
    word = secrets.token_hex(4).encode()

    status, said = ask(master, "PUT", f"/content/{NAME}", word)
    if status != 202:
        sys.exit(f"{master['name']}, the master, answered {status}: {said!r}")
    print(f"{master['name']} is the master and wrote {word.decode()} to {NAME}")
    for clone in clones:
        status, said = ask(clone, "PUT", f"/content/{NAME}", b"lost")
        if status != 421:
            sys.exit(f"{clone['name']}, a clone, took what it should refuse: {status} {said!r}")
        if not follow(clone) or ask(clone, "GET", f"/content/{NAME}") != (200, word):
            sys.exit(f"{clone['name']} did not follow the master")
    print(f"{len(clones)} clones refused to write, copied, and read the same")

    systemctl(master, "stop")
    try:
        for clone in clones:
            if follow(clone) or ask(clone, "GET", f"/content/{NAME}") != (200, word):
                sys.exit(f"{clone['name']} lost its copy, or took one without a master")
    finally:
        systemctl(master, "start")
    print("the master is gone: no clone could copy, and all read on")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    if sys.argv[1:] == ["down"]:
        (LOCAL / "content.port").unlink(missing_ok=True)
    else:
        main()
