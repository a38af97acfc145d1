"""Ask each server what works behind it, as the load balancer does.

The servers are those that an earlier step started and wrote down in `.local/servers.json`. What
they lean on is whatever this system has; nothing here knows it by name.

    python local/steps/80-deep-health.py          show it; the exit code is 1 if anything fails
    python local/steps/80-deep-health.py down     nothing to end
"""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from booted import servers

PATH = "/health/deep"


def ask(server: Mapping[str, str]) -> tuple[int, Any]:
    """How a server answers.

    Raises:
        SystemExit: It does not.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{server['url']}{PATH}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError as error:
        sys.exit(f"{server['name']} at {server['url']} does not answer: {error}")


def main() -> None:
    broken = []
    for server in servers():
        status, told = ask(server)
        works = {each["name"]: each["works"] for each in told["dependencies"]}
        words = ", ".join(f"{name} {'works' if well else 'fails'}" for name, well in works.items())
        print(f"{server['name']}: {server['url']}{PATH} says {status} {told['status']}: {words}")
        if told["status"] != "ok":
            broken.append(server["name"])
    if broken:
        sys.exit(f"something fails behind {', '.join(broken)}")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    if sys.argv[1:] != ["down"]:
        main()
