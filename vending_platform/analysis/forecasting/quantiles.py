"""From what is expected to how it may turn out: counts vary more than Poisson, by as much as past forecasts have
shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vending_platform.analysis.forecasting.panel import Floats

_EDGES = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0])
"""Forecasts of about the same size are calibrated together."""
_EXACT_UNTIL = 40.0
_ENOUGH = 200
"""With fewer past forecasts of a size, those of all sizes calibrate it."""


@dataclass(frozen=True)
class Dispersion:
    """The variance is mean + excess × mean²; `stretch` widens what lies around the median, by the mean's size."""

    excess: float
    stretch: Floats

    def quantiles(self, means: Floats, levels: Sequence[float]) -> Floats:
        """[level, …]: never below zero, and never falling from one level to the next."""
        middle = _counts(means, self.excess, 0.5)
        widths = self.stretch[_sizes(means)]
        found = np.array([middle + widths * (_counts(means, self.excess, level) - middle) for level in levels])
        return np.maximum.accumulate(np.maximum(found, 0.0), axis=0)


def learn_spread(means: Floats, happened: Floats, covered: float) -> Dispersion:
    """From past forecasts and what happened: so that the share `covered` lies between the quantiles 0.1 and 0.9."""
    squares = float((means**2).sum())
    excess = max(float((((happened - means) ** 2) - means).sum()) / squares, 0.0) if squares > 0 else 0.0
    middle = _counts(means, excess, 0.5)
    below, above = (np.abs(_counts(means, excess, level) - middle) for level in (0.1, 0.9))
    side = np.where(happened < middle, below, above)
    needed = np.abs(happened - middle) / np.maximum(side, 1e-6)
    sizes = _sizes(means)
    overall = _conformal(needed, covered)
    stretch = np.full(len(_EDGES), overall)
    for size in range(len(_EDGES)):
        if int((sizes == size).sum()) >= _ENOUGH:
            stretch[size] = _conformal(needed[sizes == size], covered)
    return Dispersion(excess, stretch)


def _conformal(needed: Floats, covered: float) -> float:
    """How far the interval must be stretched to hold so many of them: with the place of one more, as one is to come."""
    if not len(needed):
        return 1.0
    place = min(int(np.ceil((len(needed) + 1) * covered)), len(needed)) - 1
    return float(np.clip(np.partition(needed, place)[place], 0.3, 5.0))


def _sizes(means: Floats) -> NDArray[np.intp]:
    return np.clip(np.searchsorted(_EDGES, means, side="right") - 1, 0, len(_EDGES) - 1)


def _counts(means: Floats, excess: float, level: float) -> Floats:
    """The quantile of a negative binomial distribution (of a Poisson, without excess), made continuous: k counts as
    spread evenly from k - ½ to k + ½."""
    shape, values = means.shape, np.maximum(means.ravel(), 1e-9)
    found = _approximated(values, excess, level)
    small = values < _EXACT_UNTIL
    found[small] = _exact(values[small], excess, level)
    return np.maximum(found, 0.0).reshape(shape)


def _exact(means: Floats, excess: float, level: float) -> Floats:
    if not len(means):
        return means
    # p(0), and then each from the one before.
    chance = np.exp(-means) if excess < 1e-6 else (1 + excess * means) ** (-1 / excess)
    below, found = np.zeros_like(means), np.full_like(means, np.nan)
    most = int(means.max() + 12 * np.sqrt(means.max() * (1 + excess * means.max())) + 20)
    for count in range(most):
        inside = np.isnan(found) & (below + chance >= level)
        found[inside] = count - 0.5 + (level - below[inside]) / np.maximum(chance[inside], 1e-12)
        below += chance
        grown = means if excess < 1e-6 else (means * (1 + excess * count)) / (1 + excess * means)
        chance = chance * grown / (count + 1)
    return np.where(np.isnan(found), _approximated(means, excess, level), found)


_NORMAL = {0.05: -1.6449, 0.1: -1.2816, 0.25: -0.6745, 0.5: 0.0, 0.75: 0.6745, 0.9: 1.2816, 0.95: 1.6449}


def _approximated(means: Floats, excess: float, level: float) -> Floats:
    """Of large counts: a normal distribution with the skewness that counts have (Cornish and Fisher)."""
    spread, z = np.sqrt(means + excess * means**2), _NORMAL[level]
    skewness = (1 + 2 * excess * means) / spread
    return np.asarray(means + spread * (z + (z**2 - 1) * skewness / 6))
