"""Rows become a Parquet file of this computer, in bounded memory; the same rows always become the same bytes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vending_platform.catalog import ExtractTable, Source
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.extraction.interface import HeldAsText, KeysOnly, Part, SystemSnapshot
from vending_platform.prefetch import prefetched

_ROWS = 32_768
_BYTES = 16 * 1024 * 1024
"""A group of rows ends at the one or the other."""
_WRITTEN = "%Y-%m-%d %H:%M:%S.%f"
OnRows = Callable[[int], None]
MetadataOf = Callable[[str | None], dict[bytes, bytes]]
"""What a file says about itself, by the greatest watermark in it."""


@dataclass(frozen=True)
class Written:
    """A file with rows, and the greatest watermark among them that is not in the future."""

    path: Path
    rows: int
    watermark: str | None


def write_rows(
    snapshot: SystemSnapshot,
    source: Source,
    part: Part,
    path: Path,
    on_rows: OnRows = lambda _: None,
    metadata: MetadataOf = lambda _: {},
) -> Written:
    """The rows of one part of a source. Where a value turns out to be none of its column's type, the column is written
    as text: all of it, as a file has one type for each column."""
    as_text: frozenset[str] = frozenset()
    while True:
        batches = snapshot.rows(source, part, as_text)
        try:
            if (deleted := _deleted(source)) is not None and not isinstance(part, KeysOnly):
                batches = _not_deleted(batches, source.column(deleted).text_in_header)
            return _write(batches, _Watermark(source, snapshot.taken_at), path, on_rows, metadata)
        except HeldAsText as problem:
            as_text |= problem.columns


def _write(
    batches: Iterator[pa.RecordBatch], watermark: "_Watermark", path: Path, on_rows: OnRows, metadata: MetadataOf
) -> Written:
    rows, latest, writer = 0, None, None
    try:
        # The next group of rows is received and decoded while this one is compressed.
        with closing(prefetched(_groups(batches))) as groups:
            for table in groups:
                if writer is None:
                    writer = pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
                writer.write_table(table, row_group_size=max(table.num_rows, 1))
                rows += table.num_rows
                latest = watermark.latest(table, latest)
                on_rows(rows)
        assert writer is not None, "there is at least one group"
        writer.add_key_value_metadata(metadata(latest))
    finally:
        if writer is not None:
            writer.close()
    return Written(path, rows, latest)


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in groups of one size, however they came; at least one group, which may be empty."""
    waiting: list[pa.RecordBatch] = []
    rows = size = groups = 0
    for batch in batches:
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        while rows >= _ROWS or size >= _BYTES:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, _ROWS).combine_chunks()
            groups += 1
            waiting = table.slice(_ROWS).to_batches()
            rows, size = max(rows - _ROWS, 0), sum(one.nbytes for one in waiting)
    if waiting and (rows or not groups):
        yield pa.Table.from_batches(waiting).combine_chunks()


def _deleted(source: Source) -> str | None:
    return source.extract.deleted if isinstance(source.extract, ExtractTable) else None


def _not_deleted(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.append_column(name, pa.repeat(pa.scalar(False), batch.num_rows))


@dataclass(frozen=True)
class _Watermark:
    """The column by which changes are found, if the source has one, and when now is."""

    source: Source
    now: datetime

    def latest(self, table: pa.Table, before: str | None) -> str | None:
        """The greatest watermark so far, in the form in which it is compared. A time that has not come yet would hide
        all changes until then, so it does not count."""
        if not isinstance(self.source.extract, ExtractTable) or self.source.extract.watermark is None:
            return None
        column = self.source.column(self.source.extract.watermark)
        values, zone = table[column.text_in_header], ZoneInfo(column.time_zone or BUSINESS_TIME_ZONE)
        if pa.types.is_timestamp(values.type):
            if values.type.tz is not None:
                zone = ZoneInfo("UTC")
            values = values.cast(pa.timestamp("us"))
        texts = values.cast(pa.string())
        now = self.now.astimezone(zone)
        come = pc.less_equal(texts, f"{now:%Y-%m-%d}" if column.type.kind == "date" else f"{now:{_WRITTEN}}")
        found = pc.max(texts.filter(come)).as_py()
        return max(filter(None, (before, found)), default=None)
