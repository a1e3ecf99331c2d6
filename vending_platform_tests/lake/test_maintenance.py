"""Maintenance removes what nothing needs, and never what someone may be reading or writing."""

import dataclasses
import os
from datetime import UTC, datetime, timedelta

import pytest

from vending_platform.lake import Lake
from vending_platform.lake.changes import append, change_rows, merge, write_rows
from vending_platform.lake.history import history
from vending_platform.lake.maintenance import compact, expire, maintain, remove_orphans
from vending_platform.lake.sql import query_lake
from vending_platform.storage import LocalPlace
from vending_platform_tests.lake.lakes import STOCK, contents, rows, stock_table


def with_small_files(lake: Lake, **layout: object) -> list[tuple[object, ...]]:
    stock_table(lake, **layout)
    for number in range(6):
        append(lake, STOCK, rows((number, "even" if number % 2 == 0 else "odd", number)))
    return contents(lake)


def aged(lake: Lake, by: timedelta) -> None:
    """As if all files had been written that much earlier."""
    assert isinstance(lake.place, LocalPlace)
    for path in lake.place.paths("staging"):
        then = (lake.place.folder / path).stat().st_mtime - by.total_seconds()
        os.utime(lake.place.folder / path, (then, then))


def test_small_files_become_one_in_the_order_of_the_key(lake: Lake) -> None:
    before = with_small_files(lake)
    compacted, instead = compact(lake, STOCK)
    assert (len(compacted), len(instead)) == (6, 1)
    assert contents(lake) == before
    assert history(lake, STOCK)[0].operation == "compaction"
    assert compact(lake, STOCK) == ([], [])


def test_each_partition_is_compacted_by_itself(lake: Lake) -> None:
    before = with_small_files(lake, partitioning=["name"])
    for number in range(6, 10):
        append(lake, STOCK, rows((number, "even", number)))
    compacted, instead = compact(lake, STOCK)
    assert (len(compacted), len(instead)) == (7, 1)  # of the odd ones there are too few
    assert contents(lake)[:6] == before


def test_files_of_an_earlier_partitioning_are_written_again(lake: Lake) -> None:
    before = with_small_files(lake)
    stock_table(lake, partitioning=["name"])
    compacted, instead = compact(lake, STOCK)
    assert (len(compacted), len(instead)) == (6, 2)
    assert contents(lake) == before


def test_snapshots_expire_by_when_they_were_replaced(lake: Lake) -> None:
    with_small_files(lake)
    entries = history(lake, STOCK)
    replaced_at = entries[2].state.at
    assert replaced_at is not None
    assert expire(lake, STOCK, replaced_at) in (2, 3)  # two may be of one millisecond
    assert expire(lake, STOCK, datetime.now(UTC) + timedelta(seconds=1)) >= 2
    assert [entry.state.snapshot_id for entry in history(lake, STOCK)] == [entries[0].state.snapshot_id]


def test_nothing_young_is_removed(lake: Lake) -> None:
    before = with_small_files(lake)
    staged = write_rows(lake, STOCK, rows((100, "being written", 1)))
    with query_lake(lake, "select * from staging.stock order by id") as reading:
        done = maintain(lake, STOCK)
        assert (done.compacted_files, done.removed_files) == (6, 0)
        assert [tuple(row.values()) for row in reading.rows.read_all().to_pylist()] == before
    change_rows(lake, STOCK, staged, None)
    assert len(contents(lake)) == 7


def test_what_was_needed_within_the_age_of_orphans_is_kept(lake: Lake) -> None:
    """A reader may have begun just before the snapshot expired, however old its files are."""
    with_small_files(lake)
    aged(lake, timedelta(days=9))
    compact(lake, STOCK)
    expire(lake, STOCK, datetime.now(UTC) + timedelta(seconds=1))
    assert remove_orphans(lake, STOCK, datetime.now(UTC) - lake.orphan_age) == []
    aged(lake, timedelta(days=4))
    append(lake, STOCK, rows((50, "x", 1)))
    removed = remove_orphans(lake, STOCK, datetime.now(UTC) - lake.orphan_age)
    assert len([file for file in removed if file.path.endswith(".parquet")]) == 6
    assert len(contents(lake)) == 7


def test_no_orphan_is_left(lake: Lake) -> None:
    with_small_files(lake)
    merge(lake, STOCK, rows((1, "changed", 1)))
    write_rows(lake, STOCK, rows((100, "never committed", 1)))
    impatient = dataclasses.replace(lake, settings=dataclasses.replace(lake.settings, keep_days=1))
    later = datetime.now(UTC) + timedelta(days=30)
    done = maintain(impatient, STOCK, later)
    assert done.expired_snapshots > 0
    assert done.removed_bytes > 0
    assert maintain(impatient, STOCK, later).removed_files == 0
    data = list(lake.place.paths("staging/stock/data"))
    assert len(data) == history(lake, STOCK)[0].state.files
    assert contents(lake)[1] == (1, "changed", 1)


def test_a_table_without_rows_has_nothing_to_maintain(lake: Lake) -> None:
    stock_table(lake)
    done = maintain(lake, STOCK)
    assert (done.compacted_files, done.expired_snapshots, done.removed_files) == (0, 0, 0)
    assert history(lake, STOCK) == []


@pytest.mark.parametrize("files", [3, 4])
def test_few_small_files_are_left_alone(lake: Lake, files: int) -> None:
    stock_table(lake)
    for number in range(files):
        append(lake, STOCK, rows((number, "x", 1)))
    assert len(compact(lake, STOCK)[0]) == (4 if files == 4 else 0)
