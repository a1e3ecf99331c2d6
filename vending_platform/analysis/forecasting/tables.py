"""Forecasts and their errors as tables, as they are kept in the warehouse."""

from datetime import timedelta

import numpy as np
import polars as pl

from vending_platform.analysis.forecasting.declaration import HORIZON, LEVELS
from vending_platform.analysis.forecasting.engine import COMBINED, Forecasts


def forecast_table(forecasts: Forecasts) -> pl.DataFrame:
    """A row per series that is still there and day ahead: `expected`, and a quantile per column (`q50` is the
    median)."""
    panel, active = forecasts.series.panel, forecasts.series.panel.is_active
    count = int(active.sum())
    ahead = np.tile(np.arange(1, HORIZON + 1), count)
    rows = panel.keys.filter(pl.Series(active)).select(forecasts.declared.series)
    rows = rows.select(pl.all().repeat_by(HORIZON).explode())
    return rows.with_columns(
        pl.lit(panel.last_day).alias("forecast_on"),
        pl.Series(forecasts.declared.day, [panel.last_day + timedelta(days=int(days)) for days in ahead]),
        pl.Series("days_ahead", ahead, dtype=pl.Int64),
        pl.Series("expected", np.round(forecasts.series.means[active].ravel(), 4)),
        *(
            pl.Series(f"q{round(level * 100):02}", np.round(forecasts.series.quantiles[number][active].ravel(), 4))
            for number, level in enumerate(LEVELS)
        ),
    ).sort(*forecasts.declared.series, forecasts.declared.day)


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
            "is_used": True,
            "note": "what is delivered" if model == COMBINED else "",
        }
        for level, measured in (("series", forecasts.series.measured), ("group", forecasts.groups.measured))
        for (model, segment), found in measured.items()
    ]
    rows += [
        {"forecast_on": last, "level": "series", "model": model, "segment": "all", "forecasts": 0, "is_used": False,
         "note": reason}
        for model, reason in forecasts.left_out.items()
    ]  # fmt: skip
    texts = dict.fromkeys(("level", "model", "segment", "note"), pl.String)
    numbers = dict.fromkeys(("wape", "mase", "pinball", "coverage", "bias"), pl.Float64)
    schema = {"forecast_on": pl.Date, **texts, "forecasts": pl.Int64, **numbers, "is_used": pl.Boolean}
    table = pl.DataFrame(rows, schema=schema)
    return table.with_columns(pl.col(list(numbers)).fill_nan(None).round(4)).sort("level", "segment", "model")


def _category_names(forecasts: Forecasts) -> dict[str, str]:
    panel = forecasts.series.panel
    names = panel.keys[forecasts.declared.category].cast(pl.String).fill_null("")
    return {
        f"category {number}": f"category {name}" for number, name in zip(panel.categories.tolist(), names, strict=True)
    }
