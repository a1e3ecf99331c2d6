"""Which version of the tables a query reads: the current one, a snapshot, or the one of a moment."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pyiceberg.schema import Schema
from pyiceberg.table import Table

from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.lake.errors import LakeError

AsOf = int | datetime | None
"""A snapshot's id, a moment, or None for now."""


def parse_as_of(written: str) -> AsOf:
    """A time without a zone is one of the business's; a day alone means its beginning."""
    if written.isdecimal():
        return int(written)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise LakeError(
            f"{written!r} is neither a snapshot's id nor a time, such as 2024-03-15 or 2024-03-15T12:00+09:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(BUSINESS_TIME_ZONE))


@dataclass(frozen=True)
class TableVersion:
    """A table as it was at a snapshot, with the columns of that time."""

    table: Table
    schema: Schema
    snapshot_id: int | None


def version_of(table: Table, as_of: AsOf) -> TableVersion:
    """`LakeError` where the table has no such snapshot, or did not have rows yet."""
    name = ".".join(table.name())
    match as_of:
        case None:
            return TableVersion(table, table.schema(), None)
        case int():
            snapshot = table.snapshot_by_id(as_of)
            problem = f"{name} has no snapshot {as_of}; vending lake history {name} lists those that it has"
        case datetime():
            snapshot = table.snapshot_as_of_timestamp(int(as_of.timestamp() * 1000))
            first = min((kept.timestamp_ms for kept in table.snapshots()), default=None)
            since = datetime.fromtimestamp(first / 1000, UTC).isoformat(" ", "seconds") if first else "never"
            problem = f"{name} had no rows at {as_of.isoformat(' ', 'seconds')}: its first snapshot is of {since}"
    if snapshot is None:
        raise LakeError(problem)
    schemas = table.schemas()
    schema = schemas[snapshot.schema_id] if snapshot.schema_id is not None else table.schema()
    return TableVersion(table, schema, snapshot.snapshot_id)
