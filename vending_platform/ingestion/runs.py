"""The two runs that change `raw`: `ingest` loads what is new, `replay` reads again what could not be used before."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from vending_platform.catalog import NameParts
from vending_platform.ingestion import quarantine
from vending_platform.ingestion.context import SILENT, Rooms, Summary, Watcher
from vending_platform.ingestion.discovery import Delivered, Discovery, discover
from vending_platform.ingestion.ledger import (
    FILES,
    FILES_SCHEMA,
    REJECTED_ROWS,
    REJECTED_ROWS_SCHEMA,
    UNDECLARED,
    UNDECLARED_SCHEMA,
    Ledger,
    State,
    read_ledger,
)
from vending_platform.ingestion.loading import Loader
from vending_platform.ingestion.outcome import note, raw_table, removal
from vending_platform.ingestion.planning import Plan, Selection, plan
from vending_platform.ingestion.status import as_json, status_of
from vending_platform.ingestion.steps import Step
from vending_platform.ingestion.validation import raw_schema
from vending_platform.storage import StoredFile
from vending_platform.warehouse import Change, Writer

EVERYTHING = Selection()


def ingest(
    rooms: Rooms,
    selection: Selection = EVERYTHING,
    *,
    withdraw: bool = False,
    verify: bool = False,
    now: datetime | None = None,
    watcher: Watcher = SILENT,
) -> Summary:
    """Load everything selected that is new or changed.

    `withdraw` also takes out the rows of files that are gone: only a person says that. `verify` reads and hashes
    every file, even if the store says that it is unchanged.
    """
    with _running(rooms, "vending ingest", now, watcher) as run:
        discovery, ledger = run.look()
        planned = plan(rooms.catalog, discovery, ledger, selection, run.now, verify=verify)
        watcher.on_step(Step.PLANNED)
        run.summary.unchanged = planned.unchanged
        run.note_absences(planned, discovery)
        run.loader(ledger).load(planned.read)
        if withdraw:
            run.withdraw(selection)
        run.sweep()
        return run.summary


def replay(
    rooms: Rooms, selection: Selection = EVERYTHING, *, now: datetime | None = None, watcher: Watcher = SILENT
) -> Summary:
    """Read again what is in quarantine, was rejected in part, or was read under a contract that has changed since."""
    with _running(rooms, "vending replay", now, watcher, may_lose_values=True) as run:
        discovery, ledger = run.look()
        there = {(d.source.name, d.file.path): d for d in discovery.delivered}
        again: list[Delivered] = []
        for source in rooms.catalog:
            for version in ledger.current_versions():
                if version.source != source.name or not selection.takes(version.source, version.business_date):
                    continue
                stale = version.in_raw and version.contract_hash != source.reading_hash
                if not (stale or version.rows_rejected or version.reason):
                    continue
                if delivered := there.get((version.source, version.path)):
                    again.append(delivered)
                elif quarantine.has(rooms.storage.work, version.sha256):
                    file = StoredFile(version.path, version.size, version.etag, version.modified_at)
                    parts = NameParts(version.machine, version.business_date)
                    again.append(Delivered(source, file, parts, is_there=False))
                else:
                    run.summary.not_replayable.append(version)
        watcher.on_step(Step.PLANNED)
        run.loader(ledger).load(again, again=True)
        run.sweep()
        return run.summary


@contextmanager
def _running(
    rooms: Rooms, purpose: str, now: datetime | None, watcher: Watcher, *, may_lose_values: bool = False
) -> Iterator["_Run"]:
    """A run that alone may write, with all tables in shape."""
    now = now or datetime.now(UTC)
    with rooms.warehouse.writing(purpose, watcher.on_wait) as writer:
        writer.ensure_tables(
            {
                FILES: FILES_SCHEMA,
                REJECTED_ROWS: REJECTED_ROWS_SCHEMA,
                UNDECLARED: UNDECLARED_SCHEMA,
                **{raw_table(source): raw_schema(source) for source in rooms.catalog},
            },
            may_lose_values=may_lose_values,
        )
        watcher.on_step(Step.PREPARED)
        yield _Run(rooms, writer, watcher, now, Summary(run_id=f"{now:%Y%m%dT%H%M%S}-{os.getpid()}"))


@dataclass(frozen=True)
class _Run:
    """Holds the right to write."""

    rooms: Rooms
    writer: Writer
    watcher: Watcher
    now: datetime
    summary: Summary

    def look(self) -> tuple[Discovery, Ledger]:
        """What there is, and what is known of it."""
        discovery = discover(self.rooms.catalog, self.rooms.storage.raw.files())
        self.summary.undeclared = discovery.undeclared
        ledger = read_ledger(self.writer)
        self.watcher.on_step(Step.LISTED)
        if self.rooms.warehouse.is_status_outdated():
            self.show()  # the last run ended between its commit and telling of it
        return discovery, ledger

    def loader(self, ledger: Ledger) -> Loader:
        return Loader(self.rooms, ledger, self.summary, self.watcher, self.now, self.publish)

    def publish(self, changes: Sequence[Change]) -> None:
        self.rooms.warehouse.announce_change()
        self.watcher.on_step(Step.ANNOUNCED)
        self.writer.publish(changes, lambda step: self.watcher.on_step(Step(step.value)))
        self.show()

    def show(self) -> None:
        self.rooms.warehouse.publish_status(as_json(status_of(self.writer, self.rooms.catalog)))
        self.watcher.on_step(Step.SHOWN)

    def note_absences(self, planned: Plan, discovery: Discovery) -> None:
        """Files that are gone, and files that nobody declared, are on record even if nothing is loaded."""
        self.summary.gone = planned.gone
        changes = [note(planned.gone)] if planned.gone else []
        known = self.writer.query(f"select * from {UNDECLARED}").cast(UNDECLARED_SCHEMA)
        since = {row["path"]: row["first_seen_at"] for row in known.to_pylist()}
        rows = pa.Table.from_pylist(
            [
                {
                    "path": undeclared.path,
                    "size": undeclared.file.size,
                    "modified_at": undeclared.file.modified_at,
                    "reason": undeclared.reason,
                    "first_seen_at": since.get(undeclared.path, self.now),
                }
                for undeclared in sorted(discovery.undeclared, key=lambda u: u.path)
            ],
            UNDECLARED_SCHEMA,
        )
        if not rows.equals(known.sort_by("path")):
            changes.append(Change(UNDECLARED, delete=known.select(["path"]), insert=rows))
        if changes:
            self.publish(changes)

    def withdraw(self, selection: Selection) -> None:
        """The rows of files that are gone leave `raw`; the ledger keeps their story."""
        for source in self.rooms.catalog:
            leaving = [
                version
                for version in read_ledger(self.writer).current_versions()
                if version.source == source.name
                and version.state is State.WITHDRAWN
                and version.in_raw
                and selection.takes(version.source, version.business_date)
            ]
            if leaving:
                self.publish([*removal(source, leaving), note(replace(v, in_raw=False) for v in leaving)])
                self.summary.withdrawn.extend(leaving)

    def sweep(self) -> None:
        """What crashed runs left behind, and kept bytes that nobody needs any longer."""
        for leftover in self.rooms.scratch.glob("*"):
            leftover.unlink()
            self.watcher.on_step(Step.SWEPT)
        work = self.rooms.storage.work
        kept = list(quarantine.all_kept(work))
        if not kept:
            return
        for path in quarantine.no_longer_needed(kept, self.rooms.catalog, read_ledger(self.writer), self.now):
            work.delete(path)
            self.watcher.on_step(Step.SWEPT)
