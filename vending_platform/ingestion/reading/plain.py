"""The fast way: bytes with nothing to interpret but separators and line ends, however many files, parsed at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from vending_platform.catalog import Encoding, Source
from vending_platform.ingestion.reading.decoding import BOM, decode
from vending_platform.ingestion.reading.rows import FILE, LENGTH, LINE, OFFSET, text_schema


@dataclass(frozen=True)
class Block:
    """Whole rows of one file, in UTF-8, from line `first_line` on; `rows` of them."""

    file: int
    first_line: int
    body: bytes
    rows: int


def plain_block(body: bytes, source: Source, encoding: Encoding, file: int, first_line: int) -> Block | None:
    """`body` as a block, if every line of it can only be read in one way; else None."""
    quote = source.files.quote
    if b"\0" in body or not (body.endswith(b"\n") or not body) or body.startswith((b"\n", b"\r\n", BOM)):
        return None
    if quote != "none" and quote.encode() in body:
        return None
    if b"\n\n" in body or (b"\r" in body and (b"\n\r" in body or body.count(b"\r") != body.count(b"\r\n"))):
        return None
    if encoding is not Encoding.UTF_8:
        body = decode(body, encoding).encode()
    rows = body.count(b"\n")
    if body.count(source.files.delimiter.encode()) != rows * (len(source.columns) - 1):
        return None
    return Block(file, first_line, body, rows)


def parse_together(blocks: Sequence[Block], source: Source) -> pa.Table | None:
    """The rows of all blocks in one table; None if a row somewhere has a wrong number of fields after all."""
    columns = [column.name for column in source.columns]
    schema = text_schema(source)
    joined = b"".join(block.body for block in blocks)
    if not joined:
        return schema.empty_table()
    try:
        parsed = pc.read_csv(
            pa.BufferReader(joined),
            read_options=pc.ReadOptions(column_names=columns, block_size=max(1 << 20, len(joined) // 8)),
            parse_options=pc.ParseOptions(delimiter=source.files.delimiter, quote_char=False, double_quote=False),
            convert_options=pc.ConvertOptions(column_types={name: pa.string() for name in columns}, check_utf8=False),
        )
    except pa.ArrowInvalid:
        return None
    counts = [block.rows for block in blocks]
    starts = np.cumsum([0, *counts[:-1]])
    lines = np.arange(sum(counts), dtype=np.int64) + np.repeat([b.first_line for b in blocks] - starts, counts)
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
