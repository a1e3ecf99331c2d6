"""How right forecasts are on fleets that were not looked at before, against simple, common methods.

The last four weeks of each fleet are held out and forecast twice, two weeks ahead each. Compared are machines on days
on which most of what they sell could be bought, and products at machines on days on which they could be bought all
day. Theta and AutoETS are slow, so products are compared at a few machines. What a peer sees of a day on which
something was sold out is that day as it would have been: its days without a limit, or the mean of its weekdays.
"""

import pickle
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.fleet_series import fleet_series
from benchmarks.measuring import memory_of, timed
from benchmarks.table import Row
from vending_platform.analysis.forecasting import HORIZON, LEVELS, Forecasts, forecast
from vending_platform.analysis.forecasting.combining import Level
from vending_platform.analysis.forecasting.panel import Panel, panel_of
from vending_platform.defs.vending.analysis.forecasts import WITH_WEATHER

# Chosen before anything was forecast on them; the models were tried on fleets 11 to 16.
SEEDS = (301, 302, 303, 304, 305)
MACHINES, DAYS, FIRST_DAY = 15, 180, date(2024, 3, 1)
_PRODUCTS_OF = 2
"""Machines whose products are compared."""
_HELD_OUT = (28, 14)
_STATSFORECAST = "statsforecast==2.1.1"
_FULLY = 0.999
Floats = NDArray[np.float64]
Errors = dict[tuple[str, str], list[float]]
"""By level and model: absolute errors and what happened."""
OURS, WITH = "ours", "ours with weather"


def forecasting(folder: Path, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """Errors against the best single one of the peers, and how much the intervals cover."""
    ratios: dict[tuple[str, str], list[float]] = defaultdict(list)
    covered: dict[str, list[float]] = defaultdict(list)
    for seed in seeds:
        seconds, (wape, coverage) = timed(partial(measured, folder, seed))
        for (level, model), error in sorted(wape.items()):
            Console().print(f"Fleet {seed}: {level}: {model}: {error:.4f}", highlight=False)
        for name, share in coverage.items():
            Console().print(f"Fleet {seed}: {name}: {share:.3f} covered", highlight=False)
            covered[name].append(share)
        for level in ("machine", "product"):
            best = min(error for (one, model), error in wape.items() if one == level and model not in (OURS, WITH))
            for model in (OURS, WITH):
                ratios[level, model].append(wape[level, model] / best)
        Console().print(f"Fleet {seed}: {seconds:.0f} s", highlight=False)
    bars = {"machine": 0.95, "product": 0.97}
    rows = [_ratio(f"WAPE per {level} and day, {model}, against the best peer", found, bars[level])
            for (level, model), found in ratios.items()]  # fmt: skip
    return rows + [_covered(name, shares) for name, shares in covered.items()]


def _ratio(what: str, found: Sequence[float], most: float) -> Row:
    texts = ", ".join(f"{ratio:.3f}" for ratio in found)
    return Row(what, f"{texts} ×", f"{most} ×", max(found) <= most)


def _covered(name: str, shares: Sequence[float]) -> Row:
    mean = float(np.mean(shares))
    texts = ", ".join(f"{share:.3f}" for share in shares)
    return Row(f"interval of 80 %, {name}", f"{mean:.3f} ({texts})", "0.77 to 0.83", 0.77 <= mean <= 0.83)


def measured(folder: Path, seed: int) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Of a fleet: WAPE by level and model, and coverage."""
    fleet = fleet_series(seed, MACHINES, FIRST_DAY, DAYS)
    errors: Errors = defaultdict(lambda: [0.0, 0.0])
    inside: dict[str, list[float]] = defaultdict(list)
    whole = panel_of(fleet.rows, WITH_WEATHER)
    for held_out in _HELD_OUT:
        known = fleet.until(FIRST_DAY + timedelta(days=DAYS - held_out - 1))
        ours = {
            OURS: forecast(known.rows, WITH_WEATHER),
            WITH: forecast(known.rows, WITH_WEATHER, covariates=known.weather),
        }
        for level in ("machine", "product"):
            _compare(folder, level, whole, DAYS - held_out, ours, errors, inside)
    wape = {key: wrong / happened for key, (wrong, happened) in errors.items()}
    return wape, {name: float(np.mean(hits)) for name, hits in inside.items()}


def _compare(
    folder: Path,
    level: str,
    whole: Panel,
    days: int,
    ours: Mapping[str, Forecasts],
    errors: Errors,
    inside: dict[str, list[float]],
) -> None:
    panel = whole.by_group() if level == "machine" else whole
    happened, available = panel.units[:, days : days + HORIZON], panel.available[:, days : days + HORIZON]
    known = panel.until(days)
    counts = ~np.isnan(happened) & known.is_active[:, None] & (available > (0.5 if level == "machine" else _FULLY))
    places = _places(panel, next(iter(ours.values())), level)
    for name, found in ours.items():
        of = found.groups if level == "machine" else found.series
        low, high = (of.quantiles[LEVELS.index(share)][places] for share in (0.1, 0.9))
        hits = ((happened >= low) & (happened <= high))[counts]
        inside[f"{level}, {name}"] += hits.astype(float).tolist()
    few = counts & (panel.groups < _PRODUCTS_OF)[:, None] if level == "product" else counts
    chosen = np.flatnonzero(few.any(axis=1))
    peers = _peers(folder, known, chosen)
    means = {
        name: _median(found.groups if level == "machine" else found.series)[places] for name, found in ours.items()
    }
    for name, foretold in {**peers, **means}.items():
        wrong = np.abs(np.nan_to_num(foretold) - np.nan_to_num(happened))[few].sum()
        errors[level, name][0] += float(wrong)
        errors[level, name][1] += float(happened[few].sum())


def _median(level: Level) -> Floats:
    return np.asarray(level.quantiles[LEVELS.index(0.5)])


def _places(panel: Panel, ours: Forecasts, level: str) -> NDArray[np.intp]:
    """Where each line of the whole panel stands in the forecasts; a series that began later, and is not compared, takes
    any place."""
    of = ours.groups if level == "machine" else ours.series
    names = panel.keys.columns[: 1 if level == "machine" else 2]
    lines = {key: place for place, key in enumerate(of.panel.keys.select(names).rows())}
    return np.array([lines.get(key, 0) for key in panel.keys.select(names).rows()])


def _peers(folder: Path, known: Panel, chosen: NDArray[np.intp]) -> dict[str, Floats]:
    filled = _filled(known)
    shape = (len(filled), HORIZON)
    week = filled[:, -7:]
    by_weekday = np.stack([filled[:, -56 + number :: 7].mean(axis=1) for number in range(7)], axis=1)
    ahead = np.arange(HORIZON) % 7
    found = {"seasonal naive": week[:, ahead], "weekday mean": by_weekday[:, ahead]}
    series, forecasts = folder / "series.parquet", folder / "forecasts.parquet"
    pq.write_table(pa.table({str(line): _since_it_began(filled[line], known.units[line]) for line in chosen}), series)
    program = ["python", str(Path(__file__).with_name("peer_forecasts.py")), str(series), str(forecasts)]
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "run", "--quiet", "--no-project", "--with", _STATSFORECAST, "--with", "pyarrow", *program]
    subprocess.run(command, check=True)
    table = pq.read_table(forecasts)
    for label in ("theta", "autoets"):
        values = np.zeros(shape)
        for line in chosen:
            values[line] = table[f"{label} {line}"].to_numpy()
        found[label] = values
    return found


def _since_it_began(filled: Floats, units: Floats) -> Floats:
    """Without what was before the series began."""
    began = int(np.argmax(~np.isnan(units)))
    return np.where(np.arange(len(filled)) < began, np.nan, filled)


def _filled(known: Panel) -> Floats:
    """What was sold; where that was limited, the mean of the same weekday on days without a limit, if that is more."""
    free = ~np.isnan(known.units) & (known.available > 0.5)
    found = np.where(free, np.nan_to_num(known.units) / np.maximum(known.available, 0.5), np.nan)
    for weekday in range(7):
        same = np.flatnonzero(known.weekdays[: known.days] == weekday)[-8:]
        every = np.flatnonzero(known.weekdays[: known.days] == weekday)
        usual = np.where(
            free[:, same].any(axis=1), np.nansum(found[:, same], axis=1) / np.maximum(free[:, same].sum(axis=1), 1), 0.0
        )
        found[:, every] = np.where(np.isnan(found[:, every]), usual[:, None], found[:, every])
    return np.asarray(found)


def forecasting_large(folder: Path) -> list[Row]:
    """A year of 200 machines, forecast in a process of its own, as every evening does it."""
    fleet = fleet_series(_LARGE_SEED, 200, FIRST_DAY, 365)
    kept = folder / "fleet.pickle"
    kept.write_bytes(pickle.dumps(fleet))
    seconds, done = timed(
        partial(
            subprocess.run,
            [sys.executable, "-c", _FORECAST_ONE, str(kept)],
            check=True,
            capture_output=True,
            text=True,
        )
    )
    kibibytes, processor = map(float, done.stdout.split())
    title = f"a year of 200 machines ({fleet.rows.height:,} rows) forecast"
    limit = _LARGE_MINUTES * 60
    return [
        Row(title, f"{seconds:.0f} s ({processor:.0f} s of the processors)", f"{limit} s", seconds <= limit),
        memory_of("memory of that", int(kibibytes), 4096),
    ]


_LARGE_SEED, _LARGE_MINUTES = 306, 10
_FORECAST_ONE = """
import pickle, resource, sys
from vending_platform.analysis.forecasting import forecast
from vending_platform.defs.vending.analysis.forecasts import WITH_WEATHER
fleet = pickle.load(open(sys.argv[1], "rb"))
forecast(fleet.rows, WITH_WEATHER, covariates=fleet.weather)
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_maxrss, used.ru_utime + used.ru_stime)
"""
