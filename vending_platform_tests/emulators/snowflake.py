"""A Snowflake for tests: fakesnow's HTTP server, in this process, with what it lacks for the statements we send.

The real connector and the real dbt talk to it over HTTP. It proves that they accept what the platform sends and that
the steps fit together; it can't prove that Snowflake gives the same answer. What it adds to fakesnow:

- `COPY INTO` from and to an external stage on S3, for Parquet and the options that we use, and `LIST` of one;
- a transaction that begins with its first statement, locks on what `UPDATE` and `DELETE` change until it ends, and
  is committed by DDL, as Snowflake does it;
- moments that are null, temporary tables with a schema, session parameters, `md5_number_lower64` (its lower 40 bits);
- whose account it is, and which of a login's objects exist: a database or a warehouse that is not there is null
  to a session that is connected all the same, and an unknown role is refused at the log-in;
- a refusal, at once and in Snowflake's form, of every statement whose shape is not reviewed (`shapes`), and
  of whatever fakesnow can't do. By itself it answers with HTTP 500, which the connector repeats for minutes.
"""

import gzip
import json
import re
import socket
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import parse_qsl

import fakesnow.arrow
import fakesnow.transforms
import pyarrow as pa
import pyarrow.parquet as pq
import uvicorn
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.instance import FakeSnow
from fakesnow.rowtype import ColumnInfo, describe_as_rowtype
from fakesnow.transforms import stage
from snowflake.connector.errors import Error, ProgrammingError
from sqlglot import exp, parse_one
from starlette.responses import JSONResponse

from vending_platform_tests.emulators.rewriting import Rewritten
from vending_platform_tests.emulators.shapes import REVIEWED, shape

fakesnow_server: Any = import_module("fakesnow.server")  # a function of the same name hides it

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from starlette.types import Receive, Scope, Send

_LOCK_TIMEOUT = 300.0
_OPTIONS = {"files", "file_format", "match_by_column_name", "on_error", "header", "max_file_size", "single"}
_THREADS = 2
_DDL = (exp.Create, exp.Drop, exp.Alter, exp.TruncateTable, exp.Comment)
_MD5 = re.compile(r"md5_number_lower64\(((?:[^()]|\([^()]*\))+)\)")
_ADMINISTRATIVE = re.compile(r"alter session set ", re.I)
_WHERE_AM_I = re.compile(r"select current_account\(\) as", re.I)
_LIST = re.compile(r"list (@\S+)", re.I)
_STAGES = (
    "select url as stage_url, schema_name as stage_schema, name as stage_name"
    " from _fs_global._fs_information_schema._fs_stages where database_name = '{}'"
)
ORGANIZATION, ACCOUNT_NAME = "HINODE", "EMULATED_TESTS"
_WAREHOUSES = ("COMPUTE_WH_STG", "COMPUTE_WH_PROD")
_ROLES = ("VENDING_PLATFORM_STG", "VENDING_PLATFORM_PROD", "PUBLIC")
QUERY_TAG = "QUERY_TAG"
_wanted_at_login: ContextVar[dict[str, str]] = ContextVar("_wanted_at_login")
_TEMPORARY = re.compile(r"(create\s+(?:or\s+replace\s+)?)(?:temp|temporary)\s+(table|view)\b", re.I)


@dataclass(frozen=True)
class Sent:
    """A statement as it came, its shape, and the query tag of its session."""

    sql: str
    shape: str
    tag: str


@dataclass
class Emulator:
    """Listens at `port` of the loopback; any user and key is accepted. `sent` is all that came, in order.

    Its clock is `ahead` of this machine's by so many seconds: a test that waits for an hour puts it forward.
    """

    port: int
    account: "_Account"
    s3: "S3Client | None"
    databases: set[str] = field(default_factory=lambda: {"VENDING_DATA_STG", "VENDING_DATA_PROD"})
    sent: list[Sent] = field(default_factory=list)
    statements: int = 0
    """How many statements came, also those that can't be read."""
    lock: threading.Condition = field(default_factory=threading.Condition)  # of a lock that may be taken twice
    locked: dict[str, "_Connection"] = field(default_factory=dict)
    ahead: int = 0
    idle_timeout: float = 300.0
    """Seconds after which a transaction that does nothing is ended, if another one waits for it."""

    @property
    def connection_arguments(self) -> dict[str, Any]:
        return {"account": "emulator", "host": "127.0.0.1", "port": self.port, "protocol": "http"}

    def behind(self, database: str, sql: str) -> list[tuple[Any, ...]]:
        """The result of DuckDB's own SQL in one of the databases, without the emulation."""
        with self.account.duck_conn.cursor() as cursor:
            return cursor.execute(f"use {database}").execute(sql).fetchall()

    def take(self, table: str, connection: "_Connection") -> None:
        """What changes rows waits until no other transaction has uncommitted changes of the same table. A
        transaction that another one waits for and that does nothing is ended, as its client may be dead."""
        deadline = time.monotonic() + _LOCK_TIMEOUT
        with self.lock:
            while (holder := self.locked.get(table, connection)) is not connection:
                if time.monotonic() > deadline:
                    raise _refused(f"Statement reached its lock timeout on {table}", 604)
                if time.monotonic() > holder.active_at + self.idle_timeout:
                    holder.end("rollback")
                self.lock.wait(0.05)
            self.locked[table] = connection

    def release(self, connection: "_Connection") -> None:
        with self.lock:
            self.locked = {table: holder for table, holder in self.locked.items() if holder is not connection}
            self.lock.notify_all()


@contextmanager
def snowflake_emulator(s3: "S3Client | None" = None) -> Iterator[Emulator]:
    """An empty Snowflake, that finds the objects of its external stages with `s3`."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        emulator = Emulator(listening.getsockname()[1], _Account(), s3)
        emulator.account.emulator = emulator
        fakesnow_server.logger.setLevel("CRITICAL")
        server = uvicorn.Server(uvicorn.Config(_door, log_level="critical", lifespan="off"))
        with (
            mock.patch.object(fakesnow_server, "shared_fs", emulator.account),
            mock.patch.object(fakesnow_server, "sessions", _Sessions()),
            mock.patch.object(fakesnow.arrow, "timestamp_to_sf_struct", _moments),
            mock.patch.object(fakesnow.transforms, "numeric_agg_implicit_cast", _as_it_is),
        ):
            thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
            thread.start()
            while not server.started:
                time.sleep(0.01)
            try:
                yield emulator
            finally:
                server.should_exit = True
                thread.join()


async def _door(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The objects of a login are in its address and its body, and fakesnow looks at the database alone."""
    if scope["type"] != "http" or not scope["path"].endswith("/login-request"):
        await fakesnow_server.app(scope, receive, send)
        return
    wanted = dict(parse_qsl(scope["query_string"].decode()))
    if (role := wanted.get("roleName", "PUBLIC")).upper() not in _ROLES:
        why = f"Role '{role}' specified in the connect string is not granted to this user."
        await JSONResponse({"success": False, "code": "390189", "message": why, "data": {}})(scope, receive, send)
        return
    body, is_whole = b"", False
    while not is_whole:
        message = await receive()
        body, is_whole = body + message["body"], not message.get("more_body")
    login = json.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
    _wanted_at_login.set(wanted | {QUERY_TAG: login["data"]["SESSION_PARAMETERS"].get(QUERY_TAG, "")})
    again = iter([{"type": "http.request", "body": body}])

    async def receive_again() -> Any:
        return next(again, None) or await receive()

    await fakesnow_server.app(scope, receive_again, send)


class _Sessions(dict[str, "_Connection"]):
    def __delitem__(self, token: str) -> None:
        """A session that ends takes its open transaction with it."""
        self[token].end("rollback")
        super().__delitem__(token)


class _Account(FakeSnow):
    emulator: Emulator

    def connect(self, database: str | None = None, schema: str | None = None, **_: Any) -> "_Connection":  # type: ignore[override]
        is_there = (database or "").upper() in self.emulator.databases
        connection = _Connection(self.duck_conn.cursor(), self.results_cache, database, schema, is_there, is_there)
        connection.emulator = self.emulator
        connection.wanted = _wanted_at_login.get()
        return connection


class _Connection(FakeSnowflakeConnection):
    """`transaction` is None outside of one, and shows whether DuckDB's has begun inside of one."""

    emulator: Emulator
    wanted: dict[str, str]
    transaction: bool | None = None
    active_at = 0.0

    def cursor(self, cursor_class: Any = None) -> "_Cursor":
        return _Cursor(self, self._duck_conn)

    def begin(self) -> None:
        """DuckDB would show the rest of the transaction what it sees now; so it begins with the first lock held."""
        if self.transaction is False:
            self._duck_conn.begin()
            self.transaction = True

    def end(self, how: str) -> None:
        if self.transaction:
            self._duck_conn.commit() if how == "commit" else self._duck_conn.rollback()
        self.transaction = None
        self.emulator.release(self)


class _Cursor(FakeSnowflakeCursor):
    _conn: _Connection

    def execute(self, command: str, params: Any = None, *args: Any, **options: Any) -> "_Cursor":
        try:
            self._answer(command, params, *args, **options)
        except Error:
            raise
        except Exception as error:  # fakesnow's server would answer it with HTTP 500, which is repeated for minutes
            raise _refused(f"{type(error).__name__}: {error}") from error
        return self

    def _answer(self, command: str, params: Any, *args: Any, **options: Any) -> None:
        emulator, connection = self._conn.emulator, self._conn
        connection.active_at = time.monotonic()
        emulator.statements += 1
        sent = Sent(command, shape(command), connection.wanted[QUERY_TAG])
        emulator.sent.append(sent)
        if sent.shape not in REVIEWED:
            raise _refused(f"no one has reviewed a statement of this shape: {sent.shape}")
        sql = re.sub(r"/\*.*?\*/", " ", command, flags=re.S).strip().rstrip("; ")
        if _ADMINISTRATIVE.match(sql):
            self._say({"status": ["Statement executed successfully."]})
            return
        if _WHERE_AM_I.match(sql):
            warehouse = connection.wanted.get("warehouse", "").upper()
            self._say(
                {
                    "locator": ["EMULATOR"],
                    "organization": [ORGANIZATION],
                    "account": [ACCOUNT_NAME],
                    "database": [connection.database if connection.database_set else None],
                    "role": [connection.wanted.get("roleName", "PUBLIC").upper()],
                    "warehouse": [warehouse if warehouse in _WAREHOUSES else None],
                }
            )
            return
        if listed := _LIST.fullmatch(sql):
            self._list(self._url(listed[1]))
            return
        if emulator.ahead:
            sql = sql.replace("current_timestamp()", f"dateadd('second', {emulator.ahead}, current_timestamp())")
        sql = _MD5.sub(r"(md5_number_lower(\1) % 1099511627776)", sql)  # fakesnow's whole numbers end at 2 ** 63
        sql = sql.replace("information_schema.stages", f"({_STAGES.format(connection.database)}) as stages")
        statement = parse_one(sql, read="snowflake")
        if isinstance(statement, exp.Transaction):
            connection.transaction = connection.transaction or False
            self._say({"status": ["Statement executed successfully."]})
            return
        if isinstance(statement, exp.Commit | exp.Rollback):
            connection.end(statement.key)
            self._say({"status": ["Statement executed successfully."]})
            return
        if isinstance(statement, _DDL):
            connection.end("commit")
        if isinstance(statement, exp.Update | exp.Delete):
            table = statement.this.find(exp.Table)
            emulator.take(f"{table.catalog or connection.database}.{table.db}.{table.name}".upper(), connection)
        connection.begin()
        try:
            if isinstance(statement, exp.Copy):
                self._copy(statement)
            else:
                super().execute(_TEMPORARY.sub(r"\1\2", sql), params, *args, **options)
        finally:
            if connection.transaction is None:
                emulator.release(connection)

    def _transform(self, expression: Any, params: Any) -> Any:
        rewritten: Any = Rewritten(expression)
        rewritten = super()._transform(rewritten, params)
        return rewritten.statement

    def _say(self, columns: dict[str, list[Any]]) -> None:
        """Make this the result."""
        rows = ", ".join(f"({', '.join(map(_literal, row))})" for row in zip(*columns.values(), strict=True))
        super().execute(f"select * from (values {rows}) as answer ({', '.join(columns)})", server=True)

    def _copy(self, statement: exp.Copy) -> None:
        options = {parameter.this.name.lower(): parameter for parameter in statement.args["params"]}
        if foreign := options.keys() - _OPTIONS:
            raise _refused(f"COPY with {', '.join(sorted(foreign))}")
        if "parquet" not in options["file_format"].sql().lower():
            raise _refused("COPY of anything but Parquet")
        place, table = str(statement.this), statement.this
        if place.startswith("@"):
            is_true = {name for name, option in options.items() if option.expression == exp.true()}
            self._unload(place, statement.args["files"][0].this, is_true)
            return
        if options["match_by_column_name"].expression.name.lower() != "case_insensitive":
            raise _refused("COPY INTO a table without MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE")
        source = str(statement.args["files"][0].this)
        names = [literal.name for literal in options["files"].find_all(exp.Literal)]
        self._load(table, self._url(source), names)

    def _load(self, table: exp.Table, url: str, names: list[str]) -> None:
        target = ".".join(f'"{part.name}"' for part in table.parts)  # we quote what we load into
        has = {row[0].upper(): row[0] for row in self._duck_conn.execute(f"describe {target}").fetchall()}
        loaded: dict[str, list[Any]] = defaultdict(list)
        with tempfile.TemporaryDirectory() as folder:
            for number, name in enumerate(names):
                path = Path(folder) / f"{number}.parquet"
                self._download(f"{url}{name}", path)
                columns = [column for column in pq.read_schema(path).names if column.upper() in has]
                into = ", ".join(f'"{has[column.upper()]}"' for column in columns)
                taken = ", ".join(f'"{column}"' for column in columns)
                self._duck_conn.execute(f"insert into {target} ({into}) select {taken} from read_parquet('{path}')")
                count = self._duck_conn.fetchall()[0][0]
                for key, value in {"file": f"{url}{name}", "status": "LOADED", "rows_loaded": count}.items():
                    loaded[key].append(value)
        self._say(loaded)

    def _list(self, url: str) -> None:
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        try:
            found = self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        except self._s3.exceptions.ClientError as error:
            raise _refused(f"Failure using stage area. Cause: [{error}]", 91003) from error
        if found:
            named = [f"s3://{bucket}/{file['Key']}" for file in found]
            self._say({"name": named, "size": [file["Size"] for file in found]})
        else:
            super().execute("select '' as name, 0 as size where false", server=True)

    def _unload(self, place: str, query: exp.Expression, is_true: set[str]) -> None:
        """As many threads write as many files, each with the rows that it came by, and none if it has none."""
        super().execute(query.sql(dialect="snowflake"), server=True)
        assert self._arrow_table is not None
        rows, written = _as_parquet(self._arrow_table, describe_as_rowtype(self._describe_last_sql())), 0
        if "header" not in is_true:
            rows = rows.rename_columns([f"_COL_{number}" for number in range(rows.num_columns)])
        bucket, _, prefix = self._url(place).removeprefix("s3://").partition("/")
        if "Contents" in self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix):
            raise _refused(f"Files already existing at the unload destination: {place}")
        threads = 1 if "single" in is_true else _THREADS
        for thread in range(threads):
            if (own := rows.take(pa.array(range(thread, rows.num_rows, threads), pa.int64()))).num_rows:
                sink = pa.BufferOutputStream()
                pq.write_table(own, sink)
                content = sink.getvalue().to_pybytes()
                name = "data" if "single" in is_true else f"data_{thread}_0_0.snappy.parquet"
                self._s3.put_object(Bucket=bucket, Key=prefix + name, Body=content)
                written += len(content)
        self._say({"rows_unloaded": [rows.num_rows], "input_bytes": [written], "output_bytes": [written]})

    def _url(self, reference: str) -> str:
        """Where a stage, or a path in it, is."""
        name, _, path = reference.removeprefix("@").partition("/")
        parts = [part.strip('"') if part.startswith('"') else part.upper() for part in name.split(".")]
        database, schema, own = stage.parts_from_var(".".join(parts), self._conn.database, self._conn.schema)
        found = self._duck_conn.execute(
            "select url from _fs_global._fs_information_schema._fs_stages"
            " where database_name = ? and schema_name = ? and name = ?",
            [database, schema, own],
        ).fetchone()
        if found is None:
            raise stage.not_found_error(f"{database}.{schema}.{own}")
        return f"{found[0].rstrip('/')}/{path}"

    def _download(self, url: str, path: Path) -> None:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        try:
            path.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except self._s3.exceptions.ClientError as error:
            raise _refused(f"Remote file '{url}' was not found: {error}", 91016) from error

    @property
    def _s3(self) -> "S3Client":
        if self._conn.emulator.s3 is None:
            raise _refused("this Snowflake has no S3 beside it")
        return self._conn.emulator.s3


def _as_it_is(expression: exp.Expression) -> exp.Expression:
    """In the place of what makes fakesnow add decimals as floats, so that it can add texts too: Snowflake adds decimals
    exactly, and we add no texts."""
    return expression


def _refused(why: str, number: int = 9998) -> ProgrammingError:
    return ProgrammingError(msg=f"The emulator refuses: {why}", errno=number, sqlstate="0A000")


def _literal(value: object) -> str:
    if value is None:
        return "cast(null as varchar)"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _as_parquet(rows: pa.Table, types: list[ColumnInfo]) -> pa.Table:
    """With the types in which Snowflake writes a result to Parquet: numbers as decimals with the fewest digits that
    hold the values, moments without a zone as milliseconds, and those with one not at all."""
    columns = []
    for column, info in zip(rows.columns, types, strict=True):
        match info["type"]:
            case "fixed":
                scale = info["scale"] or 0
                column = column.cast(pa.decimal128(38, scale))
                values = [value for value in column.to_pylist() if value is not None]
                digits = max((len(str(abs(int(value.scaleb(scale))))) for value in values), default=1)
                column = column.cast(pa.decimal128(max(digits, scale), scale))
            case "timestamp_ntz":
                column = column.cast(pa.timestamp("ms"), safe=False)
            case "timestamp_tz" | "timestamp_ltz":
                raise _refused(
                    "Error encountered when unloading to PARQUET: TIMESTAMP_TZ and LTZ types are not supported for"
                    f" unloading to Parquet. value get: {info['type'].upper()}",
                    100171,
                )
            case "real" | "text" | "date" | "boolean":
                pass
            case other:
                raise _refused(f"no one has looked up how {other} is unloaded to Parquet")
        columns.append(column)
    return pa.Table.from_arrays(columns, names=rows.column_names)


def _moments(column: pa.ChunkedArray) -> pa.Array:
    """As fakesnow's, but what is null stays null."""
    column = pa.chunked_array(column).combine_chunks()
    zone = column.type.tz
    micros = column.cast(pa.timestamp("us", zone)).cast(pa.int64()).fill_null(0).to_numpy()
    parts = {"epoch": pa.array(micros // 1_000_000), "fraction": pa.array(micros % 1_000_000 * 1000, pa.int32())}
    if zone:
        parts["timezone"] = pa.array([1440] * len(column), pa.int32())  # no minutes from UTC
    fields = [pa.field(name, part.type, nullable=False) for name, part in parts.items()]
    return pa.StructArray.from_arrays(list(parts.values()), fields=fields, mask=column.is_null())
