"""What each change leaves: the rows that it should, one snapshot, and no file touched that need not be."""

import dataclasses
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.catalog import LakeLayout
from vending_platform.lake import Lake, LakeConflict, LakeError
from vending_platform.lake.changes import NO_ROWS, EveryRow, append, change_rows, merge, replace, write_rows
from vending_platform.lake.history import history
from vending_platform.lake.reading import paths_of, planned
from vending_platform.lake.tables import ensure_table
from vending_platform.warehouse import TableName
from vending_platform_tests.lake.lakes import ROWS, STOCK, contents, found, local_lake, rows, stock_table
from vending_platform_tests.properties import examples


def test_appended_rows_are_one_snapshot(lake: Lake) -> None:
    stock_table(lake)
    append(lake, STOCK, rows((1, "tea", 5)), {"vending.source": "a test"})
    append(lake, STOCK, rows((2, "milk", 6)))
    last, first = history(lake, STOCK)
    assert (first.operation, first.added_rows, first.source) == ("append", 1, "a test")
    assert (last.state.rows, last.state.files) == (2, 2)
    assert contents(lake) == [(1, "tea", 5), (2, "milk", 6)]


def test_merged_rows_take_the_place_of_those_with_their_key(lake: Lake) -> None:
    stock_table(lake)
    append(lake, STOCK, rows((1, "tea", 5), (2, "milk", 6), (3, "water", 7)))
    merge(lake, STOCK, rows((2, None, 1), (4, "juice", 8)), gone=rows((3, None, None)))
    assert contents(lake) == [(1, "tea", 5), (2, None, 1), (4, "juice", 8)]
    assert [entry.operation for entry in history(lake, STOCK)] == ["overwrite", "append"]


def test_a_merge_writes_only_files_again_that_have_one_of_its_keys(lake: Lake) -> None:
    stock_table(lake)
    for start in (0, 100, 200):
        append(lake, STOCK, rows(*((start + number, "x", 0) for number in range(10))))
    before = set(paths_of(planned(lake.load(STOCK))))
    merge(lake, STOCK, rows((105, "new", 1), (155, "between", 1)))
    after = set(paths_of(planned(lake.load(STOCK))))
    assert len(before & after) == 2
    assert len(contents(lake)) == 31


def test_nothing_to_change_is_no_snapshot(lake: Lake) -> None:
    stock_table(lake)
    assert change_rows(lake, STOCK, NO_ROWS, None) is None
    append(lake, STOCK, rows((1, "tea", 5)))
    merge(lake, STOCK, rows(), gone=rows((9, None, None)))
    change_rows(lake, STOCK, NO_ROWS, rows((9, None, None)).select(["id"]))
    assert len(history(lake, STOCK)) == 1


def test_replaced_is_all_of_it(lake: Lake) -> None:
    stock_table(lake)
    append(lake, STOCK, rows((1, "tea", 5)))
    replace(lake, STOCK, rows((2, "milk", 6)))
    assert contents(lake) == [(2, "milk", 6)]
    change_rows(lake, STOCK, NO_ROWS, EveryRow())
    assert contents(lake) == []
    assert contents(lake, as_of=history(lake, STOCK)[1].state.snapshot_id) == [(2, "milk", 6)]


def test_a_day_takes_the_place_of_the_day(lake: Lake) -> None:
    name = TableName("gold", "days")
    schema = pa.schema([("day", pa.date32()), ("n", pa.int64())])
    ensure_table(lake, name, schema, LakeLayout.model_validate({"partitioning": ["month(day)"]}))
    days = [date(2024, month, day) for month in (1, 2) for day in (1, 2, 3)]
    append(lake, name, pa.table([days, list(range(6))], schema=schema))
    new = write_rows(lake, name, pa.table([[days[0], days[0]], [10, 11]], schema=schema))
    change_rows(lake, name, new, pa.table({"day": [days[0], days[4]]}))
    assert found(lake, "select n from gold.days order by 1") == [(1,), (2,), (3,), (5,), (10,), (11,)]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (rows((1, "a", 1), (1, "b", 2)), "1 rows for staging.stock have a key that another one of them has too"),
        (rows((1, "a", 1)).set_column(0, "id", pa.array([None], pa.int64())), "have no id, which is part of its key"),
    ],
)
def test_rows_without_a_key_of_their_own_are_refused(lake: Lake, wrong: pa.Table, problem: str) -> None:
    stock_table(lake)
    with pytest.raises(LakeError, match=problem):
        merge(lake, STOCK, wrong)


def test_a_table_without_a_key_is_not_merged(lake: Lake) -> None:
    ensure_table(lake, STOCK, ROWS, LakeLayout())
    with pytest.raises(LakeError, match="has no key by which rows could be merged: declare it"):
        merge(lake, STOCK, rows((1, "a", 1)))


def test_rows_with_other_columns_are_refused(lake: Lake) -> None:
    stock_table(lake)
    with pytest.raises(LakeError, match=r"have not the same columns \(name\)"):
        append(lake, STOCK, rows((1, "a", 1)).drop_columns(["name"]))


def test_what_took_too_long_to_write_is_not_committed(lake: Lake) -> None:
    """Maintenance may be removing its first files by then."""
    stock_table(lake)
    slow = dataclasses.replace(lake, settings=dataclasses.replace(lake.settings, orphan_days=0))
    with pytest.raises(LakeConflict, match="took more than half of the 0:00:00"):
        append(slow, STOCK, rows((1, "tea", 5)))
    assert contents(lake) == []
    assert [file.path for file in lake.place.files("staging/stock/data")] == []


KEYS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "whole": (pa.int64(), st.integers(-5, 5)),
    "text": (pa.string(), st.text("aé自\x00'", max_size=2)),
    "decimal": (pa.decimal128(6, 2), st.integers(-300, 300).map(lambda cents: Decimal(cents).scaleb(-2))),
    "day": (pa.date32(), st.dates(date(2024, 1, 30), date(2024, 2, 2))),
    "moment": (pa.timestamp("us"), st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 1, 0, 0, 0, 3))),
    "flag": (pa.bool_(), st.booleans()),
}


@examples(8)
@given(data=st.data())
def test_merges_by_any_key_are_those_of_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    columns = data.draw(st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=2, unique=True))
    partitioning = data.draw(st.sampled_from(([], columns[:1])))
    schema = pa.schema([*((column, KEYS[column][0]) for column in columns), ("value", pa.int64())])
    lake = local_lake(tmp_path_factory.mktemp("merges"))
    name = TableName("staging", "merged")
    ensure_table(lake, name, schema, LakeLayout.model_validate({"key": columns, "partitioning": partitioning}))
    keys = st.tuples(*(KEYS[column][1] for column in columns))
    expected: dict[tuple[Any, ...], int] = {}
    for number in range(3):
        new = dict.fromkeys(data.draw(st.lists(keys, max_size=6, unique=True)), number)
        gone = [key for key in data.draw(st.lists(keys, max_size=3, unique=True)) if key not in new]
        changed = [dict(zip(schema.names, (*key, value), strict=True)) for key, value in new.items()]
        removed = [dict(zip(columns, key, strict=True)) for key in gone]
        merge(
            lake,
            name,
            pa.Table.from_pylist(changed, schema),
            gone=pa.Table.from_pylist(removed, schema.remove(len(columns))),
        )
        expected = {key: value for key, value in expected.items() if key not in gone} | new
        rows_now = found(lake, "select * from staging.merged")
        assert {row[:-1]: row[-1] for row in rows_now} == expected
        assert len(rows_now) == len(expected)
