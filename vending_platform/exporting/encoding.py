"""A table as the bytes of a file, for machines (Parquet) or for people with a spreadsheet (CSV). Pure."""

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from vending_platform.catalog import CsvEncoding, Export, Format

_FORMULA = r"^[=+\-@＝＋－＠\t\r\n]"
"""How a text begins that a spreadsheet would run; Japanese ones take full-width signs for the others."""


class NotEncodable(ValueError):
    """A character that the file's encoding can't hold; the message says which, in which row and column."""


def encode(table: pa.Table, export: Export) -> bytes:
    if export.format is Format.PARQUET:
        sink = io.BytesIO()
        # Ranges cost a third. Where a file is a day, they tell a reader of no other column which files to leave out.
        day = export.partition_by
        ranges = day is None or [name for name in table.column_names if name == day]
        pq.write_table(table, sink, compression="zstd", write_statistics=ranges)
        return sink.getvalue()
    assert export.encoding is not None
    return _csv(table, export.encoding)


def count_rows(content: bytes, export: Export) -> int:
    """The rows in a file as written: what was meant to be in it can be held against this."""
    if export.format is Format.PARQUET:
        return int(pq.read_metadata(io.BytesIO(content)).num_rows)
    codec = {CsvEncoding.UTF_8: "utf-8", CsvEncoding.UTF_8_BOM: "utf-8-sig", CsvEncoding.CP932: "cp932"}
    assert export.encoding is not None
    text = content.decode(codec[export.encoding]).encode()
    options = pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    reading = pyarrow.csv.ReadOptions(use_threads=False)  # small files, some at a time
    return int(pyarrow.csv.read_csv(io.BytesIO(text), reading, parse_options=options).num_rows)


def _csv(table: pa.Table, encoding: CsvEncoding) -> bytes:
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(position, field.name, _defused(table[field.name]))
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(quoting_style="needed"))
    text = sink.getvalue()
    match encoding:
        case CsvEncoding.UTF_8:
            return text
        case CsvEncoding.UTF_8_BOM:
            return b"\xef\xbb\xbf" + text
        case CsvEncoding.CP932:
            try:
                return text.decode().encode("cp932")
            except UnicodeEncodeError as error:
                raise _explained(table, error.object[error.start]) from None


def _defused(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text that begins like a formula gets an apostrophe in front: a spreadsheet then shows it, and runs nothing."""
    begins_like_one = pc.match_substring_regex(column, _FORMULA)
    return pc.if_else(begins_like_one, pc.binary_join_element_wise("'", column, ""), column)


def _explained(table: pa.Table, character: str) -> NotEncodable:
    where = "the header"
    for name in table.column_names:
        if pa.types.is_string(table[name].type):
            found = pc.index(pc.fill_null(pc.match_substring(table[name], character), False), True).as_py()
            if found >= 0:
                where = f"column {name}, row {found + 1} ({table[name][found].as_py()!r})"
                break
    return NotEncodable(
        f"cp932 has no {character!r} (U+{ord(character):04X}), in {where}; export it as utf-8-bom instead"
    )
