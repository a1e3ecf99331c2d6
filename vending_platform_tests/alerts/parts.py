"""What the tests of alerts share: a place in memory, channels that note what they are told, a clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vending_platform.alerts import ChannelDown, Notification, Problem, ProblemKind

NOON = datetime(2024, 3, 15, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Folder:
    """A place that can be made to crash at one of the next writes: before it, or after it."""

    files: dict[str, bytes] = field(default_factory=dict)
    crash_in: int | None = None

    def read_path(self, path: str) -> Iterator[bytes]:
        yield self.files[path]

    def write(self, path: str, content: bytes) -> None:
        self._count()
        self.files[path] = content
        self._count()

    def _count(self) -> None:
        if self.crash_in is not None:
            if self.crash_in == 0:
                raise Crash
            self.crash_in -= 1


@dataclass
class Notebook:
    """A channel for tests."""

    name: str
    is_down: bool = False
    messages: list[Notification] = field(default_factory=list)
    attempts: int = 0

    def send(self, message: Notification) -> None:
        self.attempts += 1
        if self.is_down:
            raise ChannelDown("no answer")
        self.messages.append(message)

    def events(self) -> list[str]:
        return [f"{message.event.name} {message.problem.about}" for message in self.messages]


def problem(about: str = "daily", kind: ProblemKind = ProblemKind.RUN, **said: object) -> Problem:
    words = {"what": f"{about} is wrong", "where": "here", "what_to_do": "fix it", "unit": "run"}
    return Problem(kind, about, **{**words, **said})  # type: ignore[arg-type]


def found(
    *problems: Problem, looked_at: Sequence[ProblemKind] = (ProblemKind.RUN,)
) -> dict[ProblemKind, list[Problem]]:
    return {
        kind: [problem for problem in problems if problem.kind is kind]
        for kind in {*looked_at, *(problem.kind for problem in problems)}
    }
