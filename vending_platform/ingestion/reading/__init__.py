"""Bytes become rows of text, strictly. For CSV there are two ways that give the same rows: `csv_fast` for thousands of
files that look exactly as their contract says, `csv_strict` for everything else. Parquet and JSON lines are held
against the contract's types, and become text too, so that one validation holds for all of them.

`prepare` decides whether a file can be read at all; `read_together` reads many small files into one table;
`read_in_pieces` reads one file of any size in bounded memory.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from vending_platform.catalog import ContentFormat, Encoding, Source
from vending_platform.ingestion.reading.compression import is_compressed, unpacked
from vending_platform.ingestion.reading.content import SMALL, FileContent, chunks_of, content_of, hash_of, spool
from vending_platform.ingestion.reading.csv_fast import TextBlock, parse_together, plain_block, with_places
from vending_platform.ingestion.reading.csv_strict import LONGEST_ROW, Record, TextRows, records, too_long
from vending_platform.ingestion.reading.decoding import BOM, decode, encoding_of
from vending_platform.ingestion.reading.json_lines import JsonRows, refuse_array, rows_between
from vending_platform.ingestion.reading.layout import Layout, expected_layout, layout_of
from vending_platform.ingestion.reading.parquet import layout_of_parquet, read_parquet, rows_as_json
from vending_platform.ingestion.reading.problems import FileProblem
from vending_platform.ingestion.reading.rows import text_schema

__all__ = [
    "SMALL",
    "FileContent",
    "FileProblem",
    "Readable",
    "chunks_of",
    "content_of",
    "decode",
    "hash_of",
    "is_compressed",
    "prepare",
    "read_in_pieces",
    "read_together",
    "rows_as_json",
    "spool",
]


@dataclass(frozen=True)
class Readable:
    """A file of which it is known how to read it: unpacked, if it was compressed. `block` is there if the fast way can
    have it in one go."""

    content: FileContent
    encoding: Encoding | None
    layout: Layout
    block: TextBlock | None = None
    header: Record | None = None
    """The header as it was found, unless `block` begins right after it, or there is none."""
    rows: pa.Table | None = None
    """Of a small file of JSON lines all of it: it was read to know which keys it has."""
    unknown: tuple[tuple[str, ...], ...] = ()
    """Of Parquet the columns that no contract names."""
    is_large: bool = False
    """Whether it has to be read by itself, some rows at a time."""
    has_offsets: bool = True
    """Whether places in `content` are places in the file that was delivered."""

    @property
    def text_encoding(self) -> Encoding:
        assert self.encoding is not None  # of what has no text, no text is asked for
        return self.encoding


def prepare(source: Source, content: FileContent, file: int, scratch: Path | None = None) -> Readable:
    """How to read the file with number `file` of a batch; `FileProblem` if it can't be trusted as a whole. What a large
    compressed file holds is in a new file in `scratch` (or the system's folder), which is the caller's to remove."""
    _refuse_empty(source, content)
    if source.files.format is ContentFormat.PARQUET:
        found = layout_of_parquet(source, content)
        is_large = found.is_large or content.path is not None
        return Readable(content, None, found.layout, unknown=found.unknown, is_large=is_large, has_offsets=False)
    inner = unpacked(content, scratch or Path(tempfile.gettempdir()))
    _refuse_empty(source, inner)
    try:
        is_json = source.files.format is ContentFormat.JSONL
        readable = _prepare_json_lines(source, inner, file) if is_json else _prepare_csv(source, inner, file)
    except BaseException:
        if inner.path is not None and inner.path != content.path:
            inner.path.unlink(missing_ok=True)
        raise
    return replace(readable, is_large=inner.path is not None, has_offsets=inner is content and not is_json)


def _prepare_json_lines(source: Source, content: FileContent, file: int) -> Readable:
    encoding = encoding_of(content, (Encoding.UTF_8,))
    _refuse_damaged(source, content)
    refuse_array(content)
    rows, is_small = JsonRows(source), content.path is None
    for number, offset, row in rows_between(content):
        rows.add(row, number, offset, file)
        if not is_small and rows.size > SMALL:
            rows.take()  # only to see which keys there are
    return Readable(content, encoding, rows.layout(), rows=rows.take() if is_small else None)


def _prepare_csv(source: Source, content: FileContent, file: int) -> Readable:
    encoding = encoding_of(content, source.files.encodings)
    if not source.files.has_header:
        block = plain_block(content.data, source, encoding, file, 1) if content.data is not None else None
        if block is None:
            _refuse_damaged(source, content)
        return Readable(content, encoding, expected_layout(source), block)
    if content.data is not None:
        start = content.data.find(b"\n") + 1
        if content.data[:start].removeprefix(BOM).rstrip(b"\r\n") == source.plain_header:
            block = plain_block(content.data, source, encoding, file, 2, start)
            if block is not None:
                return Readable(content, encoding, expected_layout(source), block)
    _refuse_damaged(source, content)
    header = next(records(content.chunks(), source, encoding), None)
    if header is None:
        raise FileProblem("it has nothing but empty lines")
    return Readable(content, encoding, layout_of(header.fields, source), header=header)


def _refuse_empty(source: Source, content: FileContent) -> None:
    if content.size == 0:
        has_header = source.counted_in == "line" and source.files.has_header
        raise FileProblem("it is empty, without even a header" if has_header else "it is empty")


def _refuse_damaged(source: Source, content: FileContent) -> None:
    if any(b"\0" in chunk for chunk in content.chunks()):
        raise FileProblem("it has NUL bytes: it was probably cut off while it was written")
    if source.files.final_newline == "required" and not _ends_with_line_end(content):
        raise FileProblem("its last row has no line end: the file was probably cut off in the middle of it")


def read_together(source: Source, files: dict[int, Readable]) -> tuple[list[pa.Table], dict[int, FileProblem]]:
    """The rows of small files as tables of text, and why some could not be read after all."""
    tables: list[pa.Table] = []
    problems: dict[int, FileProblem] = {}
    if source.files.format is not ContentFormat.CSV:
        for number, readable in files.items():
            try:
                tables += list(read_in_pieces(source, readable, number))
            except FileProblem as problem:
                problems[number] = problem
        return [*tables, text_schema(source).empty_table()], problems
    blocks = {number: readable.block for number, readable in files.items() if readable.block is not None}
    together = parse_together(blocks.values(), source)
    if together is None:
        blocks = {number: block for number, block in blocks.items() if block.seems_even(source)}
        together = parse_together(blocks.values(), source)
    if together is not None:
        tables.append(together)
    careful = TextRows(source)
    for number, readable in files.items():
        if together is not None and number in blocks:
            continue
        try:
            rows = list(records(readable.content.chunks(), source, readable.text_encoding))[source.files.has_header :]
            _refuse_cut_row(readable, rows[-1].fields if rows else None)
        except FileProblem as problem:
            problems[number] = problem
            continue
        for record in rows:
            careful.add(record, readable.layout, number)
    tables.append(careful.take())
    return tables, problems


def read_in_pieces(source: Source, readable: Readable, file: int) -> Iterator[pa.Table]:
    """The rows of one file, some tables one after the other; `FileProblem` may still come after some of them."""
    if source.files.format is ContentFormat.PARQUET:
        yield from read_parquet(source, readable.content, readable.unknown, file)
        return
    if source.files.format is ContentFormat.JSONL:
        yield from _json_in_pieces(source, readable, file)
        return
    if readable.layout == expected_layout(source) and _is_just_lines(source, readable.content):
        yield from _between_lines(source, readable, file)
        return
    rows = TextRows(source)
    last = None
    for number, record in enumerate(records(readable.content.chunks(), source, readable.text_encoding)):
        if number == 0 and source.files.has_header:
            continue
        last = record.fields
        rows.add(record, readable.layout, file)
        if rows.bytes > SMALL:
            yield rows.take()
    _refuse_cut_row(readable, last)
    yield rows.take()


def _json_in_pieces(source: Source, readable: Readable, file: int) -> Iterator[pa.Table]:
    if readable.rows is not None:
        yield readable.rows
        return
    rows = JsonRows(source)
    for number, offset, row in rows_between(readable.content):
        rows.add(row, number, offset, file)
        if rows.size > SMALL:
            yield rows.take()
    yield rows.take()


def _is_just_lines(source: Source, content: FileContent) -> bool:
    """Whether rows end with LF or CRLF and none has quotes: then what lies between two LFs can be parsed alone."""
    quote = source.files.quote
    half = b""  # a CR at the end of a chunk, of which only the next one tells whether it is half of a CRLF
    for chunk in content.chunks():
        piece = half + chunk
        half = b"\r" if piece.endswith(b"\r") else b""
        if piece.removesuffix(half).count(b"\r") != piece.count(b"\r\n"):
            return False
        if quote != "none" and quote.encode() in piece:
            return False
    return not half and _ends_with_line_end(content)


def _between_lines(source: Source, readable: Readable, file: int) -> Iterator[pa.Table]:
    header = readable.header
    line, offset = (header.line + 1, header.offset + header.length) if header is not None else (1, 0)
    rest, before = b"", offset
    for chunk in readable.content.chunks():
        chunk, before = chunk[before:], max(0, before - len(chunk))
        body, newline, rest = (rest + chunk).rpartition(b"\n")
        body += newline
        if len(rest) > LONGEST_ROW:
            raise too_long(line)
        if not body:
            continue
        block = plain_block(body, source, readable.text_encoding, file, line)
        table = parse_together([block], source) if block is not None else None
        if table is not None:
            table = with_places(table, body, offset)
        else:
            rows = TextRows(source)
            for record in records([body], source, readable.text_encoding, line, offset):
                rows.add(record, readable.layout, file)
            table = rows.take()
        yield table
        line += len(body.splitlines())
        offset += len(body)


def _refuse_cut_row(readable: Readable, last: Sequence[str] | None) -> None:
    """Where the contract allows a file to end without a line end, a last row that is too short was still cut off."""
    if last is not None and len(last) < readable.layout.width and not _ends_with_line_end(readable.content):
        raise FileProblem("its last row is incomplete: the file was probably cut off in the middle of it")


def _ends_with_line_end(content: FileContent) -> bool:
    return content.cut(content.size - 1, 1) in (b"\n", b"\r")
