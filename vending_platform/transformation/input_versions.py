"""Which raw content a model's day rests on, as one short hash: a day is stale where the hash has changed.

Of a daily source it is the files of the days that this day rests on, of one whose rows have days the files that have
rows of them; of a master the versions that were valid on them (`vending_platform.ledger`), so that a new master
reaches the days from its own validity on and no others.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise

from vending_platform.catalog import Catalog, Days, DeliveryMode, Grain, Model
from vending_platform.ledger import MasterVersion, valid_between
from vending_platform.transformation.deliveries import DeliveredFiles, MasterContent

_LONGEST_PAUSE = {Grain.DAY: 7, Grain.MONTH: 3}


@dataclass(frozen=True)
class RawVersions:
    """The deliveries, arranged by what they can reach."""

    days: dict[str, dict[date, str]]
    """Of each source with business days: per day, in their order, a hash over the files of it, or with rows of it."""
    masters: dict[str, tuple[tuple[date, str, str], ...]]
    """Of each master: since when which content is valid, in that order; and the file it came in."""
    wholes: dict[str, str]
    """Of each source: a hash over all of its files; of a master, over its history and what is current."""
    deliveries: dict[str, dict[date, str]]
    """Of each daily source: per business day, from the first to the last with or without files, a hash over what became
    of each of them, also of those whose rows are not in `raw`."""
    _stretches: dict[tuple[str, int, int], str] = field(default_factory=dict, compare=False)
    """The hashes of stretches of a source that were needed so far: of most masters there are few."""
    _spans: dict[tuple[str, tuple[date, ...]], list[Days]] = field(default_factory=dict, compare=False)
    """The days that each of these days rests on, by the ways to them: many models have the same."""
    _read: dict[tuple[str, str, tuple[date, ...]], list[str]] = field(default_factory=dict, compare=False)
    """What is there of a source on them."""
    _known: dict[str, dict[date, str]] = field(default_factory=dict, compare=False)
    """What every day rests on: many models rest on the same, and a run needs several times what is stale."""
    _days_of: dict[frozenset[str], frozenset[date]] = field(default_factory=dict, compare=False)
    """The days that these sources have together."""

    def days_of(self, model: Model) -> frozenset[date]:
        """The business days of a model: those of the sources that it is built from, and the days of the pauses between
        them. A day on which no sender had anything to send is so a day like any other, and the days around it are built
        together. Of a model about deliveries also those of which nothing came."""
        if model.reach.deliveries_of is not None:
            return frozenset(self.deliveries.get(model.reach.deliveries_of, ()))
        dated = model.sources.intersection(self.days)
        if dated not in self._days_of:
            days = {day for source in dated for day in self.days[source]}
            self._days_of[dated] = frozenset(_without_pauses(sorted(days), model.grain))
        return self._days_of[dated]

    def last_days(self, first: date | None, last: date | None) -> list[date]:
        """The last day of which anything came, of all or between these two; none if nothing came."""
        every = (day for days in self.days.values() for day in days)
        return sorted({day for day in every if (first or day) <= day <= (last or day)})[-1:]

    def of(self, model: Model, day: date | None) -> str:
        """What the model rests on; `day` is None for a model that is built as a whole."""
        if model.is_view or model.is_seed:
            return model.code  # a view has no rows of its own, and a seed's rows are written by hand
        if day is None:
            return _hash(self.wholes.get(source, "") for source in sorted(model.sources))
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
            became = self.deliveries.get(model.reach.deliveries_of, {})
            columns.insert(0, [became.get(day, "") for day in days])
        return (_hash(parts) for _, *parts in zip(days, *columns, strict=True))

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
        """A hash over what is there of a source between these days; of a master, over what is valid on them."""
        days, texts = self._texts[source]
        stretch = range(bisect_left(days, first), bisect_right(days, last))
        if source in self.masters:
            if (first, last) == (date.min, date.max):
                return self.wholes.get(source, "")  # who reads all of it also sees what is current
            stretch = valid_between(days, first, last)
        begin, end = stretch.start, stretch.stop
        if (source, begin, end) not in self._stretches:
            parts = texts[begin:end]
            parts = list(_since_when(parts, days[begin:end])) if source in self.masters else parts
            self._stretches[source, begin, end] = parts[0] if len(parts) == 1 else _hash(parts)
        return self._stretches[source, begin, end]

    @cached_property
    def _texts(self) -> dict[str, tuple[list[date], list[str]]]:
        """Of each source the days on which something of it begins to count, and a text that changes with that."""
        return {
            source: (list(days), [f"{day} {version}" for day, version in days.items()])
            for source, days in self.days.items()
        } | {
            source: ([since for since, _, _ in versions], [content for _, content, _ in versions])
            for source, versions in self.masters.items()
        }


def raw_versions(catalog: Catalog, deliveries: DeliveredFiles) -> RawVersions:
    kinds = {source.name: source.files.delivery for source in catalog}
    by_day: dict[str, dict[date, int]] = {source.name: defaultdict(int) for source in catalog if source.has_days}
    became: dict[str, dict[date, list[str]]] = {source.name: defaultdict(list) for source in catalog if source.is_dated}
    wholes: dict[str, list[str]] = defaultdict(list)
    for files in deliveries.files:
        entry = f"{files.business_date} {files.state} {files.in_raw} {files.fingerprint}"
        if files.in_raw:
            wholes[files.source].append(entry)
        if files.business_date is not None and files.source in became:
            became[files.source][files.business_date].append(entry)
            if files.in_raw:
                by_day[files.source][files.business_date] += files.fingerprint
    for rows in deliveries.rows:
        if rows.in_raw:
            by_day[rows.source][rows.business_date] += rows.fingerprint
    masters = {name: _of(name, deliveries.masters) for name, kind in kinds.items() if kind is DeliveryMode.SNAPSHOT}
    return RawVersions(
        days={
            name: {day: _hash([str(fingerprint)]) for day, fingerprint in sorted(days.items())}
            for name, days in by_day.items()
        },
        masters={
            name: tuple((version.version_day, content, version.file_id) for version, content in versions)
            for name, versions in masters.items()
            if versions
        },
        wholes={name: _hash(sorted(entries)) for name, entries in wholes.items() if name not in masters}
        | {name: _hash(_history(versions)) for name, versions in masters.items()},
        deliveries={
            name: dict(_without_gaps(days, catalog.source(name).grain or Grain.DAY)) for name, days in became.items()
        },
    )


def _without_pauses(days: Sequence[date], grain: Grain) -> Iterator[date]:
    """These days or months, and those between two of them that are no further apart than a week or a quarter: what is
    delivered on working days or once a week has no gaps, and one wrong date does not give a model all the days up to
    it."""
    yield from days[:1]
    for day, after in pairwise(days):
        apart = grain.number(after) - grain.number(day)
        missing = range(1, apart) if apart <= _LONGEST_PAUSE[grain] else ()
        yield from (*(grain.moved(day, number) for number in missing), after)


def _without_gaps(days: Mapping[date, list[str]], grain: Grain) -> Iterator[tuple[date, str]]:
    """Every day or month from the first to the last, and a hash over what became of its files."""
    if days:
        for day in grain.between(min(days), max(days)):
            yield day, _hash(sorted(days.get(day, ())))


def _of(master: str, contents: Iterable[MasterContent]) -> list[tuple[MasterVersion, str]]:
    """The versions in a master's history, with their contents."""
    return [
        (one.version, one.content) for one in contents if one.version.source == master and one.version.is_in_history
    ]


def _history(versions: Iterable[tuple[MasterVersion, str]]) -> Iterator[str]:
    """All that a model sees that reads the whole history: since when which content is valid, and which is current."""
    return (f"{version.version_day} {content} {version.is_current_version}" for version, content in versions)


def _since_when(contents: Sequence[str], since: Sequence[date]) -> Iterator[str]:
    """Of those after the first also from when on: a day on which one begins to count can move between days that are
    read together."""
    return (f"{since[n]} {content}" if n else content for n, content in enumerate(contents))


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join([*parts, ""]).encode()).hexdigest()[:16]
