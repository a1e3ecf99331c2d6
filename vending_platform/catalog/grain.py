"""How long one period of a source or a model is: a day, or a month. A period is known by its first day, everywhere in
the platform; all arithmetic with periods is here."""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


class Grain(StrEnum):
    DAY = "day"
    MONTH = "month"

    def start(self, day: date) -> date:
        """The first day of the period that a day lies in."""
        return day if self is Grain.DAY else day.replace(day=1)

    def end(self, day: date) -> date:
        """The last day of it."""
        if self is Grain.DAY:
            return day
        after = self.moved(day, 1)
        return date.fromordinal(after.toordinal() - 1) if after > day else date.max

    def number(self, day: date) -> int:
        """Periods that follow each other have numbers that do."""
        return day.toordinal() if self is Grain.DAY else day.year * 12 + day.month - 1

    def of_number(self, number: int) -> date:
        return date.fromordinal(number) if self is Grain.DAY else date(number // 12, number % 12 + 1, 1)

    def moved(self, day: date, periods: int) -> date:
        """The first day of the period so many later, or earlier; not beyond the ends of the calendar."""
        first, last = self.number(date.min), self.number(date.max)
        return self.of_number(min(max(self.number(day) + periods, first), last))

    def between(self, first: date, last: date) -> Iterator[date]:
        """Every period that any of these days lies in."""
        return map(self.of_number, range(self.number(first), self.number(last) + 1))

    def ended_by(self, day: date) -> date:
        """The last period that has ended by the end of a day."""
        return self.start(day) if self.end(day) == day else self.moved(day, -1)

    def written(self, day: date) -> str:
        """As people read it, and as Dagster and exports name it: 2024-03-05, or 2024-03."""
        return day.isoformat() if self is Grain.DAY else day.isoformat()[:7]


def period_of(written: str) -> date:
    """The first day of what `Grain.written` gave; ValueError if it is no day and no month."""
    return date.fromisoformat(f"{written}-01" if _MONTH.fullmatch(written) else written)


def last_day_of(written: str) -> date:
    """The last day of it."""
    grain = Grain.MONTH if _MONTH.fullmatch(written) else Grain.DAY
    return grain.end(period_of(written))
