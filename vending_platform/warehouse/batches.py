"""Files by which rows go into a warehouse and come out of it: a Parquet file per table, written while rows come in."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS_AT_ONCE = 100_000


class _ListedFile(Protocol):
    @property
    def path(self) -> str: ...

    @property
    def modified_at(self) -> datetime: ...


class Batches(Protocol):
    """Where the files are: a `storage.Place`, which the warehouse can read too."""

    def files(self, prefix: str = "") -> Iterable[_ListedFile]: ...

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None: ...

    def read_path(self, path: str) -> Iterable[bytes]: ...

    def delete(self, path: str) -> None: ...


def parquet(rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[bytes]:
    """The bytes of a file with these rows. Only some batches are in memory at a time, however many there are."""
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="snappy") as writer:
        for batch in rows:
            for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                writer.write_batch(batch.slice(start, _ROWS_AT_ONCE))
                yield sink.take()
    yield sink.take()


class _Sink:
    """Keeps what was written until it is taken."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing is buffered."""

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
