"""What simulated fleets sold and could have sold, per machine, product and day: the rows that the marts would have."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet_simulator import assortment, demand, fleet, simulation
from fleet_simulator.demand import COMPLETED
from fleet_simulator.fleet import DAY_SECONDS, Machine


def simulated_days(seed: int, machines: int, first_day: date, days: int) -> pl.DataFrame:
    """A row per machine, product and day on which a slot holds the product: the units sold, the share of the day on
    which one could be bought, and what it costs."""
    goods = assortment.build(seed, first_day, days)
    park = fleet.build(machines, seed, first_day, days, goods, None)
    return pl.concat([frame for machine in park.machines for frame in _rows(machine, goods, seed, first_day, days)])


def _rows(
    machine: Machine, goods: assortment.Assortment, seed: int, first_day: date, days: int
) -> Iterator[pl.DataFrame]:
    weather = demand.temperatures(machine.prefecture, seed, first_day, days)
    history = simulation.simulate(
        machine, goods, seed=seed, first_day=first_day, days=days, temperature=weather, rows_per_day=None
    )
    sold = _sold(history, len(goods.products), days)
    offered = _offered(history, len(goods.products), first_day, days)
    product, day = np.nonzero(offered > 0)
    stands = (day >= machine.first) & (day <= machine.last)
    product, day = product[stands], day[stands]
    yield pl.DataFrame(
        {
            "machine_id": [machine.machine_id] * len(day),
            "product_id": [goods.products[one].product_id for one in product],
            "category_id": [goods.products[one].category_id for one in product],
            "temperature": [goods.products[one].temperature for one in product],
            "business_date": [first_day + timedelta(days=int(one)) for one in day],
            "units_sold": sold[product, day],
            "share_stocked": np.minimum(offered[product, day] - 1e-9, 1).clip(0),
            "list_price": goods.prices[product, day].astype(np.int64),
        }
    )


def _sold(history: simulation.History, products: int, days: int) -> NDArray[np.int64]:
    vends = history.vends
    units = np.where(vends.status == COMPLETED, vends.quantity, 0)
    cell = vends.product * days + vends.moment // DAY_SECONDS
    return np.bincount(cell, weights=units, minlength=products * days).astype(np.int64).reshape(products, days)


def _offered(history: simulation.History, products: int, first_day: date, days: int) -> NDArray[np.float64]:
    """Above 0 where a slot holds the product that day, and then by how much of the day it could be bought."""
    machine = history.machine
    found = np.zeros((products, days))
    empty = np.zeros((len(machine.slots), days))
    for slot, since, until in zip(
        history.stockouts.slot.tolist(), history.stockouts.since.tolist(), history.stockouts.until.tolist(), strict=True
    ):
        end = until if until >= 0 else days * DAY_SECONDS
        for day in range(since // DAY_SECONDS, min((end - 1) // DAY_SECONDS, days - 1) + 1):
            begins = day * DAY_SECONDS
            empty[slot, day] += (min(end, begins + DAY_SECONDS) - max(since, begins)) / DAY_SECONDS
    for position, slot in enumerate(machine.slots):
        for day in range(days):
            product = machine.product_on(slot, first_day + timedelta(days=day))
            found[product, day] = max(found[product, day], 1 - empty[position, day] + 1e-9)
    return found
