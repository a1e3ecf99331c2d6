"""How the days of the summary relate to each other: the calendar, weeks, trends, and the best days."""

import polars as pl

from vending_platform.analysis.functions import AtLeast, InputTable, Keys, NoNulls, OneOf, checked
from vending_platform.defs.vending.analysis._trend import trend_of
from vending_platform.defs.vending.holidays import holiday

INPUTS = {
    "daily_sales_summary": InputTable(
        columns=("business_date", "scope", "machine_id", "units", "sales", "vends", "failed", "customers")
    )
}
_COUNTS = ("units", "sales", "vends", "failed", "customers")
_OF = ("scope", "machine_id")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BEST = {"all": 10, "machine": 3}
"""How many days of each are named, of what is comparable."""
_COMPARABLE_DAYS = 3
"""Fewer days of a kind are not compared."""


@checked(Keys("business_date", "scope", "machine_id"), NoNulls("weekday", "day_kind", "share_of_week"))
def enriched_daily_summary(daily_sales_summary: pl.DataFrame) -> pl.DataFrame:
    """Each day with its weekday, the holiday that it is, the mean of the units of the seven days up to it (of those
    that have rows), and its share of the units of its ISO week."""
    days = daily_sales_summary.select(pl.col("business_date").unique().sort())
    names = pl.Series("holiday", [holiday(day) for day in days["business_date"]], dtype=pl.String)
    number = pl.col("business_date").dt.weekday()
    calendar = days.with_columns(names).with_columns(
        number.replace_strict(range(1, 8), _WEEKDAYS, return_dtype=pl.String).alias("weekday"),
        pl.col("holiday").is_not_null().alias("is_holiday"),
        pl.when(pl.col("holiday").is_not_null() | (number == 7))
        .then(pl.lit("sunday or holiday"))
        .when(number == 6)
        .then(pl.lit("saturday"))
        .otherwise(pl.lit("workday"))
        .alias("day_kind"),
        (pl.col("business_date").dt.truncate("1w")).alias("week_begins_on"),
    )
    units_of_week = pl.col("units").sum().over(*_OF, "week_begins_on")
    return (
        daily_sales_summary.join(calendar, on="business_date", how="left")
        .sort(*_OF, "business_date")
        .with_columns(
            pl.col("units").rolling_mean_by("business_date", window_size="7d").over(*_OF).alias("moving_mean_units"),
            pl.when(units_of_week > 0)
            .then((pl.col("units") / units_of_week).round(6))
            .otherwise(0.0)
            .alias("share_of_week"),
        )
        .sort("business_date", *_OF)
    )


@checked(Keys("iso_week", "scope", "machine_id"), AtLeast(1, "days"))
def weekly_aggregation(daily_sales_summary: pl.DataFrame) -> pl.DataFrame:
    """The sums of ISO weeks, which begin on Monday, by business days in Japan. A week is whole if all its seven days
    have rows; only whole weeks are compared with each other."""
    begins = pl.col("business_date").dt.truncate("1w")
    weeks = (
        daily_sales_summary.group_by(begins.alias("week_begins_on"), *_OF)
        .agg(pl.col("business_date").n_unique().cast(pl.Int64).alias("days"), pl.col(_COUNTS).sum())
        .with_columns(
            pl.col("week_begins_on").dt.strftime("%G-W%V").alias("iso_week"),
            (pl.col("days") == 7).alias("is_whole"),
        )
        .sort(*_OF, "week_begins_on")
    )
    before = pl.col("units").shift(1).over(*_OF)
    is_next = (
        pl.col("is_whole")
        & pl.col("is_whole").shift(1).over(*_OF)
        & ((pl.col("week_begins_on") - pl.col("week_begins_on").shift(1).over(*_OF)) == pl.duration(days=7))
        & (before > 0)
    )
    change = pl.when(is_next).then((pl.col("units") / before - 1).round(6)).alias("change_of_units")
    return weeks.select("iso_week", "week_begins_on", *_OF, "days", "is_whole", *_COUNTS, change).sort(
        "week_begins_on", *_OF
    )


@checked(Keys("scope", "machine_id"), OneOf("direction", "rising", "falling", "level", "too few days"))
def trend_analysis(enriched_daily_summary: pl.DataFrame) -> pl.DataFrame:
    """Of each machine and of all: by how many units a day changes per week, once the kind of day is taken out, as the
    median of the slopes between all days, with its 95 % interval; and the days on which the level changed."""
    rows = [
        {"scope": scope, "machine_id": machine, **trend_of(days)}
        for (scope, machine), days in enriched_daily_summary.sort("business_date").group_by(_OF, maintain_order=True)
    ]
    schema = {
        "scope": pl.String, "machine_id": pl.String, "first_day": pl.Date, "last_day": pl.Date, "days": pl.Int64,
        "units_a_day": pl.Float64, "change_per_week": pl.Float64, "change_at_least": pl.Float64,
        "change_at_most": pl.Float64, "direction": pl.String, "level_changed_on": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).sort(*_OF)


@checked(NoNulls("reason"), AtLeast(1, "place"))
def top_performing_days(enriched_daily_summary: pl.DataFrame) -> pl.DataFrame:
    """The days that sold most against what is usual on such days (workdays, Saturdays, Sundays and holidays) at the
    same machine, or at all of them, with the reason in words."""
    group = (*_OF, "day_kind")
    compared = enriched_daily_summary.with_columns(
        pl.col("units").median().over(group).alias("usual_units"),
        pl.len().over(group).cast(pl.Int64).alias("comparable_days"),
    ).filter((pl.col("usual_units") > 0) & (pl.col("comparable_days") >= _COMPARABLE_DAYS))
    times = (pl.col("units") / pl.col("usual_units")).round(6).alias("times_usual")
    ranked = (
        compared.with_columns(times)
        .filter(pl.col("times_usual") > 1)
        .sort(*_OF, "times_usual", "units", "business_date", descending=[False, False, True, True, False])
        .with_columns((pl.int_range(pl.len()).over(*_OF) + 1).cast(pl.Int64).alias("place"))
        .filter(pl.col("place") <= pl.col("scope").replace_strict(_BEST, return_dtype=pl.Int64))
    )
    reason = pl.format(
        "{} units on a {}{}, {} times the usual {} of {} such days",
        "units",
        pl.col("weekday"),
        pl.when("is_holiday").then(pl.format(" ({})", pl.col("holiday").fill_null(""))).otherwise(pl.lit("")),
        pl.col("times_usual").round(1),
        pl.col("usual_units").round(1),
        "comparable_days",
    )
    return ranked.select(
        *_OF, "place", "business_date", "day_kind", "units", "usual_units", "times_usual", "comparable_days",
        reason.alias("reason"),
    ).sort(*_OF, "place")  # fmt: skip
