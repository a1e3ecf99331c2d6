"""The calendar, weeks, trends and best days, against what is easily worked out by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from vending_platform.defs.vending.analysis._trend import level_changes, slopes, trend_of
from vending_platform.defs.vending.holidays import holiday, holidays_of
from vending_platform_tests.defs.vending.rows import FIRST, days, results

YEAR_2024 = (
    "01-01 01-08 02-11 02-12 02-23 03-20 04-29 05-03 05-04 05-05"
    " 05-06 07-15 08-11 08-12 09-16 09-22 09-23 10-14 11-03 11-04 11-23"
)
YEAR_2019 = (
    "01-01 01-14 02-11 03-21 04-29 04-30 05-01 05-02 05-03 05-04 05-05"
    " 05-06 07-15 08-11 08-12 09-16 09-23 10-14 10-22 11-03 11-04 11-23"
)
YEAR_2020 = (
    "01-01 01-13 02-11 02-23 02-24 03-20 04-29 05-03 05-04 05-05 05-06 07-23 07-24 08-10 09-21 09-22 11-03 11-23"
)
YEAR_2026 = (
    "01-01 01-12 02-11 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23"
)


@pytest.mark.parametrize(
    ("year", "expected"), [(2019, YEAR_2019), (2020, YEAR_2020), (2024, YEAR_2024), (2026, YEAR_2026)]
)
def test_holidays_are_those_that_the_government_has_published(year: int, expected: str) -> None:
    assert " ".join(f"{day:%m-%d}" for day in sorted(holidays_of(year))) == expected


def test_holidays_have_their_names() -> None:
    assert holiday(date(2024, 5, 6)) == "振替休日"
    assert holiday(date(2026, 9, 22)) == "国民の休日"
    assert holiday(date(2024, 5, 7)) is None


def test_each_day_has_its_calendar_its_moving_mean_and_its_share_of_the_week() -> None:
    (enriched,) = results(days({0: 10, 1: 20, 6: 30, 16: 40}), "enriched_daily_summary")
    of_all = enriched.filter(pl.col("scope") == "all")
    assert of_all.select("weekday", "day_kind", "holiday").rows() == [
        ("Monday", "workday", None),
        ("Tuesday", "workday", None),
        ("Sunday", "sunday or holiday", None),
        ("Wednesday", "sunday or holiday", "春分の日"),
    ]
    assert of_all["moving_mean_units"].to_list() == [10, 15, 20, 40]
    assert of_all["share_of_week"].to_list() == pytest.approx([10 / 60, 20 / 60, 30 / 60, 1], abs=1e-6)


def test_weeks_begin_on_monday_and_only_whole_ones_are_compared() -> None:
    (weeks,) = results(days({**dict.fromkeys(range(14), 10), 7: 24, 14: 5}), "weekly_aggregation")
    of_all = weeks.filter(pl.col("scope") == "all")
    assert of_all.select("iso_week", "days", "is_whole", "units", "change_of_units").rows() == [
        ("2024-W10", 7, True, 70, None),
        ("2024-W11", 7, True, 84, pytest.approx(0.2)),
        ("2024-W12", 1, False, 5, None),
    ]


def test_the_days_of_new_year_belong_to_the_week_of_their_thursday() -> None:
    (weeks,) = results(days({0: 1, 2: 1}, first=date(2024, 12, 30)), "weekly_aggregation")
    assert set(weeks["iso_week"]) == {"2025-W01"}


def test_a_trend_is_found_beside_the_season_of_the_week_and_a_few_wild_days() -> None:
    season = [0, 0, 0, 0, 0, -20, -30]
    units = {day: 50 + day + season[day % 7] + (day % 3) for day in range(56)}
    units[11] = 400
    (trends,) = results(days(units), "trend_analysis")
    (row,) = trends.filter(pl.col("scope") == "all").to_dicts()
    assert row["direction"] == "rising"
    assert row["change_at_least"] <= row["change_per_week"] <= row["change_at_most"]
    assert row["change_per_week"] == pytest.approx(7, abs=1)
    assert (row["days"], row["first_day"]) == (56, FIRST)


def test_days_that_only_differ_by_chance_are_level() -> None:
    noise = np.random.default_rng(5).poisson(60, 70)
    (trends,) = results(days(dict(enumerate(noise.tolist()))), "trend_analysis")
    assert set(trends["direction"]) == {"level"}
    assert set(trends["level_changed_on"]) == {""}


def test_too_few_days_have_no_trend() -> None:
    (trends,) = results(days(dict.fromkeys(range(13), 5)), "trend_analysis")
    assert set(trends["direction"]) == {"too few days"}
    assert trends["change_per_week"].null_count() == trends.height


def test_a_change_of_the_level_is_found_on_its_day() -> None:
    noise = np.random.default_rng(7).normal(0, 3, 80)
    values = np.where(np.arange(80) < 43, 50.0, 70.0) + noise
    assert level_changes(values) == [43]
    assert level_changes(np.full(40, 5.0)) == []
    assert level_changes(np.arange(5.0)) == []


def test_the_slope_is_that_of_the_line_and_its_interval_contains_it() -> None:
    numbers = np.arange(30, dtype=np.float64)
    assert slopes(numbers, 3 * numbers + 1) == pytest.approx((3, 3, 3))


def test_the_interval_contains_the_true_slope_about_as_often_as_it_promises() -> None:
    random = np.random.default_rng(11)
    numbers = np.arange(60, dtype=np.float64)
    hits = 0
    for _ in range(200):
        _, low, high = slopes(numbers, 0.5 * numbers + random.normal(0, 10, 60))
        hits += low <= 0.5 <= high
    assert 182 <= hits <= 199


def test_the_best_days_are_compared_with_days_of_their_kind() -> None:
    units = {day: 100 if day % 7 < 5 else 20 for day in range(21)}
    units |= {12: 60, 16: 20}  # a Saturday with three times its usual; the 16th day is a holiday
    (best,) = results(days(units), "top_performing_days")
    of_all = best.filter(pl.col("scope") == "all")
    assert of_all.select("place", "business_date", "units", "usual_units", "comparable_days").rows() == [
        (1, FIRST + timedelta(days=12), 60, 20, 3)
    ]
    assert of_all["reason"].to_list() == ["60 units on a Saturday, 3.0 times the usual 20.0 of 3 such days"]


def test_a_holiday_is_named_in_the_reason() -> None:
    units = dict.fromkeys(range(28), 10) | {16: 50}
    (best,) = results(days(units), "top_performing_days")
    assert best["reason"][0] == "50 units on a Wednesday (春分の日), 5.0 times the usual 10.0 of 5 such days"


def test_a_series_of_one_kind_of_day_has_a_trend_too() -> None:
    rows = pl.DataFrame(
        {
            "business_date": [FIRST + timedelta(days=day) for day in range(20)],
            "units": list(range(20)),
            "day_kind": ["workday"] * 20,
        }
    )
    assert trend_of(rows)["change_per_week"] == pytest.approx(7)
