"""What has to be done: the listing compared with the ledger. Pure; nothing here touches a file or a table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from vending_platform.catalog import Catalog, Grain, Source
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.ingestion.discovery import Discovery
from vending_platform.ingestion.reading import SMALL
from vending_platform.ledger import Delivered, FileState, FileVersion, FileVersions


@dataclass(frozen=True)
class Selection:
    """Which deliveries are meant. Files without a business day (masters) always are, unless `paths` names every one."""

    first_day: date | None = None
    last_day: date | None = None
    sources: frozenset[str] | None = None
    paths: frozenset[str] | None = None
    """Only these files: no others are listed, and what else is there, or gone, stays unknown."""

    def takes(self, source: Source, day: date | None, path: str) -> bool:
        """A month is meant where any of its days is."""
        if self.sources is not None and source.name not in self.sources:
            return False
        if self.paths is not None and path not in self.paths:
            return False
        if day is None:
            return True
        last = (source.grain or Grain.DAY).end(day) if source.is_dated else day
        return (self.first_day is None or last >= self.first_day) and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True)
class LoadPlan:
    read: tuple[Delivered, ...]
    """New or changed, as far as the store shows."""
    unchanged: int
    gone: tuple[FileVersion, ...]
    """No longer there since this run; already with their new state."""


def plan(
    catalog: Catalog,
    discovery: Discovery,
    ledger: FileVersions,
    selection: Selection,
    now: datetime,
    *,
    verify: bool = False,
) -> LoadPlan:
    """`verify` reads every file, even if the store shows no change. Files of packages are planned with these."""
    declared = {source.name for source in catalog}
    delivered = [d for d in discovery.delivered if d.source.name in declared]
    chosen = [
        d
        for d in delivered
        if d.source.files.package is None and selection.takes(d.source, d.parts.business_date, d.file.path)
    ]
    read = chosen if verify else ledger.changed(chosen)
    gone = tuple(
        replace(version, state=_state_when_gone(catalog, version, now))
        for version in ledger.current_versions(without=discovery.delivered, among=selection.paths)
        if version.source in declared
        and version.state in (FileState.LOADED, FileState.QUARANTINED)
        and selection.takes(catalog.source(version.source), version.business_date, version.path)
    )
    return LoadPlan(tuple(read), len(chosen) - len(read), gone)


def batches(deliveries: Iterable[Delivered]) -> Iterator[list[Delivered]]:
    """Deliveries of one source at a time, neighbouring days together, and no more at once than fits into memory."""
    batch: list[Delivered] = []
    size = 0
    in_order = sorted(deliveries, key=lambda d: (d.source.name, d.parts.business_date or date.min, d.file.path))
    for delivered in in_order:
        if batch and (batch[0].source is not delivered.source or size + delivered.file.size > SMALL):
            yield batch
            batch, size = [], 0
        batch.append(delivered)
        size += delivered.file.size
    if batch:
        yield batch


def _state_when_gone(catalog: Catalog, version: FileVersion, now: datetime) -> FileState:
    source = catalog.source(version.source)
    keeps = source.files.archive_after
    if keeps is None:
        return FileState.WITHDRAWN
    born = version.modified_at
    if version.business_date is not None:
        last = (source.grain or Grain.DAY).end(version.business_date)
        born = datetime.combine(last, time(), ZoneInfo(BUSINESS_TIME_ZONE))
    return FileState.ARCHIVED if now - born > keeps else FileState.WITHDRAWN
