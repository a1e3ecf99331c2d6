"""The server: which service a request is for, faults on request, and what was asked."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What a service is asked; `path` is what follows the service's own address."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What it answers. `cut` loses the connection after so many bytes of the body, and `silent` before any answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    silent: bool = False


Service = Callable[[Request], Reply]
"""It may be called by several threads at once."""


@dataclass
class Fault:
    """A reply in the place of the service's own: to the next requests that it is about, `times` of them, after it let
    `after` of them pass."""

    reply: Reply
    times: int = 1
    after: int = 0
    is_about: Callable[[Request], bool] = lambda _: True

    def takes(self, request: Request) -> bool:
        if self.times <= 0 or not self.is_about(request):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Services:
    """A running server; the address of a service is `of(name)`."""

    address: str
    services: Mapping[str, Service]
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    """All that were made, in order."""
    _lock: Lock = field(default_factory=Lock)

    def of(self, name: str) -> str:
        return f"{self.address}/{name}"

    def answer(self, request: Request) -> Reply:
        name, _, path = request.path.removeprefix("/").partition("/")
        with self._lock:
            self.requests.append(request)
            fault = next((fault for fault in self.faults if fault.takes(request)), None)
        if fault is not None:
            return fault.reply
        if name not in self.services:
            return as_json({"error": f"there is no service {name!r}"}, status=404)
        return self.services[name](Request(request.method, f"/{path}", request.params, request.headers, request.body))


@contextmanager
def serving_services(services: Mapping[str, Service]) -> Iterator[Services]:
    """On a free port, until the block ends."""

    class Handler(_Handler):
        running: Services

    server = _Server(("127.0.0.1", 0), Handler)
    running = Handler.running = Services(f"http://127.0.0.1:{server.server_address[1]}", services)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_json(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Reply(body, status, {"content-type": "application/json", **(headers or {})})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no fault of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    running: Services

    def do_GET(self) -> None:  # as http.server names it
        self._handle()

    def do_POST(self) -> None:  # as http.server names it
        self._handle()

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        reply = self.running.answer(Request(self.command, parts.path, params, headers, body))
        if reply.silent:
            self._hang_up()
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: reply.cut])
        if reply.cut is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as http.server names it
        """Nothing: what was asked is in `requests`."""
