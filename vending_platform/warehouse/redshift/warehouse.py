"""Redshift: rows come as Parquet files through the place of work, and every publication is one transaction.

Readers are never locked out. One process at a time has the right to write (`lease`). A lease can run out while its
holder does not notice, so every publication increments the number in `raw._publications` that its writer read before
anything else: the second of two writers finds another number, changes nothing, and gets `WarehouseMoved`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from vending_platform.warehouse.lease import OpenToReaders, leased
from vending_platform.warehouse.redshift.data_api import DataApi
from vending_platform.warehouse.redshift.exchange import Exchange
from vending_platform.warehouse.redshift.lease import RedshiftLease
from vending_platform.warehouse.redshift.setup import is_set_up, setup_statements
from vending_platform.warehouse.redshift.writer import RedshiftReader, RedshiftWriter


class RedshiftWarehouse(OpenToReaders):
    """The Data API keeps no connection open, so nothing is held while nothing is done."""

    def __init__(
        self,
        api: DataApi,
        exchange: Exchange,
        *,
        lease: timedelta = timedelta(minutes=2),
        orphaned_after: timedelta = timedelta(days=1),
    ) -> None:
        self._api = api
        self._exchange = exchange
        self._lease = lease
        self._orphaned_after = orphaned_after
        self._is_set_up = False

    @contextmanager
    def reading(self) -> Iterator[RedshiftReader]:
        yield RedshiftReader(self._api, self._exchange)

    @contextmanager
    def writing(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator[RedshiftWriter]:
        with self.reserved(purpose, on_wait) as reservation, reservation.writing() as writer:
            yield writer

    @contextmanager
    def reserved(self, purpose: str, on_wait: Callable[[str], None]) -> Iterator["_RedshiftReservation"]:
        self._set_up()
        with leased(RedshiftLease(self._api, purpose, self._lease), on_wait) as lease:
            yield _RedshiftReservation(self._api, self._exchange, lease, self._orphaned_after)

    def _set_up(self) -> None:
        """The statements need privileges that only an administrator may have, so they run only where tables are
        missing."""
        if not self._is_set_up and not is_set_up(self._api):
            self._api.run_together(setup_statements())
        self._is_set_up = True


class _RedshiftReservation:
    def __init__(self, api: DataApi, exchange: Exchange, lease: RedshiftLease, orphaned_after: timedelta) -> None:
        self._api = api
        self._exchange = exchange
        self._lease = lease
        self._orphaned_after = orphaned_after

    @contextmanager
    def writing(self) -> Iterator[RedshiftWriter]:
        yield RedshiftWriter(self._api, self._exchange, self._lease, self._orphaned_after)
