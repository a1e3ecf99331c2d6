"""Deliveries as a believable vending fleet would send them, from a seed number, with the truth beside them.

>>> generate(Path("data"), machines=8, days=14, seed=1, untidy=True)  # doctest: +SKIP

writes every delivery flat into `data/sources/` and what really happened into `data/truth/` (see `truth.py`
for its files, `untidiness.py` for everything that can go wrong with a delivery, `incidents.py` for what can
go wrong at a machine, `simulation.py` for the rules of the game).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from fleet_simulator import (
    assortment,
    demand,
    files,
    fleet,
    shipping,
    simulation,
    truth,
    untidiness,
)

__all__ = ["Generated", "generate"]

MAX_MACHINES = 9_000
MAX_DAYS = 3_660
MAX_ROWS_PER_FILE = 10_000
_FIRST_DAYS = (date(1990, 1, 1), date(2090, 1, 1))


@dataclass(frozen=True)
class Generated:
    """What `generate` left in `sources/`: files, data rows in those that can be read, bytes.

    `planted` counts the untidy files by kind, also those that are missing in the end.
    """

    files: int
    rows: int
    bytes: int
    planted: Mapping[str, int]


def generate(
    data_dir: Path,
    *,
    machines: int,
    days: int,
    seed: int,
    untidy: bool = False,
    only: Collection[str] = (),
    incidents: bool = False,
    first_day: date = date(2024, 3, 1),
    rows_per_file: int | None = None,
    on_file: Callable[[int, int], None] | None = None,
) -> Generated:
    """Write the deliveries of `machines` machines over `days` business days, and the truth about them.

    `untidy` plants every kind of untidiness, or those of `only`. With `incidents` cash is stolen, machines are dead
    for days, and prices are wrong; see `incidents.py`.

    The same arguments give the same bytes, wherever and whenever. A file of an earlier run that this one
    does not write is removed if it is still as that run left it; no other file is ever removed. With
    `rows_per_file` every machine stands and sells exactly that many times on every day. Untidy deliveries
    are held in memory as a whole, tidy ones a machine at a time. `on_file(done, total)` is called for every
    file written into `sources/`.

    Raises ValueError for arguments that no fleet can have.
    """
    _check(data_dir, machines, days, seed, first_day, rows_per_file)
    if only and not untidy:
        raise ValueError("--only names kinds of untidiness, and nothing is untidy without --untidy")
    if unknown := [kind for kind in only if kind not in untidiness.KINDS]:
        raise ValueError(f"{unknown[0]!r} is not a kind of untidiness; there are: {', '.join(untidiness.KINDS)}.")
    goods = assortment.build(seed, first_day, days)
    park = fleet.build(machines, seed, first_day, days, goods, rows_per_file)
    sources, truth_folder = data_dir / "sources", data_dir / "truth"
    sources.mkdir(parents=True, exist_ok=True)
    left_before, kept_before = truth.left_by_last_run(truth_folder)

    with truth.TruthWriter(truth_folder, first_day, days, goods) as notes:
        delivered = _deliveries(park, goods, notes, seed, first_day, days, rows_per_file, incidents)
        shipments: Iterable[shipping.Shipment] = map(shipping.as_it_should_be, delivered)
        total = _expected_files(park)
        planted: Mapping[str, int] = {}
        cash_differences: list[dict[str, Any]] = []
        if untidy:
            mess = untidiness.plant(list(delivered), seed=seed, only=only)
            shipments, planted, cash_differences = mess.shipments, mess.planted, list(mess.cash_differences)
            total = sum(shipment.content is not None for shipment in mess.shipments)
        written: set[str] = set()
        rows = size = 0
        for shipment in shipments:
            notes.shipped(shipment)
            if shipment.content is None:
                continue
            (sources / shipment.name).write_bytes(shipment.content)
            written.add(shipment.name)
            rows += shipment.rows_delivered or 0
            size += len(shipment.content)
            if on_file is not None:
                on_file(len(written), total)
        _remove_own(sources, {name: sha256 for name, sha256 in left_before.items() if name not in written})
        _remove_own(truth_folder / "contents", {sha256: sha256 for sha256 in kept_before - notes.kept})
        notes.finish(
            arguments={
                "machines": machines,
                "days": days,
                "seed": seed,
                "untidy": untidy,
                "only": sorted(only),
                "first_day": first_day.isoformat(),
                "rows_per_file": rows_per_file,
                **({"incidents": True} if incidents else {}),
            },
            counts={"files": len(written), "rows": rows, "bytes": size, "planted": dict(planted)},
            cash_differences=cash_differences,
            with_incidents=incidents,
        )
    return Generated(files=len(written), rows=rows, bytes=size, planted=planted)


def _check(data_dir: Path, machines: int, days: int, seed: int, first_day: date, rows_per_file: int | None) -> None:
    _check_number("machines", machines, 1, MAX_MACHINES)
    _check_number("days", days, 1, MAX_DAYS)
    _check_number("seed", seed, 0, 2**63 - 1)
    if rows_per_file is not None:
        _check_number("rows_per_file", rows_per_file, 0, MAX_ROWS_PER_FILE)
    # A datetime is a date to isinstance, but a business day has no time.
    if not isinstance(first_day, date) or isinstance(first_day, datetime):
        raise ValueError(f"first_day must be a date without a time, not {first_day!r}.")
    if not _FIRST_DAYS[0] <= first_day < _FIRST_DAYS[1]:
        raise ValueError(f"first_day must lie from {_FIRST_DAYS[0]} to before {_FIRST_DAYS[1]}, not {first_day}.")
    for folder in (data_dir, data_dir / "sources", data_dir / "truth"):
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} must be a folder or not exist yet; it is a file.")


def _check_number(name: str, value: object, smallest: int, greatest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, not {value!r}.")
    if not smallest <= value <= greatest:
        raise ValueError(f"{name} must be from {smallest} to {greatest}, not {value}.")


def _deliveries(
    park: fleet.Fleet,
    goods: assortment.Assortment,
    notes: truth.TruthWriter,
    seed: int,
    first_day: date,
    days: int,
    rows_per_file: int | None,
    incidents: bool,
) -> Iterator[files.Delivery]:
    yield from files.master_files(park, goods)
    weather = {
        prefecture.name: demand.temperatures(prefecture, seed, first_day, days)
        for prefecture in {machine.prefecture.name: machine.prefecture for machine in park.machines}.values()
    }
    for machine in park.machines:
        history = simulation.simulate(
            machine,
            goods,
            seed=seed,
            first_day=first_day,
            days=days,
            temperature=weather[machine.prefecture.name],
            rows_per_day=rows_per_file,
            with_incidents=incidents,
        )
        sent = files.machine_files(history, goods, first_day, days)
        notes.happened(history, sent.vends)
        yield from sent.deliveries


def _expected_files(park: fleet.Fleet) -> int:
    """Masters, a sales file per machine and day, a replenishment file per machine and day with a visit."""
    return len(files.MASTERS) + sum(
        machine.last - machine.first + 1 + len({visit.starts // fleet.DAY_SECONDS for visit in machine.visits})
        for machine in park.machines
    )


def _remove_own(folder: Path, contents: Mapping[str, str]) -> None:
    """Remove files that an earlier run wrote, unless they were changed since."""
    for name, sha256 in contents.items():
        path = folder / name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            path.unlink()
