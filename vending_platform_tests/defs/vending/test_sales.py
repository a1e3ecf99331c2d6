"""Cleaning counts all that it drops and repairs; sums and quality follow from the rows of their day alone."""

from datetime import date, datetime
from pathlib import Path
from random import Random

import polars as pl
import pytest

from vending_platform.analysis import analyse, load_pipelines, read_files
from vending_platform_tests.defs.vending.rows import FIRST, days, pipeline, results, sale, sales

SAMPLE = Path(__file__).parents[3] / "data" / "sources"


@pytest.mark.parametrize(
    ("changed", "repaired", "read"),
    [
        ({"quantity": "２"}, "another form of quantity", ("quantity", 2)),
        ({"unit_price": "1,300"}, "another form of unit_price", ("unit_price", 1300)),
        ({"unit_price": "¥130"}, "another form of unit_price", ("unit_price", 130)),
        ({"quantity": "1.0"}, "another form of quantity", ("quantity", 1)),
        ({"machine_id": " ＶＭ００１　"}, "spaces or full-width characters in machine_id", ("machine_id", "VM001")),
        ({"status": "Completed "}, "another form of status", ("status", "completed")),
        ({"sold_at": "2024/03/04 09:00:00"}, "another form of sold_at", ("sold_at", datetime(2024, 3, 4, 9))),
        ({"sold_at": "2024-03-04T00:00:00Z"}, "another form of sold_at", ("sold_at", datetime(2024, 3, 4, 9))),
        ({"sold_at": "2024-03-03T23:30:00-00:30"}, "another form of sold_at", ("sold_at", datetime(2024, 3, 4, 9))),
        ({"sold_at": "2024-03-04 09:00"}, "another form of sold_at", ("sold_at", datetime(2024, 3, 4, 9))),
    ],
)
def test_what_people_write_is_read_and_counted(
    changed: dict[str, str], repaired: str, read: tuple[str, object]
) -> None:
    cleaned, report = results(sales(sale(1), sale(2, **changed)), "cleaned_sales_data", "cleaning_report")
    assert cleaned.filter(pl.col("transaction_id") == "VM001-00002")[read[0]].to_list() == [read[1]]
    assert report.rows() == [(FIRST, "repaired", repaired, 1)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"transaction_id": None}, "transaction_id is missing or not valid"),
        ({"machine_id": ""}, "machine_id is missing or not valid"),
        ({"product_id": "  "}, "product_id is missing or not valid"),
        ({"quantity": "many"}, "quantity is missing or not valid"),
        ({"quantity": "0"}, "quantity is missing or not valid"),
        ({"quantity": "1.5"}, "quantity is missing or not valid"),
        ({"quantity": "100"}, "quantity is missing or not valid"),
        ({"unit_price": "-10"}, "unit_price is missing or not valid"),
        ({"status": "lost"}, "status is missing or not valid"),
        ({"transaction_id": "VM001-00001"}, "transaction_id is there twice"),
    ],
)
def test_what_can_not_be_counted_on_is_dropped_with_its_reason(changed: dict[str, str | None], reason: str) -> None:
    cleaned, report = results(sales(sale(1), sale(2, **changed)), "cleaned_sales_data", "cleaning_report")
    assert cleaned["transaction_id"].to_list() == ["VM001-00001"]
    assert report.rows() == [(FIRST, "dropped", reason, 1)]


def test_a_row_without_a_moment_has_no_day_either() -> None:
    (report,) = results(sales(sale(1), sale(2, sold_at="2024-02-30 09:00:00")), "cleaning_report")
    assert report.rows() == [(None, "dropped", "sold_at is missing or not valid", 1)]


def test_which_of_two_rows_of_a_key_counts_does_not_depend_on_their_order() -> None:
    one, other = sale(1, quantity="1"), sale(1, quantity="3")
    (first,) = results(sales(one, other), "cleaned_sales_data")
    (second,) = results(sales(other, one), "cleaned_sales_data")
    assert first.equals(second)


def test_every_row_is_kept_or_counted_as_dropped() -> None:
    rows = read_files(sorted(SAMPLE.glob("sales_*.csv")), pipeline().inputs["fct_sales"])
    cleaned, report = results(rows, "cleaned_sales_data", "cleaning_report")
    dropped = report.filter(pl.col("action") == "dropped")["rows"].sum()
    assert dropped > 0
    assert cleaned.height + dropped == rows.height


def test_sums_are_per_machine_and_day_and_per_day() -> None:
    rows = sales(
        sale(1, quantity="2"),
        sale(2, status="failed"),
        sale(3, status="refunded"),
        sale(4, machine_id="VM002", unit_price="100"),
    )
    (summary,) = results(rows, "daily_sales_summary")
    assert summary.rows() == [
        (FIRST, "all", "", 3, 360, 2, 1, 4),
        (FIRST, "machine", "VM001", 2, 260, 1, 1, 3),
        (FIRST, "machine", "VM002", 1, 100, 1, 0, 1),
    ]


def test_quality_is_measured_by_dimension_and_column() -> None:
    rows = sales(sale(1), sale(2, quantity="many"), sale(3, quantity=None), sale(3)).with_columns(
        pl.Series("business_date", ["2024-03-04", "2024-03-04", "2024-03-04", "2024-03-03"])
    )
    (metrics,) = results(rows, "data_quality_metrics")
    bad = {tuple(row[:3]): (row[3], row[4]) for row in metrics.rows() if row[4]}
    assert bad == {
        (date(2024, 3, 4), "completeness", "quantity"): (3, 1),
        (date(2024, 3, 4), "validity", "quantity"): (3, 1),
        (date(2024, 3, 4), "uniqueness", "transaction_id"): (3, 1),
        (date(2024, 3, 3), "consistency", "business_date"): (1, 1),
        (date(2024, 3, 3), "timeliness", "sold_at"): (1, 1),
    }


def test_a_mart_gives_the_same_as_a_file_of_the_same_rows() -> None:
    """A mart has numbers and moments, a file texts."""
    rows = days({0: 3, 1: 120, 9: 1})
    typed = rows.with_columns(
        pl.col("quantity", "unit_price").cast(pl.Int64),
        pl.col("sold_at").str.to_datetime(),
        pl.col("sold_at").str.slice(0, 10).str.to_date().alias("business_date"),
    )
    names = pipeline().results_of(["fct_sales"])
    as_file = analyse(pipeline(), {"fct_sales": rows}, names).results
    as_mart = analyse(pipeline(), {"fct_sales": typed}, names).results
    assert as_file.keys() == as_mart.keys()
    for name, result in as_file.items():
        assert result.equals(as_mart[name]), name


CELLS = [None, "", "1", "２", "x", "1,0", " 5 ", "2024-03-04 09:00:00", "2024-03-05T09:00:00Z", "failed"]


@pytest.mark.parametrize("seed", range(5))
def test_days_by_themselves_give_the_rows_that_all_days_together_give(seed: int) -> None:
    """Whatever is in the file, and in whatever order: no crash, nothing silent, and a day is a day."""
    (_, sales_pipeline, _) = load_pipelines("vending_platform.defs.vending.analysis")
    random = Random(seed)
    odd = [{name: random.choice(CELLS) for name in sale()} for _ in range(40)]
    rows = sales(*odd, *map(sale, range(20))).with_columns(
        pl.Series("business_date", [f"2024-03-{4 + number % 2:02}" for number in range(60)])
    )
    # A key that is there on two days can't be seen by either day alone.
    rows = rows.with_columns(pl.format("{}-{}", "transaction_id", "business_date").alias("transaction_id"))
    whole = analyse(sales_pipeline, {"fct_sales": rows})
    assert whole.is_whole, whole.problem
    shuffled = analyse(sales_pipeline, {"fct_sales": rows.sample(fraction=1, shuffle=True, seed=seed)})
    for name, result in whole.results.items():
        assert in_order(shuffled.results[name]).equals(in_order(result)), name
    for day in (date(2024, 3, 4), date(2024, 3, 5)):
        part = analyse(sales_pipeline, {"fct_sales": rows.filter(pl.col("business_date") == str(day))})
        for name, result in part.results.items():
            of_day = whole.results[name].filter(pl.col("business_date") == day)
            assert in_order(result).equals(in_order(of_day)), name


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort(rows.columns)
