"""Tables of one large file, set aside on disk until it is known whether the whole file can be used."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
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

    def as_sql(self) -> str:
        """All rows as DuckDB reads them; nothing can be added any more."""
        self._writer.close()
        path = str(self._path).replace("'", "''")
        return f"read_parquet('{path}')"

    def reader(
        self, dropped: Sequence[str] = (), without: tuple[str, pa.ChunkedArray] | None = None
    ) -> pa.RecordBatchReader:
        """All rows as a stream that is never in memory as a whole: without the `dropped` columns, and without those
        rows that have one of the given values in a column."""
        self._writer.close()
        schema = pa.schema([field for field in self.schema if field.name not in dropped])
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema.names, without))

    def _batches(self, names: list[str], without: tuple[str, pa.ChunkedArray] | None) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self._path) as file:
            for batch in file.iter_batches():
                if without is not None and len(without[1]):
                    batch = batch.filter(pc.invert(pc.is_in(batch[without[0]], without[1].combine_chunks())))
                yield batch.select(names)

    def close(self) -> None:
        self._writer.close()
        self._path.unlink(missing_ok=True)
