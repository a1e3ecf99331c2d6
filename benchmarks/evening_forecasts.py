"""The forecasts of an evening, by the platform's own functions on what the models hold then."""

from datetime import date

import duckdb
import polars as pl
import pyarrow as pa

from benchmarks.fleet_series import known_weather
from vending_platform.analysis import as_input
from vending_platform.analysis.forecasting import Covariates
from vending_platform.defs.vending.analysis import forecasts
from vending_platform.errors import PlatformError

READ = (*(name for name, table in forecasts.INPUTS.items() if not table.may_be_empty), "dim_machines")
"""The models that forecasts are made from; the weather is given."""
STAGED = "stg_forecasts__daily_unit_forecasts"


def forecasts_of(weather: Covariates, connection: duckdb.DuckDBPyConnection, evening: date) -> pa.Table | None:
    """Rows as `STAGED` has them; None while there are too few days."""
    tables = {
        name: as_input(connection.execute(f"select * from marts.{name}").to_arrow_table(), wanted, name)
        for name, wanted in forecasts.INPUTS.items()
        if name in READ
    }
    known = known_weather(weather, evening)
    of_machines = forecasts.weather(tables.pop("dim_machines"), known.happened, known.expected)
    no_errors = pl.DataFrame(schema=forecasts.INPUTS["earlier_errors"].columns)
    no_holidays = forecasts.calendar(pl.DataFrame())  # those of the law
    try:
        computed = forecasts.computed_forecasts(forecasts.product_days(**tables), of_machines, no_holidays, no_errors)
    except PlatformError:
        return None
    found: pa.Table = forecasts.unit_forecasts(computed).to_arrow()
    assert found["forecast_on"][0].as_py() == evening
    names = {"forecast_on": "business_date", "business_date": "forecast_day", "expected": "units_expected"}
    names |= {f"q{level}": f"units_q{level}" for level in (10, 50, 90)}
    kept = found.select(["machine_id", "product_id", "days_ahead", *names])
    return kept.rename_columns([names.get(name, name) for name in kept.column_names])
