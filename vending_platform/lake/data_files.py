"""Data files: written by DuckDB aside, described from what is in them, then put to the table's other files.

A data file counts from the commit that names it; one that no commit names is an orphan, which maintenance removes.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata

from vending_platform.lake.file_io import path_below
from vending_platform.lake.opening import Lake
from vending_platform.lake.partitioning import sql_of
from vending_platform.lake.types import named, sql_columns, text

TARGET_BYTES = 128 * 1024 * 1024
"""How large a file should be: large enough that opening it costs little, small enough that rewriting it does."""
_CHUNK = 8 * 1024 * 1024


def write(
    lake: Lake, connection: duckdb.DuckDBPyConnection, table: TableMetadata, location: str, rows: str
) -> list[DataFile]:
    """The rows of a FROM clause as data files of a table, in its partitions; columns are found by their names."""
    schema = table.schema()
    lake.scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=lake.scratch, prefix="data-") as aside:
        written = _copy(connection, table, rows, Path(aside))
        files = []
        for path in written:
            target = f"{location}/data/{uuid.uuid4()}.parquet"
            file = _described(path, table, schema, target)
            lake.place.write(path_below(lake.location, target), _chunks(path))
            files.append(file)
    return files


def _copy(connection: duckdb.DuckDBPyConnection, table: TableMetadata, rows: str, folder: Path) -> list[Path]:
    schema = table.schema()
    columns = [f"cast({named(name)} as {kind}) as {named(name)}" for name, kind in sql_columns(schema).items()]
    parts = {f"partition_{field.field_id}": field for field in table.spec().fields}
    columns += [f"{sql_of(field.transform, schema, field.source_id)} as {name}" for name, field in parts.items()]
    ids = ", ".join(f"{named(field.name)}: {field.field_id}" for field in schema.fields)
    by_partition = f", partition_by ({', '.join(parts)})" if parts else ""
    copied = connection.execute(
        f"copy (select {', '.join(columns)} from {rows}) to {text(str(folder / 'rows'))} (format parquet,"
        f" compression zstd, file_size_bytes {TARGET_BYTES}, filename_pattern '{{uuid}}', field_ids {{{ids}}},"
        f" return_files{by_partition})"
    ).fetchone()
    assert copied is not None, "COPY returns one row"
    count, files = copied
    return sorted(map(Path, files)) if count else []


def _described(path: Path, table: TableMetadata, schema: Schema, location: str) -> DataFile:
    metadata = pq.read_metadata(path)
    mapping = parquet_path_to_id_mapping(schema)
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=metadata,
        stats_columns=compute_statistics_plan(schema, table.properties),
        parquet_column_mapping=mapping,
    )
    for name in _without_bounds(metadata):
        statistics.column_aggregates.pop(mapping[name], None)
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=statistics.partition(table.spec(), schema),
        file_size_in_bytes=path.stat().st_size,
        sort_order_id=None,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )
    file.spec_id = table.default_spec_id
    return file


def _without_bounds(metadata: pq.FileMetaData) -> Iterator[str]:
    """Columns with a group of rows that has values and no bounds, as where one is not a number: pyiceberg would take
    the bounds of the other groups for those of the file, and readers would leave it out."""
    for number in range(metadata.num_row_groups):
        for position in range(metadata.num_columns):
            column = metadata.row_group(number).column(position)
            found = column.statistics
            if found is None or (not found.has_min_max and found.null_count != column.num_values):
                yield column.path_in_schema


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
