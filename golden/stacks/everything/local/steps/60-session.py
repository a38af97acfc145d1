"""Begin a session on one server, and go on with it at another.

The servers are those that an earlier step started and wrote down in `.local/servers.json`. What
is asked of them is what a browser would ask; nothing here knows where sessions are kept.

    python local/steps/60-session.py          show it; the exit code is 1 if the session is lost
    python local/steps/60-session.py down     nothing to end: the session ended when it was shown
"""

import json
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

from booted import two


class Browser:
    """A browser with one cookie, which it sends to every server as to one and the same site."""

    def __init__(self) -> None:
        self.cookie = ""
        self._direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method: str, server: Mapping[str, str], path: str, body: object = None) -> object:
        """What the server answers.

        Raises:
            SystemExit: It does not answer, or refuses.
        """
        request = urllib.request.Request(
            f"{server['url']}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Cookie": self.cookie},
        )
        try:
            with self._direct.open(request, timeout=10) as answer:
                # Servers on this machine speak plain HTTP, where a real browser would drop a
                # cookie marked secure. That is the browser's check, and this one does not make it.
                if said := answer.headers["Set-Cookie"]:
                    self.cookie = said.partition(";")[0]
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            sys.exit(f"{server['name']}: {method} {path} ended in {error.code}: {error.read()!r}")
        except OSError as error:
            sys.exit(f"{server['name']} at {server['url']} does not answer: {error}")


def main() -> None:
    first, second = two("a session that moves")
    browser, secret = Browser(), secrets.token_hex(4)

    browser.ask("PUT", first, "/session/shown", secret)
    if not browser.cookie:
        sys.exit(f"{first['name']} kept something for this browser, but gave it no cookie")
    print(f"{first['name']} ({first['url']}) put {secret} into a new session")

    found = browser.ask("GET", second, "/session")
    if found != {"shown": secret}:
        sys.exit(f"the session is lost: {second['name']} ({second['url']}) found {found}")
    print(f"{second['name']} ({second['url']}) found {secret} in the same session")

    browser.ask("DELETE", second, "/session")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    if sys.argv[1:] != ["down"]:
        main()
