"""What following the recommendation saves, in a simulated fleet with the same customers under both.

Two ways of driving (`rounds.py`) with the same number of visits on each route and day, at the same times of the day: on
the fixed days of the plan, filling every slot; and to the machines that `mart_replenishment_recommendation` ranks first
on their route on the evening before, loading what it recommends. It recommends once by what was sold, and once by the
forecasts that are made each evening (`evening_forecasts.py`). The models' own compiled SQL decides (`evenings.py`),
from what the simulated days would have delivered. The first 35 days are driven on fixed days by all, and don't count.
Lost is what a customer wanted from an empty slot, in yen of that day's price; what is taken out of a slot again is
wasted.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import evening_forecasts, rounds
from benchmarks.evenings import Evenings, open_evenings
from benchmarks.fleet_series import fleet_weather
from benchmarks.fleets import DAYS, FIRST_DAY, MACHINES, MASTERS, SEEDS, loaded, parsed
from benchmarks.measuring import timed
from benchmarks.rounds import Day, RawFolder, Visit
from benchmarks.table import Row
from fleet_simulator.assortment import PAYMENT_METHODS
from fleet_simulator.demand import STATUSES
from vending_platform_tests.dbt_project.dbt import Dbt

_WARM_UP = 35
_MART = "mart_replenishment_recommendation"


@dataclass(frozen=True)
class Size:
    machines: int = MACHINES
    days: int = DAYS


def deciding_small(folder: Path) -> list[Row]:
    """The same with fleets of 20 machines and five weeks that count."""
    return deciding(folder, (401, 402, 403), Size(20, 70))


def deciding(folder: Path, seeds: Sequence[int] = SEEDS, size: Size = Size()) -> list[Row]:
    """What is lost by following the recommendation, as a share of what is lost with fixed days, and with forecasts as
    a share of what is lost without."""
    project = parsed(folder)
    followed, foretold, wasted = [], [], []
    for seed in seeds:
        seconds, (fixed, plain, forecast) = timed(partial(drive, project, seed, size))
        assert fixed.visits == plain.visits == forecast.visits, "all drive as often"
        line = f"Fleet {seed}: fixed days: {fixed}; as recommended: {plain}; by forecasts: {forecast}; {seconds:.0f} s"
        Console().print(line, soft_wrap=True, highlight=False)
        followed.append(plain.lost_yen / fixed.lost_yen)
        foretold.append(forecast.lost_yen / plain.lost_yen)
        wasted.append(forecast.removed_units / max(plain.removed_units, 1))
    return [
        _row("sales lost as recommended, against fixed days", followed, 0.5),
        _row("sales lost as recommended by forecasts, against without", foretold, 0.9),
        _row("units taken out again by forecasts, against without", wasted, 1.0),
    ]


def _row(title: str, shares: Sequence[float], most: float) -> Row:
    return Row(title, f"{', '.join(f'{share:.2f}' for share in shares)} ×", f"{most:g} ×", max(shares) <= most)


@dataclass(frozen=True)
class Driven:
    """After the warm-up."""

    visits: int = 0
    sold_units: int = 0
    lost_units: int = 0
    lost_yen: int = 0
    removed_units: int = 0

    def and_then(self, day: Day) -> "Driven":
        return Driven(
            self.visits + day.visits,
            self.sold_units + sum(vend.quantity for vend in day.vends if STATUSES[vend.status] == "completed"),
            self.lost_units + day.lost_units,
            self.lost_yen + day.lost_yen,
            self.removed_units + sum(touch.removed for touch in day.touches),
        )

    def __str__(self) -> str:
        return (
            f"{self.lost_units:,} units lost ({self.lost_yen:,} yen), {self.sold_units:,} sold,"
            f" {self.removed_units:,} taken out, {self.visits:,} visits"
        )


def drive(project: Dbt, seed: int, size: Size) -> tuple[Driven, Driven, Driven]:
    """The fleet on fixed days, as recommended, and as recommended by forecasts."""
    fleet = rounds.draw(seed, size.machines, FIRST_DAY, size.days)
    fixed, happened = RawFolder(fleet), Driven()
    for number, planned in enumerate(rounds.fixed_rounds(fleet)):
        today = fixed.live(number, planned)
        happened = happened.and_then(today) if number >= _WARM_UP else happened
    return (
        happened,
        _followed(project, seed, fleet, size, by_forecasts=False),
        _followed(project, seed, fleet, size, by_forecasts=True),
    )


def _followed(project: Dbt, seed: int, fleet: rounds.Fleet, size: Size, *, by_forecasts: bool) -> Driven:
    # What is sold and filled is decided below.
    dbt = loaded(project, seed, MASTERS, incidents=False, machines=size.machines, days=size.days)
    recommended, happened = RawFolder(fleet), Driven()
    besides = evening_forecasts.READ if by_forecasts else ()
    weather = fleet_weather(seed, FIRST_DAY, size.days)
    foretell = {evening_forecasts.STAGED: partial(evening_forecasts.forecasts_of, weather)}
    with open_evenings(dbt, _MART, besides, [evening_forecasts.STAGED]) as evenings:
        for number, planned in enumerate(rounds.fixed_rounds(fleet)):
            chosen = (
                planned if number < _WARM_UP else choose(fleet, number, planned, _recommended(evenings, fleet, number))
            )
            today = recommended.live(number, chosen)
            happened = happened.and_then(today) if number >= _WARM_UP else happened
            is_foretold = by_forecasts and number >= _WARM_UP - 1
            evenings.pass_by(fleet.day(number), delivered(fleet, number, today), foretell if is_foretold else {})
    shutil.rmtree(dbt.folder)
    return happened


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
