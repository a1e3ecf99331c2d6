"""One line of log and a few metrics for each request, and the id by which both are found again.

What a line has: method, the pattern of the address (not the address: what stands in it may be about a person), status,
milliseconds, bytes, who called. No query, no header, no body, no IP address.
"""

import logging
import re
import secrets
import time
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from vending_platform.service.web.asgi import AsgiApp, Message, Receive, Scope, Send, header, with_headers
from vending_platform.service.web.problems import problem_of, problem_response

_log = logging.getLogger("vending_platform.service.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_UNKNOWN = "(unknown)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetrics:
    """Of one application; `registry` is what its `/metrics` shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "http_request_seconds",
            "Until a response was sent in full.",
            ["method", "path", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.under_way = Gauge("http_requests_under_way", "Requests at this moment.", registry=self.registry)
        self.refused = Counter(
            "http_requests_refused", "Requests that were refused, by why.", ["reason"], registry=self.registry
        )


@dataclass
class _Seen:
    """What goes back to the client in one exchange."""

    status: int = 0
    sent: int = 0
    began: float = field(default_factory=time.perf_counter)


class Observed:
    """Gives a request its id, times and logs it, and turns what no one handled below into a problem."""

    def __init__(self, app: AsgiApp, metrics: RequestMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, b"x-request-id") or ""
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)
        scope.setdefault("state", {})["request_id"] = request_id
        seen = _Seen()

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                message = with_headers(message, [(b"x-request-id", request_id.encode())])
            elif message["type"] == "http.response.body":
                seen.sent += len(message.get("body", b""))
            await send(message)

        with self._metrics.under_way.track_inprogress():
            try:
                await self._app(scope, receive, send_on)
            except Exception as error:
                problem = problem_of(error)
                if seen.status != 0:  # the client has a part of it; a broken connection tells that it is not whole
                    raise
                self._metrics.refused.labels(problem.kind).inc()
                await problem_response(problem, request_id)(scope, receive, send_on)
            finally:
                self._record(scope, seen, request_id)

    def _record(self, scope: Scope, seen: _Seen, request_id: str) -> None:
        seconds = time.perf_counter() - seen.began
        route = scope.get("route")
        path = getattr(route, "path", None) or _UNKNOWN
        method = scope["method"] if scope["method"] in _METHODS else _UNKNOWN
        self._metrics.seconds.labels(method, path, seen.status).observe(seconds)
        caller = scope["state"].get("caller")
        fields = {
            "request": request_id,
            "method": method,
            "path": path,
            "status": seen.status,
            "milliseconds": round(seconds * 1000, 1),
            "bytes": seen.sent,
            "caller": caller.name if caller is not None else None,
        }
        _log.info("%s %s %s", method, path, seen.status, extra={"fields": fields})
