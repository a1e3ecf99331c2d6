"""Which questions are due: the days that are not final yet, and the requests of each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vending_platform.catalog import PLACEHOLDER, ExtractApi, Source
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.extraction.deliveries import business_day
from vending_platform.extraction.interface import ChosenDays
from vending_platform.storage import Place

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Question:
    """One series of requests: for one entry of `each`, about the days from `first` to `last`, if it is about days."""

    extract: ExtractApi
    values: Mapping[str, str]
    first: date | None = None
    last: date | None = None

    @property
    def path(self) -> str:
        return self._filled(self.extract.path)

    @property
    def params(self) -> dict[str, str]:
        return {name: self._filled(text) for name, text in self.extract.params.items()}

    def added(self, asked_at: datetime) -> dict[str, str]:
        """What every record gets beside what the answer has."""
        moment = asked_at.isoformat("T", "seconds")
        return {name: self._filled(text, asked_at=moment) for name, text in self.extract.add.items()}

    def __str__(self) -> str:
        """As messages name it: by what differs from other questions, else by its path."""
        days = dict.fromkeys(str(day) for day in (self.first, self.last) if day is not None)
        parts = [*list(self.values.values())[:1], *([" to ".join(days)] if days else [])]
        return ", ".join(parts) or self.path or "/"

    def _filled(self, text: str, **more: str) -> str:
        known = {
            **self.values,
            "day": str(self.first),
            "first_day": str(self.first),
            "last_day": str(self.last),
            **more,
        }
        return PLACEHOLDER.sub(lambda found: known[found[1]], text)


def questions(extract: ExtractApi, first: date | None = None, last: date | None = None) -> list[Question]:
    return [Question(extract, values, first, last) for values in extract.each or ({},)]


def due_days(
    source: Source, extract: ExtractApi, asked: Mapping[date, datetime], now: datetime, chosen: ChosenDays | None
) -> list[date]:
    """The days to ask about: all that are not final yet, or those that a person chose, whether or not they are."""
    first, last = source.files.first_day, business_day(now - extract.lag)
    if chosen is not None:
        first, last = max(first, chosen.first), min(last, chosen.last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [day for day in days if chosen is not None or not _is_final(extract, day, asked.get(day))]


def spans(extract: ExtractApi, days: Sequence[date]) -> Iterator[tuple[date, ...]]:
    """The days of each request: one after the other, and no more than are asked about at once."""
    most = extract.days_at_once if extract.is_of_spans else 1
    span: list[date] = []
    for day in days:
        if span and (len(span) == most or day - span[-1] != _ONE_DAY):
            yield tuple(span)
            span = []
        span.append(day)
    if span:
        yield tuple(span)


def read_asked(work: Place, source: str) -> dict[date, datetime]:
    """When the service was last asked about each day."""
    try:
        known = json.loads(b"".join(work.read_path(_path(source))))
        return {date.fromisoformat(day): datetime.fromisoformat(moment) for day, moment in known.items()}
    except (KeyError, ValueError, TypeError, AttributeError):  # there is none: then all days are asked about once more
        return {}


def write_asked(work: Place, source: str, asked: Mapping[date, datetime]) -> None:
    work.write(
        _path(source), json.dumps({str(day): moment.isoformat() for day, moment in sorted(asked.items())}).encode()
    )


def _is_final(extract: ExtractApi, day: date, asked_at: datetime | None) -> bool:
    """Whether what was answered then stays so."""
    ends = datetime.combine(day + _ONE_DAY, time(), ZoneInfo(BUSINESS_TIME_ZONE))
    return asked_at is not None and asked_at >= ends + extract.final_after


def _path(source: str) -> str:
    return f"extraction/{source}.days.json"
