"""Made-up loans that follow the sun: its effect is found again, and nothing of it is known before it could be."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from vending_platform.analysis.forecasting import (
    HORIZON,
    KNOWN_ON,
    Covariates,
    Declaration,
    errors_table,
    forecast,
)
from vending_platform.analysis.forecasting.covariates import responding
from vending_platform.analysis.forecasting.panel import panel_of

FIRST, DAYS = date(2024, 1, 1), 98
DECLARED = Declaration(
    name="loans",
    series=("branch", "shelf"),
    day="day",
    target="loans",
    available="open",
    group="branch",
    pool="kind",
    category="kind",
    region="town",
)
BRANCHES, EFFECTS = 6, {"novels": -0.06, "guides": 0.04}
"""By an hour of sun: at home or outside."""
RANDOM = np.random.default_rng(4)
SUN = {town: np.clip(RANDOM.normal(6, 3, DAYS + HORIZON), 0, 12) for town in ("north", "south")}


def rate(branch: int, kind: str, day: int) -> float:
    return (60 + 20 * branch) * float(np.exp(EFFECTS[kind] * (SUN[town_of(branch)][day] - 6)))


def town_of(branch: int) -> str:
    return "north" if branch % 2 else "south"


def loans() -> pl.DataFrame:
    random = np.random.default_rng(8)
    return pl.DataFrame(
        [
            {
                "branch": f"B{branch}",
                "shelf": kind,
                "kind": kind,
                "town": town_of(branch),
                "day": FIRST + timedelta(days=day),
                "loans": int(random.poisson(rate(branch, kind, day))),
                "open": 1.0,
            }
            for branch in range(BRANCHES)
            for kind in EFFECTS
            for day in range(DAYS)
        ]
    )


def sun(*, error: float = 0.0) -> Covariates:
    """What was measured, and on each day what was expected of the seven days after it."""
    random = np.random.default_rng(2)
    happened = [(town, FIRST + timedelta(days=day), hours[day]) for town, hours in SUN.items() for day in range(DAYS)]
    expected = [
        (town, FIRST + timedelta(days=day + ahead), FIRST + timedelta(days=day), said)
        for town, hours in SUN.items()
        for day in range(DAYS)
        for ahead in range(1, 8)
        for said in [hours[day + ahead] + random.normal(0, error)]
    ]
    names = ["town", "day", "hours"]
    return Covariates(
        ("hours",),
        pl.DataFrame(happened, schema=names, orient="row"),
        pl.DataFrame(expected, schema=["town", "day", KNOWN_ON, "hours"], orient="row"),
    )


def truth() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Of the next seven days, by branch and shelf as sorted."""
    series = [(branch, kind) for branch in range(BRANCHES) for kind in sorted(EFFECTS)]
    return np.array([[rate(branch, kind, DAYS + ahead) for ahead in range(7)] for branch, kind in series])


def test_what_the_weather_does_is_found_and_used() -> None:
    with_sun = forecast(loans(), DECLARED, boosted=False, covariates=sun())
    without = forecast(loans(), DECLARED, boosted=False)
    wrong = [np.abs(found.series.means[:, :7] - truth()).sum() / truth().sum() for found in (with_sun, without)]
    assert wrong[0] < 0.06
    assert wrong[1] > 0.1


def test_errors_stand_beside_those_without() -> None:
    table = errors_table(forecast(loans(), DECLARED, boosted=False, covariates=sun()))
    for level in ("series", "group"):
        of_all = table.filter((pl.col("level") == level) & (pl.col("segment") == "all")).rows_by_key(
            "model", named=True
        )
        (with_sun,), (without,) = of_all["combined"], of_all["combined_without_covariates"]
        assert with_sun["wape"] < 0.97 * without["wape"]
        assert with_sun["pinball"] < without["pinball"]
        assert with_sun["forecasts"] == without["forecasts"]
        assert 0.7 < with_sun["coverage"] < 0.9
        assert {"smoothed_adjusted", "pooled_adjusted"} < set(of_all)


@pytest.mark.parametrize("known_days", [DAYS, DAYS - 14, DAYS - 42])
def test_nothing_is_known_before_it_was(known_days: int) -> None:
    """All that came, or was said, after the day that is forecast from, is altered: nothing is different."""
    panel, last = panel_of(loans(), DECLARED), FIRST + timedelta(days=known_days - 1)
    covariates = sun(error=2.0)
    altered = replace(
        covariates,
        happened=later(covariates.happened, "day", last),
        expected=later(covariates.expected, KNOWN_ON, last),
    )
    found, other = (responding(panel, one, DECLARED, [known_days]).responses for one in (covariates, altered))
    assert np.array_equal(found[known_days].past, other[known_days].past)
    assert np.array_equal(found[known_days].ahead, other[known_days].ahead)
    said_today = replace(covariates, expected=later(covariates.expected, KNOWN_ON, last - timedelta(days=1)))
    different = responding(panel, said_today, DECLARED, [known_days]).responses
    assert not np.array_equal(found[known_days].ahead, different[known_days].ahead)


def later(rows: pl.DataFrame, column: str, last: date) -> pl.DataFrame:
    return rows.with_columns(
        pl.when(pl.col(column) > last).then(99.0 - pl.col("hours")).otherwise("hours").alias("hours")
    )


def test_forecasts_that_never_came_true_move_little() -> None:
    panel = panel_of(loans(), DECLARED)
    good, bad = (
        responding(panel, sun(error=error), DECLARED, [DAYS]).responses[DAYS].ahead[:, :7] for error in (0.0, 30.0)
    )
    assert np.abs(np.log(good)).mean() > 0.08
    assert np.abs(np.log(bad)).mean() < 0.5 * np.abs(np.log(good)).mean()


def test_an_older_forecast_serves_until_there_is_a_newer_one() -> None:
    panel, covariates = panel_of(loans(), DECLARED), sun()
    old = covariates.expected.filter(pl.col(KNOWN_ON) <= FIRST + timedelta(days=DAYS - 3))
    found = responding(panel, replace(covariates, expected=old), DECLARED, [DAYS]).responses[DAYS].ahead
    fresh = responding(panel, covariates, DECLARED, [DAYS]).responses[DAYS].ahead
    assert found[:, :5] == pytest.approx(fresh[:, :5], rel=0.02)
    assert np.abs(found[:, 5:7] - fresh[:, 5:7]).max() > 0.02


def test_where_nothing_is_known_nothing_is_moved() -> None:
    rows = loans().with_columns(pl.when(pl.col("town") == "south").then(None).otherwise("town").alias("town"))
    panel = panel_of(rows, DECLARED)
    response = responding(panel, sun(), DECLARED, [DAYS]).responses[DAYS]
    is_there = panel.keys["town"].is_not_null().to_numpy()
    assert (response.past[~is_there] == 1).all()
    assert (response.ahead[~is_there] == 1).all()
    assert response.past[is_there].std() > 0.05
    empty = Covariates(("hours",), sun().happened.clear(), sun().expected.clear())
    assert (responding(panel, empty, DECLARED, [DAYS]).responses[DAYS].past == 1).all()
