"""Run the session cache on this machine, where the mock AWS has none.

Starts Valkey or Redis, whichever is installed, on loopback and at the very port that the
application is told of: the setting is read from the mock's Parameter Store. Nothing is written
to disk, so a stop ends every session.

    python local/steps/40-session-cache.py          start the cache; one that runs is started anew
    python local/steps/40-session-cache.py down     stop it
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3

FOLDER = Path(__file__).resolve().parents[2] / ".local/session-cache"
PROGRAMS = ("valkey-server", "redis-server")
SETTING = "/app/session_cache_url"


def port_of_the_setting() -> int:
    """Ask the mock AWS where the application will look for its sessions.

    Raises:
        SystemExit: There is no such setting, or it leads away from this machine.
    """
    ssm = boto3.client("ssm")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/", Recursive=True)
    parameters = [each for page in pages for each in page["Parameters"]]
    found = [each["Value"] for each in parameters if each["Name"].endswith(SETTING)]
    if not found:
        sys.exit(f"the mock AWS has no parameter …{SETTING}; was the stack applied?")
    local = re.fullmatch(r"valkey://127\.0\.0\.1:(\d+)", found[0])
    if local is None:
        sys.exit(f"…{SETTING} is {found[0]}; this step starts a cache on valkey://127.0.0.1 only")
    return int(local[1])


def program() -> str:
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    sys.exit(
        "the sessions need a cache, and neither valkey-server nor redis-server was found; install"
        " one of them, such as with `apt-get install redis-server` or `brew install valkey`"
    )


def answers(port: int) -> bool:
    """Whether a server of this protocol answers on loopback."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def pid() -> int | None:
    """The process that an earlier run started, unless the number now is another program's."""
    try:
        number, port = (FOLDER / "pid").read_text().split()
    except (OSError, ValueError):
        return None
    command = ["ps", "-o", "stat=,command=", "-p", number]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    ours = any(name in shown for name in PROGRAMS) and port in shown
    return int(number) if ours and not shown.startswith("Z") else None


def down() -> None:
    if number := pid():
        os.kill(number, signal.SIGTERM)
        for _ in range(50):
            if pid() is None:
                break
            time.sleep(0.1)
        else:
            os.kill(number, signal.SIGKILL)
        print("the session cache is stopped, its sessions are gone")
    (FOLDER / "pid").unlink(missing_ok=True)


def up() -> None:
    server = program()
    port = port_of_the_setting()
    down()
    if answers(port):
        sys.exit(f"port {port} is taken by a server that this step did not start; stop that first")
    FOLDER.mkdir(parents=True, exist_ok=True)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    # As the real one is set up: what is full lets go of what ends first.
    options += ["--maxmemory", "64mb", "--maxmemory-policy", "volatile-ttl"]
    with (FOLDER / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [server, *options],
            cwd=FOLDER,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (FOLDER / "pid").write_text(f"{process.pid} {port}")
    for _ in range(100):
        if answers(port):
            print(f"session cache: {Path(server).name} answers on valkey://127.0.0.1:{port}")
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    (FOLDER / "pid").unlink(missing_ok=True)
    print((FOLDER / "server.log").read_text(errors="replace"), file=sys.stderr)
    sys.exit(f"{server} did not come up on port {port}; its log is above")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    down() if sys.argv[1:] == ["down"] else up()
