"""What there is: the tables, their columns, and the snapshots by which an earlier state can be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from vending_platform.lake.maintenance import COMPACTION, OPERATION
from vending_platform.lake.opening import Lake
from vending_platform.lake.tables import key_of
from vending_platform.warehouse import TableName


@dataclass(frozen=True)
class TableState:
    """A table at a snapshot."""

    snapshot_id: int | None
    """None for a table that has never had rows."""
    at: datetime | None
    rows: int
    files: int
    bytes: int


@dataclass(frozen=True)
class DescribedColumn:
    field_id: int
    name: str
    type: str
    description: str


@dataclass(frozen=True)
class DescribedTable:
    table: str
    location: str
    columns: tuple[DescribedColumn, ...]
    key: tuple[str, ...]
    partitioning: tuple[str, ...]
    state: TableState
    snapshots: int


@dataclass(frozen=True)
class SnapshotEntry:
    """One change of a table."""

    state: TableState
    operation: str
    """append, overwrite, delete, or compaction, which changes files and no row."""
    added_rows: int
    deleted_rows: int
    source: str | None
    """What it was made from, as its writer noted it."""


SOURCE = "vending.source"


def tables(lake: Lake) -> Iterator[tuple[TableName, TableState]]:
    for name in lake.tables():
        yield name, current_state(lake.load(name))


def current_state(table: Table) -> TableState:
    return state_of(table.current_snapshot())


def describe(lake: Lake, name: TableName) -> DescribedTable:
    table = lake.load(name)
    schema = table.schema()
    return DescribedTable(
        table=name.plain,
        location=table.location(),
        columns=tuple(
            DescribedColumn(field.field_id, field.name, str(field.field_type), field.doc or "")
            for field in schema.fields
        ),
        key=key_of(table),
        partitioning=tuple(
            f"{field.transform}({schema.find_column_name(field.source_id)})" for field in table.spec().fields
        ),
        state=current_state(table),
        snapshots=len(table.snapshots()),
    )


def history(lake: Lake, name: TableName) -> list[SnapshotEntry]:
    """The snapshots that can be read, the newest first."""
    ordered = sorted(lake.load(name).snapshots(), key=lambda one: one.sequence_number or 0, reverse=True)
    return [_entry(snapshot) for snapshot in ordered]


def state_of(snapshot: Snapshot | None) -> TableState:
    if snapshot is None:
        return TableState(None, None, 0, 0, 0)
    return TableState(
        snapshot_id=snapshot.snapshot_id,
        at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        rows=_figure(snapshot, "total-records"),
        files=_figure(snapshot, "total-data-files"),
        bytes=_figure(snapshot, "total-files-size"),
    )


def _entry(snapshot: Snapshot) -> SnapshotEntry:
    summary = snapshot.summary
    noted = summary.additional_properties if summary is not None else {}
    operation = summary.operation.value if summary is not None else "unknown"
    return SnapshotEntry(
        state=state_of(snapshot),
        operation=COMPACTION if noted.get(OPERATION) == COMPACTION else operation,
        added_rows=_figure(snapshot, "added-records"),
        deleted_rows=_figure(snapshot, "deleted-records"),
        source=noted.get(SOURCE),
    )


def _figure(snapshot: Snapshot, name: str) -> int:
    return int((snapshot.summary.get(name) if snapshot.summary is not None else None) or 0)
