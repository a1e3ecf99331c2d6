"""Vending's forecasts: units per machine, product and day, two weeks ahead, from what was sold and what could have
been."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from vending_platform.analysis.forecasting import (
    Covariates,
    Declaration,
    Forecasts,
    errors_shown,
    errors_table,
    forecast,
    forecast_table,
    group_table,
    usual_errors,
)
from vending_platform.analysis.functions import AtLeast, InputTable, Keys, NoneIs, NoNulls, checked, part
from vending_platform.defs.vending.holidays import holiday

INPUTS = {
    "fct_slot_inventory_daily": InputTable(
        ("machine_id", "slot_no", "product_id", "business_date", "units_sold", "closing_units", "opening_units")
    ),
    "fct_stockouts": InputTable(("machine_id", "slot_no", "business_date", "started_at", "ended_at")),
    "mart_machine_daily": InputTable(("machine_id", "business_date", "vends")),
    "dim_products": InputTable(("product_id", "category_id", "temperature", "valid_from")),
    "dim_machines": InputTable(("machine_id", "prefecture"), is_needed=False),
    "dim_holidays": InputTable(("business_date",), is_needed=False),
    "mart_weather_daily": InputTable(
        ("prefecture", "business_date", "temperature_mean", "precipitation"), is_needed=False
    ),
    "mart_weather_forecasts": InputTable(
        ("prefecture", "business_date", "known_on", "temperature_mean", "precipitation"), is_needed=False
    ),
    "earlier_errors": InputTable(
        ("forecast_on", "level", "model", "segment", "newest_wape"), history_of="forecast_errors"
    ),
}
SCHEMA = "ml"
DELIVERED = {"unit_forecasts": "daily_unit_forecasts", "machine_forecasts": "daily_machine_forecasts"}
HISTORY = {"forecast_errors": "forecast_on"}
SHOWN = {"forecast_errors": lambda errors, inputs: errors_shown(errors, inputs["earlier_errors"])}
DECLARED = Declaration(
    name="units sold",
    series=("machine_id", "product_id"),
    day="business_date",
    target="units_sold",
    available="share_available",
    group="machine_id",
    pool="temperature",
    category="category_id",
    is_holiday=lambda day: holiday(day) is not None,
)
WITH_WEATHER = replace(DECLARED, region="prefecture")
WEATHER = ("temperature_mean", "precipitation")
_DAY = 24 * 3600


@dataclass(frozen=True)
class Weather:
    covariates: Covariates | None
    prefectures: pl.DataFrame | None
    """Where each machine stands."""
    note: str
    """What is missing, in words."""


@part
def product_days(
    fct_slot_inventory_daily: pl.DataFrame,
    fct_stockouts: pl.DataFrame,
    mart_machine_daily: pl.DataFrame,
    dim_products: pl.DataFrame,
) -> pl.DataFrame:
    """What each machine sold of each product on each day, and the share of the day on which it could be bought: not
    while all of its slots were empty, and not at all on days on which the machine sold nothing of anything."""
    sold = mart_machine_daily.filter(pl.col("vends") > 0).select("machine_id", "business_date", works=pl.lit(1.0))
    slots = (
        fct_slot_inventory_daily.join(
            _empty_shares(fct_stockouts), on=["machine_id", "slot_no", "business_date"], how="left"
        )
        .join(sold, on=["machine_id", "business_date"], how="left")
        .filter(pl.col("product_id").is_not_null())
        .with_columns((1 - pl.col("empty").fill_null(0.0)).clip(0, 1).alias("stocked"))
    )
    days = slots.group_by("machine_id", "product_id", "business_date").agg(
        pl.col("units_sold").sum(),
        (pl.col("stocked").max() * pl.col("works").max().fill_null(0.0)).alias("share_available"),
    )
    products = dim_products.sort("valid_from", nulls_last=False).group_by("product_id").last()
    return days.join(products.select("product_id", "category_id", "temperature"), on="product_id", how="left").sort(
        "machine_id", "product_id", "business_date"
    )


@part
def weather(
    dim_machines: pl.DataFrame, mart_weather_daily: pl.DataFrame, mart_weather_forecasts: pl.DataFrame
) -> Weather:
    """The weather of each prefecture, as it was and as it was forecast on each day before."""
    missing = [
        name
        for name, rows in (("mart_weather_daily", mart_weather_daily), ("dim_machines", dim_machines))
        if rows.is_empty()
    ]
    if missing:
        verb = "has" if len(missing) == 1 else "have"
        return Weather(None, None, f"no weather is known: {' and '.join(missing)} {verb} no rows")
    note = "" if mart_weather_forecasts.height else "no forecast of the weather is known, so it is taken to be as usual"
    return Weather(
        Covariates(WEATHER, mart_weather_daily, mart_weather_forecasts),
        dim_machines.group_by("machine_id").agg(pl.col("prefecture").last()),
        note,
    )


@part
def calendar(dim_holidays: pl.DataFrame) -> Callable[[date], bool]:
    """Whether a day is a holiday: as the Cabinet Office publishes it, and by law for years that it says nothing of."""
    listed = set(dim_holidays["business_date"]) if dim_holidays.height else set()
    years = {day.year for day in listed}
    return lambda day: day in listed if day.year in years else holiday(day) is not None


@part
def computed_forecasts(
    product_days: pl.DataFrame, weather: Weather, calendar: Callable[[date], bool], earlier_errors: pl.DataFrame
) -> Forecasts:
    """A model whose error is not what it was in earlier runs is left out."""
    last = product_days["business_date"].max()
    usual = usual_errors(earlier_errors, last) if isinstance(last, date) else {}
    if weather.covariates is None or weather.prefectures is None:
        found = forecast(product_days, replace(DECLARED, is_holiday=calendar), usual=usual)
    else:
        rows = product_days.join(weather.prefectures, on="machine_id", how="left")
        declared = replace(WITH_WEATHER, is_holiday=calendar)
        found = forecast(rows, declared, usual=usual, covariates=weather.covariates)
    return replace(found, left_out={**found.left_out, "weather": weather.note}) if weather.note else found


@checked(
    Keys("machine_id", "product_id", "business_date"),
    NoNulls("expected", "q10", "q50", "q90"),
    AtLeast(0, "expected", "q10", "q50", "q90"),
)
def unit_forecasts(computed_forecasts: Forecasts) -> pl.DataFrame:
    """Units per machine, product and day for the next two weeks: expected, and quantiles."""
    return forecast_table(computed_forecasts)


@checked(
    Keys("machine_id", "business_date"),
    NoNulls("expected", "q10", "q50", "q90"),
    AtLeast(0, "expected", "q10", "q50", "q90"),
)
def machine_forecasts(computed_forecasts: Forecasts) -> pl.DataFrame:
    """Units of a whole machine per day for the next two weeks: quantiles of products do not add up to those."""
    return group_table(computed_forecasts)


@checked(Keys("forecast_on", "level", "model", "segment"), NoneIs("is_out_of_range", importance="warn"))
def forecast_errors(computed_forecasts: Forecasts) -> pl.DataFrame:
    """How good each model was when it forecast days that are known by now, per segment."""
    return errors_table(computed_forecasts)


def _empty_shares(stockouts: pl.DataFrame) -> pl.DataFrame:
    """Per slot and day the share of the day on which it was empty: a stock-out is a row on the day on which it
    began."""
    last = pl.col("ended_at").fill_null(pl.col("ended_at").max()).fill_null(pl.col("started_at"))
    spells = stockouts.with_columns(last.alias("ended_at")).filter(pl.col("ended_at") > pl.col("started_at"))
    return (
        spells.with_columns(pl.date_ranges(pl.col("started_at").dt.date(), pl.col("ended_at").dt.date()).alias("day"))
        .explode("day")
        .with_columns(pl.col("day").cast(pl.Datetime("us")).alias("midnight"))
        .with_columns(
            pl.min_horizontal("ended_at", pl.col("midnight") + pl.duration(days=1)).alias("until"),
            pl.max_horizontal("started_at", "midnight").alias("since"),
        )
        .group_by("machine_id", "slot_no", pl.col("day").alias("business_date"))
        .agg(((pl.col("until") - pl.col("since")).dt.total_seconds().sum() / _DAY).clip(0, 1).alias("empty"))
    )
