"""The boot sequence of generated servers, run for real.

Each way of setting servers up is rendered and applied to a mock AWS; then the user data of its
launch template runs in a scratch root, fetches its bundle from the mock's S3 and its settings
from the mock's SSM, installs the application with pip and starts it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import boto3
import moto
import pytest
import yaml

from cdp_scaffold.render import Answers, Template
from cdp_scaffold.resolver import Resolution, resolve
from tests.local_stack import client
from tests.machine import free_port, needs_python, needs_terraform

ROOT = Path(__file__).parent.parent
REGION = "eu-central-1"

WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "bootstrap": (["bootstrap"], {}),
    "stamp": (["stamp"], {}),
    "layered": (["stamp", "bootstrap"], {"server_setup": "layered"}),
}
PHASES = {
    "bootstrap": ["install", "release", "configure"],
    "stamp": ["configure"],
    "layered": ["release", "configure"],
}

RELEASES = "opt/shop/releases"

MOCK = """\
provider "aws" {
  access_key                  = "test"
  secret_key                  = "test"
  max_retries                 = 2
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

# What a boot does not look at, and the mock takes long for.
resource "aws_launch_template" "servers" {
  vpc_security_group_ids = []

  iam_instance_profile {
    name = "servers"
  }
}
"""

pytestmark = [
    needs_terraform,
    needs_python,
]


def variables_for_the_mock() -> dict[str, str]:
    """What the members themselves say the mock needs set."""
    found = {}
    for file in (ROOT / "blueprints").glob("*/.cdp/contributes.yml"):
        for each in (yaml.safe_load(file.read_text()) or {}).get("local.variables", []):
            found[each["name"]] = each["value"]
    return found


def as_variable(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass
class Stack:
    """A generated repository that stands in a mock AWS."""

    way: str
    repository: Path
    endpoint: str

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which everything speaks to the mock."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def client(self, service: str) -> Any:
        return client(service, self.endpoint, REGION)

    def terraform(self, *arguments: str) -> str:
        done = subprocess.run(
            ["terraform", f"-chdir={self.repository / 'infra'}", *arguments],
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"terraform {arguments}\n{done.stdout[-3000:]}\n{done.stderr}"
        return done.stdout

    def apply(self, *options: str) -> None:
        """Bring the launch template, and all it stands on, into the mock."""
        declared = "".join(
            f.read_text() for f in (self.repository / "infra").glob("*.variables.tf")
        )
        given = [
            f"-var={name}={as_variable(value)}"
            for name, value in variables_for_the_mock().items()
            if f'variable "{name}"' in declared
        ]
        self.terraform(
            "apply", "-auto-approve", "-input=false", "-no-color",
            "-target=aws_launch_template.servers", *given, *options,
        )  # fmt: skip

    def user_data(self) -> str:
        return str(self.step("user_data"))

    def step(self, name: str, *arguments: object) -> Any:
        """Call a function of the repository's own boot step, pointed at the mock."""
        with pytest.MonkeyPatch.context() as patch:
            for key, value in self.variables.items():
                patch.setenv(key, value)
            patch.delenv("AWS_PROFILE", raising=False)
            boto3.setup_default_session()
            return getattr(load(self.repository / "local/steps/50-boot.py"), name)(*arguments)


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("boot", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["boot"] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Machine:
    """A scratch root that plays one server."""

    stack: Stack
    root: Path
    output: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.boot_step = load(self.stack.repository / "local/steps/50-boot.py")
        self.server = self.boot_step.Server(
            name=self.root.name,
            root=self.root,
            port=self.boot_step.free_port(),
            instance_id="i-0123456789abcdef0",
            zone=f"{REGION}a",
        )
        self.stubs = self.boot_step.programs(self.root.parent / f"{self.root.name}-stubs")

    @property
    def variables(self) -> dict[str, str]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.stack.variables.items():
                patch.setenv(name, value)
            quick = {"SETUP_BACKOFF": "0", "SETUP_ATTEMPTS": "2"}
            return {**self.boot_step.environment(self.server, self.stubs), **quick, **self.extra}

    def run(self, command: list[str]) -> int:
        done = subprocess.run(
            command,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output = done.stdout
        return done.returncode

    def parts(self, *phases: str) -> int:
        """Run phases of the setup in this root, as the builder of an image does."""
        self.extra["SETUP_PROJECT"] = "shop"
        bundle = self.boot_step.bundle(self.root.parent / f"{self.root.name}-bundle")
        return self.run(["bash", str(bundle / "servers/setup/run"), *phases])

    def bake(self) -> None:
        """Do what an image would have brought, into this root."""
        phases = self.boot_step.image_phases()
        if phases:
            assert self.parts(*phases) == 0, self.output

    def boot(self, text: str) -> int:
        script = self.root / "user-data"
        self.root.mkdir(parents=True, exist_ok=True)
        script.write_text(text)
        return self.run(["bash", str(script)])

    def health(self) -> str | None:
        """What the application answers, or nothing where nobody listens."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"{self.server.url}/health", timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            return None

    def pid(self) -> str:
        return (self.root / "run/systemd/app.service.pid").read_text()

    def files(self) -> dict[str, tuple[str, int]]:
        """Every file that a setup wrote: its content and when it was written."""
        ours = [self.root / "etc", self.root / RELEASES, self.root / "var/lib/shop"]
        return {
            str(file.relative_to(self.root)): (
                hashlib.sha256(file.read_bytes()).hexdigest(),
                # The bundle is unpacked anew at each run, on purpose.
                0 if "/bundle-" in str(file) else file.stat().st_mtime_ns,
            )
            for folder in ours
            for file in folder.rglob("*")
            if file.is_file() and not file.is_symlink()
        }


@pytest.fixture(scope="session")
def mock_aws() -> Iterator[Callable[[], str]]:
    """Start a fresh mock AWS; each call is one of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> str:
        port = free_port()
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(server)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(150):
            assert server.poll() is None, "the mock AWS ended at once"
            try:
                direct.open(f"http://127.0.0.1:{port}/moto-api/", timeout=2)
                break
            except OSError:
                time.sleep(0.2)
        return f"http://127.0.0.1:{port}"

    yield start
    for server in started:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


def render(way: str, folder: Path) -> None:
    """Write the whole repository as copier would; that both are equal is held elsewhere."""
    template = Template(ROOT)
    patterns, choices = WAYS[way]
    resolution = resolve(template.catalog, patterns, choices)
    assert isinstance(resolution, Resolution)
    for path, content in template.tree(resolution, Answers("shop", REGION)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.fixture(scope="session")
def stacks(
    mock_aws: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Stack]:
    """Each way of setting servers up: rendered and applied once, when first asked for."""
    standing: dict[str, Stack] = {}

    def stand(way: str) -> Stack:
        if way not in standing:
            repository = tmp_path_factory.mktemp(way) / "shop"
            render(way, repository)
            (repository / "infra/mock_override.tf").write_text(MOCK)
            stack = Stack(way, repository, mock_aws())
            stack.terraform("init", "-input=false", "-backend=false")
            stack.apply()
            stack.client("ssm").put_parameter(
                Name="/shop/dev/app/greeting",
                Value='5 "quoted" $HOME `id` \\ ok',
                Type="SecureString",
            )
            stack.client("ssm").put_parameter(
                Name="/shop/prod/app/greeting", Value="of another stage", Type="String"
            )
            standing[way] = stack
        return standing[way]

    return stand


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Stack], Path]:
    """The application as the setup parts install it; they do it once, for all ways alike."""
    installed: list[Path] = []

    def install(stack: Stack) -> Path:
        if not installed:
            server = Machine(stack, tmp_path_factory.mktemp("installed") / "server")
            assert server.parts("install", "release") == 0, server.output
            installed.append(server.root / RELEASES)
        return installed[0]

    return install


def take_over(releases: Path, root: Path) -> None:
    """Let a server have releases that were installed elsewhere."""

    def link_packages(source: str, target: str) -> None:
        if "/venv/" in source:
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    shutil.copytree(releases, root / RELEASES, symlinks=True, copy_function=link_packages)


class MakeMachine(Protocol):
    def __call__(self, stack: Stack, *, bare: bool = False) -> Machine: ...


@pytest.fixture
def machine(tmp_path: Path, releases: Callable[[Stack], Path]) -> Iterator[MakeMachine]:
    """Make a scratch server; what it started is stopped in the end.

    Unless it is to be bare, it has its release installed already, or pip would take most of the
    time of these tests.
    """
    made: list[Machine] = []

    def make(stack: Stack, *, bare: bool = False) -> Machine:
        made.append(Machine(stack, tmp_path / f"server-{len(made)}"))
        if not bare:
            take_over(releases(stack), made[-1].root)
        return made[-1]

    yield make
    for each in made:
        if (each.root / "run/systemd/app.service.pid").exists():
            each.boot_step.stop(each.root, each.stubs)


@pytest.mark.parametrize("way", WAYS)
def test_a_server_boots_and_answers(
    way: str, stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """The image's phases, then user data: the application is up with the settings of its stage."""
    stack = stacks(way)
    text = stack.user_data()
    server = machine(stack, bare=way == "bootstrap")  # one that does install it all is enough
    assert f"export SETUP_PHASES='{' '.join(PHASES[way])}'" in text

    server.bake()
    assert server.health() is None
    code = server.boot(text)

    assert code == 0, server.output
    assert json.loads(server.health() or "{}") == {"status": "ok"}
    settings = server.root / "etc/shop/app.env"
    assert 'APP_GREETING="5 \\"quoted\\" \\$HOME \\`id\\` \\\\ ok"\n' in settings.read_text()
    assert stat.S_IMODE(settings.stat().st_mode) == 0o640
    ran = re.findall(r"setup: (\w+)/\d\d-[\w-]+\.sh$", server.output, re.MULTILINE)
    assert list(dict.fromkeys(ran)) == PHASES[way]


def test_the_running_application_gets_each_setting_to_the_letter(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """Quotes, dollars and backslashes of a parameter reach the process unchanged."""
    server = machine(stacks("bootstrap"))
    assert server.boot(server.stack.user_data()) == 0, server.output

    environment = Path(f"/proc/{server.pid()}/environ")
    if not environment.exists():
        pytest.skip("this machine has no /proc to look into")
    seen = dict(pair.split("=", 1) for pair in environment.read_text().split("\0") if pair)

    assert seen["APP_GREETING"] == '5 "quoted" $HOME `id` \\ ok'
    assert re.fullmatch("[0-9a-f]{12}", seen["APP_RELEASE"])
    assert seen["AWS_DEFAULT_REGION"] == REGION


@pytest.mark.parametrize("way", WAYS)
def test_a_second_run_changes_nothing(
    way: str, stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """Not a file is written anew, and the application is not started again."""
    server = machine(stacks(way))
    text = server.stack.user_data()
    server.bake()
    assert server.boot(text) == 0, server.output
    before, pid, current = (
        server.files(),
        server.pid(),
        (server.root / "opt/shop/current").readlink(),
    )

    assert server.boot(text) == 0, server.output

    assert server.files() == before
    assert server.pid() == pid
    assert (server.root / "opt/shop/current").readlink() == current


def test_a_changed_setting_starts_the_application_again(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """Running the boot sequence again is how a server takes over changed settings."""
    server = machine(stacks("bootstrap"))
    text = server.stack.user_data()
    assert server.boot(text) == 0, server.output
    pid = server.pid()
    ssm = server.stack.client("ssm")
    ssm.put_parameter(Name="/shop/dev/app/extra", Value="new", Type="String")

    code = server.boot(text)
    ssm.delete_parameter(Name="/shop/dev/app/extra")

    assert code == 0, server.output
    assert server.pid() != pid
    assert 'APP_EXTRA="new"\n' in (server.root / "etc/shop/app.env").read_text()


def test_a_bundle_with_another_hash_is_not_run(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """A wrong checksum ends the boot before anything of the bundle is unpacked or started."""
    server = machine(stacks("bootstrap"), bare=True)
    text = re.sub(r"(SETUP_SHA256=')[0-9a-f]{64}", r"\g<1>" + "0" * 64, server.stack.user_data())

    code = server.boot(text)

    assert code != 0
    assert "nothing of it was run" in server.output
    assert server.health() is None
    left = sorted(
        f.relative_to(server.root).as_posix() for f in server.root.rglob("*") if f.is_file()
    )
    assert left == ["user-data", "var/lib/shop/setup/failed"]


def test_a_bundle_that_is_gone_fails_the_boot_after_some_attempts(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """What does not come is asked for again, then given up."""
    server = machine(stacks("bootstrap"))
    text = server.stack.user_data().replace("bundles/boot.json", "bundles/gone.json")

    code = server.boot(text)

    assert code != 0
    assert "attempt 1 of 2 failed" in server.output
    assert "gave up after 2 attempts" in server.output
    assert (server.root / "var/lib/shop/setup/failed").exists()


def test_an_application_that_does_not_answer_is_stopped_again(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """A server whose application is deaf fails its setup and leaves nothing running."""
    server = machine(stacks("bootstrap"))
    assert server.boot(server.stack.user_data()) == 0, server.output
    server.extra |= {"PORT": "1", "SETUP_HEALTH_SECONDS": "2"}  # nobody but root may listen there
    unit = server.root / "opt/shop/current/release.env"
    unit.write_text(unit.read_text() + 'APP_LOG_LEVEL="SHOUT"\n')  # the settings refuse it
    (server.root / "var/lib/shop/setup/started").unlink()

    code = server.boot(server.stack.user_data())

    assert code != 0
    assert "did not answer" in server.output
    assert not (server.root / "run/systemd/app.service.pid").exists()
    assert not (server.root / "etc/systemd/system/multi-user.target.wants/app.service").is_symlink()
    assert (server.root / "var/lib/shop/setup/failed").exists()
    assert not (server.root / "var/lib/shop/setup/done").exists()


def test_a_release_that_cannot_be_imported_does_not_become_current(
    stacks: Callable[[str], Stack], machine: MakeMachine, tmp_path: Path
) -> None:
    """The release before it keeps running."""
    stack = stacks("bootstrap")
    server = machine(stack)
    assert server.boot(stack.user_data()) == 0, server.output
    current, pid = (server.root / "opt/shop/current").readlink(), server.pid()
    broken = tmp_path / "broken"
    shutil.copytree(stack.repository / "servers", broken / "servers")
    shutil.copytree(stack.repository / "app", broken / "app")
    (broken / "app/src/app/main.py").write_text("import nothing_of_that_name\n")
    server.extra["SETUP_PROJECT"] = "shop"

    code = server.run(["bash", str(broken / "servers/setup/run"), "release"])

    assert code != 0
    assert "cannot be imported" in server.output
    assert (server.root / "opt/shop/current").readlink() == current
    assert server.pid() == pid


def test_of_old_releases_the_two_that_were_left_last_stay(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """Each has packages of its own, which would fill the disk of a server that stays."""
    server = machine(stacks("bootstrap"))
    releases = server.root / RELEASES
    [new] = [each.name for each in releases.iterdir()]
    made = {"running": 1, "older": 2, "old": 3, "young": 4, "broken-off": 5}
    for name, time_of_it in made.items():
        (releases / name).mkdir()
        if name != "broken-off":
            (releases / name / "release.env").touch()
        os.utime(releases / name, (time_of_it, time_of_it))
    current = server.root / "opt/shop/current"
    current.symlink_to("releases/running")

    assert server.parts("release") == 0, server.output
    assert current.readlink() == Path("releases") / new
    assert {each.name for each in releases.iterdir()} == {new, "running", "young"}

    assert server.parts("release") == 0, server.output
    assert {each.name for each in releases.iterdir()} == {new, "running", "young"}


def test_a_release_gone_back_to_stays(stacks: Callable[[str], Stack], machine: MakeMachine) -> None:
    """It is the oldest there is, and the application runs from it."""
    server = machine(stacks("bootstrap"))
    releases = server.root / RELEASES
    [old] = [each.name for each in releases.iterdir()]
    os.utime(releases / old, (1, 1))
    for age, name in enumerate(["reverted", "before", "long-ago"]):
        (releases / name).mkdir()
        (releases / name / "release.env").touch()
        os.utime(releases / name, (1000 - age, 1000 - age))
    current = server.root / "opt/shop/current"
    current.symlink_to("releases/reverted")

    assert server.parts("release") == 0, server.output

    assert current.readlink() == Path("releases") / old
    assert {each.name for each in releases.iterdir()} == {old, "reverted", "before"}


def test_of_bundles_only_the_one_that_was_run_stays(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    server = machine(stacks("bootstrap"))
    state = server.root / "var/lib/shop/setup"
    (state / "bundle-0123456789ab/servers").mkdir(parents=True)

    assert server.boot(server.stack.user_data()) == 0, server.output

    [left] = state.glob("bundle-*")
    assert f"SETUP_SHA256='{left.name.removeprefix('bundle-')}" in server.stack.user_data()


class Metadata(BaseHTTPRequestHandler):
    """Instance metadata, version 2 only."""

    def do_PUT(self) -> None:
        self.answer(200, "a-token")

    def do_GET(self) -> None:
        allowed = self.headers.get("X-aws-ec2-metadata-token") == "a-token"
        self.answer(200 if allowed else 401, "i-0123456789abcdef0")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


AUTO_SCALING = """\
#!/bin/bash
# The mock AWS knows no lifecycle actions: what a server says to its group is written down.
if [[ $1 != autoscaling ]]; then exec "$(dirname "$0")/aws-mock" "$@"; fi
case $2 in
  describe-auto-scaling-instances) echo shop-dev-servers ;;
  *) echo "${*:2}" >>"$ROOT/told" ;;
esac
"""


@pytest.mark.parametrize(("hash_is_right", "result"), [(True, "CONTINUE"), (False, "ABANDON")])
def test_the_group_hears_how_the_setup_ended(
    hash_is_right: bool,
    result: str,
    stacks: Callable[[str], Stack],
    machine: MakeMachine,
) -> None:
    """A server goes into service by its own word only, and one that failed asks to be replaced."""
    server = machine(stacks("bootstrap"))
    (server.stubs / "aws").rename(server.stubs / "aws-mock")
    (server.stubs / "aws").write_text(AUTO_SCALING)
    (server.stubs / "aws").chmod(0o755)
    service = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    server.extra |= {
        "AWS_EC2_METADATA_DISABLED": "false",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{service.server_port}",
    }
    text = server.stack.user_data()
    if not hash_is_right:
        text = re.sub(r"(SETUP_SHA256=')[0-9a-f]{64}", r"\g<1>" + "0" * 64, text)

    code = server.boot(text)
    service.shutdown()

    assert (code == 0) is hash_is_right, server.output
    assert (server.root / "told").read_text() == (
        "complete-lifecycle-action --auto-scaling-group-name shop-dev-servers "
        "--lifecycle-hook-name shop-dev-setup "
        f"--instance-id i-0123456789abcdef0 --lifecycle-action-result {result}\n"
    )


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS command line was not found")
def test_the_real_command_line_is_asked_the_same_way(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """The stand-in for `aws` takes what the real one takes."""
    server = machine(stacks("bootstrap"))
    (server.stubs / "aws").unlink()

    code = server.boot(server.stack.user_data())

    assert code == 0, server.output
    assert server.health() is not None


def test_the_repository_boots_its_own_servers(
    stacks: Callable[[str], Stack], releases: Callable[[Stack], Path]
) -> None:
    """`make local` boots two servers, says where they are, and stops them again."""
    stack = stacks("bootstrap")
    for name in ("server-1", "server-2"):
        take_over(releases(stack), stack.repository / ".local/servers" / name)
    step = [sys.executable, str(stack.repository / "local/steps/50-boot.py")]
    done = subprocess.run(step, env=stack.variables, capture_output=True, text=True, check=False)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        servers = json.loads((stack.repository / ".local/servers.json").read_text())
        assert len({server["port"] for server in servers}) == 2
        assert done.stdout.count('/health says {"status":"ok"}') == 2
    finally:
        subprocess.run([*step, "down"], env=stack.variables, check=True)

    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for server in servers:
        with pytest.raises(urllib.error.URLError):
            direct.open(f"{server['url']}/health", timeout=2)


def test_a_server_that_stands_alone_is_told_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its tags would tell it on EC2, where two that are set up alike may differ."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    boot_step = load(ROOT / "blueprints/{{use.setup}}/local/steps/50-boot.py")
    with moto.mock_aws():
        boto3.setup_default_session()
        tags = [{"Key": "Name", "Value": "shop-dev-standalone-server-spare"}]
        boto3.client("ec2").run_instances(
            ImageId="ami-12c6146b",
            MaxCount=1,
            MinCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            UserData="#!/bin/bash\nexport SETUP_PHASES='configure'\n",
        )

        [(_, at)] = boot_step.machines()

    server = boot_step.placed(1, at)
    told = boot_step.environment(server, Path("stubs"))
    assert told["SETUP_SERVER"] == "shop-dev-standalone-server-spare"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#cloud-config\n", "does not start with #!/bin/bash"),
        ("#!/bin/bash\n" + "#" * 16384, "has 16396 bytes; EC2 takes 16384"),
        ("#!/bin/bash\n\nexport DB_PASSWORD='1234'\n", "held a secret in line 3"),
        ("#!/bin/bash\nkey=AKIA" + "0" * 16 + "\n", "held a secret in line 2"),
    ],
)
def test_user_data_that_could_not_start_or_tells_a_secret_is_refused(
    text: str, reason: str
) -> None:
    """What `make local` would take, a real server must be able to take."""
    boot_step = load(ROOT / "blueprints/{{use.setup}}/local/steps/50-boot.py")

    with pytest.raises(SystemExit, match=reason):
        boot_step.check(text)


def image_and_pins(stack: Stack) -> tuple[str, dict[str, str]]:
    """The image of the newest launch template version, and what its user data pins."""
    ec2 = stack.client("ec2")
    template = ec2.describe_launch_templates()["LaunchTemplates"][0]
    newest = ec2.describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest"]
    )["LaunchTemplateVersions"][0]
    pins = dict(re.findall(r"^export SETUP_(\w+)='([^']*)'", stack.user_data(), re.MULTILINE))
    return newest["LaunchTemplateData"]["ImageId"], pins


@pytest.mark.parametrize("way", ["bootstrap", "layered"])
def test_a_changed_file_is_a_new_bundle_on_the_same_image_and_the_old_one_stays(
    way: str, stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """Releasing needs no image, and a fleet that is rolled back still finds its bundle."""
    stack = stacks(way)
    text = stack.user_data()
    image, old = image_and_pins(stack)
    file = stack.repository / "servers/systemd/app.service"
    file.write_text(file.read_text() + "# changed\n")

    stack.apply("-refresh=false")
    same_image, new = image_and_pins(stack)

    assert same_image == image
    assert new["SHA256"] != old["SHA256"]
    for pins in (old, new):
        answer = stack.client("s3").get_object(
            Bucket=pins["BUCKET"], Key=pins["KEY"], VersionId=pins["VERSION"]
        )
        assert hashlib.sha256(answer["Body"].read()).hexdigest() == pins["SHA256"]
    rolled_back = machine(stack)
    rolled_back.bake()
    assert rolled_back.boot(text) == 0, rolled_back.output
    assert "# changed" not in (rolled_back.root / "etc/systemd/system/app.service").read_text()


def test_a_server_may_fetch_versions_of_bundles_and_no_more(
    stacks: Callable[[str], Stack],
) -> None:
    """What its role holds in AWS, which is more than what a document in the configuration says."""
    stack = stacks("bootstrap")
    stack.apply("-refresh=false", "-target=aws_iam_role_policy.setup")
    _, pins = image_and_pins(stack)

    held = stack.client("iam").get_role_policy(RoleName="shop-dev-servers", PolicyName="setup")

    assert held["PolicyDocument"]["Statement"] == [
        {
            "Sid": "FetchBundle",
            "Effect": "Allow",
            "Action": "s3:GetObjectVersion",
            "Resource": f"arn:aws:s3:::{pins['BUCKET']}/bundles/*",
        }
    ]


def test_a_bundle_holds_no_tests_and_no_leavings(stacks: Callable[[str], Stack]) -> None:
    """What a test run or an editor leaves behind is no reason to roll the fleet."""
    stack = stacks("bootstrap")
    _, before = image_and_pins(stack)
    for leaving in (
        "app/.venv/lib/x.py",
        "app/src/app/__pycache__/main.cpython-312.pyc",
        "app/.pytest_cache/v/x",
        "app/tests/test_new.py",
        "app/src/app.egg-info/PKG-INFO",
        "servers/.DS_Store",
    ):
        (stack.repository / leaving).parent.mkdir(parents=True, exist_ok=True)
        (stack.repository / leaving).write_text("left behind")

    stack.apply("-refresh=false")

    assert image_and_pins(stack)[1]["SHA256"] == before["SHA256"]


def test_nothing_of_one_machine_stays_in_an_image(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """Sealing takes identity and settings away; validating says so, and fails on what is left."""
    stack = stacks("stamp")
    server = machine(stack)
    traces = (
        "etc/ssh/ssh_host_ed25519_key",
        "etc/shop/app.env",
        "root/.ssh/authorized_keys",
        "root/.aws/credentials",
        "root/.bash_history",
        "var/lib/cloud/instance/user-data.txt",
        "var/log/amazon/ssm/amazon-ssm-agent.log",
        "var/log/audit/audit.log",
        "var/log/journal/0123456789abcdef0123456789abcdef/system.journal",
    )
    for trace in (*traces, "etc/machine-id"):
        (server.root / trace).parent.mkdir(parents=True, exist_ok=True)
        (server.root / trace).write_text("of this machine")
    server.bake()

    # A backslash more or less is another way to quote it.
    settings = {
        each["Name"]: each["Value"].replace("\\", "").encode()
        for each in stack.client("ssm").get_parameters_by_path(
            Path="/shop/dev/app", Recursive=True, WithDecryption=True
        )["Parameters"]
    }
    assert settings
    assert [
        (name, str(file))
        for file in server.root.rglob("*")
        if file.is_file()
        for name, value in settings.items()
        if value in file.read_bytes().replace(b"\\", b"")
    ] == []
    assert [trace for trace in traces if (server.root / trace).exists()] == []
    assert (server.root / "etc/machine-id").read_text() == ""
    assert server.parts("validate") == 0, server.output
    (server.root / "etc/machine-id").write_text("of this machine")
    assert server.parts("validate") != 0
    assert "share one machine id" in server.output

    (server.root / "etc/machine-id").write_text("")
    for trace in ("var/log/audit/audit.log", "var/log/journal/0123/system.journal"):
        file = server.root / trace
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("of this machine")
        assert server.parts("validate") != 0
        assert "must not be in an image" in server.output
        file.unlink()


def test_an_image_that_lacks_a_program_is_refused(
    stacks: Callable[[str], Stack], machine: MakeMachine
) -> None:
    """A half-built release never becomes an image."""
    stack = stacks("stamp")
    server = machine(stack)
    server.bake()
    shutil.rmtree(server.root / RELEASES)

    code = server.parts("validate")

    assert code != 0
    assert "which is not in the image" in server.output
