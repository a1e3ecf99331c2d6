"""`raw._duplicates`: the rows of `raw` that do not count because another one with the same key does. dbt's `source()`
leaves them out.

They stay in `raw`, as each of them may count again once the other one's file is corrected or withdrawn. What was
compared is in `raw._duplicates_seen`, and which parts of a source share keys in `raw._duplicates_shared`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import date
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Grain, Source
from vending_platform.ledger.files import FILES
from vending_platform.warehouse import Change, Reader, TableName, literal, quoted

DUPLICATES = TableName("raw", "_duplicates")
DUPLICATES_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("file_id", pa.string()),
        ("line", pa.int64()),
        ("business_date", pa.date32()),
    ]
)
DUPLICATES_SEEN = TableName("raw", "_duplicates_seen")
DUPLICATES_SEEN_SCHEMA = pa.schema([("source", pa.string()), ("part", pa.string()), ("version", pa.string())])
DUPLICATES_SHARED = TableName("raw", "_duplicates_shared")
DUPLICATES_SHARED_SCHEMA = pa.schema([("source", pa.string()), ("part", pa.string()), ("other_part", pa.string())])
_SCHEMAS = {
    DUPLICATES_SEEN: DUPLICATES_SEEN_SCHEMA,
    DUPLICATES_SHARED: DUPLICATES_SHARED_SCHEMA,
    DUPLICATES: DUPLICATES_SCHEMA,
}
MOST_PARTS = 2_000
"""More are not listed in a statement: then all of the source is read."""

DuplicateRow = tuple[str, int, date | None]
"""A row's file, line and business day."""
Link = tuple[str, str]
"""Two parts of a source that share a key. A part is a day of a daily source, a file of an appended one."""


def seen_parts(reader: Reader, source: Source) -> dict[str, str]:
    """What was compared, each part with its version then."""
    return {row["part"]: row["version"] for row in _rows(reader, DUPLICATES_SEEN, source)}


def shared_parts(reader: Reader, source: Source) -> set[Link]:
    return {(row["part"], row["other_part"]) for row in _rows(reader, DUPLICATES_SHARED, source)}


def noted_duplicates(reader: Reader, source: Source, parts: Set[str]) -> set[DuplicateRow]:
    rows = {(row["file_id"], row["line"], row["business_date"]) for row in _rows(reader, DUPLICATES, source)}
    return {row for row in rows if _part(source, row) in parts}


def parts_of_files(reader: Reader, source: Source) -> dict[str, str]:
    """Of a source whose parts are files, those whose rows are in `raw`, with what changes when their rows do."""
    files = reader.query(
        f"select file_id, contract_hash, rows_accepted from {FILES} where source = {literal(source.name)} and in_raw"
    )
    return {row["file_id"]: f"{row['contract_hash']} {row['rows_accepted']}" for row in files.to_pylist()}


def note_parts(source: Source, changed: Set[str], now: Mapping[str, str]) -> Change:
    """The `changed` parts were compared as they are `now`, or are there no more."""
    gone = [(source.name, part, None) for part in sorted(changed)]
    come = [(source.name, part, now[part]) for part in sorted(changed & now.keys())]
    return Change(
        DUPLICATES_SEEN,
        delete=_table(DUPLICATES_SEEN, gone).select(["source", "part"]),
        insert=_table(DUPLICATES_SEEN, come),
    )


def note_shared(source: Source, before: Set[Link], after: Set[Link]) -> Change:
    return Change(
        DUPLICATES_SHARED,
        delete=_table(DUPLICATES_SHARED, [(source.name, *link) for link in sorted(before)]),
        insert=_table(DUPLICATES_SHARED, [(source.name, *link) for link in sorted(after)]),
    )


def note_duplicates(source: Source, gone: Set[DuplicateRow], new: Set[DuplicateRow]) -> Change:
    return Change(
        DUPLICATES,
        delete=_duplicates(source, gone).select(["source", "file_id", "line"]),
        insert=_duplicates(source, new),
    )


def parts_that_share_keys(reader: Reader, source: Source, parts: Collection[str]) -> set[Link]:
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


def superseded_rows(reader: Reader, source: Source, parts: Set[str], shared: Set[Link]) -> set[DuplicateRow]:
    """The rows of these parts that do not count."""
    worse = {part for link in shared for part in link if part in parts}
    if not worse:
        return set()
    better = {part for link in shared if not worse.isdisjoint(link) for part in link}
    table = TableName(source.schema_name, source.name)
    found = reader.query(
        "select distinct worse._file_id as file_id, worse._line as line, worse._business_date as business_date"
        f" from {table} as worse join {table} as better on {_same_key(source, 'worse', 'better')}"
        f" join {FILES} as worse_file on worse._file_id = worse_file.file_id"
        f" join {FILES} as better_file on better._file_id = better_file.file_id"
        f" where {_among(source, 'worse', worse)} and {_among(source, 'better', better)}"
        f" and (worse._file_id <> better._file_id or worse._line <> better._line) and ({_is_better(source)})"
    ).to_pylist()
    rows = {(row["file_id"], row["line"], row["business_date"]) for row in found}
    return rows if len(worse) <= MOST_PARTS else {row for row in rows if _part(source, row) in parts}


def _is_better(source: Source) -> str:
    ranks = [
        ("better_file.path", "worse_file.path"),
        ("better._line", "worse._line"),
    ]
    if source.compares_days:
        day = quoted(str(source.files.day_column))
        ranks.insert(0, (f"better.{day}", f"worse.{day}"))
        if source.is_dated:
            its_day = "cast({0}.{1} as date)"
            if source.grain is Grain.MONTH:
                its_day = f"cast(date_trunc('month', {its_day}) as date)"
            on_its_day = f"case when {its_day} = {{0}}._business_date then 1 else 0 end"
            ranks.insert(0, (on_its_day.format("better", day), on_its_day.format("worse", day)))
    condition = ""
    for better, worse in reversed(ranks):
        more = f" or ({better} = {worse} and ({condition}))" if condition else ""
        condition = f"{better} > {worse}{more}"
    return condition


def _same_key(source: Source, one: str, other: str) -> str:
    return " and ".join(f"{one}.{quoted(column)} = {other}.{quoted(column)}" for column in source.files.key)


def _column(source: Source) -> str:
    return "_business_date" if source.is_dated else "_file_id"


def _part(source: Source, row: DuplicateRow) -> str:
    return f"{row[2]}" if source.is_dated else row[0]


def _among(source: Source, alias: str, parts: Collection[str]) -> str:
    if len(parts) > MOST_PARTS:
        return "1 = 1"
    values = [date.fromisoformat(part) if source.is_dated else part for part in sorted(parts)]
    return f"{alias}.{_column(source)} in ({', '.join(map(literal, values))})"


def _rows(reader: Reader, table: TableName, source: Source) -> list[dict[str, Any]]:
    if not reader.has_table(table):
        return []
    rows: list[dict[str, Any]] = reader.query(
        f"select * from {table} where source = {literal(source.name)}"
    ).to_pylist()
    return rows


def _duplicates(source: Source, rows: Iterable[DuplicateRow]) -> pa.Table:
    return _table(DUPLICATES, [(source.name, *row) for row in sorted(rows, key=str)])


def _table(name: TableName, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    schema = _SCHEMAS[name]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)
