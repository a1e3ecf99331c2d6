"""What `raw` holds and what the raw storage holds beyond it, in numbers: for whoever shows it or waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from vending_platform.ingestion.context import IngestionContext
from vending_platform.ingestion.discovery import discover
from vending_platform.ingestion.ledger import (
    FILES,
    REJECTED_ROWS,
    UNDECLARED,
    UNDECLARED_SCHEMA,
    State,
    read_ledger,
    within,
)
from vending_platform.ingestion.planning import Selection, plan
from vending_platform.storage import StoredFile
from vending_platform.warehouse import Reader, values_of

_SHOWN = 10
_TOLD = pa.schema([UNDECLARED_SCHEMA.field(name) for name in ("path", "size", "modified_at")])


@dataclass(frozen=True)
class Held:
    """The current files of one source and business day; without a day, of the whole source."""

    loaded: int
    quarantined: int
    rows_accepted: int
    rows_rejected: int
    bytes: int


@dataclass(frozen=True)
class Overview:
    days: dict[str, dict[date | None, Held]]
    """Per source and business day."""
    rejects: dict[str, list[dict[str, Any]]]
    """Per source its first rejected rows, those of the latest days first."""

    def rows_per_day(self, source: str) -> dict[date, int]:
        held = self.days.get(source, {})
        return {day: held[day].rows_accepted for day in sorted(day for day in held if day is not None)}


@dataclass(frozen=True)
class Pending:
    """Files that are new or changed as far as the store can tell: per source, how many of each business day; of what is
    not delivered by day, how many in all."""

    files: dict[str, dict[date | None, int]]
    unchanged: int


def overview(reader: Reader) -> Overview:
    if not reader.has_table(FILES):
        return Overview({}, {})
    days: dict[str, dict[date | None, Held]] = {}
    for row in reader.query(
        "select source, business_date,"
        " sum(case when in_raw then 1 else 0 end) as loaded,"
        f" sum(case when state = '{State.QUARANTINED}' then 1 else 0 end) as quarantined,"
        " sum(case when in_raw then rows_accepted else 0 end) as rows_accepted,"
        " sum(case when in_raw then rows_rejected else 0 end) as rows_rejected,"
        " sum(size) as bytes"
        f" from {FILES} where state <> '{State.SUPERSEDED}' and not dismissed group by source, business_date"
    ).to_pylist():
        source, day = row.pop("source"), row.pop("business_date")
        days.setdefault(source, {})[day] = Held(**{name: int(value) for name, value in row.items()})
    rejects: dict[str, list[dict[str, Any]]] = {}
    for row in reader.query(
        "select source, path, line, column_name, reason from ("
        " select *, row_number() over (partition by source order by business_date desc, path, line) as place"
        f" from {REJECTED_ROWS} where file_id in"
        f" (select file_id from {FILES} where in_raw and state <> '{State.SUPERSEDED}')"
        f") as numbered where place <= {_SHOWN} order by source, place"
    ).to_pylist():
        rejects.setdefault(row.pop("source"), []).append(row)
    return Overview(days, rejects)


def pending(context: IngestionContext, now: datetime | None = None) -> Pending:
    """What a run would read now. Asked of the ledger every time, so nothing that was seen once can be forgotten."""
    now = now or datetime.now(UTC)
    discovery = discover(context.catalog, context.storage.raw.files(), now)
    with context.warehouse.reading() as reader:
        ledger = read_ledger(reader)
    planned = plan(context.catalog, discovery, ledger, Selection(), now)
    files: dict[str, dict[date | None, int]] = {}
    for delivered in planned.read:
        days = files.setdefault(delivered.source.name, {})
        day = delivered.parts.business_date if delivered.source.is_daily else None
        days[day] = days.get(day, 0) + 1
    return Pending(files, planned.unchanged)


def unseen(context: IngestionContext, files: Sequence[StoredFile], now: datetime) -> list[StoredFile]:
    """Those of these files, neighbours in the order of their paths, that no run has looked at as they are now."""
    if not files:
        return []
    discovery = discover(context.catalog, files, now)
    stretch = files[0].path, files[-1].path
    with context.warehouse.reading() as reader:
        ledger = read_ledger(reader, stretch)
        told = set()
        if reader.has_table(UNDECLARED):
            rows = reader.query(f"select path, size, modified_at from {UNDECLARED} where {within(*stretch)}")
            told = set(zip(*map(values_of, rows.cast(_TOLD).columns), strict=True))
    return [
        *(delivered.file for delivered in ledger.changed(discovery.delivered)),
        *(u.file for u in discovery.undeclared if (u.path, u.file.size, u.file.modified_at) not in told),
    ]
