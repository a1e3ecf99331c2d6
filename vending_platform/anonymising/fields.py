"""Where in a delivered file's bytes the personal values are, as far as that is certain."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from vending_platform.catalog import Column, ContentFormat, DeliveryMode, Encoding, Source
from vending_platform.ingestion.reading import FileContent, FileProblem
from vending_platform.ingestion.reading.compression import is_compressed
from vending_platform.ingestion.reading.csv_strict import Record, records
from vending_platform.ingestion.reading.decoding import decode
from vending_platform.pseudonyms import CHARACTERS, normalize

_LEAD = rb"\x81-\x9f\xe0-\xfc"
"""First bytes of CP932's pairs, whose second byte may look like a delimiter or a quote."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a file. `value` is the value of a personal column; None for a part that is not personal."""

    raw: bytes
    value: str | None = None
    origin: str = ""


def personal_columns(source: Source) -> tuple[Column, ...]:
    return tuple(column for column in source.columns if column.personal)


def unfit(source: Source) -> str | None:
    """Why files of this source can't have a pseudonym; None if they can."""
    if {source.files.delimiter, source.files.quote} & CHARACTERS:
        return "its delimiter or quote is a character of pseudonyms"
    for column in personal_columns(source):
        if column.type.kind != "text" or column.values or column.pattern is not None:
            return f"no pseudonym fits into {column.name}: only a text without 'values' and 'pattern' takes one"
    return None


def pieces(source: Source, content: FileContent, encoding: Encoding) -> Iterator[Segment]:
    """All of the file, in order. `FileProblem`, maybe after some pieces, if it is not certain what in it is personal;
    the message shows no content of the file."""
    if source.files.format is not ContentFormat.CSV or is_compressed(content):
        raise FileProblem("only CSV that is not compressed can be anonymised")
    header: dict[int, Column] = {} if source.files.has_header else dict(enumerate(source.columns))
    is_personal = bool(personal_columns(source))
    for record, before, raw in _rows(source, content, encoding):
        yield Segment(before)
        if record is None:
            continue
        if not header:
            header = _columns_in(record.fields, source)
            yield Segment(raw)
            continue
        missing = len(header) - len(record.fields)
        if missing < 0:
            known = "header" if source.files.has_header else "contract"
            raise FileProblem(
                f"the row from line {record.line} on has more fields than the {known}: no column is declared for them"
            )
        if not is_personal:
            yield Segment(raw)
            continue
        if missing and raw.endswith((b"\n", b"\r")):
            # In the last row of a file that was cut off, the fields before the cut are still in their place.
            raise FileProblem(
                f"the row from line {record.line} on has too few fields, so it is not certain which is which"
            )
        yield from _divided(source, record, raw, header, encoding)


def suspected(source: Source, content: FileContent) -> Iterator[tuple[str, str]]:
    """What may be personal in a file that can't be divided, each with its origin. Of a master that is rather too much
    than too little, as masters are where people are known from; other files name people whom a master has."""
    quote = "" if source.files.quote == "none" else source.files.quote
    personal = {column.text_in_header: column.name for column in personal_columns(source)}
    for encoding in source.files.encodings:
        header = None if source.files.has_header else [column.text_in_header for column in source.columns]
        for chunk in _lines(content):
            row = [
                part.strip().strip(quote) for part in chunk.decode(encoding, "replace").split(source.files.delimiter)
            ]
            if header is None:
                header = [text.removeprefix("\ufeff") for text in row]
                if personal.keys() & set(header):
                    continue
            columns = [personal.get(text) for text in header]
            for at, part in enumerate(row):
                is_in_place = len(row) == len(header) and any(columns)
                if is_in_place and columns[at] is None:
                    continue
                if is_in_place or source.files.delivery is DeliveryMode.SNAPSHOT:
                    origin = f"{source.name}.{columns[at]}" if is_in_place else f"{source.name}, in a row out of order"
                    yield from ((origin, known) for known in part.split("\ufffd"))


def _lines(content: FileContent) -> Iterator[bytes]:
    remaining = b""
    for chunk in content.chunks():
        *whole, remaining = re.split(rb"[\r\n]+", remaining + chunk)
        yield from whole
    yield remaining


def _rows(source: Source, content: FileContent, encoding: Encoding) -> Iterator[tuple[Record | None, bytes, bytes]]:
    """Every record with its bytes, and those of the empty lines before it; at the end the bytes after the last one."""
    waiting, begin = bytearray(), 0  # the bytes from `begin` on

    def read() -> Iterator[bytes]:
        nonlocal begin
        for chunk in content.chunks():
            del waiting[: taken - begin]
            begin = taken
            waiting.extend(chunk)
            yield chunk

    taken = 0
    for record in records(read(), source, encoding):
        start, end = record.offset - begin, record.offset - begin + record.length
        before, raw = bytes(waiting[taken - begin : start]), bytes(waiting[start:end])
        taken = record.offset + record.length
        yield record, before, raw
    yield None, bytes(waiting[taken - begin :]), b""


def _columns_in(header: Sequence[str], source: Source) -> dict[int, Column]:
    """The column at each position of the header; `FileProblem` if the contract does not declare one."""
    known = {column.text_in_header: column for column in source.columns}
    for at, text in enumerate(header):
        if text.strip() not in known:
            raise FileProblem(f"column {at + 1} of its header is not declared, and may be personal")
    return {at: known[text.strip()] for at, text in enumerate(header)}


def _divided(
    source: Source, record: Record, raw: bytes, header: dict[int, Column], encoding: Encoding
) -> Iterator[Segment]:
    """A row as pieces."""
    row = raw.rstrip(b"\r\n")
    spans = _spans(row, record, source, encoding)
    quote = b"" if source.files.quote == "none" else source.files.quote.encode()
    done = 0
    for at, (start, end) in enumerate(spans):
        if header[at].personal and normalize(record.fields[at]):
            is_quoted = bool(quote) and row.startswith(quote, start)
            start, end = start + is_quoted, end - is_quoted
            yield Segment(row[done:start])
            yield Segment(row[start:end], record.fields[at], f"{source.name}.{header[at].name}")
            done = end
    yield Segment(raw[done:])


def _spans(row: bytes, record: Record, source: Source, encoding: Encoding) -> list[tuple[int, int]]:
    """The position of each field, with its quotes. `FileProblem` if the reader of deliveries finds other fields."""
    delimiter, quote = source.files.delimiter, "" if source.files.quote == "none" else source.files.quote
    spans, at = [], 0
    if (encoding is Encoding.UTF_8 or row.isascii()) and not (quote and quote.encode() in row):
        for field in row.split(delimiter.encode()):
            spans.append((at, at + len(field)))
            at += len(field) + 1
        agrees = len(spans) == len(record.fields) and decode(row, encoding) == delimiter.join(record.fields)
    else:
        pattern, goes_on = _field_pattern(delimiter, quote, encoding), True
        while goes_on and (found := pattern.match(row, at)):
            spans.append(found.span("field"))
            at, goes_on = found.end(), found["more"] is not None
        agrees = at == len(row) and [_value(row[slice(*span)], quote, encoding) for span in spans] == record.fields
    if not agrees:
        raise FileProblem(f"the fields of the row from line {record.line} on can't be located for certain")
    return spans


@cache
def _field_pattern(delimiter: str, quote: str, encoding: Encoding) -> re.Pattern[bytes]:
    d = re.escape(delimiter.encode())
    pair, lead = (rb"[%b][\x40-\xfc]|" % _LEAD, _LEAD) if encoding is Encoding.CP932 else (b"", b"")
    field = rb"(?:%b[^%b%b\r\n])*+" % (pair, d, lead)
    if quote:
        q = re.escape(quote.encode())
        field = rb"%b(?:%b%b|%b[^%b%b])*+%b|%b" % (q, q, q, pair, q, lead, q, field)
    return re.compile(rb"(?P<field>%b)(?P<more>%b)?" % (field, d))


def _value(field: bytes, quote: str, encoding: Encoding) -> str:
    text = decode(field, encoding)
    if quote and text.startswith(quote):
        return text[1:-1].replace(quote * 2, quote)
    return text
