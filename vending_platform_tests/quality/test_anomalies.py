"""What is normal is told by a figure's own past, and one bad day does not move it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.quality import TABLES, CheckStatus, Dimension, Measured, Result, changes, judged, measure
from vending_platform.quality.anomalies import DAYS, FEWEST
from vending_platform.warehouse import TableName
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform_tests.properties import examples
from vending_platform_tests.quality.parts import run

MONDAY = date(2024, 3, 4)
WORKING_DAYS = [MONDAY + timedelta(days=n) for n in range(70) if (MONDAY + timedelta(days=n)).weekday() < 5]


def volume(day: date, rows: int) -> Result:
    return Result(
        check="volume",
        dataset="raw.sales",
        dimension=Dimension.COMPLETENESS,
        status=CheckStatus.PASSED,
        total_rows=rows,
        actual=f"{rows}",
        figure=Decimal(rows),
        first_day=day,
        last_day=day,
    )


def told(warehouse: DuckDBWarehouse, results: Sequence[Result]) -> list[Result]:
    with warehouse.writing("test", print) as writer:
        writer.ensure_tables(TABLES)
        return judged(writer, results)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(tmp_path / "dev.duckdb")


def test_the_range_is_the_median_and_three_and_a_half_times_what_days_stray(warehouse: DuckDBWarehouse) -> None:
    """Of 900, 900, 1000, 1000, 1000, 1100, 1100 the median is 1000, and the median distance from it 100: 1.4826 * 100
    is more than the root of 1000, so 1000 ± 3.5 * 148.26 is normal: 481.09 to 1518.91."""
    past = [
        volume(day, rows) for day, rows in zip(WORKING_DAYS, (900, 1000, 1100, 1000, 900, 1100, 1000), strict=False)
    ]
    usual, low = volume(WORKING_DAYS[7], 482), volume(WORKING_DAYS[7], 481)
    assert told(warehouse, [*past, usual])[-1] == replace(usual, expected="481 to 1519")
    found = told(warehouse, [*past, low])[-1]
    assert (found.status, found.expected) == (CheckStatus.WARNED, "481 to 1519")
    assert found.message == "volume is 481; on days of its kind it is 481 to 1519"


def test_a_weekend_is_held_against_weekends(warehouse: DuckDBWarehouse) -> None:
    days = [MONDAY + timedelta(days=number) for number in range(42)]
    results = told(warehouse, [volume(day, 1000 if day.weekday() < 5 else 100) for day in days])
    assert {result.status for result in results} == {CheckStatus.PASSED}
    sunday = volume(days[-1], 1000)
    assert told(warehouse, [*results[:-1], sunday])[-1].status is CheckStatus.WARNED


def test_with_few_days_nothing_is_unusual(warehouse: DuckDBWarehouse) -> None:
    past = [volume(day, 1000) for day in WORKING_DAYS[: FEWEST - 1]]
    assert told(warehouse, [*past, volume(WORKING_DAYS[FEWEST - 1], 0)])[-1].status is CheckStatus.PASSED
    past = [volume(day, 1000) for day in WORKING_DAYS[:FEWEST]]
    assert told(warehouse, [*past, volume(WORKING_DAYS[FEWEST], 0)])[-1].status is CheckStatus.WARNED


def test_the_past_is_what_earlier_runs_kept_as_they_measured_it_last(warehouse: DuckDBWarehouse) -> None:
    first = [volume(day, 5) for day in WORKING_DAYS[:10]]
    again = [volume(day, 1000) for day in WORKING_DAYS[:10]]
    with warehouse.writing("test", print) as writer:
        writer.ensure_tables(TABLES)
        for number, results in enumerate((first, again)):
            writer.publish(changes(run(number), results, frozenset()), lambda _: None)
        (found,) = judged(writer, [volume(WORKING_DAYS[10], 5)])
        assert found.status is CheckStatus.WARNED
        (corrected,) = judged(writer, [volume(WORKING_DAYS[9], 5)])
        assert corrected.status is CheckStatus.WARNED, "what was kept of a day says nothing about that day"


@examples(5)
@given(st.lists(st.integers(900, 1100), min_size=DAYS, max_size=DAYS), st.integers(0, 10**6), st.integers(0, 27))
def test_one_bad_day_hides_no_other(rows: list[int], bad: int, n: int) -> None:
    """With a mean and a standard deviation a day of 10^6 would make everything normal."""
    rows[n] = bad
    past = [volume(day, count) for day, count in zip(WORKING_DAYS, rows, strict=False)]
    with TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder) / "dev.duckdb")
        assert told(warehouse, [*past, volume(WORKING_DAYS[DAYS], 100)])[-1].status is CheckStatus.WARNED
        assert told(warehouse, [*past, volume(WORKING_DAYS[DAYS], 1000)])[-1].status is CheckStatus.PASSED


def test_figures_are_rows_nulls_and_keys_of_each_day_also_of_one_without_rows(warehouse: DuckDBWarehouse) -> None:
    with warehouse.writing("test", print) as writer:
        writer.query("create schema marts")
        writer.query(
            "create table marts.m as select * from (values (date '2024-03-04', 'a', null), (date '2024-03-04', 'b', 1),"
            " (date '2024-03-04', 'b', 2), (date '2024-03-06', 'a', 1)) as t(business_date, machine_id, cost)"
        )
        about = Measured(TableName("marts", "m"), "business_date", ("cost",), ("machine_id",))
        found = list(measure(writer, {about: [(MONDAY, MONDAY + timedelta(days=1))]}))
    told = [(result.check, result.column, str(result.first_day), str(result.actual)) for result in found]
    assert told == [
        ("volume", None, "2024-03-04", "3"),
        ("null share", "cost", "2024-03-04", "0.3333"),
        ("distinct values", "machine_id", "2024-03-04", "2"),
        ("volume", None, "2024-03-05", "0"),
    ]
