"""What the weather is on each day, what was said of it before it was known, and what was forecast."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from fleet_simulator.demand import temperatures
from fleet_simulator.fleet import PREFECTURES, Prefecture

_TENTH = Decimal("0.1")
_WET_SHARE, _MEAN_RAIN = 0.32, 9.0
_CLEAR, _CLOUDY, _DRIZZLE, _RAIN, _SNOW = 0, 3, 51, 61, 71
"""Codes of the World Meteorological Organization."""


@dataclass(frozen=True)
class DayOfWeather:
    """Degrees Celsius and millimetres, with one decimal; the code says in one number what the day was like."""

    temperature_max: Decimal
    temperature_min: Decimal
    temperature_mean: Decimal
    precipitation: Decimal
    code: int


@dataclass(frozen=True)
class Weather:
    """The weather of every prefecture from the first day on."""

    seed: int
    first_day: date
    days: int
    known: Mapping[tuple[str, date], DayOfWeather]

    def on(self, prefecture: str, day: date) -> DayOfWeather:
        """As it is known in the end. KeyError for other days and prefectures."""
        return self.known[prefecture, day]

    def early(self, prefecture: str, day: date) -> DayOfWeather:
        """As it is known at first: some tenths away, on about every other day."""
        return self._seen(prefecture, day, Random(f"{self.seed} early {prefecture} {day}"), 0.3, share=0.5)

    def forecast(self, prefecture: str, day: date, issued_on: date) -> DayOfWeather:
        """As it was expected on an earlier day: the farther away, the less certain."""
        lead = (day - issued_on).days
        random = Random(f"{self.seed} forecast {prefecture} {day} {issued_on}")
        return self._seen(prefecture, day, random, 0.7 * math.sqrt(1 + lead), share=1.0)

    def _seen(self, prefecture: str, day: date, random: Random, error: float, *, share: float) -> DayOfWeather:
        true = self.on(prefecture, day)
        if random.random() >= share:
            return true
        shift = Decimal(str(round(random.gauss(0, error), 1)))
        factor = Decimal(str(round(math.exp(random.gauss(0, error / 3)), 2)))
        rain = (true.precipitation * factor).quantize(_TENTH)
        mean = true.temperature_mean + shift
        return DayOfWeather(true.temperature_max + shift, true.temperature_min + shift, mean, rain, _code(rain, mean))


def simulate(*, seed: int, first_day: date, days: int) -> Weather:
    """The same arguments give the same weather."""
    known = {}
    for prefecture in PREFECTURES:
        means = temperatures(prefecture, seed, first_day, days)
        for number in range(days):
            day = first_day + timedelta(days=number)
            known[prefecture.name, day] = _day(
                prefecture, float(means[number]), Random(f"{seed} {prefecture.name} {day}")
            )
    return Weather(seed, first_day, days, known)


def _day(prefecture: Prefecture, mean: float, random: Random) -> DayOfWeather:
    is_wet = random.random() < _WET_SHARE
    rain = _tenths(random.expovariate(1 / _MEAN_RAIN) + 0.1 if is_wet else 0.0)
    half = (3.2 if is_wet else 4.6) + random.uniform(-0.8, 0.8)
    skew = random.uniform(-0.6, 0.6)
    middle = _tenths(mean)
    return DayOfWeather(_tenths(mean + half + skew), _tenths(mean - half + skew), middle, rain, _code(rain, middle))


def _code(rain: Decimal, mean: Decimal) -> int:
    if rain == 0:
        return _CLOUDY if mean % 2 < 1 else _CLEAR
    if mean <= 1:
        return _SNOW
    return _DRIZZLE if rain < 2 else _RAIN


def _tenths(value: float) -> Decimal:
    return Decimal(str(round(value, 1))).quantize(_TENTH)
