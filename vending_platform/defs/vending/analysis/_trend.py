"""A robust trend: the season of the week taken out, the median of all slopes, and where the level changed."""

from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_LEAST_DAYS = 14
_SHORTEST = 7
"""Days between two changes of the level, at least."""
_CHANGES = 3
"""So many are looked for."""
_CERTAIN = 1.96
_CLEARLY = 5.0
"""By so many standard errors the levels before and after must differ: every split is tried, so chance finds some."""


def trend_of(days: pl.DataFrame) -> dict[str, Any]:
    """Of one series, by day."""
    dates: list[date] = days["business_date"].to_list()
    units = days["units"].to_numpy().astype(np.float64)
    found: dict[str, Any] = {
        "first_day": dates[0],
        "last_day": dates[-1],
        "days": len(dates),
        "units_a_day": float(np.median(units)),
    }
    if len(dates) < _LEAST_DAYS:
        return {**found, "direction": "too few days", "level_changed_on": ""}
    numbers = np.array([day.toordinal() for day in dates], dtype=np.float64)
    level = without_season(units, days["day_kind"].to_numpy())
    slope, low, high = slopes(numbers, level)
    direction = "rising" if low > 0 else "falling" if high < 0 else "level"
    changes = level_changes(level)
    return {
        **found,
        "change_per_week": 7 * slope,
        "change_at_least": 7 * low,
        "change_at_most": 7 * high,
        "direction": direction,
        "level_changed_on": ", ".join(str(dates[position]) for position in changes),
    }


def without_season(units: Floats, kinds: NDArray[Any]) -> Floats:
    """What the days would have sold, were all kinds of days alike."""
    level = np.array(units, dtype=np.float64)
    usual = float(np.median(units))
    for kind in np.unique(kinds):
        of_kind = kinds == kind
        level[of_kind] += usual - float(np.median(units[of_kind]))
    return level


def slopes(days: Floats, values: Floats) -> tuple[float, float, float]:
    """Theil's and Sen's slope per day, and the interval that has the true one in 95 of 100 cases."""
    first, second = _pairs(len(days))
    found = (values[second] - values[first]) / (days[second] - days[first])
    count, pairs = len(days), len(found)
    spread = _CERTAIN * np.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    lowest = max(int(np.floor((pairs - spread) / 2)), 0)
    highest = min(int(np.ceil((pairs + spread) / 2)), pairs - 1)
    middle = (pairs - 1) // 2, pairs // 2
    found.partition(sorted({lowest, highest, *middle}))
    return float((found[middle[0]] + found[middle[1]]) / 2), float(found[lowest]), float(found[highest])


@lru_cache(maxsize=2)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Machines have nearly always the same number of days."""
    first, second = np.triu_indices(count, k=1)
    return first, second


def level_changes(values: Floats) -> list[int]:
    """Positions from which on the level is another, by splitting where the two sides differ most. Extreme days are cut
    to what is usual, so that one of them is not a change."""
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    cut = np.clip(values, middle - 4 * spread, middle + 4 * spread) if spread > 0 else values
    found: list[int] = []
    stretches = [(0, len(cut))]
    while stretches and len(found) < _CHANGES:
        best = max((_best_split(cut, *stretch) for stretch in stretches), key=lambda split: split[0])
        strength, position, start, end = best
        if strength < _CLEARLY:
            break
        found.append(position)
        stretches = [stretch for stretch in stretches if stretch != (start, end)]
        stretches += [(start, position), (position, end)]
    return sorted(found)


def _best_split(values: Floats, start: int, end: int) -> tuple[float, int, int, int]:
    count = end - start
    positions = np.arange(_SHORTEST, count - _SHORTEST + 1)
    if not len(positions):
        return 0.0, start, start, end
    part = values[start:end]
    sums, squares = np.cumsum(part), np.cumsum(part * part)
    left, right = sums[positions - 1], sums[-1] - sums[positions - 1]
    means = left / positions, right / (count - positions)
    within = squares[-1] - left * means[0] - right * means[1]
    error = np.sqrt(np.maximum(within, 1e-9) / (count - 2) * (1 / positions + 1 / (count - positions)))
    strengths = np.abs(means[0] - means[1]) / error
    at = int(np.argmax(strengths))
    return float(strengths[at]), start + int(positions[at]), start, end
