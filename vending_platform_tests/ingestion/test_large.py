"""Large files: in pieces, in bounded memory, whole or not at all."""

import hashlib
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from vending_platform.ingestion import loading, reading
from vending_platform.ingestion.reading import content
from vending_platform.ledger import FileState
from vending_platform_tests.ingestion.raw_folder import RawFolder, sales, sales_row

NAME = "sales_VM001_20240305.csv"
ROWS = 3_000


@pytest.fixture
def small_is_smaller() -> Iterator[None]:
    """Files of some kilobytes go the way of those that do not fit into memory."""
    with (
        patch.object(loading, "SMALL", 10_000),
        patch.object(reading, "SMALL", 10_000),
        patch.object(content, "_CHUNK", 5_000),
    ):
        yield


def rows(number: int = ROWS, **changes: str) -> list[str]:
    bad = dict.fromkeys((7, 1500), changes) if changes else {}
    return [sales_row(n, **bad.get(n, {})) for n in range(1, number + 1)]


@pytest.mark.usefixtures("small_is_smaller")
@pytest.mark.parametrize(
    "content",
    [sales(*rows()), sales(*rows(), end="\r\n"), sales(*rows(), end="\r"), sales(*rows()).replace(b"PM1", b'"PM1"')],
)
def test_every_row_of_a_large_file_is_loaded_with_its_line(raw_folder: RawFolder, content: bytes) -> None:
    raw_folder.deliver({NAME: content})
    raw_folder.ingest()
    lines = [row["_line"] for row in raw_folder.rows("select _line from raw.sales order by 1")]
    assert lines == list(range(2, ROWS + 2))
    assert list((raw_folder.folder / "scratch").glob("*")) == []


@pytest.mark.usefixtures("small_is_smaller")
def test_bad_rows_of_a_large_file_are_rejected_with_their_place(raw_folder: RawFolder) -> None:
    delivered = sales(*rows(quantity="1e3"))
    raw_folder.deliver({NAME: delivered})
    raw_folder.ingest()
    found = raw_folder.rows("select * from raw._rejected_rows order by line")
    assert [row["line"] for row in found] == [8, 1501]
    for row in found:
        text = delivered[row["byte_offset"] :][: row["byte_length"]].decode()
        assert text == row["raw_text"] + "\n"
        assert ",1e3," in text
    assert raw_folder.ledger()[NAME]["rows_accepted"] == ROWS - 2


@pytest.mark.usefixtures("small_is_smaller")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (sales(*rows()) + b'"open,VM001\n', "its quotes can't be followed in the row from line 3002 on"),
        (sales(*rows()) + b"cut", "its last row has no line end"),
        (sales(*rows()) + b"\xe9\n", "can't be decoded (utf-8: byte 0xE9 in line 3002"),
        (sales(*(row.replace("completed", "done") for row in rows())), "3000 of 3000 rows were rejected"),
    ],
)
def test_a_large_file_that_cannot_be_trusted_leaves_nothing_in_raw(
    raw_folder: RawFolder, content: bytes, reason: str
) -> None:
    raw_folder.deliver({NAME: content})
    raw_folder.ingest()
    assert raw_folder.state(NAME) == FileState.QUARANTINED
    assert reason in raw_folder.ledger()[NAME]["reason"]
    assert raw_folder.rows("select * from raw.sales") == []
    assert raw_folder.rows("select * from raw._rejected_rows") == []
    assert list(raw_folder.kept().values()) == [content]
    assert list((raw_folder.folder / "scratch").glob("*")) == []


@pytest.mark.usefixtures("small_is_smaller")
def test_a_large_file_is_replayed_from_its_kept_bytes(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(*rows()) + b"\0\n"})
    raw_folder.ingest()
    raw_folder.remove(NAME)
    raw_folder.ingest()
    summary = raw_folder.replay()
    assert [version.path for version in summary.quarantined] == [NAME]
    assert raw_folder.state(NAME) == FileState.WITHDRAWN


@pytest.mark.usefixtures("small_is_smaller")
def test_empty_lines_before_the_header_make_it_no_row(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: b"\n\r\n" + sales(*rows())})
    raw_folder.ingest()
    assert raw_folder.rows("select min(_line) as first, count(*) as n from raw.sales") == [{"first": 4, "n": ROWS}]


def test_a_line_of_50_megabytes_is_a_rejected_row_like_any_other(raw_folder: RawFolder) -> None:
    line = b"x" * 50_000_000
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2)) + line + b"\n"})
    raw_folder.ingest()
    (row,) = raw_folder.rows("select * from raw._rejected_rows")
    assert (row["line"], row["byte_length"]) == (4, len(line) + 1)
    assert row["raw_text"] == "x" * 65_536
    assert row["raw_sha256"] == hashlib.sha256(line + b"\n").hexdigest()
    assert row["reason"] == "the row has 1 fields, the header has 9"
    assert len(raw_folder.rows("select * from raw.sales")) == 2


def test_a_value_that_no_warehouse_can_hold_is_rejected(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1), sales_row(2), sales_row(3, product_id="x" * 17_000_000))})
    raw_folder.ingest()
    (row,) = raw_folder.rows("select column_name, reason from raw._rejected_rows")
    assert row == {"column_name": "product_id", "reason": "product_id is longer than 16 MiB"}


def test_a_line_without_end_goes_to_quarantine(raw_folder: RawFolder) -> None:
    raw_folder.deliver({NAME: sales(sales_row(1)) + b"x" * 70_000_000 + b"\n"})
    raw_folder.ingest()
    assert raw_folder.ledger()[NAME]["reason"] == "it has a row of more than 64 MiB from line 3 on"
