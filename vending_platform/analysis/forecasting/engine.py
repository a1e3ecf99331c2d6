"""Forecasts of all series: backtests by rolling origin, a combination of models, calibrated quantiles.

Models forecast from several days of the past, of which the following days are known. That decides how much each model
counts for each series, how wide the intervals are, and how good the forecasts were. Nothing is drawn at random but
what `seed` decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from vending_platform.analysis.forecasting import boosting, simple
from vending_platform.analysis.forecasting.combining import (
    LEAST_DAYS,
    Foretold,
    Level,
    Model,
    backtest,
    combined,
    foretold,
    origins_of,
)
from vending_platform.analysis.forecasting.covariates import Covariates, responding
from vending_platform.analysis.forecasting.declaration import LEVELS, Declaration, NothingToForecast
from vending_platform.analysis.forecasting.measuring import ForecastErrors, Mask, measured
from vending_platform.analysis.forecasting.panel import Panel, panel_of

SIMPLE: Mapping[str, Model] = {
    "weekday_mean": simple.weekday_mean,
    "smoothed": simple.smoothed,
    "pooled": simple.pooled,
}
"""From the simplest on."""
ADJUSTED: Mapping[str, Model] = {
    "smoothed_adjusted": simple.adjusted(simple.smoothed),
    "pooled_adjusted": simple.adjusted(simple.pooled),
}
"""With covariates taken out of what is known, and put back into what is forecast."""
BOOSTED, COMBINED, WITHOUT_COVARIATES = "boosted", "combined", "combined_without_covariates"
_BOOSTED_SHARE = 0.5


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
    covariates: Covariates | None = None,
) -> Forecasts:
    """The next days of all series that are still there. `usual` are the errors that each model had in earlier runs:
    one whose error leaves its normal range is left out. `boosted` is by default whether LightGBM is installed."""
    panel = panel_of(rows, declared)
    if panel.days < LEAST_DAYS:
        raise NothingToForecast(
            f"{declared.name} has {panel.days} days, and {LEAST_DAYS} are needed: forecast again when there are more"
        )
    candidates = dict(SIMPLE)
    if covariates is not None:
        panel = responding(panel, covariates, declared, [panel.days, *origins_of(panel.days)])
        candidates |= ADJUSTED
    newest = {name: _error_of(panel, model) for name, model in candidates.items()}
    models, left_out = _usable(candidates, newest, usual or {})
    use_boosting = boosting.is_installed() if boosted is None else boosted
    if not use_boosting:
        left_out[BOOSTED] = "LightGBM is not installed: pip install 'vending-platform[forecasts]' installs it"
    of_series, of_groups = foretold(panel, models), foretold(panel.by_group(), models, of_groups=True)
    series, groups = combined(of_series, of_groups)
    if use_boosting:
        series = _with_boosting(series, of_series, seed)
    series, groups = _judged(series, models), _judged(groups, models)
    if plain := [name for name in models if name in SIMPLE] if covariates is not None else []:
        without = combined(of_series.of(len(plain)), of_groups.of(len(plain)))
        series, groups = (_and_without(*both) for both in zip((series, groups), without, strict=True))
    return Forecasts(declared, series, groups, tuple(models), left_out, newest)


def _usable(
    candidates: Mapping[str, Model], newest: Mapping[str, float], usual: Mapping[str, Sequence[float]]
) -> tuple[dict[str, Model], dict[str, str]]:
    """The models whose errors are in their range, and why the others are not used. The simplest always serves."""
    models, left_out = dict(candidates), {}
    for name in list(candidates)[1:]:
        if problem := out_of_range(newest[name], usual.get(name, ())):
            left_out[name] = problem
            del models[name]
    return models, left_out


def out_of_range(error: float, before: Sequence[float]) -> str | None:
    """Why an error is not what it usually was; None if it is, or if too little is known."""
    if len(before) < 5:
        return None
    middle = float(np.median(before))
    spread = 1.4826 * float(np.median(np.abs(np.array(before) - middle)))
    most = middle + max(4 * spread, 0.15 * middle)
    return f"its error is {error:.3f}, and usually at most {most:.3f}" if error > most else None


def _error_of(panel: Panel, model: Model) -> float:
    """Of all series, for the newest past forecast."""
    test = backtest(panel, {"one": model}, origins_of(panel.days)[0])
    counted = np.where(test.counts, np.abs(test.means[0] - np.nan_to_num(test.happened)), 0.0)
    return float(counted.sum() / max(np.where(test.counts, test.happened, 0.0).sum(), 1e-9))


def _with_boosting(level: Level, models: Foretold, seed: int) -> Level:
    """The quantiles halfway to those of boosting, learned from all past forecasts but the newest."""
    features, happened, expected = [], [], []
    for test in level.backtests:
        known = level.panel.until(test.origin)
        chosen = test.counts.ravel()
        features.append(boosting.features_of(known, list(test.means))[chosen])
        happened.append(test.happened.ravel()[chosen])
        expected.append(test.means[-1].ravel()[chosen])
    learned = boosting.learn(np.concatenate(features), np.concatenate(happened), np.concatenate(expected), LEVELS, seed)
    now = boosting.features_of(level.panel, [*models.now, level.means])
    mixed = _BOOSTED_SHARE * boosting.foretell(learned, now, level.means) + (1 - _BOOSTED_SHARE) * level.quantiles
    return replace(level, quantiles=mixed)


def _judged(level: Level, models: Mapping[str, Model]) -> Level:
    """With how good each model was, and the combination, for all series and per category."""
    found: dict[tuple[str, str], ForecastErrors] = {}
    names = [*models, COMBINED]
    for number, name in enumerate(names):
        for segment, members in _segments(level.panel).items():
            found[name, segment] = _measured(level, number, members)
    return replace(level, measured=found)


def _and_without(level: Level, without: Level) -> Level:
    """With the errors of the combination that knows no covariates beside the others."""
    segments = _segments(level.panel).items()
    found = {(WITHOUT_COVARIATES, segment): _measured(without, -1, members) for segment, members in segments}
    return replace(level, measured={**level.measured, **found})


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
