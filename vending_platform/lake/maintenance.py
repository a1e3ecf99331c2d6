"""Maintenance of a table: small files become few, old snapshots go, and files that nothing needs are removed.

No file is removed that a reader or a writer may be using. Needed is what is reachable from any version of the table
that was current within the age of orphans: a reader that began in that time began with one of these. And only files
go that are older than that age, while a writer gives up its commit when its files have half of it.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pyiceberg.manifest import DataFile, read_manifest_list
from pyiceberg.table import FileScanTask, Table, Transaction
from pyiceberg.table.update.snapshot import ExpireSnapshots

from vending_platform.lake.commits import Undo, commit
from vending_platform.lake.data_files import TARGET_BYTES, write
from vending_platform.lake.engine import engine
from vending_platform.lake.file_io import path_below
from vending_platform.lake.maintained import MaintainedTable
from vending_platform.lake.opening import Lake
from vending_platform.lake.reading import paths_of, planned, relation
from vending_platform.lake.tables import key_of
from vending_platform.lake.types import named
from vending_platform.storage import StoredFile
from vending_platform.warehouse import TableName

OPERATION = "vending.operation"
COMPACTION = "compaction"
_LARGE_ENOUGH = TARGET_BYTES * 3 // 4
_SMALL_FILES = 4
"""So many small files of a partition are worth to be written again as one."""


def maintain(lake: Lake, name: TableName, now: datetime | None = None) -> MaintainedTable:
    begun = time.monotonic()
    at = now or datetime.now(UTC)
    compacted, instead = compact(lake, name)
    expired = expire(lake, name, at - timedelta(days=lake.settings.keep_days))
    removed = remove_orphans(lake, name, at - lake.orphan_age)
    return MaintainedTable(
        table=name.plain,
        compacted_files=len(compacted),
        files_instead=len(instead),
        compacted_bytes=sum(file.file_size_in_bytes for file in compacted),
        expired_snapshots=expired,
        removed_files=len(removed),
        removed_bytes=sum(file.size for file in removed),
        seconds=round(time.monotonic() - begun, 3),
    )


def compact(lake: Lake, name: TableName) -> tuple[Sequence[DataFile], Sequence[DataFile]]:
    """The files that are no longer part of the table, and those with their rows, in the order of its key."""
    before: list[DataFile] = []
    after: list[DataFile] = []

    def stage(table: Table, transaction: Transaction, properties: dict[str, str]) -> Undo:
        before.clear()
        after.clear()
        began = time.time()
        for small in _small_files(table):
            before.extend(task.file for task in small)
            after.extend(_as_one(lake, name, table, small))
        lake.check_in_time(name, began)
        if before:
            with transaction.update_snapshot(snapshot_properties=properties).overwrite() as snapshot:
                for file in before:
                    snapshot.delete_data_file(file)
                for file in after:
                    snapshot.append_data_file(file)
        written = list(after)
        return lambda: _delete(lake, (path_below(lake.location, file.file_path) for file in written))

    commit(lake, name, stage, {OPERATION: COMPACTION})
    return before, after


def _small_files(table: Table) -> Iterator[list[FileScanTask]]:
    """Of each partition those that are better written again together. Of an earlier partitioning it is all of them."""
    groups: dict[object, list[FileScanTask]] = defaultdict(list)
    for task in planned(table):
        file = task.file
        if file.spec_id != table.metadata.default_spec_id:
            groups["of an earlier partitioning"].append(task)
        elif file.file_size_in_bytes < _LARGE_ENOUGH:
            groups[file.partition].append(task)
    for group, tasks in groups.items():
        if len(tasks) >= _SMALL_FILES or isinstance(group, str):
            yield tasks


def _as_one(lake: Lake, name: TableName, table: Table, tasks: Sequence[FileScanTask]) -> list[DataFile]:
    key = ", ".join(map(named, key_of(table)))
    rows = f"(select * from {relation(table.schema(), paths_of(tasks))}{f' order by {key}' if key else ''})"
    with engine(lake) as connection:
        connection.execute("set preserve_insertion_order = true")  # files with few keys each are seldom touched
        return write(lake, connection, table.metadata, lake.location_of(name), rows)


def expire(lake: Lake, name: TableName, before: datetime) -> int:
    """Snapshots that another one has taken the place of before that time can no longer be read. How many there are."""
    expired: list[int] = []

    def stage(table: Table, transaction: Transaction, _: dict[str, str]) -> Undo:
        expired[:] = _superseded(table, before)
        if expired:
            ExpireSnapshots(transaction).by_ids(expired).commit()
        return lambda: None

    commit(lake, name, stage)
    return len(expired)


def _superseded(table: Table, before: datetime) -> list[int]:
    limit = before.timestamp() * 1000
    kept = {ref.snapshot_id for ref in table.refs().values()}
    ordered = sorted(table.snapshots(), key=lambda snapshot: (snapshot.sequence_number or 0, snapshot.timestamp_ms))
    ends = [following.timestamp_ms for following in ordered[1:]]
    return [
        snapshot.snapshot_id
        for snapshot, end in zip(ordered[:-1], ends, strict=True)
        if end < limit and snapshot.snapshot_id not in kept
    ]


def remove_orphans(lake: Lake, name: TableName, before: datetime) -> list[StoredFile]:
    """Files of the table that were written before that time, and that nothing has needed since then."""
    folder = f"{name.schema}/{name.name}"
    files = list(lake.place.files(folder))  # before it is read what is needed: what comes later is no candidate
    needed = _needed(lake, name, files, before)
    orphans = [file for file in files if file.modified_at < before and file.path not in needed]
    _delete(lake, (file.path for file in orphans))
    return orphans


def _needed(lake: Lake, name: TableName, files: Sequence[StoredFile], since: datetime) -> set[str]:
    """All that is reachable from the versions of the table that were current at some time since then."""
    table = lake.load(name)
    log = [path_below(lake.location, entry.metadata_file) for entry in table.metadata.metadata_log]
    current = path_below(lake.location, table.metadata_location)
    versions = sorted((file for file in files if file.path.endswith(".metadata.json")), key=lambda f: f.modified_at)
    older = [file.path for file in versions if file.modified_at < since]
    readable = {*older[-1:], *(file.path for file in versions if file.modified_at >= since), current}
    needed = {*log, *readable}
    lists: set[str] = set()
    for path in readable:
        lists |= _manifest_lists(lake, path)
    manifests = {}
    for location in lists:
        needed.add(path_below(lake.location, location))
        for manifest in read_manifest_list(table.io.new_input(location)):
            manifests[manifest.manifest_path] = manifest
    for location, manifest in manifests.items():
        needed.add(path_below(lake.location, location))
        entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        needed |= {path_below(lake.location, entry.data_file.file_path) for entry in entries}
    return needed


def _manifest_lists(lake: Lake, metadata: str) -> set[str]:
    """Of all snapshots of a version. Not by pyiceberg, which would check every one of its thousand fields."""
    declared = json.loads(b"".join(lake.place.read_path(metadata)))
    return {snapshot["manifest-list"] for snapshot in declared.get("snapshots", ())}


def _delete(lake: Lake, paths: Iterable[str]) -> None:
    for path in paths:
        lake.place.delete(path)
