"""What a query found, and what had to be read for it."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Scanned:
    """What had to be read of a table: `files` of all its files."""

    table: str
    files: int
    of_files: int
    bytes: int


@dataclass(frozen=True)
class Found:
    """The rows come as they are read; they can be read once."""

    rows: pa.RecordBatchReader
    scanned: tuple[Scanned, ...] = ()
