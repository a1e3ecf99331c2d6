"""What people would buy: attempts to vend by place, weekday, hour and weather, before stock is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fleet_simulator.assortment import PAYMENT_METHODS
from fleet_simulator.fleet import DAY_SECONDS, Machine, Prefecture

COMPLETED, REFUNDED, FAILED = 0, 1, 2
STATUSES = ("completed", "refunded", "failed")
_STATUS_SHARES = (0.976, 0.010, 0.014)
_PAYMENT_SHARES = (0.42, 0.29, 0.08, 0.06, 0.08, 0.03, 0.04)
_TWO_UNITS_SHARE = 0.015

# Monday to Sunday, relative to an ordinary day.
_WEEKDAYS = {
    "office": (1.10, 1.10, 1.10, 1.10, 1.05, 0.22, 0.12),
    "station": (1.05, 1.05, 1.05, 1.05, 1.10, 0.88, 0.82),
    "school": (1.15, 1.15, 1.15, 1.15, 1.15, 0.35, 0.06),
    "hospital": (1.10, 1.08, 1.05, 1.08, 1.08, 0.85, 0.70),
    "factory": (1.10, 1.10, 1.10, 1.10, 1.10, 0.60, 0.18),
    "park": (0.80, 0.80, 0.80, 0.80, 0.85, 1.50, 1.70),
    "street": (0.95, 0.95, 0.95, 0.95, 1.05, 1.12, 1.08),
}
# Peaks of the day: (hour, height, width in hours), on top of a constant floor.
_DAILY_RHYTHM: dict[str, tuple[float, tuple[tuple[float, float, float], ...]]] = {
    "office": (0.02, ((8.7, 1.0, 0.8), (12.4, 1.2, 0.7), (15.2, 1.0, 1.1), (18.5, 0.4, 1.0))),
    "station": (0.10, ((7.8, 1.4, 0.9), (12.5, 0.4, 1.5), (18.3, 1.3, 1.4), (22.5, 0.4, 1.0))),
    "school": (0.005, ((8.2, 0.6, 0.5), (12.5, 1.5, 0.5), (15.8, 1.3, 0.8), (18.0, 0.6, 0.8))),
    "hospital": (0.06, ((9.5, 1.0, 1.2), (12.5, 0.8, 0.9), (15.5, 0.8, 1.3), (19.5, 0.4, 1.0))),
    "factory": (
        0.08,
        ((7.7, 0.8, 0.6), (10.1, 1.2, 0.4), (12.3, 1.2, 0.5), (15.1, 1.3, 0.4), (22.0, 0.5, 1.0)),
    ),
    "park": (0.03, ((11.0, 0.8, 1.5), (14.5, 1.2, 1.8), (17.0, 0.5, 1.2))),
    "street": (0.15, ((8.0, 0.6, 1.2), (12.5, 0.6, 1.5), (17.5, 0.7, 2.0), (22.0, 0.6, 1.5))),
}
# On days off people come later, and no one follows the hours of a shift.
_DAY_OFF_RHYTHM: tuple[float, tuple[tuple[float, float, float], ...]] = (
    0.08,
    ((10.5, 0.8, 1.8), (14.5, 1.0, 2.2), (18.0, 0.7, 2.0)),
)


@dataclass(frozen=True)
class Attempts:
    """Attempts in the order of their `moment`, in seconds from the first day's midnight."""

    moment: NDArray[np.int64]
    slot: NDArray[np.int64]
    quantity: NDArray[np.int64]
    payment: NDArray[np.int64]
    status: NDArray[np.int64]


def temperatures(prefecture: Prefecture, seed: int, first_day: date, days: int) -> NDArray[np.float64]:
    """The mean temperature of every day in degrees Celsius; weather moves over the whole country at once."""
    noise = np.random.default_rng([seed, 0, 4]).normal(0.0, 1.6, days)
    drift = np.empty(days)
    level = 0.0
    for day in range(days):
        level = 0.7 * level + noise[day]
        drift[day] = level
    day_of_year = np.array([(first_day + timedelta(days=day)).timetuple().tm_yday for day in range(days)])
    season = np.cos(2 * np.pi * (day_of_year - 210) / 365.25)
    return np.asarray(prefecture.mean_temperature + prefecture.swing * season + drift, dtype=np.float64)


def draw(
    machine: Machine,
    *,
    seed: int,
    first_day: date,
    days: int,
    temperature: NDArray[np.float64],
    is_hot: NDArray[np.bool_],
    rows_per_day: int | None,
) -> Attempts:
    """Every attempt at one machine; `is_hot[day, slot]` is what the slots hold.

    With `rows_per_day` there are exactly that many on every day, else as many as place, day and weather
    suggest.
    """
    rng = np.random.default_rng([seed, machine.number, 3])
    rates = _rates(machine, rng, first_day, days, temperature, is_hot)
    if rows_per_day is None:
        per_day_and_slot = rng.poisson(rates).ravel()
        cell = np.repeat(np.arange(per_day_and_slot.size), per_day_and_slot)
        day, slot = np.divmod(cell, len(machine.slots))
    else:
        day = np.repeat(np.arange(days), rows_per_day)
        # A little of everything everywhere, so that also a slot out of season has a share.
        shares = rates + 1e-6
        ladder = np.cumsum(shares, axis=1) / shares.sum(axis=1, keepdims=True) + np.arange(days)[:, None]
        slot = np.searchsorted(ladder.ravel(), day + rng.random(day.size), side="right") - day * len(machine.slots)
        slot = np.clip(slot, 0, len(machine.slots) - 1)
    count = day.size
    weekday = (first_day.weekday() + day) % 7
    second = _seconds(rng.random(count), weekday >= 5, machine.location_type)
    moment = day * DAY_SECONDS + second
    order = np.argsort(moment, kind="stable")
    return Attempts(
        moment=moment[order],
        slot=slot[order],
        quantity=1 + (rng.random(count) < _TWO_UNITS_SHARE).astype(np.int64),
        payment=_choose(rng, _machine_payment_shares(machine, seed), count),
        status=_choose(rng, _STATUS_SHARES, count),
    )


def _rates(
    machine: Machine,
    rng: np.random.Generator,
    first_day: date,
    days: int,
    temperature: NDArray[np.float64],
    is_hot: NDArray[np.bool_],
) -> NDArray[np.float64]:
    weekday = (first_day.weekday() + np.arange(days)) % 7
    weekly = np.array(_WEEKDAYS[machine.location_type])[weekday]
    cold = np.clip(np.exp(0.036 * (temperature - 15.0)), 0.45, 2.1)
    hot = np.clip(np.exp(-0.060 * (temperature - 13.0)), 0.25, 1.9)
    appetite = np.where(is_hot, hot[:, None], cold[:, None])
    weights = np.array([slot.weight for slot in machine.slots])
    volume = machine.daily_vends * weekly * rng.lognormal(0.0, 0.08, days)
    day = np.arange(days)
    sells = (day >= machine.first) & (day <= machine.last)
    if machine.silent_from is not None:
        sells &= day < machine.silent_from
    return np.asarray((volume * sells)[:, None] * weights * appetite, dtype=np.float64)


def _seconds(chance: NDArray[np.float64], is_day_off: NDArray[np.bool_], location_type: str) -> NDArray[np.int64]:
    workday = np.interp(chance, *_rhythm(_DAILY_RHYTHM[location_type]))
    day_off = np.interp(chance, *_rhythm(_DAY_OFF_RHYTHM))
    return np.minimum(np.where(is_day_off, day_off, workday), DAY_SECONDS - 1).astype(np.int64)


def _rhythm(
    shape: tuple[float, tuple[tuple[float, float, float], ...]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The share of a day's attempts up to a second of the day, and those seconds."""
    floor, peaks = shape
    edges = np.linspace(0.0, 24.0, 97)
    middles = np.array([(low + high) / 2 for low, high in pairwise(edges)])
    height = floor + sum(tall * np.exp(-0.5 * ((middles - hour) / wide) ** 2) for hour, tall, wide in peaks)
    # Few people are about at night, wherever the machine stands.
    height = np.where((middles < 5.0) & (middles > 0.5), height * 0.25, height)
    share = np.concatenate([[0.0], np.cumsum(height)])
    return share / share[-1], edges * 3600.0


def _machine_payment_shares(machine: Machine, seed: int) -> tuple[float, ...]:
    rng = np.random.default_rng([seed, machine.number, 4])
    shares = np.array(_PAYMENT_SHARES) * rng.lognormal(0.0, 0.2, len(PAYMENT_METHODS))
    return tuple(float(share) for share in shares / shares.sum())


def _choose(rng: np.random.Generator, shares: tuple[float, ...], count: int) -> NDArray[np.int64]:
    ladder = np.cumsum(shares)[:-1]
    return np.searchsorted(ladder, rng.random(count), side="right").astype(np.int64)
