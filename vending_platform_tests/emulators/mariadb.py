"""A real MariaDB as a plain process on a free port of this machine, with TLS and a certificate of its own authority.

`running_mariadb()` is for code that needs one; the fixture `mariadb` is one per test process, and a test gets an empty
database of it from `database`. The folder of an empty server is made once per run.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymysql
import pytest

from vending_platform_tests.emulators.certificates import write_certificates
from vending_platform_tests.shared import made_once

_STARTING = 60.0
READER, PASSWORD = "extractor", "it's a secret"


@dataclass(frozen=True)
class MariaDb:
    """`root` may do everything; `extractor`, who has a password, only reads."""

    port: int
    folder: Path

    @property
    def authority(self) -> Path:
        """The certificate that the server's is signed with."""
        return self.folder / "ca.pem"

    def connect(self, database: str | None = None) -> "pymysql.Connection[Any]":
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", database=database, autocommit=True, charset="utf8mb4"
        )

    def run(self, *statements: str, database: str | None = None) -> None:
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def url(self, database: str, user: str = "root") -> str:
        return f"mysql://{user}@127.0.0.1:{self.port}/{database}"

    def client(self, sql: str, database: str) -> str:
        """What the server's own client prints for a query."""
        command = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{self.port}", "-uroot", "--batch", "--raw"]
        command += ["--skip-column-names", "--default-character-set=utf8mb4", "-e", sql, database]
        return subprocess.run(command, check=True, capture_output=True).stdout.decode()


@contextmanager
def running_mariadb(empty: Path, folder: Path) -> Iterator[MariaDb]:
    """A server on a copy of the folder `empty`, which `make_empty` has made."""
    data, run = folder / "data", folder / "run"
    shutil.copytree(empty, data)
    run.mkdir()
    write_certificates(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *("mariadbd", "--no-defaults", "--user=root", "--bind-address=127.0.0.1", f"--port={port}"),
        *(f"--datadir={data}", f"--socket={run / 's'}", f"--pid-file={run / 'pid'}", f"--tmpdir={run}"),
        *(f"--ssl-ca={folder / 'ca.pem'}", f"--ssl-cert={folder / 'server.pem'}", f"--ssl-key={folder / 'key.pem'}"),
        *("--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=256M"),
        *("--character-set-server=utf8mb4", "--sql-mode=", "--performance-schema=OFF", "--max-connections=200"),
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    server = MariaDb(port, folder)
    try:
        _wait(server, process)
        yield server
    finally:
        process.kill()  # nothing that it holds outlives the test
        process.wait()


def make_empty(folder: Path) -> None:
    """The files of a server with no database, in which root has no password and `extractor` may read all."""
    command = [
        *("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={folder}", "--skip-test-db"),
        *("--auth-root-authentication-method=normal", "--skip-name-resolve"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    user = f"create user {READER}@'%' identified by '{PASSWORD.replace(chr(39), chr(39) * 2)}'"
    grant = f"grant select on *.* to {READER}@'%'"
    statements = f"flush privileges;\n{user};\n{grant};\n"
    bootstrap = ["mariadbd", "--no-defaults", "--user=root", "--bootstrap", f"--datadir={folder}"]
    subprocess.run(bootstrap, input=statements.encode(), check=True, capture_output=True)


def _wait(server: MariaDb, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + _STARTING
    while True:
        try:
            server.connect().close()
            return
        except pymysql.err.OperationalError:
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"MariaDB did not start: {(server.folder / 'log').read_text()[-2000:]}") from None
            time.sleep(0.05)


@pytest.fixture(scope="session")
def mariadb(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """One for all tests of the process. A module that needs it says so with `usefixtures`, so that it is not taken for
    what one of its tests left running."""
    empty = made_once(run_folder / "mariadb", make_empty)
    with running_mariadb(empty, tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture
def database(mariadb: MariaDb) -> Iterator[str]:
    """An empty database, which is gone after the test."""
    name = f"t{uuid4().hex[:12]}"
    mariadb.run(f"create database {name} character set utf8mb4")
    yield name
    mariadb.run(f"drop database {name}")
