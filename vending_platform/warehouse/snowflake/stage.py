"""The external stage that rows enter and leave by, as Parquet files in the place of work in flight."""

from datetime import UTC, datetime
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.interface import TableName, WarehouseError, quoted
from vending_platform.warehouse.snowflake.session import Session, combine_chunks

STAGE = TableName("raw", "_batches")
FOLDER = "publications"
"""The folder in the place of work in flight that the stage shows. What has been there for a day is deleted."""
_FILE_BYTES = 64 * 1024 * 1024


def unique_name() -> str:
    """A name that nothing else in the stage has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}_{uuid4().hex[:12]}"


def copy_into(table: TableName, file: str) -> str:
    """The statement that copies a file's rows into a table, column by column of the same name."""
    return (
        f"copy into {table} from @{STAGE}/ files = ('{file}')"
        " file_format = (type = parquet use_logical_type = true)"
        " match_by_column_name = case_insensitive on_error = abort_statement"
    )


def unload(session: Session, batches: Batches, sql: str) -> pa.Table:
    """What `session.query` gives, in no order: Snowflake writes it as files, several at a time.

    A result without rows is not a file, so names and types are queried first.
    """
    schema = session.query(f"select * from ({sql}) as asked limit 0").schema
    folder = f"unloaded_{unique_name()}"
    try:
        report = session.report(_unload_statement(schema, sql, folder))
        parts = [_read(batches, file.path) for file in batches.files(f"{FOLDER}/{folder}")]
        rows = pa.Table.from_arrays([_column(field, parts) for field in schema], names=schema.names)
        # If Snowflake retried within the statement, files of the first try could still be there.
        if rows.num_rows != report["rows_unloaded"]:
            raise WarehouseError(
                f"Snowflake reports that it unloaded {report['rows_unloaded']} rows to {folder}, but its files have"
                f" {rows.num_rows}; they were not used, and the next run unloads them again"
            )
        return rows
    finally:
        for file in list(batches.files(f"{FOLDER}/{folder}")):
            batches.delete(file.path)


def _unload_statement(schema: pa.Schema, sql: str, folder: str) -> str:
    columns = ", ".join(map(_unloaded_column, schema))
    return (
        f"copy into @{STAGE}/{folder}/ from (select {columns} from ({sql}) as asked)"
        f" file_format = (type = parquet) max_file_size = {_FILE_BYTES} header = true"
    )


def _unloaded_column(field: pa.Field) -> str:
    """A timestamp leaves as its microseconds: Snowflake writes none with a zone to Parquet, and others in
    milliseconds."""
    name = quoted(field.name)
    return f"date_part(epoch_microsecond, {name}) as {name}" if pa.types.is_timestamp(field.type) else name


def _read(batches: Batches, path: str) -> pa.Table:
    return pq.ParquetFile(pa.BufferReader(b"".join(batches.read_path(path)))).read()


def _column(field: pa.Field, parts: list[pa.Table]) -> pa.ChunkedArray:
    chunks = [part.column(field.name.upper()) for part in parts]
    if pa.types.is_timestamp(field.type):
        return combine_chunks(chunks, pa.int64()).cast(field.type)
    return combine_chunks(chunks, field.type)
