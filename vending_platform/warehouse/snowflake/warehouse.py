"""Snowflake: rows come as Parquet files through a stage, and every publication is one transaction.

Readers are never locked out. One process at a time has the right to write (`lease`). A lease can run out while its
holder does not notice, so every publication increments the number in `raw._publications` that its writer read before
anything else: the second of two writers finds another number, changes nothing, and gets `WarehouseMoved`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.lease import OpenToReaders, leased
from vending_platform.warehouse.snowflake.lease import SnowflakeLease
from vending_platform.warehouse.snowflake.session import Connect, Session, session
from vending_platform.warehouse.snowflake.setup import PUBLICATIONS, setup_statements
from vending_platform.warehouse.snowflake.writer import SnowflakeReader, SnowflakeWriter


class SnowflakeWarehouse(OpenToReaders):
    """`connect` gives a new connection each time; `batches` is the place whose address is `work_url`."""

    def __init__(
        self,
        connect: Connect,
        batches: Batches,
        work_url: str,
        *,
        lease: timedelta = timedelta(minutes=2),
        orphaned_after: timedelta = timedelta(days=1),
    ) -> None:
        self._connect = connect
        self._batches = batches
        self._work_url = work_url
        self._lease = lease
        self._orphaned_after = orphaned_after
        self._is_set_up = False

    @contextmanager
    def reading(self) -> Iterator[SnowflakeReader]:
        with session(self._connect) as opened:
            yield SnowflakeReader(opened, self._batches)

    @contextmanager
    def writing(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator[SnowflakeWriter]:
        with self.reserved(purpose, on_wait) as reservation, reservation.writing() as writer:
            yield writer

    @contextmanager
    def reserved(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator["_SnowflakeReservation"]:
        with session(
            self._connect
        ) as opened:  # a session of its own: renewing the lease must not be part of a transaction
            self._set_up(opened)
            with leased(SnowflakeLease(opened, purpose, self._lease), on_wait) as lease:
                yield _SnowflakeReservation(self._connect, self._batches, lease, self._orphaned_after)

    def _set_up(self, opened: Session) -> None:
        """The statements need privileges that only an administrator may have, so they run only where tables are
        missing."""
        if self._is_set_up:
            return
        if not SnowflakeReader(opened, self._batches).has_table(PUBLICATIONS):
            for statement in setup_statements(self._work_url):
                opened.run(statement)
        self._is_set_up = True


class _SnowflakeReservation:
    def __init__(self, connect: Connect, batches: Batches, lease: SnowflakeLease, orphaned_after: timedelta) -> None:
        self._connect = connect
        self._batches = batches
        self._lease = lease
        self._orphaned_after = orphaned_after

    @contextmanager
    def writing(self) -> Iterator[SnowflakeWriter]:
        with session(self._connect) as opened:
            yield SnowflakeWriter(opened, self._batches, self._lease, self._orphaned_after)
