"""What the fleet's files say: which vends failed, and when someone came to fill a machine."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class FailedVend:
    transaction_id: str
    machine_id: str
    slot_no: str
    amount: int
    happened_at: datetime
    """In Japan."""


@dataclass(frozen=True)
class Visit:
    visit_id: str
    machine_id: str
    staff_id: str
    began_at: datetime
    """In Japan."""


@dataclass(frozen=True)
class Fleet:
    machines: tuple[str, ...]
    failed_vends: tuple[FailedVend, ...]
    visits: tuple[Visit, ...]


def fleet_of(folder: Path) -> Fleet:
    sales = list(_rows(folder, "sales_*.csv"))
    failed = [
        FailedVend(
            row["transaction_id"],
            row["machine_id"],
            row["slot_no"],
            int(row["unit_price"]) * int(row["quantity"]),
            datetime.fromisoformat(row["sold_at"]),
        )
        for row in sales
        if row["status"] == "failed"
    ]
    visits: dict[str, Visit] = {}
    for row in _rows(folder, "replenishment_records_*.csv"):
        began = datetime.fromisoformat(row["replenished_at"])
        known = visits.get(row["visit_id"])
        if known is None or began < known.began_at:
            visits[row["visit_id"]] = Visit(row["visit_id"], row["machine_id"], row["staff_id"], began)
    return Fleet(tuple(sorted({row["machine_id"] for row in sales})), tuple(failed), tuple(visits.values()))


def _rows(folder: Path, pattern: str) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob(pattern)):
        content = path.read_bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp932")  # of older machines
        yield from csv.DictReader(text.splitlines())
