"""Run the database on this machine, where the mock AWS has none inside.

Starts the PostgreSQL that is installed here, on loopback and at the very port, with the very
user and password that the application is told of: they are read from the mock's Parameter Store
and Secrets Manager. A stop ends it with all it held. Where PostgreSQL is not installed, the
application runs without its database and says so.

    python local/steps/40-database.py          start the database; one that runs is started anew
    python local/steps/40-database.py down     stop it
"""

import ipaddress
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOTE = Path(__file__).resolve().parents[2] / ".local/database.json"

# It refuses to run as root, and a package makes a user for it.
USER = "postgres" if os.geteuid() == 0 else None


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, of the newest version; Debian puts none on the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    by_version = sorted(installed, key=lambda path: int(re.sub(r"\D", "", path.parts[4]) or 0))
    return by_version[-1].parent if by_version else None


def settings() -> tuple[str, Mapping[str, str]]:
    """The path of the application's settings, and those about the database.

    Raises:
        SystemExit: There are none, or they lead away from this machine.
    """
    pages = boto3.client("ssm").get_paginator("get_parameters_by_path")
    found, path = {}, ""
    for page in pages.paginate(Path="/", Recursive=True):
        for parameter in page["Parameters"]:
            where, _, name = parameter["Name"].rpartition("/")
            if where.endswith("/app") and name.startswith("database_"):
                found[name], path = parameter["Value"], where
    if "database_host" not in found:
        sys.exit("the mock AWS has no parameter …/app/database_host; was the stack applied?")
    if found["database_host"] != "127.0.0.1":
        sys.exit(f"…/app/database_host is {found['database_host']}; a database starts here only")
    return path, found


def run(program: Path, *arguments: str, **variables: str) -> None:
    """Run one of PostgreSQL's programs; what it says shows only if it fails."""
    done = subprocess.run(
        [program, *arguments],
        user=USER,
        cwd="/",
        env={**os.environ, "HOME": "/nonexistent", **variables},  # where it looks for keys
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{program.name} ended with exit code {done.returncode}:\n{done.stderr}")


def certify(folder: Path) -> None:
    """Write a key, and a certificate for this machine that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local database")])
    now = datetime.now(timezone.utc)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(private)
    (folder / "key.pem").chmod(0o600)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def runs(number: int, folder: Path) -> bool:
    """Whether the process is still the server of this folder, and not another program."""
    command = ["ps", "-o", "stat=,command=", "-p", str(number)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return str(folder) in shown and not shown.startswith("Z")


def down() -> None:
    try:
        note = json.loads(NOTE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    number, folder = int(note["pid"]), Path(note["folder"])
    if runs(number, folder):
        os.kill(number, signal.SIGINT)
        for _ in range(100):
            if not runs(number, folder):
                break
            time.sleep(0.1)
        else:
            os.kill(number, signal.SIGQUIT)
        print("the database is stopped, what it held is gone")
    shutil.rmtree(folder, ignore_errors=True)
    boto3.client("ssm").delete_parameters(Names=[note["parameter"]])
    NOTE.unlink()


def up() -> None:
    down()
    found = programs()
    if found is None:
        print(
            "PostgreSQL was not found: the application runs without its database. A package"
            " brings it, such as with `apt-get install postgresql` or `brew install postgresql`"
        )
        return
    path, told = settings()
    port = int(told["database_port"])
    if answers(port):
        sys.exit(f"port {port} is taken by a server that this step did not start; stop that first")
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=told["database_secret_arn"])
    login = json.loads(secret["SecretString"])

    folder = Path(tempfile.mkdtemp(prefix="database-"))
    certify(folder)
    (folder / "password").write_text(login["password"])
    for each in (folder, *folder.iterdir()):
        if USER:
            shutil.chown(each, USER, pwd.getpwnam(USER).pw_gid)
    who = [f"--username={login['username']}", f"--pwfile={folder}/password"]
    run(found / "initdb", *who, "--auth=scram-sha-256", "--no-sync", "--pgdata", f"{folder}/data")
    # As the real one is set up: whoever does not encrypt is refused.
    (folder / "data/pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")

    parameter = f"{path}/database_ca_file"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [
                found / "postgres",
                *("-D", f"{folder}/data"),
                f"--port={port}",
                "--listen-addresses=127.0.0.1",
                "--unix-socket-directories=",
                "--ssl=on",
                f"--ssl-cert-file={folder}/ca.pem",
                f"--ssl-key-file={folder}/key.pem",
                "--fsync=off",
            ],
            user=USER,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    NOTE.parent.mkdir(parents=True, exist_ok=True)
    note = {"pid": process.pid, "folder": str(folder), "parameter": parameter}
    NOTE.write_text(json.dumps(note) + "\n", encoding="utf-8")
    for _ in range(150):
        if answers(port) or process.poll() is not None:
            break
        time.sleep(0.1)
    if process.poll() is not None or not answers(port):
        print((folder / "server.log").read_text(errors="replace"), file=sys.stderr)
        sys.exit(f"PostgreSQL did not come up on port {port}; its log is above")

    where = ["--host=127.0.0.1", f"--port={port}", f"--username={login['username']}"]
    run(
        found / "createdb",
        *where,
        told["database_name"],
        PGPASSWORD=login["password"],
        PGSSLMODE="require",
    )
    # The application of this machine trusts this certificate, and not the authorities of RDS.
    boto3.client("ssm").put_parameter(
        Name=parameter, Value=f"{folder}/ca.pem", Type="String", Overwrite=True
    )
    print(f"database: {found.parent.name} answers on 127.0.0.1:{port}")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    down() if sys.argv[1:] == ["down"] else up()
