"""What fails for one reason is one thing to look after, and the worst comes first."""

from dataclasses import replace

from vending_platform.quality import Quality, causes, report
from vending_platform.quality.failures import Failure, KeptRow

WARNED = Failure(
    dataset="marts.fct_sales",
    day="2024-03-02",
    check="relationships_fct_sales_product_id",
    column="product_id",
    dimension="consistency",
    severity="warn",
    status="warned",
    failed_rows=2,
    total_rows=10,
    expected="known to ref('dim_products').product_id",
    actual="rows that break it: 2",
    message=None,
    partition="2024-03-02",
    rows=[KeptRow({"product_id": "P404"}, "sales_VM001_20240302.csv", 7, None)],
)


def on_days(failure: Failure, number: int) -> list[Failure]:
    return [replace(failure, day=f"2024-03-{day:02d}") for day in range(1, number + 1)]


def test_an_unknown_key_is_one_cause_in_all_tables_and_on_all_days() -> None:
    elsewhere = replace(WARNED, dataset="marts.mart_product_daily", check="relationships_mart_product_daily")
    (cause,) = causes([*on_days(WARNED, 3), *on_days(elsewhere, 2)])
    assert cause.name == "product_id not known to ref('dim_products').product_id"
    assert cause.datasets == ["marts.fct_sales", "marts.mart_product_daily"]
    assert (len(cause.failures), cause.rows, cause.worst.day) == (5, 10, "2024-03-03")


def test_what_was_not_asked_is_one_cause_and_comes_last() -> None:
    """Of 257 results 80 say no more than that something before them failed."""
    skipped = [replace(WARNED, dataset=f"marts.m{n}", status="skipped", expected="dbt builds it") for n in range(80)]
    failed = replace(WARNED, check="built", column="", status="error", severity="error", expected="dbt builds it")
    found = causes([*skipped, *on_days(WARNED, 3), failed])
    assert [(cause.name, len(cause.failures)) for cause in found] == [
        ("built", 1),
        ("product_id not known to ref('dim_products').product_id", 3),
        ("not run, because something before it failed", 80),
    ]


def test_the_worst_comes_first() -> None:
    def one(name: str, **said: object) -> Failure:
        return replace(WARNED, check=name, expected=None, column="", **said)  # type: ignore[arg-type]

    found = causes(
        [
            one("few warned", failed_rows=1),
            one("many warned", failed_rows=50),
            one("failed, a warning", status="failed"),
            one("failed, an error", status="failed", severity="error"),
        ]
    )
    names = [cause.name for cause in found]
    assert names == ["failed, an error", "failed, a warning", "many warned", "few warned"]


def test_a_cause_of_many_days_shows_one_in_full_and_names_the_file_of_each() -> None:
    page = report(Quality("2024-03-20T00:00:00+00:00", [], [], on_days(WARNED, 30), failures_left_out=7))
    assert "What does not pass (1 cause, 30 results)" in page
    assert "30 days, 2024-03-01 to 2024-03-30, 60 rows" in page
    assert page.count("sales_VM001_20240302.csv, line 7") == 30
    assert page.count("The same elsewhere") == 1
    assert "7 more results are not shown" in page


def test_a_row_that_is_too_wide_for_a_table_is_a_line() -> None:
    wide = KeptRow({f"column_{n}": "value" for n in range(30)}, "sales_VM001_20240302.csv", 7, None)
    page = report(Quality("2024-03-20T00:00:00+00:00", [], [], [replace(WARNED, rows=[wide])]))
    assert "<th>column_7</th>" not in page
    assert "<b>column_29</b> value" in page
