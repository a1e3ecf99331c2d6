"""Forecasts of made-up shops: what is known about how they were made must be found again."""

from datetime import date, timedelta
from math import exp, lgamma, log

import numpy as np
import polars as pl
import pytest

from vending_platform.analysis.forecasting import (
    HORIZON,
    LEVELS,
    Declaration,
    Forecasts,
    NothingToForecast,
    errors_table,
    forecast,
    forecast_table,
)
from vending_platform.analysis.forecasting.engine import out_of_range
from vending_platform.analysis.forecasting.panel import panel_of
from vending_platform.analysis.forecasting.quantiles import Dispersion, learn_spread
from vending_platform.analysis.forecasting.simple import pooled, smoothed, weekday_mean

FIRST = date(2024, 1, 1)
DECLARED = Declaration(
    name="loans",
    series=("branch", "shelf"),
    day="day",
    target="loans",
    available="open",
    group="branch",
    pool="season",
    category="kind",
)
WEEK = np.array([1.0, 1.0, 1.1, 1.2, 1.5, 0.7, 0.5])
BRANCHES, SHELVES, DAYS = 4, 6, 84


def rates() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """[series, day] of the days that are known and of those to come."""
    sizes = np.outer([1.0, 2.0, 3.0, 0.5], [1.0, 2.0, 4.0, 6.0, 8.0, 10.0]).ravel()
    return np.asarray(sizes[:, None] * WEEK[np.arange(DAYS + HORIZON) % 7])


def loans(seed: int = 1, days: int = DAYS) -> pl.DataFrame:
    drawn = np.random.default_rng(seed).poisson(rates()[:, :days])
    return pl.DataFrame(
        [
            {
                "branch": f"B{series // SHELVES}",
                "shelf": f"S{series % SHELVES}",
                "day": FIRST + timedelta(days=day),
                "loans": int(drawn[series, day]),
                "open": 1.0,
                "season": "summer" if series % 2 else "winter",
                "kind": f"K{series % SHELVES}",
            }
            for series in range(BRANCHES * SHELVES)
            for day in range(days)
        ]
    )


@pytest.fixture(scope="module")
def forecasts() -> Forecasts:
    return forecast(loans(), DECLARED, boosted=False)


def test_every_series_has_two_weeks_of_quantiles_that_do_not_cross(forecasts: Forecasts) -> None:
    table = forecast_table(forecasts)
    assert table.height == BRANCHES * SHELVES * HORIZON
    assert table["day"].min() == FIRST + timedelta(days=DAYS)
    assert table["days_ahead"].max() == HORIZON
    levels = [f"q{round(level * 100):02}" for level in LEVELS]
    values = table.select(levels).to_numpy()
    assert (np.diff(values, axis=1) >= 0).all()
    assert (values >= 0).all()


def test_what_is_expected_is_near_what_was_drawn_from(forecasts: Forecasts) -> None:
    truth = rates()[:, DAYS:]
    assert np.abs(forecasts.series.means - truth).sum() / truth.sum() < 0.08
    of_groups = truth.reshape(BRANCHES, SHELVES, HORIZON).sum(axis=1)
    assert np.abs(forecasts.groups.means - of_groups).sum() / of_groups.sum() < 0.06


def test_four_of_five_fall_within_the_interval(forecasts: Forecasts) -> None:
    happened = np.random.default_rng(9).poisson(rates()[:, DAYS:])
    low, high = forecasts.series.quantiles[LEVELS.index(0.1)], forecasts.series.quantiles[LEVELS.index(0.9)]
    assert 0.72 <= ((happened >= low) & (happened <= high)).mean() <= 0.92


def test_the_same_rows_give_the_same_forecasts(forecasts: Forecasts) -> None:
    again = forecast(loans().sample(fraction=1, shuffle=True, seed=3), DECLARED, boosted=False)
    assert forecast_table(again).equals(forecast_table(forecasts))
    assert errors_table(again).equals(errors_table(forecasts))


@pytest.mark.parametrize("model", [weekday_mean, smoothed, pooled])
def test_a_day_that_was_not_available_is_censored_and_not_zero(model: object) -> None:
    assert callable(model)
    rows = loans()
    closed = (pl.col("shelf") == "S5") & (pl.col("day").dt.ordinal_day() % 3 == 0)
    censored = rows.with_columns(
        pl.when(closed).then(0).otherwise("loans").alias("loans"),
        pl.when(closed).then(0.0).otherwise("open").alias("open"),
    )
    as_zero = censored.with_columns(pl.lit(1.0).alias("open"))
    truth, of_shelf = rates()[:, DAYS:], np.arange(BRANCHES * SHELVES) % SHELVES == 5
    found = model(panel_of(censored, DECLARED))
    assert found[of_shelf].sum() == pytest.approx(truth[of_shelf].sum(), rel=0.1)
    assert model(panel_of(as_zero, DECLARED))[of_shelf].sum() < 0.8 * truth[of_shelf].sum()


def test_a_new_series_is_expected_to_be_like_its_category_at_its_place() -> None:
    rows = loans().filter((pl.col("branch") != "B2") | (pl.col("shelf") != "S5") | (pl.col("day") >= date(2024, 3, 24)))
    panel = panel_of(rows, DECLARED)
    new = panel.keys.with_row_index().filter((pl.col("branch") == "B2") & (pl.col("shelf") == "S5"))["index"][0]
    assert pooled(panel)[new].mean() == pytest.approx(30, rel=0.35)


def test_a_series_that_is_gone_is_not_forecast() -> None:
    rows = loans().filter((pl.col("shelf") != "S0") | (pl.col("day") < date(2024, 3, 1)))
    assert "S0" not in set(forecast_table(forecast(rows, DECLARED, boosted=False))["shelf"])


def test_a_model_whose_error_leaves_its_range_is_left_out_and_the_simpler_ones_serve() -> None:
    usual = {"pooled": [0.01, 0.011, 0.01, 0.009, 0.01], "smoothed": [0.5] * 5, "weekday_mean": [0.01] * 5}
    found = forecast(loans(), DECLARED, usual=usual, boosted=False)
    assert found.models == ("weekday_mean", "smoothed")
    assert "usually at most" in found.left_out["pooled"]
    notes = errors_table(found).filter(~pl.col("is_used"))
    assert set(notes["model"]) == {"pooled", "boosted"}
    assert "vending-platform[forecasts]" in notes.filter(pl.col("model") == "boosted")["note"][0]


def test_a_range_needs_a_history() -> None:
    assert out_of_range(9.9, [0.1] * 4) is None
    assert out_of_range(0.11, [0.1, 0.1, 0.1, 0.1, 0.1]) is None
    assert out_of_range(0.12, [0.1, 0.1, 0.1, 0.1, 0.1]) is not None


def test_too_few_days_are_named() -> None:
    with pytest.raises(NothingToForecast, match="loans has 13 days, and 14 are needed"):
        forecast(loans(days=13), DECLARED)
    with pytest.raises(NothingToForecast, match="there are no rows"):
        forecast(loans().clear(), DECLARED)
    assert forecast_table(forecast(loans(days=14), DECLARED, boosted=False)).height == BRANCHES * SHELVES * HORIZON


def test_boosting_is_deterministic_and_does_no_harm(forecasts: Forecasts) -> None:
    boosted = forecast(loans(), DECLARED, seed=5, boosted=True)
    again = forecast(loans(), DECLARED, seed=5, boosted=True)
    assert forecast_table(boosted).equals(forecast_table(again))
    assert "boosted" not in boosted.left_out
    truth, middle = rates()[:, DAYS:], LEVELS.index(0.5)
    errors = [np.abs(found.series.quantiles[middle] - truth).sum() for found in (boosted, forecasts)]
    assert errors[0] < 1.15 * errors[1]


def test_errors_are_measured_for_all_models_and_segments(forecasts: Forecasts) -> None:
    table = errors_table(forecasts)
    is_delivered = (pl.col("model") == "combined") & (pl.col("level") == "series")
    combined = table.filter(is_delivered & (pl.col("segment") == "all"))
    (row,) = combined.to_dicts()
    assert row["forecasts"] > 1000
    assert 0 < row["wape"] < 0.4
    assert row["mase"] < 0.9  # a week before is as noisy as the day itself
    assert abs(row["bias"]) < 0.05
    assert {"category K0", "category K5"} < set(table["segment"])


@pytest.mark.parametrize("excess", [0.0, 0.2])
@pytest.mark.parametrize("mean", [0.3, 2.0, 12.0, 90.0])
def test_quantiles_are_those_of_the_distribution(mean: float, excess: float) -> None:
    spread = Dispersion(excess, np.ones(9))
    found = spread.quantiles(np.array([mean]), LEVELS)[:, 0]
    for level, value in zip(LEVELS, found, strict=True):
        assert abs(value - true_quantile(mean, excess, level)) <= max(0.51, 0.03 * mean)


def true_quantile(mean: float, excess: float, level: float) -> int:
    """By adding up the probabilities as textbooks write them."""
    below = 0.0
    for count in range(10_000):
        if not excess:
            chance = exp(count * log(mean) - mean - lgamma(count + 1))
        else:
            size, share = 1 / excess, 1 / (1 + excess * mean)
            ways = lgamma(count + size) - lgamma(size) - lgamma(count + 1)
            chance = exp(ways + size * log(share) + count * log(1 - share))
        below += chance
        if below >= level:
            return count
    raise AssertionError("the probabilities add up to 1")


def test_an_interval_is_stretched_until_it_holds_what_it_promises() -> None:
    random = np.random.default_rng(3)
    means = random.uniform(1, 20, 4000)
    happened = np.maximum(means + random.normal(0, 3 * np.sqrt(means)), 0)
    learned = learn_spread(means[:2000], happened[:2000], 0.8)
    low, high = learned.quantiles(means[2000:], (0.1, 0.9))
    assert 0.76 <= ((happened[2000:] >= low) & (happened[2000:] <= high)).mean() <= 0.84


def test_features_that_are_known_before_go_on_for_the_days_ahead() -> None:
    rows = loans().with_columns(pl.col("day").dt.ordinal_day().cast(pl.Float64).alias("price"))
    declared = Declaration(**{**vars(DECLARED), "features": ("price",)})
    panel = panel_of(rows, declared)
    assert panel.features is not None
    assert panel.features.shape == (1, BRANCHES * SHELVES, DAYS + HORIZON)
    assert (panel.features[0, :, DAYS:] == DAYS).all()
    assert "price" in declared.columns
    assert forecast_table(forecast(rows, declared, boosted=True)).height == BRANCHES * SHELVES * HORIZON
