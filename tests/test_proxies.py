"""The last hop of a proxy, real nginx: it finds the web servers, and passes requests on."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2
import pytest

from cdp_scaffold.resolver import Resolution, resolve
from tests.front import TEMPLATE, Answer, Asked, Proxy, render, running, serving, until
from tests.machine import need

CONFIGURATION = "servers/setup/configure/proxies/last-hop.conf"
CACHE = {
    "CACHE_HEALTH": "/health",
    "CACHE_IGNORED_COOKIES": "_ga",
    "CACHE_MEMORY_PERCENT": "10",
}

FRONTS = [
    (pattern, door)
    for pattern in ("cache_proxy", "rewrite_proxy")
    for door in TEMPLATE.catalog.slots["front_door"].options
    if isinstance(resolve(TEMPLATE.catalog, [pattern], {"front_door": door}), Resolution)
]
"""Each pattern of proxies with each front door that it can have."""


def mirror(asked: Asked) -> Answer:
    """An origin that tells what it was asked."""
    told = {"method": asked.method, "path": asked.path, "headers": asked.headers}
    told["body"] = asked.body.decode()
    return Answer(headers={"Content-Type": "application/json"}, body=json.dumps(told).encode())


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system whose proxies do one thing; the addresses of a name are known for a second only."""
    need("nginx")
    need("varnishd")
    folder = tmp_path_factory.mktemp("repository")
    return render(folder, "cache_proxy", changes={CONFIGURATION: {"valid=10s": "valid=1s"}})


@pytest.fixture(scope="module")
def proxy(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with (
        serving(mirror) as origin,
        running(repository, tmp_path_factory.mktemp("proxy"), origin.url, **CACHE) as proxy,
    ):
        yield proxy


def seen(answer: Answer) -> dict[str, str]:
    headers: dict[str, str] = json.loads(answer.body)["headers"]
    return headers


# What an origin gets


def test_host_path_query_and_cookies_come_through_unchanged(proxy: Proxy) -> None:
    answer = proxy.ask(
        "/a%2Fb/?q=%20x&y=1", {"Host": "shop.example", "Cookie": "sid=1; theme=dark"}
    )

    assert json.loads(answer.body)["path"] == "/a%2Fb/?q=%20x&y=1"
    assert seen(answer)["host"] == "shop.example"
    assert seen(answer)["cookie"] == "sid=1; theme=dark"


def test_a_body_comes_through(proxy: Proxy) -> None:
    answer = proxy.ask("/form", method="POST", body=b"a=1")

    told = json.loads(answer.body)
    assert (told["method"], told["body"]) == ("POST", "a=1")


def test_a_body_is_passed_on_while_it_comes(repository: Path, tmp_path: Path) -> None:
    """What the application refuses is never on the proxy's disk, however much is sent of it."""
    large = 4_000_000
    with (
        serving(mirror, largest=1000) as origin,
        running(repository, tmp_path, origin.url, **CACHE) as proxy,
    ):
        for count in range(20):  # whether the next request meets a connection that ends is chance
            with proxy.sending("/form", large, b"x" * (large // 4)) as client:
                until(
                    lambda before=2 * count: len(origin.paths("/form")) > before,  # type: ignore[misc]
                    "the application is asked before all was sent",
                )
                client.sendall(b"x" * (large - large // 4))

                assert client.recv(1000).startswith(b"HTTP/1.1 413 ")
            assert proxy.ask("/form", method="POST", body=b"a=1").status == 200

        assert "buffered to a temporary file" not in proxy.said("last-hop")


def test_each_hop_adds_the_one_before_it(proxy: Proxy) -> None:
    """Load balancer, cache and last hop; what the application makes of it its own tests tell."""
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}

    got = seen(proxy.ask("/", headers, method="POST", source="127.0.0.4"))

    assert got["x-forwarded-for"] == "198.51.100.1, 203.0.113.9, 127.0.0.4, 127.0.0.1"
    assert got["x-forwarded-proto"] == "https"


# Where it is


@contextmanager
def name_server(address: list[str]) -> Iterator[int]:
    """A resolver that answers every question with the addresses of the list."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.2)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    question, who = server.recvfrom(512)
                except TimeoutError:
                    continue
                end = question.index(b"\0", 12) + 5
                head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, len(address), 0, 0)
                kind = struct.pack(">HHHIH", 0xC00C, 1, 1, 3600, 4)
                records = b"".join(kind + socket.inet_aton(each) for each in address)
                server.sendto(head + question[12:end] + records, who)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def test_a_load_balancer_that_changes_its_address_is_followed(
    repository: Path, tmp_path: Path
) -> None:
    """Though the answer said an hour: what a load balancer says holds for a minute at most."""
    address = ["127.0.0.2"]
    with (
        name_server(address) as resolver,
        serving(lambda _: Answer(body=b"old"), host="127.0.0.2") as old,
        serving(lambda _: Answer(body=b"new"), host="127.0.0.3", port=old.port),
        running(
            repository,
            tmp_path,
            f"http://inner.test:{old.port}",
            RESOLVER=f"127.0.0.1:{resolver}",
            **CACHE,
        ) as proxy,
    ):
        assert proxy.ask("/health").body == b"old"

        address[0] = "127.0.0.3"

        until(lambda: proxy.ask("/health").body == b"new", "requests go to the new address")


def test_a_body_finds_the_address_that_answers(repository: Path, tmp_path: Path) -> None:
    """A load balancer has several; one where nobody listens has got nothing of the body yet."""
    with (
        name_server(["127.0.0.2", "127.0.0.3"]) as resolver,
        serving(mirror, host="127.0.0.2") as origin,
        running(
            repository,
            tmp_path,
            f"http://inner.test:{origin.port}",
            RESOLVER=f"127.0.0.1:{resolver}",
            **CACHE,
        ) as proxy,
    ):

        def tried_both() -> bool:
            assert proxy.ask("/form", method="POST", body=b"a=1" * 100_000).status == 200
            return "127.0.0.3" in proxy.said("last-hop")

        until(tried_both, "the other address is tried too, which is a matter of chance")


def test_no_name_of_a_back_end_is_looked_up_once_and_for_all(repository: Path) -> None:
    text = (repository / CONFIGURATION).read_text()

    assert [
        line.strip() for line in text.splitlines() if line.strip().startswith("proxy_pass")
    ] == ["proxy_pass $origin;"]
    assert "resolver @RESOLVER@" in text


# Whether it is well


def test_a_proxy_is_well_while_web_servers_are_not(repository: Path, tmp_path: Path) -> None:
    """Else a failure of theirs would take the proxies out, with all they can still answer."""
    with running(repository, tmp_path, "http://127.0.0.1:9", **CACHE) as proxy:
        assert (proxy.ask("/proxy-health").status, proxy.ask("/").status) == (200, 502)


def test_a_proxy_is_not_well_without_its_last_hop(repository: Path, tmp_path: Path) -> None:
    with running(repository, tmp_path, "http://127.0.0.1:9", **CACHE) as proxy:
        proxy.end("last-hop")

        assert proxy.ask("/proxy-health").status == 503


# Encrypted


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    need("openssl")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize(("name", "status"), [("www.shop.example", 200), ("other.example", 502)])
def test_with_a_certificate_the_inner_load_balancer_has_to_show_it(
    tmp_path: Path, name: str, status: int
) -> None:
    need("nginx")
    need("varnishd")
    repository = render(
        tmp_path / "repository",
        "cache_proxy",
        changes={CONFIGURATION: {"@AUTHORITIES@": str(tmp_path / "certificate.pem")}},
        address="own_domain",
    )
    with (
        serving(lambda _: Answer(), tls=certificate(tmp_path, "www.shop.example")) as origin,
        running(
            repository,
            tmp_path / "proxy",
            f"https://127.0.0.1:{origin.port}",
            PROXIES_ORIGIN_NAME=name,
            **CACHE,
        ) as proxy,
    ):
        assert proxy.ask("/").status == status


# Its setup


def test_nothing_of_the_application_is_set_up_on_a_proxy(proxy: Proxy) -> None:
    assert not (proxy.root / "etc/shop").exists()
    assert not (proxy.root / "opt").exists()
    assert not (proxy.root / "etc/systemd/system/app.service").exists()
    installed = (proxy.root / "var/lib/dnf/installed").read_text().split()
    assert installed == ["nginx", "varnish"]


def test_nothing_of_a_proxy_is_set_up_where_the_application_runs(
    repository: Path, tmp_path: Path
) -> None:
    server = Proxy(repository, tmp_path, "", {"SETUP_APPLICATION": "yes", "SETUP_KIND": "servers"})

    code, said = server.setup("install")

    assert code == 0, said
    assert "nginx" not in (tmp_path / "var/lib/dnf/installed").read_text()


def test_an_image_holds_what_every_kind_of_server_needs(repository: Path, tmp_path: Path) -> None:
    image = Proxy(repository, tmp_path, "", {"SETUP_APPLICATION": "yes", "SETUP_KIND": ""})

    code, said = image.setup("install")

    assert code == 0, said
    installed = (tmp_path / "var/lib/dnf/installed").read_text().split()
    assert {"nginx", "python3.12", "varnish"} <= set(installed)
    assert not (tmp_path / "etc/systemd/system").exists()


def test_a_second_setup_leaves_running_programs_alone(repository: Path, tmp_path: Path) -> None:
    """A restart would throw away all that is kept."""
    with (
        serving(mirror) as origin,
        running(repository, tmp_path, origin.url, **CACHE) as proxy,
    ):
        before = proxy.pids()

        said = proxy.start()

        assert proxy.pids() == before
        assert said.count("runs with these files already") == 2


def test_a_changed_file_starts_its_program_anew(repository: Path, tmp_path: Path) -> None:
    with (
        serving(mirror) as origin,
        running(repository, tmp_path, origin.url, **CACHE) as proxy,
    ):
        before = proxy.pids()
        proxy.exports = {**proxy.exports, "PROXIES_IDLE_SECONDS": "30"}

        proxy.start()

        assert all(proxy.pids()[unit] != pid for unit, pid in before.items())


def test_a_configuration_that_nginx_refuses_ends_the_setup(tmp_path: Path) -> None:
    need("nginx")
    repository = render(
        tmp_path / "repository",
        "cache_proxy",
        changes={CONFIGURATION: {"server_tokens off;": "server_tokens of;"}},
    )
    proxy = Proxy(repository, tmp_path / "root", "http://127.0.0.1:9", CACHE)

    code, said = proxy.setup("install", "configure")

    assert code != 0
    assert "last-hop.service does not start" in said
    assert 'invalid value "of"' in said


def test_a_value_that_nobody_gave_ends_the_setup(tmp_path: Path) -> None:
    need("nginx")
    repository = render(
        tmp_path / "repository",
        "cache_proxy",
        changes={CONFIGURATION: {"access_log off;": "access_log @LOG@;"}},
    )
    proxy = Proxy(repository, tmp_path / "root", "http://127.0.0.1:9", CACHE)

    code, said = proxy.setup("install", "configure")

    assert code != 0
    assert "@LOG@ in" in said
    assert "has no value" in said


# The only way


Block = dict[str, Any]


@dataclass
class Configuration:
    """What all Terraform files of a repository say together."""

    resources: dict[str, dict[str, Block]] = field(default_factory=dict)
    """Of each type, under their names."""

    values: Block = field(default_factory=dict)
    """The locals."""

    def of(self, kind: str) -> list[Block]:
        return list(self.resources.get(kind, {}).values())

    def meant(self, value: Any) -> str:
        """The address that a value is of, whichever locals lead there."""
        address = str(value).removeprefix("${").removesuffix("}")
        first, *path = address.split(".")
        if first != "local":
            return address
        found: Any = self.values
        for name in path:
            found = found[name]
        return self.meant(found)

    def let_into(self, group: str) -> list[str]:
        """For each rule that opens a security group, to whom."""
        return [
            self.meant(rule.get("referenced_security_group_id", "addresses"))
            for rule in self.of("aws_vpc_security_group_ingress_rule")
            if self.meant(rule["security_group_id"]) == group
        ]

    def forwards(self) -> set[tuple[str, str]]:
        """Which load balancer forwards to which target group, by itself or by a rule."""
        balancers = {
            f"aws_lb_listener.{name}.arn": self.meant(listener["load_balancer_arn"])
            for name, listener in self.resources["aws_lb_listener"].items()
        }
        ways = [
            (f"aws_lb_listener.{name}.arn", listener["default_action"])
            for name, listener in self.resources["aws_lb_listener"].items()
        ] + [
            (self.meant(rule["listener_arn"]), rule["action"])
            for rule in self.of("aws_lb_listener_rule")
        ]
        return {
            (balancers[listener], self.meant(action["target_group_arn"]))
            for listener, actions in ways
            for action in actions
            if action["type"] == "forward"
        }


def read(infra: Path) -> Configuration:
    found = Configuration()
    quiet = hcl2.SerializationOptions(
        explicit_blocks=False, strip_string_quotes=True, with_comments=False
    )
    for file in sorted(infra.glob("*.tf")):
        said = hcl2.loads(file.read_text(encoding="utf-8"), serialization_options=quiet)
        for block in said.get("locals", []):
            found.values.update(block)
        for block in said.get("resource", []):
            for kind, named in block.items():
                found.resources.setdefault(kind, {}).update(named)
    return found


@pytest.mark.parametrize(("pattern", "front_door"), FRONTS)
def test_web_servers_are_reached_through_the_proxies_only(
    pattern: str, front_door: str, tmp_path: Path
) -> None:
    """Over the whole configuration, so that a second way is seen whichever file brings it."""
    told = read(render(tmp_path, pattern, front_door=front_door) / "infra")

    assert sorted(
        (told.meant(each["autoscaling_group_name"]), told.meant(each["lb_target_group_arn"]))
        for each in told.of("aws_autoscaling_attachment")
    ) == [
        ("aws_autoscaling_group.proxies.name", "aws_lb_target_group.proxies.arn"),
        ("aws_autoscaling_group.servers.name", "aws_lb_target_group.load_balancer.arn"),
    ]
    assert told.forwards() == {
        ("aws_lb.load_balancer.arn", "aws_lb_target_group.proxies.arn"),
        ("aws_lb.proxies.arn", "aws_lb_target_group.load_balancer.arn"),
    }
    assert told.let_into("aws_security_group.servers.id") == [
        "aws_security_group.proxies_load_balancer.id"
    ]
    assert told.let_into("aws_security_group.proxies_load_balancer.id") == [
        "aws_security_group.proxies.id"
    ]
    # Other spellings of the same would pass by what is asked above.
    assert told.resources["aws_launch_template"]["servers"]["vpc_security_group_ids"] == [
        "${aws_security_group.servers.id}"
    ]
    opened = [each["security_group_id"] for each in told.of("aws_vpc_security_group_ingress_rule")]
    assert not [each for each in opened if not told.meant(each).startswith("aws_security_group.")]
    groups = told.of("aws_autoscaling_group")
    assert not [each for each in groups if each.keys() & {"target_group_arns", "traffic_source"}]
    assert not [each for each in told.of("aws_security_group") if "ingress" in each]
    assert not told.resources.keys() & {
        "aws_autoscaling_traffic_source_attachment",
        "aws_lb_target_group_attachment",
        "aws_security_group_rule",
    }
