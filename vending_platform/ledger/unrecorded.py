"""`raw._unrecorded`: what runs have found, until it is recorded in the history of quality.

It is noted in the very transaction that makes it true, and removed by the one that records it. So nothing is lost when
a run is killed in between: the next run records it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

import pyarrow as pa

from vending_platform.warehouse import Change, Reader, TableName

UNRECORDED = TableName("raw", "_unrecorded")
UNRECORDED_SCHEMA = pa.schema(
    [
        ("entry", pa.string()),
        ("kind", pa.string()),
        ("found", pa.string()),
        ("noted_at", pa.timestamp("us", "UTC")),
    ]
)


class RecordKind(StrEnum):
    LOAD = "load"
    BUILD = "build"
    EXPORT = "export"


@dataclass(frozen=True)
class Unrecorded:
    """`found` is JSON; the package that noted it reads it."""

    entry: str
    kind: RecordKind
    found: str
    noted_at: datetime


def note_unrecorded(kind: RecordKind, found: str) -> Change:
    """Part of the publication that makes true what was found."""
    rows = [{"entry": uuid4().hex, "kind": kind.value, "found": found, "noted_at": datetime.now(UTC)}]
    return Change(UNRECORDED, insert=pa.Table.from_pylist(rows, UNRECORDED_SCHEMA))


def read_unrecorded(reader: Reader) -> list[Unrecorded]:
    """In the order in which it was found."""
    rows = reader.query(f"select entry, kind, found, noted_at from {UNRECORDED} order by noted_at, entry").to_pylist()
    return [Unrecorded(**row | {"kind": RecordKind(row["kind"])}) for row in rows]


def drop_recorded(entries: Iterable[Unrecorded]) -> Change:
    """Part of the publication that records them."""
    gone = pa.table({"entry": pa.array([one.entry for one in entries], pa.string())})
    return Change(UNRECORDED, delete=gone)
