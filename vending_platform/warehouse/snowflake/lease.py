"""The right to write on Snowflake: a row with its holder and the time until which it lasts, renewed while it is used.

A process that is killed renews nothing, and blocks the others until its lease has ended. A process that is alive can
lose its lease too (suspended, or cut off, for longer than that); `Lease.ensure` raises then, and publications are
fenced besides. Only Snowflake's clock counts.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from vending_platform.warehouse.interface import TableName, WarehouseMoved, literal
from vending_platform.warehouse.snowflake.session import Session, library

RESERVATION = TableName("raw", "_reservation")
_NOW = "current_timestamp()"
_SECONDS_BETWEEN_TRIES = 1.0
_RENEWALS = 4
"""How many times a lease is renewed in its length."""


class Lease:
    def __init__(self, session: Session, purpose: str, length: timedelta) -> None:
        self._session = session
        self._purpose = purpose
        self._length = length
        self._holder = uuid4().hex
        self._valid_until = 0.0
        self._released = threading.Event()

    @property
    def _ends(self) -> str:
        return f"dateadd('second', {int(self._length.total_seconds())}, {_NOW})"

    def take(self) -> bool:
        """Returns whether it was free."""
        return self._set(
            f"holder = '{self._holder}', purpose = {literal(self._purpose)}, taken_at = {_NOW}, ends_at = {self._ends}",
            f"ends_at <= {_NOW}",
        )

    def holder(self) -> str:
        """What the process that has it does, and since when."""
        held = self._session.query(f"select purpose, cast(taken_at as varchar) as since from {RESERVATION}")
        return "{purpose} (since {since})".format(**held.to_pylist()[0])

    def ensure(self) -> None:
        if time.monotonic() > self._valid_until:
            raise WarehouseMoved(
                f"{self._purpose} was suspended for so long that another process may be writing by now"
            )

    def renew_until_released(self) -> None:
        while not self._released.wait(self._length.total_seconds() / _RENEWALS):
            try:
                if not self._set(f"ends_at = {self._ends}", f"holder = '{self._holder}' and ends_at > {_NOW}"):
                    self._valid_until = 0.0
                    return
            except library().Error:
                continue  # a brief network failure; if it stays, the lease ends, and `ensure` raises

    def release(self) -> None:
        self._released.set()

    def free(self) -> None:
        self._set(f"ends_at = {_NOW}", f"holder = '{self._holder}'")

    def _set(self, values: str, condition: str) -> bool:
        sent = time.monotonic()
        changed = self._session.run(f"update {RESERVATION} set {values} where {condition}") > 0
        if changed:
            self._valid_until = sent + self._length.total_seconds()
        return changed


@contextmanager
def leased(own: Session, purpose: str, on_wait: Callable[[str], None], length: timedelta) -> Iterator[Lease]:
    """The lease, as soon as it is free; if it is not, `on_wait` is called once, with what its holder does. Nothing else
    may use the session `own`."""
    lease = Lease(own, purpose, length)
    if not lease.take():
        on_wait(lease.holder())
        while not lease.take():
            time.sleep(_SECONDS_BETWEEN_TRIES)
    renewing = threading.Thread(target=lease.renew_until_released, daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        lease.release()
        renewing.join()
        lease.free()
