"""What a sensor may ask for: one run per stretch of business days, one for files without a day; not too many at once,
and what failed more and more seldom. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from vending_platform.ingestion import Pending

_RUNS_PER_LOOK = 5
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Request:
    """One run: these sources, for these days; masters and other files without a day have none."""

    sources: tuple[str, ...]
    first_day: date | None
    last_day: date | None
    files: int
    listed: str | None = None
    """The list of exactly the files that are meant, where there is one; see `lists`."""

    @property
    def about(self) -> str:
        return ",".join(self.sources) if self.first_day is None else f"{self.first_day}..{self.last_day}"

    @property
    def config(self) -> dict[str, object]:
        if self.listed is not None:
            return {"listed": self.listed}
        days = {"first_day": self.first_day, "last_day": self.last_day}
        config: dict[str, object] = {name: day.isoformat() for name, day in days.items() if day is not None}
        return config | {"sources": list(self.sources)}

    def takes(self, day: date | None) -> bool:
        """Whether files of that day (None: without a day) are its business."""
        if day is None or self.first_day is None or self.last_day is None:
            return day is None and self.first_day is None
        return self.first_day <= day <= self.last_day

    def overlaps(self, other: "Request") -> bool:
        return self.takes(other.first_day) or other.takes(self.first_day)


@dataclass(frozen=True)
class Earlier:
    """The runs that were requested for the same before: is one under way, how often did it fail since it went well."""

    is_under_way: bool = False
    failures: int = 0
    last_failed_at: datetime | None = None

    def waits_until(self) -> datetime | None:
        if self.last_failed_at is None:
            return None
        wait: timedelta = _FIRST_WAIT * 2 ** min(self.failures - 1, 10)
        return self.last_failed_at + min(wait, _LONGEST_WAIT)


def plan_requests(pending: Pending) -> Iterator[Request]:
    """Files without a day are one run. Of the others, contiguous business days are one run."""
    undated = {source: days[None] for source, days in pending.files.items() if None in days}
    if undated:
        yield Request(tuple(sorted(undated)), None, None, sum(undated.values()))
    files: dict[date, int] = {}
    sources: dict[date, set[str]] = {}
    for source, days in pending.files.items():
        for day, count in days.items():
            if day is not None:
                files[day] = files.get(day, 0) + count
                sources.setdefault(day, set()).add(source)
    for span in spans(files):
        named = sorted({source for one in span for source in sources[one]})
        yield Request(tuple(named), span[0], span[-1], sum(files[one] for one in span))


def spans(days: Iterable[date]) -> Iterator[list[date]]:
    """The days in their order, cut where one is missing."""
    span: list[date] = []
    for day in sorted(days):
        if span and day - span[-1] != timedelta(days=1):
            yield span
            span = []
        span.append(day)
    if span:
        yield span


def decide(
    wanted: Iterable[Request], earlier: Mapping[Request, Earlier], now: datetime
) -> tuple[list[Request], list[str]]:
    """Which runs to request now, and why not the others. Of two that overlap, the first."""
    chosen: list[Request] = []
    skipped: list[str] = []
    for request in wanted:
        before = earlier.get(request, Earlier())
        until = before.waits_until()
        if before.is_under_way:
            skipped.append(f"{request.about}: a run for it is under way")
        elif until is not None and now < until:
            skipped.append(f"{request.about}: failed {before.failures} times, again after {until:%H:%M:%S} UTC")
        elif any(request.overlaps(other) for other in chosen):
            skipped.append(f"{request.about}: a run for a part of it is requested just now")
        elif len(chosen) == _RUNS_PER_LOOK:
            skipped.append(f"{request.about}: next time, {_RUNS_PER_LOOK} runs are enough for now")
        else:
            chosen.append(request)
    return chosen, skipped
