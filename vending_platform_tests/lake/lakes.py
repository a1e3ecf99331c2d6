"""Lakes on this machine, and what is in them."""

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from vending_platform.catalog import LakeLayout
from vending_platform.environment import load
from vending_platform.lake import Lake, open_lake
from vending_platform.lake.sql import AsOf, query_lake
from vending_platform.lake.tables import ensure_table
from vending_platform.warehouse import TableName

STOCK = TableName("staging", "stock")
ROWS = pa.schema([("id", pa.int64()), ("name", pa.string()), ("units", pa.int32())])


def local_lake(folder: Path) -> Lake:
    others = {key: value for key, value in os.environ.items() if not key.startswith("VENDING_")}
    with patch.dict(os.environ, {**others, "VENDING_DATA_DIR": str(folder)}, clear=True):
        return open_lake(load("vending"))


def rows(*values: tuple[int, str | None, int | None]) -> pa.Table:
    columns = zip(*values, strict=True) if values else ((), (), ())
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, ROWS, strict=True)], schema=ROWS)


def stock_table(lake: Lake, **layout: Any) -> TableName:
    """A table that is merged by `id`."""
    ensure_table(lake, STOCK, ROWS, LakeLayout.model_validate({"key": "id", **layout}))
    return STOCK


def found(lake: Lake, sql: str, as_of: AsOf = None) -> list[tuple[Any, ...]]:
    with query_lake(lake, sql, as_of) as result:
        return [tuple(row.values()) for row in result.rows.read_all().to_pylist()]


def contents(lake: Lake, table: TableName = STOCK, as_of: AsOf = None) -> list[tuple[Any, ...]]:
    """All rows in the order of their first column."""
    return found(lake, f"select * from {table.plain} order by 1", as_of)
