"""A fleet whose size follows the load: its bounds, its alarms, and what Terraform leaves alone.

Sums and formulas are taken out of the rendered Terraform and computed for many cases; the whole is
built on a mock AWS, where the size is changed behind Terraform's back as a policy would do it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from tests.local_stack import applied
from tests.machine import needs_terraform
from tests.repositories import write
from tests.test_fleet import Stack, built, terraform, tree

# Bounds


ZONES = (2, 3, 6)
ASKED = tuple(
    {"multi_datacenter_zones": zones, "multi_server_required": required, "multi_server_spare": 1}
    for zones, required in product(ZONES, range(1, 9))
)


def sums(root: Path, *cases: Mapping[str, int]) -> Path:
    """A root that computes the fleet's bounds for some wishes; it needs no provider."""
    files = tree("multi_datacenter", "scale_out")
    fleet = root / "fleet"
    fleet.mkdir(parents=True)
    for name in ("multi_server", "multi_datacenter", "network", "scale_out"):
        (fleet / f"{name}.variables.tf").write_text(files[f"infra/{name}.variables.tf"])
    # Resources would want a provider; the sums stand in blocks of their own.
    block = re.compile(r"^locals \{\n.*?^\}", re.MULTILINE | re.DOTALL)
    names = ("multi_server.tf", "multi_datacenter.tf", "scale_out.tf", "servers.size.tf")
    blocks = [each for name in names for each in block.findall(files[f"infra/{name}"])]
    output = "{ " + ", ".join(f"{n} = local.servers_{n}" for n in ("count", "minimum", "maximum"))
    (fleet / "sums.tf").write_text(
        "\n\n".join(each for each in blocks if "aws_" not in each)
        + f'\n\noutput "bounds" {{\n  value = {output} }}\n}}\n'
    )
    asked = json.dumps(json.dumps({str(number): case for number, case in enumerate(cases)}))
    passed = "\n".join(f"  {name} = each.value.{name}" for name in cases[0])
    (root / "main.tf").write_text(
        f'module "fleet" {{\n  source   = "./fleet"\n  for_each = jsondecode({asked})\n'
        f'{passed}\n}}\n\noutput "bounds" {{\n'
        "  value = { for name, fleet in module.fleet : name => fleet.bounds }\n}\n"
    )
    return root


@needs_terraform
def test_a_fleet_always_has_room_to_grow_and_as_many_servers_in_each_zone(tmp_path: Path) -> None:
    root = sums(tmp_path, *ASKED)
    terraform(root, "init", "-input=false")
    terraform(root, "apply", "-auto-approve", "-input=false")
    found = json.loads(terraform(root, "output", "-json", "bounds"))

    assert len(found) == len(ASKED)
    for name, told in found.items():
        each = {**ASKED[int(name)], **told}
        zones = each["multi_datacenter_zones"]
        assert max(2, each["count"]) <= each["minimum"] < each["maximum"], each
        assert each["minimum"] < max(2, each["count"]) + zones, each
        assert each["minimum"] % zones == each["maximum"] % zones == 0, each


@needs_terraform
@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        pytest.param(
            {"scale_out_minimum": 3},
            "scale_out_minimum must be at least 6, for so many servers another part of the system "
            "asks for (infra/servers.size.tf says which); got 3.",
            id="fewer-than-others-ask-for",
        ),
        pytest.param(
            {"scale_out_minimum": 8},
            "scale_out_minimum must be a multiple of 3, the number of zones, so that each holds as "
            "many servers; got 8.",
            id="zones-of-different-size",
        ),
        pytest.param(
            {"scale_out_maximum": 6},
            "scale_out_maximum must be above the minimum of 6, or the fleet could never grow; got "
            "6.",
            id="no-room-to-grow",
        ),
    ],
)
def test_bounds_that_fit_neither_zones_nor_others_are_refused_and_the_reason_told(
    bounds: Mapping[str, int], message: str, tmp_path: Path
) -> None:
    """Three zones and four servers required: the rest of the system asks for six."""
    root = sums(tmp_path, {**bounds, "multi_datacenter_zones": 3, "multi_server_required": 4})
    terraform(root, "init", "-input=false")

    done = subprocess.run(
        ["terraform", f"-chdir={root}", "plan", "-input=false", "-no-color"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert message in " ".join(re.sub(r"[│╷╵]", " ", done.stderr).split())


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
    with built(folder, "scale_out", scale_out_requests_per_minute=1500) as stack:
        yield stack


@needs_terraform
@pytest.mark.slow("scale_out", "servers")
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


# The calendar


DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class Change:
    """An action of the calendar, as AWS is told it."""

    recurrence: str
    time_zone: str
    minimum: int

    def happens(self, moment: datetime) -> bool:
        """Whether cron would run it at this minute; day of month and month are any."""
        minute, hour, _, _, days = self.recurrence.split()
        there = moment.astimezone(ZoneInfo(self.time_zone))
        today = days == "*" or str(there.isoweekday() % 7) in days.split(",")
        return today and (there.hour, there.minute) == (int(hour), int(minute))


def holds(peak: Mapping[str, Any], zone: str, moment: datetime) -> bool:
    """Whether a peak says of itself that it is on; written without cron."""
    there = moment.astimezone(ZoneInfo(zone))
    minute, hour, _, _, days = peak["begins"].split()
    end_minute, end_hour, *_ = peak["ends"].split()
    first, _, last = days.partition("-")
    span = DAYS[DAYS.index(first) : DAYS.index(last or first) + 1] if days != "*" else DAYS
    begins, ends = int(hour) * 60 + int(minute), int(end_hour) * 60 + int(end_minute)
    now = there.hour * 60 + there.minute
    today = DAYS[there.isoweekday() % 7]
    yesterday = DAYS[(there.isoweekday() - 1) % 7]
    if begins < ends:
        return today in span and begins <= now < ends
    return (today in span and now >= begins) or (yesterday in span and now < ends)


PEAKS: Mapping[str, Mapping[str, Any]] = {
    "weekdays": {"begins": "30 7 * * MON-FRI", "ends": "0 20 * * MON-FRI", "minimum": 4},
    "night": {"begins": "0 22 * * FRI-SAT", "ends": "0 1 * * SAT-SUN", "minimum": 6},
}
SCHEDULED = {
    "scheduled_scale_out_peaks": PEAKS,
    "scheduled_scale_out_time_zone": "Europe/Berlin",
}


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two servers and up to six of them, with a calendar."""
    folder = tmp_path_factory.mktemp("scheduled") / "shop"
    with built(folder, "scheduled_scale_out", **SCHEDULED) as stack:
        yield stack


@needs_terraform
@pytest.mark.slow("scheduled_scale_out", "servers")
def test_an_apply_at_the_peak_takes_no_server_away(scheduled: Stack) -> None:
    """One stack, one story: each `local up` also holds that a second plan is empty."""
    scaling = scheduled.client("autoscaling")

    def calendar() -> dict[str, Change]:
        told = scaling.describe_scheduled_actions(AutoScalingGroupName="shop-dev-servers")
        return {
            each["ScheduledActionName"]: Change(
                each.get("Recurrence", ""), each.get("TimeZone", ""), each["MinSize"]
            )
            for each in told["ScheduledUpdateGroupActions"]
            if not {"MaxSize", "DesiredCapacity"} & each.keys()
        }

    changes = calendar()
    assert changes == {
        "weekdays-begins": Change("30 7 * * 1,2,3,4,5", "Europe/Berlin", 4),
        "weekdays-ends": Change("0 20 * * 1,2,3,4,5", "Europe/Berlin", 2),
        "night-begins": Change("0 22 * * 5,6", "Europe/Berlin", 6),
        "night-ends": Change("0 1 * * 0,6", "Europe/Berlin", 2),
    }
    # The week in which summer time ends: at each minute the minimum is what the peaks say.
    minimum, moment = 2, datetime(2027, 10, 27, tzinfo=ZoneInfo("UTC"))
    for _ in range(7 * 24 * 60):
        due = [change for change in changes.values() if change.happens(moment)]
        assert len(due) <= 1, moment
        minimum = due[0].minimum if due else minimum
        on = [each["minimum"] for each in PEAKS.values() if holds(each, "Europe/Berlin", moment)]
        assert [minimum] == (on or [2]), moment
        moment += timedelta(minutes=1)

    # Saturday night, 22:00.
    scaling.update_auto_scaling_group(
        AutoScalingGroupName="shop-dev-servers", MinSize=changes["night-begins"].minimum
    )
    assert (scheduled.group["MinSize"], len(scheduled.servers)) == (6, 6)
    assert "nothing to change" in scheduled.local("up")
    assert (scheduled.group["MinSize"], len(scheduled.servers)) == (6, 6)

    # A day more, another peak's time, and something that comes once.
    peaks = {**PEAKS, "sunday": {"begins": "0 9 * * SUN", "ends": "0 12 * * SUN"}}
    peaks["weekdays"] = {**PEAKS["weekdays"], "begins": "0 7 * * MON-FRI"}
    sale = {"begins": "2199-11-29T05:30:00Z", "ends": "2199-11-29T23:00:00Z", "minimum": 6}
    values = {**SCHEDULED, "scheduled_scale_out_peaks": peaks}
    scheduled.local("up", **values, scheduled_scale_out_events={"sale": sale})
    assert (scheduled.group["MinSize"], len(scheduled.servers)) == (6, 6)
    changed = calendar()
    assert changed["sunday-begins"] == Change("0 9 * * 0", "Europe/Berlin", 4)
    assert changed["weekdays-begins"] == Change("0 7 * * 1,2,3,4,5", "Europe/Berlin", 4)
    assert (changed["sale-begins"].minimum, changed["sale-ends"].minimum) == (6, 2)
    events = applied(scheduled.repository)
    made = [address for kind, action, address in events if action == "delete"]
    assert set(made) == {
        'aws_autoscaling_schedule.scheduled_scale_out["weekdays-begins"]',
    }


@needs_terraform
@pytest.mark.parametrize("more", [(), ("multi_datacenter",)], ids=["alone", "more_zones"])
def test_the_plan_takes_what_the_page_of_the_calendar_shows(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    """Its examples fit the fleet as it comes, all of them at once."""
    files = tree("scheduled_scale_out", *more)
    write(tmp_path, {path: text for path, text in files.items() if ".tftest." not in path})
    page = files["docs/patterns/scheduled_scale_out.md"]
    examples = re.findall(r"```hcl\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    infra = tmp_path / "infra"
    (infra / "terraform.tfvars").write_text("\n".join(examples))
    tests = files["infra/tests/scheduled_scale_out.tftest.hcl"]
    head = tests.partition("run ")[0]
    (infra / "tests/page.tftest.hcl").write_text(head + 'run "page" {\n  command = plan\n}\n')

    terraform(infra, "init", "-backend=false", "-input=false")
    terraform(infra, "test", "-no-color")


def test_every_time_zone_is_one() -> None:
    """Each name on the list is known to the tz database of this machine, but for renamed ones."""
    names = tree("scheduled_scale_out")["infra/scheduled_scale_out.zones.txt"].splitlines()

    assert len(names) > 400
    assert names == sorted(set(names))
    assert {"Etc/UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"} <= set(names)
    assert len(set(names) - available_timezones()) < 5
