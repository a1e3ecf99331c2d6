"""What Theta and AutoETS forecast, by statsforecast: a program of its own, as that library needs another pandas.

`uv run --no-project --with statsforecast==2.1.1 --with pyarrow python benchmarks/peer_forecasts.py SERIES FORECASTS`
reads a Parquet file with a column per series and a row per day, and writes one with the two weeks after it.
"""

import sys
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_AHEAD = 14
_WEEK = 7


def main(read: str, written: str) -> None:
    library = import_module("statsforecast.models")  # it is not installed where types are checked
    models = {"autoets": library.AutoETS(season_length=_WEEK), "theta": library.DynamicOptimizedTheta(_WEEK)}
    series = pq.read_table(read)
    found = {}
    for name in series.column_names:
        known = series[name].to_numpy().astype(float)
        known = known[~np.isnan(known)]
        for label, model in models.items():
            found[f"{label} {name}"] = np.maximum(_forecast(model, known), 0.0)
    pq.write_table(pa.table(found), written)


def _forecast(model: Any, known: NDArray[np.float64]) -> NDArray[np.float64]:
    """A series that is too short for two weeks of its pattern is expected to go on as in the mean."""
    if len(known) < 3 * _WEEK or not known.any():
        return np.full(_AHEAD, known.mean() if len(known) else 0.0)
    return np.asarray(model.forecast(known, _AHEAD)["mean"])


if __name__ == "__main__":
    main(*sys.argv[1:])
