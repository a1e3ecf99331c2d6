"""How a message reads: for a person who was woken by it and knows nothing yet."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from vending_platform.alerts.problem import Event, Notification, ProblemKind
from vending_platform.environment import BUSINESS_TIME_ZONE

_JAPAN = ZoneInfo(BUSINESS_TIME_ZONE)
_SUBJECT = 100


def subject(message: Notification, environment: str) -> str:
    """One short line of ASCII, as the subject of an e-mail must be."""
    words = f"[{environment}] {message.event.capitalize()}: {message.problem.what}"
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in words)
    return plain if len(plain) < _SUBJECT else plain[: _SUBJECT - 4] + "..."


def text(message: Notification, environment: str) -> str:
    lines = list(parts(message, environment))
    width = max(len(name) for name, _ in lines)
    return "\n".join([head(message), *(f"{name:<{width}}  {value}" for name, value in lines)])


def head(message: Notification) -> str:
    return f"{message.event.upper()}: {message.problem.what}"


def parts(message: Notification, environment: str) -> Iterator[tuple[str, str]]:
    """The lines below the head, by name."""
    problem, lasted = message.problem, duration(message.at - message.since)
    yield "Where", f"{environment}: {problem.where}"
    if message.event is Event.DONE:
        yield "When", moment(message.since)
        yield "How much", problem.why
        yield "What to do", problem.what_to_do
    elif message.event is Event.RECOVERED:
        yield "Since", f"{moment(message.at)}; it had lasted {lasted}, from {moment(message.since)}"
        yield "What to do", "Nothing: what was wrong is no longer so."
    else:
        if problem.why:
            yield "Why", problem.why
        yield "Since", moment(message.since) + (f", for {lasted}" if lasted != "a moment" else "")
        things = problem.unit if problem.count == 1 else f"{problem.unit}s"
        yield "How often" if problem.kind is ProblemKind.RUN else "How much", f"{problem.count:,} {things}"
        yield "What to do", problem.what_to_do
    if problem.link is not None:
        yield "Link", problem.link


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC ({at.astimezone(_JAPAN):%H:%M} in Japan)"


def duration(time: timedelta) -> str:
    minutes = int(time.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    shown = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n]
    return " ".join(shown[:2]) or "a moment"
