"""Numbers from outside that move what is counted, such as the weather: how much they did, and how much they will.

What was expected of the days ahead counts as it was on the day that is forecast from, never as it was said later. It
is trusted as far as earlier ones came true.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vending_platform.analysis.forecasting.declaration import HORIZON, Declaration
from vending_platform.analysis.forecasting.panel import Floats, Numbers, Panel, Response
from vending_platform.analysis.forecasting.simple import week_patterns

KNOWN_ON = "known_on"
_USUAL_DAYS = 14
"""What lasts longer than so many days is the season, which the models see for themselves."""
_WINDOW = 14
"""So many days before and after a day are compared with it."""
_TRUSTED = 14.0
"""So many forecasts that came true count beside those that were seen."""
_PRIOR = 25.0
"""An effect of a fifth for a usual change is as far from none as one expects."""
_MOST_CHANGE = 1.0
"""As a logarithm."""


@dataclass(frozen=True)
class Covariates:
    """`happened` has a row per region and day; `expected` one per region, day and the earlier day `known_on` on which
    it was expected so. Both have the columns `names`, and those that the declaration calls region and day."""

    names: tuple[str, ...]
    happened: pl.DataFrame
    expected: pl.DataFrame


@dataclass(frozen=True)
class _KnownValues:
    """`happened` is [covariate, region, day]; `expected` [covariate, region, day it is known on, day ahead]."""

    happened: Floats
    expected: Floats
    regions: Numbers
    """Of each series."""


def responding(panel: Panel, covariates: Covariates, declared: Declaration, origins: Sequence[int]) -> Panel:
    """The panel with what the covariates mean for it, as it could be known after each of these numbers of days."""
    known = _known(panel, panel.keys[declared.region], covariates, declared)
    return replace(panel, responses={days: _response(panel.until(days), known) for days in origins})


def _known(panel: Panel, regions: pl.Series, covariates: Covariates, declared: Declaration) -> _KnownValues:
    names = sorted(set(regions.drop_nulls().cast(pl.String)))
    places = {name: number for number, name in enumerate(names)}
    shape = (len(covariates.names), len(names) + 1, panel.days)  # the last region is that of series without one
    happened, expected = np.full(shape, np.nan), np.full((*shape, HORIZON), np.nan)

    def numbered(rows: pl.DataFrame, column: str) -> tuple[NDArray[Any], NDArray[Any]]:
        region = rows[declared.region].cast(pl.String).replace_strict(places, default=-1, return_dtype=pl.Int64)
        return region.to_numpy(), (rows[column] - panel.first_day).dt.total_days().to_numpy()

    if not covariates.happened.is_empty():
        region, day = numbered(covariates.happened, declared.day)
        inside = (region >= 0) & (day >= 0) & (day < panel.days)
        for number, name in enumerate(covariates.names):
            values = covariates.happened[name].cast(pl.Float64).to_numpy()
            happened[number, region[inside], day[inside]] = values[inside]
    if not covariates.expected.is_empty():
        rows = covariates.expected.sort(KNOWN_ON)
        region, day = numbered(rows, declared.day)
        said = (rows[KNOWN_ON] - panel.first_day).dt.total_days().to_numpy()
        ahead = day - said - 1
        inside = (region >= 0) & (said >= 0) & (said < panel.days) & (ahead >= 0) & (ahead < HORIZON)
        for number, name in enumerate(covariates.names):
            values = rows[name].cast(pl.Float64).to_numpy()
            expected[number, region[inside], said[inside], ahead[inside]] = values[inside]
    for day_number in range(1, panel.days):  # an older forecast counts until there is a newer one
        here, before = expected[:, :, day_number, :-1], expected[:, :, day_number - 1, 1:]
        here[...] = np.where(np.isnan(here), before, here)
    line = regions.cast(pl.String).replace_strict(places, default=len(names), return_dtype=pl.Int64)
    return _KnownValues(happened, expected, line.to_numpy())


def _response(panel: Panel, known: _KnownValues) -> Response:
    """From what is known after the panel's days."""
    happened = known.happened[:, :, : panel.days]
    ahead = _outlook(happened, known.expected[:, :, : panel.days])
    effects = _effects(panel, happened, known.regions)
    level = _mean(happened, axis=2)[:, :, None]
    both = np.nan_to_num(np.concatenate([happened, ahead], axis=2) - level)
    moved = np.einsum("pc,crd->prd", effects, both)
    factor = np.exp(np.clip(moved, -_MOST_CHANGE, _MOST_CHANGE))[panel.pools, known.regions]
    return Response(factor[:, : panel.days], factor[:, panel.days :])


def _outlook(happened: Floats, expected: Floats) -> Floats:
    """[covariate, region, day ahead]: what is expected now, as far from what was usual of late as such forecasts
    turned out to be right; the usual, where nothing is."""
    days = happened.shape[2]
    usual = np.stack([_mean(happened[:, :, max(day + 1 - _USUAL_DAYS, 0) : day + 1], axis=2) for day in range(days)], 2)
    found = np.repeat(usual[:, :, -1:], HORIZON, axis=2)
    for ahead in range(HORIZON):
        until = max(days - 1 - ahead, 0)
        said = expected[:, :, :until, ahead] - usual[:, :, :until]
        came = happened[:, :, 1 + ahead : days] - usual[:, :, :until]
        both = ~np.isnan(said) & ~np.isnan(came)
        count = np.maximum(both.sum(axis=(1, 2)), 1)
        squares, crossed = (np.where(both, said * one, 0.0).sum(axis=(1, 2)) for one in (said, came))
        prior = _TRUSTED * (np.where(both, came, 0.0) ** 2).sum(axis=(1, 2)) / count + 1e-9
        right = (crossed + prior) / (squares + prior)
        change = (expected[:, :, -1, ahead] - usual[:, :, -1]) * np.clip(right, 0.0, 1.0)[:, None]
        found[:, :, ahead] += np.nan_to_num(change)
    return found


def _effects(panel: Panel, happened: Floats, regions: Numbers) -> Floats:
    """[pool, covariate]: by how much, as a logarithm, one more of a covariate changes what is counted: from how days
    differ from those around them, so that no season is taken for the weather."""
    week = week_patterns(panel)[panel.groups][:, : panel.days] * panel.available
    units, pools, places = np.nan_to_num(panel.units), int(panel.pools.max()) + 1, happened.shape[1]
    levels = units.sum(axis=1) / np.maximum(week.sum(axis=1), 1e-9)
    cells = panel.pools * places + regions
    sold, usual = (_per(cells, values, pools * places) for values in (units, levels[:, None] * week))
    usual = usual * _around(sold) / np.maximum(_around(usual), 1e-9)
    there = ~np.isnan(happened).any(axis=0)
    change = np.where(there, happened, 0.0)
    change = np.where(there, change - _around(change) / np.maximum(_around(there.astype(float)), 1e-9), 0.0)
    effects = np.zeros((pools, len(happened)))
    for pool in range(pools):
        of_pool = slice(pool * places, (pool + 1) * places)
        effects[pool] = _slopes(change, sold[of_pool], np.where(there, usual[of_pool], 0.0))
    return effects


def _slopes(change: Floats, sold: Floats, usual: Floats) -> Floats:
    """Of a Poisson regression, by Newton's method; days on which next to nothing was usual say nothing."""
    usual = np.where(usual > 1.0, usual, 0.0).ravel()
    columns, sold = change.reshape(len(change), -1), np.where(usual > 0, sold.ravel(), 0.0)
    weight = max(float(usual.sum()), 1e-9)
    prior = np.diag(_PRIOR * (columns**2 @ usual) / weight + 1e-9)
    found = np.zeros(len(change))
    for _ in range(4):
        expected = usual * np.exp(np.clip(found @ columns, -_MOST_CHANGE, _MOST_CHANGE))
        gradient = columns @ (sold - expected) - prior @ found
        found = found + np.linalg.solve((columns * expected) @ columns.T + prior, gradient)
    return found


def _around(values: Floats) -> Floats:
    """The sum of the days around each."""
    days = values.shape[-1]
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    numbers = np.arange(days)
    last, first = np.minimum(numbers + _WINDOW + 1, days), np.maximum(numbers - _WINDOW, 0)
    return np.asarray(total[..., last] - total[..., first])


def _mean(values: Floats, axis: int) -> Floats:
    """NaN where nothing is known, without a warning."""
    count = (~np.isnan(values)).sum(axis=axis)
    return np.asarray(np.where(count > 0, np.nansum(values, axis=axis) / np.maximum(count, 1), np.nan))


def _per(numbers: Numbers, values: Floats, count: int) -> Floats:
    found = np.zeros((count, values.shape[1]))
    np.add.at(found, numbers, values)
    return found
