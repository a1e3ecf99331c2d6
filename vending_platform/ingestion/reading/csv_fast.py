"""The fast way: bytes with nothing to interpret but separators and line ends, however many files, parsed at once."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from vending_platform.catalog import Encoding, Source
from vending_platform.ingestion.reading.decoding import BOM, decode
from vending_platform.ingestion.reading.rows import FILE, LENGTH, LINE, OFFSET, text_schema


@dataclass(frozen=True)
class TextBlock:
    """Whole rows of one file, in UTF-8, from line `first_line` on; `rows` of them."""

    file: int
    first_line: int
    body: bytes | memoryview
    rows: int

    def seems_even(self, source: Source) -> bool:
        """Whether there are as many separators as rows with the right number of fields have."""
        return bytes(self.body).count(source.files.delimiter.encode()) == self.rows * (len(source.columns) - 1)


def plain_block(
    data: bytes, source: Source, encoding: Encoding, file: int, first_line: int, start: int = 0
) -> TextBlock | None:
    """`data` from `start` on as a block, if every line of it can only be read in one way; else None."""
    quote = source.files.quote
    if b"\0" in data or not data.endswith(b"\n") or data.startswith(BOM, start):
        return None
    if quote != "none" and quote.encode() in data:
        return None
    if b"\r" in data and (b"\n\r" in data or data.count(b"\r") != data.count(b"\r\n")):
        return None
    rows = data.count(b"\n", start)
    if encoding is not Encoding.UTF_8:
        return TextBlock(file, first_line, decode(data[start:], encoding).encode(), rows)
    return TextBlock(file, first_line, memoryview(data)[start:], rows)


def parse_together(blocks: Collection[TextBlock], source: Source) -> pa.Table | None:
    """The rows of all blocks in one table; None if some line has a wrong number of fields after all, or is empty."""
    columns = [column.name for column in source.columns]
    schema = text_schema(source)
    joined = b"".join(block.body for block in blocks)
    if not joined:
        return schema.empty_table()
    try:
        parsed = pc.read_csv(
            pa.BufferReader(joined),
            read_options=pc.ReadOptions(column_names=columns, block_size=max(1 << 20, len(joined) // 8)),
            parse_options=pc.ParseOptions(
                delimiter=source.files.delimiter,
                quote_char=False,
                double_quote=False,
                ignore_empty_lines=len(columns) > 1,  # of one column an empty line is an empty value
            ),
            convert_options=pc.ConvertOptions(column_types={name: pa.string() for name in columns}, check_utf8=False),
        )
    except pa.ArrowInvalid:
        return None
    counts = [block.rows for block in blocks]
    if parsed.num_rows != sum(counts):
        return None
    starts = np.cumsum([0, *counts[:-1]])
    lines = np.arange(parsed.num_rows, dtype=np.int64) + np.repeat([b.first_line for b in blocks] - starts, counts)
    nothing = {field.name: pa.nulls(len(lines), field.type) for field in schema if field.name not in columns}
    known = {
        FILE: pa.array(np.repeat(np.array([block.file for block in blocks], dtype=np.int32), counts)),
        LINE: pa.array(lines),
        **{name: parsed[name] for name in columns},
    }
    return pa.table([known.get(field.name, nothing.get(field.name)) for field in schema], schema=schema)


def with_places(rows: pa.Table, body: bytes, start: int) -> pa.Table:
    """Rows parsed from all of `body`, each with its place in the file; `start` is the place of `body` in it."""
    ends = np.flatnonzero(np.frombuffer(body, np.uint8) == ord("\n")).astype(np.int64) + 1
    offsets = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    for name, values in ((OFFSET, offsets + start), (LENGTH, ends - offsets)):
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values))
    return rows
