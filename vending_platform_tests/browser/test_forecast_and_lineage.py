"""The pages Forecast and Lineage in a real browser: after forecasts were made, delivered and loaded."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, expect

from vending_platform_tests.browser.dashboards import Dashboard, Site, chromium, watched
from vending_platform_tests.browser.packages import installed
from vending_platform_tests.browser.static_host import static_host
from vending_platform_tests.sample import Sample, vending

pytestmark = [pytest.mark.browser, pytest.mark.proof]

LAST, MACHINE = date(2024, 3, 14), "VM001"
EVENINGS = [LAST - timedelta(days=days) for days in (3, 2, 1)]
COLUMN = "raw.products.unit_cost"


def forecast_of(evening: date) -> pa.Table:
    """Two weeks of a machine, as a delivery has them: 100 units a day, between 50 and 120."""
    levels = {"expected": 100, "q10": 50, "q25": 80, "q50": 100, "q75": 110, "q90": 120, "q95": 130}
    ahead = range(1, 15)
    rows = {
        "forecast_on": pa.array([evening] * 14, pa.date32()),
        "machine_id": pa.array([MACHINE] * 14),
        "business_date": pa.array([evening + timedelta(days=days) for days in ahead], pa.date32()),
        "days_ahead": pa.array(ahead, pa.int64()),
    }
    units = {name: pa.array([Decimal(value)] * 14, pa.decimal128(18, 4)) for name, value in levels.items()}
    return pa.table(rows | units)


@pytest.fixture(scope="module")
def site(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("forecasts")
    data = sample.copied(folder / "data")
    (data / "sources" / "forecasts").mkdir()
    for evening in EVENINGS:
        pq.write_table(
            forecast_of(evening), data / "sources" / "forecasts" / f"machine_forecasts_{evening:%Y%m%d}.parquet"
        )
    kept = vending(data, "analyse", "--only", "unit_forecasts", "--only", "machine_forecasts", "--save")
    assert kept.returncode == 0, kept.stderr
    ran = vending(data, "run")
    assert "Failed" not in ran.stdout, ran.stdout
    written = vending(data, "dashboard", "--into", str(folder / "site"))
    assert written.returncode == 0, written.stderr
    with static_host(folder / "site") as address:
        yield Site(folder / "site", address, data)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def dashboard(browser: Browser, site: Site) -> Iterator[Dashboard]:
    with browser.new_context(locale="ja-JP", viewport={"width": 1400, "height": 900}) as context:
        yield watched(context, site)


def test_the_band_is_the_newest_forecast_and_before_it_that_of_the_evening_before(dashboard: Dashboard) -> None:
    dashboard.open(f"forecast?machine={MACHINE}")
    newest = f"from marts.mart_machine_forecasts where machine_id = '{MACHINE}' and business_date = '{LAST}'"
    drawn = dashboard.page.locator(".chart .for-readers tbody tr").all_inner_texts()
    ahead = [row.split("\t")[2:] for row in drawn[-14:]]
    found = dashboard.sql(f"select units_q10, units_q90, units_expected {newest} order by forecast_day")
    assert [[Decimal(text) for text in row] for row in ahead] == [[round(value, 1) for value in row] for row in found]
    before = drawn[-15].split("\t")
    assert before[2:] == ["50.0", "120.0", "100.0"], "of the last day gone by, from the evening before"
    (sold,) = dashboard.sql(
        f"select units_sold from marts.mart_machine_daily where machine_id = '{MACHINE}' and business_date = '{LAST}'"
    )
    assert Decimal(before[1]) == sold[0]


def test_how_right_it_was_is_what_the_warehouse_has(dashboard: Dashboard) -> None:
    dashboard.open("forecast")
    known = "from marts.mart_machine_forecasts where units_sold is not null"
    ((error, within, count),) = dashboard.sql(
        "select sum(abs(units_expected - units_sold)) / sum(units_sold),"
        f" avg(case when is_within then 1 else 0 end), count(*) {known}"
    )
    tile = dashboard.page.locator('[data-figure="error"]')
    assert tile.locator(".figure").inner_text() == f"{100 * error:.1f}%"
    assert f"{count}件" in tile.inner_text()
    assert dashboard.page.locator('[data-figure="within"] .figure').inner_text() == f"{100 * within:.1f}%"
    by_days = dashboard.sql(f"select days_ahead, count(*) {known} group by 1 order by 1")
    title = "何日先の予測か"
    assert list(zip(dashboard.numbers(title, "name"), dashboard.numbers(title, "forecasts"), strict=True)) == by_days


def test_the_recommendation_says_that_it_goes_by_the_forecast(dashboard: Dashboard) -> None:
    reasons = dashboard.texts(
        f"select reason from marts.mart_replenishment_recommendation where business_date = '{LAST}' and is_forecast"
    )
    assert reasons
    assert all("expected" in reason or reason.startswith("Nobody has counted") for reason in reasons)
    others = f"business_date < '{LAST}'"
    (forecast,) = dashboard.values(
        f"select count(*) from marts.mart_replenishment_recommendation where is_forecast and {others}"
    )
    assert forecast == 0, "no forecast of the products was made on these evenings"


def test_a_column_is_followed_from_its_file_to_the_exports(dashboard: Dashboard, site: Site) -> None:
    dashboard.open(f"lineage?of={COLUMN}")
    page = dashboard.page
    shown = set(page.locator(".way [data-point]").evaluate_all("all => all.map(one => one.dataset.point)"))
    steps = [
        json.loads(vending(site.data, "lineage", direction, COLUMN, "--json").stdout)["steps"]
        for direction in ("upstream", "downstream")
    ]
    assert shown == {COLUMN} | {
        ".".join((step["schema"], step["table"], step["column"])) for way in steps for step in way
    }
    assert "files.products.unit_cost" in shown
    assert any(point.startswith("exports.") for point in shown)
    page.locator('.way [data-point="files.products.unit_cost"]').click()
    expect(page.locator('.way [aria-current="true"]')).to_have_attribute("data-point", "files.products.unit_cost")
    assert "of=files.products.unit_cost" in page.url


def test_both_pages_are_accessible_and_quiet(dashboard: Dashboard, pytestconfig: pytest.Config) -> None:
    assert pytestconfig.cache is not None
    packages: Path = installed(pytestconfig.cache.mkdir("vending"))
    for page in ("forecast", f"forecast?machine={MACHINE}&day=2024-03-12", "forecast?day=2024-03-05", "lineage"):
        dashboard.open(page)
        assert dashboard.violations(packages) == [], page
    dashboard.assert_quiet()
