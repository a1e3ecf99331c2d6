"""Forecasts of all series: backtests by rolling origin, a combination of models, calibrated quantiles.

Models forecast from several days of the past, of which the following days are known. That decides how much each model
counts for each series, how wide the intervals are, and how good the forecasts were. Nothing is drawn at random but
what `seed` decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from vending_platform.analysis.forecasting import boosting, simple
from vending_platform.analysis.forecasting.declaration import HORIZON, LEVELS, Declaration, NothingToForecast
from vending_platform.analysis.forecasting.measuring import ForecastErrors, Mask, measured, shares
from vending_platform.analysis.forecasting.panel import Floats, Panel, panel_of
from vending_platform.analysis.forecasting.quantiles import Dispersion, learn_spread

Model = Callable[[Panel], Floats]
SIMPLE: Mapping[str, Model] = {
    "weekday_mean": simple.weekday_mean,
    "smoothed": simple.smoothed,
    "pooled": simple.pooled,
}
"""From the simplest on."""
BOOSTED, COMBINED = "boosted", "combined"
_LEAST_DAYS = 14
_ORIGINS = 6
_STEP = 7
_FULLY = 0.999
_BOOSTED_SHARE = 0.5
_NEWEST = 3
_COVERED = 0.8
_SHARED_DAYS = 0.2
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


@dataclass(frozen=True)
class Forecasts:
    declared: Declaration
    series: Level
    groups: Level
    models: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Models that were not used, and why."""
    newest_errors: Mapping[str, float] = field(default_factory=dict)
    """Of each simple model, also of one that was left out: for the newest days that are known by now."""


def forecast(
    rows: pl.DataFrame,
    declared: Declaration,
    *,
    seed: int = 1,
    usual: Mapping[str, Sequence[float]] | None = None,
    boosted: bool | None = None,
) -> Forecasts:
    """The next days of all series that are still there. `usual` are the errors that each model had in earlier runs:
    one whose error leaves its normal range is left out. `boosted` is by default whether LightGBM is installed."""
    panel = panel_of(rows, declared)
    if panel.days < _LEAST_DAYS:
        raise NothingToForecast(
            f"{declared.name} has {panel.days} days, and {_LEAST_DAYS} are needed: forecast again when there are more"
        )
    use_boosting = boosting.is_installed() if boosted is None else boosted
    models, left_out = dict(SIMPLE), {}
    newest = {name: _error_of(panel, model) for name, model in models.items()}
    for name in list(models)[1:]:  # the simplest is never left out: something has to serve
        if problem := out_of_range(newest[name], (usual or {}).get(name, ())):
            left_out[name] = problem
            del models[name]
    if not use_boosting:
        left_out[BOOSTED] = "LightGBM is not installed: pip install 'vending-platform[forecasts]' installs it"
    grouped = _level(panel.by_group(), models, None)
    series = _level(panel, models, grouped)
    grouped = _with_sums(grouped, series)
    if use_boosting:
        series = _with_boosting(series, models, seed)
    return Forecasts(declared, _judged(series, models), _judged(grouped, models), tuple(models), left_out, newest)


def out_of_range(error: float, before: Sequence[float]) -> str | None:
    """Why an error is not what it usually was; None if it is, or if too little is known."""
    if len(before) < 5:
        return None
    middle = float(np.median(before))
    spread = 1.4826 * float(np.median(np.abs(np.array(before) - middle)))
    most = middle + max(4 * spread, 0.15 * middle)
    return f"its error is {error:.3f}, and usually at most {most:.3f}" if error > most else None


def origins_of(days: int) -> list[int]:
    """After how many days past forecasts are made, the newest first; each has a history and at least a week to come."""
    return [days - _STEP * back for back in range(1, _ORIGINS + 1) if days - _STEP * back >= _LEAST_DAYS] or [
        max(days - _STEP, 7)
    ]


def _error_of(panel: Panel, model: Model) -> float:
    """Of all series, for the newest past forecast."""
    test = _backtest(panel, {"one": model}, origins_of(panel.days)[0])
    counted = np.where(test.counts, np.abs(test.means[0] - np.nan_to_num(test.happened)), 0.0)
    return float(counted.sum() / max(np.where(test.counts, test.happened, 0.0).sum(), 1e-9))


def _backtest(panel: Panel, models: Mapping[str, Model], origin: int) -> Backtest:
    known = panel.until(origin)
    happened, available = np.full((len(panel.units), HORIZON), np.nan), np.zeros((len(panel.units), HORIZON))
    ahead = min(HORIZON, panel.days - origin)
    happened[:, :ahead] = panel.units[:, origin : origin + ahead]
    available[:, :ahead] = panel.available[:, origin : origin + ahead]
    counts = ~np.isnan(happened) & (available > _FULLY) & known.is_active[:, None]
    means = np.array([model(known) for model in models.values()])
    return Backtest(origin, means, happened, counts, np.ones_like(available))


def _level(panel: Panel, models: Mapping[str, Model], grouped: Level | None) -> Level:
    tests = tuple(_backtest(panel, models, origin) for origin in origins_of(panel.days))
    if grouped is None:
        # The days of a group are seldom wholly available; they count as far as they were.
        tests = tuple(_of_group(panel, test) for test in tests)
    errors = np.sum([_absolute(test).sum(axis=2) for test in tests], axis=0)
    counts = np.sum([test.counts.sum(axis=1) for test in tests], axis=0)
    weights = shares(errors, np.broadcast_to(counts, errors.shape).astype(float))
    means = _combined(np.array([model(panel) for model in models.values()]), weights)
    past = [_combined(test.means, weights) for test in tests]
    if grouped is not None:
        means = _reconciled(panel, means, grouped.means)
        group_past = [test.means[-1] for test in grouped.backtests]
        past = [
            _reconciled(panel.until(test.origin), one, of_groups)
            for test, one, of_groups in zip(tests, past, group_past, strict=True)
        ]
    lag = _lag(tests, past)
    means, past = means * lag, [one * lag for one in past]
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


def _combined(means: Floats, weights: Floats) -> Floats:
    return np.asarray((means * weights[:, :, None]).sum(axis=0))


def _reconciled(panel: Panel, means: Floats, of_groups: Floats) -> Floats:
    """The series of a group, halfway to what its group is expected to sell: each level knows something of its own."""
    total = np.zeros_like(of_groups)
    np.add.at(total, panel.groups, np.where(panel.is_active[:, None], means, 0.0))
    factor = np.divide(of_groups, total, out=np.ones_like(total), where=total > 1e-6)
    return np.asarray(means * np.sqrt(np.clip(factor, 0.5, 2.0))[panel.groups])


def _lag(tests: Sequence[Backtest], past: Sequence[Floats]) -> float:
    """By how much the newest past forecasts were too low or too high in all: models that look back lag behind a
    season."""
    newest = list(zip(tests, past, strict=True))[:_NEWEST]
    happened = sum(float(test.happened[test.counts].sum()) for test, _ in newest)
    foretold = sum(float((one * test.scale)[test.counts].sum()) for test, one in newest)
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


def _with_boosting(level: Level, models: Mapping[str, Model], seed: int) -> Level:
    """The quantiles halfway to those of boosting, learned from all past forecasts but the newest."""
    features, happened, expected = [], [], []
    for test in level.backtests:
        known = level.panel.until(test.origin)
        chosen = test.counts.ravel()
        features.append(boosting.features_of(known, list(test.means))[chosen])
        happened.append(test.happened.ravel()[chosen])
        expected.append(test.means[-1].ravel()[chosen])
    learned = boosting.learn(np.concatenate(features), np.concatenate(happened), np.concatenate(expected), LEVELS, seed)
    now = [*(model(level.panel) for model in models.values()), level.means]
    foretold = boosting.foretell(learned, boosting.features_of(level.panel, now), level.means)
    mixed = _BOOSTED_SHARE * foretold + (1 - _BOOSTED_SHARE) * level.quantiles
    return Level(level.panel, level.means, mixed, level.shares, level.backtests, level.spread)


def _judged(level: Level, models: Mapping[str, Model]) -> Level:
    """With how good each model was, and the combination, for all series and per category."""
    found: dict[tuple[str, str], ForecastErrors] = {}
    names = [*models, COMBINED]
    for number, name in enumerate(names):
        for segment, members in _segments(level.panel).items():
            found[name, segment] = _measured(level, number, members)
    return Level(level.panel, level.means, level.quantiles, level.shares, level.backtests, level.spread, found)


def _segments(panel: Panel) -> dict[str, Mask]:
    young = np.isnan(panel.units[:, :-28]).all(axis=1) if panel.days > 28 else np.zeros(len(panel.units), dtype=bool)
    found: dict[str, Mask] = {"all": np.ones(len(panel.units), dtype=np.bool_), "new": np.asarray(young)}
    categories = int(panel.categories.max()) + 1
    for number in range(categories if categories > 1 else 0):
        found[f"category {number}"] = np.asarray(panel.categories == number)
    return {name: members for name, members in found.items() if members.any()}


def _measured(level: Level, number: int, members: Mask) -> ForecastErrors:
    means, happened, before = [], [], []
    for test in level.backtests:
        counts = test.counts & members[:, None]
        week = np.concatenate([level.panel.units[:, test.origin - 7 : test.origin]] * 2, axis=1)
        means.append((test.means[number] * test.scale)[counts])
        happened.append(test.happened[counts])
        before.append(week[counts])
    flat = np.concatenate(means)
    return measured(
        np.concatenate(happened), level.spread.quantiles(flat, LEVELS), LEVELS, flat, np.concatenate(before)
    )
