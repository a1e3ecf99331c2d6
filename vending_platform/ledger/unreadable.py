"""`raw._unreadable`: files that are there, and could not be read when a run tried last."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from vending_platform.warehouse import Change, Reader, TableName, values_of

UNREADABLE = TableName("raw", "_unreadable")
_MOMENT = pa.timestamp("us", "UTC")
UNREADABLE_SCHEMA = pa.schema([("path", pa.string()), ("reason", pa.string()), ("first_seen_at", _MOMENT)])


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    path: str
    reason: str
    first_seen_at: datetime


def unreadable_files(reader: Reader) -> list[UnreadableFile]:
    if not reader.has_table(UNREADABLE):
        return []
    found = reader.query(f"select path, reason, first_seen_at from {UNREADABLE} order by path")
    return list(map(UnreadableFile, *map(values_of, found.cast(UNREADABLE_SCHEMA).columns)))


def note_unreadable(files: Iterable[UnreadableFile], gone: Iterable[str]) -> Change:
    """These files are on record as they are now, and those `gone` no longer."""
    files = sorted(files, key=lambda file: file.path)
    paths = pa.table({"path": pa.array(sorted({*gone, *(file.path for file in files)}), pa.string())})
    rows = [[file.path for file in files], [file.reason for file in files], [file.first_seen_at for file in files]]
    return Change(UNREADABLE, delete=paths, insert=pa.table(rows, schema=UNREADABLE_SCHEMA))
