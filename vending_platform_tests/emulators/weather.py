"""The weather and the holidays that the repository's sample has, extracted day by day from services on this machine."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from vending_platform.catalog import load_catalog
from vending_platform.environment import DBT_PROJECT_DIR, ApiAuth, ApiSettings
from vending_platform.extraction import Extracted, Workplace
from vending_platform.extraction.web.client import Clock
from vending_platform.extraction.web.running import extract_api
from vending_platform.storage import LocalPlace
from vending_platform_tests.emulators.services import (
    HolidayService,
    Service,
    Services,
    WeatherService,
    serving_services,
)
from weather_simulator import simulate

SEED, FIRST_DAY = 7, date(2024, 3, 1)
"""Those of the sample's fleet, so that the weather is what its customers felt."""
_FIRST_EVENING = datetime(2024, 3, 1, 12, tzinfo=UTC)
_NIGHT = datetime(2024, 3, 14, 17, tzinfo=UTC)
_FORECASTS = 8
"""Evenings with a forecast: what it says ends with the sample's last day."""


def weather_service(today: date) -> WeatherService:
    """For some weeks from the sample's first day on."""
    return WeatherService(simulate(seed=SEED, first_day=FIRST_DAY, days=60), today)


def settings_of(running: Services, name: str) -> ApiSettings:
    """How an API of this server is asked: as fast as it can."""
    return ApiSettings(
        url=running.of(name),
        auth=ApiAuth.NONE,
        secret=None,
        sent_as=None,
        requests_a_minute=100_000,
        timeout=30,
        attempts=3,
        longest_wait=10,
    )


@contextmanager
def weather_services(today: date) -> Iterator[tuple[WeatherService, dict[str, str]]]:
    """The services, and the variables that say where they are."""
    weather = weather_service(today)
    with serving_services({"weather": weather, "holidays": HolidayService()}) as running:
        where = {
            "WEATHER": running.of("weather"),
            "FORECAST": running.of("weather"),
            "HOLIDAYS": running.of("holidays"),
        }
        yield weather, {f"VENDING_{name}_API": address for name, address in where.items()}


def write_weather(raw: Path) -> list[Extracted]:
    """As deliveries of the sample: forecasts of some evenings, and in the end the days and the holidays."""
    weather = weather_service(FIRST_DAY)
    services: dict[str, Service] = {"weather": weather, "weather_forecast": weather, "holidays": HolidayService()}
    done = []
    with tempfile.TemporaryDirectory() as name, serving_services(services) as running:
        folder = Path(name)
        catalog = load_catalog(DBT_PROJECT_DIR, folder / "manifest")
        place = Workplace(LocalPlace(raw), LocalPlace(folder / "work"), folder / "scratch")
        evenings = [_FIRST_EVENING + timedelta(days=number) for number in range(_FORECASTS)]
        for moment, api in [
            *((evening, "weather_forecast") for evening in evenings),
            (_NIGHT, "weather"),
            (_NIGHT, "holidays"),
        ]:
            weather.today = (moment + timedelta(hours=9)).date()
            sources = [one for one in catalog if one.extract is not None and one.extract.system.name == api]
            clock = Clock(today=lambda moment=moment: moment)  # type: ignore[misc]  # bound to this round of the loop
            done += extract_api(api, settings_of(running, api), None, sources, place, clock=clock)
    return done
