"""From "Run now" on the dashboard to new files in its downloads, with the real service and the real Dagster behind it;
a second tab sees the same run while it works. Part of `make proof`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.browser.dashboards import Site, chromium, watched
from vending_platform_tests.ingestion.raw_folder import sales_file
from vending_platform_tests.sample import Sample, variables
from vending_platform_tests.web_servers import serving_service

pytestmark = [pytest.mark.browser, pytest.mark.proof]

PATIENCE = 600_000
NEW_DAY, ROWS = "2024-03-15", 7
SCREENSHOTS = PROJECT_DIR / "browser-screenshots"


@dataclass(frozen=True)
class Service:
    """What `vending serve` serves of the sample, to which a file of one more day was delivered."""

    address: str
    data: Path

    def get(self, path: str) -> Any:
        answer = httpx2.get(f"{self.address}{path}", timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def versions(self) -> dict[str, Any]:
        return {export["name"]: export for export in self.get("/api/pipeline/latest")["exports"]}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.data / "dbt_dev.duckdb", read_only=True) as opened:
            return opened.execute(sql).fetchall()


@pytest.fixture
def service(sample: Sample, tmp_path: Path) -> Iterator[Service]:
    data = sample.copied(tmp_path / "data")
    file = data / "sources" / f"sales_VM001_{NEW_DAY.replace('-', '')}.csv"
    file.write_bytes(sales_file("VM001", NEW_DAY, ROWS))
    with serving_service(PROJECT_DIR, variables(data), tmp_path / "serve.log") as address:
        yield Service(address, data)


@pytest.fixture
def browser(service: Service) -> Iterator[BrowserContext]:
    with chromium() as opened, opened.new_context(locale="en-US", viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(PATIENCE)
        yield context


def test_run_now_ends_with_new_files_and_another_tab_sees_it(service: Service, browser: BrowserContext) -> None:
    site = Site(service.data, f"{service.address}/", service.data)
    first, second = watched(browser, site), watched(browser, site)
    for tab in (first, second):
        tab.open("pipeline")
        expect(tab.page.get_by_role("button", name="Run now")).to_be_enabled()
    before = service.versions()

    first.page.get_by_role("button", name="Run now").click()
    first.page.get_by_role("button", name="Run", exact=True).click()
    is_under_way = second.page.locator('.progress[data-phase="running"]')
    expect(is_under_way).to_be_visible(timeout=PATIENCE)  # no one touched the second tab
    run_id = second.page.locator(".progress code").inner_text()
    second.page.screenshot(path=SCREENSHOTS / "run-seen-by-another-tab.png")
    for tab in (first, second):
        expect(tab.page.locator('.progress[data-phase="succeeded"]')).to_be_visible(timeout=PATIENCE)
        expect(tab.page.locator(".progress code").first).to_have_text(run_id)

    assert service.rows(f"select count(*) from marts.fct_sales where business_date = '{NEW_DAY}'") == [(ROWS,)]
    after = service.versions()
    written = {name for name, export in after.items() if export["version"] != before[name]["version"]}
    assert "sales_by_day" in written
    first.page.get_by_role("link", name="See the new files").click()
    listed = first.page.locator("[data-export]")
    expect(listed).to_have_count(len(after))
    shown = listed.evaluate_all("all => all.map(one => [one.dataset.export, one.dataset.version])")
    assert dict(shown) == {name: export["version"] for name, export in after.items()}
    _assert_download_is_the_day(first.page, service, after["sales_by_day"])
    first.page.screenshot(path=SCREENSHOTS / "downloads-after-a-run.png")

    second.page.get_by_role("link", name="History").click()
    expect(second.page.locator(f'tr[data-row="{run_id}"]')).to_contain_text("Succeeded")
    for tab in (first, second):
        tab.assert_quiet()


def _assert_download_is_the_day(page: Page, service: Service, version: Any) -> None:
    (file,) = [file for file in version["files"] if file["day"] == NEW_DAY]
    page.locator('[data-export="sales_by_day"] summary').click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name=file["name"]).click()
    path = downloading.value.path()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]
    assert pq.read_metadata(path).num_rows == ROWS == file["rows"]
