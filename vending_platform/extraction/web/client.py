"""Requests to a web API: paced, authorized, bounded in time and size, and made again where that may help."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from vending_platform import secrets
from vending_platform.environment import ApiSettings
from vending_platform.extraction.interface import ExtractionError, SystemUnavailable

Content = TypeVar("Content")
_PASSES_BY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may succeed."""
_MOST_BYTES = 64 * 1024 * 1024
_IN_ALL = 10
"""How many times the timeout, which is for each piece, an answer may take in all."""
_LOOKED_AT, _SHOWN = 65_536, 200
"""How much of what an answer says about a problem."""
_HAS_NO_SECRET = frozenset({"host", "accept", "accept-encoding", "connection", "user-agent"})
_THIS_COMPUTER = frozenset({"127.0.0.1", "localhost", "::1"})
_FIRST_WAIT, _BACK_OFF = 0.5, 30.0


class NotThisTime(Exception):
    """The request failed, and the same request may succeed, perhaps only `after` so many seconds."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


@dataclass(frozen=True)
class ApiAnswer(Generic[Content]):
    """What a request was answered with, and the address of the next page where a header names one."""

    content: Content
    next_page: str | None


@dataclass(frozen=True)
class Clock:
    """What a client knows of time; tests have one of their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    today: Callable[[], datetime] = lambda: datetime.now(UTC)


REAL_CLOCK = Clock()


@dataclass
class ApiClient:
    """One API, for as long as it is open; printing it shows no key."""

    name: str
    settings: ApiSettings
    http: httpx2.Client = field(repr=False)
    clock: Clock
    _free_at: float = 0.0

    def get(
        self, address: str, params: Mapping[str, str], about: str, read: Callable[[bytes], Content]
    ) -> ApiAnswer[Content]:
        """What `read` makes of the answer to a request for a path below the API's address, or for a whole address at
        the same host.

        `about` says in messages what it was for. `ExtractionError` if asking again can't help, and `SystemUnavailable`
        if it did not help for as long as is declared; `read` may raise `NotThisTime`.
        """
        retrying = Retrying(
            stop=stop_after_attempt(self.settings.attempts),
            wait=_wait,
            retry=retry_if_exception_type(NotThisTime),
            sleep=self.clock.sleep,
            reraise=True,
        )
        address = self._address(address)
        try:
            return retrying(self._get, address, params, about, read)
        except NotThisTime as problem:
            raise SystemUnavailable(f"{self._what(address, about)} {problem}") from problem.__cause__

    def _get(
        self, address: str, params: Mapping[str, str], about: str, read: Callable[[bytes], Content]
    ) -> ApiAnswer[Content]:
        self._wait_for_turn()
        try:
            # Given only where there are some: an empty mapping would remove those of the address itself.
            with self.http.stream("GET", address, params=params or None) as response:
                content = self._content(response, about)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            why = f"did not answer ({str(error) or type(error).__name__})"
            raise NotThisTime(f"{why}: check the network, and the address of the API in environments.yml") from error
        status = response.status_code
        if status == HTTPStatus.OK:
            next_page = response.links.get("next", {}).get("url")
            return ApiAnswer(read(content), urljoin(address, next_page) if next_page else None)
        reason = _reason(response, content, params)
        if status in _PASSES_BY:
            raise self._later(response, f"answered {status}{reason}")
        what = self._what(address, about)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise ExtractionError(f"{what} answered {status}{reason}: {self.settings.access_problem}")
        if response.has_redirect_location:
            raise ExtractionError(f"{what} answered {status}, that it is elsewhere: correct the address of the API")
        raise ExtractionError(f"{what} answered {status}{reason}")

    def _content(self, response: httpx2.Response, about: str) -> bytes:
        found, ends = bytearray(), self.clock.now() + _IN_ALL * self.settings.timeout
        for chunk in response.iter_bytes():
            found += chunk
            if len(found) > _MOST_BYTES:
                what = self._what(str(response.url), about)
                raise ExtractionError(
                    f"{what} answered with more than {_MOST_BYTES // 1024**2} MB: declare smaller pages"
                )
            if self.clock.now() > ends:
                raise NotThisTime("did not finish its answer in time")
        return bytes(found)

    def _later(self, response: httpx2.Response, why: str) -> NotThisTime | SystemUnavailable:
        after = retry_after(response.headers, self.clock.today())
        if after is not None and after > self.settings.longest_wait:
            # As a last failure: the caller tries again later, and no process sleeps until then.
            return SystemUnavailable(
                f"{self.name} {why}, and wants no request for {after:.0f} seconds; longest_wait allows"
                f" {self.settings.longest_wait}"
            )
        return NotThisTime(why, after)

    def _wait_for_turn(self) -> None:
        now = self.clock.now()
        if now < self._free_at:
            self.clock.sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + 60 / self.settings.requests_a_minute

    def _address(self, address: str) -> str:
        """A key goes to the declared host only, whatever an answer says is the next page."""
        base = self.settings.url.rstrip("/")
        if "://" not in address:
            return f"{base}/{address.lstrip('/')}" if address else base
        if _origin(address) != _origin(base):
            raise ExtractionError(f"{self.name} names a next page at another host, {urlsplit(address).netloc}")
        return address

    def _what(self, address: str, about: str) -> str:
        path = urlsplit(address).path or "/"
        return f"{self.name} (GET {path}{'' if path.endswith(about) else f', {about}'})"


@contextmanager
def open_client(
    name: str, settings: ApiSettings, auth: httpx2.Auth | None, clock: Clock = REAL_CLOCK
) -> Iterator[ApiClient]:
    secrets.hide_details(*secrets.OF_HTTPX)
    where = urlsplit(settings.url)
    if not where.hostname or where.scheme not in ("http", "https"):
        raise ExtractionError(
            f"the address of the API {name} can't be used: write https://host/path in environments.yml"
        )
    if where.scheme == "http" and where.hostname not in _THIS_COMPUTER:
        raise ExtractionError(f"the address of the API {name} must begin with https://, as it is on another computer")
    with httpx2.Client(
        auth=auth,
        timeout=settings.timeout,
        trust_env=False,
        headers={"user-agent": "vending-platform"},
    ) as http:
        yield ApiClient(name, settings, http, clock)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that an answer asks to wait, as a number or as a date; a date is compared with the service's own
    clock where it says what that shows."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", value):
        return float(value)
    until = _moment(value)
    if until is None:
        return None
    return max(0.0, (until - (_moment(headers.get("date", "")) or now)).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


_backing_off = wait_exponential_jitter(multiplier=_FIRST_WAIT, max=_BACK_OFF)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    after = error.after if isinstance(error, NotThisTime) else None
    return after if after is not None else _backing_off(state)


def _origin(address: str) -> tuple[Any, ...]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _reason(response: httpx2.Response, content: bytes, params: Mapping[str, str]) -> str:
    """What the service says about it, without what it may repeat of the request's keys."""
    text = " ".join(content[:_LOOKED_AT].decode("utf-8", "replace").split())
    if not text or "<html" in text.lower():
        return ""
    request = response.request
    hidden = [value for name, value in request.headers.items() if name.lower() not in _HAS_NO_SECRET]
    hidden += [value for name, value in request.url.params.multi_items() if name not in params]
    for piece in (piece for value in hidden for piece in value.split()):
        for written in (piece, quote(piece, safe=""), quote_plus(piece)):
            text = text.replace(written, "…")
    return f" ({text[:_SHOWN]})"
