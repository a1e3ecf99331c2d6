"""What there is, from the deliveries to the exports, and how far to trust it; also while another process writes."""

import json
from dataclasses import asdict, dataclass
from datetime import date

from vending_platform import exporting, ingestion, quality, transformation
from vending_platform.exporting import Damage, Part
from vending_platform.ingestion import DeliveryStatus
from vending_platform.opening import Platform
from vending_platform.quality import Quality
from vending_platform.recording import QUALITY, lineage
from vending_platform.transformation import BlockedDay, Work
from vending_platform.warehouse import WarehouseBusy


@dataclass(frozen=True)
class PlatformStatus:
    """What there is, from the deliveries to the exports."""

    deliveries: DeliveryStatus
    is_being_written: bool
    """Another process is writing: then `deliveries` is as of the last commit, and what is stale is not known."""
    stale: dict[date, frozenset[str]] | None
    """Per business day the models whose rows are older than the raw rows they rest on."""
    code_changes: tuple[Work, ...]
    """What older code has built."""
    blocked: list[BlockedDay]
    exports: list[tuple[str, Part]]
    exports_place: str
    damaged: list[Damage]
    """Exported files that are not as they were written."""

    @property
    def needs_a_person(self) -> bool:
        return self.deliveries.needs_a_person or bool(self.blocked or self.damaged)

    def as_json(self) -> str:
        values = asdict(self.deliveries) | {
            "is_being_written": self.is_being_written,
            "stale_days": None if self.stale is None else [day.isoformat() for day in self.stale],
            "code_changes": [
                {
                    "changed": list(work.because),
                    "models": list(work.models),
                    "days": [day.isoformat() for day in work.days],
                    "rows": work.rows,
                }
                for work in self.code_changes
            ],
            "blocked": [
                {
                    "source": block.source,
                    "business_day": block.business_date.isoformat() if block.business_date else None,
                    "reason": block.reason,
                }
                for block in self.blocked
            ],
            "exports": [
                {
                    "name": name,
                    "day": part.day,
                    "split": part.split,
                    "rows": part.rows,
                    "path": f"{self.exports_place}/{part.path}",
                }
                for name, part in self.exports
            ],
            "damaged_exports": [asdict(damage) for damage in self.damaged],
        }
        return json.dumps(values, ensure_ascii=False, indent=1)


def read_status(platform: Platform, *, verify: bool = False) -> PlatformStatus:
    """With `verify` every exported file is read and hashed."""
    deliveries, is_being_written = ingestion.status(platform.context.warehouse, platform.catalog)
    stale, changes, blocked = None, tuple[Work, ...](), []
    if not is_being_written:
        try:
            with platform.context.warehouse.reading() as reader:
                stale = transformation.stale(reader, platform.catalog)
                changes = transformation.code_changes(reader, platform.catalog)
                blocked = transformation.blocked(reader, platform.catalog)
        except WarehouseBusy:
            is_being_written = True
    verified = list(exporting.verified(platform.catalog, platform.context.storage.processed, hashing=verify))
    exports = [(export.export, part) for export in verified for part in export.parts]
    damaged = [damage for export in verified for damage in export.damaged]
    place = platform.environment.places.processed
    return PlatformStatus(deliveries, is_being_written, stale, changes, blocked, exports, place, damaged)


def needs_a_person(platform: Platform) -> bool:
    """As `read_status` would have it, at the cost of this question alone."""
    deliveries, is_being_written = ingestion.status(platform.context.warehouse, platform.catalog)
    if deliveries.needs_a_person or is_being_written:
        return deliveries.needs_a_person
    try:
        with platform.context.warehouse.reading() as reader:
            return bool(transformation.blocked(reader, platform.catalog))
    except WarehouseBusy:
        return False


def read_quality(platform: Platform, day: date | None = None) -> tuple[Quality | None, bool]:
    """How far the data can be trusted, and whether another process is writing: then it is as the last run left it."""
    try:
        with platform.context.warehouse.reading() as reader:
            return quality.read_quality(reader, lineage(platform.catalog), platform.catalog.sender_columns, day), False
    except WarehouseBusy:
        last = platform.context.warehouse.last_status(QUALITY)
        return quality.from_json(last), True
