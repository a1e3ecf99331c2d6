"""The sample's weather beside its sales: as it was simulated, and what it means for sales as numpy computes it."""

from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest

from vending_platform.defs.vending.holidays import holidays_of
from vending_platform_tests.emulators.services.holidays import published
from vending_platform_tests.emulators.weather import FIRST_DAY, weather_service
from vending_platform_tests.sample import Sample

STUDENT = {12: 2.178813}
"""The quantile 97.5 % by degrees of freedom, from a table."""
LAST_DAY = date(2024, 3, 14)


@pytest.fixture(scope="module")
def rows(sample: Sample) -> Any:
    def query(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(sample.data / "dbt_dev.duckdb"), read_only=True) as connection:
            return connection.sql(sql).fetchall()

    return query


def test_the_weather_of_each_day_is_the_simulated_one(rows: Any) -> None:
    service = weather_service(LAST_DAY)
    found = rows("select prefecture, business_date, temperature_mean, precipitation from marts.mart_weather_daily")
    assert len(found) == 12 * 14
    for prefecture, day, mean, rain in found:
        look = service.weather.on if (LAST_DAY - day).days >= 5 else service.weather.early
        assert (mean, rain) == (look(prefecture, day).temperature_mean, look(prefecture, day).precipitation)


def test_a_forecast_is_that_of_the_evening_before(rows: Any) -> None:
    service = weather_service(FIRST_DAY)
    found = rows(
        "select prefecture, business_date, cast(forecast_issued_at as date), temperature_mean_forecast"
        " from marts.mart_weather_daily"
    )
    for prefecture, day, issued_on, mean in found:
        expected = min(day.toordinal() - 1, date(2024, 3, 8).toordinal())
        if day == FIRST_DAY:
            assert issued_on is None
        else:
            assert issued_on == date.fromordinal(expected)
            assert mean == service.weather.forecast(prefecture, day, issued_on).temperature_mean


def test_every_forecast_is_kept_as_of_its_evening(rows: Any) -> None:
    service = weather_service(FIRST_DAY)
    found = rows(
        "select prefecture, business_date, known_on, temperature_mean, precipitation from marts.mart_weather_forecasts"
    )
    assert len(found) == 12 * 8 * 6, "prefectures, evenings, days after each"
    assert {known_on for _, _, known_on, _, _ in found} == {FIRST_DAY + timedelta(days=number) for number in range(8)}
    for prefecture, day, known_on, mean, rain in found:
        forecast = service.weather.forecast(prefecture, day, known_on)
        assert known_on < day
        assert (mean, rain) == (forecast.temperature_mean, forecast.precipitation)


def test_sensitivity_is_what_numpy_finds(rows: Any) -> None:
    weather = {
        (prefecture, day): (float(mean), float(rain), machines)
        for prefecture, day, mean, rain, machines in rows(
            "select prefecture, business_date, temperature_mean, precipitation, machines"
            " from marts.mart_weather_daily where machines > 0"
        )
    }
    sold = {
        (prefecture, category, day): units
        for prefecture, category, day, units in rows(
            "select prefecture, category_id, business_date, sum(units_sold) from marts.fct_sales group by all"
        )
    }
    found = rows("select * from marts.mart_weather_sensitivity order by all")
    pairs = {(prefecture, category) for prefecture, category, _ in sold if (prefecture, FIRST_DAY) in weather}
    assert {(row[0], row[1]) for row in found} == pairs
    assert len(found) == 2 * len(pairs) > 10
    for prefecture, category, factor, days, units, correlation, slope, low, high in found:
        of_place = {day: seen for (place, day), seen in weather.items() if place == prefecture}
        x = np.array([seen[0 if factor == "temperature" else 1] for seen in of_place.values()])
        y = np.array([round(sold.get((prefecture, category, day), 0) / of_place[day][2], 4) for day in of_place])
        assert days == len(x) == 14
        fitted, offset = np.polyfit(x, y, 1)
        error = np.sqrt(((y - fitted * x - offset) ** 2).sum() / (days - 2) / ((x - x.mean()) ** 2).sum())
        assert float(units) == pytest.approx(y.mean(), abs=1e-4)
        assert float(slope) == pytest.approx(fitted, abs=1e-4)
        assert float(correlation) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-4)
        assert (float(low), float(high)) == pytest.approx(
            (fitted - STUDENT[days - 2] * error, fitted + STUDENT[days - 2] * error), abs=1e-3
        )


def test_the_holidays_are_those_that_the_law_gives(rows: Any) -> None:
    """What was extracted against the rules by which forecasts know them."""
    found = dict(rows("select business_date, holiday_name from intermediate.int_holidays"))
    assert found == published()
    for year in (2023, 2024, 2025):
        by_law = holidays_of(year)
        assert {day for day in found if day.year == year} == by_law.keys()
        assert all(found[day] in (name, "休日") for day, name in by_law.items())
