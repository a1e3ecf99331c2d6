"""Sends what a run writes while it goes on, beside it: the run neither waits for the backend nor hears of it."""

import threading
import time
from collections.abc import Callable

from vending_platform.lineage.outbox.sending import Completed, send
from vending_platform.lineage.outbox.store import Outbox
from vending_platform.lineage.outbox.transports import Transport

_EVERY = 1.0
"""Seconds between two looks at the outbox."""
_PATIENCE = 2.0
"""Seconds at most that the end of a run waits for a backend that is taking events."""
_SIGN_OF_LIFE = 0.5
"""Seconds in which it has to take one."""


class Courier:
    """A thread that ends with its process: what it has not sent is in the outbox, for the next sender."""

    def __init__(self, outbox: Outbox, transport: Transport, completed: Completed) -> None:
        self._outbox, self._transport, self._completed = outbox, transport, completed
        self._ending = threading.Event()
        self._took_one_at = time.monotonic()
        self._may_go_on: Callable[[], bool] = lambda: True
        self._thread = threading.Thread(target=self._carry, name="lineage", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """The run is at its end. What the backend takes readily is sent; of one that is down or slow nothing is
        waited for."""
        self._took_one_at = time.monotonic()
        until = time.monotonic() + _PATIENCE
        self._may_go_on = lambda: time.monotonic() < until
        self._ending.set()
        while self._thread.is_alive() and self._may_go_on():
            if time.monotonic() - self._took_one_at > _SIGN_OF_LIFE:
                break
            self._thread.join(0.01)

    @property
    def is_sending(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        """Until it has sent what it can, or the backend has shown that it is down."""
        self._thread.join()

    def _carry(self) -> None:
        while not self._ending.wait(_EVERY):
            if self._transport.is_eager:
                self._send()
        self._send()
        self._transport.close()

    def _send(self) -> None:
        def go_on() -> bool:
            self._took_one_at = time.monotonic()
            return self._may_go_on()

        send(self._outbox, self._transport, self._completed, may_go_on=go_on)
