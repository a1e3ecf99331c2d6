"""The masters' histories follow the ledger: whatever is published about files of a master, the versions that are valid
now are published with it, in the same transaction, and rows of those that never are again leave `raw`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from vending_platform.catalog import Catalog, DeliveryMode, Source
from vending_platform.ingestion.outcome import removal
from vending_platform.ledger import (
    FileState,
    FileVersion,
    FileVersions,
    MasterFile,
    MasterVersion,
    judged,
    note_files,
    noted_files,
    read_file_versions,
    read_versions,
    replace_versions,
    versions_after,
    without_files,
)
from vending_platform.warehouse import Change, Reader


def with_histories(reader: Reader, catalog: Catalog, changes: Sequence[Change]) -> list[Change]:
    """These changes, and what they mean for the masters' histories."""
    noted = noted_files(changes)
    touched = {name for table in noted for name in table["source"].unique().to_pylist()}
    masters = [source for source in _masters(catalog) if source.name in touched]
    if not masters:
        return list(changes)
    ledger = read_file_versions(reader, sources=[source.name for source in masters])
    for table in noted:
        ledger = ledger.after(table)
    following = _changes(reader, masters, ledger)
    # What is published together is deleted first and then inserted: no version may be noted twice.
    return [*without_files(changes, noted_files(following)), *following]


def missing_histories(reader: Reader, catalog: Catalog, ledger: FileVersions) -> list[Change]:
    """What the masters' histories lack: nothing, but in a warehouse from before they were written down."""
    return _changes(reader, _masters(catalog), ledger)


def _masters(catalog: Catalog) -> list[Source]:
    return [source for source in catalog if source.files.delivery is DeliveryMode.SNAPSHOT]


def _changes(reader: Reader, masters: Sequence[Source], ledger: FileVersions) -> list[Change]:
    known: dict[str, list[MasterVersion]] = defaultdict(list)
    for version in read_versions(reader, [source.name for source in masters]):
        known[version.source].append(version)
    changes: list[Change] = []
    for source in masters:
        files = list(ledger.of_source(source.name))
        now = _history(files, known[source.name])
        if set(now) != set(known[source.name]):
            changes.append(replace_versions(source.name, now))
        valid = {version.file_id for version in now}
        if over := [file for file in files if file.in_raw and file.file_id not in valid]:
            changes += [*removal(source, over), note_files(replace(file, in_raw=False) for file in over)]
    return changes


def _history(files: Iterable[FileVersion], known: Iterable[MasterVersion]) -> list[MasterVersion]:
    by_path: dict[str, list[FileVersion]] = defaultdict(list)
    for file in files:
        by_path[file.path].append(file)
    before: dict[str, list[MasterVersion]] = defaultdict(list)
    in_raw = {file.file_id for path in by_path.values() for file in path if file.in_raw}
    for version in known:
        if version.file_id in in_raw:
            before[version.path].append(version)
    found: list[MasterVersion] = []
    is_there: dict[str, bool] = {}
    for path, contents in by_path.items():
        # What is not recorded yet follows from the order in which it came.
        *earlier, current = sorted(contents, key=lambda file: (file.state is not FileState.SUPERSEDED, file.loaded_at))
        versions = before[path]
        for file in [current] if versions else [*(file for file in earlier if file.in_raw), current]:
            versions = versions_after(versions, _as_master(file))
        found += versions
        is_there[path] = _as_master(current).is_there
    held = {file.file_id: f"{file.sha256} {file.contract_hash}" for path in by_path.values() for file in path}
    return judged(found, is_there, held)


def _as_master(file: FileVersion) -> MasterFile:
    return MasterFile(
        source=file.source,
        path=file.path,
        file_id=file.file_id,
        business_date=file.business_date,
        modified_at=file.modified_at,
        is_there=file.state in (FileState.LOADED, FileState.QUARANTINED),
        is_usable=file.in_raw,
    )
