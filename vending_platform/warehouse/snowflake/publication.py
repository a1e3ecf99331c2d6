"""Rows on their way into Snowflake: as files in the stage, and as temporary tables of keys."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.warehouse.batches import Batches, parquet
from vending_platform.warehouse.interface import TableName, literal, quoted
from vending_platform.warehouse.snowflake.session import Session
from vending_platform.warehouse.snowflake.stage import FOLDER, copy_into, unique_name
from vending_platform.warehouse.snowflake.tables import columns_of, declared

_KEYS_IN_A_STATEMENT = 200
"""Up to so many keys are written into the statement itself; more come as a file."""


class Publication:
    """The files and temporary tables of one publication, under names that no other one has."""

    def __init__(self, session: Session, batches: Batches) -> None:
        self._session = session
        self._batches = batches
        self._id = unique_name()
        self._files: list[str] = []
        self._tables: list[TableName] = []

    def write(self, rows: pa.Table | pa.RecordBatchReader) -> str | None:
        """Write the rows as a file in the stage. Returns its name, or None if there are no rows."""
        batches = iter(rows.to_batches() if isinstance(rows, pa.Table) else rows)
        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            return None
        name = f"{self._id}_{len(self._files)}.parquet"
        self._files.append(name)
        content = parquet(_chained(first, batches), rows.schema)
        # Rows that are in memory anyhow are sent at once: a stream takes three requests.
        self._batches.write(f"{FOLDER}/{name}", b"".join(content) if isinstance(rows, pa.Table) else content)
        return name

    def condition(self, keys: pa.Table) -> str:
        """A condition that is true for the rows that equal one of the keys. For dates it has their range too, by which
        Snowflake skips the partitions that can't have such rows."""
        columns = ", ".join(map(quoted, keys.column_names))
        one_of = (
            self._as_list(keys)
            if keys.num_rows <= _KEYS_IN_A_STATEMENT
            else f"select {columns} from {self.temporary(keys)}"
        )
        ranges = [
            f"{quoted(name)} between {literal(pc.min(column).as_py())} and {literal(pc.max(column).as_py())}"
            for name, column in zip(keys.column_names, keys.columns, strict=True)
            if pa.types.is_date(column.type) and column.null_count < len(column)
        ]
        return " and ".join([f"({columns}) in ({one_of})", *ranges])

    def _as_list(self, keys: pa.Table) -> str:
        rows = (row.values() for row in keys.to_pylist())
        return ", ".join(f"({', '.join('null' if value is None else literal(value) for value in row)})" for row in rows)

    def temporary(self, rows: pa.Table) -> TableName:
        """A table with these rows, in this session only."""
        table = TableName("raw", f"_keys_{self._id}_{len(self._tables)}")
        self._tables.append(table)
        columns = declared(columns_of(rows.schema))
        self._session.run(f"create temporary table {table} ({columns})")
        if (file := self.write(rows)) is not None:
            self._session.run(copy_into(table, file))
        return table

    def remove(self) -> None:
        for name in self._files:
            self._batches.delete(f"{FOLDER}/{name}")
        for table in self._tables:
            self._session.run(f"drop table if exists {table}")


def _chained(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others
