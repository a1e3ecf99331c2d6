"""The rows of a table that belong to the partitions of an asset: those of their days, or of their keys."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from vending_platform.warehouse import TableName, literal, quoted

DAY_COLUMN = "partition_expr"
"""The metadata of an asset that names the column with the partition of a row."""
_DAY_COLUMNS = ("business_date", "_business_date")
_DAY = timedelta(days=1)

Parts = Sequence[date] | Sequence[str]
"""Every day of the partitions, in order, or their keys, if they are not days."""


def parts_of(context: dg.InputContext | dg.OutputContext) -> Parts | None:
    """The partitions to read or write; None for the whole table."""
    if not context.has_asset_partitions:
        return None
    keys, declared = context.asset_partition_keys, context.asset_partitions_def
    if not isinstance(declared, dg.TimeWindowPartitionsDefinition):
        return list(keys)
    return sorted({day for key in keys for day in _days(declared.time_window_for_partition_key(key))})


def _days(window: dg.TimeWindow) -> Iterator[date]:
    if window.end - window.start < timedelta(hours=23):  # which a day has when the clocks go forward
        raise dg.Failure("a table has no partitions that are shorter than a day: use days", allow_retries=False)
    day, end = window.start.date(), window.end.date()
    while day < end:
        yield day
        day += _DAY


def day_column(table: TableName, metadata: Mapping[str, Any], columns: Sequence[str]) -> str:
    for column in (metadata.get(DAY_COLUMN), *_DAY_COLUMNS):
        if column in columns:
            return str(column)
    raise dg.Failure(
        f"{table.schema}.{table.name} has no column with the partition of a row: name it in the asset's"
        f' metadata, {{"{DAY_COLUMN}": "business_date"}}',
        allow_retries=False,
    )


def within(column: str, parts: Parts) -> str:
    """The condition for the rows of these partitions."""
    spans: list[list[date]] = []
    for part in parts:
        if not isinstance(part, date):
            return f"{quoted(column)} in ({', '.join(map(literal, parts))})"
        if spans and part - spans[-1][1] == _DAY:
            spans[-1][1] = part
        else:
            spans.append([part, part])
    return " or ".join(f"{quoted(column)} between {literal(first)} and {literal(last)}" for first, last in spans)


def of_parts(table: TableName, metadata: Mapping[str, Any], rows: pa.Table, parts: Parts) -> tuple[pa.Table, pa.Table]:
    """The keys to delete by, and the rows: each has to be of one of the partitions that are written."""
    column = day_column(table, metadata, rows.column_names)
    place = rows.column_names.index(column)
    if isinstance(parts[0], date) and not pa.types.is_date(rows.schema.field(place).type):
        rows = rows.set_column(place, column, rows.column(place).cast(pa.date32()))
    if others := sorted({str(value) for value in rows.column(place).unique().to_pylist()} - set(map(str, parts))):
        span = f"{parts[0]}" if len(parts) == 1 else f"{parts[0]} to {parts[-1]}"
        raise dg.Failure(
            f"the partition {span} of {table.schema}.{table.name} has"
            f" rows of {', '.join(others[:3])}: return only the rows of the partition",
            allow_retries=False,
        )
    return pa.table({column: pa.array(parts, rows.schema.field(place).type)}), rows
