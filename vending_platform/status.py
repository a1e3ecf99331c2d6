"""What there is, from the deliveries to the exports, and how far to trust it; also while another process writes."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date

from vending_platform import exporting, ingestion, quality, transformation
from vending_platform.exporting import Damage, Part
from vending_platform.ingestion import DeliveryStatus, overdue, refused, titled
from vending_platform.ledger import REJECTED_ROWS_TABLE
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


@dataclass(frozen=True)
class OpenPoint:
    """Something that needs a person, and what to do about it, if that is not plain."""

    what: str
    items: list[str]
    todo: str | None


def open_points(now: PlatformStatus) -> list[OpenPoint]:
    """All that needs a person, the most urgent first."""
    status = now.deliveries
    rejecting = {source: counts["rejected"] for source, counts in status.rows.items() if counts["rejected"]}
    points = [
        OpenPoint(
            "No current delivery of a master that everything needs",
            status.required_but_absent,
            "Have it delivered; until then what is built on it can't be trusted",
        ),
        blocked_point(now.blocked),
        OpenPoint(
            "Exported files that are not as they were written",
            [f"{now.exports_place}/{it.path}: {it.reason}" for it in now.damaged if not it.only_by_hash],
            "The next run writes them again: vending run",
        ),
        OpenPoint(
            "Exported files that were changed, which only --verify finds, as size and time are the same",
            [f"{now.exports_place}/{it.path}" for it in now.damaged if it.only_by_hash],
            "Remove them, and the next run writes them again: vending run",
        ),
        OpenPoint(
            "Could not be read",
            [f"{row['path']}: {row['reason']}" for row in status.unreadable],
            "Make it readable; every run tries again",
        ),
        OpenPoint(
            "Missing: due, but nothing came",
            list(_missing_by_sender(status)),
            "Ask the sender; a late file is loaded whenever it comes",
        ),
        OpenPoint(
            "Packages that are refused; what was loaded of them before stays",
            [f"{titled(one)}: {one['reason']}" for one in refused(status.packages)],
            "See all that is wrong: vending check FOLDER. Have a right one delivered, with a higher revision",
        ),
        OpenPoint(
            "Packages that should be complete by now",
            [f"{titled(one)}: {one['reason']}, due {one['due_at']}" for one in overdue(status.packages)],
            "Ask the sender; what has come waits for the rest",
        ),
        OpenPoint(
            "In quarantine",
            [f"{row['path']}: {row['reason']}" for row in status.quarantined],
            "Have it delivered again under the same name; or fix its contract and run: vending replay",
        ),
        OpenPoint(
            "Rejected rows",
            [f"{source}: {rows:,} row{'' if rows == 1 else 's'}" for source, rows in rejecting.items()],
            f"Each with file, line and reason in {REJECTED_ROWS_TABLE}; or: vending check FILE",
        ),
        OpenPoint("Not as the contract says", [f"{row['path']}: {row['drift']}" for row in status.drifted], None),
        OpenPoint(
            "Gone, the rows still there",
            status.withdrawn,
            "If they are meant to be gone: vending ingest --withdraw",
        ),
        OpenPoint(
            "Delivered by a sender that the master does not know",
            [f"{name} {sender}" for name, senders in status.unknown_senders.items() for sender in senders],
            "Is the master late?",
        ),
        OpenPoint(
            "Read under a contract that has changed since",
            status.read_under_another_contract,
            "Read them again: vending replay",
        ),
        OpenPoint(
            "Rows are there, but no contract any more",
            status.without_a_contract,
            "Give the contract its name back, or drop the table once it is no longer needed",
        ),
        OpenPoint("Of no declared kind", [f"{row['path']}: {row['reason']}" for row in status.undeclared], None),
    ]
    return [point for point in points if point.items]


def blocked_point(blocked: Iterable[BlockedDay]) -> OpenPoint:
    return OpenPoint(
        "Not built, because what was delivered can't be trusted; the marts and exports stay as they were",
        [
            f"{block.source}{f' of {block.business_date}' if block.business_date else ''}: {block.reason}"
            for block in blocked
        ],
        "Have it delivered again, or fix the contract and run: vending replay",
    )


def _missing_by_sender(status: DeliveryStatus) -> Iterator[str]:
    """A sender that is silent for a month is one line, not thirty."""
    days = Counter((row["source"], row["sender"]) for row in status.missing)
    for (source, sender), days_missing in days.items():
        dates = [r["business_day"] for r in status.missing if (r["source"], r["sender"]) == (source, sender)]
        shown = ", ".join(dates[:3]) + (f" … {dates[-1]} ({days_missing} days)" if days_missing > 3 else "")
        yield f"{source} of {status.sender_names.get(source, 'sender')} {sender}: {shown}"
