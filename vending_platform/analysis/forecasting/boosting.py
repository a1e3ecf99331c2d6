"""Gradient boosting with quantile loss (LightGBM, the extra `forecasts`): what the other models miss, learned from
days that were forecast before."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vending_platform.analysis.forecasting.declaration import HORIZON
from vending_platform.analysis.forecasting.panel import Floats, Panel
from vending_platform.analysis.optional import NotInstalled, require

_PARAMETERS: dict[str, Any] = {
    "objective": "quantile",
    "num_leaves": 31,
    "learning_rate": 0.05,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    # Two that share their cores with other programs wait for each other: fifteen times the processor time.
    "num_threads": 1,
}
_ROUNDS = 120
_MOST_ROWS = 400_000


def is_installed() -> bool:
    try:
        require("lightgbm", "forecasts")
    except NotInstalled:
        return False
    return True


def features_of(panel: Panel, expected: Sequence[Floats]) -> Floats:
    """[series × day ahead, feature]: what the other models expect, how much was sold of late, and the calendar."""
    units, open_share = np.nan_to_num(panel.units), panel.available
    columns = [np.log1p(one) for one in expected]
    for days in (7, 28):
        rate = units[:, -days:].sum(axis=1) / np.maximum(open_share[:, -days:].sum(axis=1), 0.5)
        columns.append(np.repeat(np.log1p(rate)[:, None], HORIZON, axis=1))
    shape = (len(units), HORIZON)
    kinds = panel.kinds[panel.days : panel.days + HORIZON]
    columns += [np.broadcast_to(kinds, shape), np.broadcast_to(np.arange(HORIZON), shape)]
    columns += [np.repeat(numbers[:, None], HORIZON, axis=1) for numbers in (panel.pools, panel.categories)]
    if panel.features is not None:
        columns += [feature[:, panel.days : panel.days + HORIZON] for feature in panel.features]
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=-1).reshape(-1, len(columns))


def learn(features: Floats, happened: Floats, expected: Floats, levels: Sequence[float], seed: int) -> list[Any]:
    """A model per quantile, of what happened against what was expected: so series of all sizes teach the same."""
    lightgbm = require("lightgbm", "forecasts")
    if len(features) > _MOST_ROWS:
        drawn = np.random.default_rng(seed).choice(len(features), _MOST_ROWS, replace=False)
        drawn.sort()
        features, happened, expected = features[drawn], happened[drawn], expected[drawn]
    scale = np.sqrt(expected + 0.5)
    rows = lightgbm.Dataset(features, (happened - expected) / scale, free_raw_data=False)
    chosen = {**_PARAMETERS, "seed": seed}
    return [lightgbm.train({**chosen, "alpha": level}, rows, _ROUNDS) for level in levels]


def foretell(models: Sequence[Any], features: Floats, expected: Floats) -> Floats:
    """[level, …] as `expected` is shaped."""
    scale = np.sqrt(expected.ravel() + 0.5)
    found = np.array([expected.ravel() + scale * model.predict(features, num_threads=1) for model in models])
    return np.maximum.accumulate(np.maximum(found, 0.0), axis=0).reshape(len(models), *expected.shape)
