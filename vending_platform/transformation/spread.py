"""What a change reaches beyond its own days. Two things cross from one day to another:

- a row key that was delivered for two days counts once, so a change of either day decides about both; which days share
  keys at all is told to dbt, which then compares their rows and no others;
- a master's first word about a key holds from the beginning of time (masters come late), so a key that becomes known
  reaches every earlier day on which something refers to it.

Both are found by looking only for what changed since the last time; what was seen then is kept in `raw._spread_*`
and `raw._shared_*`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Catalog, Days, Delivery, Model, Source
from vending_platform.transformation.versions import RawVersions
from vending_platform.warehouse import Change, Reader, TableName, literal, quoted

DAYS = TableName("raw", "_shared_seen")
LINKS = TableName("raw", "_shared_keys")
KEYS = TableName("raw", "_spread_keys")
SCHEMAS = {
    DAYS: pa.schema([("source", pa.string()), ("business_date", pa.date32()), ("raw_version", pa.string())]),
    LINKS: pa.schema([("source", pa.string()), ("business_date", pa.date32()), ("other_date", pa.date32())]),
    KEYS: pa.schema([("source", pa.string()), ("key", pa.string()), ("first_version", pa.string())]),
}


@dataclass(frozen=True)
class Spread:
    """The model days that a change reaches besides its own, and how to remember what was looked at."""

    reached: frozenset[tuple[str, date]]
    remember: tuple[Change, ...]
    shared: Mapping[str, Set[Days]]
    """Per daily source, every two days that share a key; a day on which a key came twice stands beside itself."""


def spread(reader: Reader, catalog: Catalog, raw: RawVersions) -> Spread:
    reached: dict[str, set[date]] = defaultdict(set)
    remember: list[Change] = []
    shared: dict[str, set[Days]] = {}
    for source in catalog:
        if source.files.delivery is Delivery.DAILY:
            shared[source.name], days, changes = _through_shared_keys(reader, source, raw)
            reached[source.name] |= days
            remember += changes
        elif source.files.delivery is Delivery.SNAPSHOT:
            changed, changes = _newly_known(reader, source, raw)
            remember += changes
            for referring, days in _days_that_refer(reader, catalog, source, changed):
                reached[referring] |= days
    return Spread(frozenset(_model_days(catalog.models, raw, reached)), tuple(remember), shared)


def _through_shared_keys(reader: Reader, source: Source, raw: RawVersions) -> tuple[set[Days], set[date], list[Change]]:
    """The days that share keys now, the days that a change reaches by them, and how to remember what was seen."""
    seen = {row["business_date"]: row["raw_version"] for row in _rows(reader, DAYS, source)}
    now = raw.days.get(source.name, {})
    changed = sorted(day for day in seen.keys() | now.keys() if seen.get(day) != now.get(day))
    known = {(row["business_date"], row["other_date"]) for row in _rows(reader, LINKS, source)}
    if not changed:
        return known, set(), []
    before = {link for link in known if not {*link}.isdisjoint(changed)}
    same = " and ".join(f"one.{quoted(column)} = other.{quoted(column)}" for column in source.files.key)
    table = TableName(source.schema_name, source.name)
    found = reader.query(
        f"select distinct one._business_date as business_date, other._business_date as other_date"
        f" from {table} as one join {table} as other on {same}"
        f" where one._business_date in ({_listed(changed)})"
        " and (one._file_id <> other._file_id or one._line <> other._line)"
    ).to_pylist()
    after = {(row["business_date"], row["other_date"]) for row in found}
    after |= {(other, day) for day, other in after}
    remember = [
        Change(
            DAYS,
            delete=_table(DAYS, [(source.name, day, None) for day in changed]).select(["source", "business_date"]),
            insert=_table(DAYS, [(source.name, day, now[day]) for day in changed if day in now]),
        ),
        Change(
            LINKS,
            delete=_table(LINKS, [(source.name, *link) for link in before]),
            insert=_table(LINKS, [(source.name, *link) for link in sorted(after)]),
        ),
    ]
    return known - before | after, {day for link in before | after for day in link}, remember


def _newly_known(reader: Reader, source: Source, raw: RawVersions) -> tuple[set[str], list[Change]]:
    """The keys of which the first word has changed. Only a master whose key is one column can be referred to."""
    if len(source.files.key) != 1:
        return set(), []
    order = {file_id: position for position, (_, _, file_id) in enumerate(raw.masters.get(source.name, ()))}
    (key,) = source.files.key
    now: dict[str, str] = {}
    table = TableName(source.schema_name, source.name)
    for row in reader.query(f"select distinct {quoted(key)} as key, _file_id as file_id from {table}").to_pylist():
        if row["file_id"] in order and order[row["file_id"]] < order.get(now.get(row["key"], ""), len(order)):
            now[row["key"]] = row["file_id"]
    contents = {file_id: content for _, content, file_id in raw.masters.get(source.name, ())}
    first = {name: contents[file_id] for name, file_id in now.items()}
    seen = {row["key"]: row["first_version"] for row in _rows(reader, KEYS, source)}
    changed = {name for name in seen.keys() | first.keys() if seen.get(name) != first.get(name)}
    if not changed:
        return set(), []
    return changed, [
        Change(
            KEYS,
            delete=_table(KEYS, [(source.name, name, None) for name in sorted(changed)]).select(["source", "key"]),
            insert=_table(KEYS, [(source.name, name, first[name]) for name in sorted(changed) if name in first]),
        )
    ]


def _days_that_refer(
    reader: Reader, catalog: Catalog, master: Source, keys: set[str]
) -> Iterator[tuple[str, set[date]]]:
    for source in catalog:
        for column in source.columns:
            if not keys or column.references != master.name or source.files.delivery is not Delivery.DAILY:
                continue
            table = TableName(source.schema_name, source.name)
            rows = reader.query(
                f"select distinct _business_date as day from {table}"
                f" where {quoted(column.name)} in ({_listed(sorted(keys))})"
            ).to_pylist()
            yield source.name, {row["day"] for row in rows}


def _model_days(models: Iterable[Model], raw: RawVersions, reached: dict[str, set[date]]) -> Iterator[tuple[str, date]]:
    for model in models:
        if not model.is_daily:
            continue
        spans = {model.days_reached(name, day, day) for name in model.sources & reached.keys() for day in reached[name]}
        for day in raw.days_of(model):
            if any(first <= day <= last for first, last in spans):
                yield model.name, day


def _rows(reader: Reader, table: TableName, source: Source) -> list[dict[str, Any]]:
    if not reader.has_table(table):
        return []
    rows: list[dict[str, Any]] = reader.query(f"select * from {table} where source = '{source.name}'").to_pylist()
    return rows


def _table(name: TableName, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    schema = SCHEMAS[name]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)


def _listed(values: Iterable[str | date]) -> str:
    return ", ".join(map(literal, values))
