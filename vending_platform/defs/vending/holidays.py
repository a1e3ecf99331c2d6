"""Japan's public holidays, as the law on them has it since 2016, with the years in which some were moved."""

from datetime import date, timedelta
from functools import lru_cache

_DAYS = {
    (1, 1): "元日",
    (2, 11): "建国記念の日",
    (4, 29): "昭和の日",
    (5, 3): "憲法記念日",
    (5, 4): "みどりの日",
    (5, 5): "こどもの日",
    (11, 3): "文化の日",
    (11, 23): "勤労感謝の日",
}
_MONDAYS = {(1, 2): "成人の日", (7, 3): "海の日", (9, 3): "敬老の日", (10, 2): "スポーツの日"}
"""By the month and which Monday of it."""
_MOVED = {
    2019: {date(2019, 4, 30): "国民の休日", date(2019, 5, 1): "即位の日", date(2019, 5, 2): "国民の休日",
           date(2019, 10, 22): "即位礼正殿の儀"},
    2020: {date(2020, 7, 23): "海の日", date(2020, 7, 24): "スポーツの日", date(2020, 8, 10): "山の日"},
    2021: {date(2021, 7, 22): "海の日", date(2021, 7, 23): "スポーツの日", date(2021, 8, 8): "山の日"},
}  # fmt: skip
"""The accession of an emperor, and the Olympic Games of Tokyo."""


@lru_cache(maxsize=64)
def holidays_of(year: int) -> dict[date, str]:
    """The holidays of a year from 2016 on, with their names."""
    found = {date(year, month, day): name for (month, day), name in _DAYS.items()}
    found |= {_monday(year, month, which): name for (month, which), name in _MONDAYS.items()}
    found[date(year, 8, 11)] = "山の日"
    found[date(year, 3, _equinox(year, 20.8431))] = "春分の日"
    found[date(year, 9, _equinox(year, 23.2488))] = "秋分の日"
    if year != 2019:  # one emperor abdicated before his birthday, the next one's was over
        found[date(year, 2, 23) if year >= 2020 else date(year, 12, 23)] = "天皇誕生日"
    moved = _MOVED.get(year, {})
    found = {day: name for day, name in found.items() if name not in moved.values()} | moved
    for day in sorted(found):  # between two holidays
        between = day + timedelta(days=1)
        if between not in found and between + timedelta(days=1) in found and between.weekday() != 6:
            found[between] = "国民の休日"
    for day in sorted(found):  # the next day that is none, for one on a Sunday
        if day.weekday() == 6:
            instead = day
            while instead in found:
                instead += timedelta(days=1)
            found[instead] = "振替休日"
    return found


def holiday(day: date) -> str | None:
    """Its name, if the day is one."""
    return holidays_of(day.year).get(day)


def _monday(year: int, month: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=-first.weekday() % 7 + 7 * (which - 1))


def _equinox(year: int, offset: float) -> int:
    """The day of its month, until 2099."""
    return int(offset + 0.242194 * (year - 1980) - (year - 1980) // 4)
