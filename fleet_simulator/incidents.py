"""What goes wrong at a machine itself: cash that is missing, days on which it is dead, a product at a wrong price.

All of it happens to the machine, and its files show it: of stolen cash the sales and the meter know nothing,
a dead machine sends files with nothing sold, and a wrong price is what people really paid.

- *Theft*: whole thousand-yen notes are gone when the box is opened, two at least. Every fourth machine loses some once
  or twice.
- *Miscount*: at about every eighth collection the sum is a few coins off, to either side.
- *Dead*: for one to four days no one gets anything. Some machines go dark and note nothing; at the others every third
  who wants something tries, and that is a failed vend. What people wanted in that time is the dead machine's loss, and
  no longer that of a slot which was empty before; an empty slot stays empty, and none runs empty. Every fifth machine,
  once, after two fifths of the period, so that there is a past to compare with.
- *Wrong price*: between two visits or some more a product costs 20 to 50 yen too much or too little, in all of its
  slots. Every ninth machine, once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet_simulator.demand import COMPLETED, FAILED, Attempts
from fleet_simulator.fleet import DAY_SECONDS, Machine

THEFT, MISCOUNT, DEAD, WRONG_PRICE = "theft", "miscount", "dead", "wrong_price"

_NOTE, _COIN = 1000, 10
_FEWEST_NOTES = 2
_MISCOUNTED_SHARE, _MOST_COINS = 0.125, 10
_TRIES_AT_A_DEAD_MACHINE = (0.0, 1 / 3)
_PRICE_ERRORS = (-50, -30, -20, 20, 30, 50)


@dataclass(frozen=True)
class Incident:
    """From `begins` to before `ends`, in seconds from the first day's midnight; `visit` and `product` are positions.

    `units` are those that no one got at a dead machine, or that were sold at a wrong price; `yen` is what there is more
    (or less) than there should be.
    """

    kind: str
    begins: int
    ends: int
    visit: int | None = None
    product: int | None = None
    units: int = 0
    yen: int = 0


@dataclass(frozen=True)
class IncidentPlan:
    """What is going to happen to a machine before the first purchase; `tries` is the share of people who try a dead
    machine, `error` what is wrong with the price."""

    dead: Incident | None = None
    tries: float = 0.0
    wrong_price: Incident | None = None
    error: int = 0


def plan(machine: Machine, rng: np.random.Generator, days: int) -> IncidentPlan:
    """The dead time and the wrong price of a machine, where its number and the period have room for them."""
    planned = IncidentPlan()
    earliest, latest = max(machine.first, days * 2 // 5), machine.last - 5
    if machine.number % 5 == 2 and earliest < latest:
        begins = int(rng.uniform(earliest, latest) * DAY_SECONDS)
        ends = begins + int(rng.uniform(1.0, 4.0) * DAY_SECONDS)
        planned = replace(
            planned, dead=Incident(DEAD, begins, ends), tries=_TRIES_AT_A_DEAD_MACHINE[int(rng.integers(2))]
        )
    rounds = [position for position, visit in enumerate(machine.visits) if visit.kind == "round"]
    all_year = [slot.product for slot in machine.slots if slot.hot_product is None]
    if machine.number % 9 == 8 and len(rounds) > 3:
        first = int(rng.integers(1, len(rounds) - 1))
        last = min(first + int(rng.integers(1, 6)), len(rounds) - 1)
        begins, ends = (machine.visits[rounds[position]].starts for position in (first, last))
        wrong = Incident(WRONG_PRICE, begins, ends, product=all_year[int(rng.integers(len(all_year)))])
        planned = replace(planned, wrong_price=wrong, error=int(rng.choice(_PRICE_ERRORS)))
    return planned


def while_it_works(
    attempts: Attempts, planned: IncidentPlan, rng: np.random.Generator
) -> tuple[Attempts, IncidentPlan]:
    """The attempts as a dead machine notes them, and the plan with the units that no one got."""
    if planned.dead is None:
        return attempts, planned
    is_dead = _within(attempts.moment, planned.dead)
    wanted = is_dead & (attempts.status == COMPLETED)
    noted = ~is_dead | (rng.random(is_dead.size) < planned.tries)
    status = np.where(is_dead, FAILED, attempts.status)
    noted_attempts = Attempts(
        moment=attempts.moment[noted],
        slot=attempts.slot[noted],
        quantity=attempts.quantity[noted],
        payment=attempts.payment[noted],
        status=status[noted],
    )
    units = int(attempts.quantity[wanted].sum())
    return noted_attempts, replace(planned, dead=replace(planned.dead, units=units))


def charged(
    price: NDArray[np.int64], product: NDArray[np.int64], moment: NDArray[np.int64], planned: IncidentPlan
) -> NDArray[np.int64]:
    """The prices that the machine charges in place of those that it should charge."""
    if planned.wrong_price is None:
        return price
    return (
        np.where(_within(moment, planned.wrong_price) & (product == planned.wrong_price.product), planned.error, 0)
        + price
    )


def as_they_went(
    planned: IncidentPlan, moment: NDArray[np.int64], product: NDArray[np.int64], units: NDArray[np.int64]
) -> tuple[Incident, ...]:
    """What was planned and happened, of the wrong price with what was sold at it."""
    wrong = planned.wrong_price
    if wrong is not None:
        sold = int(units[_within(moment, wrong) & (product == wrong.product)].sum())
        wrong = replace(wrong, units=sold, yen=sold * planned.error)
    return tuple(incident for incident in (planned.dead, wrong) if incident is not None)


def in_the_box(
    machine: Machine, cash: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], tuple[Incident, ...]]:
    """The cash that the visits find, of what should be there, and why it is another sum."""
    off = rng.integers(1, _MOST_COINS + 1, cash.size) * _COIN * rng.choice((-1, 1), cash.size)
    difference = np.where(rng.random(cash.size) < _MISCOUNTED_SHARE, np.maximum(off, -cash), 0)
    kinds = np.where(difference != 0, MISCOUNT, "").astype(object)
    worth_it = np.flatnonzero(cash >= (_FEWEST_NOTES + 1) * _NOTE)
    # Not from the first collection: it is unknown since when that box had filled.
    worth_it = worth_it[worth_it > 0]
    if machine.number % 4 == 3 and worth_it.size:
        for visit in rng.choice(worth_it, size=min(worth_it.size, int(rng.integers(1, 3))), replace=False).tolist():
            most = int(cash[visit]) // _NOTE
            difference[visit] = -_NOTE * int(rng.integers(_FEWEST_NOTES, most + 1))
            kinds[visit] = THEFT
    happened = tuple(
        Incident(
            kind=kinds[visit],
            begins=machine.visits[visit].starts,
            ends=machine.visits[visit].starts,
            visit=visit,
            yen=int(difference[visit]),
        )
        for visit in np.flatnonzero(difference).tolist()
    )
    return cash + difference, happened


def _within(moment: NDArray[np.int64], incident: Incident) -> NDArray[np.bool_]:
    return np.asarray((moment >= incident.begins) & (moment < incident.ends), dtype=np.bool_)
