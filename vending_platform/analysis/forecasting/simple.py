"""Models that need numpy alone, each for all series at once: what is expected on each of the next days.

Each counts a day as far as the series was available on it: a rate is units by availability, never units by days.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vending_platform.analysis.forecasting.declaration import HOLIDAY, HORIZON
from vending_platform.analysis.forecasting.panel import Floats, Numbers, Panel

_WEEKS = 8
_LEVEL_HALF_LIFE = 60.0
"""Days after which a day counts half for the level of a series."""
_GROUP_HALF_LIFE = 7.0
"""The same for the level of a group."""
_PRIOR_DAYS = 3.0
"""So many days the level that is expected of a series counts, beside its own."""
_PRIOR_UNITS = 30.0
"""So many units the fleet's pattern of the week counts, beside a group's own."""
_PRIOR_HOLIDAYS = 4.0
"""So many holidays, on which nothing is different, count beside those of all groups; and those of all beside a group's
own."""
_TREND_DAYS = 35
_TREND_KEPT = 0.9
"""The trend of a pool is weaker by so much each day ahead."""


def weekday_mean(panel: Panel) -> Floats:
    """The mean of the same weekday in the last eight weeks; of all days, where that weekday was never available."""
    units, open_share = np.nan_to_num(panel.units), panel.available
    start = max(panel.days - 7 * _WEEKS, 0)
    found = np.empty((len(units), HORIZON))
    everything = _rate(units[:, start:].sum(axis=1), open_share[:, start:].sum(axis=1))
    for ahead in range(HORIZON):
        same = np.arange(panel.days + ahead - 7 * ((ahead // 7) + 1), start - 1, -7)
        same = same[same < panel.days]
        total, counted = units[:, same].sum(axis=1), open_share[:, same].sum(axis=1)
        found[:, ahead] = np.where(counted > 0.5, _rate(total, counted), everything)
    return found


def smoothed(panel: Panel) -> Floats:
    """Exponential smoothing of each series by itself, with its pattern of the week taken out and put back: of four
    rates of forgetting the one that fits the last eight weeks best."""
    week = week_patterns(panel)[panel.groups]
    exposure = panel.available * week[:, : panel.days]
    units = np.nan_to_num(panel.units)
    best, errors = np.zeros(len(units)), np.full(len(units), np.inf)
    for forgetting in (0.03, 0.08, 0.16, 0.3):
        level, wrong = _level(units, exposure, forgetting)
        better = wrong < errors
        best[better], errors[better] = level[better], wrong[better]
    return best[:, None] * week[:, panel.days :]


def pooled(panel: Panel) -> Floats:
    """What series have in common is learned from all of them: the pattern of the week of a group, and how a pool rises
    and falls from day to day. A series has a level of its own, drawn to what is usual for its category in its group as
    long as little is known about it."""
    units, there = np.nan_to_num(panel.units), panel.available
    week = week_patterns(panel)[panel.groups]
    levels = _rate(units.sum(axis=1), (there * week[:, : panel.days]).sum(axis=1))
    recent = 0.5 ** ((panel.days - 1 - np.arange(panel.days)) / _LEVEL_HALF_LIFE)
    for _ in range(4):
        expected = levels[:, None] * week[:, : panel.days] * there
        factors = _pool_factors(panel, units, expected)
        exposure = factors[panel.pools] * week[:, : panel.days] * there
        levels = _levels(panel, units * recent, exposure * recent)
        week = week_patterns(panel, levels[:, None] * factors[panel.pools] * there)[panel.groups]
    ahead = np.array([_continued(factor) for factor in factors])
    now = _of_late(panel, units, levels[:, None] * factors[panel.pools] * week[:, : panel.days] * there)
    return np.asarray((levels * now)[:, None] * ahead[panel.pools] * week[:, panel.days :])


def adjusted(model: Callable[[Panel], Floats]) -> Callable[[Panel], Floats]:
    """The model on what would have been counted had covariates been as usual; what it expects then changes with what
    is expected of them. A day on which more was to be expected counts as if there had been more of the day."""

    def with_covariates(panel: Panel) -> Floats:
        response = panel.responses[panel.days]
        return model(replace(panel, available=panel.available * response.past)) * response.ahead

    return with_covariates


def week_patterns(panel: Panel, exposure: Floats | None = None) -> Floats:
    """[group, day], of the days that are forecast too: how much more than on an average day; drawn to the pattern of
    all, where little is known. A holiday lies between its weekday and a Sunday, where holidays have shown it to."""
    units = np.nan_to_num(panel.units)
    exposure = (
        panel.available * _rate(units.sum(axis=1), panel.available.sum(axis=1))[:, None]
        if exposure is None
        else exposure
    )
    by_day = np.zeros((2, len(panel.group_names), panel.days))
    np.add.at(by_day[0], panel.groups, units)
    np.add.at(by_day[1], panel.groups, exposure)
    is_workday = panel.kinds != HOLIDAY
    sold, expected = np.zeros((2, len(panel.group_names), 7))
    for weekday in range(7):
        days = (panel.weekdays == weekday)[: panel.days] & is_workday[: panel.days]
        sold[:, weekday], expected[:, weekday] = by_day[0][:, days].sum(axis=1), by_day[1][:, days].sum(axis=1)
    fleet = _rate(sold.sum(axis=0), expected.sum(axis=0), otherwise=1.0)
    of_weekdays = (sold + _PRIOR_UNITS * fleet) / (expected + _PRIOR_UNITS)
    index, to_sunday = of_weekdays[:, panel.weekdays], (of_weekdays[:, 6:] - of_weekdays)[:, panel.weekdays]
    share = _like_sundays(by_day, index, to_sunday, np.flatnonzero(~is_workday[: panel.days]))
    return np.where(is_workday, index, index + share[:, None] * to_sunday)


def _like_sundays(by_day: Floats, index: Floats, to_sunday: Floats, holidays: Numbers) -> Floats:
    """Per group how far its holidays are from their weekdays to a Sunday; drawn to how far those of all are."""
    usual = by_day[1][:, holidays]
    change, missing = usual * to_sunday[:, holidays], by_day[0][:, holidays] - usual * index[:, holidays]
    weight = 1 / np.maximum(usual, 1.0)
    squares, crossed = (change**2 * weight).sum(axis=1), (change * missing * weight).sum(axis=1)
    typical = max(float(squares.sum()) / max(usual.size, 1), 1e-9)
    fleet = crossed.sum() / (squares.sum() + _PRIOR_HOLIDAYS * typical)
    prior = _PRIOR_HOLIDAYS * typical
    return np.asarray(np.clip((crossed + prior * fleet) / (squares + prior), 0.0, 1.0))


def _level(units: Floats, exposure: Floats, forgetting: float) -> tuple[Floats, Floats]:
    """The level after the last day, and how wrong it was on the days of the last eight weeks."""
    total, counted = np.zeros(len(units)), np.full(len(units), 1e-6)
    wrong = np.zeros(len(units))
    first = units.shape[1] - 7 * _WEEKS
    for day in range(units.shape[1]):
        if day >= first:
            wrong += np.abs(units[:, day] - total / counted * exposure[:, day])
        kept = 1 - forgetting * (exposure[:, day] > 0)
        total = kept * total + units[:, day]
        counted = kept * counted + exposure[:, day]
    return total / counted, wrong


def _of_late(panel: Panel, units: Floats, expected: Floats) -> Floats:
    """Per series how much more than expected its part of its group (the series of one pool) has sold of late: a group's
    level moves faster than the shares of its series."""
    pools = int(panel.pools.max()) + 1
    part = panel.groups * pools + panel.pools
    recent = 0.5 ** ((panel.days - 1 - np.arange(panel.days)) / _GROUP_HALF_LIFE)
    size = len(panel.group_names) * pools
    sold, wanted = _per(part, units @ recent, size), _per(part, expected @ recent, size)
    return np.asarray(((sold + _PRIOR_UNITS) / (wanted + _PRIOR_UNITS))[part])


def _pool_factors(panel: Panel, units: Floats, expected: Floats) -> Floats:
    """[pool, day], around 1: what was sold of what was expected. A pool of a few series is drawn to 1."""
    count = int(panel.pools.max()) + 1
    sold, wanted = np.zeros((count, panel.days)), np.zeros((count, panel.days))
    np.add.at(sold, panel.pools, units)
    np.add.at(wanted, panel.pools, expected)
    return (sold + _PRIOR_UNITS) / (wanted + _PRIOR_UNITS)


def _levels(panel: Panel, units: Floats, exposure: Floats) -> Floats:
    sold, counted = units.sum(axis=1), exposure.sum(axis=1)
    of_category = _rate(_per(panel.categories, sold), _per(panel.categories, counted))
    usual = of_category[panel.categories]
    groups = len(panel.group_names)
    in_group = _rate(
        _per(panel.groups, sold, groups),
        _per(panel.groups, counted * usual, groups),
        otherwise=1.0,
    )
    return np.asarray((sold + _PRIOR_DAYS * usual * in_group[panel.groups]) / (counted + _PRIOR_DAYS))


def _continued(factor: Floats) -> Floats:
    """A pool's factor on the days ahead: the line of the last weeks, growing weaker, and the distance from it, of
    which as much is left each day as usually was."""
    logs = np.log(np.maximum(factor[-_TREND_DAYS:], 1e-3))
    numbers = np.arange(len(logs)) - (len(logs) - 1)
    if len(logs) < 14:
        return np.full(HORIZON, float(np.exp(logs[-7:].mean())))
    weights = 0.5 ** (-numbers / 14)
    slope, level = np.polyfit(numbers, logs, 1, w=np.sqrt(weights))
    rest = logs - (level + slope * numbers)
    spread = float((rest[:-1] ** 2).sum())
    kept = float(np.clip((rest[1:] * rest[:-1]).sum() / spread, 0, 0.95)) if spread > 0 else 0.0
    ahead = np.arange(1, HORIZON + 1)
    grown = slope * (_TREND_KEPT * (1 - _TREND_KEPT**ahead) / (1 - _TREND_KEPT))
    return np.asarray(np.exp(level + grown + rest[-1] * kept**ahead))


def _per(numbers: Numbers, values: Floats, count: int = 0) -> Floats:
    return np.bincount(numbers, weights=values, minlength=count).astype(np.float64)


def _rate(total: Floats, counted: Floats, otherwise: float = 0.0) -> Floats:
    return np.divide(
        total, counted, out=np.full_like(np.asarray(total, dtype=np.float64), otherwise), where=counted > 1e-9
    )
