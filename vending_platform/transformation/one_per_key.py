"""One row per key: of rows with the same key in several files (or, from before that was rejected, twice in one) one
counts, and `raw._duplicates` has the others. What the rows hold decides, never which of them came first:

- of a daily source, the row whose `day_column` lies on its file's day;
- then the later `day_column`;
- then the greater path, and within a file the greater line.

Only what has changed since the last time is looked at: of a daily source the rows of days, of an appended one those of
files. `raw._duplicates_seen` has what was seen of these parts, `raw._duplicates_shared` which of them share keys.
"""

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Days, DeliveryMode, Source
from vending_platform.duplicates import DUPLICATES, DUPLICATES_SCHEMA
from vending_platform.transformation.input_versions import RawVersions
from vending_platform.transformation.row_days import LEDGER
from vending_platform.warehouse import Change, Reader, TableName, literal, quoted

SEEN = TableName("raw", "_duplicates_seen")
SHARED = TableName("raw", "_duplicates_shared")
SCHEMAS = {
    SEEN: pa.schema([("source", pa.string()), ("part", pa.string()), ("version", pa.string())]),
    SHARED: pa.schema([("source", pa.string()), ("part", pa.string()), ("other_part", pa.string())]),
    DUPLICATES: DUPLICATES_SCHEMA,
}
_MOST_PARTS = 2_000
"""More are not listed in a statement: then all of the source is looked at."""

Row = tuple[str, int, date | None]
"""A row's file, line and business day."""


@dataclass(frozen=True)
class SameKeys:
    """Which parts of a source share keys, on which days another row counts than the last time, and how to remember
    what was looked at."""

    shared: frozenset[tuple[str, str]] = frozenset()
    moved: frozenset[date | None] = frozenset()
    remember: tuple[Change, ...] = ()

    @property
    def days(self) -> set[Days]:
        """Of a daily source, every two days that share a key; a day on which one came twice stands beside itself."""
        return {(date.fromisoformat(one), date.fromisoformat(other)) for one, other in self.shared}


def same_keys(reader: Reader, source: Source, raw: RawVersions) -> SameKeys:
    seen = {row["part"]: row["version"] for row in _rows(reader, SEEN, source)}
    now = _parts(reader, source, raw)
    known = {(row["part"], row["other_part"]) for row in _rows(reader, SHARED, source)}
    changed = {part for part in seen.keys() | now.keys() if seen.get(part) != now.get(part)}
    if not changed:
        return SameKeys(frozenset(known))
    if len(changed) > _MOST_PARTS:
        changed = seen.keys() | now.keys()
    before = {link for link in known if not changed.isdisjoint(link)}
    after = _links(reader, source, changed) if now else set()
    shared = known - before | after
    reached = changed | {part for link in before | after for part in link}
    lost, found = _noted(reader, source, reached), _losers(reader, source, reached, shared)
    remember = (
        Change(
            SEEN,
            delete=_table(SEEN, [(source.name, part, None) for part in sorted(changed)]).select(["source", "part"]),
            insert=_table(SEEN, [(source.name, part, now[part]) for part in sorted(changed & now.keys())]),
        ),
        Change(
            SHARED,
            delete=_table(SHARED, [(source.name, *link) for link in sorted(before)]),
            insert=_table(SHARED, [(source.name, *link) for link in sorted(after)]),
        ),
        Change(
            DUPLICATES,
            delete=_duplicates(source, lost - found).select(["source", "file_id", "line"]),
            insert=_duplicates(source, found - lost),
        ),
    )
    return SameKeys(frozenset(shared), frozenset(day for _, _, day in lost ^ found), remember)


def _parts(reader: Reader, source: Source, raw: RawVersions) -> dict[str, str]:
    """Of a daily source its days, of an appended one its files, each with what changes when it does."""
    if source.files.duplicates == "keep":
        return {}
    rule = _hash_of_rule(source)
    if source.is_daily:
        return {f"{day}": f"{version} {rule}" for day, version in raw.days.get(source.name, {}).items()}
    if source.files.delivery is not DeliveryMode.APPEND:
        return {}
    files = reader.query(
        f"select file_id, contract_hash, rows_accepted from {LEDGER} where source = {literal(source.name)} and in_raw"
    )
    return {row["file_id"]: f"{row['contract_hash']} {row['rows_accepted']} {rule}" for row in files.to_pylist()}


def _hash_of_rule(source: Source) -> str:
    """All that decides besides the rows."""
    return " ".join([*source.files.key, source.files.day_column or "" if source.compares_days else ""])


def _links(reader: Reader, source: Source, parts: Collection[str]) -> set[tuple[str, str]]:
    """Every two parts that share a key, if one of them is among these."""
    table, column = TableName(source.schema_name, source.name), _column(source)
    found = reader.query(
        f"select distinct one.{column} as part, other.{column} as other_part"
        f" from {table} as one join {table} as other on {_same_key(source, 'one', 'other')}"
        f" where {_among(source, 'one', parts)}"
        " and (one._file_id <> other._file_id or one._line <> other._line)"
    ).to_pylist()
    links = {(str(row["part"]), str(row["other_part"])) for row in found}
    return links | {(other, part) for part, other in links}


def _losers(reader: Reader, source: Source, parts: Set[str], shared: Set[tuple[str, str]]) -> set[Row]:
    """The rows of these parts that do not count."""
    worse = {part for link in shared for part in link if part in parts}
    if not worse:
        return set()
    better = {part for link in shared if not worse.isdisjoint(link) for part in link}
    table = TableName(source.schema_name, source.name)
    found = reader.query(
        "select distinct worse._file_id as file_id, worse._line as line, worse._business_date as business_date"
        f" from {table} as worse join {table} as better on {_same_key(source, 'worse', 'better')}"
        f" join {LEDGER} as worse_file on worse._file_id = worse_file.file_id"
        f" join {LEDGER} as better_file on better._file_id = better_file.file_id"
        f" where {_among(source, 'worse', worse)} and {_among(source, 'better', better)}"
        f" and (worse._file_id <> better._file_id or worse._line <> better._line) and ({_is_better(source)})"
    ).to_pylist()
    rows = {(row["file_id"], row["line"], row["business_date"]) for row in found}
    return rows if len(worse) <= _MOST_PARTS else {row for row in rows if _part(source, row) in parts}


def _is_better(source: Source) -> str:
    ranks = [
        ("better_file.path", "worse_file.path"),
        ("better._line", "worse._line"),
    ]
    if source.compares_days:
        day = quoted(str(source.files.day_column))
        ranks.insert(0, (f"better.{day}", f"worse.{day}"))
        if source.is_daily:
            on_its_day = "case when cast({0}.{1} as date) = {0}._business_date then 1 else 0 end"
            ranks.insert(0, (on_its_day.format("better", day), on_its_day.format("worse", day)))
    condition = ""
    for better, worse in reversed(ranks):
        more = f" or ({better} = {worse} and ({condition}))" if condition else ""
        condition = f"{better} > {worse}{more}"
    return condition


def _same_key(source: Source, one: str, other: str) -> str:
    return " and ".join(f"{one}.{quoted(column)} = {other}.{quoted(column)}" for column in source.files.key)


def _column(source: Source) -> str:
    return "_business_date" if source.is_daily else "_file_id"


def _part(source: Source, row: Row) -> str:
    return f"{row[2]}" if source.is_daily else row[0]


def _among(source: Source, alias: str, parts: Collection[str]) -> str:
    if len(parts) > _MOST_PARTS:
        return "1 = 1"
    values = [date.fromisoformat(part) if source.is_daily else part for part in sorted(parts)]
    return f"{alias}.{_column(source)} in ({', '.join(map(literal, values))})"


def _noted(reader: Reader, source: Source, parts: Set[str]) -> set[Row]:
    rows = {(row["file_id"], row["line"], row["business_date"]) for row in _rows(reader, DUPLICATES, source)}
    return {row for row in rows if _part(source, row) in parts}


def _rows(reader: Reader, table: TableName, source: Source) -> list[dict[str, Any]]:
    if not reader.has_table(table):
        return []
    rows: list[dict[str, Any]] = reader.query(
        f"select * from {table} where source = {literal(source.name)}"
    ).to_pylist()
    return rows


def _duplicates(source: Source, rows: Iterable[Row]) -> pa.Table:
    return _table(DUPLICATES, [(source.name, *row) for row in sorted(rows, key=str)])


def _table(name: TableName, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    schema = SCHEMAS[name]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)
