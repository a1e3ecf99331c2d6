"""A table as the bytes of a file, for machines (Parquet, JSON) or for people with a spreadsheet (CSV). Pure."""

import io
import json
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from vending_platform.catalog import CsvEncoding, Export, Format, Unencodable

_FORMULA = r"^[=+\-@＝＋－＠\t\r\n]"
"""How a text begins that a spreadsheet would run; Japanese ones take full-width signs for the others."""
_ROWS_AT_ONCE = 20_000
"""So many rows a page fetches and reads for one that it shows."""

GETA = "〓"
"""What Japanese typesetters put where a character is missing."""


class NotEncodable(ValueError):
    """A character that the file's encoding can't hold; the message says which, in which row and column."""


@dataclass(frozen=True)
class Replaced:
    """A text of a file in which characters that its encoding lacks are replaced."""

    column: str
    """As it is called in the file."""
    text: str
    """As the mart has it."""
    rows: int

    def __str__(self) -> str:
        return f"{self.column} {self.text!r}"


def encoded(table: pa.Table, export: Export) -> tuple[bytes, tuple[Replaced, ...]]:
    """The file, and what is replaced in it; `NotEncodable` where the export's contract refuses to."""
    try:
        return encode(table, export), ()
    except NotEncodable:
        if export.unencodable is not Unencodable.REPLACE:
            raise
    table, replaced = _with_replacements(table)
    return encode(table, export), replaced


def encode(table: pa.Table, export: Export) -> bytes:
    if export.format is Format.JSON:
        return _json(table)
    if export.format is Format.PARQUET:
        sink = io.BytesIO()
        # Ranges cost a third. Where a file is a day, they tell a reader of no other column which files to leave out.
        day = export.partition_by
        ranges = day is None or [name for name in table.column_names if name == day]
        pq.write_table(table, sink, compression="zstd", write_statistics=ranges)
        return sink.getvalue()
    if export.format is Format.DASHBOARD:
        return _for_a_browser(table)
    assert export.encoding is not None
    return _csv(table, export.encoding)


def count_rows(content: bytes, export: Export) -> int:
    """The rows in a file as written: what was meant to be in it can be held against this."""
    if export.format in (Format.PARQUET, Format.DASHBOARD):
        return int(pq.read_metadata(io.BytesIO(content)).num_rows)
    if export.format is Format.JSON:
        return len(json.loads(content))
    codec = {CsvEncoding.UTF_8: "utf-8", CsvEncoding.UTF_8_BOM: "utf-8-sig", CsvEncoding.CP932: "cp932"}
    assert export.encoding is not None
    text = content.decode(codec[export.encoding]).encode()
    options = pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    reading = pyarrow.csv.ReadOptions(use_threads=False)  # small files, some at a time
    return int(pyarrow.csv.read_csv(io.BytesIO(text), reading, parse_options=options).num_rows)


def _for_a_browser(table: pa.Table) -> bytes:
    """What a page's small reader has inside: Snappy, decimals as whole numbers, and ranges by which it fetches only the
    rows and columns that it shows."""
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="snappy",
        store_decimal_as_integer=True,
        row_group_size=_ROWS_AT_ONCE,
        write_statistics=True,
    )
    return sink.getvalue()


def _json(table: pa.Table) -> bytes:
    import polars  # a fifth of a second, and few exports need it

    rows = polars.from_arrow(table)
    assert isinstance(rows, polars.DataFrame)  # of a table; only a single column becomes a series
    lines = rows.write_ndjson().rstrip("\n").replace("\n", ",\n")  # a line break within a text is written as \\n
    return f"[\n{lines}\n]\n".encode()


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


def _with_replacements(table: pa.Table) -> tuple[pa.Table, tuple[Replaced, ...]]:
    replaced: list[Replaced] = []
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            texts = table[field.name].to_pylist()
            written = {text: _in_cp932(text) for text in dict.fromkeys(texts) if text is not None}
            column = pa.chunked_array([pa.array([written.get(text) for text in texts], pa.string())])
            table = table.set_column(position, field.name, column)
            changed = (text for text in written if written[text] != text)
            replaced += (Replaced(field.name, text, texts.count(text)) for text in changed)
    return table, tuple(replaced)


def _in_cp932(text: str) -> str:
    try:
        text.encode("cp932")
    except UnicodeEncodeError:
        return "".join(character if _has_cp932(character) else GETA for character in text)
    return text


def _has_cp932(character: str) -> bool:
    try:
        return bool(character.encode("cp932"))
    except UnicodeEncodeError:
        return False


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
        f"cp932 has no {character!r} (U+{ord(character):04X}), in {where}; export it as utf-8-bom instead, or declare"
        f" `unencodable: replace` to have {GETA} in its place"
    )
