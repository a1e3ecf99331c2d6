"""`raw._rejected_rows`: the rows that broke a rule of their contract, with file, line, column, reason and raw text."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from vending_platform.ledger.conditions import of_days
from vending_platform.ledger.files import FILES, FileState
from vending_platform.warehouse import Change, Reader, TableName, values_of

REJECTED_ROWS = TableName("raw", "_rejected_rows")
REJECTED_ROWS_TABLE = REJECTED_ROWS.plain
"""Where a person finds them."""
REJECTED_ROWS_SCHEMA = pa.schema(
    [
        ("file_id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("business_date", pa.date32()),
        ("line", pa.int64()),
        ("column_name", pa.string()),
        ("reason", pa.string()),
        ("raw_text", pa.string()),
        ("byte_offset", pa.int64()),
        ("byte_length", pa.int64()),
        ("raw_sha256", pa.string()),
    ]
)
_COUNTING = f"select file_id from {FILES} where in_raw and state <> '{FileState.SUPERSEDED}'"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    source: str
    path: str
    line: int
    column_name: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class RejectedSample:
    """A rejected row, and how many there are of its source, day and column, as `is_empty` as it is."""

    source: str
    path: str
    business_date: date | None
    line: int
    column_name: str | None
    reason: str
    is_empty: bool
    """Whether nothing is wrong with it but that a value is missing."""
    found: int


def add_rejected_rows(rows: pa.Table | pa.RecordBatchReader) -> Change:
    return Change(REJECTED_ROWS, insert=rows)


def remove_rejected_rows(file_ids: Iterable[str]) -> Change:
    return Change(REJECTED_ROWS, delete=pa.table({"file_id": pa.array(list(file_ids), pa.string())}))


def first_rejected_rows(reader: Reader, most: int) -> list[RejectedRow]:
    """Of each source so many, of files that count; those of the latest days first."""
    found = reader.query(
        "select source, path, line, column_name, reason from ("
        " select *, row_number() over (partition by source order by business_date desc, path, line) as place"
        f" from {REJECTED_ROWS} where file_id in ({_COUNTING})"
        f") as numbered where place <= {most} order by source, place"
    )
    return list(map(RejectedRow, *map(values_of, found.columns)))


def sample_rejected_rows(reader: Reader, days: Mapping[str, Set[date | None]], most: int) -> list[RejectedSample]:
    """Of every column and day of these sources, and perhaps of other days between them, so many."""
    rows = reader.query(
        "select * from ("
        " select source, path, business_date, line, column_name, reason, is_empty,"
        " count(*) over (partition by source, business_date, column_name, is_empty) as found,"
        " row_number() over (partition by source, business_date, column_name, is_empty order by path, line) as place"
        " from (select *,"
        " coalesce(reason = column_name || ' is empty' or reason like column_name || ' is empty;%', false) as is_empty"
        f" from {REJECTED_ROWS} where {of_days(days)} and file_id in ({_COUNTING})) as rejected"
        f") as numbered where place <= {most} order by source, business_date, column_name, place"
    ).drop_columns("place")
    return list(map(RejectedSample, *map(values_of, rows.columns)))
