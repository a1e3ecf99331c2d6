"""Files that are gone, that no contract takes, or that could not be read: on record even if nothing is loaded."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import pyarrow as pa

from vending_platform.ingestion.discovery import Discovery
from vending_platform.ingestion.outcome import note_days, removal
from vending_platform.ingestion.planning import LoadPlan, Selection
from vending_platform.ingestion.run import Run
from vending_platform.ledger import (
    UNDECLARED_SCHEMA,
    Delivered,
    FileState,
    FileVersions,
    UnreadableFile,
    note_files,
    note_unreadable,
    read_undeclared,
    replace_undeclared,
    unreadable_files,
)


def note_absences(run: Run, planned: LoadPlan, discovery: Discovery, among: Collection[str] | None = None) -> None:
    """Files that are gone, and files that no contract takes, are on record even if nothing is loaded; if only the
    paths in `among` were looked for, all others stay on record as they are."""
    changes = [note_files(planned.gone), note_days(run.context.catalog, planned.gone)] if planned.gone else []
    known = read_undeclared(run.writer, among)
    since = {row["path"]: row["first_seen_at"] for row in known.to_pylist()}
    rows = pa.Table.from_pylist(
        [
            {
                "path": undeclared.path,
                "size": undeclared.file.size,
                "modified_at": undeclared.file.modified_at,
                "reason": undeclared.reason,
                "first_seen_at": since.get(undeclared.path, run.now),
            }
            for undeclared in sorted(discovery.undeclared, key=lambda u: u.path)
        ],
        UNDECLARED_SCHEMA,
    )
    if not rows.equals(known.sort_by("path")):
        changes.append(replace_undeclared(known, rows))
    if changes:
        run.publish(changes)
    run.summary.gone += planned.gone


def record_unreadable(
    run: Run, tried: Sequence[Delivered], discovery: Discovery, among: Collection[str] | None = None
) -> None:
    """Files that could not be read are on record until they can be, or are gone; if only the paths in `among` were
    looked for, others are not gone because they were not found."""
    known = {file.path: file for file in unreadable_files(run.writer)}
    now = dict(run.summary.unreadable)
    if not known and not now:
        return
    read = {delivered.file.path for delivered in tried} - now.keys()
    there = {delivered.file.path for delivered in discovery.delivered}
    gone = {path for path in known if path in read or (path not in there and (among is None or path in among))}
    new = [
        UnreadableFile(path, reason, known[path].first_seen_at if path in known else run.now)
        for path, reason in now.items()
        if path not in known or known[path].reason != reason
    ]
    if gone or new:
        run.publish([note_unreadable(new, gone)])


def withdraw_gone(run: Run, ledger: FileVersions, selection: Selection) -> None:
    """What was on record as gone when this run began leaves `raw`, a master with its history; the ledger keeps the
    story. A person has seen that list; what only this run has found missing has to be seen first."""
    unseen = {version.file_id for version in run.summary.gone}
    for source in run.context.catalog:
        gone = [
            version
            for version in ledger.current_versions()
            if version.source == source.name
            and version.state is FileState.WITHDRAWN
            and not version.dismissed
            and version.file_id not in unseen
            and selection.takes(source, version.business_date, version.path)
        ]
        if not gone:
            continue
        history = [other for version in gone for other in ledger.versions(source.name, version.path)]
        dismissed = [
            replace(v, in_raw=False, dismissed=v.state is FileState.WITHDRAWN, ended_at=v.ended_at or run.now)
            for v in history
        ]
        run.publish([*removal(source, history), note_files(dismissed), note_days(run.context.catalog, gone)])
        run.summary.withdrawn.extend(gone)
