"""One machine through the period: who bought what, which slots ran empty, what the visits found and left.

The rules of the game, which the truth and the deliveries both follow:

- A *completed* vend dispenses its units and its money counts. A *refunded* one gave the money back because
  nothing came out, a *failed* one took no money: neither moves stock, cash nor the sales meter.
- Who finds a slot empty leaves without a transaction (lost demand). Who wants two and finds one takes one.
- Nobody buys while a visit goes on; people wait until the door is closed.
- Units: before + added - removed - units completed until the next visit = next before. A slot that a visit
  did not touch has no row; its count goes on.
- Cash of a visit = yen of completed cash vends since the visit before it. The meter counts completed yen of
  all kinds.
- The removal of a machine empties every slot, with the reason `product_change`: nothing else in the
  contract fits.
- With incidents, the incidents of `incidents.py` happen too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from fleet_simulator import demand, incidents
from fleet_simulator.assortment import Assortment
from fleet_simulator.demand import COMPLETED, Attempts
from fleet_simulator.fleet import DAY_SECONDS, Machine

REMOVAL_REASONS = ("", "expired", "damaged", "product_change")
_EXPIRED, _DAMAGED, _PRODUCT_CHANGE = 1, 2, 3
_CASH = 0
_SECONDS_PER_SLOT = 25
_SECONDS_TO_OPEN = 60


@dataclass(frozen=True)
class Vends:
    """Attempts that led to a transaction, in time order."""

    moment: NDArray[np.int64]
    slot: NDArray[np.int64]
    product: NDArray[np.int64]
    quantity: NDArray[np.int64]
    price: NDArray[np.int64]
    payment: NDArray[np.int64]
    status: NDArray[np.int64]


@dataclass(frozen=True)
class Refills:
    """One entry per slot touched, in time order; `visit` is the position in the machine's visits."""

    visit: NDArray[np.int64]
    moment: NDArray[np.int64]
    slot: NDArray[np.int64]
    product: NDArray[np.int64]
    before: NDArray[np.int64]
    added: NDArray[np.int64]
    removed: NDArray[np.int64]
    reason: NDArray[np.int64]


@dataclass(frozen=True)
class Stockouts:
    """Slots that ran empty; `until` is -1 where there was no visit until the end of the period."""

    slot: NDArray[np.int64]
    product: NDArray[np.int64]
    since: NDArray[np.int64]
    until: NDArray[np.int64]
    lost_units: NDArray[np.int64]


@dataclass(frozen=True)
class History:
    """Everything that happened at one machine; `cash` and `meter` are per visit, the stocks per slot."""

    machine: Machine
    vends: Vends
    refills: Refills
    stockouts: Stockouts
    cash: NDArray[np.int64]
    meter: NDArray[np.int64]
    capacity: NDArray[np.int64]
    opening_products: NDArray[np.int64]
    opening_units: NDArray[np.int64]
    closing_units: NDArray[np.int64]
    incidents: tuple[incidents.Incident, ...]


@dataclass(frozen=True)
class _Stock:
    """`at_start[slot, interval]` is what a slot holds when an interval begins, `closing` what at the end."""

    capacity: NDArray[np.int64]
    at_start: NDArray[np.int64]
    closing: NDArray[np.int64]
    refills: Refills


def simulate(
    machine: Machine,
    assortment: Assortment,
    *,
    seed: int,
    first_day: date,
    days: int,
    temperature: NDArray[np.float64],
    rows_per_day: int | None,
    with_incidents: bool = False,
) -> History:
    """The history of one machine; with `rows_per_day` its slots are deep enough never to run empty."""
    starts = np.array([visit.starts for visit in machine.visits], dtype=np.int64)
    products = _products_by_interval(machine, first_day, starts)
    attempts = demand.draw(
        machine,
        seed=seed,
        first_day=first_day,
        days=days,
        temperature=temperature,
        is_hot=_hot_slots(assortment, products, starts, days),
        rows_per_day=rows_per_day,
    )
    attempts = _while_it_stands(_after_the_door_closes(attempts, starts, len(machine.slots)), machine, starts)
    chance = np.random.default_rng([seed, machine.number, 6])
    planned = incidents.plan(machine, chance, days) if with_incidents else incidents.IncidentPlan()
    attempts, planned = incidents.while_it_works(attempts, planned, chance)
    interval = np.searchsorted(starts, attempts.moment, side="right")
    wanted = np.where(attempts.status == COMPLETED, attempts.quantity, 0)
    # One group is one slot between two visits.
    group = attempts.slot * (len(starts) + 1) + interval
    demanded = np.bincount(group, weights=wanted, minlength=products.size).astype(np.int64).reshape(products.shape)

    rng = np.random.default_rng([seed, machine.number, 5])
    stock = _count_units(machine, products, demanded, starts, rng, never_empty=bool(rows_per_day))
    available = stock.at_start.ravel()[group]
    left = available - _running_total_before(wanted, group)
    served = np.minimum(attempts.quantity, left)
    happened = left > 0
    lost = wanted - np.where(happened & (wanted > 0), served, 0)

    product = products.ravel()[group]
    price = incidents.charged(
        assortment.prices[product, attempts.moment // DAY_SECONDS], product, attempts.moment, planned
    )
    vends = Vends(
        moment=attempts.moment[happened],
        slot=attempts.slot[happened],
        product=product[happened],
        quantity=served[happened],
        price=price[happened],
        payment=attempts.payment[happened],
        status=attempts.status[happened],
    )
    cash, meter = _money(vends, starts, machine.opening_meter)
    unusual = incidents.as_they_went(
        planned, vends.moment, vends.product, np.where(vends.status == COMPLETED, vends.quantity, 0)
    )
    if with_incidents:
        cash, differences = incidents.in_the_box(machine, cash, chance)
        unusual += differences
    emptied = np.flatnonzero((wanted > 0) & happened & (left == served))
    until = np.append(starts, -1)[interval[emptied]]
    lost_units = np.bincount(group, weights=lost, minlength=products.size).astype(np.int64)
    return History(
        machine=machine,
        vends=vends,
        refills=stock.refills,
        stockouts=Stockouts(
            slot=attempts.slot[emptied],
            product=product[emptied],
            since=attempts.moment[emptied],
            until=until,
            lost_units=lost_units[group[emptied]],
        ),
        cash=cash,
        meter=meter,
        capacity=stock.capacity,
        opening_products=products[:, 0],
        opening_units=stock.at_start[:, 0],
        closing_units=stock.closing,
        incidents=unusual,
    )


def _products_by_interval(machine: Machine, first_day: date, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """[slot, interval]: what the slot holds; a season begins for a slot with the first visit in it."""
    days = [first_day + timedelta(days=machine.first)]
    days += [first_day + timedelta(days=int(start) // DAY_SECONDS) for start in starts]
    return np.array([[machine.product_on(slot, day) for day in days] for slot in machine.slots], dtype=np.int64)


def _hot_slots(
    assortment: Assortment, products: NDArray[np.int64], starts: NDArray[np.int64], days: int
) -> NDArray[np.bool_]:
    """[day, slot]: whether the slot was hot when the day began."""
    hot_products = np.array([product.temperature == "hot" for product in assortment.products])
    interval = np.searchsorted(starts, np.arange(days) * DAY_SECONDS, side="right")
    return np.asarray(hot_products[products][:, interval].T, dtype=np.bool_)


def _after_the_door_closes(attempts: Attempts, starts: NDArray[np.int64], slots: int) -> Attempts:
    """The attempts that fall into a visit moved behind it, in the same order as before."""
    if not len(starts):
        return attempts
    duration = _SECONDS_TO_OPEN + slots * _SECONDS_PER_SLOT
    visit = np.searchsorted(starts, attempts.moment, side="right") - 1
    since = attempts.moment - starts[visit]
    during = (visit >= 0) & (since <= duration)
    moment = np.where(during, starts[visit] + duration + 1 + since // 4, attempts.moment)
    order = np.argsort(moment, kind="stable")
    return Attempts(
        moment=moment[order],
        slot=attempts.slot[order],
        quantity=attempts.quantity[order],
        payment=attempts.payment[order],
        status=attempts.status[order],
    )


def _while_it_stands(attempts: Attempts, machine: Machine, starts: NDArray[np.int64]) -> Attempts:
    """Without what would have been before the first filling and after the removal."""
    stands = np.ones(attempts.moment.size, dtype=np.bool_)
    for visit, start in zip(machine.visits, starts, strict=True):
        if visit.kind == "install":
            stands &= attempts.moment > start
        elif visit.kind == "removal":
            stands &= attempts.moment < start
    return Attempts(
        moment=attempts.moment[stands],
        slot=attempts.slot[stands],
        quantity=attempts.quantity[stands],
        payment=attempts.payment[stands],
        status=attempts.status[stands],
    )


def _running_total_before(values: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """For every entry the sum of the earlier entries of its group."""
    order = np.argsort(group, kind="stable")
    sorted_group = group[order]
    before = np.cumsum(values[order]) - values[order]
    begins = np.flatnonzero(np.diff(sorted_group, prepend=-1))
    lengths = np.diff(np.append(begins, group.size))
    result = np.empty_like(before)
    result[order] = before - np.repeat(before[begins], lengths)
    return result


def _money(vends: Vends, starts: NDArray[np.int64], opening_meter: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    yen = np.where(vends.status == COMPLETED, vends.quantity * vends.price, 0)
    until_visit = np.searchsorted(vends.moment, starts, side="left")
    cash_so_far = np.concatenate([[0], np.cumsum(np.where(vends.payment == _CASH, yen, 0))])[until_visit]
    all_so_far = np.concatenate([[0], np.cumsum(yen)])[until_visit]
    return np.diff(cash_so_far, prepend=0), opening_meter + all_so_far


def _count_units(
    machine: Machine,
    products: NDArray[np.int64],
    demanded: NDArray[np.int64],
    starts: NDArray[np.int64],
    rng: np.random.Generator,
    never_empty: bool,
) -> _Stock:
    """The counts of every slot from visit to visit, given what people want of it in between."""
    slots, intervals = products.shape
    capacity = np.array([slot.capacity for slot in machine.slots], dtype=np.int64)
    missing_units = (capacity * rng.uniform(0.0, 0.3, slots)).astype(np.int64)
    if never_empty:
        capacity = np.maximum(capacity, demanded.max(axis=1) + 3)
        missing_units[:] = 0
    refill_from = np.where(never_empty, 1, np.maximum(2, capacity // 4))
    chance = rng.random((intervals, slots))
    short = (rng.random((intervals, slots)) < 0.1).astype(np.int64)

    stock = np.zeros(slots, dtype=np.int64) if machine.first else capacity - missing_units
    at_start = np.empty((slots, intervals), dtype=np.int64)
    at_start[:, 0] = stock
    before, added, removed, reason = np.zeros((4, intervals - 1, slots), dtype=np.int64)
    touched = np.zeros((intervals - 1, slots), dtype=np.bool_)
    for visit, planned in enumerate(machine.visits):
        is_removal = planned.kind == "removal"
        found = stock - np.minimum(demanded[:, visit], stock)
        changes = (products[:, visit] != products[:, visit + 1]) | is_removal
        damaged = (chance[visit] < 0.004) & (found > 0)
        expired = (chance[visit] > 0.995) & (found > 0)
        taken = np.select([changes, damaged, expired], [found, np.minimum(found, 1), np.minimum(found, 2)], 0)
        why = np.select([changes, damaged, expired], [_PRODUCT_CHANGE, _DAMAGED, _EXPIRED], 0)
        handled = changes | damaged | expired | (capacity - found >= refill_from)
        if not handled.any():
            # Cash and meter stand on a row, so a visit always counts at least one slot.
            handled[int(np.argmin(found - capacity))] = True
        room = np.maximum(capacity - found + taken - short[visit], 0)
        before[visit], removed[visit], touched[visit] = found, taken, handled
        added[visit] = np.where(handled & (not is_removal), room, 0)
        reason[visit] = np.where(taken > 0, why, 0)
        stock = found + added[visit] - taken
        at_start[:, visit + 1] = stock

    visit_of, slot_of = np.nonzero(touched)
    nth = (np.cumsum(touched, axis=1) - 1)[visit_of, slot_of]
    return _Stock(
        capacity=capacity,
        at_start=at_start,
        closing=stock - np.minimum(demanded[:, -1], stock),
        refills=Refills(
            visit=visit_of,
            moment=starts[visit_of] + _SECONDS_TO_OPEN + _SECONDS_PER_SLOT * nth,
            slot=slot_of,
            product=products[slot_of, visit_of + 1],
            before=before[visit_of, slot_of],
            added=added[visit_of, slot_of],
            removed=removed[visit_of, slot_of],
            reason=reason[visit_of, slot_of],
        ),
    )
