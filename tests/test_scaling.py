"""A fleet whose size follows the load: its bounds, its alarms, and what Terraform leaves alone.

Sums and formulas are taken out of the rendered Terraform and computed for many cases; the whole is
built on a mock AWS, where the size is changed behind Terraform's back as a policy would do it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.test_fleet import REGION, Stack, needs_terraform, terraform

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)


def tree(*patterns: str) -> dict[str, str]:
    """The text files of a repository that was made for some patterns."""
    answer = resolve(TEMPLATE.catalog, list(patterns), {})
    assert isinstance(answer, Resolution)
    rendered = TEMPLATE.tree(answer, Answers(project="shop", region=REGION))
    return {path: content.decode() for path, content in rendered.items()}


def built(folder: Path, *patterns: str, **values: object) -> Iterator[Stack]:
    """The local stack of some patterns, without the steps that start processes."""
    for path, content in tree(*patterns).items():
        if not path.startswith("local/steps/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
    stack = Stack(folder)
    try:
        stack.local("up", **values)
        yield stack
        assert "nothing is left" in stack.local("down")
    finally:
        stack.local("stop")


# Bounds


ZONES = (2, 3, 6)
ASKED = tuple(
    {"multi_datacenter_zones": zones, "multi_server_required": required, "multi_server_spare": 1}
    for zones, required in product(ZONES, range(1, 9))
)


@pytest.fixture(scope="module")
def bounds(tmp_path_factory: pytest.TempPathFactory) -> list[Mapping[str, int]]:
    """What the fleet's bounds are by default, for each of many wishes."""
    if shutil.which("terraform") is None and not os.environ.get("CI"):
        pytest.skip("terraform was not found")
    files = tree("multi_datacenter", "scale_out")
    root = tmp_path_factory.mktemp("bounds")
    fleet = root / "fleet"
    fleet.mkdir()
    for name in ("multi_server", "multi_datacenter", "network", "scale_out"):
        (fleet / f"{name}.variables.tf").write_text(files[f"infra/{name}.variables.tf"])
    # Resources would want a provider; of the sums only those that look at none are taken.
    sums = [
        line
        for name in ("multi_server.tf", "multi_datacenter.tf", "scale_out.tf", "servers.size.tf")
        for line in re.findall(r"^  \w+ += [^\n{]+$", files[f"infra/{name}"], re.MULTILINE)
        if re.match(
            r"  (?:multi_\w+_(?:per_zone|count)|scale_out_m\w+imum|\w+_zone_count|servers_\w+) ",
            line,
        )
    ]
    text = "\n".join(sums)
    output = "{ " + ", ".join(f"{n} = local.servers_{n}" for n in ("count", "minimum", "maximum"))
    (fleet / "sums.tf").write_text(
        f'locals {{\n{text}\n}}\n\noutput "bounds" {{\n  value = {output} }}\n}}\n'
    )
    cases = json.dumps(json.dumps({str(n): case for n, case in enumerate(ASKED)}))
    passed = "\n".join(f"  {name} = each.value.{name}" for name in ASKED[0])
    (root / "main.tf").write_text(
        f'module "fleet" {{\n  source   = "./fleet"\n  for_each = jsondecode({cases})\n'
        f'{passed}\n}}\n\noutput "bounds" {{\n'
        "  value = { for name, fleet in module.fleet : name => fleet.bounds }\n}\n"
    )
    terraform(root, "init", "-input=false")
    terraform(root, "apply", "-auto-approve", "-input=false")
    found = json.loads(terraform(root, "output", "-json", "bounds"))
    return [{**ASKED[int(name)], **each} for name, each in found.items()]


def test_a_fleet_always_has_room_to_grow_and_as_many_servers_in_each_zone(
    bounds: list[Mapping[str, int]],
) -> None:
    assert len(bounds) == len(ASKED)
    for each in bounds:
        zones = each["multi_datacenter_zones"]
        assert max(2, each["count"]) <= each["minimum"] < each["maximum"], each
        assert each["minimum"] < max(2, each["count"]) + zones, each
        assert each["minimum"] % zones == each["maximum"] % zones == 0, each


# Alarms


Spare = Callable[..., float]


@pytest.fixture(scope="module")
def spare() -> Spare:
    """Healthy servers beyond those needed, as the alarms of Multi-Server compute it."""
    text = tree("multi_server", "scale_out")["infra/multi_server.tf"]
    added = re.findall(r'multi_server_added += "(.+)"', text)[0]
    formula = re.findall(r'multi_server_spare_expression += "(.+)"', text)[0]
    formula = formula.replace("${local.multi_server_added}", f"({added})")

    def compute(required: int, minimum: int, **metrics: float | None) -> float:
        words: dict[str, Any] = {
            "FILL": lambda metric, missing: missing if metric is None else metric,
            "IF": lambda condition, then, otherwise: then if condition else otherwise,
            **metrics,
        }
        filled = formula.replace("${var.multi_server_required}", str(required))
        filled = filled.replace("${local.servers_minimum}", str(minimum))
        assert "$" not in filled
        return float(eval(filled, {}, words))  # noqa: S307 - our own formula

    return compute


@pytest.mark.parametrize(
    ("desired", "pending", "healthy", "expected"),
    [
        pytest.param(3, 0, 3, 1, id="all-are-well"),
        pytest.param(3, 0, 2, 0, id="the-spare-one-hangs"),
        pytest.param(3, 1, 2, 0, id="the-spare-one-is-being-replaced"),
        pytest.param(3, None, 1, -1, id="a-needed-one-is-gone"),
        pytest.param(6, 3, 3, 1, id="three-more-were-just-asked-for"),
        pytest.param(6, 0, 6, 1, id="three-more-are-there"),
        pytest.param(6, 0, 5, 0, id="one-of-six-hangs"),
        pytest.param(6, 0, 4, -1, id="two-of-six-hang"),
    ],
)
def test_added_servers_are_needed_once_they_have_started(
    spare: Spare, desired: int, pending: int | None, healthy: int, expected: int
) -> None:
    """Two are required, three always run, and the rest was added as the load grew."""
    assert spare(2, 3, desired=desired, pending=pending, healthy=healthy) == expected


def test_a_fleet_of_one_size_counts_from_what_is_required(spare: Spare) -> None:
    """Six run because of the zones, four are required: with four left no spare one is."""
    assert [spare(4, 6, desired=6, pending=0, healthy=left) for left in (6, 5, 4, 3)] == [
        2,
        1,
        0,
        -1,
    ]


# The whole on a mock AWS


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two servers, and up to six of them."""
    folder = tmp_path_factory.mktemp("scaled") / "shop"
    yield from built(folder, "scale_out", scale_out_requests_per_minute=1500)


@needs_terraform
@pytest.mark.slow
def test_what_a_policy_decided_is_left_alone(scaled: Stack) -> None:
    """One stack, one story: each `local up` also holds that a second plan is empty."""
    scaling = scaled.client("autoscaling")
    assert (scaled.group["MinSize"], scaled.group["DesiredCapacity"], scaled.group["MaxSize"]) == (
        2,
        2,
        6,
    )
    policies = {
        each["TargetTrackingConfiguration"]["PredefinedMetricSpecification"][
            "PredefinedMetricType"
        ]: (
            each["AutoScalingGroupName"],
            each["EstimatedInstanceWarmup"],
            each["TargetTrackingConfiguration"]["TargetValue"],
        )
        for each in scaling.describe_policies()["ScalingPolicies"]
    }
    assert policies == {
        "ASGAverageCPUUtilization": ("shop-dev-servers", 120, 30.0),
        "ALBRequestCountPerTarget": ("shop-dev-servers", 120, 1500.0),
    }

    scaling.set_desired_capacity(AutoScalingGroupName="shop-dev-servers", DesiredCapacity=4)
    assert sorted(Counter(scaled.servers.values()).values()) == [2, 2]
    assert "nothing to change" in scaled.local("up")
    assert (scaled.group["DesiredCapacity"], len(scaled.servers)) == (4, 4)

    # A new minimum above it makes the fleet grow, one below it changes no number of servers.
    values = {"scale_out_requests_per_minute": 1500, "scale_out_maximum": 8}
    scaled.local("up", scale_out_minimum=6, **values)
    assert (scaled.group["MinSize"], scaled.group["DesiredCapacity"]) == (6, 6)
    scaled.local("up", scale_out_minimum=2, **values)
    assert (scaled.group["MinSize"], scaled.group["DesiredCapacity"]) == (2, 6)
    balancer = scaled.client("elbv2")
    (targets,) = balancer.describe_target_groups()["TargetGroups"]
    health = balancer.describe_target_health(TargetGroupArn=targets["TargetGroupArn"])
    assert {each["Target"]["Id"] for each in health["TargetHealthDescriptions"]} == set(
        scaled.servers
    )
