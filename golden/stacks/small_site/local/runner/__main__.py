"""The whole stack on this machine, on a mock AWS; no account is asked for or could be reached.

    python local/runner up        build it, or bring it up to date; start the servers
    python local/runner status    tell where it is and how it does
    python local/runner down      take it away again and check that nothing is left
    python local/runner stop      end its processes without taking anything away first

`make local` and `make local-down` call it. Everything it writes lies in `.local/`.
"""

from __future__ import annotations

import fcntl
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import differences
import environment
import leavings
import mock_aws
import stack
import steps
import terraform
from errors import LocalError
from places import ANSWER, HERE, LOCAL, SERVERS, read_json

BUILDING = LOCAL / "building"
"""Is there while Terraform builds, and after it was killed."""


def say(line: str) -> None:
    """Tell one line at once, also through a pipe."""
    print(line, flush=True)


def note(line: str) -> None:
    """Tell one line that belongs to the one before."""
    say(f"  {line}")


def up() -> None:
    """Build the stack on the mock, prove that it settles, start the servers, ask them."""
    terraform.require()
    began = time.monotonic()
    running = mock_aws.find()
    if BUILDING.exists():
        # Terraform was killed, so the mock holds things that the state knows nothing of.
        say("an earlier run was killed while it was building; beginning anew")
        stop()
        running = None
    if running is None:
        forget()
        running = mock_aws.start()
        say(f"mock AWS: {running.endpoint}, process {running.pid}")
    else:
        say(f"mock AWS: {running.endpoint}, process {running.pid}, runs already")
    ANSWER.unlink(missing_ok=True)
    tool = terraform.Terraform(stack.make(), environment.toward(running.endpoint), note)
    terraform.LOG.unlink(missing_ok=True)

    say("building the stack")
    tool.init()
    BUILDING.touch()
    try:
        tool.apply()
    finally:  # also where it failed: Terraform came to its end and wrote its state
        BUILDING.unlink()
    say("second plan")
    report(tool.plan())
    steps.up(environment.toward(running.endpoint, region(tool)), say)
    ask()
    say(f"ready after {time.monotonic() - began:.0f} s")
    say("")
    tell(running)


def report(plan: dict[str, Any]) -> None:
    """Say what a second plan holds.

    Raises:
        LocalError: It is not empty, and the mock is not known to be the reason.
    """
    verdict = differences.judge(plan, read_json(HERE / "known_differences.json") or [])
    if verdict.unknown:
        raise LocalError(
            "right after it was built, Terraform would change the stack again:\n  "
            + "\n  ".join(verdict.unknown)
            + "\nsomething reads back differently than it was written; if that is the mock's fault,"
            "\nlist the address with its why in local/known_differences.json"
        )
    note("empty" if not verdict.known else "nothing but what the mock reads back differently:")
    for address, why in verdict.known.items():
        note(f"  {address}: {why}")


def region(tool: terraform.Terraform) -> str:
    """The Region the stack stands in."""
    return str(tool.output("core_region") or environment.ANYWHERE)


def ask() -> None:
    """Ask every server for `/health`, as a load balancer would, and keep what they say.

    Raises:
        LocalError: One does not answer, or not with 200.
    """
    lines = []
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for server in read_json(SERVERS) or []:
        address = f"{server['url']}/health"
        try:
            with direct.open(address, timeout=10) as answer:
                lines.append(f"{server['name']}: {address} answers {answer.read().decode()}")
        except OSError as error:
            raise LocalError(f"{server['name']} does not answer {address}: {error}") from error
    for line in lines:
        say(line)
    if lines:
        ANSWER.write_text("\n".join(lines) + "\n", encoding="utf-8")


def tell(running: mock_aws.Mock) -> None:
    """Say what to try now."""
    say("try:")
    for server in read_json(SERVERS) or []:
        note(f"{server['url']}/    {server['name']} in a browser")
    key = f"AWS_ACCESS_KEY_ID={environment.KEY} AWS_SECRET_ACCESS_KEY={environment.KEY}"
    note(f"AWS_ENDPOINT_URL={running.endpoint} {key} aws s3 ls")
    note("make local         after a change: builds only what changed, starts the servers anew")
    note("make local-down    takes all of it away")


def status() -> None:
    """Say where everything is and how it does.

    Raises:
        LocalError: The stack does not run.
    """
    running = mock_aws.find()
    if running is None:
        raise LocalError("the local stack does not run; start it with `make local`")
    say(f"mock AWS: {running.endpoint}, process {running.pid}")
    ask()
    say("")
    tell(running)


def down() -> None:
    """Undo the steps, destroy the stack, check that nothing is left, stop the mock.

    Raises:
        LocalError: Something could not be undone, or is left.
    """
    running = mock_aws.find()
    if running is None or BUILDING.exists():
        stop()
        say("the mock AWS does not run, and what was in it is gone with it")
        return
    tool = terraform.Terraform(stack.make(), environment.toward(running.endpoint), note)
    if not stack.STATE.is_file():
        steps.down(tool.variables, say)
        mock_aws.stop(running)
        say("nothing was built; the mock AWS is stopped")
        return
    terraform.require()
    terraform.LOG.unlink(missing_ok=True)
    tool.init()
    place = region(tool)
    variables = environment.toward(running.endpoint, place)
    steps.down(variables, say)
    say("destroying the stack")
    tool.destroy()
    left = [*tool.resources(), *leavings.find(running.endpoint, {place, environment.ANYWHERE})]
    mock_aws.stop(running)
    forget()
    if left:
        raise LocalError("still there after everything was destroyed:\n  " + "\n  ".join(left))
    say("nothing is left: the state is empty, the mock AWS held nothing of it, and it is stopped")


def forget() -> None:
    """Stop what an earlier run left behind, and drop the state of a mock that is gone."""
    if SERVERS.exists():
        # They have no mock to ask, nor need they: it is only to stop them.
        steps.down(environment.toward(environment.NOWHERE), say)
    backup = stack.STATE.with_name(f"{stack.STATE.name}.backup")
    for leaving in (stack.STATE, backup, mock_aws.RECORD, ANSWER, BUILDING):
        leaving.unlink(missing_ok=True)


def stop() -> None:
    """End every process of the stack."""
    running = mock_aws.find()
    if running is not None:
        mock_aws.stop(running)
    forget()


@contextmanager
def alone() -> Iterator[None]:
    """Let one run at a time work on the stack; a run that was killed does not count.

    Raises:
        LocalError: Another one is at work.
    """
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError("another run is at work on the local stack; wait for it") from error
        yield


COMMANDS = {"up": up, "status": status, "down": down, "stop": stop}


def main(arguments: list[str]) -> int:
    """Run one command; the exit code is 1 where it failed and 130 after Ctrl-C."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with alone():
            COMMANDS[arguments[0]]()
    except LocalError as error:
        sys.stdout.flush()
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `make local` goes on, `make local-down` takes away", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
