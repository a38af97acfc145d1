"""A real PostgreSQL server for tests, on loopback and in a folder of its own."""

import atexit
import ipaddress
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def _programs() -> Path | None:
    """Find the folder of the newest version; Debian puts none of them on the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    by_version = sorted(installed, key=lambda path: int(re.sub(r"\D", "", path.parts[4]) or 0))
    return by_version[-1].parent if by_version else None


PROGRAMS = _programs()

MISSING = "PostgreSQL was not found; a package `postgresql` brings it"


def need_programs() -> None:
    """Skip a test on a machine without PostgreSQL; in CI, where nobody would notice, it fails."""
    if PROGRAMS is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)


# It refuses to run as root, and Debian makes a user for it.
USER = "postgres" if os.geteuid() == 0 else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(program: str, *arguments: str | Path) -> None:
    command = [(PROGRAMS or Path()) / program, *arguments]
    subprocess.run(command, user=USER, cwd="/", check=True, capture_output=True)


def _hand_over(*paths: Path) -> None:
    for path in paths:
        if USER:
            shutil.chown(path, USER, pwd.getpwnam(USER).pw_gid)


@cache
def _made_once() -> Path:
    """Make what every server starts with; it takes seconds, and a copy of it does not."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    atexit.register(shutil.rmtree, folder)
    (folder / "password").write_text("first")
    _hand_over(folder, folder / "password")
    who = ["--username=app", "--auth=scram-sha-256", f"--pwfile={folder}/password"]
    _run("initdb", "--no-sync", *who, "--pgdata", folder / "data")
    (folder / "data/pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    return folder / "data"


class PostgresServer:
    """One server with the database `app`; it takes encrypted connections, with a password."""

    def __init__(self, certified: str = "127.0.0.1") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_port()
        self.password = "first"
        self.ca_file = self.folder / "ca.pem"
        certify(self.folder, certified)
        _hand_over(self.folder, *self.folder.iterdir())
        subprocess.run(["cp", "-a", _made_once(), self.folder / "data"], check=True)
        self.start()
        self.tell("CREATE DATABASE app", dbname="postgres")

    def start(self) -> None:
        """Start it, or start it again on the same port, and wait until it takes connections."""
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": self.ca_file,
            "ssl_key_file": self.folder / "key.pem",
            "fsync": "off",
        }
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [(PROGRAMS or Path()) / "postgres", "-D", self.folder / "data"]
                + [f"--{name}={value}" for name, value in options.items()],
                user=USER,
                cwd="/",
                stdout=log,
                stderr=log,
            )
        for _ in range(200):
            try:
                self.tell("SELECT 1", dbname="postgres")
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError((self.folder / "server.log").read_text())

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it as a machine ends that is lost: with every connection, in the midst of it."""
        self.process.send_signal(how)
        self.process.wait(20)

    def remove(self) -> None:
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder)

    def tell(self, statement: str, dbname: str = "app") -> list[tuple[object, ...]]:
        """Run a statement as an administrator would, and return what is answered."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname=dbname,
            user="app",
            password=self.password,
            sslmode="require",
            gssencmode="disable",
            connect_timeout=5,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def change_password(self, password: str) -> None:
        self.tell(f"ALTER USER app PASSWORD '{password}'")
        self.password = password


def certify(folder: Path, address: str) -> None:
    """Write a key, and a certificate for an address that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "key.pem").chmod(0o600)
