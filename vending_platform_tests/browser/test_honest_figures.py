"""Weather and sales, and Settlements, of rows that the sample has not: sure effects, few days, unknown fees."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from playwright.sync_api import Browser, expect

from vending_platform.dashboard import write_dashboard
from vending_platform.storage import LocalPlace
from vending_platform_tests.browser.dashboards import Dashboard, Site, chromium, watched
from vending_platform_tests.browser.page_tables import write_tables
from vending_platform_tests.browser.static_host import static_host

pytestmark = pytest.mark.browser

TABLES = {
    "mart_machine_daily": "select date '2024-07-31' as business_date, 'VM001' as machine_id, 10 as units_sold,"
    " 1400 as sales_with_tax",
    "dim_products": "select * from (values ('C14', '炭酸飲料'), ('C21', 'スープ')) as t (category_id, category_name)",
    "mart_weather_daily": "select date '2024-07-31' as business_date, prefecture,"
    " 30.5::decimal(4, 1) as temperature_mean,"
    " 0.0::decimal(6, 1) as precipitation, null::timestamp as forecast_issued_at,"
    " null::decimal(4, 1) as temperature_mean_forecast, null::decimal(6, 1) as precipitation_forecast, machines,"
    " 10::bigint as units_sold, sales_with_tax::bigint as sales_with_tax"
    " from (values ('東京都', 1::bigint, 1400), ('千葉県', 1::bigint, 2800), ('北海道', 0::bigint, 0))"
    " as t (prefecture, machines, sales_with_tax)",
    "mart_weather_forecasts": "select * from (values"
    " (date '2024-08-01', '千葉県', date '2024-07-30', 25.0::decimal(4, 1), 9.0::decimal(6, 1)),"
    " (date '2024-08-01', '千葉県', date '2024-07-31', -1.5::decimal(4, 1), 0.5::decimal(6, 1)))"
    " as t (business_date, prefecture, known_on, temperature_mean, precipitation)",
    "mart_weather_sensitivity": "select prefecture, category_id, factor, days::bigint as days,"
    " units::decimal(18, 4) as units_per_machine, correlation::decimal(5, 4) as correlation,"
    " slope::decimal(18, 4) as slope, low::decimal(18, 4) as slope_low, high::decimal(18, 4) as slope_high from (values"
    " ('東京都', 'C14', 'temperature', 120, 10, 0.8, 0.5, 0.3, 0.7),"
    " ('東京都', 'C21', 'temperature', 120, 10, -0.6, -0.4, -0.6, -0.2),"
    " ('東京都', 'C99', 'temperature', 6, 10, 0.5, 0.2, null, null),"
    " ('千葉県', 'C14', 'temperature', 60, 10, 0.1, 0.1, -0.1, 0.3),"
    " ('千葉県', 'C14', 'rain', 60, 10, null, null, null, null))"
    " as t (prefecture, category_id, factor, days, units, correlation, slope, low, high)",
    "mart_settlement_reconciliation": "select method as payment_method_id, day::date as business_date,"
    " name::varchar as payment_method_name, state, 0::bigint as expected_sales_with_tax,"
    " 0::bigint as reported_sales_with_tax, 0::bigint as charged_back_with_tax, 0::bigint as expected_fee,"
    " 0::bigint as reported_fee, expected::bigint as expected_payout, reported::bigint as reported_payout,"
    " (reported - expected)::bigint as difference, 10::bigint as tolerance, paid::bigint as paid_out,"
    " (reported - paid)::bigint as open_payout, due::date as due_on, paid_on::date as paid_on from (values"
    " ('PM01', '2024-07-01', '交通系', 'not_reported', 900, 0, 0, '2024-07-15', null),"
    " ('PM01', '2024-07-30', '交通系', 'not_reported', 800, 0, 0, '2024-08-15', null),"
    " ('PM02', '2024-07-20', null, 'fee_unknown', null, 500, 500, null, '2024-07-31'),"
    " ('PM02', '2024-07-21', null, 'not_expected', 0, 300, 300, null, '2024-07-31'),"
    " ('PM01', '2024-02-01', '交通系', 'open', 100, 100, 0, '2024-03-15', null),"
    " ('PM01', '2024-07-29', '交通系', 'paid', 700, 700, 700, '2024-08-15', '2024-07-31'))"
    " as t (method, day, name, state, expected, reported, paid, due, paid_on)",
}
EMPTY = ("mart_weather_daily", "mart_weather_sensitivity", "mart_settlement_reconciliation")


def page_of(queries: dict[str, str], folder: Path) -> Path:
    with duckdb.connect() as connection:
        tables: dict[str, dict[str | None, pa.Table]] = {
            name: {None: connection.sql(query).to_arrow_table()} for name, query in queries.items()
        }
    write_tables(LocalPlace(folder / "processed"), tables)
    write_dashboard(LocalPlace(folder / "processed"), None, folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def dashboard(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Dashboard]:
    nothing = getattr(request, "param", ())
    queries = {name: f"{query} limit 0" if name in nothing else query for name, query in TABLES.items()}
    folder = page_of(queries, tmp_path)
    with (
        static_host(folder) as address,
        browser.new_context(locale="en-US", viewport={"width": 1600, "height": 900}) as context,
    ):
        yield watched(context, Site(folder, address, tmp_path))


def test_a_sure_effect_is_said_with_its_days_and_one_of_few_days_is_not(dashboard: Dashboard) -> None:
    label = "What follows temperature"
    dashboard.open("weather")
    assert dict(zip(dashboard.column(label, "change"), dashboard.column(label, "verdict"), strict=True)) == {
        "+5.0%": "more",
        "+2.0%": "few days",
        "+1.0%": "unclear",
        "−4.0%": "less",
    }
    assert dashboard.column(label, "interval") == ["+3.0% – +7.0%", "–", "−1.0% – +3.0%", "−6.0% – −2.0%"]
    assert dashboard.column(label, "prefecture") == ["東京都", "東京都", "千葉県", "東京都"]
    meaning = dashboard.page.locator('[data-figure="weather-meaning"]')
    expect(meaning).to_have_text(
        "1 °C warmer: +5.0% of 炭酸飲料 per machine in 東京都 (95% interval +3.0% to +7.0%, n = 120 days)."
        " Of 3 comparisons 5% look so by chance."
    )
    dashboard.open("weather?prefecture=千葉県")
    expect(meaning).to_contain_text("Nothing is certain")
    assert dashboard.column(label, "days") == ["60"]
    dashboard.open("weather?factor=rain")
    expect(dashboard.page.get_by_text("Nothing can be said yet")).to_be_visible()
    assert dashboard.column("What follows rain", "verdict") == ["no change"]
    dashboard.assert_quiet()


def test_of_the_coming_day_the_newest_forecast_counts(dashboard: Dashboard) -> None:
    dashboard.open("weather")
    tomorrow = dashboard.page.locator('[data-figure="weather-tomorrow"]')
    expect(tomorrow.locator(".figure")).to_have_text("−1.5 °C")
    expect(tomorrow).to_contain_text("rain 0.5 mm, made Wed Jul 31")
    expect(dashboard.page.get_by_role("heading", name="Sales and temperature in 千葉県")).to_be_visible()
    dashboard.open("weather?prefecture=東京都")
    expect(tomorrow.locator(".figure")).to_have_text("–")


def test_what_is_unknown_is_in_no_sum_and_what_is_late_is_said(dashboard: Dashboard) -> None:
    label = "Settlements"
    dashboard.open("settlements")
    assert dashboard.column(label, "state") == ["not paid", "no report", "fee unknown", "no sale", "no report", "paid"]
    assert dashboard.column(label, "open") == ["181 days", "30 days", "11 days", "10 days", "1 day", "–"]
    assert dashboard.numbers(label, "gap") == [-100, -900, None, 300, -800, 0]
    due = dashboard.column(label, "due")
    assert [text.partition(" +")[2] for text in due] == ["138 days", "16 days", "", "", "", ""]
    assert dashboard.figure("settlements-expected") == 700 + 800, "of 28 days; the fee of 500 more is unknown"
    expect(dashboard.page.locator('[data-figure="settlements-expected"]')).to_contain_text("without 1 of which")
    assert dashboard.figure("settlements-open") == 5
    dashboard.open("settlements?days=91")
    assert dashboard.figure("settlements-expected") == 900 + 700 + 800
    assert dashboard.by_row("Paid out by way to pay", "gap") == {"PM01": -900 - 800, "PM02": 300}


@pytest.mark.parametrize("dashboard", [EMPTY], indirect=True)
def test_without_rows_a_page_says_what_to_do(dashboard: Dashboard) -> None:
    for address, text in {"weather": "vending extract", "settlements": "/connections"}.items():
        dashboard.open(address)
        expect(dashboard.page.locator(".empty", has_text=text)).to_be_visible()
    dashboard.assert_quiet()
