"""The dashboard's tables of a fleet as large as one likes, as exports leave them, without building it."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from vending_platform.storage import LocalPlace
from vending_platform_tests.browser.page_tables import write_tables


def large_fleet(processed: Path, *, machines: int, first: date, days: int) -> int:
    """Write machines and their days; the number of rows of days."""
    random = np.random.default_rng(7)
    ids = [f"VM{number:05}" for number in range(machines)]
    routes = [f"R{number % 200:03}" for number in range(machines)]
    months: dict[str | None, list[pa.Table]] = {}
    for number in range(days):
        day = first + timedelta(days=number)
        months.setdefault(day.isoformat()[:7], []).append(_day(day, ids, routes, random))
    whole: dict[str | None, pa.Table] = {month: pa.concat_tables(of_month) for month, of_month in months.items()}
    write_tables(LocalPlace(processed), {"dim_machines": {None: _machines(ids, routes)}, "mart_machine_daily": whole})
    return machines * days


def _machines(ids: list[str], routes: list[str]) -> pa.Table:
    count = len(ids)
    spread = np.random.default_rng(1)
    return pa.table(
        {
            "machine_id": ids,
            "machine_name": [f"設置先 {name}号機" for name in ids],
            "location_type": ["office"] * count,
            "prefecture": ["千葉県"] * count,
            "latitude": 35.6 + spread.normal(0, 0.1, count),
            "longitude": 140.1 + spread.normal(0, 0.1, count),
            "route_id": routes,
            "installed_on": pa.array([date(2020, 1, 1)] * count),
            "removed_on": pa.array([None] * count, pa.date32()),
        }
    )


def _day(day: date, ids: list[str], routes: list[str], random: np.random.Generator) -> pa.Table:
    units = random.poisson(40, len(ids))
    return pa.table(
        {
            "business_date": pa.array([day] * len(ids)),
            "machine_id": ids,
            "route_id": routes,
            "units_sold": units.astype("int64"),
            "sales_with_tax": (units * 140).astype("int64"),
            "visits": random.integers(0, 2, len(ids)),
        }
    )
