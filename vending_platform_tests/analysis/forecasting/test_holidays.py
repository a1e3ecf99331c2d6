"""A holiday lies between its weekday and a Sunday, as far as holidays have shown."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from vending_platform.analysis.forecasting.declaration import Declaration
from vending_platform.analysis.forecasting.panel import panel_of
from vending_platform.analysis.forecasting.simple import pooled, week_patterns

FIRST, DAYS = date(2024, 1, 1), 112
HOLIDAYS = {FIRST + timedelta(days=number) for number in (7, 22, 44, 59, 73, 86, 91, 100, DAYS, DAYS + 2)}
"""Mondays to Fridays; the last two are to come."""
WEEK = (2.0, 2.0, 2.0, 2.0, 2.0, 0.5, 0.5)
DECLARED = Declaration(
    name="loans",
    series=("branch",),
    day="day",
    target="loans",
    available="open",
    group="branch",
    pool="pool",
    category="pool",
    is_holiday=lambda day: day in HOLIDAYS,
)


def loans(like_a_sunday: float) -> pl.DataFrame:
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]

    def rate(day: date) -> float:
        usual = WEEK[day.weekday()]
        return usual + like_a_sunday * (WEEK[6] - usual) if day in HOLIDAYS else usual

    return pl.DataFrame(
        [
            {"branch": branch, "day": day, "loans": size * rate(day), "open": 1.0, "pool": "all"}
            for branch, size in (("A", 40), ("B", 90))
            for day in days
        ]
    )


@pytest.mark.parametrize("like_a_sunday", [0.0, 0.5, 1.0])
def test_how_far_holidays_are_like_sundays_is_learned(like_a_sunday: float) -> None:
    panel = panel_of(loans(like_a_sunday), DECLARED)
    monday, tuesday, wednesday = week_patterns(panel)[:, DAYS : DAYS + 3].T
    sunday = week_patterns(panel)[:, DAYS + 6]
    assert monday == pytest.approx(wednesday)
    found = (tuesday - monday) / (tuesday - sunday)
    assert found == pytest.approx([like_a_sunday] * 2, abs=0.2)
    assert (pooled(panel)[:, 0] / pooled(panel)[:, 1]) == pytest.approx(monday / tuesday, abs=0.1)


def test_without_holidays_in_the_past_one_is_like_its_weekday() -> None:
    panel = panel_of(loans(0.0), replace(DECLARED, is_holiday=lambda day: day == FIRST + timedelta(days=DAYS)))
    monday, tuesday = week_patterns(panel)[:, DAYS : DAYS + 2].T
    assert np.allclose(monday, tuesday, rtol=0.02)
