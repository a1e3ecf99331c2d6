"""A person connects a service from a terminal: the way back from its page of consent comes to this process.

The address is the one that is registered for the connect page on a laptop, so this process listens there until the
person has agreed. In the place of a browser's cookie, this process keeps the value that has to come back to `finish`.
"""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from vending_platform.connections.connection import ServiceConnection
from vending_platform.connections.consent import LASTS, BegunConsent, ConsentFailed, begin, finish
from vending_platform.errors import PlatformError, Unavailable
from vending_platform.storage import Place

_LOOK_SECONDS, _READ_SECONDS = 1.0, 5.0
_DONE = "{} is connected. You can close this page."
_NOT_DONE = "{} was not connected. The terminal says why."
_UNKNOWN = "There is nothing at this address, or it was used before."


class PortTaken(Unavailable):
    """Another program listens where the way back leads: on a laptop most likely the connect page's own service."""


def connect_here(
    connection: ServiceConnection,
    work: Place,
    who: str,
    on_link: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Connected when it returns. `on_link` gets the address of the service's page, for a person to open. ConsentFailed
    if the person declined, the service refused, or no one came back in time."""
    redirect = urlsplit(f"{connection.page}/{connection.name}/callback")
    try:
        server = _ReturnServer((str(redirect.hostname), redirect.port or 80), _Return)
    except OSError as error:
        raise PortTaken(f"another program listens at {redirect.netloc}: {error.strerror}") from error
    with server:
        begun = begin(connection, work, redirect.geturl(), who)
        server.path, server.name = redirect.path, connection.name
        server.take = lambda sent: _finish(connection, work, begun, sent)
        on_link(begun.url)
        ends = now() + LASTS.total_seconds()
        while not server.is_over:
            if now() > ends:
                minutes = LASTS.total_seconds() / 60
                raise ConsentFailed(
                    f"{connection.name} was not connected: no one agreed within {minutes:.0f} minutes", "untrusted"
                )
            server.handle_request()
        if server.problem is not None:
            raise server.problem


def _finish(connection: ServiceConnection, work: Place, begun: BegunConsent, sent: Mapping[str, str]) -> None:
    finish(
        connection,
        work,
        state=sent.get("state", ""),
        browser=begun.browser.get_secret_value(),
        code=SecretStr(sent["code"]) if sent.get("code") else None,
        refusal=sent.get("error"),
    )


class _ReturnServer(HTTPServer):
    """Takes requests one by one until one of them has brought a person back."""

    timeout = _LOOK_SECONDS
    path = name = ""
    take: Callable[[Mapping[str, str]], None]
    is_over = False
    problem: PlatformError | None = None

    def came_back(self, sent: Mapping[str, str]) -> tuple[HTTPStatus, str]:
        try:
            self.take(sent)
        except ConsentFailed as failed:
            if failed.why == "untrusted":  # not the way back that was begun here, which may still come
                return HTTPStatus.BAD_REQUEST, _UNKNOWN
            self.problem = failed
        except PlatformError as problem:
            self.problem = problem
        self.is_over = True
        if self.problem is None:
            return HTTPStatus.OK, _DONE.format(self.name)
        return HTTPStatus.BAD_REQUEST, _NOT_DONE.format(self.name)


class _Return(BaseHTTPRequestHandler):
    """One request of a browser."""

    timeout = _READ_SECONDS
    server: _ReturnServer

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        status, words = HTTPStatus.NOT_FOUND, _UNKNOWN
        if asked.path == self.server.path:
            status, words = self.server.came_back(dict(parse_qsl(asked.query)))
        content = words.encode()
        self.send_response(status)
        for header, value in (
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as its base calls it
        """Nothing: the address of a request has the code in it."""
