"""From the marts to what could have been sold: days without stock or of a machine that is down are not days without
demand."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from vending_platform.analysis import analyse, load_pipelines
from vending_platform.defs.vending.analysis.forecasts import calendar, product_days

FIRST = date(2024, 3, 4)
DAYS = 28


Spell = tuple[str, datetime, datetime | None]
"""A slot that was empty, since when, and until when."""


def marts(*, stockouts: list[Spell], down: tuple[int, ...] = ()) -> dict[str, pl.DataFrame]:
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    slots = [("01", "P1"), ("02", "P1"), ("03", "P2")]
    return {
        "fct_slot_inventory_daily": pl.DataFrame(
            [
                {
                    "machine_id": "VM1",
                    "slot_no": slot,
                    "product_id": product,
                    "business_date": day,
                    "units_sold": 0 if number in down else 4,
                    "opening_units": 9,
                    "closing_units": 5,
                }
                for slot, product in slots
                for number, day in enumerate(days)
            ]
        ),
        "fct_stockouts": pl.DataFrame(
            [
                {
                    "machine_id": "VM1",
                    "slot_no": slot,
                    "business_date": since.date(),
                    "started_at": since,
                    "ended_at": until,
                }
                for slot, since, until in stockouts
            ],
            schema={
                "machine_id": pl.String,
                "slot_no": pl.String,
                "business_date": pl.Date,
                "started_at": pl.Datetime("us"),
                "ended_at": pl.Datetime("us"),
            },
        ),
        "mart_machine_daily": pl.DataFrame(
            {
                "machine_id": ["VM1"] * DAYS,
                "business_date": days,
                "vends": [0 if number in down else 12 for number in range(DAYS)],
            }
        ),
        "dim_products": pl.DataFrame(
            {
                "product_id": ["P1", "P1", "P2"],
                "category_id": ["old", "C1", "C2"],
                "temperature": ["cold", "cold", "hot"],
                "valid_from": [date(2023, 1, 1), date(2024, 1, 1), date(2024, 1, 1)],
            }
        ),
    }


def shares(rows: pl.DataFrame, product: str) -> dict[int, float]:
    """Of the days that were not wholly available, counted from the first."""
    found = rows.filter((pl.col("product_id") == product) & (pl.col("share_available") < 1))
    return {(day - FIRST).days: share for day, share in found.select("business_date", "share_available").rows()}


def test_a_product_can_be_bought_while_one_of_its_slots_has_some() -> None:
    noon = datetime(2024, 3, 5, 12)
    tables = marts(stockouts=[("01", noon, noon + timedelta(days=2)), ("03", noon, noon + timedelta(hours=30))])
    rows = product_days(**tables)
    assert shares(rows, "P1") == {}
    assert shares(rows, "P2") == pytest.approx({1: 0.5, 2: 0.25})
    assert rows.filter(pl.col("product_id") == "P1")["units_sold"].to_list() == [8] * DAYS
    assert set(rows["category_id"]) == {"C1", "C2"}


def test_a_machine_that_sold_nothing_all_day_says_nothing_about_demand() -> None:
    rows = product_days(**marts(stockouts=[], down=(3, 4)))
    assert shares(rows, "P1") == {3: 0, 4: 0}


def test_a_stock_out_that_is_still_open_lasts_until_the_last_moment_known() -> None:
    since = datetime(2024, 3, 30, 6)
    rows = product_days(**marts(stockouts=[("03", since, None), ("01", since, since + timedelta(hours=6))]))
    assert shares(rows, "P2") == pytest.approx({26: 0.75})


def test_forecasts_are_results_in_the_schema_ml() -> None:
    pipeline = load_pipelines("vending_platform.defs.vending.analysis")[0]
    assert pipeline.name == "forecasts"
    assert {pipeline.schema_of(name) for name in pipeline.results} == {"ml"}
    done = analyse(pipeline, marts(stockouts=[]))
    assert done.is_whole, done.problem
    assert done.results["unit_forecasts"].height == 2 * 14
    assert done.results["unit_forecasts"].filter(pl.col("product_id") == "P1")["expected"].mean() == pytest.approx(
        8, rel=0.1
    )


def with_weather(*, forecasts: bool = True) -> dict[str, pl.DataFrame]:
    days = [FIRST + timedelta(days=number) for number in range(DAYS + 7)]
    degrees = [10.0 + 3 * (number % 5) for number in range(DAYS + 7)]
    known = pl.DataFrame(
        {"prefecture": "千葉県", "business_date": days, "temperature_mean": degrees, "precipitation": 0.0}
    )
    said = [
        known[number + 1 : number + 8].with_columns(pl.lit(days[number]).alias("known_on")) for number in range(DAYS)
    ]
    return {
        **marts(stockouts=[]),
        "dim_machines": pl.DataFrame({"machine_id": ["VM1"], "prefecture": ["千葉県"]}),
        "mart_weather_daily": known[:DAYS],
        **({"mart_weather_forecasts": pl.concat(said)} if forecasts else {}),
    }


def notes(tables: dict[str, pl.DataFrame]) -> dict[str, str]:
    """What is said of each model, and of the weather."""
    pipeline = load_pipelines("vending_platform.defs.vending.analysis")[0]
    done = analyse(pipeline, tables, ["forecast_errors"])
    assert done.is_whole, done.problem
    rows = done.results["forecast_errors"].filter((pl.col("level") == "series") & (pl.col("segment") == "all"))
    return dict(rows.select("model", "note").rows())


def test_what_the_weather_brings_is_measured() -> None:
    found = notes(with_weather())
    assert {"combined", "combined_without_covariates", "pooled_adjusted"} < set(found)
    assert "weather" not in found


def test_missing_weather_is_said_and_nothing_fails() -> None:
    found = notes(marts(stockouts=[]))
    assert found["weather"] == "no weather is known: mart_weather_daily and dim_machines have no rows"
    assert "combined_without_covariates" not in found
    assert notes(with_weather(forecasts=False))["weather"].startswith("no forecast of the weather is known")


def test_holidays_are_those_that_are_published_and_else_those_of_the_law() -> None:
    is_holiday = calendar(pl.DataFrame({"business_date": [date(2024, 1, 1), date(2024, 5, 7)]}))
    assert is_holiday(date(2024, 5, 7))
    assert not is_holiday(date(2024, 5, 3))
    assert is_holiday(date(2025, 5, 3))
    assert calendar(pl.DataFrame({"business_date": []}))(date(2024, 5, 3))
