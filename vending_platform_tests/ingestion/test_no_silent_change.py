"""Whatever bytes come: no traceback, and no accepted value that differs from what is in the file."""

import csv
import io
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vending_platform.catalog import Source
from vending_platform.ingestion.reading import (
    FileContent,
    FileProblem,
    Readable,
    content,
    content_of,
    prepare,
    read_in_pieces,
    read_together,
)
from vending_platform_tests.properties import examples

_PLACE = ["_offset", "_length"]
HEADER = ("code", "name", "note")
AWKWARD = "abz019 ,;|\t\"'\\\r\n日本語カタカナｶﾅ㈱①髙﨑～−é\u00a0\ufeff😀\0"
TEXT = st.text(st.sampled_from(AWKWARD) | st.characters(codec="utf-8"), max_size=12)
ROWS = st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=8)


def contract(delimiter: str, quote: str) -> Source:
    return Source.model_validate(
        {
            "name": "anything",
            "schema_name": "raw",
            "declared_in": "here",
            "files": {
                "names": ["any_{any}.csv"],
                "delivery": "append",
                "key": ["code"],
                "encodings": ["utf-8", "cp932"],
                "delimiter": delimiter,
                "quote": quote,
                "final_newline": "optional",
            },
            "columns": [{"name": name, "type": "text", "required": name == "code"} for name in HEADER],
        }
    )


@st.composite
def files(draw: st.DrawFn) -> tuple[Source, bytes]:
    """A CSV file as some program would write it, sometimes with broken bytes, fields or a cut end."""
    delimiter = draw(st.sampled_from(",;|\t"))
    quote = draw(st.sampled_from(['"', "'", "none"]))
    header = draw(
        st.permutations([*HEADER, *draw(st.sampled_from([[], ["extra"], ["extra", "code"]]))]) | st.just(HEADER)
    )
    written = io.StringIO(newline="")
    writer = csv.writer(
        written,
        delimiter=delimiter,
        quotechar='"' if quote == "none" else quote,
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )
    writer.writerow(header)
    for row in draw(ROWS):
        writer.writerow([*row, *["x"] * (len(header) - 3)])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "cp932"]))
    data = written.getvalue().encode(encoding, "replace")
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=3)) + data[at + draw(st.integers(0, 3)) :]
    return contract(delimiter, quote), data


def independent(source: Source, data: bytes, encoding: str) -> list[list[str]]:
    text = data.removeprefix(b"\xef\xbb\xbf").decode(encoding, "strict")
    quote = source.files.quote
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=source.files.delimiter,
        quotechar=None if quote == "none" else quote,
        quoting=csv.QUOTE_NONE if quote == "none" else csv.QUOTE_MINIMAL,
        strict=True,
    )
    found = list(reader)
    first = next((number for number, row in enumerate(found) if row), len(found))
    is_one_column = first < len(found) and len(found[first]) == 1
    return [row or [""] for row in found[first:] if row or is_one_column]


def has_stray_quote(row: dict[str, str | None], data: bytes, source: Source, encoding: str) -> bool:
    """Found by reading the row again from its own bytes, quote by quote."""
    quote, delimiter = source.files.quote, source.files.delimiter
    raw = data[int(row["_offset"] or 0) :][: int(row["_length"] or 0)]
    text = raw.removeprefix(b"\xef\xbb\xbf").decode(encoding) if not row["_offset"] else raw.decode(encoding)
    inside, at_start = False, True
    while text:
        if inside and text.startswith(quote * 2):
            text = text[1:]
        elif text.startswith(quote):
            if not inside and not at_start:
                return True
            inside = not inside
        at_start = not inside and text.startswith(delimiter)
        text = text[1:]
    return False


def rows_of(source: Source, readable: Readable) -> list[dict[str, str | None]]:
    tables, problems = read_together(source, {0: readable})
    if problems:
        raise problems[0]
    return [row for table in tables for row in table.to_pylist()]


@given(file=files())
@examples(800)
@example(file=(contract("|", '"'), "code|name|note\nソ|表|能\n".encode("cp932")))  # second bytes that look like | and \
@example(file=(contract(",", '"'), b"code,name,note\n\xef\xbb\xbfa,b,c\n"))  # a mark that is text, not the file's
@example(file=(contract(",", '"'), b'code,name,note\n"a""b",c,d\n"e\nf",g,h\n'))
@example(file=(contract(",", '"'), b'code,name,note\n19" rack,a,b\n"c",d"",e\nf,"g""",h"\n'))
@example(file=(contract(",", "'"), b"code,name,note\nit's,a,b\n'it''s',a,b\n"))
def test_accepted_values_are_what_python_finds(file: tuple[Source, bytes]) -> None:
    source, data = file
    try:
        readable = prepare(source, content_of(data), 0)
        rows = rows_of(source, readable)
    except FileProblem:
        return
    header, *expected = independent(source, data, readable.text_encoding)
    header = [text.strip() for text in header]
    assert len(rows) == len(expected)
    for row, fields in zip(rows, expected, strict=True):
        if row["_problem"] is not None and "quote" in row["_problem"]:
            assert row["_problem"].endswith("has a quote inside and is not quoted as a whole")
            assert has_stray_quote(row, data, source, readable.text_encoding)
            assert {name: row[name] for name in HEADER} == dict.fromkeys(HEADER)
            continue
        if any(source.files.quote in field for field in fields):
            assert not has_stray_quote(row, data, source, readable.text_encoding)
        if len(fields) != len(header):
            assert row["_problem"] == f"the row has {len(fields)} fields, the header has {len(header)}"
            continue
        values = dict(zip(header, fields, strict=True))
        assert {name: row[name] for name in HEADER} == {name: values.get(name) for name in HEADER}
        assert json.loads(row["_extra"] or "{}") == {k: v for k, v in values.items() if k not in HEADER}


@given(rows=st.lists(st.lists(st.text('ab,"\n日①', min_size=1, max_size=5), min_size=3, max_size=3), max_size=5))
@examples(200)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_file_that_is_written_well_is_never_refused(encoding: str, rows: list[list[str]]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows([HEADER, *rows])
    source = contract(",", '"')
    found = rows_of(source, prepare(source, content_of(written.getvalue().encode(encoding)), 0))
    assert [[row[name] for name in HEADER] for row in found] == rows


@given(file=files(), chunk=st.integers(1, 9))
@example(file=(contract(",", '"'), b"code,na\xedme,note\n"), chunk=8)  # the piece's end looked like a cut character
@examples(400)
def test_reading_in_pieces_gives_the_same_rows_and_their_places(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[Source, bytes], chunk: int
) -> None:
    source, data = file
    path = Path(tmp_path_factory.getbasetemp()) / "pieces"
    path.write_bytes(data)
    with patch.object(content, "_CHUNK", chunk):
        try:
            at_once = prepare(source, content_of(data), 0)
            expected = rows_of(source, at_once)
        except FileProblem:
            return
        spooled = prepare(source, FileContent(len(data), "", path=path), 0)
        found = [row for table in read_in_pieces(source, spooled, 0) for row in table.to_pylist()]
    places = ("_offset", "_length")
    assert [{k: v for k, v in row.items() if k not in places} for row in found] == [
        {k: v for k, v in row.items() if k not in places} for row in expected
    ]
    for row in found:
        raw = data[row["_offset"] : row["_offset"] + row["_length"]]
        cells = [row[name] for name in HEADER if row[name]]
        if not any(mark in raw.decode(spooled.text_encoding) for mark in "\"'"):
            assert all(cell in raw.decode(spooled.text_encoding) for cell in cells)


_FIELD = st.sampled_from(["", "a", " ", "茶", "\ufeff"])
_LINE = st.lists(_FIELD, min_size=3, max_size=3) | st.lists(_FIELD, max_size=4)
_LINES = st.lists(st.tuples(_LINE.map(",".join), st.sampled_from(["\n", "\n", "\r\n", "\r"])), max_size=6)


@given(st.lists(_LINES, min_size=1, max_size=4), st.sampled_from([1, 3]))
@example([[("a,b,c", "\n"), ("", "\n"), ("a,b,c", "\n")], [("a,b,c", "\n")]], 3)
@example([[("a,b", "\n"), ("a,b,c,d", "\n")], [("a,b,c", "\n")]], 3)
@example([[("a", "\n"), ("", "\n")], [("a", "\n")]], 1)
@examples(200)
def test_many_files_read_together_have_the_rows_that_each_has_by_itself(
    files: list[list[tuple[str, str]]], columns: int
) -> None:
    """The fast way reads what looks plain in one go; one file that only looked so changes nothing about the others."""
    full = contract(",", '"')
    source = full.model_copy(update={"columns": full.columns[:columns]})
    header = ",".join(HEADER[:columns])
    readables = {}
    for number, lines in enumerate(files):
        data = "".join([f"{header}\n", *(line + end for line, end in lines)]).encode()
        with suppress(FileProblem):
            readables[number] = prepare(source, content_of(data), number)
    together, problems = read_together(source, readables)
    alone = {
        number: read_together(source, {number: replace(readable, block=None)}) for number, readable in readables.items()
    }
    assert {n: str(p) for n, p in problems.items()} == {n: str(p[n]) for n, (_, p) in alone.items() if p}
    rows = pa.concat_tables(together).drop_columns(_PLACE).sort_by([("_file", "ascending"), ("_line", "ascending")])
    expected = pa.concat_tables([table for tables, _ in alone.values() for table in tables] or together)
    assert rows.to_pylist() == expected.drop_columns(_PLACE).to_pylist()
