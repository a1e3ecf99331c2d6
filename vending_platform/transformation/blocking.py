"""What must wait for a person: days of which too much is in quarantine, and masters of which nothing can be used.

Decided from the ledger every time that something is to be built, so it holds whoever starts the build, and whenever.
What was built before stays as it is. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from vending_platform.catalog import Catalog, Delivery, Model, months
from vending_platform.transformation.deliveries import Deliveries


@dataclass(frozen=True, order=True)
class Block:
    """Nothing is built on this source's business day; without a day, on nothing of this source."""

    source: str
    business_date: date | None
    reason: str


def blocks(catalog: Catalog, deliveries: Deliveries) -> list[Block]:
    """Of the files those count that are loaded, in quarantine, or kept as history."""
    usable: dict[tuple[str, date | None], int] = defaultdict(int)
    broken: dict[tuple[str, date | None], int] = defaultdict(int)
    for files in deliveries.files:
        counts = usable if files.in_raw else broken if files.state == "quarantined" else None
        if counts is not None:
            counts[files.source, files.business_date] += files.count
    delivered = {source for source, _ in usable}
    found = []
    for source in catalog:
        if source.files.required and delivered and source.name not in delivered:
            found.append(Block(source.name, None, "there is no usable delivery of it, and everything needs it"))
        if source.files.delivery is not Delivery.DAILY:
            continue
        for (name, day), count in broken.items():
            share = count / (count + usable[name, day])
            if name == source.name and share > source.files.block_above:
                total = count + usable[name, day]
                reason = f"{count} of {total} files are in quarantine, more than {source.files.block_above:.0%}"
                found.append(Block(name, day, reason))
    return sorted(found, key=lambda block: (block.source, str(block.business_date)))


def blocked_days(models: Iterable[Model], blocked: Iterable[Block]) -> Mapping[str, frozenset[date | None]]:
    """Per model, the days that must not be built; None stands for all of it."""
    days: dict[str, set[date | None]] = defaultdict(set)
    for model in models:
        for block in blocked:
            if block.source not in model.sources or model.is_view:
                continue
            if block.business_date is None:
                days[model.name].add(None)
            elif model.is_daily:
                # A month's figures would lack the day. What looks back at it from other days does not stand still.
                first = last = block.business_date
                if any(way.has_months for way in model.ways_to(block.source)):
                    first, last = months(first, last)
                days[model.name].update(first + timedelta(days=number) for number in range((last - first).days + 1))
    return {name: frozenset(found) for name, found in days.items()}
