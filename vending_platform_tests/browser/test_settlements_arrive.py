"""From a service that no one has connected to a settlement that is paid: a person connects it, extracts, runs, watches,
and sees the page change. Only the extraction is a command. Part of `make proof`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.browser.dashboards import Site, chromium, watched
from vending_platform_tests.emulators.payments import PaymentProcessor
from vending_platform_tests.emulators.settlements import settling_processor
from vending_platform_tests.sample import Sample, variables, vending
from vending_platform_tests.web_servers import serving_service

pytestmark = [pytest.mark.browser, pytest.mark.proof]

PATIENCE = 600_000
DAY, METHOD = "2024-03-05", "PM04"
SCREENSHOTS = PROJECT_DIR / "browser-screenshots"
MART = "marts.mart_settlement_reconciliation"


@dataclass(frozen=True)
class Laptop:
    """`vending serve` over the sample. Its payment processor has paid since then what was open in it."""

    address: str
    data: Path
    processor: str

    def extract(self) -> None:
        days = ("--from", DAY, "--to", DAY)
        done = vending(self.data, "extract", "settlements", *days, VENDING_PAYMENTS_URL=self.processor)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def laptop(sample: Sample, tmp_path: Path) -> Iterator[Laptop]:
    data = sample.copied(tmp_path / "data")
    with settling_processor() as processor:
        pay_what_is_open(processor)
        of_laptop = variables(data) | {"VENDING_PAYMENTS_URL": processor.address}
        with serving_service(PROJECT_DIR, of_laptop, tmp_path / "serve.log") as address:
            yield Laptop(address, data, processor.address)


def pay_what_is_open(processor: PaymentProcessor) -> None:
    before = processor.settlements
    processor.settlements = {
        day: [{**line, "paid_on": line["paid_on"] or "2024-05-31"} for line in lines] for day, lines in before.items()
    }
    assert [day for day in before if processor.settlements[day] != before[day]] == [DAY]


@pytest.fixture
def browser(laptop: Laptop) -> Iterator[BrowserContext]:
    with chromium() as opened, opened.new_context(locale="en-US", viewport={"width": 1600, "height": 900}) as context:
        context.set_default_timeout(PATIENCE)
        yield context


def connect(page: Page, laptop: Laptop) -> None:
    page.goto(f"{laptop.address}/connections")
    expect(page.locator("#payments .state")).to_have_text("Not connected")
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name="Allow").click()
    expect(page.locator("#payments .state.good")).to_be_visible(timeout=PATIENCE)


def settlement(page: Page) -> Locator:
    return page.locator(f'[role=region][aria-label="Settlements"] tr[data-row="{DAY} {METHOD}"]')


def test_a_payout_arrives_on_the_page_after_connecting_extracting_and_running(
    laptop: Laptop, browser: BrowserContext
) -> None:
    dashboard = watched(browser, Site(laptop.data, f"{laptop.address}/", laptop.data))
    dashboard.open("settlements")
    expect(settlement(dashboard.page).locator(".badge")).to_have_text("not paid")
    is_open = dashboard.figure("settlements-open")

    connect(browser.new_page(), laptop)
    laptop.extract()
    dashboard.open("pipeline")
    dashboard.page.get_by_role("button", name="Run now").click()
    dashboard.page.get_by_role("button", name="Run", exact=True).click()
    expect(dashboard.page.locator('.progress[data-phase="running"]')).to_be_visible(timeout=PATIENCE)
    expect(dashboard.page.locator('.progress[data-phase="succeeded"]')).to_be_visible(timeout=PATIENCE)

    dashboard.open("settlements")
    assert dashboard.sql(
        f"select state, paid_on::varchar from {MART} where business_date = '{DAY}' and payment_method_id = '{METHOD}'"
    ) == [("paid", "2024-05-31")]
    expect(settlement(dashboard.page).locator(".badge")).to_have_text("paid")
    assert dashboard.figure("settlements-open") == (is_open or 0) - 1
    assert dashboard.figure("settlements-paid") == dashboard.one(f"select sum(paid_out) from {MART}")
    dashboard.page.screenshot(path=SCREENSHOTS / "settlements-after-a-run.png", full_page=True)
    dashboard.assert_quiet()
