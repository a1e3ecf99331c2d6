"""`raw._undeclared`: files that no contract takes, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.ledger.conditions import paths_between
from vending_platform.warehouse import Change, Reader, TableName, values_of

UNDECLARED = TableName("raw", "_undeclared")
_MOMENT = pa.timestamp("us", "UTC")
UNDECLARED_SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("size", pa.int64()),
        ("modified_at", _MOMENT),
        ("reason", pa.string()),
        ("first_seen_at", _MOMENT),
    ]
)


@dataclass(frozen=True, slots=True)
class UndeclaredEntry:
    path: str
    reason: str


def undeclared_files(reader: Reader) -> list[UndeclaredEntry]:
    found = reader.query(f"select path, reason from {UNDECLARED} order by path")
    return list(map(UndeclaredEntry, *map(values_of, found.columns)))


def read_undeclared(reader: Reader, paths: Iterable[str] | None = None) -> pa.Table:
    """The whole table, or what it has of these paths."""
    known = reader.query(f"select * from {UNDECLARED}").select(UNDECLARED_SCHEMA.names).cast(UNDECLARED_SCHEMA)
    if paths is None:
        return known
    return known.filter(pc.is_in(known["path"], pa.array(sorted(paths), pa.string())))


def undeclared_between(reader: Reader, first: str, last: str) -> set[tuple[str, int, datetime]]:
    """Path, size and time of at least what it has of the paths between these two."""
    if not reader.has_table(UNDECLARED):
        return set()
    found = reader.query(f"select path, size, modified_at from {UNDECLARED} where {paths_between(first, last)}")
    kinds = pa.schema([UNDECLARED_SCHEMA.field(name) for name in found.column_names])
    return set(zip(*map(values_of, found.cast(kinds).columns), strict=True))


def replace_undeclared(known: pa.Table, now: pa.Table) -> Change:
    """What was `known` of the same paths goes."""
    return Change(UNDECLARED, delete=known.select(["path"]), insert=now)
