"""Weather in the shape of Open-Meteo's archive and forecast, and in that of OpenWeatherMap's summary of a day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fleet_simulator.fleet import PREFECTURES
from vending_platform_tests.emulators.services.server import Reply, Request, as_json
from weather_simulator import DayOfWeather, Weather

FINAL_AFTER = timedelta(days=5)
"""A day may be corrected for so long."""
_DAILY: Mapping[str, Callable[[DayOfWeather], Decimal | int]] = {
    "temperature_2m_max": lambda day: day.temperature_max,
    "temperature_2m_min": lambda day: day.temperature_min,
    "temperature_2m_mean": lambda day: day.temperature_mean,
    "precipitation_sum": lambda day: day.precipitation,
    "weather_code": lambda day: day.code,
}
_UNITS = {"precipitation_sum": "mm", "weather_code": "wmo code"}


@dataclass
class WeatherService:
    """What is known of the weather on `today`; what was said early of a day is corrected some days later."""

    weather: Weather
    today: date
    key: str | None = None
    """What the summaries of days ask for as the parameter `appid`."""

    def __call__(self, request: Request) -> Reply:
        try:
            match request.path:
                case "/v1/archive":
                    first, last = (date.fromisoformat(request.params[key]) for key in ("start_date", "end_date"))
                    return self._daily(request.params, first, (last - first).days + 1, self._past)
                case "/v1/forecast":
                    return self._daily(request.params, self.today, int(request.params["forecast_days"]), self._coming)
                case "/data/3.0/onecall/day_summary":
                    return self._summary(request.params)
        except (KeyError, ValueError) as error:
            return as_json({"error": True, "reason": f"Parameter missing or invalid: {error}"}, status=400)
        return as_json({"error": True, "reason": "Not Found"}, status=404)

    def _past(self, prefecture: str, day: date) -> DayOfWeather | None:
        if day >= self.today or (prefecture, day) not in self.weather.known:
            return None
        is_final = self.today - day > FINAL_AFTER
        return self.weather.on(prefecture, day) if is_final else self.weather.early(prefecture, day)

    def _coming(self, prefecture: str, day: date) -> DayOfWeather | None:
        known = (prefecture, day) in self.weather.known
        return self.weather.forecast(prefecture, day, self.today) if known else None

    def _daily(
        self, params: Mapping[str, str], first: date, days: int, look: Callable[[str, date], DayOfWeather | None]
    ) -> Reply:
        prefecture = _nearest(params)
        columns = params["daily"].split(",")
        span = [first + timedelta(days=number) for number in range(days)]
        found = [look(prefecture, day) for day in span]
        daily: dict[str, Any] = {"time": [day.isoformat() for day in span]}
        for name in columns:
            daily[name] = [None if one is None else _number(_DAILY[name](one)) for one in found]
        answer = {
            "latitude": float(params["latitude"]),
            "longitude": float(params["longitude"]),
            "timezone": params["timezone"],
            "daily_units": {"time": "iso8601", **{name: _UNITS.get(name, "°C") for name in columns}},
            "daily": daily,
        }
        return as_json(answer)

    def _summary(self, params: Mapping[str, str]) -> Reply:
        if self.key is not None and params.get("appid") != self.key:
            return as_json({"cod": 401, "message": f"Invalid API key: {params.get('appid')}"}, status=401)
        day = date.fromisoformat(params["date"])
        found = self._past(_nearest({"latitude": params["lat"], "longitude": params["lon"]}), day)
        if found is None:
            return as_json({"cod": "404", "message": "data not found"}, status=404)
        temperature = {"min": _number(found.temperature_min), "max": _number(found.temperature_max)}
        answer = {
            "date": day.isoformat(),
            "temperature": temperature,
            "precipitation": {"total": _number(found.precipitation)},
        }
        return as_json(answer)


def _nearest(params: Mapping[str, str]) -> str:
    """The prefecture whose capital is nearest."""
    north, east = float(params["latitude"]), float(params["longitude"])
    return min(PREFECTURES, key=lambda one: (one.latitude - north) ** 2 + (one.longitude - east) ** 2).name


def _number(value: Decimal | int) -> float | int:
    """As JSON writes it: 5.3 and 0.0."""
    return float(value) if isinstance(value, Decimal) else value
