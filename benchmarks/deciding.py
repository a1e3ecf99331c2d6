"""What following the recommendation saves, in a simulated fleet with the same customers under both.

Two ways of driving (`rounds.py`) with the same number of visits on each route and day, at the same times of the day: on
the fixed days of the plan, filling every slot; and to the machines that `mart_replenishment_recommendation` ranks first
on their route on the evening before, loading what it recommends. The models' own compiled SQL decides
(`evenings.py`), from what the simulated days would have delivered. The first 35 days are driven on fixed days by both,
and don't count. Lost is what a customer wanted from an empty slot, in yen of that day's price.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import rounds
from benchmarks.evenings import Evenings, open_evenings
from benchmarks.fleets import DAYS, FIRST_DAY, MACHINES, MASTERS, SEEDS, loaded, parsed
from benchmarks.measuring import timed
from benchmarks.rounds import Day, RawFolder, Visit
from benchmarks.table import Row
from fleet_simulator.assortment import PAYMENT_METHODS
from fleet_simulator.demand import STATUSES
from vending_platform_tests.dbt_project.dbt import Dbt

_WARM_UP = 35
_MART = "mart_replenishment_recommendation"


def deciding(folder: Path, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """What is lost by following the recommendation, as a share of what is lost with fixed days."""
    project = parsed(folder)
    shares = []
    for seed in seeds:
        seconds, (fixed, followed) = timed(partial(drive, project, seed))
        assert fixed.visits == followed.visits, "both drive as often"
        line = f"Fleet {seed}: fixed days: {fixed}; as recommended: {followed}; {seconds:.0f} s"
        Console().print(line, soft_wrap=True, highlight=False)
        shares.append(followed.lost_yen / fixed.lost_yen)
    every = ", ".join(f"{share:.2f}" for share in shares)
    return [Row("sales lost as recommended, against fixed days", f"{every} ×", "0.5 ×", max(shares) <= 0.5)]


@dataclass(frozen=True)
class Driven:
    """After the warm-up."""

    visits: int = 0
    sold_units: int = 0
    lost_units: int = 0
    lost_yen: int = 0

    def and_then(self, day: Day) -> "Driven":
        return Driven(
            self.visits + day.visits,
            self.sold_units + sum(vend.quantity for vend in day.vends if STATUSES[vend.status] == "completed"),
            self.lost_units + day.lost_units,
            self.lost_yen + day.lost_yen,
        )

    def __str__(self) -> str:
        return (
            f"{self.lost_units:,} units lost ({self.lost_yen:,} yen), {self.sold_units:,} sold, {self.visits:,} visits"
        )


def drive(project: Dbt, seed: int) -> tuple[Driven, Driven]:
    """The fleet on fixed days, and as recommended."""
    dbt = loaded(project, seed, MASTERS, incidents=False)  # what is sold and filled is decided below
    fleet = rounds.draw(seed, MACHINES, FIRST_DAY, DAYS)
    fixed, recommended = RawFolder(fleet), RawFolder(fleet)
    lost_fixed, lost_recommended = Driven(), Driven()
    with open_evenings(dbt, _MART) as evenings:
        for number, planned in enumerate(rounds.fixed_rounds(fleet)):
            today = fixed.live(number, planned)
            chosen = (
                planned if number < _WARM_UP else choose(fleet, number, planned, _recommended(evenings, fleet, number))
            )
            followed = recommended.live(number, chosen)
            if number >= _WARM_UP:
                lost_fixed, lost_recommended = lost_fixed.and_then(today), lost_recommended.and_then(followed)
            evenings.pass_by(fleet.day(number), delivered(fleet, number, followed))
    return lost_fixed, lost_recommended


@dataclass(frozen=True)
class Advice:
    """Of a machine on an evening: its place on its route, and what to load into its slots."""

    priority: int
    loads: dict[str, int]


def _recommended(evenings: Evenings, fleet: rounds.Fleet, number: int) -> dict[str, Advice]:
    advice: dict[str, Advice] = {}
    for machine, slot, units, priority in evenings.connection.execute(
        "select machine_id, slot_no, units_to_load, machine_priority"
        f" from marts.{_MART} where business_date = $evening and machine_priority is not null",
        {"evening": fleet.day(number - 1)},
    ).fetchall():
        advice.setdefault(machine, Advice(int(priority), {})).loads[slot] = int(units or 0)
    return advice


def choose(
    fleet: rounds.Fleet, number: int, planned: Mapping[str, Visit], advice: Mapping[str, Advice]
) -> dict[str, Visit]:
    """As many machines of each route as are planned, at the planned times: those that come first by the advice.

    Where a new machine is to be filled or an old one emptied, that happens. A machine about which there is no advice
    comes after all others, and gets nothing.
    """
    machines = {wanted.machine.machine_id: wanted.machine for wanted in fleet.demands}
    today = fleet.day(number)
    chosen = {
        name: visit
        for name, visit in planned.items()
        if today in (machines[name].installed_on, machines[name].removed_on)
    }
    times: dict[str, list[int]] = defaultdict(list)
    for name, visit in planned.items():
        if name not in chosen:
            times[machines[name].route_id].append(visit.second)
    last = Advice(len(machines), {})
    for route, seconds in times.items():
        standing = [
            name
            for name, machine in machines.items()
            if machine.route_id == route and name not in chosen and machine.first <= number <= machine.last
        ]
        first = sorted(standing, key=lambda name: (advice.get(name, last).priority, name))
        for name, second in zip(first, sorted(seconds), strict=False):
            chosen[name] = Visit(second, advice.get(name, last).loads)
    return chosen


def delivered(fleet: rounds.Fleet, number: int, happened: Day) -> dict[str, list[dict[str, Any]]]:
    """The rows that the day's files would bring into staging, but for cash, meter and staff, which stay empty."""
    day, products = fleet.day(number), fleet.goods.products
    midnight, stamp = datetime.combine(day, time()), f"{day:%Y%m%d}"
    sequence: Counter[str] = Counter()
    sales = []
    for vend in happened.vends:
        machine = vend.machine.machine_id
        sequence[machine] += 1
        sales.append(
            {
                "transaction_id": f"{machine}-{stamp}-{sequence[machine]:05d}",
                "business_date": day,
                "machine_id": machine,
                "slot_no": vend.machine.slots[vend.slot].slot_no,
                "product_id": products[vend.product].product_id,
                "payment_method_id": PAYMENT_METHODS[vend.payment].payment_method_id,
                "sold_at": midnight + timedelta(seconds=vend.second),
                "status": STATUSES[vend.status],
                "quantity": vend.quantity,
                "unit_price": vend.price,
                "file_id": f"sales-{machine}-{stamp}",
                "line_number": sequence[machine] + 1,
            }
        )
    touches = [
        {
            "replenishment_id": f"R-{touch.machine.machine_id}-{stamp}-{touch.machine.slots[touch.slot].slot_no}",
            "visit_id": f"V-{touch.machine.machine_id}-{stamp}",
            "business_date": day,
            "machine_id": touch.machine.machine_id,
            "slot_no": touch.machine.slots[touch.slot].slot_no,
            "product_id": products[touch.product].product_id,
            "replenished_at": midnight + timedelta(seconds=touch.second),
            "quantity_before": touch.before,
            "quantity_added": touch.added,
            "quantity_removed": touch.removed,
            "removal_reason": "product_change" if touch.removed else None,
            "file_id": f"replenishment-{touch.machine.machine_id}-{stamp}",
            "line_number": number,
        }
        for number, touch in enumerate(happened.touches, start=2)
    ]
    return {"stg_vending__sales": sales, "stg_vending__replenishments": touches}
