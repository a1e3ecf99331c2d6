"""Forecasts of what series will count on the next days, as quantiles. What a series is, a domain declares."""

from vending_platform.analysis.forecasting.covariates import KNOWN_ON, Covariates
from vending_platform.analysis.forecasting.declaration import HORIZON, LEVELS, Declaration, NothingToForecast
from vending_platform.analysis.forecasting.engine import BOOSTED, COMBINED, Forecasts, forecast
from vending_platform.analysis.forecasting.plots import errors_shown
from vending_platform.analysis.forecasting.tables import errors_table, forecast_table, group_table, usual_errors

__all__ = [
    "BOOSTED",
    "COMBINED",
    "HORIZON",
    "KNOWN_ON",
    "LEVELS",
    "Covariates",
    "Declaration",
    "Forecasts",
    "NothingToForecast",
    "errors_shown",
    "errors_table",
    "forecast",
    "forecast_table",
    "group_table",
    "usual_errors",
]
