"""Deliveries as bytes: what a machine, and the master data office, would send.

Plain files are UTF-8 without a byte order mark, LF, header first, a final newline, quotes only where needed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fleet_simulator.assortment import CATEGORIES, PAYMENT_METHODS, Assortment
from fleet_simulator.demand import COMPLETED, STATUSES
from fleet_simulator.fleet import DAY_SECONDS, Fleet
from fleet_simulator.simulation import REMOVAL_REASONS, History

SALES = "sales"
REPLENISHMENT = "replenishment_records"
MASTERS = ("vending_machines", "products", "product_categories", "staff", "payment_methods")
COLUMNS = {
    SALES: (
        "transaction_id", "machine_id", "slot_no", "product_id", "sold_at",
        "quantity", "unit_price", "payment_method_id", "status",
    ),
    REPLENISHMENT: (
        "record_id", "visit_id", "machine_id", "staff_id", "replenished_at", "slot_no", "product_id",
        "quantity_before", "quantity_added", "quantity_removed", "removal_reason", "cash_collected",
        "sales_meter",
    ),
    "vending_machines": (
        "machine_id", "machine_name", "location_name", "location_type", "prefecture", "latitude", "longitude",
        "route_id", "installed_on", "removed_on", "status", "commission_rate",
    ),
    "products": (
        "product_id", "jan_code", "product_name", "category_id", "unit_cost", "list_price", "temperature",
        "shelf_life_days", "sold_from", "sold_to",
    ),
    "product_categories": ("category_id", "category_name", "parent_id"),
    "staff": ("staff_id", "staff_name", "branch", "route_id"),
    "payment_methods": ("payment_method_id", "payment_method_name", "payment_type", "fee_rate"),
}  # fmt: skip
VENDS_COLUMNS = (*COLUMNS[SALES], "dispensed")

Block = NDArray[np.uint8]


@dataclass(frozen=True)
class Delivery:
    """One file as it should have come; units and yen are those of its completed vends."""

    name: str
    source: str
    machine_id: str
    business_day: date | None
    content: bytes
    rows: int
    units: int = 0
    yen: int = 0


@dataclass(frozen=True)
class MachineFiles:
    """Every delivery of one machine by day, and its vends as the truth writes them (without a header)."""

    deliveries: tuple[Delivery, ...]
    vends: bytes


def master_files(fleet: Fleet, assortment: Assortment) -> Iterator[Delivery]:
    """The five master files, each the whole list."""
    yield _master(
        "vending_machines",
        (
            (
                machine.machine_id, machine.name, machine.location_name, machine.location_type,
                machine.prefecture.name, f"{machine.latitude:.6f}", f"{machine.longitude:.6f}",
                machine.route_id, machine.installed_on, machine.removed_on, machine.status,
                machine.commission_rate,
            )
            for machine in fleet.machines
        ),
    )  # fmt: skip
    yield _master(
        "products",
        (
            (
                product.product_id, product.jan_code, product.name, product.category_id, product.unit_cost,
                product.list_price, product.temperature, product.shelf_life_days, product.sold_from,
                product.sold_to,
            )
            for product in assortment.products
        ),
    )  # fmt: skip
    yield _master("product_categories", ((row.category_id, row.name, row.parent_id) for row in CATEGORIES))
    yield _master("staff", ((row.staff_id, row.name, row.branch, row.route_id) for row in fleet.staff))
    yield _master(
        "payment_methods",
        ((row.payment_method_id, row.name, row.payment_type, row.fee_rate) for row in PAYMENT_METHODS),
    )


def machine_files(history: History, assortment: Assortment, first_day: date, days: int) -> MachineFiles:
    """A sales file for every day on which the machine stands, a replenishment file for days with a visit."""
    sales, vends = _sales(history, assortment, first_day, days)
    deliveries = sorted([*sales, *_replenishment(history, assortment, first_day, days)], key=_by_day_and_name)
    return MachineFiles(tuple(deliveries), vends)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A plain CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _master(source: str, rows: Iterable[Sequence[object]]) -> Delivery:
    listed = list(rows)
    return Delivery(f"{source}.csv", source, "", None, csv_bytes(COLUMNS[source], listed), len(listed))


def _by_day_and_name(delivery: Delivery) -> tuple[date | None, str]:
    return delivery.business_day, delivery.name


def _sales(history: History, assortment: Assortment, first_day: date, days: int) -> tuple[list[Delivery], bytes]:
    machine, vends = history.machine, history.vends
    day = vends.moment // DAY_SECONDS
    bounds = np.searchsorted(day, np.arange(days + 1), side="left")
    sequence = np.arange(day.size) - bounds[day]
    stamps = [first_day + timedelta(days=offset) for offset in range(days)]
    completed = vends.status == COMPLETED
    row = [
        _block([f"{machine.machine_id}-{stamp:%Y%m%d}-" for stamp in stamps])[day],
        _block([f"{number:05d}," for number in range(1, int(sequence.max(initial=0)) + 2)])[sequence],
        _block([f"{machine.machine_id},{slot.slot_no}," for slot in machine.slots])[vends.slot],
        _block([f"{product.product_id}," for product in assortment.products])[vends.product],
        _block([f"{stamp:%Y-%m-%d} " for stamp in stamps])[day],
        _times()[vends.moment % DAY_SECONDS],
        _numbers(vends.quantity),
        _numbers(vends.price),
        _block([f"{method.payment_method_id}," for method in PAYMENT_METHODS])[vends.payment],
    ]
    content, offsets = _join([*row, _block([f"{status}\n" for status in STATUSES])[vends.status]])
    dispensed = [f"{status},{int(code == COMPLETED)}\n" for code, status in enumerate(STATUSES)]
    truth, _ = _join([*row, _block(dispensed)[vends.status]])

    units = np.bincount(day, weights=np.where(completed, vends.quantity, 0), minlength=days)
    yen = np.bincount(day, weights=np.where(completed, vends.quantity * vends.price, 0), minlength=days)
    header = _header(SALES)
    deliveries = [
        Delivery(
            name=f"sales_{machine.machine_id}_{stamps[offset]:%Y%m%d}.csv",
            source=SALES,
            machine_id=machine.machine_id,
            business_day=stamps[offset],
            content=header + content[offsets[bounds[offset]] : offsets[bounds[offset + 1]]],
            rows=int(bounds[offset + 1] - bounds[offset]),
            units=int(units[offset]),
            yen=int(yen[offset]),
        )
        for offset in range(machine.first, machine.last + 1)
    ]
    return deliveries, truth


def _replenishment(history: History, assortment: Assortment, first_day: date, days: int) -> list[Delivery]:
    machine, refills = history.machine, history.refills
    if not refills.visit.size:
        return []
    day = refills.moment // DAY_SECONDS
    stamps = [first_day + timedelta(days=offset) for offset in range(days)]
    is_first = np.diff(refills.visit, prepend=-1) != 0
    cash_and_meter = [f"{cash},{meter}\n" for cash, meter in zip(history.cash, history.meter, strict=True)]
    record_ids = [visit.visit_id.replace("V-", "R-", 1) for visit in machine.visits]
    content, offsets = _join(
        [
            _block([f"{record_id}-" for record_id in record_ids])[refills.visit],
            _block([f"{slot.slot_no}," for slot in machine.slots])[refills.slot],
            _block([f"{visit.visit_id},{machine.machine_id},{visit.staff_id}," for visit in machine.visits])[
                refills.visit
            ],
            _block([f"{stamp:%Y-%m-%d} " for stamp in stamps])[day],
            _times()[refills.moment % DAY_SECONDS],
            _block([f"{slot.slot_no}," for slot in machine.slots])[refills.slot],
            _block([f"{product.product_id}," for product in assortment.products])[refills.product],
            _numbers(refills.before),
            _numbers(refills.added),
            _numbers(refills.removed),
            _block([f"{reason}," for reason in REMOVAL_REASONS])[refills.reason],
            _block([*cash_and_meter, ",\n"])[np.where(is_first, refills.visit, len(cash_and_meter))],
        ]
    )
    header = _header(REPLENISHMENT)
    bounds = np.searchsorted(day, np.arange(days + 1), side="left")
    return [
        Delivery(
            name=f"{REPLENISHMENT}_{machine.machine_id}_{stamps[offset]:%Y%m%d}.csv",
            source=REPLENISHMENT,
            machine_id=machine.machine_id,
            business_day=stamps[offset],
            content=header + content[offsets[bounds[offset]] : offsets[bounds[offset + 1]]],
            rows=int(bounds[offset + 1] - bounds[offset]),
        )
        for offset in np.unique(day).tolist()
    ]


def _header(source: str) -> bytes:
    return (",".join(COLUMNS[source]) + "\n").encode("ascii")


def _block(texts: Sequence[str]) -> Block:
    """ASCII texts as rows of bytes, filled up with NUL to the longest."""
    packed = np.array([text.encode("ascii") for text in texts], dtype=np.bytes_)
    return packed.view(np.uint8).reshape(len(texts), packed.itemsize)


def _numbers(values: NDArray[np.int64]) -> Block:
    """Every value followed by a comma; only as many texts are made as there are distinct values."""
    distinct, position = np.unique(values, return_inverse=True)
    return _block([f"{value}," for value in distinct.tolist()] or [","])[position]


def _join(columns: Sequence[Block]) -> tuple[bytes, NDArray[np.int64]]:
    """All rows one after the other without the NULs they were filled up with, and where each begins."""
    rows = np.hstack(columns)
    kept = rows != 0
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return rows[kept].tobytes(), offsets


@cache
def _times() -> Block:
    """The text of every second of a day."""
    return _block([f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}," for second in range(DAY_SECONDS)])
