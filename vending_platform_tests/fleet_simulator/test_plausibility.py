"""Season, weekday and hour can be read from the sales, in amounts that a fleet would really see."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from statistics import mean

import pytest

from .reading import table


@dataclass(frozen=True)
class Sold:
    """How often something was tried, by what may matter for it."""

    by_temperature_and_month: Counter[tuple[str, int]]
    by_site_and_day: Counter[tuple[str, date]]
    by_site_and_hour: Counter[tuple[str, int]]
    by_status: Counter[str]
    by_payment: Counter[str]
    prices: frozenset[int]
    vends: int


@pytest.fixture(scope="module")
def sold(january_and_august: list[Path]) -> Sold:
    vends = [row for folder in january_and_august for row in table(folder / "truth/vends.csv")]
    sources = january_and_august[0] / "sources"
    sites = {row["machine_id"]: row["location_type"] for row in table(sources / "vending_machines.csv")}
    temperatures = {row["product_id"]: row["temperature"] for row in table(sources / "products.csv")}
    day_of = cache(date.fromisoformat)
    moments = [(sites[row["machine_id"]], day_of(row["sold_at"][:10]), int(row["sold_at"][11:13])) for row in vends]
    return Sold(
        by_temperature_and_month=Counter((temperatures[row["product_id"]], int(row["sold_at"][5:7])) for row in vends),
        by_site_and_day=Counter((site, day) for site, day, _ in moments),
        by_site_and_hour=Counter((site, hour) for site, day, hour in moments if day.weekday() < 5),
        by_status=Counter(row["status"] for row in vends),
        by_payment=Counter(row["payment_method_id"] for row in vends),
        prices=frozenset(int(row["unit_price"]) for row in vends),
        vends=len(vends),
    )


def test_every_type_of_site_is_there(sold: Sold) -> None:
    assert len({site for site, _ in sold.by_site_and_hour}) == 7


def test_hot_drinks_sell_in_winter_and_cold_ones_in_summer(sold: Sold) -> None:
    per_month = sold.by_temperature_and_month
    assert per_month["hot", 1] > 5 * per_month["hot", 8]
    assert per_month["cold", 8] > 2 * per_month["cold", 1] > 0


@pytest.mark.parametrize(
    ("site", "least", "most"),
    [("office", 3, 20), ("school", 3, 20), ("factory", 2, 20), ("park", 0.3, 0.72), ("street", 0.7, 1.1)],
)
def test_workdays_and_weekends_differ_by_site(sold: Sold, site: str, least: float, most: float) -> None:
    per_day = {day: vends for (where, day), vends in sold.by_site_and_day.items() if where == site}
    workday = mean(vends for day, vends in per_day.items() if day.weekday() < 5)
    weekend = mean(vends for day, vends in per_day.items() if day.weekday() >= 5)
    assert least < workday / weekend < most


def test_hours_differ_by_site(sold: Sold) -> None:
    per_hour = sold.by_site_and_hour

    def busiest(site: str) -> int:
        return max(range(24), key=lambda hour: per_hour[site, hour])

    assert busiest("station") in (7, 8, 18)
    assert busiest("school") == 12
    assert busiest("park") in (13, 14, 15)
    assert per_hour["office", 3] < per_hour["office", 12] / 20
    assert per_hour["station", 22] > per_hour["school", 22]


def test_amounts_are_those_of_a_fleet(sold: Sold, january_and_august: list[Path]) -> None:
    machine_days = sum(1 for folder in january_and_august for _ in (folder / "sources").glob("sales_*"))
    assert 40 < sold.vends / machine_days < 120
    assert 0.96 < sold.by_status["completed"] / sold.vends < 0.99
    assert min(sold.by_status["refunded"], sold.by_status["failed"]) / sold.vends > 0.005
    assert 0.3 < sold.by_payment["PM01"] / sold.vends < 0.55
    assert min(sold.prices) >= 100
    assert max(sold.prices) <= 300
    stockouts = [row for folder in january_and_august for row in table(folder / "truth/stockouts.csv")]
    lost = sum(int(row["lost_units"]) for row in stockouts)
    assert 0.005 < lost / sold.vends < 0.10


def test_visits_come_every_few_days_but_not_on_sundays(tidy: Path) -> None:
    visits = table(tidy / "truth/visits.csv")
    weekdays = Counter(datetime.fromisoformat(row["started_at"]).weekday() for row in visits if row["kind"] == "round")
    assert weekdays[6] == 0
    assert min(weekdays[day] for day in range(6)) > 0
    standing = sum(1 for _ in (tidy / "sources").glob("sales_*"))
    assert 2.0 < standing / len(visits) < 4.5
    reasons = {row["removal_reason"] for path in (tidy / "sources").glob("replenishment_*") for row in table(path)}
    assert reasons == {"", "expired", "damaged", "product_change"}
