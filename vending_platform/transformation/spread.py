"""What a change reaches beyond its own days. Two things cross from one day to another:

- a row key that was delivered for two days counts once, so a change of either day decides about both; which days share
  keys at all is told to dbt, which then compares their rows and no others;
- a version of a master also holds on other days than its own, for keys that the versions of those days do not list.

Both are found by looking only for what changed since the last time; what was seen then is kept in `raw._shared_*` and
`raw._carried_keys`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from vending_platform.catalog import Catalog, Days, Delivery, Model, Source
from vending_platform.transformation.carried import (
    CARRIED,
    CARRIED_SCHEMA,
    days_that_mention,
    days_when_due,
    moved_keys,
)
from vending_platform.transformation.versions import RawVersions
from vending_platform.warehouse import Change, Reader, TableName, literal, quoted

DAYS = TableName("raw", "_shared_seen")
LINKS = TableName("raw", "_shared_keys")
SCHEMAS = {
    DAYS: pa.schema([("source", pa.string()), ("business_date", pa.date32()), ("raw_version", pa.string())]),
    LINKS: pa.schema([("source", pa.string()), ("business_date", pa.date32()), ("other_date", pa.date32())]),
    CARRIED: CARRIED_SCHEMA,
}
Reached = dict[tuple[str, str | None], set[tuple[date, Days]]]
"""Per source and the master that is read for it: days of the source, and the days of the master that moved for them."""
_ALWAYS = (date.min, date.max)


@dataclass(frozen=True)
class Spread:
    """The model days that a change reaches besides its own, and how to remember what was looked at."""

    reached: frozenset[tuple[str, date]]
    remember: tuple[Change, ...]
    shared: Mapping[str, Set[Days]]
    """Per daily source, every two days that share a key; a day on which a key came twice stands beside itself."""


def spread(reader: Reader, catalog: Catalog, raw: RawVersions) -> Spread:
    reached: Reached = defaultdict(set)
    remember: list[Change] = []
    shared: dict[str, set[Days]] = {}
    for source in catalog:
        if source.files.delivery is Delivery.DAILY:
            shared[source.name], days, changes = _through_shared_keys(reader, source, raw)
            reached[source.name, None] |= {(day, _ALWAYS) for day in days}
            remember += changes
        elif source.files.delivery is Delivery.SNAPSHOT:
            moved, changes = moved_keys(reader, catalog, source, raw)
            remember += changes
            for daily in (daily for daily in catalog if moved and daily.files.delivery is Delivery.DAILY):
                reached[daily.name, source.name].update(days_that_mention(reader, daily, source, moved))
                reached[daily.name, source.name].update(days_when_due(daily, source, moved, raw))
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


def _model_days(models: Iterable[Model], raw: RawVersions, reached: Reached) -> Iterator[tuple[str, date]]:
    for model in models:
        if not model.is_daily:
            continue
        spans = set()
        for (source, master), days in reached.items():
            if source in model.sources and (master is None or master in model.sources):
                spans |= {
                    _both(model.days_reached(source, day, day), _read(model, master, moved)) for day, moved in days
                }
        for day in raw.days_of(model):
            if any(first <= day <= last for first, last in spans):
                yield model.name, day


def _read(model: Model, master: str | None, moved: Days) -> Days:
    """The model's days that read these days of the master."""
    return moved if master is None else model.days_reached(master, *moved)


def _both(one: Days, other: Days) -> Days:
    return max(one[0], other[0]), min(one[1], other[1])


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
