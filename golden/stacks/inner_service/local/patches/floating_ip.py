"""Automations on the mock AWS: their steps are run one after the other, as they would be."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from moto.core.responses import ActionResult
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.events.models import EventPattern
from moto.events.responses import EventsHandler
from moto.ssm.responses import SimpleSystemManagerResponse

EXECUTIONS: dict[str, dict[str, Any]] = {}
PLACEHOLDER = re.compile(r"\{\{ *([\w.]+) *\}\}")
POLL_SECONDS = 0.2
ACTIONS = (
    "aws:assertAwsResourceProperty",
    "aws:executeAwsApi",
    "aws:waitForAwsResourceProperty",
)


class StepError(Exception):
    """A step ended otherwise than it should."""


def filled(value: Any, known: Mapping[str, str]) -> Any:
    """Put what is known where a step names it.

    Raises:
        StepError: It names what is not known, such as the output of a step that found nothing.
    """
    if isinstance(value, dict):
        return {key: filled(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    if not isinstance(value, str):
        return value
    for name in PLACEHOLDER.findall(value):
        if name not in known:
            raise StepError(f"{name} has no value")
    return PLACEHOLDER.sub(lambda match: known[match[1]], value)


def call(inputs: Mapping[str, Any], region: str) -> Any:
    """Call an API of AWS, here that of the mock which runs this."""
    port = os.environ.get("MOTO_PORT")
    client = boto3.client(
        inputs["Service"],
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=f"http://127.0.0.1:{port}" if port else None,
    )
    ours = ("Service", "Api", "PropertySelector", "DesiredValues")
    values = {name: value for name, value in inputs.items() if name not in ours}
    return getattr(client, xform_name(inputs["Api"]))(**values)


def selected(answer: Any, selector: str) -> Any:
    """What a selector such as `$.Things[0].Id` finds."""
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", selector):
        try:
            answer = answer[name] if name else answer[int(index)]
        except LookupError:
            return None
    return answer


def run_step(step: Mapping[str, Any], known: dict[str, str], region: str) -> str | None:
    """Run one step and note its outputs; a branch tells which step is next.

    Raises:
        StepError: The step failed.
    """
    inputs, action = filled(step["inputs"], known), step["action"]
    if action == "aws:branch":
        chosen = [c["NextStep"] for c in inputs["Choices"] if c["Variable"] == c["StringEquals"]]
        return str([*chosen, inputs["Default"]][0])
    if action not in ACTIONS:
        raise StepError(f"this mock does not know {action}")
    until = time.monotonic() + int(step.get("timeoutSeconds", 60))
    while True:
        try:
            answer = call(inputs, region)
        except (BotoCoreError, ClientError) as error:
            raise StepError(str(error)) from None
        if action == "aws:executeAwsApi":
            break
        found = selected(answer, inputs["PropertySelector"])
        if found in inputs["DesiredValues"]:
            break
        if action == "aws:assertAwsResourceProperty" or time.monotonic() > until:
            raise StepError(f"is {found}, and not {' or '.join(inputs['DesiredValues'])}")
        time.sleep(POLL_SECONDS)
    for output in step.get("outputs", []):
        if (found := selected(answer, output["Selector"])) is not None:
            known[f"{step['name']}.{output['Name']}"] = str(found)
    return None


def run(execution: dict[str, Any], content: Mapping[str, Any], region: str) -> None:
    """Run an automation to its end."""
    given = execution["Parameters"]
    known = {name: told.get("default") for name, told in content.get("parameters", {}).items()}
    known |= {name: values[0] for name, values in given.items()}
    steps = {step["name"]: step for step in content["mainSteps"]}
    order = list(steps)
    name: str | None = order[0]
    while name is not None:
        step = steps[name]
        after = order[order.index(name) + 1 :]
        done = {"StepName": name, "Action": step["action"], "StepStatus": "Success"}
        execution["StepExecutions"].append(done)
        try:
            branched = run_step(step, known, region)
            name = branched or step.get("nextStep") or next(iter(after), None)
        except StepError as error:
            done |= {"StepStatus": "Failed", "FailureMessage": str(error)}
            kind, _, other = str(step.get("onFailure", "Abort")).partition(":")
            if step.get("isCritical", True) or kind != "step":
                message = f"Step {name} failed: {error}"
                execution |= {"AutomationExecutionStatus": "Failed", "FailureMessage": message}
                return
            name = other
    execution["AutomationExecutionStatus"] = "Success"


def start_automation_execution(self: SimpleSystemManagerResponse) -> ActionResult:
    """Begin an automation; it runs while other requests are answered."""
    name = self._get_param("DocumentName")
    document = self.ssm_backend.get_document(name, None, None, "JSON")
    execution = {
        "AutomationExecutionId": str(uuid4()),
        "AutomationExecutionStatus": "InProgress",
        "DocumentName": name,
        "Parameters": self._get_param("Parameters") or {},
        "StepExecutions": [],
    }
    EXECUTIONS[str(execution["AutomationExecutionId"])] = execution
    content = json.loads(document["Content"])
    threading.Thread(target=run, args=(execution, content, self.region), daemon=True).start()
    return ActionResult({"AutomationExecutionId": execution["AutomationExecutionId"]})


def get_automation_execution(self: SimpleSystemManagerResponse) -> ActionResult:
    """Tell how far an automation is."""
    execution = EXECUTIONS[self._get_param("AutomationExecutionId")]
    return ActionResult({"AutomationExecution": execution})


def test_event_pattern(self: EventsHandler) -> tuple[str, dict[str, Any]]:
    """Tell whether an event is one that a rule waits for."""
    pattern = EventPattern.load(self._get_param("EventPattern"))
    matches = pattern.matches_event(json.loads(self._get_param("Event")))
    return self._create_response({"Result": matches})


def find_by_place() -> None:
    """Find a card by its place in a server."""
    value_of = NetworkInterface.get_filter_value

    def value(self: NetworkInterface, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name == "attachment.device-index":
            return str(self.device_index) if self.instance else None
        return value_of(self, filter_name, method_name)

    NetworkInterface.get_filter_value = value  # type: ignore[method-assign]


def know_the_server() -> None:
    """Tell which server has an address that was given to one of its cards."""
    associate = ElasticAddressBackend.associate_address

    def associated(self: ElasticAddressBackend, *values: Any, **named: Any) -> Any:
        address = associate(self, *values, **named)
        if address.eni is not None:
            address.instance = address.eni.instance
        return address

    ElasticAddressBackend.associate_address = associated  # type: ignore[method-assign]


def patch() -> None:
    """Serve what moto has none of, and let it read back where an address and a card are."""
    for served in (start_automation_execution, get_automation_execution):
        setattr(SimpleSystemManagerResponse, served.__name__, served)
    EventsHandler.test_event_pattern = test_event_pattern  # type: ignore[method-assign, assignment]
    find_by_place()
    know_the_server()
