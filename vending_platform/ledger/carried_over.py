"""A warehouse whose ledger has the form that this code works with, whatever opens it first."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from vending_platform.ledger.migrations import is_current, prepare_ledger
from vending_platform.warehouse import Reader, Reservation, Warehouse, Writer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CarriedOver:
    """A `Warehouse`. What only reads carries an older ledger over too: the sensor that requests the first run reads the
    ledger before that run. What writes does so by `prepare_ledger`."""

    warehouse: Warehouse

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        with self.warehouse.reading() as reader:
            if is_current(reader):
                yield reader
                return
        with self.warehouse.writing("vending, for a new version of the platform", self._log_wait) as writer:
            prepare_ledger(writer, {})
        with self.warehouse.reading() as reader:
            yield reader

    def writing(self, purpose: str, on_wait: Callable[[str], None]) -> AbstractContextManager[Writer]:
        return self.warehouse.writing(purpose, on_wait)

    def reserved(self, purpose: str, on_wait: Callable[[str], None]) -> AbstractContextManager[Reservation]:
        return self.warehouse.reserved(purpose, on_wait)

    def announce_change(self) -> None:
        self.warehouse.announce_change()

    def is_status_outdated(self) -> bool:
        return self.warehouse.is_status_outdated()

    def publish_status(self, text: Callable[[], str], about: str = "status") -> None:
        self.warehouse.publish_status(text, about)

    def last_status(self, about: str = "status") -> str | None:
        return self.warehouse.last_status(about)

    @staticmethod
    def _log_wait(holder: str) -> None:
        _log.warning("The warehouse's tables have to be carried over to this version; waiting for %s", holder)
