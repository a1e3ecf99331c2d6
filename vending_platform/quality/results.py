"""What a check found: the one form for all of them, whether the check is a contract's, dbt's or our own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

Row = Mapping[str, Any]


class Dimension(StrEnum):
    """What kind of trust a check is about."""

    COMPLETENESS = "completeness"
    """All that should be there is there."""
    VALIDITY = "validity"
    """A value is one that its column may have."""
    UNIQUENESS = "uniqueness"
    """A thing is there once."""
    CONSISTENCY = "consistency"
    """Two places hold the same."""
    TIMELINESS = "timeliness"
    """What is there is as new as it should be."""
    ACCURACY = "accuracy"
    """What is calculated is what it should be."""


class Severity(StrEnum):
    ERROR = "error"
    """Something waits for it: a build, an export."""
    WARN = "warn"


class CheckStatus(StrEnum):
    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    ERROR = "error"
    """It could not be run, so nothing is known."""
    SKIPPED = "skipped"
    """It was not run, because something before it failed."""


@dataclass(frozen=True)
class FailedRow:
    """One row that broke a check. What of `row` is personal is masked when it is kept."""

    row: Row
    business_date: date | None = None
    path: str | None = None
    line: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Result:
    """What one check found about one dataset, on one business day or on a stretch of them; without days, about all of
    it. `figure` is what was measured, where that is a number that has a normal range."""

    check: str
    dataset: str
    dimension: Dimension
    status: CheckStatus
    severity: Severity = Severity.WARN
    column: str | None = None
    failed_rows: int | None = None
    total_rows: int | None = None
    expected: str | None = None
    actual: str | None = None
    figure: Decimal | None = None
    first_day: date | None = None
    last_day: date | None = None
    code_version: str | None = None
    message: str | None = None
    sample: tuple[FailedRow, ...] = field(default=())

    @property
    def is_bad(self) -> bool:
        return self.status in (CheckStatus.FAILED, CheckStatus.ERROR, CheckStatus.WARNED)

    @property
    def partition(self) -> str | None:
        """As a person reads it."""
        if self.first_day is None:
            return None
        return f"{self.first_day}" if self.first_day == self.last_day else f"{self.first_day} to {self.last_day}"


def stretches(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """The days, as few first and last days of neighbours as there can be."""
    first = last = None
    for day in sorted(days):
        if first is None or last is None:
            first = last = day
        elif day - last == timedelta(days=1):
            last = day
        else:
            yield first, last
            first = last = day
    if first is not None and last is not None:
        yield first, last
