"""What a domain declares of its forecasts: what a series is, what is counted, and what is known besides."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from vending_platform.analysis.results import TooFewRows

HOLIDAY = 7
"""A kind of day, as Monday to Sunday are 0 to 6."""
HORIZON = 14
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The quantiles that are forecast."""


class NothingToForecast(TooFewRows):
    """The message says what is missing."""


@dataclass(frozen=True)
class Declaration:
    """The names of columns in the rows that forecasts are made of: one row per series and day on which it existed.

    A day with `available` 0 says nothing about what would have been wanted: it is censored, not zero. Between 0 and 1
    it says so much less.
    """

    name: str
    series: tuple[str, ...]
    day: str
    target: str
    available: str
    group: str
    """What belongs together on a day, such as all series of one place: it has its own pattern of the week."""
    pool: str
    """Series that rise and fall together, wherever they are, as with the weather."""
    category: str
    """What a series without a history is expected to be like."""
    is_holiday: Callable[[date], bool] = lambda _: False
    features: tuple[str, ...] = ()
    """Further numbers per series and day that are known before the day, such as a price."""
    region: str = ""
    """Where covariates are the same, such as the weather (`Covariates`); a column of the rows, if there are any."""

    @property
    def columns(self) -> tuple[str, ...]:
        named = (*self.series, self.day, self.target, self.available, self.group, self.pool, self.category)
        return tuple(dict.fromkeys((*named, *self.features, *filter(None, (self.region,)))))

    def kind_of(self, day: date) -> int:
        return HOLIDAY if self.is_holiday(day) else day.weekday()
