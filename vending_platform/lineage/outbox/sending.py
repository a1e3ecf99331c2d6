"""From the outbox to the backend: in order, at least once, one sender at a time, with longer and longer pauses."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vending_platform.alerts import one_line
from vending_platform.file_lock import exclusive_if_free
from vending_platform.lineage.outbox.store import Outbox, WaitingEvent
from vending_platform.lineage.outbox.transports import BackendDown, Refused, Transport

Completed = Callable[[Sequence[WaitingEvent]], Sequence[WaitingEvent]]
"""Adds to events what was too expensive to find out in the run."""
_PAUSES = (1, 2, 5, 15, 60, 300)
"""Seconds after the first, second … failed attempt."""


@dataclass(frozen=True)
class Sent:
    events: int = 0
    refused: int = 0
    problem: str | None = None
    """Why the rest waits."""
    is_busy: bool = False
    """Another process sends."""


def send(
    outbox: Outbox,
    transport: Transport,
    completed: Completed = lambda events: events,
    *,
    may_go_on: Callable[[], bool] = lambda: True,
    patient: bool = True,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Sent:
    """Send what waits. A `patient` sender keeps the pauses after failures; a person's does not."""
    with exclusive_if_free(outbox.folder / "sending.lock") as is_free:
        if not is_free:
            return Sent(is_busy=True)
        state = outbox.state()
        if patient and state.next_at is not None and now() < datetime.fromisoformat(state.next_at):
            return Sent(problem=state.problem)
        sent = refused = 0
        while may_go_on() and (batch := outbox.first(transport.batch)):
            try:
                transport.send(list(completed(batch)))
            except Refused as error:
                # Those before it are there. It would be refused for ever, and hold up all others.
                before = [one.number for one in batch if one.number < error.number]
                outbox.sent(before, now())
                outbox.refuse(error.number, one_line(str(error)))
                sent, refused = sent + len(before), refused + 1
            except BackendDown as error:
                before = [one.number for one in batch if one.number < (error.number or 0)]
                if before:
                    outbox.sent(before, now())
                problem = one_line(str(error))
                outbox.failed(problem, now() + _pause(outbox.state().failures))
                return Sent(sent + len(before), refused, problem)
            else:
                outbox.sent([one.number for one in batch], now())
                sent += len(batch)
        return Sent(sent, refused)


def _pause(failures: int) -> timedelta:
    """Of several senders not all come back at the same moment."""
    return timedelta(seconds=_PAUSES[min(failures, len(_PAUSES) - 1)] * random.uniform(0.8, 1.2))
