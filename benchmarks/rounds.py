"""A fleet whose drivers decide each evening whom they visit tomorrow; the demand is the same for all of them.

The rules are those of `fleet_simulator/simulation.py`, day by day: who finds a slot empty leaves, who wants two and
finds one takes one. Different is that a visit takes no time, nothing is damaged or expires, a visit loads exactly
what it is given (as far as it fits), and what people want follows the season's own day and not the day on which
the slot was turn a slot warm or cold. When the season asks for another product, the visit takes out the old one
and fills the slot, whatever it was given. A new machine is filled and a removed one emptied on their days, by
everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from fleet_simulator import assortment, demand, fleet
from fleet_simulator.demand import COMPLETED
from fleet_simulator.fleet import DAY_SECONDS, Machine


@dataclass(frozen=True)
class Visit:
    """At a second of the day, with units by slot number; without them every slot is filled."""

    second: int
    loads: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Attempt:
    second: int
    slot: int
    quantity: int
    payment: int
    status: int


@dataclass(frozen=True)
class Demand:
    """What people will want of one machine, by day, and how it begins."""

    machine: Machine
    by_day: tuple[tuple[Attempt, ...], ...]
    opening: tuple[int, ...]


@dataclass(frozen=True)
class Fleet:
    first_day: date
    days: int
    goods: assortment.Assortment
    demands: tuple[Demand, ...]

    def day(self, number: int) -> date:
        return self.first_day + timedelta(days=number)


@dataclass(frozen=True)
class Vend:
    machine: Machine
    slot: int
    product: int
    second: int
    quantity: int
    price: int
    payment: int
    status: int


@dataclass(frozen=True)
class Touch:
    """A slot that a visit touched; `second` is that of its visit."""

    machine: Machine
    slot: int
    product: int
    second: int
    before: int
    added: int
    removed: int


@dataclass(frozen=True)
class Day:
    vends: tuple[Vend, ...]
    touches: tuple[Touch, ...]
    visits: int
    lost_units: int
    lost_yen: int


@dataclass
class RawFolder:
    """The fleet under one way of visiting it: what every slot holds now."""

    fleet: Fleet
    stock: dict[str, list[int]] = field(default_factory=dict)
    products: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for wanted in self.fleet.demands:
            machine = wanted.machine
            self.stock[machine.machine_id] = list(wanted.opening)
            begins = self.fleet.day(machine.first)
            self.products[machine.machine_id] = [machine.product_on(slot, begins) for slot in machine.slots]

    def live(self, day: int, visits: Mapping[str, Visit]) -> Day:
        """A day with these visits, by machine."""
        vends: list[Vend] = []
        touches: list[Touch] = []
        units = yen = 0
        for wanted in self.fleet.demands:
            machine = wanted.machine
            visit = visits.get(machine.machine_id)
            before = [one for one in wanted.by_day[day] if visit is None or one.second <= visit.second]
            losses = list(self._sell(machine, day, before, vends))
            if visit is not None:
                touches += self._visit(machine, day, visit)
                losses += self._sell(machine, day, wanted.by_day[day][len(before) :], vends)
            units += sum(lost for lost, _ in losses)
            yen += sum(lost * price for lost, price in losses)
        return Day(tuple(vends), tuple(touches), len(visits), units, yen)

    def _sell(
        self, machine: Machine, day: int, attempts: Sequence[Attempt], vends: list[Vend]
    ) -> Iterator[tuple[int, int]]:
        """Adds to `vends`, and yields what was lost with its price."""
        stock, products = self.stock[machine.machine_id], self.products[machine.machine_id]
        for attempt in attempts:
            product = products[attempt.slot]
            price = int(self.fleet.goods.prices[product, day])
            got = min(attempt.quantity, stock[attempt.slot])
            if got:
                vends.append(
                    Vend(machine, attempt.slot, product, attempt.second, got, price, attempt.payment, attempt.status)
                )
            if attempt.status == COMPLETED:
                stock[attempt.slot] -= got
                if got < attempt.quantity:
                    yield attempt.quantity - got, price

    def _visit(self, machine: Machine, day: int, visit: Visit) -> Iterator[Touch]:
        stock, products = self.stock[machine.machine_id], self.products[machine.machine_id]
        today, is_removal = self.fleet.day(day), machine.removed_on == self.fleet.day(day)
        for position, slot in enumerate(machine.slots):
            before, old, new = stock[position], products[position], machine.product_on(slot, today)
            removed = before if old != new or is_removal else 0
            space = slot.capacity - before + removed
            wanted = space if visit.loads is None or old != new else min(visit.loads.get(slot.slot_no, 0), space)
            added = 0 if is_removal else wanted
            stock[position], products[position] = before + added - removed, new
            if added or removed:
                yield Touch(machine, position, new, visit.second, before, added, removed)


def draw(seed: int, machines: int, first_day: date, days: int) -> Fleet:
    """What people will want of every machine, whatever is in it."""
    goods = assortment.build(seed, first_day, days)
    park = fleet.build(machines, seed, first_day, days, goods, None)
    return Fleet(
        first_day, days, goods, tuple(_demand(machine, goods, seed, first_day, days) for machine in park.machines)
    )


def _demand(machine: Machine, goods: assortment.Assortment, seed: int, first_day: date, days: int) -> Demand:
    is_hot = np.array(
        [
            [
                goods.products[machine.product_on(slot, first_day + timedelta(days=day))].temperature == "hot"
                for slot in machine.slots
            ]
            for day in range(days)
        ]
    )
    attempts = demand.draw(
        machine,
        seed=seed,
        first_day=first_day,
        days=days,
        temperature=demand.temperatures(machine.prefecture, seed, first_day, days),
        is_hot=is_hot,
        rows_per_day=None,
    )
    by_day: list[list[Attempt]] = [[] for _ in range(days)]
    columns = (attempts.moment, attempts.slot, attempts.quantity, attempts.payment, attempts.status)
    for moment, slot, quantity, payment, status in zip(*(column.tolist() for column in columns), strict=True):
        by_day[moment // DAY_SECONDS].append(Attempt(moment % DAY_SECONDS, slot, quantity, payment, status))
    opening = (0 if machine.first else slot.capacity for slot in machine.slots)
    return Demand(machine, tuple(map(tuple, by_day)), tuple(opening))


def fixed_rounds(park: Fleet) -> list[dict[str, Visit]]:
    """By day and machine the visits as they are planned, months ahead; each fills every slot."""
    planned: list[dict[str, Visit]] = [{} for _ in range(park.days)]
    for wanted in park.demands:
        for visit in wanted.machine.visits:
            planned[visit.starts // DAY_SECONDS][wanted.machine.machine_id] = Visit(visit.starts % DAY_SECONDS)
    return planned
