"""What Theta and AutoETS forecast, by statsforecast: a program of its own, as that library needs another pandas.

`uv run --no-project --with statsforecast==2.1.1 --with pyarrow python benchmarks/peer_forecasts.py SERIES FORECASTS`
reads a Parquet file with a column per series and a row per day, and writes one with the two weeks after it.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from statsforecast.models import AutoETS, DynamicOptimizedTheta

_AHEAD = 14
_WEEK = 7


def main(read: str, written: str) -> None:
    series = pq.read_table(read)
    found = {}
    for name in series.column_names:
        known = series[name].to_numpy().astype(float)
        known = known[~np.isnan(known)]
        for label, model in (("autoets", AutoETS(season_length=_WEEK)), ("theta", DynamicOptimizedTheta(_WEEK))):
            found[f"{label} {name}"] = np.maximum(_forecast(model, known), 0.0)
    pq.write_table(pa.table(found), written)


def _forecast(model: "AutoETS | DynamicOptimizedTheta", known: np.ndarray) -> np.ndarray:
    try:
        return np.asarray(model.forecast(known, _AHEAD)["mean"])
    except Exception:  # a series that the library can't fit is forecast by its mean, in its favour
        return np.full(_AHEAD, known[-28:].mean() if len(known) else 0.0)


main(*sys.argv[1:])
