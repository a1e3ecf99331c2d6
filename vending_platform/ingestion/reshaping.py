"""Tables take the new types of their contract: emptied, and their files read again."""

from dataclasses import replace

from vending_platform.catalog import NameParts, Source
from vending_platform.ingestion import quarantine
from vending_platform.ingestion.crash_points import CrashPoint
from vending_platform.ingestion.outcome import raw_table, removal
from vending_platform.ingestion.run import Run
from vending_platform.ingestion.validation import raw_schema
from vending_platform.ledger import (
    Delivered,
    FileState,
    FileVersion,
    FileVersions,
    note_files,
)
from vending_platform.storage import StoredFile


def reshape(run: Run, ledger: FileVersions, there: dict[tuple[str, str], Delivered]) -> None:
    """Blocked tables take the new shape of their contract: emptied, and noted as not read, in one transaction.

    Refused while some row would be lost by it, because its file is lost. Whatever happens afterwards, the
    ledger shows what has to be read again, to this run and to the next.
    """
    for source in run.context.catalog:
        if source.name in run.sources:
            continue
        versions = [version for version in ledger.of_source(source.name) if version.in_raw]
        lost = [v.path for v in versions if not readable_again(run, v, source, there, superseded_too=True)]
        if lost:
            why = f"{len(lost)} files that its rows came from are neither in the store nor in quarantine"
            run.block(source, f"its table can't take the contract's new types: {why}, such as {lost[0]}")
            continue
        run.publish([*removal(source, versions), note_files(replace(v, in_raw=False) for v in versions)])
        run.writer.ensure_tables({raw_table(source): raw_schema(source)})
        run.watcher.on_step(CrashPoint.PREPARED)
        run.sources[source.name] = source
        del run.summary.blocked[source.name]


def readable_again(
    run: Run,
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
    if not quarantine.has(run.context.storage.work, version.sha256):
        return None
    file = StoredFile(version.path, version.size, version.etag, version.modified_at)
    return Delivered(source, file, NameParts(version.sender, version.business_date), is_there=False)
