"""Keys of a master that the version of a day does not list, so that another version's row holds for them: before the
first one that lists a key it is that one (masters come late), and afterwards the last one (old stock still sells).

A change of such a version reaches days that lie outside of its own. Which, is found by comparing what is carried now
with what was carried the last time, which the ledger has; and of these days only those count on which something refers
to the key (`references` in the contract), or on which a delivery of it was due (the sender's `known_from`).
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise, zip_longest

from vending_platform.catalog import Catalog, Days, Grain, Source
from vending_platform.ledger import BEGINNING, Carry, note_carried, read_carried
from vending_platform.transformation.input_versions import RawVersions
from vending_platform.warehouse import Change, Reader, TableName, literal, quoted

_END = date(9999, 12, 31)


@dataclass(frozen=True)
class Moved:
    """Days for which not the same is carried as before, and when deliveries were due by the one row or the other."""

    days: Days
    due: tuple[Days, ...]


@dataclass(frozen=True)
class CarriedVersion:
    """A version in a master's history, and per key that it lists when deliveries are due."""

    since: date
    content: str
    listed: Mapping[str, tuple[date | None, date | None]]


def moved_keys(
    reader: Reader, catalog: Catalog, source: Source, raw: RawVersions
) -> tuple[dict[str, list[Moved]], list[Change]]:
    """The keys for which another content is carried than the last time, and how to remember that. Only a master whose
    key is one column can be referred to."""
    if len(source.files.key) != 1:
        return {}, []
    now = carried(_versions(reader, catalog, source, raw))
    seen = read_carried(reader, source.name)
    changed = sorted(key for key in seen.keys() | now.keys() if seen.get(key) != now.get(key))
    if not changed:
        return {}, []
    moved = {key: list(differences(seen.get(key, ()), now.get(key, ()))) for key in changed}
    return moved, [note_carried(source.name, {key: now.get(key, ()) for key in changed})]


def carried(versions: Sequence[CarriedVersion]) -> dict[str, list[Carry]]:
    """Of every key that some version of a history does not list, what is carried."""
    found: dict[str, list[Carry]] = defaultdict(list)
    known = set(versions[0].listed) if versions else set()
    for before, version in pairwise(versions):
        for key in version.listed.keys() - before.listed.keys():
            if key not in known:
                found[key].append(Carry(BEGINNING, version.content, *version.listed[key]))
            found[key].append(Carry(version.since))
        for key in before.listed.keys() - version.listed.keys():
            found[key].append(Carry(version.since, before.content, *before.listed[key]))
        known |= version.listed.keys()
    return dict(found)


def differences(one: Sequence[Carry], other: Sequence[Carry]) -> Iterator[Moved]:
    days = sorted({carry.first_day for carry in (*one, *other)})
    for first, after in zip_longest(days, days[1:]):
        both = {_at(one, first), _at(other, first)}
        if len(both) > 1:
            due = tuple((c.due_from, c.due_until or _END) for c in both if c.due_from is not None)
            yield Moved((first, date.max if after is None else after - timedelta(days=1)), due)


def days_that_mention(
    reader: Reader, source: Source, master: Source, moved: Mapping[str, Sequence[Moved]]
) -> Iterator[tuple[date, Days]]:
    """The days of a source on which something refers to these keys, each with the days of the master that moved."""
    table = TableName(source.schema_name, source.name)
    for column in source.columns:
        if column.references == master.name:
            key = f"cast({quoted(column.name)} as varchar)"
            listed = ", ".join(map(literal, sorted(moved)))
            rows = reader.query(
                f"select distinct _business_date as day, {key} as k from {table} where {key} in ({listed})"
            )
            for row in rows.to_pylist():
                yield from ((row["day"], one.days) for one in moved[row["k"]])


def days_when_due(
    source: Source, master: Source, moved: Mapping[str, Sequence[Moved]], raw: RawVersions
) -> Iterator[tuple[date, Days]]:
    """The days on which a delivery of these keys was due: that none came counts for them too."""
    expected = source.files.known_from
    if expected is None or expected.source != master.name:
        return
    days = sorted({day for of_source in raw.days.values() for day in of_source})
    for one in (one for ones in moved.values() for one in ones):
        for due in one.due:
            grain = source.grain or Grain.DAY  # of a month in which it is due for a day, the delivery is due
            first, last = grain.start(max(one.days[0], due[0])), min(one.days[1], due[1])
            yield from ((day, one.days) for day in days[bisect_left(days, first) : bisect_right(days, last)])


def _versions(reader: Reader, catalog: Catalog, master: Source, raw: RawVersions) -> list[CarriedVersion]:
    history = raw.masters.get(master.name, ())
    listed: dict[str, dict[str, tuple[date | None, date | None]]] = {file_id: {} for _, _, file_id in history}
    key = f"cast({quoted(master.files.key[0])} as varchar)"
    rows = reader.query(
        f"select {key} as k, _file_id as f, {', '.join(_due(catalog, master))}"
        f" from {TableName(master.schema_name, master.name)} group by 1, 2"
    )
    for k, f, *due in zip(*(rows[name].to_pylist() for name in ("k", "f", "due_from", "due_until")), strict=True):
        if f in listed:
            listed[f][k] = (due[0], due[1])
    return [CarriedVersion(since, content, listed[file_id]) for since, content, file_id in history]


def _due(catalog: Catalog, master: Source) -> Iterator[str]:
    """When deliveries are due by a row of the master: from the first day of any kind of delivery to the last."""
    expecting = [
        source.files.known_from
        for source in catalog
        if source.is_dated and source.files.known_from is not None and source.files.known_from.source == master.name
    ]
    since = [f"min({quoted(expected.since)})" for expected in expecting]
    until = [f"max(coalesce({quoted(expected.until)}, {literal(_END)}))" for expected in expecting]
    yield f"{_outermost('least', since)} as due_from"
    yield f"{_outermost('greatest', until)} as due_until"


def _outermost(function: str, days: Sequence[str]) -> str:
    return f"{function}({', '.join(days)})" if len(days) > 1 else days[0] if days else "cast(null as date)"


def _at(carries: Sequence[Carry], day: date) -> Carry:
    """What is carried on the day, whenever that began."""
    found = next((carry for carry in reversed(carries) if carry.first_day <= day), Carry(day))
    return replace(found, first_day=BEGINNING)
