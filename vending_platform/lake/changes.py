"""Changes of a table's rows: append, merge by key, replace some days or all. Each is one snapshot.

New rows are written once. Of the old ones only those files are written again that have a row which is replaced; which
these are is decided by a join over the key's columns, of the files whose bounds overlap the keys.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    GreaterThanOrEqual,
    LessThanOrEqual,
    Reference,
)
from pyiceberg.expressions.literals import literal
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table, Transaction
from pyiceberg.table.snapshots import Snapshot

from vending_platform.lake.commits import Undo, commit
from vending_platform.lake.data_files import write
from vending_platform.lake.engine import engine
from vending_platform.lake.errors import LakeConflict, LakeError
from vending_platform.lake.file_io import path_below
from vending_platform.lake.opening import Lake
from vending_platform.lake.reading import duckdb_path, paths_of, planned, relation
from vending_platform.lake.tables import key_of
from vending_platform.lake.types import named, sql_columns
from vending_platform.warehouse import TableName

_REMOVED = "removed_keys"
_BOUNDED = (int, str, date, Decimal)
"""Types of keys whose order is the same in Python, in the files' bounds and in DuckDB."""


class EveryRow:
    """In the place of keys: all rows that were there."""


Removed: TypeAlias = pa.Table | EveryRow | None
"""Rows of before that are no longer there: those that equal a row of this table in all its columns."""


@dataclass(frozen=True)
class NewRows:
    """Rows in data files that no snapshot has yet."""

    files: tuple[DataFile, ...]
    written_since: float

    @property
    def count(self) -> int:
        return sum(file.record_count for file in self.files)

    def __add__(self, other: "NewRows") -> "NewRows":
        return NewRows(self.files + other.files, min(self.written_since, other.written_since))


NO_ROWS = NewRows((), float("inf"))


def write_rows(lake: Lake, name: TableName, rows: pa.Table | pa.RecordBatchReader) -> NewRows:
    """Into the files of the table, which must have all of their columns; visible only once they are committed."""
    began = time.time()
    table = lake.load(name)
    if missing := set(rows.schema.names) ^ set(sql_columns(table.schema())):
        differing = ", ".join(sorted(missing))
        raise LakeError(f"the rows and {name.plain} have not the same columns ({differing}): change the table first")
    with engine(lake) as connection:
        connection.register("new_rows", rows)
        files = write(lake, connection, table.metadata, lake.location_of(name), "new_rows")
    return NewRows(tuple(files), began)


def append(lake: Lake, name: TableName, rows: pa.Table, summary: Mapping[str, str] | None = None) -> Snapshot | None:
    return change_rows(lake, name, write_rows(lake, name, rows), None, summary)


def replace(lake: Lake, name: TableName, rows: pa.Table, summary: Mapping[str, str] | None = None) -> Snapshot | None:
    """Afterwards the table has these rows and no others."""
    return change_rows(lake, name, write_rows(lake, name, rows), EveryRow(), summary)


def merge(
    lake: Lake,
    name: TableName,
    rows: pa.Table,
    *,
    gone: pa.Table | None = None,
    summary: Mapping[str, str] | None = None,
) -> Snapshot | None:
    """Each of these rows takes the place of the one with its key, or is new; rows with a key of `gone` are removed."""
    key = key_of(lake.load(name))
    if not key:
        raise LakeError(f"{name.plain} has no key by which rows could be merged: declare it (key: [COLUMN])")
    keys = rows.select(list(key))
    _check_keys(name, keys)
    removed = keys if gone is None else pa.concat_tables([keys, gone.select(list(key)).cast(keys.schema)])
    return change_rows(lake, name, write_rows(lake, name, rows), removed, summary)


def synchronize(
    lake: Lake, name: TableName, rows: pa.Table, summary: Mapping[str, str] | None = None
) -> Snapshot | None:
    """Afterwards the table has these rows and no others. Written are those that differ from the one with their key."""
    table = lake.load(name)
    key, columns = key_of(table), sql_columns(table.schema())
    _check_keys(name, rows.select(list(key)))
    new = ", ".join(f"cast({named(column)} as {kind}) as {named(column)}" for column, kind in columns.items())
    now = relation(table.schema(), paths_of(planned(table)))
    using = ", ".join(map(named, key))
    with engine(lake) as connection:
        connection.register("all_rows", rows)
        different = f"select {new} from all_rows except all select {', '.join(map(named, columns))} from {now}"
        changed = connection.sql(different).to_arrow_table()
        gone = connection.sql(f"select {using} from {now} anti join (select {new} from all_rows) using ({using})")
        removed = gone.to_arrow_table()
    if not changed.num_rows and not removed.num_rows:
        return table.current_snapshot()
    return merge(lake, name, changed, gone=removed, summary=summary)


def change_rows(
    lake: Lake, name: TableName, new: NewRows, removed: Removed, summary: Mapping[str, str] | None = None
) -> Snapshot | None:
    """One commit with all of it. The snapshot that is current then; None if the table has never had rows."""

    def stage(table: Table, transaction: Transaction, properties: dict[str, str]) -> Undo:
        if any(file.spec_id != table.metadata.default_spec_id for file in new.files):
            raise LakeConflict(f"{name.plain} was given another partitioning while rows were written: run again")
        touched, kept = _rewritten(lake, name, table, removed)
        lake.check_in_time(name, new.written_since)
        if touched or (removed is not None and new.files):
            with transaction.update_snapshot(snapshot_properties=properties).overwrite() as snapshot:
                for task in touched:
                    snapshot.delete_data_file(task.file)
                for file in (*kept, *new.files):
                    snapshot.append_data_file(file)
        elif new.files:
            with transaction.update_snapshot(snapshot_properties=properties).fast_append() as snapshot:
                for file in new.files:
                    snapshot.append_data_file(file)
        return lambda: _delete(lake, kept)

    try:
        return commit(lake, name, stage, summary)
    except LakeConflict:
        _delete(lake, new.files)
        raise


def _rewritten(
    lake: Lake, name: TableName, table: Table, removed: Removed
) -> tuple[Sequence[FileScanTask], Sequence[DataFile]]:
    """The files that have rows which go, and new files with their rows that stay."""
    match removed:
        case None:
            return [], []
        case EveryRow():
            return planned(table), []
    if removed.num_rows == 0:
        return [], []
    candidates = planned(table, _bounds(removed))
    with engine(lake) as connection:
        connection.register(_REMOVED, removed)
        touched = _touched(connection, table, candidates, removed.column_names)
        if not touched:
            return [], []
        rows = relation(table.schema(), paths_of(touched))
        using = ", ".join(map(named, removed.column_names))
        stay = f"(select * from {rows} anti join {_REMOVED} using ({using}))"
        return touched, write(lake, connection, table.metadata, lake.location_of(name), stay)


def _touched(
    connection: duckdb.DuckDBPyConnection, table: Table, candidates: Sequence[FileScanTask], key: Sequence[str]
) -> list[FileScanTask]:
    if not candidates:
        return []
    rows = relation(table.schema(), paths_of(candidates), "filename=true")
    using = ", ".join(map(named, key))
    found = connection.execute(f"select distinct filename from {rows} semi join {_REMOVED} using ({using})").fetchall()
    names = {name for (name,) in found}
    return [task for task in candidates if duckdb_path(task.file.file_path) in names]


def _bounds(keys: pa.Table) -> BooleanExpression:
    """What is true of every row that has one of the keys, as the bounds of files can be held against it."""
    bounds: list[BooleanExpression] = [AlwaysTrue()]
    for name in keys.column_names:
        ends = pc.min_max(keys[name]).as_py() if not pa.types.is_null(keys[name].type) else {"min": None, "max": None}
        if isinstance(ends["min"], _BOUNDED) and not pa.types.is_timestamp(keys[name].type):
            term = Reference(name)
            bounds.append(GreaterThanOrEqual(term=term, value=literal(ends["min"])))
            bounds.append(LessThanOrEqual(term=term, value=literal(ends["max"])))
    return reduce(And, bounds)


def _check_keys(name: TableName, keys: pa.Table) -> None:
    for column in keys.column_names:
        if keys[column].null_count:
            raise LakeError(
                f"{keys[column].null_count} rows for {name.plain} have no {column}, which is part of its key"
            )
    twice = keys.num_rows - keys.group_by(keys.column_names).aggregate([]).num_rows
    if twice:
        raise LakeError(f"{twice} rows for {name.plain} have a key that another one of them has too")


def _delete(lake: Lake, files: Iterable[DataFile]) -> None:
    for file in files:
        lake.place.delete(path_below(lake.location, file.file_path))
