"""What runs on a server that stands alone: its scripts, with stand-ins for what a laptop lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import applied
from tests.machine import needs_python, needs_terraform, program
from tests.repositories import write

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    answer = resolve(TEMPLATE.catalog, ["scale_up"], {})
    assert isinstance(answer, Resolution)
    tree = TEMPLATE.tree(answer, Answers(project="shop", region="eu-central-1"))
    folder = tmp_path_factory.mktemp("repository")
    write(folder, {path: content.decode() for path, content in tree.items()})
    return folder


def part(repository: Path, name: str, root: Path, **variables: str) -> tuple[int, str]:
    """Run one setup part in a scratch root, as the runner of the parts does."""
    done = subprocess.run(
        ["bash", str(repository / "servers/setup/configure" / name)],
        env={
            **os.environ,
            "BUNDLE": str(repository),
            "ROOT": str(root),
            "SETUP_KIND": "standalone_server",
            "SETUP_PROJECT": "shop",
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


# Whether the application answers


@contextmanager
def listening(status: int = 200, name: str = "") -> Iterator[int]:
    """Metadata of an instance, and an application that is well or not."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, code: int, text: str) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_PUT(self) -> None:
            self.answer(200, "token")

        def do_GET(self) -> None:
            known = {
                "/health": (status, "{}"),
                "/latest/meta-data/instance-id": (200, "i-0123456789abcdef0"),
                "/latest/meta-data/placement/region": (200, "eu-central-1"),
                "/latest/meta-data/tags/instance/Name": (200 if name else 404, name),
            }
            self.answer(*known.get(self.path, (404, "")))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "value"), [(200, "1"), (503, "0")])
@pytest.mark.parametrize(("mark", "failed"), [("done", "0"), ("failed", "1")])
def test_a_server_tells_whether_its_application_answers_and_how_its_setup_ended(
    repository: Path, tmp_path: Path, status: int, value: str, mark: str, failed: str
) -> None:
    """The metrics carry the names and the dimension that the alarms look for."""
    program(tmp_path / "bin", "aws", f'#!/bin/sh\necho "$AWS_DEFAULT_REGION $*" >{tmp_path}/said\n')
    write(tmp_path, {f"var/lib/shop/setup/{mark}": ""})
    script = repository / "servers/setup/configure/standalone_server/answers.sh"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}

    with listening(status) as port:
        subprocess.run(
            ["bash", str(script), "shop"],
            env={
                **environment,
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}",
                "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
                "PORT": str(port),
                "ROOT": str(tmp_path),
            },
            check=True,
        )

    alarm = (repository / "infra/standalone_server.tf").read_text()
    assert 'metric_name         = "ApplicationAnswers"' in alarm
    assert 'metric_name         = "SetupFailed"' in alarm
    here = "Dimensions=[{Name=InstanceId,Value=i-0123456789abcdef0}]"
    assert (tmp_path / "said").read_text() == (
        "eu-central-1 cloudwatch put-metric-data --namespace shop --metric-data "
        f"MetricName=ApplicationAnswers,{here},Value={value} "
        f"MetricName=SetupFailed,{here},Value={failed}\n"
    )


@pytest.mark.parametrize("name", ["95-standalone-server.sh", "60-scale-up.sh"])
def test_a_server_of_a_fleet_skips_what_is_for_one_that_stands_alone(
    repository: Path, tmp_path: Path, name: str
) -> None:
    code, said = part(repository, name, tmp_path / "root", SETUP_KIND="servers")

    assert (code, list(tmp_path.rglob("*"))) == (0, []), said


def test_the_unit_runs_what_the_part_installs(repository: Path, tmp_path: Path) -> None:
    code, said = part(repository, "95-standalone-server.sh", tmp_path)

    assert code == 0, said
    unit = (tmp_path / "etc/systemd/system/standalone-server-answers.service").read_text()
    [command] = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert command == "ExecStart=/usr/local/sbin/standalone-server-answers shop"
    assert os.access(tmp_path / "usr/local/sbin/standalone-server-answers", os.X_OK)


# What of the recipe reaches a server that is there


@pytest.mark.parametrize(
    ("patterns", "choices", "phases"),
    [
        (["bootstrap"], {}, ["install", "release", "configure"]),
        (["stamp"], {}, ["configure"]),
        (["stamp", "bootstrap"], {"server_setup": "layered"}, ["install", "release", "configure"]),
    ],
)
def test_what_is_installed_reaches_a_server_together_with_its_release(
    patterns: list[str], choices: dict[str, str], phases: list[str]
) -> None:
    """Its image stays as it was made, so a part that comes later has to be run on the server."""
    answer = resolve(TEMPLATE.catalog, ["scale_up", *patterns], choices)
    assert isinstance(answer, Resolution)
    tree = TEMPLATE.tree(answer, Answers(project="shop", region="eu-central-1"))

    assert f"setup_kept_phases = {json.dumps(phases)}\n" in tree["infra/setup.phases.tf"].decode()
    assert ": local.setup_kept_phases\n" in tree["infra/setup.tf"].decode()


# How many processes the application has


@pytest.mark.parametrize(
    ("cpus", "mib", "workers"),
    [(2, 1900, 2), (2, 950, 2), (2, 460, 1), (8, 32000, 8), (16, 3900, 12), (1, 30, 1)],
)
def test_the_application_uses_the_machine_it_finds(
    repository: Path, tmp_path: Path, cpus: int, mib: int, workers: int
) -> None:
    """One process for each CPU, no more than fit into memory, and never none."""
    code, said = part(repository, "60-scale-up.sh", tmp_path / "root")
    assert code == 0, said
    program(tmp_path / "bin", "nproc", f"#!/bin/sh\necho {cpus}\n")
    (tmp_path / "meminfo").write_text(f"MemTotal:  {mib * 1024} kB\nMemFree:  1 kB\n")

    done = subprocess.run(
        [str(tmp_path / "root/usr/local/sbin/scale-up-workers")],
        env={
            "MEMINFO": str(tmp_path / "meminfo"),
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == f"WEB_CONCURRENCY={workers}\n"
    drop_in = (tmp_path / "root/etc/systemd/system/app.service.d/50-scale-up.conf").read_text()
    unit = (tmp_path / "root/etc/systemd/system/scale-up-workers.service").read_text()
    assert "EnvironmentFile=-/run/scale-up-workers.env" in drop_in
    assert "/usr/local/sbin/scale-up-workers >/run/scale-up-workers.env" in unit


# What the agent measures

TARGET = "opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"


def metrics(repository: Path, root: Path, kind: str) -> dict[str, object]:
    code, said = part(repository, "any/70-metrics.sh", root, SETUP_KIND=kind)
    assert code == 0, said
    found = json.loads((root / TARGET).read_text())["metrics"]
    assert found["append_dimensions"] == {"InstanceId": "${aws:InstanceId}"}
    return dict(found["metrics_collected"])


def test_a_server_that_stands_alone_measures_memory_and_swap(
    repository: Path, tmp_path: Path
) -> None:
    measured = metrics(repository, tmp_path / "single", "standalone_server")

    assert measured["mem"] == measured["swap"] == {"measurement": ["used_percent"]}
    assert "swap" not in metrics(repository, tmp_path / "fleet", "servers")


def test_files_that_contradict_each_other_end_the_setup(repository: Path, tmp_path: Path) -> None:
    folder = "servers/setup/configure"
    tree = {
        f"{folder}/any/70-metrics.sh": (repository / folder / "any/70-metrics.sh").read_text(),
        "servers/setup/lib.sh": (repository / "servers/setup/lib.sh").read_text(),
        f"{folder}/metrics/a.json": '{"agent": {"metrics_collection_interval": 60}}',
        f"{folder}/metrics/b.json": '{"agent": {"metrics_collection_interval": 10}}',
    }
    write(tmp_path / "bundle", tree)

    code, said = part(tmp_path / "bundle", "any/70-metrics.sh", tmp_path / "root")

    assert code != 0
    assert "disagree about agent.metrics_collection_interval: 60 and 10" in said
    assert not (tmp_path / "root" / TARGET).exists()


# A change of sizes, on a mock AWS


def local_stack(repository: Path, command: str) -> tuple[int, str]:
    """Run the repository's own local stack."""
    done = subprocess.run(
        [sys.executable, "local/runner", command],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def state_of(repository: Path, *kinds: str) -> dict[str, dict[str, object]]:
    """Attributes of the only resource of each type."""
    state = json.loads((repository / ".local/terraform.tfstate").read_text())
    found = {
        resource["type"]: resource["instances"][0]["attributes"]
        for resource in state["resources"]
        if resource["mode"] == "managed" and resource["type"] in kinds
    }
    assert set(found) == set(kinds)
    return found


@pytest.mark.slow("standalone_server", "scale_up", "ondemand_disk")
@needs_terraform
@needs_python
def test_server_and_disk_change_their_sizes_and_stay_themselves(tmp_path: Path) -> None:
    """Both in place, with an empty plan after each; a smaller disk is refused before anything."""
    repository = tmp_path / "shop"
    answer = resolve(TEMPLATE.catalog, ["scale_up", "ondemand_disk"], {})
    assert isinstance(answer, Resolution)
    tree = TEMPLATE.tree(answer, Answers(project="shop", region="eu-central-1"))
    write(repository, {path: content.decode() for path, content in tree.items()})
    kinds = ("aws_instance", "aws_ebs_volume", "aws_volume_attachment")
    variables = repository / "infra/terraform.tfvars"
    try:
        code, said = local_stack(repository, "up")
        assert code == 0, said
        before = state_of(repository, *kinds)

        variables.write_text(
            'standalone_server_instance_type = "t4g.large"\nondemand_disk_size_gib = 20\n'
        )
        code, said = local_stack(repository, "up")
        assert code == 0, said
        after = state_of(repository, *kinds)
        done = [event[1:] for event in applied(repository)]

        assert ("update", 'aws_instance.standalone_server["main"]') in done
        assert not [
            (action, address)
            for action, address in done
            if action == "delete" or address.startswith("aws_volume_attachment.")
        ]
        assert {k: v["id"] for k, v in after.items()} == {k: v["id"] for k, v in before.items()}
        assert (before["aws_instance"]["instance_type"], before["aws_ebs_volume"]["size"]) == (
            "t4g.small",
            10,
        )
        assert (after["aws_instance"]["instance_type"], after["aws_ebs_volume"]["size"]) == (
            "t4g.large",
            20,
        )

        variables.write_text(
            'standalone_server_instance_type = "t4g.large"\nondemand_disk_size_gib = 15\n'
        )
        code, said = local_stack(repository, "up")
        assert code != 0
        assert "a volume cannot shrink" in " ".join(said.split())
        assert state_of(repository, *kinds)["aws_ebs_volume"]["size"] == 20
    finally:
        variables.unlink(missing_ok=True)
        down, told = local_stack(repository, "down")
    assert down == 0, told
