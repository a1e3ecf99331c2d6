"""Files without a header: the contract's columns in their order, by each way of reading, whatever the encoding."""

from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import Source
from vending_platform.ingestion.reading import (
    FileProblem,
    content_of,
    decoding,
    prepare,
    read_in_pieces,
    read_together,
    spool,
)
from vending_platform_tests.ingestion.test_forms import contract
from vending_platform_tests.properties import examples


def tab_separated(encodings: str = "cp932", columns: int = 2, **files: object) -> Source:
    return contract(
        {f"text_{number}": {"type": "text"} for number in range(1, columns)},
        delimiter="tab",
        quote="none",
        has_header=False,
        encodings=encodings,
        **files,
    )


def together(source: Source, content: bytes) -> pa.Table:
    tables, problems = read_together(source, {0: prepare(source, content_of(content), 0)})
    assert problems == {}
    return pa.concat_tables(tables)


def values(table: pa.Table) -> list[tuple[object, ...]]:
    """Line, problem, and the columns; how each is placed in its file is not compared."""
    names = ["_line", "_problem", *(name for name in table.column_names if not name.startswith("_"))]
    return [tuple(row.values()) for row in table.select(names).sort_by("_line").to_pylist()]


def test_the_first_line_is_a_row_and_the_fast_way_takes_it() -> None:
    source = tab_separated()
    content = "1\t高血圧①\n2\t﨑\n".encode("cp932")
    readable = prepare(source, content_of(content), 0)
    assert readable.block is not None
    assert values(together(source, content)) == [(1, None, "1", "高血圧①"), (2, None, "2", "﨑")]


def test_a_row_of_another_width_is_rejected_by_what_the_contract_has() -> None:
    rows = values(together(tab_separated(), b"1\ta\n2\n3\tc\td\n"))
    assert rows == [
        (1, None, "1", "a"),
        (2, "the row has 1 fields, the contract has 2", None, None),
        (3, "the row has 3 fields, the contract has 2", None, None),
    ]


@pytest.mark.parametrize(("content", "why"), [(b"", "it is empty"), (b"1\ta", "its last row has no line end")])
def test_what_is_empty_or_cut_off_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(FileProblem, match=why):
        prepare(tab_separated(), content_of(content), 0)


@given(
    rows=st.lists(st.lists(st.text("aア漢1 ", max_size=3), min_size=1, max_size=3), max_size=6),
    columns=st.integers(1, 3),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
@examples(60)
def test_every_way_gives_the_same_rows(
    rows: list[list[str]], columns: int, end: str, mark: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file in memory, of which the fast way takes what it can; and one in a scratch file, read in pieces."""
    source = tab_separated("utf-8", columns)
    content = mark + "".join("\t".join(row) + end for row in rows).encode()
    if not rows:
        return
    folder: Path = tmp_path_factory.mktemp("scratch")
    large = prepare(source, spool([content[:5], content[5:]], folder), 0)
    pieces = pa.concat_tables(read_in_pieces(source, large, 0))
    assert values(together(source, content)) == values(pieces)
    expected = [row if len(row) == columns else None for row in rows if row != [""] or columns == 1]
    assert [None if problem else list(fields) for _, problem, *fields in values(pieces)] == expected


def test_a_contract_without_headers_has_no_rules_about_them() -> None:
    with pytest.raises(ValueError, match="unknown_columns means nothing for files without a header"):
        tab_separated(unknown_columns="refuse")
    with pytest.raises(ValueError, match="'header' means nothing for files without a header"):
        contract({"name": {"type": "text", "header": "Name"}}, has_header=False)


@given(content=st.binary(max_size=60) | st.text("aア漢①1ｱ", max_size=40).map(lambda text: text.encode("cp932")))
@examples(300)
def test_counting_bytes_never_decides_otherwise_than_looking_at_them(content: bytes) -> None:
    with patch.object(decoding, "_can_not_be_utf8", lambda _: False):
        by_looking = decoding._looks_like_utf8(content_of(content))
    assert decoding._looks_like_utf8(content_of(content)) == by_looking


def test_counting_is_enough_for_common_text() -> None:
    assert decoding._can_not_be_utf8(bytearray("末梢血液一般検査、大腿骨頸部骨折手術".encode("cp932")))
    assert not decoding._can_not_be_utf8(bytearray("末梢血液一般検査".encode()))
