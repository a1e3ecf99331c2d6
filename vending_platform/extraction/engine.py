"""The DuckDB of an extraction: it works out of core, over files of this computer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

_MEMORY = "160MB"
_ROWS = 65_536


@contextmanager
def opened_engine(scratch: Path, memory: str = _MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    settings: dict[str, Any] = {"memory_limit": memory, "threads": "1", "temp_directory": str(scratch / "spilled")}
    with duckdb.connect(config=settings) as engine:
        engine.execute("set enable_progress_bar = false")
        engine.execute("set preserve_insertion_order = false")
        engine.execute("set timezone = 'UTC'")
        yield engine


def copy_into(engine: duckdb.DuckDBPyConnection, query: str, path: Path, schema: pa.Schema) -> None:
    """Into a file with exactly these types: DuckDB would write a whole number as it pleases."""
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for batch in engine.sql(query).to_arrow_reader(_ROWS):
            writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
