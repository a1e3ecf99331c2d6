"""The external stage that rows come and leave by, as Parquet files in the place of work in flight."""

from datetime import UTC, datetime
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.interface import TableName, WarehouseError, quoted
from vending_platform.warehouse.snowflake_session import Session, as_one

STAGE = TableName("raw", "_batches")
FOLDER = "publications"
"""In the place of work in flight: what the stage shows. What is left there for a day is swept."""
_FILE_BYTES = 64 * 1024 * 1024


def unique() -> str:
    """A name that nothing else in the stage has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}_{uuid4().hex[:12]}"


def copied(table: TableName, file: str) -> str:
    """The statement that takes a file's rows into a table, column by column of the same name."""
    return (
        f"copy into {table} from @{STAGE}/ files = ('{file}')"
        " file_format = (type = parquet use_logical_type = true)"
        " match_by_column_name = case_insensitive on_error = abort_statement"
    )


def unloaded(session: Session, batches: Batches, sql: str) -> pa.Table:
    """What `session.query` gives, in no order: Snowflake writes it as files, as many at a time as it likes.

    Where there are no rows there is no file, so names and types are asked for first.
    """
    schema = session.query(f"select * from ({sql}) as asked limit 0").schema
    folder = f"unloaded_{unique()}"
    try:
        told = session.answer(_unload(schema, sql, folder))
        parts = [_read(batches, file.path) for file in batches.files(f"{FOLDER}/{folder}")]
        rows = pa.Table.from_arrays([_column(field, parts) for field in schema], names=schema.names)
        # Should Snowflake have tried twice within the statement, files of the first time could still be there.
        if rows.num_rows != told["rows_unloaded"]:
            raise WarehouseError(
                f"Snowflake says that it unloaded {told['rows_unloaded']} rows to {folder}, and its files hold"
                f" {rows.num_rows}; nothing was done with them, and the next run unloads anew"
            )
        return rows
    finally:
        for file in list(batches.files(f"{FOLDER}/{folder}")):
            batches.delete(file.path)


def _unload(schema: pa.Schema, sql: str, folder: str) -> str:
    columns = ", ".join(map(_leaving, schema))
    return (
        f"copy into @{STAGE}/{folder}/ from (select {columns} from ({sql}) as asked)"
        f" file_format = (type = parquet) max_file_size = {_FILE_BYTES} header = true"
    )


def _leaving(field: pa.Field) -> str:
    """A moment leaves as its microseconds: to Parquet Snowflake writes no zoned one, and others by the millisecond."""
    name = quoted(field.name)
    return f"date_part(epoch_microsecond, {name}) as {name}" if pa.types.is_timestamp(field.type) else name


def _read(batches: Batches, path: str) -> pa.Table:
    return pq.ParquetFile(pa.BufferReader(b"".join(batches.read_path(path)))).read()


def _column(field: pa.Field, parts: list[pa.Table]) -> pa.ChunkedArray:
    chunks = [part.column(field.name.upper()) for part in parts]
    if pa.types.is_timestamp(field.type):
        return as_one(chunks, pa.int64()).cast(field.type)
    return as_one(chunks, field.type)
