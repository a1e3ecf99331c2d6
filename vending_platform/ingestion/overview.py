"""What `raw` holds and what the raw storage holds beyond it, in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from vending_platform.ingestion.context import IngestionContext
from vending_platform.ingestion.discovery import discover
from vending_platform.ingestion.packages.arriving import pending_packages, unseen_in_packages
from vending_platform.ingestion.planning import Selection, plan
from vending_platform.ledger import (
    FileCounts,
    RejectedRow,
    count_days,
    first_rejected_rows,
    has_files,
    read_file_versions,
    undeclared_between,
)
from vending_platform.storage import StoredFile
from vending_platform.warehouse import Reader

_SHOWN = 10


@dataclass(frozen=True)
class Overview:
    days: dict[str, dict[date | None, FileCounts]]
    """Per source and business day."""
    rejects: dict[str, list[RejectedRow]]
    """Per source its first rejected rows, those of the latest days first."""

    def rows_per_day(self, source: str) -> dict[date, int]:
        held = self.days.get(source, {})
        return {day: held[day].rows_accepted for day in sorted(day for day in held if day is not None)}


@dataclass(frozen=True)
class Pending:
    """Files that are new or changed as far as the store shows: per source, how many of each business day; of what is
    not delivered by day, how many in all."""

    files: dict[str, dict[date | None, int]]
    unchanged: int


def overview(reader: Reader) -> Overview:
    if not has_files(reader):
        return Overview({}, {})
    rejects: dict[str, list[RejectedRow]] = {}
    for row in first_rejected_rows(reader, _SHOWN):
        rejects.setdefault(row.source, []).append(row)
    return Overview(count_days(reader), rejects)


def pending(context: IngestionContext, now: datetime | None = None) -> Pending:
    """What a run would read now. Compared with the ledger every time, so nothing can be forgotten."""
    now = now or datetime.now(UTC)
    discovery = discover(context.catalog, context.storage.raw.files(), now)
    with context.warehouse.reading() as reader:
        ledger = read_file_versions(reader)
        packages = list(pending_packages(reader, context.catalog, discovery, ledger))
    planned = plan(context.catalog, discovery, ledger, Selection(), now)
    files: dict[str, dict[date | None, int]] = {}
    for delivered in planned.read:
        days = files.setdefault(delivered.source.name, {})
        day = delivered.parts.business_date if delivered.source.is_dated else None
        days[day] = days.get(day, 0) + 1
    for package in packages:
        for delivered in package.files:
            of_days = files.setdefault(delivered.source.name, {})
            of_days[package.day] = of_days.get(package.day, 0) + 1
    return Pending(files, planned.unchanged)


def unseen(context: IngestionContext, files: Sequence[StoredFile], now: datetime) -> list[StoredFile]:
    """Those of these files, neighbours in the order of their paths, that no run has read as they are now."""
    if not files:
        return []
    discovery = discover(context.catalog, files, now)
    stretch = files[0].path, files[-1].path
    with context.warehouse.reading() as reader:
        ledger = read_file_versions(reader, stretch)
        known = undeclared_between(reader, *stretch)
        of_packages = list(unseen_in_packages(reader, context.catalog, discovery))
    return [
        *(d.file for d in ledger.changed([d for d in discovery.delivered if d.source.files.package is None])),
        *of_packages,
        *(u.file for u in discovery.undeclared if (u.path, u.file.size, u.file.modified_at) not in known),
    ]
