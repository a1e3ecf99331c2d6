"""A web API of a test as something to extract from: contracts, places, a clock that no one waits for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from vending_platform.catalog import Source
from vending_platform.environment import ApiAuth, ApiSettings
from vending_platform.extraction import ChosenDays, Extracted, ExtractionPoint
from vending_platform.extraction.web.client import Clock
from vending_platform.extraction.web.running import extract_api
from vending_platform_tests.emulators.services import Reply, Request, Services
from vending_platform_tests.emulators.services.server import as_json
from vending_platform_tests.extraction.places import ExtractionFolder

NOON = datetime(2024, 3, 10, 3, tzinfo=UTC)
"""Of 10 March in Japan."""
WEATHER: dict[str, Any] = {
    "api": "weather",
    "path": "/v1/archive",
    "params": {
        "latitude": "{latitude}",
        "longitude": "{longitude}",
        "start_date": "{first_day}",
        "end_date": "{last_day}",
        "daily": "temperature_2m_max,precipitation_sum",
        "timezone": "Asia/Tokyo",
    },
    "each": [
        {"prefecture": "千葉県", "latitude": 35.6074, "longitude": 140.1065},
        {"prefecture": "東京都", "latitude": 35.6895, "longitude": 139.6917},
    ],
    "records": "daily",
    "layout": "columns",
    "add": {"prefecture": "{prefecture}"},
    "final_after": "5d",
}
WEATHER_FILES: dict[str, Any] = {
    "names": ["weather/daily_{yyyymmdd}.parquet"],
    "delivery": "daily",
    "format": "parquet",
    "first_day": "2024-03-01",
    "key": ["prefecture", "day"],
    "day_column": "day",
}
WEATHER_COLUMNS = {
    "prefecture": {"type": "text", "required": True},
    "day": {"type": "date", "header": "time", "required": True},
    "temperature_max": {"type": "decimal(4,1)", "header": "temperature_2m_max"},
    "rain": {"type": "decimal(6,1)", "header": "precipitation_sum"},
}


def source_of(extract: Mapping[str, Any], files: Mapping[str, Any], columns: Mapping[str, Any]) -> Source:
    return Source.model_validate(
        {
            "name": "asked",
            "schema_name": "raw",
            "declared_in": "models/sources.yml",
            "files": files,
            "extract": extract,
            "columns": [{"name": name, **column} for name, column in columns.items()],
        }
    )


def weather_source(files: Mapping[str, Any] | None = None, columns: Any = None, **extract: Any) -> Source:
    return source_of(WEATHER | extract, {**WEATHER_FILES, **(files or {})}, columns or WEATHER_COLUMNS)


THING_FILES = {"names": ["things_{yyyymmdd}.parquet"], "delivery": "snapshot", "format": "parquet", "key": ["id"]}
THING_COLUMNS = {"id": {"type": "integer", "required": True}, "word": {"type": "text"}}


def thing_source(columns: Any = None, files: Mapping[str, Any] | None = None, **extract: Any) -> Source:
    """A list of things, whole each time."""
    declared = {"api": "things", "path": "/things", "records": "data", **extract}
    return source_of(declared, {**THING_FILES, **(files or {})}, columns or THING_COLUMNS)


@dataclass
class ThingService:
    """A list in pages, in each of the ways in which lists are paged."""

    things: list[Any]
    size: int = 3
    on_page: Callable[[], object] = lambda: None

    def __call__(self, request: Request) -> Reply:
        self.on_page()
        params = request.params
        if "page" in params:
            start = (int(params["page"]) - 1) * self.size
        else:
            start = int(params.get("offset") or params.get("after") or params.get("from") or 0)
        page, end = self.things[start : start + self.size], start + self.size
        more = end < len(self.things)
        link = (
            f'</things/things?from={end}&x=1>; rel="next", </things>; rel="first"' if more else '</things>; rel="first"'
        )
        meta = {"next": end if more else None}
        return as_json({"data": page, "meta": meta}, headers={"link": link})


@dataclass
class TestClock:
    """Time passes only while someone sleeps."""

    __test__ = False

    today: datetime = NOON
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, self.sleep, lambda: self.today)


def settings_of(url: str, **others: Any) -> ApiSettings:
    usual = {
        "auth": ApiAuth.NONE,
        "secret": None,
        "sent_as": None,
        "requests_a_minute": 6000,
        "timeout": 10,
        "attempts": 4,
        "longest_wait": 60,
    }
    return ApiSettings.model_validate({"url": url, **usual, **others})


@dataclass
class ExtractedApi(ExtractionFolder):
    """One API, and a folder with the places of its extractions."""

    server: Services
    folder: Path
    sources: tuple[Source, ...]
    clock: TestClock = field(default_factory=TestClock)
    settings: dict[str, Any] = field(default_factory=dict)
    on_point: Callable[[ExtractionPoint], None] = lambda _: None

    @property
    def name(self) -> str:
        extract = self.sources[0].extract
        assert extract is not None
        return extract.system.name

    def extract(self, first: date | None = None, last: date | None = None) -> list[Extracted]:
        days = ChosenDays(first, last or first) if first is not None else None
        settings = settings_of(**{"url": self.server.of(self.name), **self.settings})
        return extract_api(self.name, settings, None, self.sources, self.place, days, self.clock.clock)

    def one(self) -> Extracted:
        (done,) = self.extract()
        return done

    def days_pass(self, days: int) -> None:
        self.clock.today += timedelta(days=days)

    def rows(self, path: str) -> list[dict[str, Any]]:
        return list(pq.ParquetFile(self.raw / path).read().to_pylist())
