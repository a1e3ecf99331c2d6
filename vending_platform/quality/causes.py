"""What does not pass, by its causes: the same check that fails on forty days, and one unknown key that breaks a
test of three tables, are one thing to look after."""

from collections.abc import Iterable
from dataclasses import dataclass

from vending_platform.quality.failures import Failure
from vending_platform.quality.results import CheckStatus, Severity

_RANKS = (CheckStatus.FAILED, CheckStatus.ERROR, CheckStatus.WARNED, CheckStatus.SKIPPED)
_REFERS = "known to "
"""How the tests of dbt that look a value up somewhere else begin to say what they expect."""
NOT_RUN = "not run, because something before it failed"


@dataclass(frozen=True)
class Cause:
    """Failures with one reason, the worst and newest first."""

    name: str
    failures: tuple[Failure, ...]

    @property
    def worst(self) -> Failure:
        return self.failures[0]

    @property
    def datasets(self) -> list[str]:
        return list(dict.fromkeys(failure.dataset for failure in self.failures))

    @property
    def days(self) -> list[str]:
        return sorted({failure.day for failure in self.failures})

    @property
    def rows(self) -> int:
        return sum(failure.failed_rows or 0 for failure in self.failures)


def causes(failures: Iterable[Failure]) -> list[Cause]:
    """The worst first: what failed before what only warns, errors before warnings, then those with the most rows."""
    found: dict[tuple[str, ...], list[Failure]] = {}
    for failure in failures:
        found.setdefault(_key(failure), []).append(failure)
    grouped = []
    for of_one in found.values():
        newest_first = sorted(of_one, key=lambda one: one.day, reverse=True)
        ordered = tuple(sorted(newest_first, key=_badness))
        grouped.append(Cause(_name(ordered[0]), ordered))
    return sorted(grouped, key=lambda cause: (_badness(cause.worst), -cause.rows, -len(cause.failures), cause.name))


def _key(failure: Failure) -> tuple[str, ...]:
    if failure.status == CheckStatus.SKIPPED:
        return (failure.status,)
    if failure.expected is not None and failure.expected.startswith(_REFERS):
        return failure.expected, failure.column
    return failure.dataset, failure.check, failure.column


def _name(failure: Failure) -> str:
    if failure.status == CheckStatus.SKIPPED:
        return NOT_RUN
    if failure.expected is not None and failure.expected.startswith(_REFERS):
        return f"{failure.column} not {failure.expected}"
    return f"{failure.check} of {failure.column}" if failure.column else failure.check


def _badness(failure: Failure) -> tuple[int, bool]:
    ranks = [rank for rank, status in enumerate(_RANKS) if status == failure.status]
    return ranks[0] if ranks else 0, failure.severity != Severity.ERROR
