"""The right to write in a warehouse that any process can reach: a row with its holder and the time when it ends.

It is renewed while it is used. A process that is killed renews nothing, and blocks the others until its lease has
ended. A process that is alive can lose its lease too (suspended, or cut off, for longer than that); `Lease.ensure`
raises then, and publications are fenced besides. Only the warehouse's clock counts.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar, TypeVar
from uuid import uuid4

import pyarrow as pa

from vending_platform.warehouse.interface import STATUS, TableName, WarehouseMoved

RESERVATION = TableName("raw", "_reservation")
_RENEWALS = 4
"""How many times a lease is renewed in its length."""


class Lease(ABC):
    """A warehouse gives its words for now and for the end of a lease, and sends the statements. `:holder`, `:purpose`
    and `:seconds` in them stand for values."""

    NOW: ClassVar[str]
    ENDS: ClassVar[str]
    """That many seconds from now."""
    SECONDS_BETWEEN_TRIES: ClassVar[float]

    def __init__(self, purpose: str, length: timedelta) -> None:
        self._purpose = purpose
        self._seconds = length.total_seconds()
        self._values = {"holder": uuid4().hex, "purpose": purpose, "seconds": str(int(self._seconds))}
        self._valid_until = 0.0
        self._released = threading.Event()

    @abstractmethod
    def _query(self, sql: str) -> pa.Table: ...

    @abstractmethod
    def _update(self, sql: str, values: Mapping[str, str]) -> int:
        """How many rows were changed."""

    @abstractmethod
    def _failures(self) -> tuple[type[Exception], ...]:
        """What is raised when the warehouse can't be reached."""

    def take(self) -> bool:
        """Returns whether it was free."""
        values = f"holder = :holder, purpose = :purpose, taken_at = {self.NOW}, ends_at = {self.ENDS}"
        return self._set(values, f"ends_at <= {self.NOW}")

    def holder(self) -> str:
        """What the process that has it does, and since when."""
        held = self._query(f"select purpose, cast(taken_at as varchar) as since from {RESERVATION}")
        return "{purpose} (since {since})".format(**held.to_pylist()[0])

    def ensure(self) -> None:
        if time.monotonic() > self._valid_until:
            raise WarehouseMoved(
                f"{self._purpose} was suspended for so long that another process may be writing by now"
            )

    def renew_until_released(self) -> None:
        while not self._released.wait(self._seconds / _RENEWALS):
            try:
                if not self._set(f"ends_at = {self.ENDS}", f"holder = :holder and ends_at > {self.NOW}"):
                    self._valid_until = 0.0
                    return
            except self._failures():
                continue  # a brief network failure; if it stays, the lease ends, and `ensure` raises

    def release(self) -> None:
        self._released.set()

    def free(self) -> None:
        self._set(f"ends_at = {self.NOW}", "holder = :holder")

    def _set(self, values: str, condition: str) -> bool:
        sent = time.monotonic()
        sql = f"update {RESERVATION} set {values} where {condition}"
        used = {name: value for name, value in self._values.items() if f":{name}" in sql}
        changed = self._update(sql, used) > 0
        if changed:
            self._valid_until = sent + self._seconds
        return changed


AnyLease = TypeVar("AnyLease", bound=Lease)


@contextmanager
def leased(lease: AnyLease, on_wait: Callable[[str], None]) -> Iterator[AnyLease]:
    """The lease, as soon as it is free; if it is not, `on_wait` is called once, with what its holder does."""
    if not lease.take():
        on_wait(lease.holder())
        while not lease.take():
            time.sleep(lease.SECONDS_BETWEEN_TRIES)
    renewing = threading.Thread(target=lease.renew_until_released, daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        lease.release()
        renewing.join()
        lease.free()


class OpenToReaders:
    """Of a warehouse whose readers are never locked out: the status is always the present one."""

    def announce_change(self) -> None:
        """There is nothing to announce."""

    def is_status_outdated(self) -> bool:
        return False

    def publish_status(self, text: Callable[[], str], name: str = STATUS) -> None:
        """See `announce_change`."""

    def last_status(self, name: str = STATUS) -> None:
        return None
