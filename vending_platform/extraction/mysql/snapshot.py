"""One consistent snapshot of all tables of a MySQL database, and the rows of each contract in it.

REPEATABLE READ and START TRANSACTION WITH CONSISTENT SNAPSHOT need no lock on any table, which Aurora would refuse. All
tables are read on the one session that has the snapshot.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from vending_platform.catalog import Column, ExtractTable, Source
from vending_platform.extraction.interface import (
    Between,
    Everything,
    ExtractionError,
    KeysOnly,
    Part,
    Since,
    SystemSnapshot,
)
from vending_platform.extraction.mysql.columns import ServerColumn, columns_of, quoted, text, typed
from vending_platform.extraction.mysql.connection import MySqlSession

Opened = Callable[[], AbstractContextManager[MySqlSession]]


@dataclass(frozen=True)
class MySql:
    """A database to extract from; `opened` signs in."""

    opened: Opened

    @contextmanager
    def snapshot(self) -> Iterator[SystemSnapshot]:
        with self.opened() as session:
            session.query("set session transaction isolation level repeatable read, read only")
            session.query("start transaction with consistent snapshot, read only")
            ((now,),) = session.query("select utc_timestamp(6)")
            yield MySqlSnapshot(session, _moment(now))


@dataclass(frozen=True)
class MySqlSnapshot:
    session: MySqlSession
    taken_at: datetime

    def shape(self, source: Source) -> str:
        declared = ", ".join(f"{column.name} {column.type}" for column in source.columns)
        there = ", ".join(f"{column.name} {column.declared}" for column in self._columns(source))
        return f"{there}; {declared}"

    def rows(self, source: Source, part: Part, as_text: frozenset[str]) -> Iterator[pa.RecordBatch]:
        wanted = {column.text_in_header: column for column in source.columns}
        chosen = self._columns(source)
        if isinstance(part, KeysOnly):
            needed = {column.text_in_header for column in _needed(source)}
            chosen = [column for column in chosen if column.name in needed]
        select = ", ".join(column.selected for column in chosen)
        sql = f"select {select} from {quoted(_table(source))}{self._where(source, part)}{_order(source, part)}"
        is_text = {source.column(name).text_in_header for name in as_text}
        names = [column.name for column in chosen]
        batch = None
        for values in self.session.stream(sql, len(chosen)):
            batch = self._batch(chosen, wanted, values, is_text, names)
            yield batch
        if batch is None:
            yield self._batch(chosen, wanted, [pa.array([], pa.string())] * len(chosen), is_text, names)

    def _batch(
        self,
        chosen: list[ServerColumn],
        wanted: dict[str, Column],
        values: list[pa.Array],
        is_text: set[str],
        names: list[str],
    ) -> pa.RecordBatch:
        arrays = [
            typed(array, column, wanted.get(column.name), as_text=column.name in is_text)
            for column, array in zip(chosen, values, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, names)

    def _columns(self, source: Source) -> list[ServerColumn]:
        """What is extracted: every column of the table, also one that no contract declares. What the contract declares
        and the table lacks is left to ingestion, but for what an extraction can't do without."""
        found = columns_of(self.session, _table(source))
        there = {column.name for column in found}
        if not found:
            raise ExtractionError(
                f"{source.name}: {self.session.target} has no table {_table(source)}: "
                "was it renamed, or is the user not allowed to read it?"
            )
        if missing := [column.text_in_header for column in _needed(source) if column.text_in_header not in there]:
            raise ExtractionError(
                f"{source.name}: the table {_table(source)} of {self.session.target} has no column {missing[0]!r}, "
                f"which the contract needs to find changes; it has: {', '.join(sorted(there))}"
            )
        return found

    def _where(self, source: Source, part: Part) -> str:
        if isinstance(part, Everything | KeysOnly):
            return ""
        column = _watermark(source)
        assert column is not None, "only increments have such parts"
        name = quoted(column.text_in_header)
        match part:
            case Since(watermark, overlap):
                seconds = overlap // timedelta(microseconds=1)
                start = f"timestampadd(microsecond, -{seconds}, {text(watermark)})"
                return f" where {name} >= {start} or {name} is null"
            case Between(first, last):
                return f" where {name} >= '{first}' and {name} < '{last + timedelta(days=1)}'"


def _needed(source: Source) -> list[Column]:
    watermark = _watermark(source)
    keys = [source.column(name) for name in source.files.key]
    return keys if watermark is None or watermark in keys else [*keys, watermark]


def _watermark(source: Source) -> Column | None:
    assert isinstance(source.extract, ExtractTable)
    return source.column(source.extract.watermark) if source.extract.watermark is not None else None


def _table(source: Source) -> str:
    assert isinstance(source.extract, ExtractTable)
    return source.extract.table


def _order(source: Source, part: Part) -> str:
    """A whole table in the order of its key, so that the same rows are the same bytes. A primary key costs nothing."""
    if not isinstance(part, Everything):
        return ""
    return " order by " + ", ".join(quoted(source.column(name).text_in_header) for name in source.files.key)


def _moment(value: object) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found.replace(tzinfo=UTC)
