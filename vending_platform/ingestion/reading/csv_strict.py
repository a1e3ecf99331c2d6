"""The careful way: one file at a time, by Python's own strict CSV reader, with quotes, any line end, any header."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from vending_platform.catalog import Encoding, Source
from vending_platform.ingestion.reading.decoding import BOM, decode
from vending_platform.ingestion.reading.layout import Layout
from vending_platform.ingestion.reading.problems import FileProblem
from vending_platform.ingestion.reading.rows import text_schema

LONGEST_ROW = 64 * 1024 * 1024
"""A longer line or field is no row that anybody meant to send; unbounded, one lost quote could fill the memory."""


@dataclass(frozen=True)
class Record:
    """One row as it stands in the file: `line` counts from 1, `offset` and `length` are bytes."""

    line: int
    offset: int
    length: int
    fields: list[str]
    problem: str | None = None
    """Why the row can't be trusted although it has fields."""


def records(
    chunks: Iterable[bytes], source: Source, encoding: Encoding, line: int = 1, offset: int = 0
) -> Iterator[Record]:
    """The records of a file (or of its part from `line` and `offset` on), without its empty lines; but where rows have
    one column an empty line is a row with an empty value.

    `FileProblem` where quotes leave no safe reading.
    """
    feed = _Feed(chunks, encoding, line, offset)
    quote = source.files.quote
    width = len(source.columns) if offset > 0 or not source.files.has_header else 0
    """Of the header; without one, and of a part of a file, as only such files are read in parts, what the contract
    says."""
    csv.field_size_limit(LONGEST_ROW)
    reader = csv.reader(
        feed,
        delimiter=source.files.delimiter,
        quotechar=None if quote == "none" else quote,
        quoting=csv.QUOTE_NONE if quote == "none" else csv.QUOTE_MINIMAL,
        strict=True,
    )
    while True:
        line, offset = feed.line, feed.offset
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field larger than field limit" in str(error):
                raise too_long(line) from None
            raise FileProblem(f"its quotes can't be followed in the row from line {line} on: {error}") from None
        text = feed.taken()
        if not fields and width == 1:
            fields = [""]
        if fields:
            width = width or len(fields)
            problem = _stray_quote(text, fields, source)
            yield Record(line, offset, feed.offset - offset, fields, problem)


def _stray_quote(text: str, fields: list[str], source: Source) -> str | None:
    """Why a row is refused that has a quote within a field that does not begin with one (RFC 4180): Python's reader
    takes it for itself, others begin to quote there, and nobody can tell what was meant."""
    quote, delimiter = source.files.quote, source.files.delimiter
    if quote == "none" or quote not in text:
        return None
    at = 0
    for number, value in enumerate(fields, start=1):
        if text.startswith(quote, at):
            at += len(value) + value.count(quote) + 2
        elif quote in value:
            return f"field {number} has a quote inside and is not quoted as a whole"
        else:
            at += len(value)
        at += len(delimiter)
    return None


@dataclass
class TextRows:
    """Collects records of any number of files until they are taken away as one table."""

    source: Source
    bytes: int = 0
    _rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, record: Record, layout: Layout, file: int) -> None:
        fields, columns = record.fields, len(self.source.columns)
        problem, extra = None, None
        values: tuple[str | None, ...] = (None,) * columns
        if record.problem is not None:
            problem = record.problem
        elif len(fields) != layout.width:
            which = "header" if self.source.files.has_header else "contract"
            problem = f"the row has {len(fields)} fields, the {which} has {layout.width}"
        else:
            values = tuple(None if at is None else fields[at] for at in layout.positions)
            if layout.extra:
                extra = json.dumps({header: fields[at] for at, header in layout.extra}, ensure_ascii=False)
        self._rows.append((file, record.line, record.offset, record.length, problem, extra, *values))
        self.bytes += record.length

    def take(self) -> pa.Table:
        schema = text_schema(self.source)
        if not self._rows:
            return schema.empty_table()
        columns = [
            pa.array(values, kind) for values, kind in zip(zip(*self._rows, strict=True), schema.types, strict=True)
        ]
        self._rows, self.bytes = [], 0
        return pa.table(columns, schema=schema)


class _Feed:
    """Gives the CSV reader one line after the other and knows where the next one starts."""

    def __init__(self, chunks: Iterable[bytes], encoding: Encoding, line: int, offset: int) -> None:
        self.line = line
        self.offset = offset
        self._lines = lines_of(chunks, line)
        self._encoding = encoding
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = next(self._lines)
        text = raw.removeprefix(BOM) if self.offset == 0 else raw
        self.line += 1
        self.offset += len(raw)
        decoded = decode(text, self._encoding)
        self._taken.append(decoded)
        return decoded

    def taken(self) -> str:
        """The text of the lines that were given since this was last asked."""
        text = "".join(self._taken)
        self._taken.clear()
        return text


def too_long(line: int) -> FileProblem:
    return FileProblem(f"it has a row of more than {LONGEST_ROW // 1024**2} MiB from line {line} on")


def lines_of(chunks: Iterable[bytes], line: int) -> Iterator[bytes]:
    """Lines with their ends, be they LF, CRLF or CR. All three are safe to find in the bytes of either encoding."""
    rest = b""
    for chunk in chunks:
        pieces = (rest + chunk).splitlines(keepends=True)
        # The last piece may go on in the next chunk, and a CR at the very end may be half of a CRLF.
        rest = pieces.pop() if pieces and not pieces[-1].endswith(b"\n") else b""
        yield from pieces
        line += len(pieces)
        if len(rest) > LONGEST_ROW:
            raise too_long(line)
    if rest:
        yield rest
