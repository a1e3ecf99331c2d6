"""What must wait for a person: days of which too much is in quarantine, and masters of which nothing can be used.

Decided from the ledger every time that something is to be built, so it holds however and whenever a build is started.
What was built before stays as it is. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from vending_platform.catalog import Catalog, DeliveryMode, Model, Source, months
from vending_platform.transformation.deliveries import DeliveredFiles


@dataclass(frozen=True, order=True)
class BlockedDay:
    """Nothing is built on this source's business day; without a day, on nothing of this source."""

    source: str
    business_date: date | None
    reason: str


def blocks(catalog: Catalog, deliveries: DeliveredFiles) -> list[BlockedDay]:
    """Of the files those count that are loaded, in quarantine, or kept as history."""
    usable: dict[str, dict[date | None, int]] = defaultdict(lambda: defaultdict(int))
    broken: dict[str, dict[date | None, int]] = defaultdict(lambda: defaultdict(int))
    dated = {source.name for source in catalog if source.is_dated}
    for files in deliveries.files:
        counts = usable if files.in_raw else broken if files.state == "quarantined" else None
        if counts is not None:
            day = files.business_date if files.source in dated else None
            counts[files.source][day] += files.count
    delivered = set(usable)
    for rows in deliveries.rows:
        (usable if rows.in_raw else broken)[rows.source][rows.business_date] += rows.count
    found = []
    for source in catalog:
        if source.files.required and delivered and source.name not in delivered:
            found.append(BlockedDay(source.name, None, "there is no usable delivery of it, and everything needs it"))
        elif source.files.delivery is DeliveryMode.SNAPSHOT and source.name in delivered:
            continue  # what can't be used changes nothing, and what was delivered before it stays valid
        else:
            found += _above(source, usable[source.name], broken[source.name])
    return sorted(found, key=lambda block: (block.source, str(block.business_date)))


def _above(
    source: Source, usable: Mapping[date | None, int], broken: Mapping[date | None, int]
) -> Iterator[BlockedDay]:
    """The days of which a larger share is in quarantine than the contract allows; of files without a day, all. Of a day
    that rows have, the files count that have rows of it, or had before a correction that can't be used."""
    for day, count in broken.items():
        total = count + usable.get(day, 0)
        if count / total > source.files.block_above:
            reason = f"{count} of {total} files are in quarantine, more than {source.files.block_above:.0%}"
            yield BlockedDay(source.name, day, reason)


def blocked_days(models: Iterable[Model], blocked: Iterable[BlockedDay]) -> Mapping[str, frozenset[date | None]]:
    """Per model, the days that must not be built; None stands for all of it."""
    days: dict[str, set[date | None]] = defaultdict(set)
    for model in models:
        for block in blocked:
            if block.source not in model.sources or model.is_view:
                continue
            if block.business_date is None:
                days[model.name].add(None)
            elif model.is_dated:
                # A month's figures would lack the day. What looks back at it from other days does not stand still.
                first = last = block.business_date
                if any(way.has_months for way in model.ways_to(block.source)):
                    first, last = months(first, last)
                days[model.name].update(first + timedelta(days=number) for number in range((last - first).days + 1))
    return {name: frozenset(found) for name, found in days.items()}
