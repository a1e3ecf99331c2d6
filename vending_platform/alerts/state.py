"""Which alerts were sent, and which could not be yet: one small JSON object, which lasts from one look to the next.

A message is written down before it is sent, and crossed out afterwards: a crash in between repeats it, and loses none.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from vending_platform.alerts.problem import Event, Notification, OpenProblem

PATH = "alerts/open.json"
UNREADABLE = "alerts/unreadable.json"
_log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Where the object lies; `storage.Place` is one."""

    def read_path(self, path: str) -> Iterator[bytes]: ...

    def write(self, path: str, content: bytes) -> None: ...


@dataclass(frozen=True)
class Looked:
    """When what is expensive to query was queried last, and what it was like from outside."""

    at: datetime
    outside: str


@dataclass(frozen=True)
class AlertState:
    known: Sequence[OpenProblem] = ()
    untold: Mapping[str, Sequence[Notification]] = field(default_factory=dict)
    """Per channel, the oldest first."""
    looked: Looked | None = None
    done: Sequence[str] = field(default_factory=list)
    """What went well lately, and a notice was sent about."""


_MEMORY = TypeAdapter(AlertState)


def recall(keeper: Keeper) -> AlertState:
    """What was remembered last. What can't be understood is put aside; then every problem there is, is sent again."""
    try:
        written = b"".join(keeper.read_path(PATH))
    except KeyError:
        return AlertState()
    try:
        return _MEMORY.validate_json(written)
    except ValidationError:
        keeper.write(UNREADABLE, written)
        _log.exception("%s can't be understood; it is kept as %s", PATH, UNREADABLE)
        return AlertState()


def remember(keeper: Keeper, memory: AlertState) -> None:
    keeper.write(PATH, _MEMORY.dump_json(memory, indent=1))


def queued(waiting: Iterable[Notification], messages: Iterable[Notification]) -> list[Notification]:
    """What one channel has still to get. Of one problem never more than that it is there, and that it is over: a
    channel that is down for a week does not get one per day of it."""
    queue = list(waiting)
    for message in messages:
        before = [one for one in queue if one.problem.identity == message.problem.identity]
        queue = [one for one in queue if one not in before]
        undelivered = [one for one in before if one.event is Event.NEW]
        if message.event is Event.RECOVERED:
            queue += undelivered
        elif before:
            # It heard neither of the beginning nor of a recovery in between: to it, this is one problem.
            event = Event.NEW if undelivered else Event.STILL
            message = replace(message, event=event, since=min(one.since for one in (*before, message)))
        queue.append(message)
    return queue
