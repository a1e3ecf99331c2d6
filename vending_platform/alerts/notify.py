"""From problems to alerts. Nothing in here fails because a channel or a finder does."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay, wait_exponential_jitter

from vending_platform.alerts.channels import Channel, ChannelDown
from vending_platform.alerts.problem import Event, Found, Notification, Problem, ProblemKind, reconcile
from vending_platform.alerts.state import AlertState, Keeper, Looked, queued, remember

_SECONDS = 10.0
"""How long one channel may take in one look; what is left is sent in the next."""
_STUCK_AFTER = timedelta(minutes=15)
_log = logging.getLogger(__name__)


class NotNow(Exception):
    """A finder can't look this time, and nothing is wrong with that."""


@dataclass(frozen=True)
class Finder:
    """Somewhere to look for problems: all there are of these kinds, each time."""

    name: str
    kinds: frozenset[ProblemKind]
    find: Callable[[], Sequence[Problem]]


@dataclass(frozen=True)
class Notified:
    memory: AlertState
    sent: int
    down: Mapping[str, str]
    """Per channel that takes nothing, why."""


def look(finders: Sequence[Finder]) -> Found:
    """What all of them find. One that fails is itself a problem, and what it would have found stays as it was."""
    found: dict[ProblemKind, Sequence[Problem]] = {}
    blind = []
    for finder in finders:
        try:
            problems = finder.find()
        except NotNow:
            continue
        except Exception as error:  # whatever it is, the others look all the same
            _log.exception("can't look at %s", finder.name)
            blind.append(_cannot_look(finder, error))
            continue
        for kind in sorted(finder.kinds, key=list(ProblemKind).index):
            found[kind] = [*found.get(kind, ()), *(problem for problem in problems if problem.kind is kind)]
    return {**found, ProblemKind.WATCH: blind}


def send_notifications(
    keeper: Keeper,
    memory: AlertState,
    found: Found,
    channels: Sequence[Channel],
    now: datetime,
    *,
    looked: Looked | None = None,
    seconds: float = _SECONDS,
) -> Notified:
    """Send what is new, what still is, and what is over; and first what could not be sent before. With `looked`,
    remember that too."""
    before = memory
    memory = replace(note(memory, found, now, [channel.name for channel in channels]), looked=looked or memory.looked)
    if memory != before:
        remember(keeper, memory)
    sent, down = 0, {}
    for channel in channels:
        waiting = memory.untold[channel.name]
        taken, problem = _send(channel, waiting, seconds)
        if taken:  # at once, for the next channel may take its time, and the look may be ended before
            memory = replace(memory, untold={**memory.untold, channel.name: waiting[taken:]})
            remember(keeper, memory)
        sent += taken
        if problem is not None:
            down[channel.name] = problem
    return Notified(memory, sent, down)


def note(memory: AlertState, found: Found, now: datetime, channels: Sequence[str]) -> AlertState:
    """What is known, and what each channel has to get, after this look. Pure."""
    stuck = {
        name: waiting[0].at
        for name, waiting in memory.untold.items()
        if name in channels and waiting and now - waiting[0].at > _STUCK_AFTER
    }
    problems = [_stuck(name, since) for name, since in stuck.items()]
    wrong: dict[ProblemKind, Sequence[Problem]] = {**found, ProblemKind.CHANNEL: problems}
    went_well = wrong.pop(ProblemKind.LOADED, None)
    messages, known = reconcile(memory.known, wrong, now)
    if went_well is not None:
        news = [one for one in went_well if one.about not in memory.done]
        messages += [Notification(Event.DONE, one, one.since or now, now) for one in news]
        memory = replace(memory, done=[one.about for one in went_well])
    untold = {name: queued(memory.untold.get(name, ()), messages) for name in channels}
    return replace(memory, known=known, untold=untold)


def _send(channel: Channel, messages: Sequence[Notification], seconds: float) -> tuple[int, str | None]:
    """How many it took, and why not the others: the first that fails waits, and those behind it."""
    until = time.monotonic() + seconds
    for taken, message in enumerate(messages):
        if (left := until - time.monotonic()) <= 0:
            return taken, None
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(ChannelDown),
                stop=stop_after_attempt(3) | stop_before_delay(left),
                wait=wait_exponential_jitter(multiplier=0.25, max=2, jitter=0.25),
                reraise=True,
            ):
                with attempt:
                    channel.send(message)
        except ChannelDown as problem:
            _log.warning("%s takes no message: %s", channel.name, problem)
            return taken, str(problem)
        except Exception as error:  # a mistake of ours; it must not keep alerts from the other channels
            _log.exception("%s can't be used", channel.name)
            return taken, type(error).__name__
    return len(messages), None


def _stuck(name: str, since: datetime) -> Problem:
    return Problem(
        ProblemKind.CHANNEL,
        name,
        what=f"The alert channel {name} takes no messages",
        where=f"channel {name}",
        what_to_do="See the log of the sensor `watch` for why. Nothing is lost: all of it is sent once it is back.",
        since=since,
    )


def _cannot_look(finder: Finder, error: Exception) -> Problem:
    return Problem(
        ProblemKind.WATCH,
        finder.name,
        what=f"The state of {finder.name} is unknown",
        where="sensor watch",
        why=f"looking fails with {type(error).__name__}",
        what_to_do="See the log of the sensor `watch`. Until then, new problems of these kinds are not reported: "
        + ", ".join(sorted(finder.kinds)),
    )
