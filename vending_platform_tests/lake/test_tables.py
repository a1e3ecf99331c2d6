"""How a table changes with its declaration: every row keeps its values, whatever its columns are called now."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from vending_platform.catalog import LakeLayout
from vending_platform.lake import Lake, LakeError
from vending_platform.lake.changes import append, merge
from vending_platform.lake.history import describe
from vending_platform.lake.tables import ensure_table
from vending_platform.warehouse import TableName
from vending_platform_tests.lake.lakes import STOCK, contents, found, rows, stock_table

MOMENT = datetime(2024, 3, 1, 12, 30, 0, 123456)
EVERY_TYPE: dict[str, tuple[pa.DataType, Any, Any]] = {
    "text": (pa.string(), "自販機 \\ ' \"", "自販機 \\ ' \""),
    "empty": (pa.string(), "", ""),
    "nothing": (pa.null(), None, None),
    "small": (pa.int8(), -128, -128),
    "long": (pa.int64(), -(2**63), -(2**63)),
    "unsigned": (pa.uint64(), 2**64 - 1, Decimal(2**64 - 1)),
    "single": (pa.float32(), 0.5, 0.5),
    "double": (pa.float64(), 1e308, 1e308),
    "wide": (pa.decimal128(38, 10), Decimal("9999999999999999999999999999.9999999999"), None),
    "narrow": (pa.decimal128(4, 2), Decimal("-12.34"), Decimal("-12.34")),
    "yes": (pa.bool_(), True, True),
    "day": (pa.date32(), date(1, 1, 1), date(1, 1, 1)),
    "clock": (pa.timestamp("us"), MOMENT, MOMENT),
    "moment": (pa.timestamp("us", "Asia/Tokyo"), MOMENT.replace(tzinfo=UTC), MOMENT.replace(tzinfo=UTC)),
    "time": (pa.time64("us"), time(23, 59, 59, 999999), time(23, 59, 59, 999999)),
    "bytes": (pa.binary(), b"\x00\xff", b"\x00\xff"),
}


def test_a_value_of_every_type_comes_back_as_it_was(lake: Lake) -> None:
    name = TableName("raw", "types")
    table = pa.table({column: pa.array([value], kind) for column, (kind, value, _) in EVERY_TYPE.items()})
    ensure_table(lake, name, table.schema, LakeLayout())
    append(lake, name, table)
    (row,) = found(lake, "select * from raw.types")
    assert row == tuple(value if back is None else back for _, value, back in EVERY_TYPE.values())


@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.list_(pa.int64()), pa.decimal256(60, 0)])
def test_a_type_that_would_lose_values_is_refused(lake: Lake, kind: pa.DataType) -> None:
    with pytest.raises(LakeError, match=r"column raw.x.a is .*: cast it in the model"):
        ensure_table(lake, TableName("raw", "x"), pa.schema([("a", kind)]), LakeLayout())
    assert not lake.has(TableName("raw", "x"))


def test_columns_are_added_renamed_widened_and_dropped(lake: Lake) -> None:
    stock_table(lake)
    append(lake, STOCK, rows((1, "tea", 5), (2, "coffee", None)))
    changed = pa.schema([("id", pa.int64()), ("label", pa.string()), ("units", pa.int64()), ("price", pa.int32())])
    layout = LakeLayout.model_validate({"key": "id", "renamed": {"label": "name"}})
    ensure_table(lake, STOCK, changed, layout)
    new = pa.table([[3], ["water"], [2**40], [120]], schema=changed)
    merge(lake, STOCK, new)
    assert contents(lake) == [(1, "tea", 5, None), (2, "coffee", None, None), (3, "water", 2**40, 120)]


def test_a_name_that_comes_again_does_not_bring_back_old_values(lake: Lake) -> None:
    stock_table(lake)
    append(lake, STOCK, rows((1, "tea", 5)))
    without = pa.schema([("id", pa.int64()), ("name", pa.string())])
    ensure_table(lake, STOCK, without, LakeLayout(key=("id",)))
    stock_table(lake)
    assert found(lake, "select id, name, units from staging.stock") == [(1, "tea", None)]


def test_an_earlier_snapshot_has_the_columns_of_its_time(lake: Lake) -> None:
    stock_table(lake)
    first = append(lake, STOCK, rows((1, "tea", 5)))
    assert first is not None
    renamed = pa.schema([("id", pa.int64()), ("label", pa.string()), ("units", pa.int32())])
    layout = LakeLayout.model_validate({"key": "id", "renamed": {"label": "name"}})
    ensure_table(lake, STOCK, renamed, layout)
    assert found(lake, "select name from staging.stock", first.snapshot_id) == [("tea",)]
    assert found(lake, "select label from staging.stock") == [("tea",)]


@pytest.mark.parametrize(
    ("column", "kind"), [("units", pa.string()), ("name", pa.int64()), ("units", pa.decimal128(10, 2))]
)
def test_another_change_of_a_type_is_refused_and_nothing_has_changed(
    lake: Lake, column: str, kind: pa.DataType
) -> None:
    stock_table(lake)
    append(lake, STOCK, rows((1, "tea", 5)))
    before = describe(lake, STOCK)
    wrong = [
        (name, kind if name == column else type_)
        for name, type_ in zip(
            ("id", "name", "units", "new"), (pa.int64(), pa.string(), pa.int32(), pa.int32()), strict=True
        )
    ]
    with pytest.raises(LakeError, match=rf"column {column} of staging.stock is .* and can't become"):
        ensure_table(lake, STOCK, pa.schema(wrong), LakeLayout(key=("id",)))
    assert describe(lake, STOCK) == before


def test_a_narrower_type_fits_into_the_column_that_is_there(lake: Lake) -> None:
    stock_table(lake)
    narrow = pa.schema([("id", pa.int32()), ("name", pa.string()), ("units", pa.int8())])
    ensure_table(lake, STOCK, narrow, LakeLayout(key=("id",)))
    assert [column.type for column in describe(lake, STOCK).columns] == ["long", "string", "int"]


def test_another_partitioning_holds_for_what_is_written_from_then_on(lake: Lake) -> None:
    stock_table(lake, partitioning=["name"])
    append(lake, STOCK, rows((1, "tea", 5), (2, "water", 6)))
    stock_table(lake, partitioning=["truncate(id, 10)"])
    append(lake, STOCK, rows((11, "tea", 7), (25, "water", 8)))
    assert describe(lake, STOCK).partitioning == ("truncate[10](id)",)
    assert [row[0] for row in contents(lake)] == [1, 2, 11, 25]
    stock_table(lake)
    assert describe(lake, STOCK).partitioning == ()
    merge(lake, STOCK, rows((11, "milk", 9)))
    assert contents(lake)[2] == (11, "milk", 9)


def test_a_column_that_files_are_partitioned_by_stays(lake: Lake) -> None:
    stock_table(lake, partitioning=["name"])
    append(lake, STOCK, rows((1, "tea", 5)))
    with pytest.raises(LakeError, match=r"column name of staging.stock can't be dropped"):
        ensure_table(lake, STOCK, pa.schema([("id", pa.int64()), ("units", pa.int32())]), LakeLayout(key=("id",)))


@pytest.mark.parametrize(
    ("layout", "problem"),
    [
        ({"key": "no"}, "staging.stock has no column 'no'; it has: id, name, units"),
        ({"partitioning": ["month(name)"]}, "can't be partitioned by month.name.: name is string"),
        ({"partitioning": ["truncate(units, 3)", "day(gone)"]}, "staging.stock has no column 'gone'"),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(lake: Lake, layout: dict[str, Any], problem: str) -> None:
    with pytest.raises(LakeError, match=problem):
        stock_table(lake, **layout)


def test_a_namespace_is_one_of_four(lake: Lake) -> None:
    with pytest.raises(LakeError, match="'marts' is not a namespace of the lake: raw, staging, gold, ml"):
        ensure_table(lake, TableName("marts", "x"), pa.schema([("a", pa.int64())]), LakeLayout())


def test_what_is_not_a_rule_of_partitioning_is_named() -> None:
    with pytest.raises(ValueError, match=r"'hour\(sold_at\)' is not a rule of partitioning"):
        LakeLayout.model_validate({"partitioning": ["hour(sold_at)"]})
