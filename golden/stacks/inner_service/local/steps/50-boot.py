"""Run the boot sequence of the servers on this machine, against the mock AWS.

The mock starts no machines, so this takes their place: it reads the user data that launch
templates and instances really hold, runs it as cloud-init would, each server in a folder of its
own, and asks what comes up for `/health`. Nothing here knows what the sequence does.

A server that does not run the application passes requests on to the first that does. It is left
out where this machine lacks a program of `local/needs/<kind>/`.

    python local/steps/50-boot.py          boot the servers; what runs already is started anew
    python local/steps/50-boot.py down     stop them

`.local/servers.json` tells later steps where the servers are that run the application.
"""

import base64
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

REPOSITORY = Path(__file__).resolve().parents[2]
LOCAL = REPOSITORY / ".local"
STUBS = REPOSITORY / "local/stubs"
NEEDS = REPOSITORY / "local/needs"

LEAVINGS = (".*", "__pycache__", "tests", "venv", "*.egg-info", "*.pyc", "requirements-dev.txt")
"""What Terraform keeps out of a bundle, too."""

SERVERS = 2
"""Two of a fleet, whatever its size: what servers must share only shows between two."""

PORTS = 8
"""How many in a row a server may take."""

USER_DATA_BYTES = 16 * 1024
"""The most that EC2 takes."""

SECRET = re.compile(r"AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|(?i:password|secret|token)\s*=")


@dataclass(frozen=True)
class Server:
    """One server, as it stands on this machine."""

    name: str
    root: Path
    port: int
    instance_id: str
    zone: str
    called: str = ""
    """Its tag `Name`, where it stands alone."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def user_data() -> str:
    """The user data that sets servers up; of several kinds of servers, that of the first.

    Raises:
        SystemExit: Nothing in the mock is set up, or EC2 would not take what sets it up.
    """
    return next(iter(machines()))[0]


def applies(text: str) -> bool:
    """Whether a server with this user data runs the application."""
    return "\nexport SETUP_APPLICATION='no'\n" not in text


def lacking(text: str) -> dict[str, str]:
    """Programs that this machine would need for such a server, and where each comes from."""
    kind = re.findall(r"^export SETUP_KIND='([^']*)'", text, re.MULTILINE)[0]
    path = f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin"
    return {
        need.stem: need.read_text(encoding="utf-8").strip()
        for need in sorted((NEEDS / kind).glob("*.txt"))
        if shutil.which(need.stem, path=path) is None
    }


def machines() -> list[tuple[str, Mapping[str, Any]]]:
    """User data and place of every server to boot: each that stands alone, and two of each fleet.

    In this order, since a fleet may lean on a server that stands alone, and not the other way. What
    does not run the application comes last: it leans on those that do.

    Raises:
        SystemExit: There is none, or EC2 would not take what sets one up.
    """
    found = sorted([*singles(), *fleets()], key=lambda each: not applies(each[0]))
    if not found:
        sys.exit("nothing of the mock AWS sets a server up; was the stack applied?")
    for text, _ in found:
        check(text)
    return found


def fleets() -> list[tuple[str, Mapping[str, Any]]]:
    """Two servers for each launch template, placed like instances of its groups if there are any."""
    ec2 = boto3.client("ec2")
    grouped = boto3.client("autoscaling").describe_auto_scaling_instances()["AutoScalingInstances"]
    found = []
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        id = template["LaunchTemplateId"]
        versions = ec2.describe_launch_template_versions(LaunchTemplateId=id, Versions=["$Latest"])[
            "LaunchTemplateVersions"
        ]
        text = base64.b64decode(versions[0]["LaunchTemplateData"].get("UserData", "")).decode()
        if "export SETUP_PHASES=" in text:
            mine = [at for at in grouped if template_of(at) in ("", id)]
            found += [(text, at) for at in [*mine, *[{}] * SERVERS][:SERVERS]]
    return found


def template_of(instance: Mapping[str, Any]) -> str:
    """The launch template an instance of a group was started from, as far as the mock knows."""
    return str(instance.get("LaunchTemplate", {}).get("LaunchTemplateId", ""))


def singles() -> list[tuple[str, Mapping[str, Any]]]:
    """Every instance that belongs to no group and sets itself up."""
    ec2 = boto3.client("ec2")
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    found: list[tuple[str, Mapping[str, Any]]] = []
    for page in ec2.get_paginator("describe_instances").paginate(Filters=states):
        for instance in (one for group in page["Reservations"] for one in group["Instances"]):
            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            if "aws:autoscaling:groupName" in tags:
                continue
            answer = ec2.describe_instance_attribute(
                InstanceId=instance["InstanceId"], Attribute="userData"
            )
            text = base64.b64decode(answer.get("UserData", {}).get("Value", "")).decode()
            if "export SETUP_PHASES=" in text:
                place = {
                    "InstanceId": instance["InstanceId"],
                    "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
                    "Name": tags.get("Name", ""),
                }
                found.append((text, place))
    return found


def check(text: str) -> None:
    """Refuse user data that a real server could not start with, or that gives a secret away."""
    if not text.startswith("#!/bin/bash\n"):
        sys.exit("user data does not start with #!/bin/bash; cloud-init would not run it")
    if len(text.encode()) > USER_DATA_BYTES:
        sys.exit(f"user data has {len(text.encode())} bytes; EC2 takes {USER_DATA_BYTES}")
    # Everyone who may describe launch templates reads it, and so does every program on a server.
    for number, line in enumerate(text.splitlines(), 1):
        if (
            "X-aws-ec2-metadata-token" not in line
            and "token=$(" not in line
            and SECRET.search(line)
        ):
            sys.exit(f"user data looks as if it held a secret in line {number}")


def image_phases() -> list[str]:
    """The phases an image would bring, as Terraform is told; a server may do one of them again."""
    told = (REPOSITORY / "infra/setup.phases.tf").read_text(encoding="utf-8")
    found = re.search(r"^ *setup_image_phases = (\[.*\])$", told, re.MULTILINE)
    baked: list[str] = json.loads(found[1]) if found else []
    if baked and (REPOSITORY / "servers/setup/seal").is_dir():
        baked.append("seal")
    return baked


def programs(folder: Path) -> Path:
    """Put the stand-ins into `folder`, to be run by the Python that runs this."""
    folder.mkdir(parents=True, exist_ok=True)
    for stub in STUBS.iterdir():
        lines = stub.read_text(encoding="utf-8").split("\n", 1)
        copy = folder / stub.name
        copy.write_text(f"#!{sys.executable}\n{lines[1]}", encoding="utf-8")
        copy.chmod(0o755)
    return folder


def environment(server: Server, stubs: Path, origin: str = "") -> dict[str, str]:
    """What the boot sequence runs with, in place of a machine of its own.

    Args:
        server: The server.
        stubs: Where the stand-ins are.
        origin: Who answers in place of a load balancer, for a server that passes requests on.
    """
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    passed = ["PORT", "APP_INSTANCE_ID", "APP_ZONE", "AWS_EC2_METADATA_DISABLED", *aws]
    return {
        **os.environ,
        "PATH": f"{server.root / 'usr/bin'}:{stubs}:{os.environ['PATH']}",
        "ROOT": str(server.root),
        "PORT": str(server.port),
        "ORIGIN": origin,
        # There is no metadata service for it; what it would answer comes from the mock fleet.
        "AWS_EC2_METADATA_DISABLED": "true",
        "APP_INSTANCE_ID": server.instance_id,
        "APP_ZONE": server.zone,
        "SETUP_SERVER": server.called,
        "SYSTEMCTL_PASS": " ".join(passed),
    }


def bundle(folder: Path) -> Path:
    """Put into `folder` what the builder of an image would fetch."""
    for part in ("app", "servers"):
        shutil.copytree(
            REPOSITORY / part,
            folder / part,
            ignore=shutil.ignore_patterns(*LEAVINGS),
            dirs_exist_ok=True,
        )
    return folder


def bake(text: str, server: Server, variables: Mapping[str, str]) -> None:
    """Do what was done to the image before any server started from it."""
    project = re.findall(r"^export SETUP_PROJECT='([^']*)'", text, re.MULTILINE)[0]
    phases = image_phases()
    if phases:
        print(f"{server.name}: in the image already: {', '.join(phases)}", flush=True)
        with TemporaryDirectory() as folder:
            subprocess.run(
                ["bash", str(bundle(Path(folder)) / "servers/setup/run"), *phases],
                env={**variables, "SETUP_PROJECT": project},
                check=True,
            )


def boot(text: str, server: Server, variables: Mapping[str, str]) -> int:
    """Run user data as cloud-init would; the exit code is the script's."""
    script = server.root / "var/lib/cloud/user-data"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(text, encoding="utf-8")
    script.chmod(0o700)
    return subprocess.run([str(script)], env=variables, check=False).returncode


def free_port() -> int:
    """A port that nobody uses, nor those after it, where programs of one server may meet.

    It lies below those that systems give to connections, which come and go while servers boot.
    """
    while True:
        first = random.randrange(20_000, 30_000)
        if all(map(is_free, range(first, first + PORTS))):
            return first


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def placed(index: int, at: Mapping[str, Any]) -> Server:
    """A server of this machine, named after the one of the mock that it stands for."""
    name = f"server-{index}"
    return Server(
        name=name,
        root=LOCAL / "servers" / name,
        port=free_port(),
        instance_id=at.get("InstanceId", name),
        zone=at.get("AvailabilityZone", "local"),
        called=at.get("Name", ""),
    )


def health(server: Server) -> str:
    """What the server answers when a load balancer asks how it is."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{server.url}/health", timeout=5) as answer:
        return str(answer.read().decode())


def stop(root: Path, stubs: Path) -> None:
    """Stop every service of one server."""
    for unit in (root / "etc/systemd/system").glob("*.service"):
        subprocess.run(
            [str(stubs / "systemctl"), "stop", unit.name],
            env={**os.environ, "ROOT": str(root)},
            check=True,
        )


def down() -> None:
    stubs = programs(LOCAL / "bin")
    for root in sorted((LOCAL / "servers").glob("*")):
        stop(root, stubs)
    (LOCAL / "servers.json").unlink(missing_ok=True)


def up() -> None:
    if shutil.which("bash") is None:
        sys.exit("bash was not found; the servers' boot sequence is written for it")
    down()
    stubs = programs(LOCAL / "bin")
    servers: list[Server] = []
    for index, (text, at) in enumerate(machines(), 1):
        server = placed(index, at)
        if missing := lacking(text):
            told = "; ".join(f"{name} ({where})" for name, where in missing.items())
            print(f"{server.name}: left out, this machine lacks {told}", flush=True)
            continue
        began = time.monotonic()
        variables = environment(server, stubs, servers[0].url if servers else "")
        bake(text, server, variables)
        if code := boot(text, server, variables):
            sys.exit(f"{server.name} did not boot: its setup ended with exit code {code}")
        if applies(text):
            servers.append(server)
        seconds = time.monotonic() - began
        print(
            f"{server.name}: {server.url}/health says {health(server)} after {seconds:.0f} s",
            flush=True,
        )
    known = [asdict(server) | {"root": str(server.root), "url": server.url} for server in servers]
    (LOCAL / "servers.json").write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    down() if sys.argv[1:] == ["down"] else up()
