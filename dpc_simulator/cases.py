"""Cases as hospitals treat them: who is admitted, for how long, what is done, and who comes back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dpc_simulator.reference import GROUPS, PROCEDURES, DiagnosisGroup, Hospital


@dataclass(frozen=True)
class Order:
    """A procedure that was done on a day."""

    code: str
    day: date
    amount: str
    times: int


@dataclass(frozen=True)
class Case:
    """One stay. `insurance` 3 is not charged by the group, and not in the marts."""

    hospital: str
    number: str
    episode: int
    sex: str
    born_on: date
    admitted_on: date
    discharged_on: date
    group: DiagnosisGroup
    insurance: str
    outcome: str
    orders: tuple[Order, ...]
    scores: tuple[tuple[int, int, int], ...]
    """The nursing need of each day."""

    @property
    def days(self) -> list[date]:
        count = (self.discharged_on - self.admitted_on).days + 1
        return [self.admitted_on + timedelta(number) for number in range(count)]

    @property
    def points(self) -> int:
        return sum(self.group.points_of_day(number) for number, _ in enumerate(self.days, 1))


def first_of_month(first: date, months_later: int) -> date:
    number = first.year * 12 + first.month - 1 + months_later
    return date(number // 12, number % 12 + 1, 1)


def treat(hospital: Hospital, first: date, months: int, cases: int, orders: int, seed: int) -> Iterator[list[Case]]:
    """The cases that are discharged in each of the months, about so many, each with about so many orders."""
    chance = random.Random(f"{seed} {hospital.code}")
    known: list[Case] = []
    for month in range(months):
        begin, after = first_of_month(first, month), first_of_month(first, month + 1)
        found = []
        for number in range(cases * (80 + chance.randrange(41)) // 100):
            before = chance.choice(known) if known and chance.random() < 0.12 else None
            case = _case(chance, hospital, begin, after, before, f"{month:04d}{number:06d}", orders)
            found.append(case)
        found.sort(key=lambda one: (one.number, one.admitted_on))
        known = [one for one in found if one.outcome not in ("6", "7")]
        yield found


def _case(
    chance: random.Random, hospital: Hospital, begin: date, after: date, before: Case | None, number: str, orders: int
) -> Case:
    group = chance.choices(list(GROUPS.values()), [one.weight for one in GROUPS.values()])[0]
    stay = max(1, round(chance.lognormvariate(0, 0.5) * group.days[1]))
    discharged = begin + timedelta(chance.randrange((after - begin).days))
    admitted = discharged - timedelta(stay - 1)
    if before is not None and (admitted <= before.discharged_on or before.episode > 8):
        before = None
    days = [admitted + timedelta(at) for at in range(stay)]
    return Case(
        hospital.code,
        before.number if before else number,
        before.episode + 1 if before else 1,
        before.sex if before else chance.choice("12"),
        before.born_on
        if before
        else date(1930 + chance.randrange(75), 1 + chance.randrange(12), 1 + chance.randrange(28)),
        admitted,
        discharged,
        group,
        chance.choices("123", (90, 7, 3))[0],
        chance.choices("1234567", (20, 60, 5, 5, 5, 3, 2))[0],
        tuple(_orders(chance, group, days, orders)),
        tuple((chance.randrange(5), chance.randrange(6), int(chance.random() < 0.1)) for _ in days),
    )


def _orders(chance: random.Random, group: DiagnosisGroup, days: list[date], count: int) -> Iterator[Order]:
    for number in range(max(1, count * (50 + chance.randrange(101)) // 100)):
        code = group.procedures[number % len(group.procedures)]
        is_surgery = PROCEDURES[code].category == "手術"
        if is_surgery and number >= len(group.procedures):
            continue
        amount = "1" if is_surgery else chance.choice(("1", "1", "2", "0.5", "1.25"))
        yield Order(code, chance.choice(days), amount, 1 if is_surgery else 1 + chance.randrange(3))
