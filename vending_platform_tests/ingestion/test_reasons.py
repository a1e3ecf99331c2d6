"""Reasons stay short, whatever a file holds: they stand in the ledger, in terminals and in alerts."""

import duckdb
import pytest

from vending_platform.ingestion.reading.problems import LONGEST_REASON, shortened
from vending_platform.ingestion.validation import _shortened
from vending_platform_tests.ingestion.raw_folder import SALES_HEADER, RawFolder, sales, sales_row


@pytest.mark.parametrize("length", [0, LONGEST_REASON, LONGEST_REASON + 1, 123_456])
def test_rows_and_files_are_shortened_alike(length: int) -> None:
    text = "".join(chr(0x3042 + number % 80) for number in range(length))
    (said,) = duckdb.execute(f"select {_shortened('t')} from (select ? as t)", [text]).fetchall()[0]
    assert said == shortened(text)
    assert (said == text) == (length <= LONGEST_REASON)
    assert len(said) < LONGEST_REASON + 50
    assert (said[:800], said[-200:]) == (text[:800], text[-200:])
    assert f"({length} characters)" in said or said == text


def test_a_header_of_any_width_is_refused_at_once_and_in_a_few_words(raw_folder: RawFolder) -> None:
    """As `check` and the ledger say it: 60,000 names would be half a megabyte of reason."""
    wide = ",".join(f"column {number}" for number in range(60_000))
    long = ",".join([SALES_HEADER, *(f"{'x' * 2_000} {number}" for number in range(100))])
    raw_folder.deliver(
        {
            "sales_VM001_20240301.csv": f"{wide}\n1\n".encode(),
            "sales_VM001_20240302.csv": f"{'y' * 100_000}\n1\n".encode(),
            "sales_VM001_20240303.csv": sales(sales_row(day="2024-03-03") + "," * 100, header=long),
        }
    )
    raw_folder.ingest()
    first, second, third = (
        row["reason"] or row["drift"] for row in raw_folder.rows("select * from raw._files order by path")
    )
    assert first == "its header has 60,000 columns, and the contract names 9"
    assert len(second) < 1_100
    assert second.startswith("its header lacks 'transaction_id', ")
    assert "y … (" in second
    assert third.startswith("unknown columns kept in _extra: xxx")
    assert len(third) < 1_100
