"""A session with MySQL or MariaDB: signed in, encrypted where that is declared, limited, and read in a stream."""

import json
import re
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from vending_platform import secrets
from vending_platform.environment import AwsTarget, DatabaseAddress, DatabaseSettings
from vending_platform.extraction.interface import ExtractionError, SystemUnavailable
from vending_platform.extraction.mysql.decoding import LostRows, decoded

_TIMEOUT = 30
"""Seconds for a connection, and between two pieces of an answer ten times that."""
_NO_SERVER = 2003
_NO_ACCESS = {1044, 1045, 1142, 1143, 1227, 1698}
_NOT_THERE = {1049, 1054, 1146}
_READ_AHEAD = 65_536
_QUERY = 3
"""The protocol's command for a query."""


@dataclass(frozen=True)
class Target:
    """Where to sign in, and as whom; printing it shows no password."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    def __str__(self) -> str:
        return f"{self.database} on {self.host}:{self.port}"


def target_of(name: str, settings: DatabaseAddress, aws: AwsTarget | None) -> Target:
    """From the settings, and from the secret where there is one: it has JSON with `username` and `password`, and may
    have `host` and `port`, as AWS writes them."""
    parts = urlsplit(settings.url)
    database = parts.path.removeprefix("/")
    if parts.scheme != "mysql" or not parts.hostname or not re.fullmatch(r"[^/]+", database):
        raise ExtractionError(
            f"the address of database {name} can't be used: write mysql://user@host:port/database in environments.yml, "
            "or in the variable that it names"
        )
    known: dict[str, Any] = {}
    if settings.secret is not None:
        assert aws is not None, "environments.yml was checked for that"
        try:
            known = json.loads(secrets.fetch(aws, settings.secret).get_secret_value())
            password = str(known["password"])
        except (ValueError, KeyError, TypeError):
            raise ExtractionError(
                f"the secret {settings.secret} can't be used: it must be JSON with username and password"
            ) from None
    else:
        password = unquote(parts.password or "")
    return Target(
        host=str(known.get("host", parts.hostname)),
        port=int(known.get("port", parts.port or 3306)),
        user=str(known.get("username", unquote(parts.username or ""))),
        password=password,
        database=unquote(database),
    )


class MySqlSession:
    """One connection, on which one query runs at a time."""

    def __init__(self, connection: Any, target: Target) -> None:
        self._connection, self.target = connection, target

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a small answer."""
        with _errors(self.target), self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def stream(self, sql: str, columns: int) -> Iterator[list[pa.Array]]:
        """The rows of an answer of any size, some thousand at a time, a column each, as the server writes them."""
        from pymysql.err import raise_mysql_exception

        connection = self._connection
        with _errors(self.target):
            connection._execute_command(_QUERY, sql)
            connection._read_query_result(unbuffered=True)
            connection._result.unbuffered_active = False  # the rows are read here, and not by PyMySQL
            answer = decoded(_receiving(connection), columns)
            try:
                for found in answer:
                    if isinstance(found, bytes):
                        raise_mysql_exception(found)
                    else:
                        yield found
            except LostRows:
                raise SystemUnavailable(f"{self.target}: the connection was lost in the middle of an answer") from None
            except GeneratorExit:
                deque(answer, maxlen=0)  # the server sends the rest all the same, and the snapshot is still needed
                raise


def _receiving(connection: Any) -> Callable[[memoryview], int]:
    """Receives into a buffer: first what PyMySQL has read ahead, then directly."""
    read_ahead = iter([connection._rfile.read1(_READ_AHEAD)])

    def receive(room: memoryview) -> int:
        if first := next(read_ahead, b""):
            room[: len(first)] = first
            return len(first)
        received: int = connection._sock.recv_into(room)
        return received

    return receive


@contextmanager
def session(target: Target, settings: DatabaseSettings) -> Iterator[MySqlSession]:
    """Signed in; what it reads it may not change, and no query takes longer than is declared."""
    try:
        import pymysql
    except ModuleNotFoundError:
        raise ExtractionError(
            "PyMySQL is not installed, which reads MySQL: pip install 'vending-platform[databases]'"
        ) from None
    with _errors(target):
        connection: Any = pymysql.connect(
            host=target.host,
            port=target.port,
            user=target.user,
            password=target.password,
            database=target.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=_TIMEOUT,
            read_timeout=10 * _TIMEOUT,
            **_encryption(settings),
        )
    try:
        opened = MySqlSession(connection, target)
        opened.query("set session sql_mode = '', time_zone = '+00:00', net_write_timeout = 600")
        if "MariaDB" in connection.get_server_info():
            opened.query(f"set session max_statement_time = {60 * settings.statement_minutes}")
        else:
            opened.query(f"set session max_execution_time = {60_000 * settings.statement_minutes}")
        yield opened
    finally:
        connection._force_close()  # without a farewell, which a server that is gone would not answer


def _encryption(settings: DatabaseSettings) -> dict[str, Any]:
    if not settings.is_verified:
        return {"ssl_disabled": True}
    return {"ssl": ssl.create_default_context(cafile=settings.authority)}


@contextmanager
def _errors(target: Target) -> Iterator[None]:
    """What goes wrong between here and the server, as a person reads it."""
    import pymysql

    try:
        yield
    except pymysql.err.MySQLError as error:
        number, said = error.args[0] if error.args else 0, str(error.args[-1] if error.args else error)
        if number in _NO_ACCESS:
            raise ExtractionError(f"{target}: {said}: the user needs the right to SELECT there") from error
        if number in _NOT_THERE:
            raise ExtractionError(f"{target}: {said}") from error
        if number == _NO_SERVER:
            raise SystemUnavailable(
                f"nothing answers for {target} ({said}): start the database, or correct its address in environments.yml"
            ) from error
        raise SystemUnavailable(f"{target} did not answer: {said}") from error
    except (OSError, ssl.SSLError) as error:
        raise SystemUnavailable(f"{target} can't be reached: {error}") from error
