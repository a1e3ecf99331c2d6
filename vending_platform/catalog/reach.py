"""Which days of its inputs one day of a model reads: what its `config.meta.reach` says, and how it adds up.

Of a table that is built as a whole it says what a day reads through it: everything, or, of a history whose rows say
from when to when they are valid, no other day (`same_day`).
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from vending_platform.catalog.grain import Grain

Days = tuple[date, date]
"""From the first to the last, both included."""
FARTHEST, FARTHEST_MONTHS = 400, 36


@dataclass(frozen=True)
class Reach:
    """From so many days before to so many days after; then, if it says so, to the ends of the months, and from so many
    months before to so many months after."""

    days_before: int = 0
    days_after: int = 0
    whole_months: bool = False
    months_before: int = field(default=0, kw_only=True)
    months_after: int = field(default=0, kw_only=True)
    is_everything: bool = False
    deliveries_of: str | None = field(default=None, compare=False)
    """The source of which a day also reads what became of its deliveries; which days it reads, that does not say."""

    def covered(self, first: date, last: date) -> Days:
        """The days of its inputs that a model's days from `first` to `last` read."""
        days, months_ = (self.days_before, self.days_after), (self.months_before, self.months_after)
        return self._widened(first, last, days, months_)

    def reached(self, first: date, last: date) -> Days:
        """A model's days that read any of these days of its inputs."""
        days, months_ = (self.days_after, self.days_before), (self.months_after, self.months_before)
        return self._widened(first, last, days, months_)

    def _widened(self, first: date, last: date, days: tuple[int, int], months_: tuple[int, int]) -> Days:
        if self.is_everything:
            return date.min, date.max
        first, last = _moved(first, -days[0]), _moved(last, days[1])
        if not self.whole_months:
            return first, last
        return months(Grain.MONTH.moved(first, -months_[0]), Grain.MONTH.moved(last, months_[1]))


SAME_DAY = Reach()
MONTH = Reach(whole_months=True)
EVERYTHING = Reach(is_everything=True)

_NAMED = {"same_day": SAME_DAY, "month": MONTH, "everything": EVERYTHING}
ALLOWED = (
    f"allowed: {', '.join(_NAMED)}, days_before and days_after, from 0 to {FARTHEST}, months_before and months_after,"
    f" from 0 to {FARTHEST_MONTHS},"
    " or deliveries_of with the name of a daily source"
)


@dataclass(frozen=True)
class Way:
    """The reaches on the way from a model to a source, the model's own first. What says nothing is left out, and days
    after days are one reach: many models then have the same way."""

    reaches: tuple[Reach, ...] = ()

    def begun_with(self, reach: Reach) -> "Way":
        if reach == SAME_DAY:
            return self
        if reach.is_everything or EVERYTHING in self.reaches:
            return Way((EVERYTHING,))
        if reach.whole_months or not self.reaches or self.reaches[0].whole_months:
            return Way((reach, *self.reaches))
        before, after = reach.days_before + self.reaches[0].days_before, reach.days_after + self.reaches[0].days_after
        return Way((Reach(before, after), *self.reaches[1:]))

    def merged_with(self, other: "Way") -> "Way | None":
        """One way that reads what these two read, if there is one; of what two ways read only the ends count."""
        if len(self.reaches) > 1 or len(other.reaches) > 1 or self.has_months or other.has_months:
            return None
        one, two = (*self.reaches, SAME_DAY)[0], (*other.reaches, SAME_DAY)[0]
        if one.is_everything or two.is_everything:
            return Way((EVERYTHING,))
        days = Reach(max(one.days_before, two.days_before), max(one.days_after, two.days_after))
        return Way().begun_with(days)

    @property
    def has_months(self) -> bool:
        return any(reach.whole_months for reach in self.reaches)

    def covered(self, first: date, last: date) -> Days:
        for reach in self.reaches:
            first, last = reach.covered(first, last)
        return first, last

    def reached(self, first: date, last: date) -> Days:
        for reach in reversed(self.reaches):
            first, last = reach.reached(first, last)
        return first, last


def read_reach(said: Any) -> Reach:
    """What a model's YAML says; a ValueError tells what it may say."""
    if isinstance(said, str) and said in _NAMED:
        return _NAMED[said]
    if isinstance(said, dict) and said.keys() == {"deliveries_of"} and isinstance(said["deliveries_of"], str):
        return Reach(**said)
    is_days = isinstance(said, dict) and said and said.keys() <= {"days_before", "days_after"}
    if is_days and all(type(days) is int and 0 <= days <= FARTHEST for days in said.values()):
        return Reach(**said)
    is_months = isinstance(said, dict) and said and said.keys() <= {"months_before", "months_after"}
    if is_months and all(type(number) is int and 0 <= number <= FARTHEST_MONTHS for number in said.values()):
        return Reach(whole_months=True, **said)
    raise ValueError(f"unknown reach {said!r}; {ALLOWED}")


def months(first: date, last: date) -> Days:
    """From the first day of the first month to the last day of the last one."""
    return Grain.MONTH.start(first), Grain.MONTH.end(last)


def _moved(day: date, days: int) -> date:
    """Not beyond the ends of the calendar."""
    if not days:
        return day
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))
