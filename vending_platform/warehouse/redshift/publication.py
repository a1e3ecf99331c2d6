"""Rows on their way into Redshift: as files and their manifests, then in tables of their own beside the tables.

A COPY fills such a table before the transaction begins: the transaction itself only moves rows within Redshift.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.warehouse.batches import parquet
from vending_platform.warehouse.interface import TableName, WarehouseError, quoted
from vending_platform.warehouse.redshift.data_api import MOST_STATEMENTS, DataApi
from vending_platform.warehouse.redshift.exchange import Exchange, unique_name
from vending_platform.warehouse.redshift.tables import LONGEST_TEXT, columns_of, declared, type_of

PREFIX = "_batch_"
SCHEMA = "raw"
_VALUES_IN_A_STATEMENT = 40
"""Up to so many values of keys are parameters of the statement itself; more come as a file."""


@dataclass
class RedshiftPublication:
    """The files and tables of one publication, under names that no other one has."""

    api: DataApi
    exchange: Exchange
    _files: list[str] = field(default_factory=list)
    _tables: list[TableName] = field(default_factory=list)
    _copies: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    """The values in the statements, by their names there."""

    def __post_init__(self) -> None:
        self._id = unique_name()

    def insert(self, table: TableName, rows: pa.Table | pa.RecordBatchReader) -> str | None:
        """The statement that inserts the rows, once they are loaded; None if there are none."""
        batch = self._batch(rows)
        if batch is None:
            return None
        names = ", ".join(map(quoted, rows.schema.names))
        return f"insert into {table} ({names}) select {', '.join(map(_read_back, rows.schema))} from {batch}"

    def delete(self, table: TableName, keys: pa.Table) -> str | None:
        """The statement that deletes the rows that equal one of the keys, once these are loaded; None if there are
        none. A key with an empty value equals nothing."""
        keys = keys.filter(_complete(keys))
        if not keys.num_rows:
            return None
        if keys.num_rows * keys.num_columns <= _VALUES_IN_A_STATEMENT:
            return f"delete from {table} where {self._condition(keys)}"
        batch = self._batch(keys)
        same = " and ".join(f"{table}.{quoted(key.name)} = {_read_back(key, f'{batch}.')}" for key in keys.schema)
        return f"delete from {table} using {batch} where {same}"

    def load(self) -> None:
        """Makes the tables and fills them, which may take long and locks nothing."""
        step = MOST_STATEMENTS - MOST_STATEMENTS % 2
        for start in range(0, len(self._copies), step):
            self.api.run_together(self._copies[start : start + step])

    def remove(self) -> None:
        for name in self._files:
            self.exchange.batches.delete(self.exchange.path(name))
        for start in range(0, len(self._tables), MOST_STATEMENTS):
            tables = self._tables[start : start + MOST_STATEMENTS]
            self.api.run_together([f"drop table if exists {table}" for table in tables])

    def _batch(self, rows: pa.Table | pa.RecordBatchReader) -> TableName | None:
        batches = iter(rows.to_batches() if isinstance(rows, pa.Table) else rows)
        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            return None
        name = f"{self._id}_{len(self._tables)}"
        table = TableName(SCHEMA, f"{PREFIX}{name}")
        schema = pa.schema([pa.field(field.name, _carried(field.type)) for field in rows.schema])
        self._files += [f"{name}.parquet", f"{name}.manifest"]
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for part in parquet(_carried_rows(_chained(first, batches), schema), schema):
                size += len(part)
                yield part

        # Rows that are in memory anyhow are sent at once: a stream takes three requests.
        content: Iterator[bytes] | bytes = b"".join(counted()) if isinstance(rows, pa.Table) else counted()
        self.exchange.batches.write(self.exchange.path(f"{name}.parquet"), content)
        self.exchange.write_manifest(f"{name}.manifest", [(f"{name}.parquet", size)])
        self._tables.append(table)
        self._copies += [
            f"create table {table} ({declared(columns_of(schema))})",
            self.exchange.copy_statement(table, f"{name}.manifest"),
        ]
        return table

    def _condition(self, keys: pa.Table) -> str:
        return " or ".join(
            "(" + " and ".join(self._equals(key, value) for key, value in zip(keys.schema, row, strict=True)) + ")"
            for row in zip(*(column.to_pylist() for column in keys.columns), strict=True)
        )

    def _equals(self, key: pa.Field, value: object) -> str:
        name = f"key_{len(self.parameters)}"
        self.parameters[name] = str(value)
        return f"{quoted(key.name)} = cast(:{name} as {type_of(key.type)})"


def _complete(keys: pa.Table) -> pa.ChunkedArray:
    found = pa.chunked_array([pa.repeat(True, keys.num_rows)])
    for column in keys.columns:
        found = pc.and_(found, column.is_valid())
    return found


def _carried(kind: pa.DataType) -> pa.DataType:
    """COPY reads no moments with a zone from Parquet, so they come as those of UTC."""
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind


def _read_back(field: pa.Field, table: str = "") -> str:
    name = f"{table}{quoted(field.name)}"
    return f"{name} at time zone 'UTC'" if pa.types.is_timestamp(field.type) and field.type.tz else name


def _carried_rows(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for column in batch.schema:
            _check_length(column, batch.column(column.name))
        columns = [
            batch.column(field.name).cast(field.type) if field.name in batch.schema.names else None for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _check_length(column: pa.Field, values: pa.Array) -> None:
    if not pa.types.is_string(column.type):
        return
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if longest > LONGEST_TEXT:
        raise WarehouseError(
            f"a text in the column {column.name} has {longest} bytes, and Redshift keeps at most {LONGEST_TEXT}:"
            " nothing was loaded; ask the sender to shorten it"
        )


def _chained(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others
