"""Sends what a run writes while it goes on, beside it: the run neither waits for the backend nor hears of it."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from vending_platform.lineage.outbox.sending import Completed, send
from vending_platform.lineage.outbox.store import Outbox, WaitingEvent
from vending_platform.lineage.outbox.transports import Transport

_log = logging.getLogger(__name__)
_EVERY = 1.0
"""Seconds between two looks at the outbox."""
_PATIENCE = 3.0
"""Seconds at most that the end of a run waits for what goes on readily."""
_SIGN_OF_LIFE = 0.5
"""Seconds in which it has to go on."""


class Courier:
    """A thread that ends with its process: what it has not sent is in the outbox, for the next sender. It has a
    connection of its own, as the run may be over before it is."""

    def __init__(self, folder: Path, open_transport: Callable[[Outbox], Transport], completed: Completed) -> None:
        self._folder, self._open_transport, self._completed = folder, open_transport, completed
        self._ending = threading.Event()
        self._went_on_at = time.monotonic()
        self._until: float | None = None
        self._thread = threading.Thread(target=self._carry_safely, name="lineage", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """The run is at its end. What the backend takes readily is sent; one that is down or slow is not waited for."""
        self._went_on_at = time.monotonic()
        self._until = self._went_on_at + _PATIENCE
        self._ending.set()
        while self._thread.is_alive() and time.monotonic() < self._until:
            if time.monotonic() - self._went_on_at > _SIGN_OF_LIFE:
                break
            self._thread.join(0.01)

    @property
    def is_sending(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        """Until it has sent what it can, or the backend has shown that it is down."""
        self._thread.join()

    def _carry_safely(self) -> None:
        try:
            self._carry()
        except Exception as error:  # no one hears of a thread's; what it has not sent still waits
            _log.warning("lineage events wait to be sent, as their sender failed: %s: %s", type(error).__name__, error)

    def _carry(self) -> None:
        with Outbox(self._folder) as outbox:
            transport = self._open_transport(outbox)
            try:
                while not self._ending.wait(_EVERY):
                    if transport.is_eager:
                        self._send(outbox, transport)
                self._send(outbox, transport)
            finally:
                transport.close()

    def _send(self, outbox: Outbox, transport: Transport) -> None:
        send(outbox, transport, self._completed_with_signs, may_go_on=self._may_go_on)

    def _may_go_on(self) -> bool:
        self._went_on_at = time.monotonic()
        return self._until is None or self._went_on_at < self._until

    def _completed_with_signs(self, events: Sequence[WaitingEvent]) -> Sequence[WaitingEvent]:
        found: list[WaitingEvent] = []
        for event in events:
            found += self._completed([event])
            self._went_on_at = time.monotonic()
        return found
