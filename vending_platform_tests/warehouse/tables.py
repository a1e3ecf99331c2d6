"""Small tables for tests of warehouses."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from vending_platform.warehouse import Change, PublishStep, TableName, Warehouse, Writer

SALES = TableName("raw", "sales")
FILES = TableName("raw", "_files")
SCHEMA = pa.schema([("id", pa.string()), ("day", pa.date32()), ("yen", pa.int64())])
MONDAY, TUESDAY = date(2024, 3, 4), date(2024, 3, 5)
ROWS = [("a", MONDAY, 100), ("b", MONDAY, 200), ("a", TUESDAY, 300)]


def nobody(holder: str) -> None:
    pytest.fail(f"nobody else writes, and still we wait for {holder}")


def ignore(_: PublishStep) -> None:
    pass


def table_of(rows: Iterable[tuple[Any, ...]], schema: pa.Schema = SCHEMA) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)


def column(name: str, kind: pa.DataType, *values: object) -> pa.Table:
    return pa.table({name: pa.array(values, kind)})


def rows_of(writer: Writer, table: TableName = SALES) -> list[tuple[Any, ...]]:
    """All rows, in their own order; what is empty comes last."""
    rows = [tuple(row.values()) for row in writer.query(f"select * from {table}").to_pylist()]
    return sorted(rows, key=lambda row: [(value is None, value) for value in row])


def filled(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """Put ROWS into the warehouse; they come back as `rows_of` orders them."""
    with warehouse.writing("test", nobody) as writer:
        writer.ensure_tables({SALES: SCHEMA})
        writer.publish([Change(SALES, insert=table_of(ROWS))], ignore)
        return rows_of(writer)
