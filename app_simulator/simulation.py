"""The rules of the game: who asks for a refund, who checks in, and what is true about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from app_simulator.fleet import FailedVend, Fleet, Visit, fleet_of
from app_simulator.items import Item, check_in, customer, machine_report, number, photo, refund_request

_NICKNAMES = ("さくら", "ケン", "momo", "髙橋", "ヒロ", "yuki", "タロウ", "はな")
_NOTES = ("", "お金が戻りませんでした", "商品が出てきません", "ボタンを押しても反応しない😢")
_ASKING, _HONEST, _AGAIN = 0.7, 0.85, 0.06
_CHECKS_IN, _PASSES_BY = 0.9, 0.04
_CUSTOMERS = 60


@dataclass(frozen=True)
class Truth:
    """What the analysis should find."""

    transaction_of_request: dict[str, str | None]
    """Of each request the vend that failed, if there was one."""
    visit_of_check_in: dict[str, str | None]
    """Of each check-in the visit in which the machine was filled, if it was."""
    unseen_visits: frozenset[str]
    """Visits without a check-in."""


@dataclass(frozen=True)
class App:
    items: tuple[Item, ...]
    truth: Truth


def simulate(folder: Path, *, seed: int = 1) -> App:
    """The app of the fleet whose files are in the folder."""
    random, fleet = Random(seed), fleet_of(folder)
    first = min(vend.happened_at for vend in fleet.failed_vends)
    customers = [f"C{number_:04d}" for number_ in range(1, _CUSTOMERS + 1)]
    items: list[Item] = [
        customer(
            one, random.choice(_NICKNAMES), random.randrange(0, 5000), first - timedelta(hours=random.randrange(9000))
        )
        for one in customers
    ]
    transactions: dict[str, str | None] = {}
    for request, transaction in _requests(random, fleet, customers):
        items.append(request)
        transactions[request["request_id"]["S"]] = transaction
    visits: dict[str, str | None] = {}
    for found, visit in _check_ins(random, fleet):
        items += found
        visits[found[0]["check_in_id"]["S"]] = visit
    items += _reports(random, fleet, first)
    seen = {visit for visit in visits.values() if visit is not None}
    unseen = frozenset(visit.visit_id for visit in fleet.visits if visit.visit_id not in seen)
    return App(tuple(items), Truth(transactions, visits, unseen))


def _requests(random: Random, fleet: Fleet, customers: list[str]) -> Iterator[tuple[Item, str | None]]:
    """For most of the vends that failed; some people ask twice, and some for what never happened."""
    count = 0
    for vend in fleet.failed_vends:
        if random.random() > _ASKING:
            continue
        for _ in range(1 + (random.random() < _AGAIN)):
            count += 1
            yield _request(random, count, vend, random.choice(customers)), vend.transaction_id
    for _ in range(round(count * (1 - _HONEST))):
        count += 1
        vend = random.choice(fleet.failed_vends)
        never = FailedVend(
            "", vend.machine_id, "99", vend.amount, vend.happened_at + timedelta(minutes=random.randrange(60))
        )
        yield _request(random, count, never, random.choice(customers)), None


def _request(random: Random, count: int, vend: FailedVend, customer_id: str) -> Item:
    happened = (vend.happened_at + timedelta(minutes=random.randint(-5, 10))).replace(second=0)
    asked = max(vend.happened_at, happened) + timedelta(minutes=random.randrange(1, 600))
    return refund_request(
        f"R{count:05d}",
        customer_id,
        vend.machine_id,
        vend.slot_no,
        vend.amount,
        happened,
        asked,
        random.choice(_NOTES),
    )


def _check_ins(random: Random, fleet: Fleet) -> Iterator[tuple[list[Item], str | None]]:
    """With the photos that were taken there."""
    for count, visit in enumerate(sorted(fleet.visits, key=lambda one: (one.began_at, one.visit_id))):
        if random.random() < _CHECKS_IN:
            yield _check_in(random, f"K{count:05d}", visit), visit.visit_id
        if random.random() < _PASSES_BY:
            elsewhere = Visit("", random.choice(fleet.machines), visit.staff_id, visit.began_at + timedelta(hours=9))
            yield _check_in(random, f"X{count:05d}", elsewhere), None


def _check_in(random: Random, check_in_id: str, visit: Visit) -> list[Item]:
    arrived = visit.began_at - timedelta(minutes=random.randrange(1, 12))
    left = arrived + timedelta(minutes=random.randrange(15, 60)) if random.random() < 0.95 else None
    place = {
        "latitude": number(f"{35 + random.random():.7f}"),
        "longitude": number(f"{139 + random.random():.7f}"),
    }
    found = [check_in(check_in_id, visit.staff_id, visit.machine_id, arrived, left, place)]
    for count in range(random.randrange(3)):
        taken = arrived + timedelta(minutes=count + 1)
        size = random.randrange(200_000, 4_000_000)
        found.append(photo(f"{check_in_id}-{count}", visit.staff_id, visit.machine_id, check_in_id, taken, size))
    return found


def _reports(random: Random, fleet: Fleet, first: datetime) -> Iterator[Item]:
    """Twice a day from every machine; around a vend that failed often with an error."""
    troubles = {(vend.machine_id, vend.happened_at.date()) for vend in fleet.failed_vends}
    days = {vend.happened_at.date() for vend in fleet.failed_vends}
    for machine in fleet.machines:
        for day in sorted(days):
            for hour in (6, 18):
                has_error = (machine, day) in troubles and random.random() < 0.5
                at = datetime.combine(day, datetime.min.time()) + timedelta(hours=hour)
                temperature = f"{random.uniform(2, 8):.1f}"
                yield machine_report(machine, at, temperature, random.random() < 0.02, ["E07"] if has_error else [])
