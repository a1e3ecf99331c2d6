"""The rows of all series as matrices, a line per series and a column per day: models work on all of them at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vending_platform.analysis.forecasting.declaration import HORIZON, Declaration, NothingToForecast

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Response:
    """By which factor, around 1, covariates change what is counted: on the days that are known, and on those to come.
    Both are [series, day]."""

    past: Floats
    ahead: Floats


@dataclass(frozen=True)
class Panel:
    """`units` and `available` are [series, day]; what is not available at all counts nothing in any model. `kinds`
    goes on for the days that are forecast. `groups`, `pools`, `categories` number what each series belongs to."""

    keys: pl.DataFrame
    first_day: date
    units: Floats
    available: Floats
    kinds: Numbers
    weekdays: Numbers
    groups: Numbers
    pools: Numbers
    categories: Numbers
    group_names: tuple[str, ...]
    features: Floats | None = None
    """[feature, series, day], of the days that are forecast too."""
    responses: Mapping[int, Response] = field(default_factory=dict)
    """What was known of them after so many days."""

    @property
    def days(self) -> int:
        return int(self.units.shape[1])

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=self.days - 1)

    @property
    def is_active(self) -> NDArray[np.bool_]:
        """Whether a series existed in the last days, so that it is forecast."""
        return np.asarray((~np.isnan(self.units[:, -3:])).any(axis=1))

    def until(self, days: int) -> "Panel":
        """As it was known after the first `days` days: what began later is not in it."""
        return replace(
            self,
            units=self.units[:, :days],
            available=self.available[:, :days],
            kinds=self.kinds[: days + HORIZON],
            weekdays=self.weekdays[: days + HORIZON],
            features=self.features[:, :, : days + HORIZON] if self.features is not None else None,
        )

    def by_group(self) -> "Panel":
        """The sums of all series of a group, as series; a day is available as far as its series are, by what they
        sell."""
        count = len(self.group_names)
        there = ~np.isnan(self.units)
        units = _summed(np.nan_to_num(self.units), self.groups, count)
        usual = np.divide(
            np.nansum(self.units * (self.available > 0), axis=1),
            np.maximum((np.nan_to_num(self.available)).sum(axis=1), 1e-9),
        )[:, None]
        weights = _summed(np.where(there, usual, 0.0), self.groups, count)
        open_weights = _summed(np.where(there, usual * self.available, 0.0), self.groups, count)
        units[_summed(there.astype(float), self.groups, count) == 0] = np.nan
        numbers = np.arange(count)
        return replace(
            self,
            keys=pl.DataFrame({"group": list(self.group_names)}),
            units=units,
            available=np.divide(open_weights, weights, out=np.zeros_like(weights), where=weights > 0),
            groups=numbers,
            pools=np.zeros(count, dtype=np.int64),
            categories=np.zeros(count, dtype=np.int64),
            features=None,
            responses={days: self._response_of_groups(days) for days in self.responses},
        )

    def _response_of_groups(self, days: int) -> Response:
        """Each series counts by what it sells."""
        known, count = self.until(days), len(self.group_names)
        response = self.responses[days]
        usual = np.nansum(known.units, axis=1) / np.maximum(known.available.sum(axis=1), 1e-9)

        def mean(factors: Floats, there: Floats) -> Floats:
            weights = usual[:, None] * there
            total = _summed(weights, self.groups, count)
            return np.divide(
                _summed(weights * factors, self.groups, count), total, out=np.ones_like(total), where=total > 1e-9
            )

        there_ahead = np.repeat(known.is_active[:, None].astype(float), HORIZON, axis=1)
        return Response(mean(response.past, known.available), mean(response.ahead, there_ahead))


def _summed(values: Floats, numbers: Numbers, count: int) -> Floats:
    found = np.zeros((count, values.shape[1]))
    np.add.at(found, numbers, values)
    return found


def panel_of(rows: pl.DataFrame, declared: Declaration) -> Panel:
    """The rows as matrices, from the first day to the last that any series has."""
    if rows.is_empty():
        raise NothingToForecast(f"there are no rows to forecast {declared.name} from: load and build some days first")
    first, last = rows[declared.day].min(), rows[declared.day].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    days = (last - first).days + 1
    rows = rows.with_columns(pl.col(declared.series).cast(pl.String)).sort(*declared.series, declared.day)
    rest = dict.fromkeys((declared.group, declared.pool, declared.category))
    others = [name for name in (*rest, *filter(None, (declared.region,))) if name not in declared.series]
    keys = rows.group_by(declared.series, maintain_order=True).agg(pl.col(others).last())
    line = rows.select(pl.struct(declared.series).rle_id())[declared.series[0]].to_numpy()
    column = (rows[declared.day] - first).dt.total_days().to_numpy()
    units, available = np.full((keys.height, days), np.nan), np.zeros((keys.height, days))
    units[line, column] = rows[declared.target].cast(pl.Float64).to_numpy()
    available[line, column] = rows[declared.available].cast(pl.Float64).fill_null(1.0).to_numpy()
    calendar = [first + timedelta(days=number) for number in range(days + HORIZON)]
    groups, group_names = _numbered(keys[declared.group])
    return Panel(
        keys=keys,
        first_day=first,
        units=units,
        available=available.clip(0, 1),
        kinds=np.array([declared.kind_of(day) for day in calendar], dtype=np.int64),
        weekdays=np.array([day.weekday() for day in calendar], dtype=np.int64),
        groups=groups,
        pools=_numbered(keys[declared.pool])[0],
        categories=_numbered(keys[declared.category])[0],
        group_names=group_names,
        features=_features(rows, declared, line, column, (keys.height, days)),
    )


def _numbered(names: pl.Series) -> tuple[Numbers, tuple[str, ...]]:
    texts = names.cast(pl.String).fill_null("")
    known = sorted(set(texts))
    places = {name: number for number, name in enumerate(known)}
    return np.array([places[name] for name in texts], dtype=np.int64), tuple(known)


def _features(
    rows: pl.DataFrame, declared: Declaration, line: Numbers, column: Numbers, shape: tuple[int, int]
) -> Floats | None:
    """The last value known of a series goes on for the days without one."""
    if not declared.features:
        return None
    found = np.full((len(declared.features), shape[0], shape[1] + HORIZON), np.nan)
    for number, name in enumerate(declared.features):
        found[number, line, column] = rows[name].cast(pl.Float64).to_numpy()
    for day in range(1, found.shape[2]):
        missing = np.isnan(found[:, :, day])
        found[:, :, day][missing] = found[:, :, day - 1][missing]
    return found
