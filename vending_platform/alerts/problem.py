"""What a person gets alerts about, and when: at once, again more and more seldom, and when it is over. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from vending_platform.alerts.redaction import one_line


class ProblemKind(StrEnum):
    RUN = "run failed"
    CHECK = "check failed"
    RESULT = "result not as usual"
    BLOCKED = "not built"
    MARTS = "marts late"
    FRESHNESS = "marts out of date"
    CODE = "built by older code"
    MISSING = "delivery missing"
    INCOMPLETE = "package incomplete"
    REFUSED = "package refused"
    QUARANTINE = "in quarantine"
    REJECTED = "rows rejected"
    UNDECLARED = "nobody declared"
    POISON = "poison message"
    CHANNEL = "alert channel down"
    LINEAGE = "lineage not sent"
    CONNECTION = "service not connected"
    WATCH = "can't look"
    LOADED = "package loaded"
    """What went well, and is worth one notice."""

    @property
    def is_news_when_it_grows(self) -> bool:
        """Another file in quarantine is something new; the same run failing again is not."""
        return self not in (ProblemKind.RUN, ProblemKind.CHANNEL, ProblemKind.LINEAGE, ProblemKind.WATCH)


class Event(StrEnum):
    NEW = "problem"
    STILL = "still a problem"
    RECOVERED = "recovered"
    DONE = "done"


GAPS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7))
"""How long it is quiet after an alert was sent once, twice, three times, and each time after that."""

Identity: TypeAlias = tuple[ProblemKind, str]


@dataclass(frozen=True)
class Problem:
    """What is wrong now; of the kind `LOADED`, what went well. Two of the same kind about the same thing are one,
    whenever they are found.

    `what` is a short sentence that stays the same while the problem lasts; the rest says how it is now. Whatever it is
    made with, its texts are lines that can be kept, sent and shown.
    """

    kind: ProblemKind
    about: str
    what: str
    where: str
    what_to_do: str
    why: str = ""
    link: str | None = None
    count: int = 1
    unit: str = "time"
    """What is counted, in the singular."""
    since: datetime | None = None
    """Where it is not known, since it was found."""

    def __post_init__(self) -> None:
        for name in ("about", "what", "where", "what_to_do", "why"):
            object.__setattr__(self, name, one_line(getattr(self, name)))

    @property
    def identity(self) -> Identity:
        return self.kind, self.about


Found: TypeAlias = Mapping[ProblemKind, Sequence[Problem]]
"""The problems there are, by kind. What could not be queried is not in it: it may not be over."""


@dataclass(frozen=True)
class Notification:
    event: Event
    problem: Problem
    since: datetime
    at: datetime


@dataclass(frozen=True)
class OpenProblem:
    """A problem that an alert was sent about and that is not over."""

    problem: Problem
    since: datetime
    told: int
    told_at: datetime
    told_count: int
    """How many there were when the alert was sent, or fewer, if it has become better since."""

    @property
    def next_at(self) -> datetime:
        """When the next alert is sent, if it is still there."""
        has_news = self.problem.count > self.told_count and self.problem.kind.is_news_when_it_grows
        return self.told_at + (GAPS[0] if has_news else GAPS[min(self.told, len(GAPS)) - 1])

    def as_found(self, problem: Problem) -> "OpenProblem":
        return replace(
            self,
            problem=problem,
            since=min(self.since, problem.since or self.since),
            told_count=min(self.told_count, problem.count),
        )


def reconcile(
    known: Iterable[OpenProblem], found: Found, now: datetime
) -> tuple[list[Notification], list[OpenProblem]]:
    """Which alerts to send, given what was sent before and what is found now; and what counts as sent afterwards."""
    there = {problem.identity: problem for problems in found.values() for problem in problems}
    messages: list[Notification] = []
    still: list[OpenProblem] = []
    for one in known:
        problem = there.pop(one.problem.identity, None)
        if problem is not None:
            one = one.as_found(problem)
        elif one.problem.kind in found:
            messages.append(Notification(Event.RECOVERED, one.problem, one.since, now))
            continue
        if now >= one.next_at:
            messages.append(Notification(Event.STILL, one.problem, one.since, now))
            one = replace(one, told=one.told + 1, told_at=now, told_count=one.problem.count)
        still.append(one)
    for problem in there.values():
        since = problem.since or now
        messages.append(Notification(Event.NEW, problem, since, now))
        still.append(OpenProblem(problem, since, told=1, told_at=now, told_count=problem.count))
    return messages, still
