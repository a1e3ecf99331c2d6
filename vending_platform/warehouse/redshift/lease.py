"""The right to write on Redshift: a row with its holder and the time until which it lasts, renewed while it is used.

As on Snowflake: who is killed blocks the others until its lease has ended, who was cut off for longer than that finds
out by `ensure`, and publications are fenced besides. Only Redshift's clock counts.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from vending_platform.warehouse.interface import TableName, WarehouseError, WarehouseMoved
from vending_platform.warehouse.redshift.data_api import DataApi
from vending_platform.warehouse.redshift.failures import ConflictingTransaction

RESERVATION = TableName("raw", "_reservation")
_SECONDS_BETWEEN_TRIES = 2.0
_RENEWALS = 4
"""How many times a lease is renewed in its length."""
_ENDS = "dateadd(second, cast(:seconds as int), getdate())"


@dataclass
class RedshiftLease:
    api: DataApi
    purpose: str
    length: timedelta
    _valid_until: float = 0.0

    def __post_init__(self) -> None:
        self._holder = uuid4().hex
        self._released = threading.Event()

    def take(self) -> bool:
        """Returns whether it was free."""
        values = f"holder = :holder, purpose = :purpose, taken_at = getdate(), ends_at = {_ENDS}"
        try:
            return self._set(values, "ends_at <= getdate()", purpose=self.purpose)
        except ConflictingTransaction:
            return False  # another process has taken it at the same moment

    def holder(self) -> str:
        """What the process that has it does, and since when."""
        held = self.api.query(f"select purpose, cast(taken_at as varchar) as since from {RESERVATION}")
        return "{purpose} (since {since})".format(**held.to_pylist()[0])

    def ensure(self) -> None:
        if time.monotonic() > self._valid_until:
            raise WarehouseMoved(f"{self.purpose} was suspended for so long that another process may be writing by now")

    def renew_until_released(self) -> None:
        while not self._released.wait(self.length.total_seconds() / _RENEWALS):
            try:
                if not self._set(f"ends_at = {_ENDS}", "holder = :holder and ends_at > getdate()"):
                    self._valid_until = 0.0
                    return
            except WarehouseError:
                continue  # a brief network failure; if it stays, the lease ends, and `ensure` raises

    def release(self) -> None:
        self._released.set()

    def free(self) -> None:
        self.api.run(f"update {RESERVATION} set ends_at = getdate() where holder = :holder", {"holder": self._holder})

    def _set(self, values: str, condition: str, **others: str) -> bool:
        sent = time.monotonic()
        given = {"holder": self._holder, "seconds": str(int(self.length.total_seconds())), **others}
        changed = self.api.run(f"update {RESERVATION} set {values} where {condition}", given) > 0
        if changed:
            self._valid_until = sent + self.length.total_seconds()
        return changed


@contextmanager
def leased(api: DataApi, purpose: str, on_wait: Callable[[str], None], length: timedelta) -> Iterator[RedshiftLease]:
    """The lease, as soon as it is free; if it is not, `on_wait` is called once, with what its holder does."""
    lease = RedshiftLease(api, purpose, length)
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
