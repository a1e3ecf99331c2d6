"""The right to write on Snowflake: a row that says who has it and until when, renewed while it is used.

Who is killed renews nothing, and blocks the others until the rest of its lease is over. A lease can be lost by one who
is still alive (stopped, or cut off, for longer than that); `Lease.ensure` tells, and a publication is fenced besides.
Only Snowflake's clock counts.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from vending_platform.warehouse.interface import TableName, WarehouseMoved, literal
from vending_platform.warehouse.snowflake_session import Session, library

RESERVATION = TableName("raw", "_reservation")
_NOW = "current_timestamp()"
_LOOKS = 1.0
_RENEWALS = 4
"""So many times in its length a lease is renewed."""


class Lease:
    def __init__(self, session: Session, purpose: str, length: timedelta) -> None:
        self._session = session
        self._purpose = purpose
        self._length = length
        self._holder = uuid4().hex
        self._valid_until = 0.0
        self._given_up = threading.Event()

    @property
    def _ends(self) -> str:
        return f"dateadd('second', {int(self._length.total_seconds())}, {_NOW})"

    def take(self) -> bool:
        """Whether it was free."""
        return self._set(
            f"holder = '{self._holder}', purpose = {literal(self._purpose)}, taken_at = {_NOW}, ends_at = {self._ends}",
            f"ends_at <= {_NOW}",
        )

    def holder(self) -> str:
        """Who has it."""
        held = self._session.query(f"select purpose, cast(taken_at as varchar) as since from {RESERVATION}")
        return "{purpose} (since {since})".format(**held.to_pylist()[0])

    def ensure(self) -> None:
        if time.monotonic() > self._valid_until:
            raise WarehouseMoved(f"{self._purpose} was held up for so long that somebody else may be writing by now")

    def renew_until_given_up(self) -> None:
        while not self._given_up.wait(self._length.total_seconds() / _RENEWALS):
            try:
                if not self._set(f"ends_at = {self._ends}", f"holder = '{self._holder}' and ends_at > {_NOW}"):
                    self._valid_until = 0.0
                    return
            except library().Error:
                continue  # a network's hiccup; if it stays, the lease ends, and `ensure` says so

    def give_up(self) -> None:
        self._given_up.set()

    def free(self) -> None:
        self._set(f"ends_at = {_NOW}", f"holder = '{self._holder}'")

    def _set(self, values: str, condition: str) -> bool:
        asked = time.monotonic()
        changed = self._session.run(f"update {RESERVATION} set {values} where {condition}") > 0
        if changed:
            self._valid_until = asked + self._length.total_seconds()
        return changed


@contextmanager
def leased(own: Session, purpose: str, on_wait: Callable[[str], None], length: timedelta) -> Iterator[Lease]:
    """The lease, as soon as it is free; `on_wait` is told who has it, once. Nobody else may use the session `own`."""
    lease = Lease(own, purpose, length)
    if not lease.take():
        on_wait(lease.holder())
        while not lease.take():
            time.sleep(_LOOKS)
    renewing = threading.Thread(target=lease.renew_until_given_up, daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        lease.give_up()
        renewing.join()
        lease.free()
