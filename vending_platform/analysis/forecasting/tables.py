"""Forecasts and their errors as tables, as they are kept in the warehouse."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from vending_platform.analysis.forecasting.combining import Level
from vending_platform.analysis.forecasting.declaration import HORIZON, LEVELS, Declaration
from vending_platform.analysis.forecasting.engine import COMBINED, Forecasts

_RUNS = 30
"""Earlier runs that decide what is usual."""


def forecast_table(forecasts: Forecasts) -> pl.DataFrame:
    """A row per series that is still there and day ahead: `expected`, and a quantile per column (`q50` is the
    median)."""
    declared = forecasts.declared
    return _table(forecasts.series, forecasts.series.panel.keys.select(declared.series), declared)


def group_table(forecasts: Forecasts) -> pl.DataFrame:
    """The same of each group as a whole: quantiles of its series don't add up to its own."""
    declared = forecasts.declared
    names = forecasts.groups.panel.keys.select(pl.col("group").alias(declared.group))
    return _table(forecasts.groups, names, declared)


def _table(level: Level, names: pl.DataFrame, declared: Declaration) -> pl.DataFrame:
    panel, active = level.panel, level.panel.is_active
    ahead = np.tile(np.arange(1, HORIZON + 1), int(active.sum()))
    rows = names.filter(pl.Series(active)).select(pl.all().repeat_by(HORIZON).explode())
    return rows.with_columns(
        pl.lit(panel.last_day).alias("forecast_on"),
        pl.Series(declared.day, [panel.last_day + timedelta(days=int(days)) for days in ahead]),
        pl.Series("days_ahead", ahead, dtype=pl.Int64),
        pl.Series("expected", np.round(level.means[active].ravel(), 4)),
        *(
            pl.Series(f"q{round(share * 100):02}", np.round(level.quantiles[number][active].ravel(), 4))
            for number, share in enumerate(LEVELS)
        ),
    ).sort(*names.columns, declared.day)


def usual_errors(earlier: pl.DataFrame, before: date) -> dict[str, list[float]]:
    """Per model what its error was in earlier runs, the oldest first, of `errors_table`'s rows of the days before."""
    if earlier.is_empty():
        return {}
    rows = earlier.filter(
        (pl.col("forecast_on") < before) & (pl.col("level") == "series") & (pl.col("segment") == "all")
    ).filter(pl.col("newest_wape").is_not_null())
    newest = rows.sort("forecast_on").group_by("model", maintain_order=True).tail(_RUNS)
    return {
        str(model): found["newest_wape"].to_list() for (model,), found in newest.group_by("model", maintain_order=True)
    }


def errors_table(forecasts: Forecasts) -> pl.DataFrame:
    """A row per model and segment: how good it was in the backtests of this run. A model that was left out has a row
    with the reason and without errors."""
    categories = _category_names(forecasts)
    last = forecasts.series.panel.last_day
    rows = [
        {
            "forecast_on": last,
            "level": level,
            "model": model,
            "segment": categories.get(segment, segment),
            "forecasts": found.count,
            "wape": found.wape,
            "mase": found.mase,
            "pinball": found.pinball,
            "coverage": found.coverage,
            "bias": found.bias,
            "newest_wape": forecasts.newest_errors.get(model) if (level, segment) == ("series", "all") else None,
            "is_used": True,
            "is_out_of_range": False,
            "note": "what is delivered" if model == COMBINED else "",
        }
        for level, measured in (("series", forecasts.series.measured), ("group", forecasts.groups.measured))
        for (model, segment), found in measured.items()
    ]
    rows += [
        {"forecast_on": last, "level": "series", "model": model, "segment": "all", "forecasts": 0, "is_used": False,
         "newest_wape": forecasts.newest_errors.get(model), "is_out_of_range": model in forecasts.newest_errors,
         "note": reason}
        for model, reason in forecasts.left_out.items()
    ]  # fmt: skip
    texts = dict.fromkeys(("level", "model", "segment", "note"), pl.String)
    numbers = dict.fromkeys(("wape", "mase", "pinball", "coverage", "bias", "newest_wape"), pl.Float64)
    schema = {"forecast_on": pl.Date, **texts, "forecasts": pl.Int64, **numbers}
    schema |= dict.fromkeys(("is_used", "is_out_of_range"), pl.Boolean)
    table = pl.DataFrame(rows, schema=schema)
    return table.with_columns(pl.col(list(numbers)).fill_nan(None).round(4)).sort("level", "segment", "model")


def _category_names(forecasts: Forecasts) -> dict[str, str]:
    panel = forecasts.series.panel
    names = panel.keys[forecasts.declared.category].cast(pl.String).fill_null("")
    return {
        f"category {number}": f"category {name}" for number, name in zip(panel.categories.tolist(), names, strict=True)
    }
