"""The database of the local stack, the drill, and what a server trusts: run as they are generated.

The database is described by a mock AWS with the patches of a generated repository; inside it is a
real PostgreSQL, which the repository's own step starts on this machine.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import client, variables
from tests.machine import free_port, needs_python, until

ROOT = Path(__file__).parent.parent
REGION = "eu-central-1"
SETTINGS = "/shop/dev/app"

pytestmark = needs_python


def ask(url: str) -> tuple[int, dict[str, Any]]:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@dataclass
class Stand:
    """A repository with DB Replication, and the mock AWS that it starts for itself."""

    repository: Path
    endpoint: str
    port: int = field(default_factory=free_port)

    @property
    def variables(self) -> dict[str, str]:
        return variables(self.endpoint, REGION) | {"no_proxy": "127.0.0.1"}

    def client(self, service: str) -> Any:
        return client(service, self.endpoint, REGION)

    def make_database(self, name: str, *, multi_az: bool) -> str:
        """Have RDS describe a database, as Terraform would; its identifier is returned."""
        made = self.client("rds").create_db_instance(
            AllocatedStorage=20,
            DBInstanceClass="db.t4g.medium",
            DBInstanceIdentifier=name,
            DBName="app",
            DBSubnetGroupName="shop-dev-database",
            Engine="postgres",
            ManageMasterUserPassword=True,
            MasterUsername="app",
            MultiAZ=multi_az,
            Port=self.port,
        )
        return str(made["DBInstance"]["DBInstanceIdentifier"])

    def zone_of(self, name: str) -> str:
        [found] = self.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        return str(found["AvailabilityZone"])

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.repository / script), *arguments],
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    template = Template(ROOT)
    answer = resolve(template.catalog, ["db_replication"], {})
    assert isinstance(answer, Resolution)
    folder = tmp_path_factory.mktemp("stand")
    for path, content in template.tree(answer, Answers("shop", REGION)).items():
        (folder / "shop" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "shop" / path).write_bytes(content)
    ready = folder / "mock.json"
    command = [sys.executable, str(folder / "shop/local/runner/server.py"), str(ready)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert until(120, lambda: ready.exists() or server.poll() is not None)
        stand = Stand(folder / "shop", f"http://127.0.0.1:{json.loads(ready.read_text())['port']}")
        zones = [f"{REGION}a", f"{REGION}b"]
        subnets = stand.client("ec2").describe_subnets()["Subnets"]
        stand.client("rds").create_db_subnet_group(
            DBSubnetGroupName="shop-dev-database",
            DBSubnetGroupDescription="two zones",
            SubnetIds=[s["SubnetId"] for s in subnets if s["AvailabilityZone"] in zones],
        )
        yield stand
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


@pytest.fixture(scope="module")
def step(stand: Stand) -> ModuleType:
    """The step of the local stack that runs the database."""
    file = stand.repository / "local/steps/40-database.py"
    spec = importlib.util.spec_from_file_location("step_40_database", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def settings(stand: Stand) -> dict[str, str]:
    """What Terraform would tell the application."""
    name = stand.make_database("shop-dev-main", multi_az=True)
    [found] = stand.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    told = {
        "database_host": found["Endpoint"]["Address"],
        "database_name": found["DBName"],
        "database_port": str(found["Endpoint"]["Port"]),
        "database_secret_arn": found["MasterUserSecret"]["SecretArn"],
    }
    for key, value in told.items():
        stand.client("ssm").put_parameter(Name=f"{SETTINGS}/{key}", Value=value, Type="String")
    return told


def test_the_application_of_the_local_stack_has_a_real_database(
    stand: Stand, step: ModuleType, settings: dict[str, str], python: Path, tmp_path: Path
) -> None:
    if step.programs() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL was not found (in CI it must be there)")
        pytest.skip("PostgreSQL was not found")
    up = stand.run("local/steps/40-database.py")
    assert up.returncode == 0, up.stdout + up.stderr
    assert up.stdout.endswith(f"answers on 127.0.0.1:{settings['database_port']}\n")

    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [python, "-m", "uvicorn", "--factory", "app.main:create_app", "--port", str(port)],
            cwd=stand.repository / "app/src",
            env={**stand.variables, "APP_SETTINGS_PATH": SETTINGS, "APP_INSTANCE_ID": "i-a"},
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        assert until(60, lambda: step.answers(port)), (tmp_path / "log").read_text()
        status, told = ask(f"{url}/database")
        assert (status, sorted(told)) == (200, ["milliseconds", "since", "version"])

        note = json.loads((stand.repository / ".local/database.json").read_text())
        down = stand.run("local/steps/40-database.py", "down")

        assert down.stdout == "the database is stopped, what it held is gone\n"
        assert not step.runs(note["pid"], Path(note["folder"]))
        assert not Path(note["folder"]).exists()
        assert ask(f"{url}/database")[0] == 503
        assert ask(f"{url}/health")[0] == 200
    finally:
        server.kill()
        server.wait(10)
    kept = stand.client("ssm").get_parameters_by_path(Path=SETTINGS)["Parameters"]
    assert sorted(each["Name"].removeprefix(f"{SETTINGS}/") for each in kept) == sorted(settings)


@pytest.mark.usefixtures("settings")
def test_the_local_stack_goes_without_a_database_where_none_is_installed(
    step: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(step, "programs", lambda: None)

    step.up()

    assert capsys.readouterr().out.startswith(
        "PostgreSQL was not found: the application runs without its database."
    )


class Site(BaseHTTPRequestHandler):
    """What users ask, which needs the database."""

    good = 0
    """Answers before it is lost."""

    back = 0.0
    """When it is back, by the clock of this process."""

    def do_GET(self) -> None:
        if Site.good == 1:
            Site.back = time.monotonic() + 3
        Site.good -= 1
        gone = Site.good < 0 and time.monotonic() < Site.back
        self.send_response(503 if gone else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/database"
        server.shutdown()


def drill(stand: Stand, *arguments: str) -> subprocess.CompletedProcess[str]:
    return stand.run("scripts/failover_database.py", "--region", REGION, *arguments)


def test_the_drill_switches_zones_and_tells_how_long_users_waited(stand: Stand, site: str) -> None:
    name = stand.make_database("shop-dev-drilled", multi_az=True)
    [before] = stand.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    assert {before["AvailabilityZone"], before["SecondaryAvailabilityZone"]} == {
        f"{REGION}a",
        f"{REGION}b",
    }

    Site.good = 1
    done = drill(stand, "--identifier", name, "--watch", site)

    first, second = done.stdout.splitlines()
    assert first.startswith(f"{name}: from {REGION}a to {REGION}b in ")
    told, _, seconds = second.removesuffix(" s").rpartition(" ")
    assert told == f"{site}: no good answer for"
    assert 2 <= int(seconds) <= 30
    assert stand.zone_of(name) == f"{REGION}b"


def test_the_drill_refuses_what_would_only_be_an_outage(stand: Stand, site: str) -> None:
    name = stand.make_database("shop-dev-alone", multi_az=False)

    alone = drill(stand, "--identifier", name)
    assert (alone.returncode, alone.stderr) == (
        1,
        f"error: {name} has no standby that could take over\n",
    )

    Site.good, Site.back = 0, time.monotonic() + 60
    broken = drill(stand, "--identifier", name, "--watch", site)
    assert broken.stderr == f"error: {site} gives no good answer already before the switch\n"

    unknown = drill(stand, "--identifier", "nobody")
    assert unknown.returncode == 1
    assert "nobody not found" in unknown.stderr

    assert "--watch takes an address" in drill(stand, "--watch", "file:///etc/passwd").stderr


@pytest.mark.parametrize("answer", ["certificates", "an error page"])
def test_a_server_trusts_the_authorities_of_rds_or_is_not_set_up(
    answer: str, stand: Stand, tmp_path: Path
) -> None:
    """The part as it is, less its way out on a laptop, with a stand-in for the download."""
    part = stand.repository / "servers/setup/install/30-database.sh"
    head, _, rest = part.read_text().partition("# The database of a laptop")
    script = tmp_path / "part.sh"
    script.write_text(head + rest.partition("\nfi\n")[2])
    programs = tmp_path / "bin"
    programs.mkdir()
    text = "-----BEGIN CERTIFICATE-----" if answer == "certificates" else "<h1>Sorry</h1>"
    (programs / "curl").write_text(
        "#!/bin/bash\n"
        'printf "%s\\n" "$@" >"$(dirname "$0")/asked"\n'
        "while [[ $1 != --output ]]; do shift; done\n"
        f"echo '{text}' >\"$2\"\n"
    )
    (programs / "curl").chmod(0o755)

    done = subprocess.run(
        ["bash", str(script)],
        env={
            **os.environ,
            "BUNDLE": str(stand.repository),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "ROOT": str(tmp_path / "root"),
        },
        capture_output=True,
        text=True,
    )

    put = tmp_path / "root/etc/pki/rds/global-bundle.pem"
    asked = (programs / "asked").read_text().splitlines()
    assert asked[-1] == "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
    assert "--fail" in asked
    if answer == "certificates":
        assert done.returncode == 0, done.stderr
        assert (put.read_text(), oct(put.stat().st_mode)[-3:]) == (f"{text}\n", "644")
    else:
        assert done.returncode == 1
        assert "what was fetched holds no certificates" in done.stderr
        assert not put.exists()
