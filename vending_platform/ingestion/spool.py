"""Tables of one large file, set aside on disk until it is known whether the whole file can be used."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class Spool:
    """Takes tables of one schema and gives them back in the same order, however many and however large."""

    def __init__(self, schema: pa.Schema, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=scratch, suffix=".parquet", delete=False) as file:
            self._path = Path(file.name)
        self._writer = pq.ParquetWriter(self._path, schema, compression="zstd")
        self.schema = schema
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(table)
        self.rows += table.num_rows

    def reader(self) -> pa.RecordBatchReader:
        """All rows as a stream that is never in memory as a whole."""
        self._writer.close()
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self._path) as file:
            yield from file.iter_batches()

    def close(self) -> None:
        self._writer.close()
        self._path.unlink(missing_ok=True)
