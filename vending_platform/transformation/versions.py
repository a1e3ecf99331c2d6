"""Which raw content a model's day rests on, as one short hash: a day is stale where the hash has changed.

Computed from the ledger alone. Of a daily source it is the files of the days that this day rests on; of a master the
versions that were valid on them, so that a new master reaches the days from its own validity on and no others.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import Catalog, Days, Delivery, Model
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.warehouse import values_of

_OF_MASTERS = ("source", "path", "sha256", "file_id", "business_date", "modified_at")


@dataclass(frozen=True)
class RawVersions:
    """The ledger's files whose rows are in `raw`, arranged by what they can reach."""

    days: dict[str, dict[date, str]]
    """Of each daily source: per business day, in their order, a hash over the day's files."""
    masters: dict[str, tuple[tuple[date, str, str], ...]]
    """Of each master: since when which content is valid, in that order; and the file it came in."""
    wholes: dict[str, str]
    """Of each source: a hash over all of its files."""
    deliveries: dict[str, dict[date, str]]
    """Of each daily source: per business day, from the first to the last with or without files, a hash over what became
    of each of them, also of those whose rows are not in `raw`."""
    _covered: dict[tuple[str, date], Days] = field(default_factory=dict, compare=False)
    """The spans of days that a day rests on, by the ways to them."""
    _stretches: dict[tuple[str, int, int], str] = field(default_factory=dict, compare=False)
    """The hashes that were asked for of stretches of a source: of most masters there are few."""
    _known: dict[tuple[str, date | None], str] = field(default_factory=dict, compare=False)
    """What was asked before: many models rest on the same, and a run asks some times what is stale."""

    def days_of(self, model: Model) -> frozenset[date]:
        """The business days of a model that rests on daily sources: all that any source has, so that a day on which
        nobody refilled a machine is a day like any other, and neighbouring days can be built together. Of a model about
        deliveries also those of which nothing came."""
        if model.reach.deliveries_of is not None:
            return frozenset(self.deliveries.get(model.reach.deliveries_of, ()))
        if model.sources.isdisjoint(self.days):
            return frozenset()
        return frozenset(day for days in self.days.values() for day in days)

    def of(self, model: Model, day: date | None) -> str:
        """What the model rests on; `day` is None for a model that is built as a whole."""
        if model.is_view or model.is_seed:
            return model.code  # a view has no rows of its own, and a seed's rows are written by hand
        if (model.footing, day) not in self._known:
            self._known[model.footing, day] = _hash([*self._parts(model, day), model.assumptions])
        return self._known[model.footing, day]

    def _parts(self, model: Model, day: date | None) -> Iterator[str]:
        if model.reach.deliveries_of is not None and day is not None:
            yield self.deliveries.get(model.reach.deliveries_of, {}).get(day, "")
        for source in sorted(model.sources):
            if day is None or (source not in self.days and source not in self.masters):
                yield self.wholes.get(source, "")
                continue
            yield self._during(source, *self._span(model, source, day))

    def _span(self, model: Model, source: str, day: date) -> Days:
        asked = model.reading_of(source), day
        if asked not in self._covered:
            self._covered[asked] = model.raw_days(source, day, day)
        return self._covered[asked]

    def _during(self, source: str, first: date, last: date) -> str:
        """A hash over what is there of a source between these days; of a master, over what is valid on them: also the
        last content before, and before the first one is valid, the first one."""
        days, told = self._told[source]
        begin, end = bisect_left(days, first), bisect_right(days, last)
        if source in self.masters:
            begin = max(bisect_right(days, first) - 1, 0)
            end = max(end, begin + 1)
        if (source, begin, end) not in self._stretches:
            parts = told[begin:end]
            self._stretches[source, begin, end] = _hash(_changes(parts) if source in self.masters else parts)
        return self._stretches[source, begin, end]

    @cached_property
    def _told(self) -> dict[str, tuple[list[date], list[str]]]:
        """Of each source the days on which something of it begins to count, and a text that changes with that."""
        return {
            source: (list(days), [f"{day} {version}" for day, version in days.items()])
            for source, days in self.days.items()
        } | {
            source: ([since for since, _, _ in versions], [content for _, content, _ in versions])
            for source, versions in self.masters.items()
        }


def raw_versions(catalog: Catalog, files: pa.Table) -> RawVersions:
    """From the rows of the ledger, at least those with `in_raw`; what became of deliveries is told from all of them."""
    kinds = {source.name: source.files.delivery for source in catalog}
    by_day: dict[str, dict[date, list[str]]] = {
        name: defaultdict(list) for name, kind in kinds.items() if kind is Delivery.DAILY
    }
    masters: dict[str, list[tuple[date, datetime, str, str, str]]] = defaultdict(list)
    # These are hundreds of thousands of files, of thousands of kinds: no file is looked at by itself.
    wholes: dict[str, list[str]] = defaultdict(list)
    became: dict[str, dict[date, list[str]]] = {name: defaultdict(list) for name in by_day}
    for source, day, state, in_raw, ids in _of_a_kind(files):
        entry = f"{day} {state} {in_raw} {_hash(sorted(ids))}"
        if source in became:
            became[source][day].append(entry)
        if in_raw:
            wholes[source].append(entry)
        if in_raw and source in by_day:
            by_day[source][day] += ids
    snapshots = pa.array([name for name, kind in kinds.items() if kind is Delivery.SNAPSHOT], pa.string())
    chosen = pc.and_(files["in_raw"], pc.is_in(files["source"], value_set=snapshots))
    for row in files.select(_OF_MASTERS).filter(chosen).to_pylist():
        since = row["business_date"] or row["modified_at"].astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date()
        masters[row["source"]].append((since, row["modified_at"], row["path"], row["sha256"], row["file_id"]))
    return RawVersions(
        days={name: {day: _hash(sorted(ids)) for day, ids in sorted(days.items())} for name, days in by_day.items()},
        masters={
            name: tuple((since, content, file_id) for since, _, _, content, file_id in sorted(versions))
            for name, versions in masters.items()
        },
        wholes={name: _hash(sorted(entries)) for name, entries in wholes.items()},
        deliveries={name: dict(_without_gaps(days)) for name, days in became.items()},
    )


def _of_a_kind(files: pa.Table) -> Iterator[tuple[str, date, str, bool, list[str]]]:
    """The files of each source, day and state, and whether their rows are in `raw`."""
    kinds = ["source", "business_date", "state", "in_raw"]
    grouped = files.group_by(kinds).aggregate([("file_id", "list")])
    return zip(*(values_of(grouped[name]) for name in (*kinds, "file_id_list")), strict=True)


def _without_gaps(days: Mapping[date, list[str]]) -> Iterator[tuple[date, str]]:
    """Every day from the first to the last, and a hash over what is said of it."""
    day, last = min(days, default=date.max), max(days, default=date.min)
    while day <= last:
        yield day, _hash(sorted(days.get(day, ())))
        day += timedelta(days=1)


def _changes(contents: Iterable[str]) -> Iterator[str]:
    """Without those that repeat the one before them."""
    return (content for content, _ in groupby(contents))


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join([*parts, ""]).encode()).hexdigest()[:16]
