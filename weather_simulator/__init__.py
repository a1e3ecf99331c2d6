"""Believable weather from a seed number, day by day and prefecture by prefecture, with the truth about it.

>>> weather = simulate(seed=7, first_day=date(2024, 3, 1), days=14)  # doctest: +SKIP
>>> weather.on("千葉県", date(2024, 3, 2)).temperature_mean  # doctest: +SKIP

With the seed and the first day of a fleet its temperatures are those that make people thirsty in `fleet_simulator`;
rain moves no one. What a service says early about a day is `early`, and what it forecasts is `forecast`. No number
claims to have been measured anywhere. Nothing here shares code with the platform.
"""

from weather_simulator.simulation import DayOfWeather, Weather, simulate

__all__ = ["DayOfWeather", "Weather", "simulate"]
