"""Sends what runs had no time to send, and tells people if that goes wrong for long: a number for alarms, a problem for
alerts."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from vending_platform.alerts import Finder, Number, Problem, ProblemKind, measured
from vending_platform.environment import Environment
from vending_platform.lineage.emitting import flush, outbox_state
from vending_platform.lineage.outbox import OutboxState

_LATE = timedelta(hours=1)
"""How long an event may wait for a backend before a person hears of it."""
_AT_MOST = 20.0
"""Seconds that one look may send: what is done every minute has to end before."""
_BACKEND = (
    "See whether the backend is up and its key is valid. Nothing is lost: events are sent when it takes them again."
)
_REFUSED = "See in the backend's log what it has against them; then run `vending lineage flush --refused`."


def outbox_finder(environment: Environment, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Finder:
    """Each look also ends the runs of killed processes, and sends what waits."""

    def find() -> Sequence[Problem]:
        until = time.monotonic() + _AT_MOST
        flush(environment, patient=True, may_go_on=lambda: time.monotonic() < until)
        if (state := outbox_state(environment)) is None or environment.lineage is None:
            return []
        numbers = {"LineageWaiting": state.waiting, "LineageRefused": state.refused, "LineageFailures": state.failures}
        measured("lineage", environment.name, [Number(name, value) for name, value in numbers.items()])
        return list(_problems(state, environment.lineage.to, now()))

    return Finder("lineage", frozenset({ProblemKind.LINEAGE}), find)


def _problems(state: OutboxState, to: str, now: datetime) -> Iterator[Problem]:
    is_late = state.oldest is not None and now - datetime.fromisoformat(state.oldest) > _LATE
    if is_late and state.failures:
        what = "Lineage events wait, because their backend does not take them"
        yield _problem("outbox", what, to, _BACKEND, state.waiting, state.problem or "")
    if state.refused:
        yield _problem("refused", "Lineage events were refused by their backend", to, _REFUSED, state.refused)


def _problem(about: str, what: str, to: str, what_to_do: str, count: int, why: str = "") -> Problem:
    return Problem(ProblemKind.LINEAGE, about, what, to, what_to_do, why, count=count, unit="event")
