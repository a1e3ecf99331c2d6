"""Which raw content a model's day rests on, as one short hash: a day is stale where the hash has changed.

Computed from the ledger alone. Of a daily source it is the files of the days that reach this day; of a master it is the
version that was valid on this day, so that a new master reaches the days from its own validity on and no others.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from vending_platform.catalog import Catalog, Delivery, Model, Reach
from vending_platform.environment import BUSINESS_TIME_ZONE


@dataclass(frozen=True)
class RawVersions:
    """The ledger's files whose rows are in `raw`, arranged by what they can reach."""

    days: dict[str, dict[date, str]]
    """Of each daily source: per business day a hash over the day's files."""
    masters: dict[str, tuple[tuple[date, str, str], ...]]
    """Of each master: since when which content is valid, in that order; and the file it came in."""
    wholes: dict[str, str]
    """Of each source: a hash over all of its files."""

    def days_of(self, model: Model) -> frozenset[date]:
        """The business days of a model that rests on daily sources: all that any source has, so that a day on which
        nobody refilled a machine is a day like any other, and neighbouring days can be built together."""
        if model.sources.isdisjoint(self.days):
            return frozenset()
        return frozenset(day for days in self.days.values() for day in days)

    def of(self, model: Model, day: date | None) -> str:
        """What the model rests on; `day` is None for a model that is built as a whole."""
        if model.is_view:
            return model.code  # a view has no rows of its own
        return _hash(self._parts(model, day))

    def _parts(self, model: Model, day: date | None) -> Iterator[str]:
        for source in sorted(model.sources):
            if day is None or model.reach is Reach.EVERYTHING:
                yield self.wholes.get(source, "")
            elif source in self.days:
                yield from (self.days[source].get(reaching, "") for reaching in reaching(model.reach, day))
            elif source in self.masters:
                yield _valid_on(self.masters[source], day)
            else:
                yield self.wholes.get(source, "")


def raw_versions(catalog: Catalog, files: pa.Table) -> RawVersions:
    """From the rows of the ledger, at least those with `in_raw`."""
    by_day: dict[str, dict[date, list[str]]] = defaultdict(lambda: defaultdict(list))
    masters: dict[str, list[tuple[date, datetime, str, str, str]]] = defaultdict(list)
    wholes: dict[str, list[str]] = defaultdict(list)
    columns = ("source", "path", "sha256", "file_id", "state", "business_date", "modified_at", "in_raw")
    kinds = {source.name: source.files.delivery for source in catalog}
    for row in files.select(columns).to_pylist():
        kind = kinds.get(row["source"])
        if kind is None or not row["in_raw"]:
            continue
        wholes[row["source"]].append(f"{row['file_id']} {row['state']}")
        if kind is Delivery.DAILY:
            by_day[row["source"]][row["business_date"]].append(row["file_id"])
        elif kind is Delivery.SNAPSHOT:
            since = row["business_date"] or row["modified_at"].astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date()
            masters[row["source"]].append((since, row["modified_at"], row["path"], row["sha256"], row["file_id"]))
    return RawVersions(
        days={
            source.name: {day: _hash(sorted(ids)) for day, ids in by_day[source.name].items()}
            for source in catalog
            if source.files.delivery is Delivery.DAILY
        },
        masters={
            name: tuple((since, content, file_id) for since, _, _, content, file_id in sorted(versions))
            for name, versions in masters.items()
        },
        wholes={name: _hash(sorted(entries)) for name, entries in wholes.items()},
    )


def _valid_on(versions: tuple[tuple[date, str, str], ...], day: date) -> str:
    """The content valid on that day; before the first one is, the first one."""
    valid = [content for since, content, _ in versions if since <= day]
    return valid[-1] if valid else versions[0][1]


def reaching(reach: Reach, day: date) -> Iterator[date]:
    """The raw days that reach `day`; with every reach there is today, they are also the days that `day` reaches."""
    if reach is Reach.SAME_DAY:
        yield day
        return
    current = day.replace(day=1)
    while current.month == day.month:
        yield current
        current += timedelta(days=1)


def _hash(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part}\0".encode())
    return digest.hexdigest()[:16]
