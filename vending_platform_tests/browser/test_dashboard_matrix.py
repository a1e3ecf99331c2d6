"""Every page of the dashboard at three widths, in both themes and languages; ten thousand machines; and SQL.

Part of `make proof`. What it looked like stays in `browser-screenshots/dashboard/`; the docs keep some of it.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from vending_platform import dashboard as dashboards
from vending_platform.dashboard import write_dashboard
from vending_platform.environment import PROJECT_DIR
from vending_platform.quality import from_json
from vending_platform.storage import LocalPlace
from vending_platform_tests.browser.dashboards import Site, chromium, watched
from vending_platform_tests.browser.large_fleet import large_fleet
from vending_platform_tests.browser.packages import built, installed
from vending_platform_tests.browser.static_host import static_host
from vending_platform_tests.sample import Sample, vending

pytestmark = [pytest.mark.browser, pytest.mark.proof]

SCREENSHOTS = PROJECT_DIR / "browser-screenshots" / "dashboard"
PAGES = {
    "today": "today",
    "machines": "machines",
    "map": "machines?view=map",
    "machine": "machine?id=VM002",
    "route": "route",
    "products": "products",
    "shop": "shop",
    "weather": "weather",
    "rain": "weather?factor=rain&day=2024-03-08",
    "settlements": "settlements",
    "quality": "quality",
    "pipeline": "pipeline",
    "sql": "sql",
}
HEIGHTS = {390: 844, 1280: 900, 1920: 1080}
MACHINES = 10_000
FRAMES = """async () => {
  const box = document.querySelector('.table.long');
  const times = [];
  let last = performance.now();
  for (let step = 0; step < 120; step++) {
    box.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  return {rows: document.querySelectorAll('.table.long tbody tr').length, frames: times.length, times};
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def packages(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return installed(pytestconfig.cache.mkdir("vending"))


@pytest.fixture(scope="module")
def with_engine(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page as `make dashboard` builds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WITH_SQL", "1")
        page = built(packages, tmp_path_factory.mktemp("built"))
        patch.setattr(dashboards, "PAGE_FOLDER", page)
        yield page


@pytest.fixture(scope="module")
def site(with_engine: Path, sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    quality = from_json(vending(sample.data, "quality", "--json").stdout)
    write_dashboard(LocalPlace(sample.data / "processed-data"), quality, folder)
    with static_host(folder) as address:
        yield Site(folder, address, sample.data)


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", HEIGHTS)
def test_every_page_fits_and_is_accessible(
    browser: Browser, site: Site, packages: Path, width: int, theme: str, language: str
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with browser.new_context(
        viewport={"width": width, "height": HEIGHTS[width]},
        color_scheme="dark" if theme == "dark" else "light",
        locale="ja-JP" if language == "ja" else "en-US",
    ) as context:
        dashboard = watched(context, site)
        for name, address in PAGES.items():
            dashboard.open(address)
            dashboard.page.wait_for_timeout(150)
            dashboard.page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{theme}-{language}.png", full_page=True)
            wider = dashboard.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{name} is {wider} pixels wider than the window"
            assert dashboard.violations(packages) == [], name
        dashboard.assert_quiet()


def test_sql_is_answered_in_the_browser_exactly_as_by_the_warehouse(browser: Browser, site: Site) -> None:
    with browser.new_context(locale="en-US") as context:
        dashboard = watched(context, site)
        dashboard.open("sql")
        question = (
            "select product_id, sum(margin_without_tax) as margin, max(business_date) as last"
            " from marts.mart_product_daily group by 1 order by 1"
        )
        dashboard.page.get_by_role("textbox", name="SQL").fill(question)
        dashboard.page.keyboard.press("Control+Enter")
        dashboard.page.wait_for_selector('[aria-label="Result"] tr[data-row]')
        shown = zip(*(dashboard.column("Result", name) for name in ("product_id", "margin", "last")), strict=True)
        assert [
            (product, Decimal(margin), date.fromisoformat(last)) for product, margin, last in shown
        ] == dashboard.sql(question)
        context.set_offline(True)
        dashboard.page.get_by_role("button", name="Sales by weekday").click()
        dashboard.page.wait_for_selector('[aria-label="Result"] td[data-column="weekday"]')
        dashboard.page.get_by_role("textbox", name="SQL").fill("selec")
        dashboard.page.keyboard.press("Control+Enter")
        assert "syntax error" in dashboard.page.get_by_role("alert").inner_text()


def test_ten_thousand_machines_scroll(browser: Browser, tmp_path: Path) -> None:
    """Only the rows in sight are drawn, so no frame has more to do with ten thousand than with a hundred."""
    last = date(2024, 3, 31)
    large_fleet(tmp_path / "processed", machines=MACHINES, first=last - timedelta(days=27), days=28)
    write_dashboard(LocalPlace(tmp_path / "processed"), None, tmp_path / "site")
    with static_host(tmp_path / "site") as address, browser.new_context(locale="en-US") as context:
        dashboard = watched(context, Site(tmp_path / "site", address, tmp_path))
        dashboard.page.set_default_timeout(120_000)
        dashboard.open("machines")
        assert dashboard.page.get_by_role("heading", level=2).inner_text() == "10,000 machines"
        scrolled = dashboard.page.evaluate(FRAMES)
        assert scrolled["frames"] == 120
        assert scrolled["rows"] < 100
        dashboard.page.get_by_role("searchbox").fill("VM09999")
        dashboard.page.wait_for_selector('tr[data-row="VM09999"]')
        dashboard.assert_quiet()
