"""The two runs that change `raw`: `ingest` loads what is new, `replay` reads again what could not be used before."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa
from tenacity import AttemptManager, Retrying, retry_if_exception_type, stop_after_attempt

from vending_platform.catalog import Catalog, NameParts, Source
from vending_platform.garbage import own_garbage_only
from vending_platform.ingestion import quarantine
from vending_platform.ingestion.context import SILENT, IngestionContext, Summary, Watcher
from vending_platform.ingestion.copies import copies
from vending_platform.ingestion.crash_points import CrashPoint
from vending_platform.ingestion.discovery import Discovery, discover
from vending_platform.ingestion.histories import missing_histories, with_histories
from vending_platform.ingestion.loading import Loader
from vending_platform.ingestion.outcome import note_days, raw_table, removal
from vending_platform.ingestion.planning import LoadPlan, Selection, plan
from vending_platform.ingestion.status import as_json, status_of
from vending_platform.ingestion.validation import raw_schema
from vending_platform.ledger import (
    OF_DELIVERIES,
    UNDECLARED_SCHEMA,
    Delivered,
    FileState,
    FileVersion,
    FileVersions,
    UnreadableFile,
    note_files,
    note_unreadable,
    prepare_ledger,
    read_file_versions,
    read_undeclared,
    replace_undeclared,
    unreadable_files,
)
from vending_platform.quality import TABLES
from vending_platform.storage import StoredFile
from vending_platform.warehouse import Change, WarehouseError, WarehouseMoved, Writer

EVERYTHING = Selection()
_PLANS = 5
"""So often a run plans again because another one has published meanwhile."""


def ingest(
    context: IngestionContext,
    selection: Selection = EVERYTHING,
    *,
    withdraw: bool = False,
    verify: bool = False,
    now: datetime | None = None,
    watcher: Watcher = SILENT,
) -> Summary:
    """Load everything selected that is new or changed.

    `withdraw` also removes the rows of files that an earlier run reported as gone: only a person requests that.
    `verify` reads and hashes every file, even if the store shows no change.
    """
    now = now or datetime.now(UTC)
    summary = _summary(now)
    for attempt in _plans():
        with attempt, _running(context, "vending ingest", now, watcher, summary, selection.paths) as run:
            discovery, ledger = run.look()
            planned = plan(run.catalog, discovery, ledger, selection, run.now, verify=verify)
            watcher.on_step(CrashPoint.PLANNED)
            summary.unchanged = planned.unchanged - len(summary.dealt_with)
            run.note_absences(planned, discovery, selection.paths)
            run.load(ledger, planned.read)
            summary.copies = copies(run.catalog, ledger, summary.loaded)
            run.note_unreadable(planned.read, discovery, selection.paths)
            if withdraw:
                run.withdraw(ledger, selection)
            run.sweep()
    return summary


def replay(
    context: IngestionContext,
    selection: Selection = EVERYTHING,
    *,
    now: datetime | None = None,
    watcher: Watcher = SILENT,
) -> Summary:
    """Read again what is in quarantine, was rejected in part, or was read under a contract that has changed since."""
    now = now or datetime.now(UTC)
    summary = _summary(now)
    for attempt in _plans():
        with attempt, _running(context, "vending replay", now, watcher, summary) as run:
            _replay(run, selection)
    return summary


def _replay(run: "_Run", selection: Selection) -> None:
    discovery, ledger = run.look()
    planned = plan(run.context.catalog, discovery, ledger, selection, run.now)
    run.watcher.on_step(CrashPoint.PLANNED)
    run.note_absences(planned, discovery)
    there = {(d.source.name, d.file.path): d for d in discovery.delivered}
    run.reshape(read_file_versions(run.writer), there)
    ledger = read_file_versions(run.writer)
    again: list[Delivered] = []
    for version in ledger.current_versions():
        source = run.sources.get(version.source)
        if (
            source is None
            or version.dismissed
            or not selection.takes(version.source, version.business_date, version.path)
        ):
            continue
        stale = version.contract_hash != source.reading_hash
        if version.is_wholly_accepted and version.in_raw and not stale:
            continue
        if version.file_id in run.summary.dealt_with:
            continue
        if delivered := run.readable_again(version, source, there):
            again.append(delivered)
        else:
            run.summary.not_replayable.append(version)
    run.load(ledger, again, again=True)
    run.note_unreadable(again, discovery)
    run.sweep()


def _summary(now: datetime) -> Summary:
    return Summary(run_id=f"{now:%Y%m%dT%H%M%S}-{os.getpid()}")


def _plans() -> Iterator[AttemptManager]:
    """What was published before another run came in between stays published, and stays in the summary."""
    return iter(Retrying(retry=retry_if_exception_type(WarehouseMoved), stop=stop_after_attempt(_PLANS), reraise=True))


@contextmanager
def _running(
    context: IngestionContext,
    purpose: str,
    now: datetime,
    watcher: Watcher,
    summary: Summary,
    paths: Collection[str] | None = None,
) -> Iterator["_Run"]:
    """A run that alone may write. With `paths`, only these files are listed."""
    summary.start_plan()
    with (
        context.warehouse.reserved(purpose, watcher.on_wait) as reservation,
        own_garbage_only(),
        ThreadPoolExecutor(1) as aside,
    ):
        # Listed while the warehouse opens, but not earlier: a run that we waited for knows files that are newer.
        raw = context.storage.raw
        files = raw.files() if paths is None else raw.named(sorted(paths))
        listing = aside.submit(discover, context.catalog, files, now)
        with reservation.writing() as writer:
            yield _Run(context, writer, watcher, now, summary, {s.name: s for s in context.catalog}, listing.result)


@dataclass(frozen=True)
class _Run:
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
        try:
            prepare_ledger(self.writer, own | shapes)
            self.watcher.on_step(CrashPoint.PREPARED)
            return
        except WarehouseError:
            pass  # not one table has changed; each by itself shows which one it is
        prepare_ledger(self.writer, own)
        self.watcher.on_step(CrashPoint.PREPARED)
        for source in self.context.catalog:
            try:
                self.writer.ensure_tables({raw_table(source): shapes[raw_table(source)]})
            except WarehouseError as error:
                self._block(source, f"{error}; vending replay --source {source.name} reads its files again")
            self.watcher.on_step(CrashPoint.PREPARED)

    def _block(self, source: Source, why: str) -> None:
        self.summary.blocked[source.name] = why
        self.sources.pop(source.name, None)

    def reshape(self, ledger: FileVersions, there: dict[tuple[str, str], Delivered]) -> None:
        """Blocked tables take the new shape of their contract: emptied, and noted as not read, in one transaction.

        Refused while some row would be lost by it, because its file is lost. Whatever happens afterwards, the
        ledger shows what has to be read again, to this run and to the next.
        """
        for source in self.context.catalog:
            if source.name in self.sources:
                continue
            versions = [version for version in ledger.of_source(source.name) if version.in_raw]
            lost = [v.path for v in versions if not self.readable_again(v, source, there, superseded_too=True)]
            if lost:
                why = f"{len(lost)} files that its rows came from are neither in the store nor in quarantine"
                self._block(source, f"its table can't take the contract's new types: {why}, such as {lost[0]}")
                continue
            self.publish([*removal(source, versions), note_files(replace(v, in_raw=False) for v in versions)])
            self.writer.ensure_tables({raw_table(source): raw_schema(source)})
            self.watcher.on_step(CrashPoint.PREPARED)
            self.sources[source.name] = source
            del self.summary.blocked[source.name]

    def readable_again(
        self,
        version: FileVersion,
        source: Source,
        there: dict[tuple[str, str], Delivered],
        *,
        superseded_too: bool = False,
    ) -> Delivered | None:
        """Where the bytes of a version can still be had: in its file, or among the kept ones."""
        if version.state is FileState.SUPERSEDED and superseded_too:
            return None  # only the current content of a path is ever read again
        if delivered := there.get((version.source, version.path)):
            return delivered
        if not quarantine.has(self.context.storage.work, version.sha256):
            return None
        file = StoredFile(version.path, version.size, version.etag, version.modified_at)
        return Delivered(source, file, NameParts(version.sender, version.business_date), is_there=False)

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

    def note_absences(self, planned: LoadPlan, discovery: Discovery, among: Collection[str] | None = None) -> None:
        """Files that are gone, and files that no contract takes, are on record even if nothing is loaded; if only the
        paths in `among` were looked for, all others stay on record as they are."""
        changes = [note_files(planned.gone), note_days(self.context.catalog, planned.gone)] if planned.gone else []
        known = read_undeclared(self.writer, among)
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
            changes.append(replace_undeclared(known, rows))
        if changes:
            self.publish(changes)
        self.summary.gone += planned.gone

    def note_unreadable(
        self, tried: Sequence[Delivered], discovery: Discovery, among: Collection[str] | None = None
    ) -> None:
        """Files that could not be read are on record until they can be, or are gone; if only the paths in `among` were
        looked for, others are not gone because they were not found."""
        known = {file.path: file for file in unreadable_files(self.writer)}
        now = dict(self.summary.unreadable)
        if not known and not now:
            return
        read = {delivered.file.path for delivered in tried} - now.keys()
        there = {delivered.file.path for delivered in discovery.delivered}
        gone = {path for path in known if path in read or (path not in there and (among is None or path in among))}
        new = [
            UnreadableFile(path, reason, known[path].first_seen_at if path in known else self.now)
            for path, reason in now.items()
            if path not in known or known[path].reason != reason
        ]
        if gone or new:
            self.publish([note_unreadable(new, gone)])

    def withdraw(self, ledger: FileVersions, selection: Selection) -> None:
        """What was on record as gone when this run began leaves `raw`, a master with its history; the ledger keeps the
        story. A person has seen that list; what only this run has found missing has to be seen first."""
        unseen = {version.file_id for version in self.summary.gone}
        for source in self.context.catalog:
            gone = [
                version
                for version in ledger.current_versions()
                if version.source == source.name
                and version.state is FileState.WITHDRAWN
                and not version.dismissed
                and version.file_id not in unseen
                and selection.takes(version.source, version.business_date, version.path)
            ]
            if not gone:
                continue
            history = [other for version in gone for other in ledger.versions(source.name, version.path)]
            dismissed = [
                replace(v, in_raw=False, dismissed=v.state is FileState.WITHDRAWN, ended_at=v.ended_at or self.now)
                for v in history
            ]
            self.publish([*removal(source, history), note_files(dismissed), note_days(self.context.catalog, gone)])
            self.summary.withdrawn.extend(gone)

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
        for path in quarantine.no_longer_needed(kept, self.context.catalog, read_file_versions(self.writer), self.now):
            work.delete(path)
            self.watcher.on_step(CrashPoint.SWEPT)
