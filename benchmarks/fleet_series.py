"""The days of a simulated fleet as forecasts are made from them, without a warehouse: what each machine sold of each
product, how long it could be bought, and the weather as it was and as it was expected."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from benchmarks import rounds
from fleet_simulator.demand import STATUSES
from fleet_simulator.fleet import DAY_SECONDS
from vending_platform.analysis.forecasting import Covariates
from vending_platform.defs.vending.analysis.forecasts import WEATHER
from weather_simulator import simulate

_FORECAST_DAYS = 6
"""A service that is asked for seven days begins with the day itself."""


@dataclass(frozen=True)
class FleetSeries:
    """`rows` are as vending's `product_days` has them, with the machine's prefecture."""

    rows: pl.DataFrame
    weather: Covariates

    def until(self, last: date) -> "FleetSeries":
        """As it was known on the evening of a day."""
        return FleetSeries(self.rows.filter(pl.col("business_date") <= last), known_weather(self.weather, last))


def fleet_series(seed: int, machines: int, first_day: date, days: int) -> FleetSeries:
    """The fleet on its fixed rounds."""
    fleet = rounds.draw(seed, machines, first_day, days)
    folder = rounds.RawFolder(fleet)
    frames = [_day(fleet, folder, number, planned) for number, planned in enumerate(rounds.fixed_rounds(fleet))]
    return FleetSeries(
        pl.concat(frames).sort("machine_id", "product_id", "business_date"), fleet_weather(seed, first_day, days)
    )


def _day(fleet: rounds.Fleet, folder: rounds.RawFolder, number: int, planned: dict[str, rounds.Visit]) -> pl.DataFrame:
    before = {name: list(stock) for name, stock in folder.stock.items()}
    products = {name: list(held) for name, held in folder.products.items()}
    happened = folder.live(number, planned)
    events: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    sold: dict[tuple[str, int], int] = defaultdict(int)
    for vend in happened.vends:
        if STATUSES[vend.status] == "completed":
            sold[vend.machine.machine_id, vend.product] += vend.quantity
            events[vend.machine.machine_id].append((vend.second, vend.slot, -vend.quantity))
    for touch in happened.touches:
        events[touch.machine.machine_id].append((touch.second, touch.slot, touch.added - touch.removed))
    selling = {name for (name, _), units in sold.items() if units}
    rows = []
    for wanted in fleet.demands:
        machine = wanted.machine
        if not machine.first <= number <= machine.last:
            continue
        name = machine.machine_id
        stocked: dict[int, float] = {}
        empty = _empty_seconds(before[name], sorted(events[name]))
        for slot, product in enumerate(products[name]):
            stocked[product] = max(stocked.get(product, 0.0), 1 - empty[slot] / DAY_SECONDS)
        rows += [
            (
                name,
                machine.prefecture.name,
                fleet.goods.products[product],
                sold[name, product],
                share * (name in selling),
            )
            for product, share in stocked.items()
        ]
    return pl.DataFrame(
        {
            "machine_id": [row[0] for row in rows],
            "prefecture": [row[1] for row in rows],
            "product_id": [row[2].product_id for row in rows],
            "category_id": [row[2].category_id for row in rows],
            "temperature": [row[2].temperature for row in rows],
            "business_date": [fleet.day(number)] * len(rows),
            "units_sold": [row[3] for row in rows],
            "share_available": [float(row[4]) for row in rows],
        }
    )


def _empty_seconds(stock: list[int], events: list[tuple[int, int, int]]) -> list[int]:
    """Per slot how long it was empty on the day."""
    held, since, empty = list(stock), [0] * len(stock), [0] * len(stock)
    for second, slot, change in events:
        if held[slot] <= 0:
            empty[slot] += second - since[slot]
        held[slot] += change
        since[slot] = second
    return [gone + (DAY_SECONDS - since[slot] if held[slot] <= 0 else 0) for slot, gone in enumerate(empty)]


def known_weather(weather: Covariates, last: date) -> Covariates:
    """As it was known on the evening of a day."""
    return Covariates(
        weather.names,
        weather.happened.filter(pl.col("business_date") <= last),
        weather.expected.filter(pl.col("known_on") <= last),
    )


def fleet_weather(seed: int, first_day: date, days: int) -> Covariates:
    """The weather that makes the fleet's customers thirsty, and what was forecast of it on each day."""
    weather = simulate(seed=seed, first_day=first_day, days=days + _FORECAST_DAYS)
    places = sorted({prefecture for prefecture, _ in weather.known})
    calendar = [first_day + timedelta(days=number) for number in range(days)]
    happened = [
        (place, day, one.temperature_mean, one.precipitation)
        for place in places
        for day in calendar
        for one in [weather.on(place, day)]
    ]
    expected = [
        (place, day + timedelta(days=ahead), day, one.temperature_mean, one.precipitation)
        for place in places
        for day in calendar
        for ahead in range(1, _FORECAST_DAYS + 1)
        for one in [weather.forecast(place, day + timedelta(days=ahead), day)]
    ]
    names = ["prefecture", "business_date", *WEATHER]
    return Covariates(
        WEATHER,
        pl.DataFrame(happened, schema=names, orient="row"),
        pl.DataFrame(expected, schema=[*names[:2], "known_on", *WEATHER], orient="row"),
    )
