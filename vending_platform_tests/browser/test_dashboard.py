"""The dashboard in a real browser, from a static host: what each page answers, held against SQL on the warehouse."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from vending_platform.dashboard import write_dashboard
from vending_platform.storage import LocalPlace
from vending_platform_tests.browser.dashboards import Dashboard, chromium, number, watched
from vending_platform_tests.browser.static_host import static_host
from vending_platform_tests.sample import Sample

pytestmark = pytest.mark.browser

DAY = "2024-03-14"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def dashboard(browser: Browser, sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("site")
    write_dashboard(LocalPlace(sample.data / "processed-data"), None, folder)
    with static_host(folder) as address, browser.new_context(locale="ja-JP") as context:
        yield watched(context, address, sample.data)


def test_today_shows_what_the_warehouse_has(dashboard: Dashboard) -> None:
    dashboard.open("today")
    of_day = f"from marts.mart_machine_daily where business_date = '{DAY}'"
    assert dashboard.figure("sales") == dashboard.one(f"select sum(sales_with_tax) {of_day}")
    assert dashboard.figure("units") == dashboard.one(f"select sum(units_sold) {of_day}")
    is_open = f"started_at < date '{DAY}' + 1 and (ended_at is null or ended_at >= date '{DAY}' + 1)"
    assert dashboard.figure("stockouts") == dashboard.one(f"select count(*) from marts.fct_stockouts where {is_open}")
    missing = f"from marts.mart_delivery_gaps where is_missing and business_date = '{DAY}'"
    assert dashboard.figure("missing") == dashboard.one(f"select count(*) {missing}")
    lost = dashboard.sql(
        f"select sales_lost from marts.fct_stockouts where {is_open} order by sales_lost desc nulls last"
    )
    shown = [number(text) if text != "–" else None for text in dashboard.column("品切れ中のスロット", "lost")]
    assert shown == [value for (value,) in lost]
    dashboard.assert_quiet()
