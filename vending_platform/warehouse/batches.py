"""Rows on their way into and out of a warehouse by files. One Parquet file per table goes in, written as it comes."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS_AT_ONCE = 100_000


class _Listed(Protocol):
    @property
    def path(self) -> str: ...

    @property
    def modified_at(self) -> datetime: ...


class Batches(Protocol):
    """Where the files wait: a `storage.Place`, which the warehouse can read too."""

    def files(self, prefix: str = "") -> Iterable[_Listed]: ...

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None: ...

    def read_path(self, path: str) -> Iterable[bytes]: ...

    def delete(self, path: str) -> None: ...


def parquet(rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[bytes]:
    """The bytes of a file with these rows. No more of them is in memory than some batches, however many there are."""
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="snappy") as writer:
        for batch in rows:
            for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
                writer.write_batch(batch.slice(start, _ROWS_AT_ONCE))
                yield sink.taken()
    yield sink.taken()


class _Sink:
    """Holds what was written until it is taken."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """What is written is there."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
