"""An address that moves to a spare: what servers do with it, who goes together, and a whole move.

The moves themselves are tested where they are generated, in `app/tests/test_move_address.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import make
from tests.machine import needs_python, needs_terraform

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)
PARTS = ROOT / "blueprints/{{use.elastic_address}}/servers/setup/configure"
RULES = PARTS / "elastic_address/elastic-address.conf"


def resolved(*patterns: str, **choices: str) -> Resolution:
    answer = resolve(TEMPLATE.catalog, list(patterns), choices)
    assert isinstance(answer, Resolution), answer
    return answer


def files(answer: Resolution) -> dict[str, str]:
    tree = TEMPLATE.tree(answer, Answers("shop", "eu-central-1"))
    return {path: content.decode() for path, content in tree.items()}


# Which members come


def members(*patterns: str, **choices: str) -> set[str]:
    return set(resolved(*patterns, **choices).members)


def test_what_moves_is_chosen_and_a_public_address_by_default() -> None:
    assert "elastic_address" in members("floating_ip")
    assert "movable_interface" not in members("floating_ip")
    private = members("floating_ip", floating_address="private")
    assert "movable_interface" in private
    assert "elastic_address" not in private


def test_a_fleet_beside_it_changes_nothing_of_it() -> None:
    """Members of a group come and go, so nothing here moves to or from them."""
    alone = files(resolved("floating_ip"))
    beside = files(resolved("floating_ip", "multi_server", "scale_up", "ondemand_disk"))

    for path in ("infra/floating_ip.tf", "infra/standalone_server.tf"):
        assert beside[path] == alone[path]


def test_the_edge_may_fetch_from_one_server_and_from_nothing_else_then() -> None:
    """One distribution asks one origin for what it does not keep, so the other is refused."""
    tree = files(resolved("cache_distribution", edge_origin="address"))

    assert "infra/floating_ip.tf" not in tree
    assert tree["infra/edge.tf"].count("\n  origin {") == 1
    assert 'target_origin_id           = "address"' in tree["infra/edge.tf"]
    assert "aws_lb" not in "".join(tree[path] for path in tree if path.startswith("infra/"))

    refused = resolve(
        TEMPLATE.catalog, ["cache_distribution", "multi_server"], {"edge_origin": "address"}
    )
    assert not isinstance(refused, Resolution)


def zones(answer: Resolution) -> dict[str, str]:
    lines = files(answer)["infra/standalone_server.tf"].splitlines()
    start = lines.index("  standalone_server_zones = {")
    listed = lines[start + 1 : lines.index("  }", start)]
    return dict(line.replace(" ", "").split("=", 1) for line in listed)


def test_a_spare_stands_in_another_zone_unless_a_card_keeps_it() -> None:
    """An address can go to any zone, a card to none but its own."""
    first = "local.network_zones[0]"
    assert zones(resolved("scale_up")) == {"main": first}
    assert zones(resolved("floating_ip")) == {
        "main": first,
        "spare": "element(local.network_zones,1)",
    }
    private = resolved("floating_ip", floating_address="private")
    assert zones(private) == {"main": first, "spare": first}


def test_cookies_are_for_https_only_where_users_speak_it() -> None:
    def https(*patterns: str, **choices: str) -> str:
        text = files(resolved(*patterns, **choices))["infra/elastic_address.tf"]
        return text.partition("elastic_address_https = ")[2].partition("\n")[0]

    assert https("floating_ip", "state_sharing") == "false"
    assert https("floating_ip", "state_sharing", "multi_server") == "true"
    assert https("cache_distribution", "state_sharing", edge_origin="address") == "true"


# What a server does with it


def part(root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    bundle = root / "bundle"
    here = bundle / "servers/setup"
    shutil.copytree(PARTS, here / "configure")
    shutil.copy(ROOT / "blueprints/{{use.setup}}/servers/setup/lib.sh", here)
    return subprocess.run(
        ["bash", str(here / "configure/75-elastic-address.sh")],
        env={**os.environ, "BUNDLE": str(bundle), "ROOT": str(root / "server"), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )


def test_a_server_loads_the_rule_that_was_put_there(tmp_path: Path) -> None:
    part(tmp_path, SETUP_KIND="standalone_server")

    unit = (tmp_path / "server/etc/systemd/system/elastic-address.service").read_text()
    [command] = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert (tmp_path / "server" / command.rpartition(" /")[2]).read_text() == RULES.read_text()


def test_a_server_of_a_fleet_keeps_its_ports(tmp_path: Path) -> None:
    said = part(tmp_path, SETUP_KIND="servers").stdout

    assert "nothing to do" in said
    assert not (tmp_path / "server").exists()


ADMINISTER_NETWORK, ADMINISTER_SYSTEM = 12, 21
"""Numbers of the two capabilities it takes, as the kernel counts them."""


def may(*capabilities: int) -> bool:
    status = Path("/proc/self/status")
    if not status.exists():
        return False
    [effective] = [line for line in status.read_text().splitlines() if line.startswith("CapEff:")]
    return all(int(effective.split()[1], 16) >> each & 1 for each in capabilities)


TWO_MACHINES = """\
set -euo pipefail
ip link set lo up
unshare --net sleep 60 & user=$!
trap 'kill $user $application' EXIT
as_user() { nsenter --net=/proc/$user/ns/net "$@"; }
until [[ $(readlink /proc/$user/ns/net) != "$(readlink /proc/self/ns/net)" ]]; do sleep 0.05; done
ip link add server type veth peer name user netns $user
ip address add 10.0.0.1/24 dev server
ip link set server up
as_user ip address add 10.0.0.2/24 dev user
as_user ip link set user up
python3 -c '
import http.server
class Application(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())
http.server.HTTPServer(("", 8000), Application).serve_forever()
' & application=$!
ask() { as_user curl --silent --noproxy '*' --max-time 5 "$@"; }
ask --retry 20 --retry-connrefused --retry-delay 1 http://10.0.0.1:8000/; echo
ask http://10.0.0.1/ || echo refused
nft --file "$1"
nft --file "$1"
ask http://10.0.0.1/; echo
nft list table ip elastic_address | grep --count redirect
"""


@pytest.mark.skipif(
    not may(ADMINISTER_NETWORK, ADMINISTER_SYSTEM)
    or any(shutil.which(each) is None for each in ("curl", "ip", "nft", "nsenter", "unshare")),
    reason="this machine lets nobody make two networks, or has no nftables",
)
def test_port_80_leads_to_the_application_which_sees_who_asks() -> None:
    """On two machines of the kernel's own; loading the rule twice leaves one."""
    done = subprocess.run(
        ["unshare", "--net", "bash", "-c", TWO_MACHINES, "bash", str(RULES)],
        env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stdout.split() == ["10.0.0.2", "refused", "10.0.0.2", "1"]


# A whole stack


class Stack:
    """A generated repository on its mock AWS."""

    def __init__(self, folder: Path, answer: Resolution) -> None:
        self.folder = folder
        for path, content in files(answer).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)

    @property
    def local(self) -> Path:
        return self.folder / ".local"

    @property
    def environment(self) -> Mapping[str, str]:
        """What programs need to speak to the mock, and Terraform to find its state."""
        [record] = self.local.glob("mock*.json")
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_"))},
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{json.loads(record.read_text())['port']}",
            "AWS_SECRET_ACCESS_KEY": "test",
            "TF_DATA_DIR": str(self.local / "terraform"),
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )

    def moved(self, *words: str) -> dict[str, str]:
        """Which server has what after a call of the script."""
        done = self.run(
            sys.executable,
            str(self.local / "stack/scripts/move_address.py"),
            *words,
        )
        assert done.returncode == 0, done.stderr
        return dict(line.split(": ", 1) for line in done.stdout.splitlines())

    def terraform(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("terraform", f"-chdir={self.local / 'stack/infra'}", *words)

    def plan(self, *options: str) -> tuple[int, str]:
        """Terraform's exit code, 0 where it would change nothing, and what it says."""
        done = self.terraform(
            "plan",
            "-detailed-exitcode",
            "-input=false",
            "-no-color",
            f"-var-file={self.folder / 'local/variables.tfvars'}",
            *options,
        )
        return done.returncode, done.stdout + done.stderr

    def changes(self, **values: str) -> dict[str, list[str]]:
        """What Terraform would do to what, with these values of variables."""
        plan = self.local / "changes.tfplan"
        variables = (f"-var={name}={value}" for name, value in values.items())
        code, said = self.plan(f"-out={plan}", *variables)
        assert code in (0, 2), said
        told = json.loads(self.terraform("show", "-json", str(plan)).stdout)
        does = {each["address"]: each["change"]["actions"] for each in told["resource_changes"]}
        return {address: actions for address, actions in does.items() if actions != ["no-op"]}


@pytest.mark.slow("floating_ip", "elastic_address", "movable_interface")
@needs_terraform
@needs_python
@pytest.mark.parametrize("kind", ["public", "private"])
def test_the_address_moves_and_terraform_leaves_it_where_it_is(tmp_path: Path, kind: str) -> None:
    """A failure and the script move it; the address stays the same and each plan is empty.

    To let the spare stay changes in place whose failure counts, and nothing else.
    """
    stack = Stack(tmp_path / "shop", resolved("floating_ip", floating_address=kind))
    try:
        shown = make(stack.folder, "local")
        assert "main failed, and spare had it after" in shown
        assert "moved back to main" in shown
        [before] = stack.moved()
        assert stack.moved("spare") == {before: "spare"}

        code, said = stack.plan()

        assert (code, "No changes" in said) == (0, True), said
        assert stack.moved() == {before: "spare"}
        assert stack.changes(floating_ip_active="spare") == {
            "aws_cloudwatch_event_rule.floating_ip": ["update"],
            "aws_cloudwatch_event_target.floating_ip": ["update"],
        }
        assert stack.moved("main") == {before: "main"}
        code, said = stack.plan()
        assert (code, "No changes" in said) == (0, True), said
    finally:
        shown = make(stack.folder, "local-down")
    assert "nothing is left" in shown
