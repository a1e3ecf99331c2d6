"""Past forecasts by rolling origin, and what they decide: how much each model counts for each series, what corrects a
lag, and how wide the intervals are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vending_platform.analysis.forecasting.declaration import HORIZON, LEVELS
from vending_platform.analysis.forecasting.measuring import ForecastErrors, Mask, shares
from vending_platform.analysis.forecasting.panel import Floats, Panel
from vending_platform.analysis.forecasting.quantiles import Dispersion, learn_spread

Model = Callable[[Panel], Floats]
LEAST_DAYS = 14
_ORIGINS = 6
_STEP = 7
_FULLY = 0.999
_NEWEST = 3
_COVERED = 0.8
_SHARED_DAYS = 0.35
_LAG_KEPT = 0.7


@dataclass(frozen=True)
class Backtest:
    """What was forecast from one day on, and what happened. `means` are [model, series, day ahead], of whole days; they
    are compared as far as a day was available (`scale`). The last model is the combination, once there is one."""

    origin: int
    means: Floats
    happened: Floats
    counts: Mask
    scale: Floats


@dataclass(frozen=True)
class Foretold:
    """What each model forecasts, now ([model, series, day ahead]) and from past days."""

    panel: Panel
    now: Floats
    backtests: tuple[Backtest, ...]

    def of(self, models: int) -> "Foretold":
        """By the first so many models alone."""
        tests = tuple(replace(test, means=test.means[:models]) for test in self.backtests)
        return Foretold(self.panel, self.now[:models], tests)


@dataclass(frozen=True)
class Level:
    """Forecasts of the series, or of their groups: `quantiles` are [level, series, day ahead]."""

    panel: Panel
    means: Floats
    quantiles: Floats
    shares: Floats
    backtests: tuple[Backtest, ...]
    spread: Dispersion
    measured: Mapping[tuple[str, str], ForecastErrors] = field(default_factory=dict)
    """By model and segment."""


def origins_of(days: int) -> list[int]:
    """After how many days past forecasts are made, the newest first; each has a history and at least a week to come."""
    return [days - _STEP * back for back in range(1, _ORIGINS + 1) if days - _STEP * back >= LEAST_DAYS] or [
        max(days - _STEP, 7)
    ]


def backtest(panel: Panel, models: Mapping[str, Model], origin: int) -> Backtest:
    known = panel.until(origin)
    happened, available = np.full((len(panel.units), HORIZON), np.nan), np.zeros((len(panel.units), HORIZON))
    ahead = min(HORIZON, panel.days - origin)
    happened[:, :ahead] = panel.units[:, origin : origin + ahead]
    available[:, :ahead] = panel.available[:, origin : origin + ahead]
    counts = ~np.isnan(happened) & (available > _FULLY) & known.is_active[:, None]
    means = np.array([model(known) for model in models.values()])
    return Backtest(origin, means, happened, counts, np.ones_like(available))


def foretold(panel: Panel, models: Mapping[str, Model], *, of_groups: bool = False) -> Foretold:
    """By each model, now and from past days. The days of a group are seldom wholly available; they count as far as they
    were."""
    tests = tuple(backtest(panel, models, origin) for origin in origins_of(panel.days))
    tests = tuple(_of_group(panel, test) for test in tests) if of_groups else tests
    return Foretold(panel, np.array([model(panel) for model in models.values()]), tests)


def combined(series: Foretold, groups: Foretold) -> tuple[Level, Level]:
    """The series, and their groups: each level knows something of the other."""
    of_groups = _level(groups, None)
    of_series = _level(series, of_groups)
    return of_series, _with_sums(of_groups, of_series)


def _level(all_models: Foretold, grouped: Level | None) -> Level:
    panel, tests = all_models.panel, all_models.backtests
    errors = np.sum([_absolute(test).sum(axis=2) for test in tests], axis=0)
    counts = np.sum([test.counts.sum(axis=1) for test in tests], axis=0)
    weights = shares(errors, np.broadcast_to(counts, errors.shape).astype(float))
    means = _weighted(all_models.now, weights)
    past = [_weighted(test.means, weights) for test in tests]
    if grouped is not None:
        means = _reconciled(panel, means, grouped.means)
        group_past = [test.means[-1] for test in grouped.backtests]
        past = [
            _reconciled(panel.until(test.origin), one, of_groups)
            for test, one, of_groups in zip(tests, past, group_past, strict=True)
        ]
    means = means * _lag(tests, past, panel.days)
    past = [one * _lag(tests, past, test.origin) for test, one in zip(tests, past, strict=True)]
    spread = _spread(tests, past)
    tests = tuple(_and_combined(test, one) for test, one in zip(tests, past, strict=True))
    return Level(panel, means, spread.quantiles(means, LEVELS), weights, tests, spread)


def _of_group(panel: Panel, test: Backtest) -> Backtest:
    available = np.zeros_like(test.happened)
    ahead = min(HORIZON, panel.days - test.origin)
    available[:, :ahead] = panel.available[:, test.origin : test.origin + ahead]
    counts = ~np.isnan(test.happened) & (available > 0.5) & panel.until(test.origin).is_active[:, None]
    return replace(test, counts=counts, scale=available)


def _and_combined(test: Backtest, combined: Floats) -> Backtest:
    return replace(test, means=np.concatenate([test.means, combined[None]]))


def _absolute(test: Backtest) -> Floats:
    return np.where(test.counts, np.abs(test.means * test.scale - np.nan_to_num(test.happened)), 0.0)


def _weighted(means: Floats, weights: Floats) -> Floats:
    return np.asarray((means * weights[:, :, None]).sum(axis=0))


def _reconciled(panel: Panel, means: Floats, of_groups: Floats) -> Floats:
    """The series of a group, halfway to what its group is expected to sell: each level knows something of its own."""
    total = np.zeros_like(of_groups)
    np.add.at(total, panel.groups, np.where(panel.is_active[:, None], means, 0.0))
    factor = np.divide(of_groups, total, out=np.ones_like(total), where=total > 1e-6)
    return np.asarray(means * np.sqrt(np.clip(factor, 0.5, 2.0))[panel.groups])


def _lag(tests: Sequence[Backtest], past: Sequence[Floats], days: int) -> float:
    """By how much the newest past forecasts were too low or too high in all, as could be known after so many days:
    models that look back lag behind a season."""
    happened = foretold = 0.0
    before = [(test, one) for test, one in zip(tests, past, strict=True) if test.origin < days]
    for test, one in before[:_NEWEST]:
        known = test.counts & (test.origin + np.arange(HORIZON) < days)
        happened += float(test.happened[known].sum())
        foretold += float((one * test.scale)[known].sum())
    return float(np.clip(happened / foretold, 0.8, 1.25)) ** _LAG_KEPT if foretold > 0 and happened > 0 else 1.0


def _spread(tests: Sequence[Backtest], past: Sequence[Floats], covered: float = _COVERED) -> Dispersion:
    means = np.concatenate([(one * test.scale)[test.counts] for test, one in zip(tests, past, strict=True)])
    happened = np.concatenate([test.happened[test.counts] for test in tests])
    return learn_spread(means, happened, covered)


def _with_sums(grouped: Level, series: Level) -> Level:
    """The groups, halfway to the sums of their series; with intervals a little wider than past forecasts needed, as
    all groups share what is unusual about a day, and there are few past days."""

    def half(means: Floats, panel: Panel, of_series: Floats) -> Floats:
        total = np.zeros_like(means)
        np.add.at(total, panel.groups, np.where(panel.is_active[:, None], of_series, 0.0))
        return np.asarray(np.where(total > 0, np.sqrt(np.maximum(means, 0.0) * total), means))

    means = half(grouped.means, series.panel, series.means)
    past = [
        half(of_groups.means[-1], series.panel.until(of_groups.origin), of_series.means[-1])
        for of_groups, of_series in zip(grouped.backtests, series.backtests, strict=True)
    ]
    spread = _spread(grouped.backtests, past, _COVERED + _SHARED_DAYS / len(past))
    tests = tuple(
        replace(test, means=np.concatenate([test.means[:-1], one[None]]))
        for test, one in zip(grouped.backtests, past, strict=True)
    )
    return Level(grouped.panel, means, spread.quantiles(means, LEVELS), grouped.shares, tests, spread)
