"""The laptop's warehouse: one DuckDB file, a lock file and a status file beside it.

DuckDB lets no second process even look while one has the file open for writing, so every connection here is short,
writers queue at a lock of our own (`lock`), and what people want to know meanwhile is in the status file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from vending_platform.warehouse.interface import (
    STATUS,
    Change,
    PublishStep,
    TableName,
    WarehouseBusy,
    WarehouseError,
)
from vending_platform.warehouse.lock import exclusive

SETTINGS = {"memory_limit": "400MB"}
"""Unlimited, DuckDB keeps in memory what it wrote; what is more than this goes to disk. What a stream of rows takes on
its way into DuckDB, and Python itself, come on top: together they stay below 1 GB."""
_NO_ROOM = ("No space left", "File too large", "Disk quota exceeded", "Out of Memory")
_PATIENCE = 20
"""Seconds that a writer waits for readers to finish."""


class DuckDBWarehouse:
    """`connect(read_only=…)` opens the file, where it is not opened with our own settings."""

    def __init__(self, path: Path, connect: "Callable[..., duckdb.DuckDBPyConnection] | None" = None) -> None:
        self._path = path
        self._connect = connect or partial(duckdb.connect, path, config=dict(SETTINGS))
        self._lock = path.with_suffix(".lock")
        self._next_status = path.with_suffix(f".{STATUS}.next")  # exists from before a change until it is told

    @contextmanager
    def reading(self) -> Iterator["_Connection"]:
        if not self._path.exists():
            with duckdb.connect() as nothing_yet:
                yield _Connection(nothing_yet)
            return
        with self._open(read_only=True) as opened, _troubles(self._path):
            yield _Connection(opened)

    @contextmanager
    def writing(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator["_Connection"]:
        with self.reserved(purpose, on_wait) as reservation, reservation.writing() as writer:
            yield writer

    @contextmanager
    def reserved(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator["_DuckDBReservation"]:
        with exclusive(self._lock, purpose, on_wait):
            yield _DuckDBReservation(self._path, self._open)

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            opened = self._connect(read_only=read_only)
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            said = str(error)
            if "Conflicting lock" in said or "different configuration" in said:
                raise WarehouseBusy(f"{self._path} is in use: {said}") from error
            raise WarehouseError(_in_words(self._path, "opened", error)) from error
        except duckdb.Error as error:
            raise WarehouseError(_in_words(self._path, "opened", error)) from error
        opened.execute("set enable_progress_bar = false")  # it would print into whatever is being printed
        return opened

    def announce_change(self) -> None:
        self._next_status.touch()

    def is_status_outdated(self) -> bool:
        # A warehouse that somebody deleted holds nothing of what was told of it.
        return self._next_status.exists() or not self._path.exists()

    def publish_status(self, tell: Callable[[], str], about: str = STATUS) -> None:
        aside = self._path.with_suffix(f".{about}.next")
        aside.write_text(tell(), encoding="utf-8")
        aside.replace(self._path.with_suffix(f".{about}.json"))

    def last_status(self, about: str = STATUS) -> str | None:
        try:
            return self._path.with_suffix(f".{about}.json").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None


@contextmanager
def _troubles(path: Path) -> Iterator[None]:
    """What is wrong with the file or its disk is told in one sentence; what is wrong with a statement is a bug."""
    try:
        yield
    except (duckdb.OperationalError, duckdb.FatalException, duckdb.InternalError) as error:
        raise WarehouseError(_in_words(path, "used", error)) from error


def _in_words(path: Path, what: str, error: duckdb.Error) -> str:
    said = " ".join(str(error).split())
    if any(words in said for words in _NO_ROOM):
        return f"there is no room for {path}: nothing is lost, the same command goes on when there is some ({said})"
    return (
        f"{path} can't be {what}, perhaps it is damaged: put a backup in its place, or move it away and build it again"
        f" from the deliveries, as docs/operating.md says under *A damaged warehouse* ({said})"
    )


class _DuckDBReservation:
    def __init__(self, path: Path, open_: Callable[..., duckdb.DuckDBPyConnection]) -> None:
        self._path = path
        self._open = open_

    @contextmanager
    def writing(self) -> Iterator["_Connection"]:
        # Readers do not queue, but they are short; one that stays is somebody's open shell.
        for attempt in Retrying(
            retry=retry_if_exception_type(WarehouseBusy),
            stop=stop_after_delay(_PATIENCE),
            wait=wait_fixed(0.05),
            reraise=True,
        ):
            with attempt:
                opened = self._open(read_only=False)
        with _troubles(self._path), opened:
            yield _Connection(opened)


class _Connection:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def query(self, sql: str) -> pa.Table:
        return self._connection.sql(sql).to_arrow_table()

    def unloaded(self, sql: str) -> pa.Table:
        return self.query(sql)

    def has_table(self, table: TableName) -> bool:
        found = self._connection.execute(
            "select 1 from duckdb_tables() where schema_name = $1 and table_name = $2"
            " union all select 1 from duckdb_views() where schema_name = $1 and view_name = $2",
            [table.schema, table.name],
        )
        return bool(found.fetchall())

    def fingerprint(self, column: str) -> str:
        # md5_number_lower takes four times as long; 56 bits are as good as 64 here.
        return f"sum(cast(md5_number({column}) >> 72 as bigint))"

    def ensure_tables(self, tables: Mapping[TableName, pa.Schema]) -> None:
        with self._transaction():
            has = self._tables()
            for schema in {table.schema for table in tables}:
                self._connection.execute(f'create schema if not exists "{schema}"')
            for table, wanted in tables.items():
                columns = {field.name: _type(field.type) for field in wanted}
                if table not in has:
                    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                    self._connection.execute(f'create table "{table.schema}"."{table.name}" ({declared})')
                    continue
                for name, kind in columns.items():
                    old = has[table].get(name)
                    if old is None:
                        self._connection.execute(f'alter table {table} add column "{name}" {kind}')
                    elif old != kind:
                        self._change_type(table, name, old, kind)

    def publish(self, changes: Sequence[Change], between: Callable[[PublishStep], None]) -> None:
        with self._transaction():
            between(PublishStep.BEGUN)
            for change in changes:
                if change.delete is not None and change.delete.num_rows:
                    self._delete(change.table, change.delete)
            between(PublishStep.DELETED)
            for change in changes:
                if change.insert is not None:
                    self._insert(change.table, change.insert)
            between(PublishStep.INSERTED)
        between(PublishStep.COMMITTED)

    def replace(self, table: TableName, rows: pa.Table) -> None:
        declared = ", ".join(f'"{field.name}" {_type(field.type)}' for field in rows.schema)
        with self._transaction():
            self._connection.execute(f'create schema if not exists "{table.schema}"')
            self._connection.execute(f'create or replace table "{table.schema}"."{table.name}" ({declared})')
            self._insert(table, rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._commit()

    def _commit(self) -> None:
        self._connection.commit()

    def _delete(self, table: TableName, keys: pa.Table) -> None:
        self._connection.register("going", keys)
        same = " and ".join(f'there."{name}" = going."{name}"' for name in keys.column_names)
        self._connection.execute(f"delete from {table} as there using going where {same}")
        self._connection.unregister("going")

    def _insert(self, table: TableName, rows: pa.Table | pa.RecordBatchReader) -> None:
        if isinstance(rows, pa.Table):
            rows = rows.combine_chunks()  # DuckDB's threads share one large chunk; many small ones they do not
        self._connection.register("coming", rows)
        self._connection.execute(f"insert into {table} by name select * from coming")
        self._connection.unregister("coming")

    def _tables(self) -> dict[TableName, dict[str, str]]:
        found = self._connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            " where not internal order by column_index"
        )
        tables: dict[TableName, dict[str, str]] = {}
        for schema, table, column, kind in found.fetchall():
            tables.setdefault(TableName(schema, table), {})[column] = kind
        return tables

    def _change_type(self, table: TableName, name: str, old: str, new: str) -> None:
        """A column takes a new type only where every value in it survives the way there and back."""
        there = f'try_cast("{name}" as {new})'
        survives = f'try_cast({there} as {old}) is not distinct from "{name}"'
        ((lost,),) = self._connection.execute(f"select count(*) from {table} where not ({survives})").fetchall()
        if lost:
            raise WarehouseError(
                f"column {name} of {table.schema}.{table.name} is {old} and should become {new},"
                f" but {lost} of its values would change"
            )
        self._connection.execute(f'alter table {table} alter column "{name}" type {new} using {there}')


def _type(arrow: pa.DataType) -> str:
    if pa.types.is_decimal(arrow):
        return f"DECIMAL({arrow.precision},{arrow.scale})"
    if pa.types.is_timestamp(arrow):
        return "TIMESTAMP WITH TIME ZONE" if arrow.tz else "TIMESTAMP"
    return {
        pa.string(): "VARCHAR",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
    }[arrow]
