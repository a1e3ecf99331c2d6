"""How a message reads: for a person who was woken by it and knows nothing yet."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from vending_platform.alerts.problem import Event, Kind, Message
from vending_platform.environment import BUSINESS_TIME_ZONE

_JAPAN = ZoneInfo(BUSINESS_TIME_ZONE)
_SUBJECT, _LINE = 100, 1_000
_SECRETS = re.compile(
    r"https://hooks\.slack\.com/\S+"  # whoever knows it can post
    r"|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"  # user and password in an address
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|(?<=[?&])(?:X-Amz-Signature|X-Amz-Security-Token)=[^&\s]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\b(?:password|passwd|secret|token|api_?key)['\"]?\s*[=:]\s*(?:'[^']*'|\"[^\"]*\"|[^\s,;}]+)",
    re.IGNORECASE | re.DOTALL,
)


def without_secrets(text: str) -> str:
    """What a library says of its failure may hold what it failed with."""
    return _SECRETS.sub("***", text)


def subject(message: Message, environment: str) -> str:
    """One short line of ASCII, as the subject of an e-mail must be."""
    words = f"[{environment}] {message.event.capitalize()}: {_line(message.problem.what)}"
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in words)
    return plain if len(plain) < _SUBJECT else plain[: _SUBJECT - 4] + "..."


def text(message: Message, environment: str) -> str:
    told = list(parts(message, environment))
    width = max(len(name) for name, _ in told)
    return "\n".join([head(message), *(f"{name:<{width}}  {said}" for name, said in told)])


def head(message: Message) -> str:
    return f"{message.event.upper()}: {_line(message.problem.what)}"


def parts(message: Message, environment: str) -> Iterator[tuple[str, str]]:
    """What is said below the head, by name."""
    problem, lasted = message.problem, duration(message.at - message.since)
    yield "Where", f"{environment}: {_line(problem.where)}"
    if message.event is Event.RECOVERED:
        yield "Since", f"{moment(message.at)}; it had lasted {lasted}, from {moment(message.since)}"
        yield "What to do", "Nothing: what was wrong is no longer so."
    else:
        if problem.why:
            yield "Why", _line(problem.why)
        yield "Since", moment(message.since) + (f", for {lasted}" if lasted != "a moment" else "")
        things = problem.unit if problem.count == 1 else f"{problem.unit}s"
        yield "How often" if problem.kind is Kind.RUN else "How much", f"{problem.count:,} {things}"
        yield "What to do", _line(problem.what_to_do)
    if problem.link is not None:
        yield "Link", problem.link


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC ({at.astimezone(_JAPAN):%H:%M} in Japan)"


def duration(time: timedelta) -> str:
    minutes = int(time.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    told = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n]
    return " ".join(told[:2]) or "a moment"


def _line(said: str) -> str:
    words = " ".join(without_secrets(said).split())
    return words if len(words) <= _LINE else words[: _LINE - 2] + " …"
