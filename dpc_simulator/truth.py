"""What the marts have to show, counted from the cases themselves and not from what was delivered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from dpc_simulator.cases import Case
from dpc_simulator.reference import PROCEDURES

Months = Mapping[tuple[str, date], list[Case]]
"""The cases of each hospital and month whose package is right."""


@dataclass(frozen=True)
class Truth:
    """By the keys of each mart, its figures."""

    case_mix: dict[tuple[date, str, str], tuple[int, int, int]]
    """Cases, points, days of stay."""
    length_of_stay: dict[tuple[date, str, str, str], tuple[int, int]]
    """Cases and days of stay."""
    procedure_use: dict[tuple[date, str, str], tuple[int, int, Decimal, int]]
    """Patients, times, amount, points."""
    readmissions: set[tuple[date, str, str, date, int]]
    """Month, hospital, patient, day of admission, days since the discharge before."""
    monthly_kpi: dict[tuple[date, str], tuple[int, int, int, int, int]]
    """Cases, days of stay, points, deaths, readmissions."""


def truth_of(months: Months, within: int = 30) -> Truth:
    mix: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0])
    stays: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    kpi: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    readmissions = set(_readmissions(months, within))
    for (hospital, month), cases in months.items():
        for case in filter(_is_charged, cases):
            days, points = len(case.days), case.points
            _add(mix[month, hospital, case.group.code], 1, points, days)
            _add(stays[month, hospital, case.group.code, _period(case)], 1, days)
            _add(kpi[month, hospital], 1, days, points, case.outcome in ("6", "7"), 0)
    for month, hospital, *_ in readmissions:
        _add(kpi[month, hospital], 0, 0, 0, 0, 1)
    return Truth(_fixed(mix), _fixed(stays), _procedures(months), readmissions, _fixed(kpi))


def _is_charged(case: Case) -> bool:
    return case.insurance in ("1", "2")


def _period(case: Case) -> str:
    for name, last in zip(("I", "II", "III"), case.group.days, strict=True):
        if len(case.days) <= last:
            return name
    return "beyond III"


def _procedures(months: Months) -> dict[tuple[date, str, str], tuple[int, int, Decimal, int]]:
    patients: dict[Any, set[str]] = defaultdict(set)
    sums: dict[Any, list[Any]] = defaultdict(lambda: [0, Decimal(0), 0])
    for (hospital, month), cases in months.items():
        for case in cases:
            for order in case.orders:
                key = month, hospital, order.code
                patients[key].add(case.number)
                points = PROCEDURES[order.code].points * order.times
                _add(sums[key], order.times, Decimal(order.amount) * order.times, points)
    return {key: (len(patients[key]), *values) for key, values in sums.items()}


def _readmissions(months: Months, within: int) -> Iterable[tuple[date, str, str, date, int]]:
    of_patient: dict[tuple[str, str], list[tuple[Case, date]]] = defaultdict(list)
    for (hospital, month), cases in months.items():
        for case in filter(_is_charged, cases):
            of_patient[hospital, case.number].append((case, month))
    for (hospital, number), stays in of_patient.items():
        stays.sort(key=lambda stay: (stay[0].admitted_on, stay[0].discharged_on))
        for (before, _), (case, month) in pairwise(stays):
            days = (case.admitted_on - before.discharged_on).days
            if 0 <= days <= within:
                yield month, hospital, number, case.admitted_on, days


def _add(sums: list[Any], *values: Any) -> None:
    for place, value in enumerate(values):
        sums[place] += value


def _fixed(sums: Mapping[Any, list[int]]) -> dict[Any, Any]:
    return {key: tuple(values) for key, values in sums.items()}
