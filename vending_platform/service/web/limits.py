"""Limits: how large a request may be, how long it may take, and how many one caller may send."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from vending_platform.service.web.asgi import AsgiApp, Message, Receive, Scope, Send, header
from vending_platform.service.web.problems import HttpProblem

_CALLERS_KNOWN = 10_000


@dataclass(frozen=True)
class RequestLimits:
    body_bytes: int = 64 * 1024
    body_seconds: float = 10
    """Until the whole body must be there."""
    response_seconds: float = 30
    """Until a response must have begun."""
    send_seconds: float = 60
    """Until a client must have taken a piece of a response."""
    headers: int = 100
    per_second: float = 300
    """Requests of one caller, on the average."""
    burst: int = 600


class SlowClient(Exception):
    """Ends a response in the middle: the connection is closed, and nothing more can be said."""


class Limited:
    """Refuses what is too large or too slow."""

    def __init__(self, app: AsgiApp, limits: RequestLimits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits = self._limits
        if len(scope["headers"]) > limits.headers:
            raise HttpProblem(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "too-many-headers",
                f"a request may have {limits.headers} headers",
            )
        _refuse_long(header(scope, b"content-length"), limits.body_bytes)
        deadline = asyncio.timeout(limits.response_seconds)
        try:
            async with deadline:
                await self._app(scope, self._receiving(receive), self._sending(send, lambda: deadline.reschedule(None)))
        except TimeoutError:
            if not deadline.expired():
                raise
            raise HttpProblem(
                HTTPStatus.GATEWAY_TIMEOUT,
                "too-slow",
                f"there was no response within {limits.response_seconds:g} seconds: request less, or try again later",
            ) from None

    def _receiving(self, receive: Receive) -> Receive:
        limits, received = self._limits, 0
        is_whole = False
        ends = time.monotonic() + limits.body_seconds

        async def receive_within() -> Message:
            nonlocal received, is_whole
            if is_whole:  # from here on it waits for the client to go away
                return await receive()
            try:
                async with asyncio.timeout(ends - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise HttpProblem(
                    HTTPStatus.REQUEST_TIMEOUT,
                    "slow-body",
                    f"the body was not there within {limits.body_seconds:g} seconds",
                    headers={"Connection": "close"},
                ) from None
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > limits.body_bytes:
                raise _too_large(limits.body_bytes)
            return message

        return receive_within

    def _sending(self, send: Send, on_start: Callable[[], None]) -> Send:
        seconds = self._limits.send_seconds

        async def send_within(message: Message) -> None:
            if message["type"] == "http.response.start":
                on_start()
            try:
                async with asyncio.timeout(seconds):
                    await send(message)
            except TimeoutError:
                raise SlowClient(f"a client took nothing of a response for {seconds:g} seconds") from None

        return send_within


class CallRate:
    """A bucket of tokens for each caller; `take` says for how many seconds a caller has to wait."""

    def __init__(self, per_second: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._now = per_second, burst, now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float:
        now = self._now()
        left, at = self._left.pop(caller, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._per_second)
        waits = 0.0 if left >= 1 else (1 - left) / self._per_second
        self._left[caller] = (left - 1 if waits == 0 else left, now)
        while len(self._left) > _CALLERS_KNOWN:
            self._left.popitem(last=False)
        return waits


def _refuse_long(declared: str | None, most: int) -> None:
    if declared is None:
        return
    if not (declared.isascii() and declared.isdigit()):
        raise HttpProblem(HTTPStatus.BAD_REQUEST, "bad-request", "the header Content-Length is not a number")
    if int(declared[:20]) > most:
        raise _too_large(most)


def _too_large(most: int) -> HttpProblem:
    return HttpProblem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        f"a request's body may have {most:,} bytes",
        headers={"Connection": "close"},
    )
