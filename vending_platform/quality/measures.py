"""What is measured of a table, day by day: its rows, the nulls where a null may be, the values of its key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from vending_platform.quality.results import CheckStatus, Dimension, Result, Severity
from vending_platform.warehouse import Reader, TableName, literal, quoted

VOLUME, NULL_SHARE, DISTINCT_VALUES = "volume", "null share", "distinct values"
FIGURES = {
    VOLUME: Dimension.COMPLETENESS,
    NULL_SHARE: Dimension.COMPLETENESS,
    DISTINCT_VALUES: Dimension.CONSISTENCY,
}


@dataclass(frozen=True)
class Measured:
    """A table of business days, and what of it is worth a figure."""

    table: TableName
    day: str
    """The column with the business day."""
    nullable: tuple[str, ...]
    keys: tuple[str, ...]
    code_version: str | None = None

    @property
    def dataset(self) -> str:
        return f"{self.table.schema}.{self.table.name}"


def measure(reader: Reader, measured: Mapping[Measured, Sequence[tuple[date, date]]]) -> Iterator[Result]:
    """The figures of these tables on the days of these stretches: one statement for each table."""
    for one, days in measured.items():
        counted = [
            *(f"count({quoted(column)}) as n{number}" for number, column in enumerate(one.nullable)),
            *(f"count(distinct {quoted(column)}) as d{number}" for number, column in enumerate(one.keys)),
        ]
        within = " or ".join(f"{quoted(one.day)} between {literal(first)} and {literal(last)}" for first, last in days)
        rows = reader.query(
            f"select {', '.join([f'{quoted(one.day)} as business_date', 'count(*) as n', *counted])}"
            f" from {one.table} where {within} group by 1"
        )
        found = {row["business_date"]: row for row in rows.to_pylist()}
        for first, last in days:
            for number in range((last - first).days + 1):
                day = first + timedelta(days=number)
                yield from _figures(one, day, found.get(day, {"n": 0}))


def _figures(one: Measured, day: date, row: Mapping[str, Any]) -> Iterator[Result]:
    rows = int(row["n"])

    def figure(check: str, value: Decimal, actual: str, column: str | None = None) -> Result:
        return Result(
            check=check,
            dataset=one.dataset,
            dimension=FIGURES[check],
            status=CheckStatus.PASSED,
            severity=Severity.WARN,
            column=column,
            total_rows=rows,
            actual=actual,
            figure=value,
            first_day=day,
            last_day=day,
            code_version=one.code_version,
        )

    yield figure(VOLUME, Decimal(rows), f"{rows}")
    if not rows:
        return
    for number, column in enumerate(one.nullable):
        share = Decimal(rows - int(row[f"n{number}"])) / rows
        yield figure(NULL_SHARE, share, f"{share:.4f}", column)
    for number, column in enumerate(one.keys):
        values = int(row[f"d{number}"])
        yield figure(DISTINCT_VALUES, Decimal(values), f"{values}", column)
