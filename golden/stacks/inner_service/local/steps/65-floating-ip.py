"""Let a server fail, see its address move to the other one, and move it back.

The mock AWS rings no alarms and starts no automation when one rings. So this says what an alarm
would say, asks the rule whether it waits for that, and starts what the rule names; the rest is the
script that you would call.

    python local/steps/65-floating-ip.py          show it; the exit code is 1 if it goes wrong
    python local/steps/65-floating-ip.py down     nothing to undo
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3

LOCAL = Path(__file__).resolve().parents[2] / ".local"
INFRA = LOCAL / "stack/infra"
SCRIPT = LOCAL / "stack/scripts/move_address.py"
ENVIRONMENT = {**os.environ, "TF_DATA_DIR": str(LOCAL / "terraform")}
"""Where Terraform finds what it has set up for the copy of the stack."""


def outputs() -> dict[str, Any]:
    """What the stack tells of itself."""
    command = ["terraform", f"-chdir={INFRA}", "output", "-json"]
    done = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    return {name: output["value"] for name, output in json.loads(done.stdout).items()}


def script(*words: str) -> tuple[int, dict[str, str], str]:
    """Call the script: its exit code, which server has what, and what it says of an error."""
    command = [sys.executable, str(SCRIPT), *words]
    done = subprocess.run(command, env=ENVIRONMENT, check=False, capture_output=True, text=True)
    held = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    return done.returncode, held, done.stderr.strip()


def alarm_event(alarm: str, arn: str, now: str, before: str) -> dict[str, Any]:
    """What CloudWatch tells EventBridge when an alarm changes."""
    return {
        "version": "0",
        "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": arn.split(":")[4],
        "time": "2026-01-01T03:00:00Z",
        "region": arn.split(":")[3],
        "resources": [arn],
        "detail": {
            "alarmName": alarm,
            "configuration": {"description": "", "metrics": []},
            "previousState": {"value": before, "timestamp": "2026-01-01T02:57:00.000+0000"},
            "state": {
                "value": now,
                "reason": "Threshold Crossed: 3 datapoints were less than the threshold (1.0).",
                "timestamp": "2026-01-01T03:00:00.000+0000",
            },
        },
    }


class Stack:
    """The stack on the mock AWS, as an alarm and its rule see it."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.name = told["floating_ip_document"]
        self.cloudwatch, self.events = boto3.client("cloudwatch"), boto3.client("events")
        self.ssm = boto3.client("ssm")
        self.rule = self.events.describe_rule(Name=self.name)

    def say(self, server: str, state: str) -> None:
        """Let the alarm of a server be in a state."""
        alarm = f"{self.name}-{server}"
        self.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="shown here")

    def waits_for(self, server: str, now: str) -> bool:
        """Whether the rule starts a move when the alarm of this server changes to that."""
        alarm = f"{self.name}-{server}"
        [found] = self.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        before = "OK" if now == "ALARM" else "ALARM"
        event = alarm_event(alarm, found["AlarmArn"], now, before)
        return bool(
            self.events.test_event_pattern(
                EventPattern=self.rule["EventPattern"], Event=json.dumps(event)
            )["Result"]
        )

    def fire(self) -> str:
        """Start what the rule names, as EventBridge would, and wait for its end."""
        [target] = self.events.list_targets_by_rule(Rule=self.name)["Targets"]
        document = target["Arn"].rpartition("/")[2].partition(":")[0]
        id = self.ssm.start_automation_execution(
            DocumentName=document, Parameters=json.loads(target["Input"])
        )["AutomationExecutionId"]
        for _ in range(300):
            told = self.ssm.get_automation_execution(AutomationExecutionId=id)
            status = str(told["AutomationExecution"]["AutomationExecutionStatus"])
            if status != "InProgress":
                return status
            time.sleep(0.2)
        sys.exit("the automation did not end")


def expect(right: bool, otherwise: str) -> None:
    """Go on if it is right.

    Raises:
        SystemExit: It is not.
    """
    if not right:
        sys.exit(otherwise)


def main() -> None:
    stack = Stack(outputs())
    for server in ("main", "spare"):
        stack.say(server, "OK")
    code, before, error = script("main")
    expect(code == 0 and set(before.values()) == {"main"}, f"main has not all of it: {error}")
    things = ", ".join(before)

    waits = {
        (s, now): stack.waits_for(s, now) for s in ("main", "spare") for now in ("ALARM", "OK")
    }
    expect(
        [each for each, waited in waits.items() if waited] == [("main", "ALARM")],
        f"the rule waits for something else than the failure of main: {waits}",
    )

    stack.say("spare", "ALARM")
    expect(stack.fire() == "Failed", "a spare that does not answer was given the address")
    code, held, error = script("spare")
    expect(code == 1 and "does not answer" in error, f"the script was not refused: {error}")
    expect(script()[1] == before, "something was moved all the same")
    print(f"{things}: stays with main while spare does not answer either")

    stack.say("spare", "OK")
    began = time.monotonic()
    expect(stack.fire() == "Success", "the automation failed")
    seconds = time.monotonic() - began
    held = script()[1]
    expect(held == dict.fromkeys(before, "spare"), f"main failed, but now: {held}")
    print(f"{things}: main failed, and spare had it after {seconds:.1f} s")

    code, held, error = script("main")
    expect((code, held) == (0, before), f"it did not come back: {error or held}")
    print(f"{things}: moved back to main")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    if sys.argv[1:] != ["down"]:
        main()
