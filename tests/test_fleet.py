"""How many servers there are and where, whatever is asked for; and what happens when some are lost.

The Terraform that decides is run as it is: its sums without any provider, for hundreds of wishes at
once, and the whole of it on a mock AWS.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Conflict, Resolution, resolve
from tests.local_stack import applied, client_of
from tests.machine import need, needs_terraform

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
REGION = "us-east-1"
"""Has six zones, one of which lacks machines that the others have."""


def tree(*patterns: str) -> dict[str, str]:
    """The text files of a repository that was made for these patterns."""
    answer = resolve(TEMPLATE.catalog, patterns, {})
    assert isinstance(answer, Resolution)
    rendered = TEMPLATE.tree(answer, Answers(project="shop", region=REGION))
    return {path: content.decode() for path, content in rendered.items()}


def terraform(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"terraform {arguments}\n{done.stdout[-3000:]}\n{done.stderr}"
    return done.stdout


# Sums


@dataclass(frozen=True)
class Wish:
    """What somebody asks of the fleet."""

    zones: int
    required: int
    spare: int

    @property
    def arguments(self) -> dict[str, int]:
        return {
            "multi_datacenter_zones": self.zones,
            "multi_server_required": self.required,
            "multi_server_spare": self.spare,
        }


WISHES = [Wish(*each) for each in product(range(2, 7), [*range(1, 14), 50, 100], (1, 2, 5))]


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Wish, int]:
    """How many servers the rendered Terraform runs for each wish, all asked in one go."""
    need("terraform")
    files = tree("multi_datacenter")
    sums = ["multi_server.tf", "multi_datacenter.tf", "servers.size.tf"]
    asked = ["multi_server", "multi_datacenter", "network"]
    root = tmp_path_factory.mktemp("sums")
    fleet = root / "fleet"
    fleet.mkdir()
    for name in asked:
        (fleet / f"{name}.variables.tf").write_text(files[f"infra/{name}.variables.tf"])
    # Resources would want a provider; the sums stand in blocks of their own.
    block = re.compile(r"^locals \{\n.*?^\}", re.MULTILINE | re.DOTALL)
    blocks = [
        [each for each in block.findall(files[f"infra/{name}"]) if "aws_" not in each]
        for name in sums
    ]
    assert all(blocks)
    text = "\n\n".join(chain.from_iterable(blocks))
    (fleet / "sums.tf").write_text(
        f'{text}\n\noutput "count" {{\n  value = local.servers_count\n}}\n'
    )
    names = {f"wish_{number}": wish for number, wish in enumerate(WISHES)}
    cases = json.dumps({name: wish.arguments for name, wish in names.items()})
    passed = "\n".join(f"  {name} = each.value.{name}" for name in WISHES[0].arguments)
    (root / "main.tf").write_text(
        f'module "fleet" {{\n  source   = "./fleet"\n  for_each = jsondecode({json.dumps(cases)})\n'
        f'{passed}\n}}\n\noutput "counts" {{\n'
        "  value = { for name, fleet in module.fleet : name => fleet.count }\n}\n"
    )

    terraform(root, "init", "-input=false")
    terraform(root, "apply", "-auto-approve", "-input=false")
    found = json.loads(terraform(root, "output", "-json", "counts"))
    return {names[name]: count for name, count in found.items()}


def left(count: int, zones: int) -> int:
    """Servers left after the worst loss of a zone; Auto Scaling spreads them evenly."""
    return count - -(-count // zones)


def test_whichever_zone_is_lost_enough_servers_are_left(counts: Mapping[Wish, int]) -> None:
    short = {wish: n for wish, n in counts.items() if left(n, wish.zones) < wish.required}
    assert len(counts) == len(WISHES)
    assert short == {}


def test_there_is_a_spare_server_for_each_that_was_asked_for(counts: Mapping[Wish, int]) -> None:
    assert {w: n for w, n in counts.items() if n < w.required + w.spare} == {}


def test_no_server_runs_that_neither_rule_asks_for(counts: Mapping[Wish, int]) -> None:
    """One less in each zone would be too few, unless the spare ones decide."""
    idle = {
        wish: n
        for wish, n in counts.items()
        if n > wish.required + wish.spare and left(n - wish.zones, wish.zones) >= wish.required
    }
    assert idle == {}


# The database behind it


@pytest.mark.parametrize("pattern", ["deep_health_check", "db_replication"])
def test_a_database_without_a_standby_is_refused(pattern: str) -> None:
    """Whatever brings the database: a check that asks one, or the standby itself."""
    wish = ["multi_datacenter", pattern]
    answer = resolve(TEMPLATE.catalog, wish, {"database_availability": "single"})

    assert isinstance(answer, Conflict)
    [sides] = [fact.sides for fact in answer.facts if fact.kind == "excluded"]
    assert [side.member for side in sides] == ["multi_datacenter", "single_database"]


# The alarm for errors


@pytest.fixture(scope="module")
def percent() -> Callable[..., float | None]:
    """The share of failed requests, as the alarm of the load balancer computes it."""
    text = tree("multi_server")["infra/load_balancer.tf"]
    errors, share = (
        re.findall(rf'id\s*= "{name}".*?expression\s*= "(.*?)"', text, re.DOTALL)[0]
        for name in ("errors", "percent")
    )

    def fill(metric: float | None, missing: float) -> float:
        return missing if metric is None else metric

    def compute(**metrics: float | None) -> float | None:
        words = {"FILL": fill, "MAX": max, **metrics}
        words["errors"] = eval(errors, {}, words)  # noqa: S307 - our own two formulas
        try:
            return float(eval(share, {}, words))  # noqa: S307
        except ZeroDivisionError:
            return None  # CloudWatch, too, has no value then

    return compute


@pytest.mark.parametrize(
    ("requests", "servers", "balancer", "expected"),
    [
        pytest.param(200, 3, 1, 2, id="both-kinds-count"),
        pytest.param(200, None, None, 0, id="no-errors"),
        pytest.param(None, None, 40, 100, id="no-server-was-found-for-any"),
        pytest.param(10, None, 40, 100, id="no-server-was-found-for-most"),
        pytest.param(None, None, None, None, id="nobody-asks"),
    ],
)
def test_the_alarm_hears_of_requests_that_found_no_server(
    percent: Callable[..., float | None],
    requests: float | None,
    servers: float | None,
    balancer: float | None,
    expected: float | None,
) -> None:
    assert percent(requests=requests, servers=servers, balancer=balancer) == expected


# The whole on a mock AWS


@dataclass
class Stack:
    """A repository whose local stack stands."""

    repository: Path

    def local(self, verb: str, **values: object) -> str:
        """Call the repository's own runner, after setting variables."""
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        if values:
            (self.repository / "infra/terraform.tfvars").write_text(lines)
        done = subprocess.run(
            [sys.executable, str(self.repository / "local/runner"), verb],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{verb}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def client(self, service: str) -> Any:
        return client_of(self.repository, service, REGION)

    @property
    def group(self) -> dict[str, Any]:
        (group,) = self.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return dict(group)

    @property
    def servers(self) -> dict[str, str]:
        """Each server in service, with its zone."""
        return {
            each["InstanceId"]: each["AvailabilityZone"]
            for each in self.group["Instances"]
            if each["LifecycleState"] == "InService"
        }

    def lose(self, *servers: str) -> None:
        self.client("ec2").terminate_instances(InstanceIds=list(servers))

    def ways_in(self, name: str) -> list[dict[str, Any]]:
        """The ingress rules of a security group."""
        ec2 = self.client("ec2")
        (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])[
            "SecurityGroups"
        ]
        rules = ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}]
        )["SecurityGroupRules"]
        return [dict(rule) for rule in rules if not rule["IsEgress"]]


@contextmanager
def built(repository: Path, *patterns: str, **variables: object) -> Iterator[Stack]:
    """The local stack of these patterns, without the steps that start processes."""
    for path, content in tree(*patterns).items():
        if not path.startswith("local/steps/"):
            (repository / path).parent.mkdir(parents=True, exist_ok=True)
            (repository / path).write_text(content)
    stack = Stack(repository)
    try:
        stack.local("up", **variables)
        yield stack
        assert "nothing is left" in stack.local("down")
    finally:
        stack.local("stop")


@needs_terraform
@pytest.mark.slow("multi_datacenter", "database", "db_replication")
def test_each_database_has_a_standby_in_another_zone(tmp_path: Path) -> None:
    with built(tmp_path / "shop", "multi_datacenter", "db_replication") as stack:
        [database] = stack.client("rds").describe_db_instances()["DBInstances"]

        assert database["MultiAZ"] is True
        assert database["AvailabilityZone"] != database["SecondaryAvailabilityZone"]


@needs_terraform
@pytest.mark.slow("multi_server", "multi_datacenter", "servers")
def test_servers_are_lost_and_zones_come_and_go(tmp_path: Path) -> None:
    """One stack, one story: each `local up` also holds that a second plan is empty."""
    needed: dict[str, object] = {"multi_server_required": 4, "multi_datacenter_zones": 3}
    with built(tmp_path / "shop", "multi_datacenter", **needed) as stack:
        zones = Counter(stack.servers.values())
        assert sum(zones.values()) == 6
        assert len(zones) == 3
        assert max(zones.values()) - min(zones.values()) <= 1
        (balancer,) = stack.client("elbv2").describe_load_balancers()["LoadBalancers"]
        assert {each["ZoneName"] for each in balancer["AvailabilityZones"]} == set(zones)
        assert [
            (r["ReferencedGroupInfo"]["GroupId"], r["IpProtocol"], r["FromPort"], r["ToPort"])
            for r in stack.ways_in("shop-dev-servers")
        ] == [(*balancer["SecurityGroups"], "tcp", 8000, 8000)]

        lost = next(iter(stack.servers))
        stack.lose(lost)
        assert lost not in stack.servers
        assert (stack.group["DesiredCapacity"], len(stack.servers)) == (6, 6)

        zone = max(zones)
        survivors = {server for server, place in stack.servers.items() if place != zone}
        stack.lose(*(stack.servers.keys() - survivors))
        assert len(survivors & stack.servers.keys()) >= 4
        assert (stack.group["DesiredCapacity"], len(stack.servers)) == (6, 6)
        assert "nothing to change" in stack.local("up")

        # The fifth zone has no machines of this type; left out, the sixth one takes its place.
        grown = {"multi_server_required": 4, "multi_datacenter_zones": 5}
        stack.local("up", **grown, network_excluded_zones=[f"{REGION}e"])
        assert set(stack.servers.values()) <= {f"{REGION}{letter}" for letter in "abcdf"}
        assert not [each for each in applied(stack.repository) if each[1] == "delete"]

        stack.local("up", multi_server_required=4, multi_datacenter_zones=2)
        order = applied(stack.repository)
        fleet_left = order.index(("apply_complete", "update", "aws_autoscaling_group.servers"))
        balancer_left = order.index(("apply_complete", "update", "aws_lb.load_balancer"))
        for letter in "cdf":
            zone = f'["{REGION}{letter}"]'
            for way in (
                "aws_subnet.network_private",
                "aws_route_table_association.network_private",
                "aws_route.network_nat",
                "aws_nat_gateway.network",
            ):
                assert fleet_left < order.index(("apply_start", "delete", way + zone)), way
            for way in ("aws_subnet.network_public", "aws_route_table_association.network_public"):
                assert balancer_left < order.index(("apply_start", "delete", way + zone)), way
