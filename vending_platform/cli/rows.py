"""Rows as they come, written for a program: CSV, Parquet or JSON, a line each."""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq


def write_csv(rows: pa.RecordBatchReader, file: IO[bytes]) -> None:
    with pyarrow.csv.CSVWriter(file, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)


def write_parquet(rows: pa.RecordBatchReader, file: IO[bytes]) -> None:
    with pq.ParquetWriter(file, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)


def write_json(rows: pa.RecordBatchReader, file: IO[bytes]) -> None:
    """Decimals are texts, so that no reader rounds them."""
    for batch in rows:
        for row in batch.to_pylist():
            file.write(json.dumps(row, ensure_ascii=False, default=_in_json).encode() + b"\n")


WRITERS: dict[str, Callable[[pa.RecordBatchReader, IO[bytes]], None]] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "json": write_json,
}


def _in_json(value: Any) -> str:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes():
            return value.hex()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")
