"""The server process of an application: `python -m vending_platform.service`."""

import asyncio
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from vending_platform.service.web.asgi import AsgiApp

_HEADER_SECONDS = 10.0
"""Until the header of a request must be there; also how long a connection may stay open without any."""
_KEEP_ALIVE_SECONDS = 30
_STOP_SECONDS = 20
_CONNECTIONS = 1000
_HEADER_BYTES = 32 * 1024


class PatientProtocol(H11Protocol):
    """HTTP that waits for the header of a request for some seconds only: uvicorn's own waits for ever."""

    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._await_header()
        elif self.conn.their_state is not h11.IDLE:
            self._stop_waiting()

    def _await_header(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(_HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._on_stop()
        super().handle_exit(sig, frame)


def serve(app: AsgiApp, host: str, port: int, on_stop: Callable[[], None] = lambda: None) -> None:
    """Until a signal: then no new connection is accepted, requests under way are finished, and streams end."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
    )
    _Server(config, on_stop).run()
