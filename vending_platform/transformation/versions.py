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

from vending_platform.catalog import Catalog, Days, Delivery, Model
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.transformation.deliveries import Deliveries


@dataclass(frozen=True)
class RawVersions:
    """The deliveries, arranged by what they can reach."""

    days: dict[str, dict[date, str]]
    """Of each daily source: per business day, in their order, a hash over the day's files."""
    masters: dict[str, tuple[tuple[date, str, str], ...]]
    """Of each master: since when which content is valid, in that order; and the file it came in."""
    wholes: dict[str, str]
    """Of each source: a hash over all of its files."""
    deliveries: dict[str, dict[date, str]]
    """Of each daily source: per business day, from the first to the last with or without files, a hash over what became
    of each of them, also of those whose rows are not in `raw`."""
    _stretches: dict[tuple[str, int, int], str] = field(default_factory=dict, compare=False)
    """The hashes that were asked for of stretches of a source: of most masters there are few."""
    _spans: dict[tuple[str, tuple[date, ...]], list[Days]] = field(default_factory=dict, compare=False)
    """The days that each of these days rests on, by the ways to them: many models have the same."""
    _read: dict[tuple[str, str, tuple[date, ...]], list[str]] = field(default_factory=dict, compare=False)
    """What is there of a source on them."""
    _known: dict[str, dict[date, str]] = field(default_factory=dict, compare=False)
    """What every day rests on: many models rest on the same, and a run asks some times what is stale."""

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
        if day is None:
            return _hash([*(self.wholes.get(source, "") for source in sorted(model.sources)), model.assumptions])
        known = self.of_days(model)
        return known[day] if day in known else next(self._hashes(model, (day,)))

    def of_days(self, model: Model) -> Mapping[date, str]:
        """What each of its days rests on, for a model that is built day by day."""
        if model.footing not in self._known:
            days = tuple(sorted(self.days_of(model)))
            self._known[model.footing] = dict(zip(days, self._hashes(model, days), strict=True))
        return self._known[model.footing]

    def _hashes(self, model: Model, days: tuple[date, ...]) -> Iterator[str]:
        # Thousands of days of dozens of models: a source is read for all days before the next one is.
        columns = [self._reading(model, source, days) for source in sorted(model.sources)]
        if model.reach.deliveries_of is not None:
            told = self.deliveries.get(model.reach.deliveries_of, {})
            columns.insert(0, [told.get(day, "") for day in days])
        return (_hash([*parts, model.assumptions]) for _, *parts in zip(days, *columns, strict=True))

    def _reading(self, model: Model, source: str, days: tuple[date, ...]) -> list[str]:
        if source not in self.days and source not in self.masters:
            return [self.wholes.get(source, "")] * len(days)
        way = model.reading_of(source)
        if (way, days) not in self._spans:
            self._spans[way, days] = [model.raw_days(source, day, day) for day in days]
        if (source, way, days) not in self._read:
            self._read[source, way, days] = [self._during(source, *span) for span in self._spans[way, days]]
        return self._read[source, way, days]

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
            parts = list(_changes(parts)) if source in self.masters else parts
            self._stretches[source, begin, end] = parts[0] if len(parts) == 1 else _hash(parts)
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


def raw_versions(catalog: Catalog, deliveries: Deliveries) -> RawVersions:
    kinds = {source.name: source.files.delivery for source in catalog}
    by_day: dict[str, dict[date, int]] = {
        name: defaultdict(int) for name, kind in kinds.items() if kind is Delivery.DAILY
    }
    became: dict[str, dict[date, list[str]]] = {name: defaultdict(list) for name in by_day}
    wholes: dict[str, list[str]] = defaultdict(list)
    for files in deliveries.files:
        entry = f"{files.business_date} {files.state} {files.in_raw} {files.fingerprint}"
        if files.in_raw:
            wholes[files.source].append(entry)
        if files.business_date is not None and files.source in by_day:
            became[files.source][files.business_date].append(entry)
            if files.in_raw:
                by_day[files.source][files.business_date] += files.fingerprint
    masters: dict[str, list[tuple[date, datetime, str, str, str]]] = defaultdict(list)
    for file in deliveries.masters:
        since = file.business_date or file.modified_at.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date()
        masters[file.source].append((since, file.modified_at, file.path, file.sha256, file.file_id))
    return RawVersions(
        days={
            name: {day: _hash([str(fingerprint)]) for day, fingerprint in sorted(days.items())}
            for name, days in by_day.items()
        },
        masters={
            name: tuple((since, content, file_id) for since, _, _, content, file_id in sorted(versions))
            for name, versions in masters.items()
        },
        wholes={name: _hash(sorted(entries)) for name, entries in wholes.items()},
        deliveries={name: dict(_without_gaps(days)) for name, days in became.items()},
    )


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
