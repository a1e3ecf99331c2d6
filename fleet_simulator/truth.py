"""What really happened and what was delivered of it, as files beside the deliveries.

| file | one row is |
|---|---|
| `vends.csv` | a transaction that happened, with whether anything came out |
| `visits.csv` | a visit, with the cash that was found in the box |
| `stockouts.csv` | a slot from the vend that emptied it to the next visit, with the units no one could buy |
| `slots.csv` | a slot of a machine, with its units at the beginning and at the end |
| `incidents.csv` | with incidents: a theft, a miscount, a dead time or a wrong price, see `incidents.py` |
| `deliveries.csv` | a file in `sources/`, with what the platform should make of it |
| `bad_rows.csv` | a row in one of those files that the platform should reject |
| `missing.csv` | a machine and a business day whose sales file is not there |
| `waves.json` | in order, what each wave of deliveries puts and deletes |
| `contents/<sha256>` | a content that a wave puts and a later one replaces or deletes |
| `truth.json` | arguments, counts, totals, price changes, the machines' lifecycle, planted cash differences |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from fleet_simulator.assortment import Assortment
from fleet_simulator.demand import COMPLETED, STATUSES
from fleet_simulator.files import SALES, VENDS_COLUMNS, csv_bytes
from fleet_simulator.fleet import DAY_SECONDS
from fleet_simulator.shipping import Shipment
from fleet_simulator.simulation import History

_DELIVERIES_COLUMNS = (
    "name", "source", "machine_id", "business_day", "untidiness", "outcome",
    "rows_delivered", "rows_good", "rows_bad", "units_good", "yen_good",
)  # fmt: skip


class TruthWriter:
    """Takes note of every history and every shipment; `finish` writes it down.

    Vends are written as they come, into a file that the `with` block holds open, so that a big fleet needs
    hardly more memory than a small one. `kept` are the contents that `sources/` does not hold in the end.
    """

    def __init__(self, folder: Path, first_day: date, days: int, assortment: Assortment) -> None:
        self._folder = folder
        self._first_day = first_day
        self._midnight = datetime.combine(first_day, time())
        self._days = days
        self._assortment = assortment
        self._by_day = np.zeros((days, len(STATUSES), 2), dtype=np.int64)
        self._machines: list[dict[str, Any]] = []
        self._visits: list[tuple[object, ...]] = []
        self._stockouts: list[tuple[object, ...]] = []
        self._slots: list[tuple[object, ...]] = []
        self._deliveries: list[tuple[object, ...]] = []
        self._bad_rows: list[tuple[object, ...]] = []
        self._missing: list[tuple[object, ...]] = []
        self._incidents: list[tuple[object, ...]] = []
        self._puts: dict[int, list[tuple[str, str]]] = {1: []}
        self._deletes: dict[int, list[str]] = {}
        self._open_files = ExitStack()
        self.kept: set[str] = set()

    def __enter__(self) -> TruthWriter:
        (self._folder / "contents").mkdir(parents=True, exist_ok=True)
        self._vends = self._open_files.enter_context((self._folder / "vends.csv").open("wb"))
        self._vends.write(csv_bytes(VENDS_COLUMNS, []))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_files.close()

    def happened(self, history: History, vends: bytes) -> None:
        """Take note of a machine's history; `vends` are its transactions as rows of `vends.csv`."""
        self._vends.write(vends)
        machine = history.machine
        totals = self._totals(history)
        self._by_day += totals
        self._machines.append(
            {
                "machine_id": machine.machine_id,
                "location_type": machine.location_type,
                "installed_on": machine.installed_on.isoformat(),
                "removed_on": machine.removed_on.isoformat() if machine.removed_on else None,
                "status": machine.status,
                "silent_from": self._day(machine.silent_from) if machine.silent_from is not None else None,
                "opening_meter": machine.opening_meter,
                **_totals_by_status(totals.sum(axis=0)),
                "lost_units": int(history.stockouts.lost_units.sum()),
            }
        )
        self._note_visits(history)
        self._note_slots(history)
        self._note_incidents(history)

    def shipped(self, shipment: Shipment) -> None:
        """Take note of a file and keep the versions of it that `sources/` does not hold in the end."""
        final = shipment.content
        for version in shipment.versions:
            if version.content is None:
                self._deletes.setdefault(version.wave, []).append(shipment.name)
                continue
            sha256 = hashlib.sha256(version.content).hexdigest()
            self._puts.setdefault(version.wave, []).append((shipment.name, sha256))
            if version.content != final:
                (self._folder / "contents" / sha256).write_bytes(version.content)
                self.kept.add(sha256)
        if final is None:
            if shipment.source == SALES:
                self._missing.append((shipment.machine_id, shipment.business_day, shipment.untidiness))
            return
        is_sales = shipment.source == SALES
        self._deliveries.append(
            (
                shipment.name,
                shipment.source,
                shipment.machine_id,
                shipment.business_day,
                shipment.untidiness,
                shipment.outcome,
                shipment.rows_delivered,
                shipment.rows_good,
                len(shipment.bad_rows),
                shipment.units_good if is_sales else None,
                shipment.yen_good if is_sales else None,
            )
        )
        self._bad_rows += [(shipment.name, bad.line, bad.reason) for bad in shipment.bad_rows]

    def finish(
        self,
        arguments: Mapping[str, object],
        counts: Mapping[str, object],
        cash_differences: list[dict[str, Any]],
        with_incidents: bool,
    ) -> None:
        """Write everything that is not written yet; `incidents.csv` only if there could be some."""
        self._write_csv(
            "visits.csv",
            ("visit_id", "machine_id", "staff_id", "started_at", "kind", "slots_touched", "units_added",
             "units_removed", "cash_in_box", "sales_meter"),
            self._visits,
        )  # fmt: skip
        self._write_csv(
            "stockouts.csv",
            ("machine_id", "slot_no", "product_id", "empty_from", "empty_to", "lost_units"),
            self._stockouts,
        )
        self._write_csv(
            "slots.csv",
            ("machine_id", "slot_no", "capacity", "opening_product_id", "opening_units", "closing_units"),
            self._slots,
        )
        if with_incidents:
            self._write_csv(
                "incidents.csv",
                ("kind", "machine_id", "began_at", "ended_at", "visit_id", "product_id", "units", "yen"),
                self._incidents,
            )
        else:
            (self._folder / "incidents.csv").unlink(missing_ok=True)
        self._write_csv("deliveries.csv", _DELIVERIES_COLUMNS, sorted(self._deliveries, key=_first_text))
        self._write_csv("bad_rows.csv", ("name", "line", "reason"), sorted(self._bad_rows, key=_name_and_line))
        self._write_csv("missing.csv", ("machine_id", "business_day", "reason"), self._missing)
        waves = [
            {
                "wave": wave,
                "put": [{"name": name, "content": sha256} for name, sha256 in sorted(self._puts.get(wave, []))],
                "delete": sorted(self._deletes.get(wave, [])),
            }
            for wave in sorted({*self._puts, *self._deletes})
        ]
        self._write_json("waves.json", waves)
        self._write_json(
            "truth.json",
            {
                "arguments": dict(arguments),
                "counts": dict(counts),
                "price_changes": [
                    {
                        "product_id": change.product_id,
                        "effective_on": change.effective_on.isoformat(),
                        "old_price": change.old_price,
                        "new_price": change.new_price,
                    }
                    for change in self._assortment.price_changes
                ],
                "days": [
                    {"business_day": self._day(day), **_totals_by_status(self._by_day[day])}
                    for day in range(self._days)
                ],
                "machines": self._machines,
                "cash_differences": cash_differences,
            },
        )

    def _totals(self, history: History) -> np.ndarray[Any, np.dtype[np.int64]]:
        """[day, status, (units, yen)]"""
        vends = history.vends
        cell = vends.moment // DAY_SECONDS * len(STATUSES) + vends.status
        cells = self._days * len(STATUSES)
        units = np.bincount(cell, weights=vends.quantity, minlength=cells)
        yen = np.bincount(cell, weights=vends.quantity * vends.price, minlength=cells)
        return np.stack([units, yen], axis=1).astype(np.int64).reshape(self._days, len(STATUSES), 2)

    def _note_visits(self, history: History) -> None:
        refills, count = history.refills, len(history.machine.visits)
        touched = np.bincount(refills.visit, minlength=count)
        added = np.bincount(refills.visit, weights=refills.added, minlength=count).astype(np.int64)
        removed = np.bincount(refills.visit, weights=refills.removed, minlength=count).astype(np.int64)
        self._visits += [
            (
                visit.visit_id,
                history.machine.machine_id,
                visit.staff_id,
                self._moment(visit.starts),
                visit.kind,
                int(touched[position]),
                int(added[position]),
                int(removed[position]),
                int(history.cash[position]),
                int(history.meter[position]),
            )
            for position, visit in enumerate(history.machine.visits)
        ]

    def _note_slots(self, history: History) -> None:
        machine, products, outs = history.machine, self._assortment.products, history.stockouts
        self._slots += [
            (
                machine.machine_id,
                slot.slot_no,
                int(history.capacity[position]),
                products[history.opening_products[position]].product_id,
                int(history.opening_units[position]),
                int(history.closing_units[position]),
            )
            for position, slot in enumerate(machine.slots)
        ]
        self._stockouts += [
            (
                machine.machine_id,
                machine.slots[slot].slot_no,
                products[product].product_id,
                self._moment(since),
                self._moment(until) if until >= 0 else "",
                lost,
            )
            for slot, product, since, until, lost in zip(
                outs.slot.tolist(),
                outs.product.tolist(),
                outs.since.tolist(),
                outs.until.tolist(),
                outs.lost_units.tolist(),
                strict=True,
            )
        ]

    def _note_incidents(self, history: History) -> None:
        machine, products = history.machine, self._assortment.products
        self._incidents += [
            (
                incident.kind,
                machine.machine_id,
                self._moment(incident.begins),
                self._moment(incident.ends),
                "" if incident.visit is None else machine.visits[incident.visit].visit_id,
                "" if incident.product is None else products[incident.product].product_id,
                incident.units,
                incident.yen,
            )
            for incident in history.incidents
        ]

    def _day(self, offset: int) -> str:
        return (self._first_day + timedelta(days=offset)).isoformat()

    def _moment(self, seconds: int) -> str:
        return f"{self._midnight + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"

    def _write_csv(self, name: str, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
        (self._folder / name).write_bytes(csv_bytes(header, rows))

    def _write_json(self, name: str, content: object) -> None:
        """Whole or not at all: a half-written list of waves would stand in the way of the next run."""
        text = json.dumps(content, ensure_ascii=False, indent=1)
        unfinished = self._folder / f"{name}.part"
        unfinished.write_bytes(f"{text}\n".encode())
        unfinished.replace(self._folder / name)


def left_by_last_run(folder: Path) -> tuple[dict[str, str], set[str]]:
    """Name and sha256 of the files that the last run left in `sources/`, and what it kept in `contents/`.

    Nothing if there was none.
    """
    try:
        waves = json.loads((folder / "waves.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, set()
    final: dict[str, str] = {}
    for wave in waves:
        final.update((put["name"], put["content"]) for put in wave["put"])
        for name in wave["delete"]:
            del final[name]
    kept = {put["content"] for wave in waves for put in wave["put"] if final.get(put["name"]) != put["content"]}
    return final, kept


def _totals_by_status(totals: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, int]:
    """Yen only for completed vends: on the others no money stayed."""
    units = {f"{status}_units": int(totals[code, 0]) for code, status in enumerate(STATUSES)}
    return {**units, "completed_yen": int(totals[COMPLETED, 1])}


def _first_text(row: tuple[object, ...]) -> str:
    return str(row[0])


def _name_and_line(row: tuple[object, ...]) -> tuple[str, int]:
    return str(row[0]), int(str(row[1]))
