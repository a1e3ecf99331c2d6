"""The rules by which the marts are judged: which episodes are the same, what a visit does, whom a driver visits."""

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pytest

from benchmarks.deciding import Advice, choose, delivered
from benchmarks.evenings import moved
from benchmarks.finding import Episode, pair
from benchmarks.rounds import Attempt, Demand, Fleet, RawFolder, Visit, draw, fixed_rounds
from fleet_simulator.demand import COMPLETED, FAILED
from fleet_simulator.fleet import Slot

NINE, TEN, ELEVEN, TWELVE = (datetime(2024, 3, 1, hour) for hour in (9, 10, 11, 12))


def episode(since: datetime, until: datetime, slot: str = "01") -> Episode:
    return Episode("VM001", slot, since, until, lost_units=1)


@pytest.mark.parametrize(
    ("found", "happened", "paired"),
    [
        ([episode(NINE, ELEVEN)], [episode(TEN, TWELVE)], 1),
        ([episode(NINE, TEN)], [episode(TEN, TWELVE)], 0),  # they touch, but no moment is in both
        ([episode(NINE, ELEVEN)], [episode(NINE, ELEVEN, slot="02")], 0),
        ([episode(NINE, TWELVE)], [episode(NINE, TEN), episode(ELEVEN, TWELVE)], 1),  # one can't be right twice
        ([episode(NINE, TEN), episode(ELEVEN, TWELVE)], [episode(NINE, TWELVE)], 1),
        ([episode(ELEVEN, TWELVE), episode(NINE, TEN)], [episode(NINE, TEN), episode(ELEVEN, TWELVE)], 2),
        ([], [episode(NINE, TEN)], 0),
    ],
)
def test_episodes_are_paired_one_to_one_where_they_overlap(
    found: list[Episode], happened: list[Episode], paired: int
) -> None:
    pairs = pair(found, happened)
    assert (pairs.found, pairs.happened, pairs.paired) == (len(found), len(happened), paired)
    assert pairs.recall == paired / len(happened)


@pytest.fixture(scope="module")
def drawn() -> Fleet:
    return draw(7, machines=12, first_day=date(2024, 3, 1), days=28)


def one_slot(drawn: Fleet, *attempts: Attempt, opening: int) -> Fleet:
    """One machine with a slot for five, and these attempts on each day."""
    product = drawn.demands[0].machine.slots[0].product
    slot = Slot("01", capacity=5, product=product, hot_product=None, weight=1.0)
    machine = replace(drawn.demands[0].machine, slots=(slot,))
    return replace(drawn, demands=(Demand(machine, (attempts,) * 28, (opening,)),))


def test_who_finds_less_takes_what_there_is_and_the_rest_is_lost(drawn: Fleet) -> None:
    wanted = [
        Attempt(100, slot=0, quantity=2, payment=0, status=COMPLETED),
        Attempt(150, slot=0, quantity=1, payment=0, status=FAILED),
        Attempt(200, slot=0, quantity=2, payment=0, status=COMPLETED),
        Attempt(300, slot=0, quantity=1, payment=0, status=COMPLETED),
    ]
    fleet = one_slot(drawn, *wanted, opening=3)
    # 3 − 2 = 1; a failed vend takes nothing; one of two; the next leaves: 1 + 1 lost.
    day = RawFolder(fleet).live(0, {})
    assert [(vend.second, vend.quantity) for vend in day.vends] == [(100, 2), (150, 1), (200, 1)]
    assert (day.lost_units, day.visits, day.touches) == (2, 0, ())
    assert day.lost_yen == 2 * int(fleet.goods.prices[fleet.demands[0].machine.slots[0].product, 0])


@pytest.mark.parametrize(
    ("visit", "added", "lost"),
    [
        (Visit(150), 4, 0),  # filled: 5 − 1 = 4
        (Visit(150, {"01": 2}), 2, 1),  # 1 + 2 = 3 for four
        (Visit(150, {"01": 9}), 4, 0),  # no more than there is room for
        (Visit(150, {}), None, 3),
        (Visit(99, {"01": 9}), 3, 0),  # before the first of them came, with 2 in it
        (Visit(100, {"01": 9}), 4, 0),  # in the same second he came first
    ],
)
def test_a_visit_loads_what_it_is_told_between_those_who_come_before_and_after(
    drawn: Fleet, visit: Visit, added: int | None, lost: int
) -> None:
    wanted = [Attempt(second, slot=0, quantity=1, payment=0, status=COMPLETED) for second in (100, 200, 300, 400, 500)]
    fleet = one_slot(drawn, *wanted, opening=2)
    machine = fleet.demands[0].machine
    day = RawFolder(fleet).live(0, {machine.machine_id: visit})
    assert [touch.added for touch in day.touches] == ([] if added is None else [added])
    assert (day.lost_units, day.visits) == (lost, 1)
    rows = delivered(fleet, 0, day)
    assert [row["quantity"] for row in rows["stg_vending__sales"]] == [1] * (5 - lost)
    assert [row["quantity_before"] for row in rows["stg_vending__replenishments"]] == [
        touch.before for touch in day.touches
    ]


def test_on_fixed_days_stock_is_conserved_and_seasons_change(drawn: Fleet) -> None:
    raw_folder, held = RawFolder(drawn), {}
    for wanted in drawn.demands:
        held.update({(wanted.machine.machine_id, slot): units for slot, units in enumerate(wanted.opening)})
    changed = 0
    for number, visits in enumerate(fixed_rounds(drawn)):
        day = raw_folder.live(number, visits)
        assert day.visits == len(visits)
        for vend in day.vends:
            held[vend.machine.machine_id, vend.slot] -= vend.quantity if vend.status == COMPLETED else 0
        for touch in day.touches:
            held[touch.machine.machine_id, touch.slot] += touch.added - touch.removed
            changed += touch.removed > 0 and touch.machine.removed_on is None
        stock = {(name, slot): units for name, slots in raw_folder.stock.items() for slot, units in enumerate(slots)}
        assert stock == held
        assert min(stock.values()) >= 0
    assert changed > 0
    removed = [wanted.machine for wanted in drawn.demands if wanted.machine.removed_on]
    assert [sum(raw_folder.stock[machine.machine_id]) for machine in removed] == [0]


def test_the_first_of_a_route_are_visited_as_often_and_at_the_times_that_were_planned(drawn: Fleet) -> None:
    names = [wanted.machine.machine_id for wanted in drawn.demands]
    planned = {names[0]: Visit(300), names[1]: Visit(100), names[2]: Visit(200), names[10]: Visit(50)}
    advice = {names[8]: Advice(1, {"01": 4}), names[2]: Advice(3, {}), names[7]: Advice(2, {"02": 1})}
    # VM011 and VM012 are a route of their own, and there is no advice about either.
    assert choose(drawn, 10, planned, advice) == {
        names[8]: Visit(100, {"01": 4}),
        names[7]: Visit(200, {"02": 1}),
        names[2]: Visit(300, {}),
        names[10]: Visit(50, {}),
    }


def test_who_fills_a_new_machine_or_takes_one_away_does_so_whatever_is_advised(drawn: Fleet) -> None:
    plans = fixed_rounds(drawn)
    new = next(wanted.machine for wanted in drawn.demands if wanted.machine.first)
    everybody = {wanted.machine.machine_id: Advice(1 + number, {}) for number, wanted in enumerate(drawn.demands)}
    on_its_day = choose(drawn, new.first, plans[new.first], everybody)
    assert on_its_day[new.machine_id] == plans[new.first][new.machine_id]
    assert len(on_its_day) == len(plans[new.first])
    before = choose(drawn, new.first - 1, {name: Visit(1) for name in list(everybody)[:9]}, everybody)
    assert new.machine_id not in before


def test_the_same_people_come_whatever_the_fleet_does(drawn: Fleet) -> None:
    again = draw(7, machines=3, first_day=drawn.first_day, days=28)
    assert again.demands == drawn.demands[:3]
    quantities = [one.quantity for wanted in drawn.demands for day in wanted.by_day for one in day]
    assert 1.0 < np.mean(quantities) < 1.05


def test_a_statement_of_one_evening_is_moved_to_another() -> None:
    sql = "d between cast('2069-12-04' as date) and cast('2070-01-01' as date) and d < cast('9999-12-31' as date)"
    assert moved(sql, date(2024, 3, 29)) == (
        "d between cast('2024-03-01' as date) and cast('2024-03-29' as date) and d < cast('9999-12-31' as date)"
    )
