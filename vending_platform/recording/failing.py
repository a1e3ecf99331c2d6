"""Which rows a failing test found, and of which days they are: one bad row speaks against its own day, not against all
the days that were tested together with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from vending_platform.ledger import paths_of_files
from vending_platform.quality import ROWS_KEPT, CheckStatus, FailedRow, Result, stretches
from vending_platform.warehouse import Reader, TableName, literal, quoted

TESTS_WITH_ROWS = 25
"""Of so many failing tests some rows are kept; a run that breaks everything needs no more examples."""
_DAY = "business_date"


@dataclass(frozen=True)
class Tested:
    """What a test of a model with business days reads."""

    table: TableName
    column: str | None
    value: str | None
    """What the test calls the column's value in what it finds; nothing where it finds rows without one."""
    is_whole: bool
    """It reads the whole table, whatever was built."""


@dataclass(frozen=True)
class ExecutedTest:
    """A test that ran for these days, with its statement as dbt sent it if it found rows; where that is not
    known, the rows are not."""

    result: Result
    sql: str | None
    days: frozenset[date] = frozenset()
    rows: Mapping[date, int] = field(default_factory=dict)
    """How many rows each day had."""
    tested: Tested | None = None


def looked_up(reader: Reader, executed: Sequence[ExecutedTest]) -> list[Result]:
    """The results by the days that they are about: a day with rows that break a test fails it, and all others pass."""
    results: list[Result] = []
    left = TESTS_WITH_ROWS
    for one in executed:
        days = one.days | _days_of(reader, one.tested)
        if one.sql is None:
            results += _of_all(one.result, days)
            continue
        results += _looked_up(reader, one, one.sql, days, ROWS_KEPT if left > 0 else 0)
        left -= 1
    return results


def _days_of(reader: Reader, tested: Tested | None) -> frozenset[date]:
    """All days of a table of which the whole is tested."""
    if tested is None or not tested.is_whole:
        return frozenset()
    found = reader.query(f"select distinct {quoted(_DAY)} as day from {tested.table}")
    return frozenset(day for day in found["day"].to_pylist() if day is not None)


def _of_all(result: Result, days: frozenset[date]) -> Iterator[Result]:
    """The same of all of these days."""
    if not days:
        yield result
    for first, last in stretches(days):
        yield replace(result, first_day=first, last_day=last)


def _looked_up(reader: Reader, one: ExecutedTest, sql: str, days: frozenset[date], most: int) -> Iterator[Result]:
    found = f"({sql}) as failing"
    columns = reader.query(f"select * from {found} where 1 = 0").column_names
    if _DAY not in columns and one.tested is not None and one.tested.column is not None:
        found = _rows_behind(one.tested, one.tested.column, sql, days)
        columns = [_DAY]
    counts: dict[date | None, int] = {}
    if _DAY in columns and (days or one.tested is not None):
        counted = reader.query(f"select {quoted(_DAY)} as day, count(*) as found from {found} group by 1")
        counts = {row["day"]: int(row["found"]) for row in counted.to_pylist()}
    if not counts or None in counts:  # rows of no day
        yield from _of_all(replace(one.result, sample=_sample(reader, f"select * from {found}", most)), days)
        return
    failing = {day: number for day, number in counts.items() if day is not None}
    for day in sorted(failing):
        of_day = f"select * from {found} where {quoted(_DAY)} = {literal(day)}"
        yield replace(
            one.result,
            first_day=day,
            last_day=day,
            failed_rows=failing[day],
            total_rows=max(one.rows.get(day, 0), failing[day]),
            actual=f"rows that break it: {failing[day]}",
            message=None,
            sample=_sample(reader, of_day, most),
        )
    passed = replace(one.result, status=CheckStatus.PASSED, failed_rows=0, total_rows=None, actual=None, message=None)
    if others := days - failing.keys():
        yield from _of_all(passed, others)


def _rows_behind(tested: Tested, column: str, sql: str, days: frozenset[date]) -> str:
    """The table's rows that have what the test found, where it was looked for."""
    name = quoted(column)
    is_it = f"{name} in (select {tested.value} from ({sql}) as broken)" if tested.value else f"{name} is null"
    if days and not tested.is_whole:
        is_it += f" and {quoted(_DAY)} between {literal(min(days))} and {literal(max(days))}"
    return f"(select * from {tested.table} where {is_it}) as failing"


def _sample(reader: Reader, sql: str, most: int) -> tuple[FailedRow, ...]:
    """Some of the rows, with file and line where the rows have them."""
    if not most:
        return ()
    rows: list[dict[str, Any]] = reader.query(f"{sql} limit {most}").to_pylist()
    files = sorted({row["file_id"] for row in rows if isinstance(row.get("file_id"), str)})
    paths = paths_of_files(reader, files) if files else {}
    return tuple(
        FailedRow(row, row.get(_DAY), paths.get(row.get("file_id") or ""), row.get("line_number")) for row in rows
    )
