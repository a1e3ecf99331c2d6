"""A look at the queue: what a look costs depends on what has arrived, not on what the bucket holds.

The queue remembers what no run was requested for yet; from then on the history of runs does. So a message is deleted as
soon as a run is on record whose list names its files, and not before; a run that fails is requested again from its
list. Nothing else is remembered, and no clock decides about a message.
"""

import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from vending_platform.arrivals.crash_points import OnStep, PollCrashPoint, ignore
from vending_platform.arrivals.file_lists import Lists
from vending_platform.arrivals.queue import Queue, QueueMessage
from vending_platform.arrivals.run_planning import Answer, History, RunState, ask, remember
from vending_platform.arrivals.s3_events import Reading, WatchedBucket, read_message
from vending_platform.catalog import Catalog

_RECEIVING_SECONDS, _LOOKING_SECONDS = 15, 35
"""Dagster ends a look after 60 seconds; what is left over then is there at the next one."""


@dataclass(frozen=True)
class Letter:
    message: QueueMessage
    reading: Reading


def look_at_queue(
    queue: Queue,
    bucket: WatchedBucket,
    catalog: Catalog,
    lists: Lists,
    history: History,
    now: datetime,
    on_step: OnStep = ignore,
) -> Answer:
    begun = time.monotonic()
    messages = queue.receive(begun + _RECEIVING_SECONDS)
    on_step(PollCrashPoint.RECEIVED)
    letters = [Letter(message, read_message(message.body, bucket, message.sent_at)) for message in messages]
    notices = {notice for letter in letters for notice in letter.reading.notices}
    known = remember(history, lists, min((notice.sent_at for notice in notices), default=None), now)
    recorded = known.named(RunState.UNDER_WAY, RunState.SUCCEEDED, RunState.FAILED)
    done = [letter for letter in letters if all(notice.key in recorded for notice in letter.reading.notices)]
    log = [
        f"{len(messages):,} messages, {len(notices):,} files written; {len(done):,} messages need nothing more",
        *_passed_over(letters),
        *_settle(queue, done, begun + _LOOKING_SECONDS, on_step),
    ]
    # A run that exists but never started is requested again, and until it starts its messages stay.
    pending = {notice for notice in notices if notice.key not in recorded}
    answer = ask(catalog, pending, known, lists, now, on_step)
    if dead := queue.dead_letters():
        log.append(f"{dead} messages in the dead-letter queue wait for a person: see docs/operating.md")
    return replace(answer, log=tuple(log))


def _settle(queue: Queue, done: list[Letter], until: float, on_step: OnStep) -> list[str]:
    """Messages that need nothing more go; those that could not be understood go to the dead letters first."""
    log, going = [], []
    for letter in done:
        problem = letter.reading.problem
        if problem is not None:
            if time.monotonic() >= until or not queue.bury(letter.message, problem, on_step):
                log.append(f"message {letter.message.id} could not be moved to the dead-letter queue: {problem}")
                continue
            log.append(f"message {letter.message.id} moved to the dead-letter queue: {problem}")
        going.append(letter.message)
    gone = queue.delete(going, until, on_step)
    if gone < len(going):
        log.append(f"{len(going) - gone} of them could not be deleted now, and come again")
    return log


def _passed_over(letters: list[Letter]) -> list[str]:
    reasons = Counter(reason for letter in letters for reason in letter.reading.passed_over)
    return [f"{count} passed over: {reason}" for reason, count in sorted(reasons.items())]
