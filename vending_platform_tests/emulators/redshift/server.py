"""Debian's PostgreSQL as a plain process on a free port, for root and for everyone else, gone when it is stopped."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

psycopg2: Any = import_module("psycopg2")  # it has no types

ADMINISTRATOR = "administrator"
PASSWORD = "of the emulator"
_FUNCTIONS = Path(__file__).with_name("functions.sql")
_TEMPLATE = "redshift_template"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    # As in Redshift: a transaction sees one snapshot, and a backslash in a text begins an escape.
    "default_transaction_isolation": "repeatable read",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "backslash_quote": "on",
    # The oldest form of a password, which is the only one that Redshift's connector knows beside its own.
    "password_encryption": "md5",
}


@dataclass(frozen=True)
class PostgresServer:
    port: int

    def connect(self, database: str, **options: Any) -> Any:
        """A connection of psycopg2 as the administrator."""
        return psycopg2.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=ADMINISTRATOR, password=PASSWORD, **options
        )

    def create_database(self, name: str) -> None:
        self._administer(f'create database "{name}" template {_TEMPLATE}')

    def drop_database(self, name: str) -> None:
        self._administer(f'drop database if exists "{name}" with (force)')

    def _administer(self, statement: str) -> None:
        connection = self.connect("postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def make_template(self) -> None:
        """What every database begins with: the functions and views of Redshift that PostgreSQL lacks."""
        self._administer(f"create database {_TEMPLATE}")
        connection = self.connect(_TEMPLATE)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(_FUNCTIONS.read_text(encoding="utf-8"))
                cursor.execute(
                    f"alter database {_TEMPLATE} set search_path = redshift, pg_catalog, public;"
                    f"alter role {ADMINISTRATOR} set search_path = redshift, pg_catalog, public"
                )
        finally:
            connection.close()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="redshift-emulator-", dir="/tmp"))
    try:
        with _running(folder) as port:
            server = PostgresServer(port)
            server.make_template()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(folder: Path) -> Iterator[int]:
    programs, data, identity = _programs(), folder / "data", _identity()
    if identity:
        shutil.chown(folder, identity["user"], identity["group"])
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    made = subprocess.run(
        [
            *(programs / "initdb", "-D", data, "--username", ADMINISTRATOR, "--pwfile", password),
            *("--auth", "md5", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
        ],
        cwd="/",
        capture_output=True,
        check=False,
        **identity,
    )
    assert made.returncode == 0, f"PostgreSQL can't make a cluster: {made.stderr.decode()}"
    (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 md5\n")
    port = _free_port()
    settings = _SETTINGS | {"port": str(port), "unix_socket_directories": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())],
            cwd="/",
            stdout=log,
            stderr=log,
            **identity,
        )
    try:
        _wait_until_it_answers(PostgresServer(port))
        yield port
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing in it is kept
        process.wait()


@retry(
    retry=retry_if_exception_type(psycopg2.OperationalError),
    stop=stop_after_delay(60),
    wait=wait_fixed(0.05),
    reraise=True,
)
def _wait_until_it_answers(server: PostgresServer) -> None:
    server.connect("postgres").close()


def _programs() -> Path:
    """Debian keeps them out of the path, in a folder per version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda found: int(found.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("postgres")
    assert found is not None, "the emulated Redshift needs PostgreSQL: apt-get install postgresql"
    return Path(found).parent


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses to run as root, so root starts it as someone else."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise AssertionError("there is neither a user postgres nor a user nobody to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
