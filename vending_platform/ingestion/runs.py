"""The two runs that change `raw`: `ingest` loads what is new, `replay` reads again what could not be used before."""

import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from tenacity import AttemptManager, Retrying, retry_if_exception_type, stop_after_attempt

from vending_platform.garbage import own_garbage_only
from vending_platform.ingestion.absences import note_absences, record_unreadable, withdraw_gone
from vending_platform.ingestion.context import SILENT, IngestionContext, Summary, Watcher
from vending_platform.ingestion.copies import copies
from vending_platform.ingestion.crash_points import CrashPoint
from vending_platform.ingestion.discovery import Discovery, discover
from vending_platform.ingestion.packages import load_packages, replay_packages, with_whole_packages
from vending_platform.ingestion.planning import Selection, plan
from vending_platform.ingestion.reshaping import readable_again, reshape
from vending_platform.ingestion.run import Run
from vending_platform.ledger import (
    Delivered,
    read_file_versions,
)
from vending_platform.warehouse import WarehouseMoved

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
            selection = _with_what_was_listed(selection, discovery)
            planned = plan(run.catalog, discovery, ledger, selection, run.now, verify=verify)
            watcher.on_step(CrashPoint.PLANNED)
            summary.unchanged = planned.unchanged - len(summary.dealt_with)
            note_absences(run, planned, discovery, selection.paths)
            run.load(ledger, planned.read)
            judged = load_packages(run, ledger, discovery, selection, verify=verify)
            summary.copies = copies(run.catalog, ledger, summary.loaded)
            record_unreadable(run, [*planned.read, *judged], discovery, selection.paths)
            if withdraw:
                withdraw_gone(run, ledger, selection)
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


def _replay(run: Run, selection: Selection) -> None:
    discovery, ledger = run.look()
    planned = plan(run.context.catalog, discovery, ledger, selection, run.now)
    run.watcher.on_step(CrashPoint.PLANNED)
    note_absences(run, planned, discovery)
    there = {(d.source.name, d.file.path): d for d in discovery.delivered}
    reshape(run, read_file_versions(run.writer), there)
    ledger = read_file_versions(run.writer)
    again: list[Delivered] = []
    for version in ledger.current_versions():
        source = run.sources.get(version.source)
        if source is None or source.files.package is not None:
            continue
        if version.dismissed or not selection.takes(source, version.business_date, version.path):
            continue
        stale = version.contract_hash != source.reading_hash
        if version.is_wholly_accepted and version.in_raw and not stale:
            continue
        if version.file_id in run.summary.dealt_with:
            continue
        if delivered := readable_again(run, version, source, there):
            again.append(delivered)
        else:
            run.summary.not_replayable.append(version)
    run.load(ledger, again, again=True)
    again += replay_packages(run, ledger, discovery, selection)
    record_unreadable(run, again, discovery)
    run.sweep()


def _with_what_was_listed(selection: Selection, discovery: Discovery) -> Selection:
    """With `paths`, what lies in the folders of their packages is meant too."""
    if selection.paths is None:
        return selection
    return replace(selection, paths=selection.paths | discovery.paths)


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
) -> Iterator[Run]:
    """A run that alone may write. With `paths`, only these files are listed, and the packages that they belong to."""
    summary.start_plan()
    with (
        context.warehouse.reserved(purpose, watcher.on_wait) as reservation,
        own_garbage_only(),
        ThreadPoolExecutor(1) as aside,
    ):
        # Listed while the warehouse opens, but not earlier: a run that we waited for knows files that are newer.
        raw = context.storage.raw
        files = raw.files() if paths is None else with_whole_packages(context.catalog, raw, paths)
        listing = aside.submit(discover, context.catalog, files, now)
        with reservation.writing() as writer:
            yield Run(context, writer, watcher, now, summary, {s.name: s for s in context.catalog}, listing.result)
