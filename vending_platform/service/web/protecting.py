"""What protects browsers: which host names are served, which pages may change something, and strict headers."""

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from vending_platform.service.web.asgi import (
    AsgiApp,
    Message,
    Receive,
    Scope,
    Send,
    header,
    headers_named,
    with_headers,
)
from vending_platform.service.web.problems import HttpProblem

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SAME_SITE = frozenset({"same-origin", "none"})
_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def content_policy(**changes: str) -> str:
    """The content security policy of a page, with `script_src="…"` in the place of what it has."""
    policy = _POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in policy.items())


_HEADERS = {
    b"content-security-policy": content_policy().encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    b"cache-control": b"no-store",
}
_ONLY_ENCRYPTED = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class StrictHeaders:
    """The outermost of an application: every response has these headers, whatever it is a response to."""

    def __init__(self, app: AsgiApp, *, is_encrypted: bool) -> None:
        self._app = app
        self._headers = [*_HEADERS.items(), *([_ONLY_ENCRYPTED] if is_encrypted else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_strictly(message: Message) -> None:
            is_start = message["type"] == "http.response.start"
            await send(with_headers(message, self._headers) if is_start else message)

        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "There are no web sockets here."})
        else:
            await self._app(scope, receive, send_strictly)


class Protected:
    """Answers for its own host names only, so a foreign name that resolves here reads nothing; and lets no foreign page
    change anything."""

    def __init__(self, app: AsgiApp, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _refuse_foreign_hosts(scope, self._hosts)
            _refuse_foreign_pages(scope)
        await self._app(scope, receive, send)


def _refuse_foreign_hosts(scope: Scope, hosts: frozenset[str]) -> None:
    given = headers_named(scope, b"host")
    name = _name_of(given[0]) if len(given) == 1 else None
    if name is None or name not in hosts:
        raise HttpProblem(
            HTTPStatus.MISDIRECTED_REQUEST, "wrong-host", f"this service is served as {' or '.join(sorted(hosts))} only"
        )


def _refuse_foreign_pages(scope: Scope) -> None:
    """A browser sends `Origin` or `Sec-Fetch-Site` with whatever a page starts; programs send neither."""
    if scope["method"] in SAFE_METHODS:
        return
    site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
    is_foreign = site is not None and site not in _SAME_SITE
    if origin is not None:
        is_foreign = is_foreign or _netloc_of(origin) != (header(scope, b"host") or "").lower()
    if is_foreign:
        raise HttpProblem(HTTPStatus.FORBIDDEN, "foreign-page", "a page of another site may not change anything here")


def _name_of(host: str) -> str | None:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return None


def _netloc_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
