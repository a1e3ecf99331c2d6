"""One server of services for each test, with the simulated weather of a month."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from vending_platform_tests.emulators.services import HolidayService, Services, WeatherService, serving_services
from vending_platform_tests.extraction.web.parts import ExtractedApi, ThingService, thing_source, weather_source
from weather_simulator import Weather, simulate


@pytest.fixture(scope="session")
def simulated() -> Weather:
    return simulate(seed=7, first_day=date(2024, 3, 1), days=40)


@pytest.fixture
def weather(simulated: Weather) -> WeatherService:
    return WeatherService(simulated, date(2024, 3, 10))


@pytest.fixture
def things() -> ThingService:
    return ThingService([{"id": number, "word": f"w{number}"} for number in range(1, 9)])


@pytest.fixture
def server(weather: WeatherService, things: ThingService) -> Iterator[Services]:
    with serving_services({"weather": weather, "things": things, "holidays": HolidayService()}) as running:
        yield running


@pytest.fixture
def extracted(server: Services, tmp_path: Path) -> ExtractedApi:
    """Weather by day."""
    return ExtractedApi(server, tmp_path, (weather_source(),))


@pytest.fixture
def listed(server: Services, tmp_path: Path) -> ExtractedApi:
    """The list of things, as one answer."""
    return ExtractedApi(server, tmp_path, (thing_source(),))
