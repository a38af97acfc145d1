"""The local stack of generated repositories, run for real: Terraform, the mock AWS, the servers.

Named stacks are built whole. How the runner behaves when things go wrong is shown on a small
repository: the runner as generated, with made-up Terraform beside it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cdp_scaffold.render import Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import client, make
from tests.machine import free_port, needs_terraform
from tests.test_generated import READY, resolved, stack, write
from tests.test_goldens import STACKS

ROOT = Path(__file__).parent.parent
TEMPLATE = Template(ROOT)

pytestmark = needs_terraform

PROVIDER = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { ManagedBy = "terraform" }
  }
}

output "core_region" {
  value = "eu-central-1"
}
"""

TOPIC = """
resource "aws_sns_topic" "news" {
  name = "news"
}
"""

SLOW = """
resource "terraform_data" "slow" {
  depends_on = [aws_sns_topic.news]

  provisioner "local-exec" {
    command = "sleep 6"
  }
}
"""

RESTLESS = """
resource "terraform_data" "restless" {
  input = timestamp()
}
"""

STEP = """\
import json, os, pathlib, sys

told = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
with pathlib.Path(".local/told").open("a") as file:
    file.write(json.dumps([pathlib.Path(__file__).name, *sys.argv[1:], told]) + "\\n")
"""


@dataclass
class Repository:
    """A small repository that has the runner and made-up Terraform."""

    folder: Path

    def __post_init__(self) -> None:
        answer = resolve(TEMPLATE.catalog, ["bootstrap"], {})
        tree = TEMPLATE.tree(answer)  # type: ignore[arg-type]
        runner = {
            path: content
            for path, content in tree.items()
            if path.startswith("local/runner/") or path == "local/patches/core.py"
        }
        write({**runner, "local/variables.tfvars": b""}, self.folder)
        self.infra(PROVIDER)

    def infra(self, *parts: str) -> None:
        write({"infra/main.tf": "".join(parts).encode()}, self.folder)

    @property
    def local(self) -> Path:
        return self.folder / ".local"

    @property
    def mock(self) -> Mapping[str, int]:
        return json.loads((self.local / "mock.json").read_text())  # type: ignore[no-any-return]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.mock['port']}"

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.local / "terraform.tfstate").read_text())  # type: ignore[no-any-return]

    def start(self, command: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "local/runner", command],
            cwd=self.folder,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )

    def run(self, command: str, **variables: str) -> tuple[int, str]:
        process = self.start(command, **variables)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output

    def start_building(self) -> subprocess.Popen[str]:
        """Start `up`, and come back once Terraform is in the middle of it."""
        process = self.start("up")
        log = self.local / "terraform.log"
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            if log.exists() and '"terraform_data.slow: Provisioning with' in log.read_text():
                return process
            time.sleep(0.1)
        pytest.fail(f"Terraform did not begin: {process.communicate(timeout=60)[0]}")

    def client(self, service: str) -> Any:
        return client(service, self.endpoint, "eu-central-1")


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A small repository; whatever runs of it in the end is stopped."""
    made = Repository(tmp_path / "small")
    yield made
    made.run("stop")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Named stacks


def marks(name: str) -> list[pytest.MarkDecorator]:
    """`make test` brings up the web shop, CI the others, `make test-all` all of them."""
    # In CI it is the demo's to show.
    return [pytest.mark.shown_by_demo if name == "web_shop" else pytest.mark.stack]


@pytest.mark.long
@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in STACKS])
def test_a_named_stack_comes_up_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    comes_up_and_leaves_nothing(stack(name), tmp_path / "shop")


SERVING = [id for id in READY if "setup" in resolved([id]).members]


@pytest.mark.long
@pytest.mark.parametrize("id", [pytest.param(id, marks=pytest.mark.slow(id)) for id in SERVING])
def test_a_pattern_alone_comes_up_and_leaves_nothing(id: str, tmp_path: Path) -> None:
    comes_up_and_leaves_nothing(resolved([id]), tmp_path / "shop")


def test_the_named_stacks_hold_every_pattern() -> None:
    assert set(READY) <= {id for name in STACKS for id in stack(name).members}


def comes_up_and_leaves_nothing(answer: Resolution, folder: Path) -> None:
    """`make local` builds, settles and answers; `make local-down` takes all of it away."""
    write(TEMPLATE.tree(answer), folder)
    move_database(folder)
    before = contents(folder)

    try:
        told = make(folder, "local")

        assert "second plan\n  empty\n" in told or only_known_differences(told, folder)
        servers = json.loads((folder / ".local/servers.json").read_text())
        assert len(servers) >= (2 if "servers" in answer.members else 1)
        for server in servers:
            assert get(f"{server['url']}/health") == '{"status":"ok"}'
            assert f'{server["url"]}/health answers {{"status":"ok"}}' in told
        assert contents(folder) == before
        pids = [json.loads((folder / ".local/mock.json").read_text())["pid"]]
        pids += [
            int(file.read_text()) for file in (folder / ".local/servers").rglob("run/systemd/*.pid")
        ]
        assert len(pids) > len(servers), "the mock, and one or more of each server"
        assert all(map(alive, pids))
    finally:
        told = make(folder, "local-down")

    assert "nothing is left: the state is empty, the mock AWS held nothing of it" in told
    assert not any(map(alive, pids))
    assert processes_of(folder) == []
    assert not (folder / ".local/terraform.tfstate").exists()


def move_database(folder: Path) -> None:
    """Put the stack's database, if it has one, on a port that no other stack's is on."""
    file = folder / "local/variables.tfvars"
    moved = rf"\1= {free_port()}"
    file.write_text(re.sub(r"(?m)^(database_port +)= \d+$", moved, file.read_text()))


def only_known_differences(told: str, folder: Path) -> bool:
    """Whether each difference in the second plan is told with a reason that is written down."""
    known = json.loads((folder / "local/known_differences.json").read_text())
    shown = re.findall(r"^    (\S+): (.*)$", told.partition("second plan\n")[2], re.MULTILINE)
    listed = {(each["address"], each["why"]) for each in known}
    return bool(shown) and {(re.sub(r"\[.*\]$", "", a), why) for a, why in shown} == listed


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a repository that git would see."""
    ignored = (".local/", ".venv/")
    paths = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if not path.relative_to(folder).as_posix().startswith(ignored)
    }


def get(address: str) -> str:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address, timeout=10) as answer:
        return str(answer.read().decode())


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that run something of a repository."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = line.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


# No way leads to a real account


def test_no_setting_leads_around_the_mock(repository: Repository) -> None:
    """Profiles, roles, endpoints and backends, of the repository and of the shell, do not count."""
    repository.infra(
        """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }

  backend "s3" {
    bucket = "real"
    key    = "state"
    region = "eu-central-1"
  }
}

provider "aws" {
  region              = "eu-central-1"
  profile             = "prod"
  allowed_account_ids = ["999999999999"]
  http_proxy          = "http://127.0.0.1:2"

  assume_role {
    role_arn = "arn:aws:iam::999999999999:role/deploy"
  }

  endpoints { sns = "http://127.0.0.1:1" }
}

provider "aws" {
  alias                    = "elsewhere"
  region                   = "us-west-2"
  shared_credentials_files = ["/nonexistent/credentials"]

  endpoints {
    sns = "http://127.0.0.1:1"
    sts = "http://127.0.0.1:1"
  }
}

data "aws_caller_identity" "current" {}

resource "aws_sns_topic" "elsewhere" {
  provider = aws.elsewhere
  name     = "elsewhere"
}

output "account" {
  value = data.aws_caller_identity.current.account_id
}
""",
        TOPIC,
    )
    before = contents(repository.folder)

    code, told = repository.run(
        "up",
        AWS_ACCESS_KEY_ID="AKIAREALREALREALREAL",
        AWS_ENDPOINT_URL_SNS="http://127.0.0.1:1",
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true",
        AWS_PROFILE="prod",
        HTTP_PROXY="http://127.0.0.1:2",
        TF_CLI_ARGS_apply="-var-file=prod.tfvars",
        TF_DATA_DIR="elsewhere",
        TF_WORKSPACE="prod",
    )

    assert code == 0, told
    assert repository.state["outputs"]["account"]["value"] == "123456789012"
    assert len(repository.client("sns").list_topics()["Topics"]) == 1
    assert contents(repository.folder) == before
    assert not (repository.folder / "elsewhere").exists()
    assert not (repository.folder / "infra/.terraform").exists()


def test_steps_run_in_order_and_are_undone_backwards(repository: Repository) -> None:
    """Each is told `up` or `down`, and sees the mock and nothing else."""
    write(
        {f"local/steps/{n}.py": STEP.encode() for n in ("50-b", "60-c", "07-a")}, repository.folder
    )
    write({"local/steps/notes.py": b"raise SystemExit(1)"}, repository.folder)

    assert repository.run("up", AWS_PROFILE="prod")[0] == 0
    endpoint = repository.endpoint
    assert repository.run("down")[0] == 0

    told = [json.loads(line) for line in (repository.local / "told").read_text().splitlines()]
    assert [(name, verb) for name, verb, _ in told] == [
        ("07-a.py", "up"),
        ("50-b.py", "up"),
        ("60-c.py", "up"),
        ("60-c.py", "down"),
        ("50-b.py", "down"),
        ("07-a.py", "down"),
    ]
    for _, _, variables in told:
        assert variables == {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-central-1",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }


# The second plan


def test_a_stack_that_never_settles_is_refused_unless_somebody_wrote_down_why(
    repository: Repository,
) -> None:
    """Only a listed address may differ, only in place, and its reason is told."""
    repository.infra(PROVIDER, RESTLESS)
    code, told = repository.run("up")
    assert code == 1
    assert "  terraform_data.restless: update (input, output)\n" in told

    known = [{"address": "terraform_data.restless", "why": "time never stands still"}]
    write({"local/known_differences.json": json.dumps(known).encode()}, repository.folder)
    code, told = repository.run("up")
    assert code == 0, told
    assert "    terraform_data.restless: time never stands still\n" in told

    repository.infra(
        PROVIDER, RESTLESS.replace("input = timestamp()", "triggers_replace = timestamp()")
    )
    code, told = repository.run("up")
    assert code == 1
    assert "  terraform_data.restless: delete and create\n" in told


def test_a_change_is_built_into_what_runs(repository: Repository) -> None:
    """The second `up` keeps the mock and what is in it."""
    assert repository.run("up")[0] == 0
    mock = repository.mock
    repository.infra(PROVIDER, TOPIC)

    code, told = repository.run("up")

    assert code == 0, told
    assert repository.mock == mock
    assert "  1 added, 0 changed, 0 removed\nsecond plan\n  empty\n" in told


# Taking it away


def test_what_terraform_does_not_know_of_is_found(repository: Repository) -> None:
    """Something made beside Terraform is named and makes `down` fail; all processes end anyway."""
    repository.infra(PROVIDER, TOPIC)
    assert repository.run("up")[0] == 0
    pid = repository.mock["pid"]
    repository.client("sns").create_topic(
        Name="forgotten", Tags=[{"Key": "ManagedBy", "Value": "terraform"}]
    )

    code, told = repository.run("down")

    assert code == 1
    assert "still there" in told
    assert "arn:aws:sns:eu-central-1:123456789012:forgotten" in told
    assert ":news" not in told
    assert not alive(pid)


def test_a_stack_that_cannot_be_destroyed_is_kept_to_try_again(repository: Repository) -> None:
    """A refused destroy fails, names the resource, and works once the reason is gone."""
    kept = TOPIC.replace("}\n", "  lifecycle {\n    prevent_destroy = true\n  }\n}\n")
    repository.infra(PROVIDER, kept)
    assert repository.run("up")[0] == 0

    code, told = repository.run("down")

    assert code == 1
    assert "aws_sns_topic.news" in told
    assert alive(repository.mock["pid"])
    repository.infra(PROVIDER, TOPIC)
    code, told = repository.run("down")
    assert code == 0, told
    assert "nothing is left" in told


def test_down_without_a_stack_is_no_error(repository: Repository) -> None:
    """There is nothing to do, and it says so."""
    assert repository.run("down") == (
        0,
        "the mock AWS does not run, and what was in it is gone with it\n",
    )


# What goes wrong


def test_ctrl_c_leaves_a_stack_that_goes_on(repository: Repository) -> None:
    """Terraform winds up by itself and writes its state; meanwhile nobody else gets in."""
    repository.infra(PROVIDER, TOPIC, SLOW)
    building = repository.start_building()
    assert repository.run("up") == (
        1,
        "error: another run is at work on the local stack; wait for it\n",
    )

    os.killpg(building.pid, signal.SIGINT)

    told, _ = building.communicate(timeout=60)
    assert building.returncode == 130
    assert "interrupted; `make local` goes on, `make local-down` takes away" in told
    assert "aws_sns_topic" in {each["type"] for each in repository.state["resources"]}
    mock = repository.mock
    code, told = repository.run("up")
    assert code == 0, told
    assert repository.mock == mock
    assert repository.run("down")[0] == 0


def test_a_run_that_was_killed_is_begun_anew(repository: Repository) -> None:
    """What a killed Terraform built is in no state, so its mock is thrown away."""
    repository.infra(PROVIDER, TOPIC, SLOW)
    building = repository.start_building()
    old = repository.mock["pid"]
    os.killpg(building.pid, signal.SIGKILL)
    building.communicate(timeout=60)
    assert alive(old)

    code, told = repository.run("up")

    assert code == 0, told
    assert told.startswith("an earlier run was killed while it was building; beginning anew\n")
    assert not alive(old)
    assert repository.mock["pid"] != old


def test_a_mock_that_was_killed_is_started_anew(repository: Repository) -> None:
    """A state that speaks of a mock that is gone is worth nothing."""
    repository.infra(PROVIDER, TOPIC)
    assert repository.run("up")[0] == 0
    old = repository.mock["pid"]
    os.kill(old, signal.SIGKILL)

    assert repository.run("status") == (
        1,
        "error: the local stack does not run; start it with `make local`\n",
    )
    code, told = repository.run("up")

    assert code == 0, told
    assert repository.mock["pid"] != old
    assert "1 added" in told


@pytest.mark.parametrize("record", ['{"pid": %d, "port": 9}', '{"pid": %d', "[]", ""])
def test_the_number_of_another_process_is_left_alone(repository: Repository, record: str) -> None:
    """A stale or broken record stops nobody and is no reason to fail."""
    other = subprocess.Popen(["sleep", "300"])
    try:
        repository.local.mkdir()
        (repository.local / "mock.json").write_text(record.replace("%d", str(other.pid)))

        assert repository.run("stop") == (0, "")
        assert repository.run("down")[0] == 0

        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_failing_step_fails_the_run_and_says_which(repository: Repository) -> None:
    """Those after it do not run; the stack stays for a look."""
    write(
        {"local/steps/10-bad.py": b"import sys\nsys.exit(3)", "local/steps/20-c.py": STEP.encode()},
        repository.folder,
    )

    code, told = repository.run("up")

    assert code == 1
    assert told.endswith("error: step 10-bad.py ended with exit code 3\n")
    assert not (repository.local / "told").exists()
    assert alive(repository.mock["pid"])


def test_a_server_that_does_not_answer_fails_the_run(repository: Repository) -> None:
    """`/health` is asked from outside, whatever the step said."""
    step = """\
import json, pathlib, sys
servers = [{"name": "server-1", "url": "http://127.0.0.1:9"}]
pathlib.Path(".local/servers.json").write_text(json.dumps(servers))
"""
    write({"local/steps/50-boot.py": step.encode()}, repository.folder)

    code, told = repository.run("up")

    assert code == 1
    assert "error: server-1 does not answer http://127.0.0.1:9/health" in told
    assert not (repository.local / "answer").exists()


def test_terraforms_errors_are_told_with_their_place(repository: Repository) -> None:
    """The whole reason is on the terminal, and nothing of Terraform's frame around it."""
    repository.infra(PROVIDER, TOPIC.replace('"news"\n}', '"no such name!"\n}'))

    code, told = repository.run("up")

    assert code == 1
    assert "error: terraform apply failed:\n" in told
    assert "aws_sns_topic.news" in told
    assert "main.tf:" in told


def test_a_patch_that_fails_is_named(repository: Repository) -> None:
    """The mock does not start half patched."""
    write({"local/patches/bad.py": b"def patch():\n    raise OSError('no')\n"}, repository.folder)

    code, told = repository.run("up")

    assert code == 1
    assert "error: the mock AWS did not start" in told
    assert "bad.py" in told
    assert processes_of(repository.folder) == []


def test_without_terraform_nothing_is_started(
    repository: Repository, only: Callable[..., str]
) -> None:
    """The message says what is missing and what to do."""
    code, told = repository.run("up", PATH=only("git"))

    assert code == 1
    assert told.startswith("error: terraform was not found; the local stack is built with it\n")
    assert not (repository.local / "mock.json").exists()


@pytest.fixture
def only(tmp_path: Path) -> Callable[..., str]:
    """A search path on which the named programs are and no others."""

    def make(*programs: str) -> str:
        folder = tmp_path / "programs"
        folder.mkdir()
        for program in programs:
            found = shutil.which(program)
            assert found is not None
            (folder / program).symlink_to(found)
        return str(folder)

    return make


def test_policies_with_a_condition_do_not_refuse_everything(repository: Repository) -> None:
    """A bucket that refuses some requests takes others; one that refuses all takes none."""
    assert repository.run("up")[0] == 0
    s3 = repository.client("s3")
    statement: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::box/*",
    }
    s3.create_bucket(Bucket="box", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    def allow(statement: dict[str, Any]) -> None:
        s3.put_bucket_policy(Bucket="box", Policy=json.dumps({"Statement": [statement]}))

    allow({**statement, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    s3.put_object(Bucket="box", Key="a", Body=b"1")
    allow(statement)
    with pytest.raises(s3.exceptions.ClientError, match="Forbidden"):
        s3.put_object(Bucket="box", Key="b", Body=b"1")


def test_a_call_that_is_sent_again_is_answered_and_not_done_again(tmp_path: Path) -> None:
    """Under its old id, if it was done; one that failed is tried anew, as is any without an id."""
    runner = write(TEMPLATE.tree(stack("web_shop")), tmp_path / "shop") / "local/runner"
    told = subprocess.run(
        [sys.executable, "-c", SENT_AGAIN], cwd=runner, capture_output=True, text=True, check=True
    ).stdout

    assert told.split() == ["1", "1", "2", "failed", "3", "4", "5"]


SENT_AGAIN = """
from server import OneAtATime

done = []

def app(environ, start):
    done.append(None)
    fails = environ.get("fails")
    start("500 No" if fails else "200 OK", [])
    return [b"failed" if fails else str(len(done) - failed[0]).encode()]

failed = [0]
mock = OneAtATime(app)

def ask(id, **more):
    environ = {"HTTP_AMZ_SDK_INVOCATION_ID": id, **more} if id else more
    print(b"".join(mock(environ, lambda *head: None)).decode())

ask("a")
ask("a")
ask("b")
ask("c", fails=True)
failed[0] = 1
ask("c")
ask("")
ask("")
"""
