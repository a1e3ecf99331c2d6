"""The events of a run as they happen, as server-sent events.

The id of an event is where its batch began in Dagster's log, and its place in the batch. So who comes back with the
last id gets the next event, neither one twice nor one left out.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus

from vending_platform.service.pipeline.dagster_api import DagsterApi, DagsterUnavailable, EventBatch
from vending_platform.service.pipeline.models import RunEventKind
from vending_platform.service.pipeline.run_view import events_of
from vending_platform.service.web import HttpProblem
from vending_platform.service.web.streams import KEEP_ALIVE, sent_event

_EVENT_ID = re.compile(r"([A-Za-z0-9+/=_-]{0,200})~(\d{1,6})")
_BETWEEN_LOOKS = 0.7
_LOOKS_PER_KEEP_ALIVE = 20
_FAILURES = 10
"""Looks in a row that may fail before the stream ends, to be taken up again by the client."""


@dataclass(frozen=True)
class EventPosition:
    """Where the batch begins, and how many of its events were sent."""

    cursor: str = ""
    sent: int = 0

    def __str__(self) -> str:
        return f"{self.cursor}~{self.sent}"


def position_of(last_event_id: str | None) -> EventPosition:
    if not last_event_id:
        return EventPosition()
    if (found := _EVENT_ID.fullmatch(last_event_id)) is None:
        raise HttpProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid",
            "Last-Event-ID is not one of this stream's: leave it out to begin again",
        )
    return EventPosition(found[1], int(found[2]))


async def follow(
    dagster: DagsterApi, run_id: str, position: EventPosition, has_to_end: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Until the run is over, or the service stops: a client then asks again, with the last id that it got."""
    yield b"retry: 2000\n\n"
    was_over, looks, failures = False, 0, 0
    while not has_to_end():
        try:
            batch = await dagster.events(run_id, position.cursor or None)
            failures = 0
        except DagsterUnavailable:
            failures += 1
            if failures > _FAILURES:
                return
            await asyncio.sleep(_BETWEEN_LOOKS)
            continue
        for number, raw in enumerate(batch.events[position.sent :], position.sent + 1):
            for event in events_of(raw):
                yield sent_event(f"{position.cursor}~{number}", event.kind, event.model_dump(mode="json"))
        is_through = len(batch.events) <= position.sent and not batch.has_more
        if was_over and is_through:
            yield _end(position, batch)
            return
        was_over = batch.phase.is_over
        if batch.events:
            position = EventPosition(batch.cursor)
        if not (batch.has_more or was_over):
            looks += 1
            if looks % _LOOKS_PER_KEEP_ALIVE == 0:
                yield KEEP_ALIVE
            await asyncio.sleep(_BETWEEN_LOOKS)


def _end(position: EventPosition, batch: EventBatch) -> bytes:
    return sent_event(str(position), RunEventKind.END, {"kind": RunEventKind.END, "phase": batch.phase})
