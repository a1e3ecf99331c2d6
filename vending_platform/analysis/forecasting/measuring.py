"""How good forecasts were: the usual measures, over what was fully available."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vending_platform.analysis.forecasting.panel import Floats


@dataclass(frozen=True)
class ForecastErrors:
    """`wape`: absolute errors by what happened; `mase`: by those of the same day a week before; `bias`: what was
    forecast too much, by what happened; `coverage`: how many lay within the interval that should hold four of five."""

    count: int
    wape: float
    mase: float
    pinball: float
    coverage: float
    bias: float


def measured(
    happened: Floats, quantiles: Floats, levels: Sequence[float], means: Floats, week_before: Floats
) -> ForecastErrors:
    """Of flat arrays; `quantiles` are [level, …]."""
    at: Mapping[float, int] = {level: number for number, level in enumerate(levels)}
    median, total = quantiles[at[0.5]], max(float(happened.sum()), 1e-9)
    errors = np.abs(happened - median)
    naive = np.nansum(np.abs(happened - week_before))
    losses = [pinball(happened, quantiles[number], level) for level, number in at.items()]
    inside = (happened >= quantiles[at[0.1]]) & (happened <= quantiles[at[0.9]])
    return ForecastErrors(
        count=len(happened),
        wape=float(errors.sum()) / total,
        mase=float(errors.sum() / naive) if naive > 0 else float("nan"),
        pinball=float(np.mean(losses)),
        coverage=float(inside.mean()) if len(inside) else float("nan"),
        bias=float((means - happened).sum()) / total,
    )


def pinball(happened: Floats, quantile: Floats, level: float) -> float:
    short = happened - quantile
    return float(np.mean(np.maximum(level * short, (level - 1) * short))) if len(happened) else float("nan")


def shares(errors: Floats, counts: Floats) -> Floats:
    """[model, series]: how much each model counts in the combination: the more, the smaller its errors were, where a
    series has few days rather as for all series."""
    overall = errors.sum(axis=1) / np.maximum(counts.sum(axis=1), 1.0)
    typical = np.maximum(errors.sum(axis=0) / np.maximum(counts.sum(axis=0), 1.0), 1e-9)
    relative = overall / max(float(overall.min()), 1e-9)
    own = (errors + _SHRUNK * relative[:, None] * typical) / (counts + _SHRUNK)
    own = np.maximum(own, 1e-9)  # a forecast may have been right to the last unit
    weights = (own / own.min(axis=0)) ** -_SHARPNESS
    return np.asarray(weights / weights.sum(axis=0))


_SHRUNK = 60.0
_SHARPNESS = 20.0

Mask = NDArray[np.bool_]
