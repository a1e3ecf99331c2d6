"""A run that alone may write: what it knows, and how what it finds becomes visible."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from vending_platform.catalog import Catalog, Source
from vending_platform.ingestion import quarantine
from vending_platform.ingestion.context import IngestionContext, Summary, Watcher
from vending_platform.ingestion.crash_points import CrashPoint
from vending_platform.ingestion.discovery import Discovery
from vending_platform.ingestion.histories import missing_histories, with_histories
from vending_platform.ingestion.loading import Loader
from vending_platform.ingestion.outcome import raw_table
from vending_platform.ingestion.status import as_json, status_of
from vending_platform.ingestion.validation import raw_schema
from vending_platform.ledger import (
    OF_DELIVERIES,
    Delivered,
    FileVersions,
    prepare_ledger,
    read_file_versions,
    read_packages,
)
from vending_platform.quality import TABLES
from vending_platform.warehouse import Change, WarehouseError, Writer


@dataclass(frozen=True)
class Run:
    """Holds the right to write. `sources` are those whose table can hold what their contract declares."""

    context: IngestionContext
    writer: Writer
    watcher: Watcher
    now: datetime
    summary: Summary
    sources: dict[str, Source]
    discovery: Callable[[], Discovery]

    @property
    def catalog(self) -> Catalog:
        """The contracts of the sources that can be loaded."""
        return replace(self.context.catalog, sources=tuple(self.sources.values()))

    def look(self) -> tuple[Discovery, FileVersions]:
        """What there is, and what is known of it."""
        self._shape_tables()
        ledger = read_file_versions(self.writer)
        discovery = self.discovery()
        self.summary.undeclared = discovery.undeclared
        self.watcher.on_step(CrashPoint.LISTED)
        if missing := missing_histories(self.writer, self.context.catalog, ledger):
            self._publish(missing)
            ledger = read_file_versions(self.writer)
        if self.context.warehouse.is_status_outdated():
            self.show()  # the last run ended between its commit and showing it
        return discovery, ledger

    def _shape_tables(self) -> None:
        """The platform has its own tables, and every source has its table as its contract declares; a source that can't
        have it is blocked, and stops no other. Models also read what is kept of quality, so that is there with them."""
        own = {**OF_DELIVERIES, **TABLES}
        shapes = {raw_table(source): raw_schema(source) for source in self.context.catalog}
        prepared = partial(self.watcher.on_step, CrashPoint.PREPARED)
        try:
            prepare_ledger(self.writer, own | shapes, prepared)
            prepared()
            return
        except WarehouseError:
            pass  # not one table has changed; each by itself shows which one it is
        prepare_ledger(self.writer, own, prepared)
        prepared()
        for source in self.context.catalog:
            try:
                self.writer.ensure_tables({raw_table(source): shapes[raw_table(source)]})
            except WarehouseError as error:
                self.block(source, f"{error}; vending replay --source {source.name} reads its files again")
            self.watcher.on_step(CrashPoint.PREPARED)

    def block(self, source: Source, why: str) -> None:
        self.summary.blocked[source.name] = why
        self.sources.pop(source.name, None)

    def load(self, ledger: FileVersions, deliveries: Sequence[Delivered], *, again: bool = False) -> None:
        known = ledger.about(delivered.file.path for delivered in deliveries)
        Loader(self.context, known, self.summary, self.watcher, self.now, self.publish).load(deliveries, again=again)

    def publish(self, changes: Sequence[Change]) -> None:
        self._publish(with_histories(self.writer, self.context.catalog, changes))

    def _publish(self, changes: Sequence[Change]) -> None:
        self.context.warehouse.announce_change()
        self.watcher.on_step(CrashPoint.ANNOUNCED)
        self.writer.publish(changes, lambda step: self.watcher.on_step(CrashPoint(step.value)))
        self.show()

    def show(self) -> None:
        self.context.warehouse.publish_status(lambda: as_json(status_of(self.writer, self.context.catalog)))
        self.watcher.on_step(CrashPoint.SHOWN)

    def sweep(self) -> None:
        """What crashed runs left behind, and kept bytes that are no longer needed."""
        for leftover in self.context.scratch.glob("*"):
            if leftover.is_file():
                leftover.unlink()
                self.watcher.on_step(CrashPoint.SWEPT)
        work = self.context.storage.work
        kept = list(quarantine.all_kept(work))
        if not kept:
            return
        refused = read_packages(self.writer, with_problems=True).values()
        of_packages = {sha256 for package in refused for sha256 in package.kept_contents.values()}
        ledger = read_file_versions(self.writer)
        for path in quarantine.no_longer_needed(kept, self.context.catalog, ledger, of_packages, self.now):
            work.delete(path)
            self.watcher.on_step(CrashPoint.SWEPT)
