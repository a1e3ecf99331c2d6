"""Snowflake: rows come as Parquet files through a stage, and every publication is one transaction.

Anybody may look at any time. One at a time has the right to write (`snowflake_lease`). A lease can run out while its
holder does not notice, so every publication counts up the number in `raw._publications` that its writer saw before it
read anything: who comes second finds another number, changes nothing, and hears `WarehouseMoved`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.warehouse.batches import Batches, parquet
from vending_platform.warehouse.interface import (
    STATUS,
    Change,
    PublishStep,
    TableName,
    WarehouseError,
    WarehouseMoved,
    literal,
    quoted,
)
from vending_platform.warehouse.snowflake_lease import RESERVATION, Lease, leased
from vending_platform.warehouse.snowflake_session import Connect, Session, session
from vending_platform.warehouse.snowflake_stage import FOLDER, STAGE, copied, unique, unloaded

PUBLICATIONS = TableName("raw", "_publications")
STORAGE_INTEGRATION = "VENDING_STORAGE"
SCHEMAS = ("raw", "staging", "intermediate", "marts", "dq")
_FEW = 200
"""So many keys are said in the statement itself; more come as a file."""
_DOES_NOT_EXIST = 2003


def setup(work_url: str) -> tuple[str, ...]:
    """The statements after which a database can be worked with; a second time they change nothing. An administrator
    runs them, among others, from docs/snowflake-setup.sql."""
    return (
        *(f"create schema if not exists {quoted(schema)}" for schema in SCHEMAS),
        f"create stage if not exists {STAGE} url = '{work_url}/{FOLDER}/' storage_integration = {STORAGE_INTEGRATION}",
        f"create table if not exists {RESERVATION} as select cast('' as varchar) as holder,"
        " cast('' as varchar) as purpose, current_timestamp() as taken_at, current_timestamp() as ends_at",
        f"create table if not exists {PUBLICATIONS} as select cast(0 as number(38, 0)) as number",
    )


class SnowflakeWarehouse:
    """`connect` gives a new connection each time; `batches` is the place whose address is `work_url`."""

    def __init__(
        self,
        connect: Connect,
        batches: Batches,
        work_url: str,
        *,
        lease: timedelta = timedelta(minutes=2),
        orphaned_after: timedelta = timedelta(days=1),
    ) -> None:
        self._connect = connect
        self._batches = batches
        self._work_url = work_url
        self._lease = lease
        self._orphaned_after = orphaned_after
        self._is_set_up = False

    @contextmanager
    def reading(self) -> Iterator["_Reader"]:
        with session(self._connect) as opened:
            yield _Reader(opened, self._batches)

    @contextmanager
    def writing(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator["_Writer"]:
        with self.reserved(purpose, on_wait) as reservation, reservation.writing() as writer:
            yield writer

    @contextmanager
    def reserved(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator["_SnowflakeReservation"]:
        with session(self._connect) as opened:  # of its own: renewing the lease must not be part of a transaction
            self._set_up(opened)
            with leased(opened, purpose, on_wait, self._lease) as lease:
                yield _SnowflakeReservation(self._connect, self._batches, lease, self._orphaned_after)

    def _set_up(self, opened: Session) -> None:
        """The statements need rights that only an administrator may have; so they are said only where they have to."""
        if self._is_set_up:
            return
        if not _Reader(opened, self._batches).has_table(PUBLICATIONS):
            for statement in setup(self._work_url):
                opened.run(statement)
        self._is_set_up = True

    def announce_change(self) -> None:
        """Nobody is shut out while a writer writes, so there is no status but the present one."""

    def is_status_outdated(self) -> bool:
        return False

    def publish_status(self, tell: Callable[[], str], about: str = STATUS) -> None:
        """See `announce_change`."""

    def last_status(self, about: str = STATUS) -> None:
        return None


class _SnowflakeReservation:
    def __init__(self, connect: Connect, batches: Batches, lease: Lease, orphaned_after: timedelta) -> None:
        self._connect = connect
        self._batches = batches
        self._lease = lease
        self._orphaned_after = orphaned_after

    @contextmanager
    def writing(self) -> Iterator["_Writer"]:
        with session(self._connect) as opened:
            yield _Writer(opened, self._batches, self._lease, self._orphaned_after)


class _Reader:
    def __init__(self, session: Session, batches: Batches) -> None:
        self._session = session
        self._batches = batches

    def query(self, sql: str) -> pa.Table:
        return self._session.query(sql)

    def unloaded(self, sql: str) -> pa.Table:
        return unloaded(self._session, self._batches, sql)

    def has_table(self, table: TableName) -> bool:
        found = self._session.query(
            "select 1 as found from information_schema.tables"
            f" where table_schema = '{table.schema.upper()}' and table_name = '{table.name.upper()}'"
        )
        return bool(found.num_rows)

    def fingerprint(self, column: str) -> str:
        return f"sum(cast(md5_number_lower64({column}) as number(38, 0)))"


class _Writer(_Reader):
    def __init__(self, session: Session, batches: Batches, lease: Lease, orphaned_after: timedelta) -> None:
        super().__init__(session, batches)
        self._lease = lease
        self._orphaned_after = orphaned_after
        self._has_swept = False
        ((self._number,),) = (row.values() for row in self.query(f"select number from {PUBLICATIONS}").to_pylist())

    def ensure_tables(self, tables: Mapping[TableName, pa.Schema]) -> None:
        """DDL is not part of a transaction: nothing is said before all of it is known to be possible."""
        there = self._columns({table.schema for table in tables})
        known = {*SCHEMAS, *(table.schema for table in there)}
        statements = [
            f"create schema if not exists {quoted(schema)}" for schema in sorted({t.schema for t in tables} - known)
        ]
        for table, schema in tables.items():
            has, wanted = there.get(table, {}), {field.name.upper(): _type(field.type) for field in schema}
            changed = [name for name in wanted.keys() & has.keys() if not _holds(has[name], wanted[name])]
            if not has:
                statements.append(f"create table if not exists {table} ({_declared(wanted)})")
            elif changed:
                self._refuse_unless_empty(table, changed[0], has, wanted)
                statements.append(f"create or replace table {table} ({_declared(has | wanted)}) copy grants")
            else:
                statements += [
                    f"alter table {table} add column {quoted(name)} {kind}"
                    if name not in has
                    else f"alter table {table} alter column {quoted(name)} set data type {kind}"
                    for name, kind in wanted.items()
                    if has.get(name) != kind
                ]
        for statement in statements:
            self._session.run(statement)

    def publish(self, changes: Sequence[Change], between: Callable[[PublishStep], None]) -> None:
        self._sweep()
        staged = _Staged(self._session, self._batches)
        try:
            leaving = [
                (change.table, staged.condition(change.delete))
                for change in changes
                if change.delete is not None and change.delete.num_rows
            ]
            coming = [
                (change.table, file)
                for change in changes
                if change.insert is not None and (file := staged.written(change.insert)) is not None
            ]
            with self._transaction():
                between(PublishStep.BEGUN)
                for table, condition in leaving:
                    self._session.run(f"delete from {table} where {condition}")
                between(PublishStep.DELETED)
                for table, file in coming:
                    self._session.run(copied(table, file))
                between(PublishStep.INSERTED)
            between(PublishStep.COMMITTED)
        finally:
            staged.remove()

    def replace(self, table: TableName, rows: pa.Table) -> None:
        if not self.has_table(table):
            self.ensure_tables({table: rows.schema})
        staged = _Staged(self._session, self._batches)
        try:
            coming = staged.temporary(rows)
            self._lease.ensure()
            # One statement, which is a transaction of its own, as all DDL is here.
            self._session.run(f"create or replace table {table} copy grants as select * from {coming}")
        finally:
            staged.remove()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """The update locks the number until the end: who publishes at the same time waits here, and then is second."""
        self._lease.ensure()
        self._session.run("begin")
        try:
            if not self._session.run(f"update {PUBLICATIONS} set number = number + 1 where number = {self._number}"):
                raise WarehouseMoved("somebody else has published since this run looked at what there is")
            yield
            self._session.run("commit")
        except BaseException:
            self._session.run("rollback")
            raise
        self._number += 1

    def _sweep(self) -> None:
        """What crashed publications left behind, once it is old enough to be nobody's."""
        if self._has_swept:
            return
        born = datetime.now(UTC) - self._orphaned_after
        for file in list(self._batches.files(FOLDER)):
            if file.modified_at <= born:
                self._batches.delete(file.path)
        self._has_swept = True

    def _columns(self, schemas: Iterable[str]) -> dict[TableName, dict[str, str]]:
        found = self.query(
            "select table_schema, table_name, column_name, data_type, numeric_precision, numeric_scale"
            " from information_schema.columns"
            f" where table_schema in ({', '.join(literal(schema.upper()) for schema in sorted(schemas))})"
            " order by table_name, ordinal_position"
        )
        tables: dict[TableName, dict[str, str]] = {}
        for schema, table, column, kind, precision, scale in zip(*map(pa.ChunkedArray.to_pylist, found), strict=True):
            kind = {"TEXT": "VARCHAR", "NUMBER": f"NUMBER({precision},{scale})"}.get(kind, kind)
            tables.setdefault(TableName(schema.lower(), table.lower()), {})[column] = kind
        return tables

    def _refuse_unless_empty(self, table: TableName, name: str, has: dict[str, str], wanted: dict[str, str]) -> None:
        if self.query(f"select 1 as found from {table} limit 1").num_rows:
            raise WarehouseError(
                f"column {name.lower()} of {table.schema}.{table.name} is {has[name]} and should become {wanted[name]},"
                " which Snowflake does only with an empty table"
            )


class _Staged:
    """The files and temporary tables of one publication, under names that no other has."""

    def __init__(self, session: Session, batches: Batches) -> None:
        self._session = session
        self._batches = batches
        self._id = unique()
        self._files: list[str] = []
        self._tables: list[TableName] = []

    def written(self, rows: pa.Table | pa.RecordBatchReader) -> str | None:
        """The name of the file with the rows, in the stage; None if there are none."""
        batches = iter(rows.to_batches() if isinstance(rows, pa.Table) else rows)
        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            return None
        name = f"{self._id}_{len(self._files)}.parquet"
        self._files.append(name)
        content = parquet(_chained(first, batches), rows.schema)
        # What is in memory anyhow is sent at once: a stream takes the store three requests.
        self._batches.write(f"{FOLDER}/{name}", b"".join(content) if isinstance(rows, pa.Table) else content)
        return name

    def condition(self, keys: pa.Table) -> str:
        """What holds for the rows that equal one of the keys. Days are told as a range too, by which Snowflake can
        leave alone what can't hold any."""
        columns = ", ".join(map(quoted, keys.column_names))
        one_of = self._listed(keys) if keys.num_rows <= _FEW else f"select {columns} from {self.temporary(keys)}"
        ranges = [
            f"{quoted(name)} between {literal(pc.min(column).as_py())} and {literal(pc.max(column).as_py())}"
            for name, column in zip(keys.column_names, keys.columns, strict=True)
            if pa.types.is_date(column.type) and column.null_count < len(column)
        ]
        return " and ".join([f"({columns}) in ({one_of})", *ranges])

    def _listed(self, keys: pa.Table) -> str:
        rows = (row.values() for row in keys.to_pylist())
        return ", ".join(f"({', '.join('null' if value is None else literal(value) for value in row)})" for row in rows)

    def temporary(self, rows: pa.Table) -> TableName:
        """A table with these rows, for this session alone."""
        table = TableName("raw", f"_keys_{self._id}_{len(self._tables)}")
        self._tables.append(table)
        declared = _declared({field.name.upper(): _type(field.type) for field in rows.schema})
        self._session.run(f"create temporary table {table} ({declared})")
        if (file := self.written(rows)) is not None:
            self._session.run(copied(table, file))
        return table

    def remove(self) -> None:
        for name in self._files:
            self._batches.delete(f"{FOLDER}/{name}")
        for table in self._tables:
            self._session.run(f"drop table if exists {table}")


def _chained(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


def _declared(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())


def _holds(old: str, new: str) -> bool:
    """Whether a column can take the type in place: the same, or a number with as many decimals and more digits."""
    if old == new:
        return True
    if not (old.startswith("NUMBER(") and new.startswith("NUMBER(")):
        return False
    (old_digits, old_scale), (new_digits, new_scale) = (kind[7:-1].split(",") for kind in (old, new))
    return old_scale == new_scale and int(old_digits) < int(new_digits)


def _type(arrow: pa.DataType) -> str:
    """As Snowflake's own information schema calls it. A moment keeps its zone, so that it is shown as the same moment
    whatever a reader's session says."""
    if pa.types.is_decimal(arrow):
        return f"NUMBER({arrow.precision},{arrow.scale})"
    if pa.types.is_timestamp(arrow):
        return "TIMESTAMP_TZ" if arrow.tz else "TIMESTAMP_NTZ"
    return {
        pa.string(): "VARCHAR",
        pa.int64(): "NUMBER(38,0)",
        pa.float64(): "FLOAT",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
    }[arrow]
