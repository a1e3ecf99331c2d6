"""Forecasts of every moment, and answers that are no longer as the contract says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from vending_platform_tests.emulators.services import WeatherService
from vending_platform_tests.extraction.web.parts import (
    NOON,
    WEATHER,
    ExtractedApi,
    ThingService,
    source_of,
    thing_source,
    weather_source,
)

COLUMNS = {
    "issued_at": {"type": "timestamp", "required": True},
    "prefecture": {"type": "text", "required": True},
    "day": {"type": "date", "header": "time", "required": True},
    "temperature_max": {"type": "decimal(4,1)", "header": "temperature_2m_max"},
}
FORECAST = {
    **{key: WEATHER[key] for key in ("api", "each", "records", "layout")},
    "path": "/v1/forecast",
    "params": {
        **{key: WEATHER["params"][key] for key in ("latitude", "longitude", "timezone")},
        "daily": "temperature_2m_max",
        "forecast_days": 3,
    },
    "add": {"prefecture": "{prefecture}", "issued_at": "{asked_at}"},
}
FORECAST_FILES = {
    "names": ["weather/forecast_{any}.parquet"],
    "delivery": "append",
    "format": "parquet",
    "key": ["issued_at", "prefecture", "day"],
    "day_column": "day",
}


def test_a_forecast_is_kept_as_of_when_it_was_made(extracted: ExtractedApi, weather: WeatherService) -> None:
    extracted.sources = (source_of(FORECAST, FORECAST_FILES, COLUMNS),)
    first = extracted.one()
    assert (first.path, first.rows) == ("weather/forecast_20240310T030000.000000Z.parquet", 6)
    extracted.clock.today += timedelta(hours=1)
    assert extracted.one().path is None  # the same was said again
    extracted.days_pass(1)
    weather.today += timedelta(days=1)
    assert extracted.one().rows == 6
    condition = "day = '2024-03-11' and prefecture = '千葉県'"
    rows = extracted.load().rows(f"select * from raw.asked where {condition} order by issued_at")
    forecasts = {row["issued_at"]: row["temperature_max"] for row in rows}
    made = [datetime(2024, 3, 10, 12), datetime(2024, 3, 11, 13)]  # in Japan
    assert list(forecasts) == made
    day = datetime(2024, 3, 11, tzinfo=UTC).date()
    expected = [weather.weather.forecast("千葉県", day, issued.date()).temperature_max for issued in made]
    assert list(forecasts.values()) == expected


def test_a_new_column_is_kept_and_named(listed: ExtractedApi, things: ThingService) -> None:
    things.things = [{"id": 1, "word": "a", "colour": "red", "weight": 1.50}, {"id": 2, "word": "b"}]
    listed.extract()
    rows = listed.load().rows("select id, _extra from raw.asked order by id")
    assert rows == [{"id": 1, "_extra": '{"colour": "red", "weight": "1.5"}'}, {"id": 2, "_extra": None}]


@pytest.mark.parametrize(
    ("files", "columns", "things_now", "state", "reason"),
    [
        ({"unknown_columns": "refuse"}, {}, [{"id": 1, "word": "a", "colour": "red"}], "quarantined", "'colour'"),
        ({}, {"required": True}, [{"id": 1}], "quarantined", "it lacks 'word'"),
        ({"missing_columns": "refuse"}, {}, [{"id": 1}], "quarantined", "it lacks 'word'"),
        ({}, {}, [{"id": 1}], "loaded", None),
    ],
)
def test_drift_ends_as_in_every_other_delivery(
    listed: ExtractedApi,
    things: ThingService,
    files: dict[str, Any],
    columns: dict[str, Any],
    things_now: list[Any],
    state: str,
    reason: str | None,
) -> None:
    declared = {"id": {"type": "integer", "required": True}, "word": {"type": "text", **columns}}
    listed.sources = (thing_source(declared, files),)
    things.things = things_now
    listed.extract()
    (row,) = listed.load().ledger().values()
    assert row["state"] == state
    assert reason is None or reason in row["reason"]


def test_a_value_of_another_type_rejects_its_row_by_name(listed: ExtractedApi, things: ThingService) -> None:
    declared = {"id": {"type": "integer", "required": True}, "size": {"type": "decimal(4,1)"}}
    listed.sources = (thing_source(declared, {"refuse_above": "100%"}),)
    things.things = [{"id": 1, "size": 5.3}, {"id": 2, "size": "big"}, {"id": 3, "size": 5.25}]
    listed.extract()
    loaded = listed.load()
    assert loaded.rows("select id, size from raw.asked") == [{"id": 1, "size": Decimal("5.3")}]
    rejected = loaded.rows("select line, reason from raw._rejected_rows order by line")
    assert [row["line"] for row in rejected] == [2, 3]
    assert all("size" in str(row["reason"]) for row in rejected)


def test_a_day_that_is_not_known_yet_has_empty_values(extracted: ExtractedApi, weather: WeatherService) -> None:
    extracted.sources = (weather_source(lag="0d"),)
    extracted.extract()
    assert extracted.rows("weather/daily_20240310.parquet")[0]["temperature_2m_max"] is None
    extracted.days_pass(1)
    weather.today += timedelta(days=1)
    extracted.extract()
    assert extracted.rows("weather/daily_20240310.parquet")[0]["temperature_2m_max"] is not None
    assert extracted.clock.today == NOON + timedelta(days=1)
