"""The pages Weather and sales, and Settlements, in a real browser, held against SQL on the warehouse."""

import csv
import io
import json
import math
import shlex
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from vending_platform.dashboard import write_dashboard
from vending_platform.storage import LocalPlace
from vending_platform_tests.browser.dashboards import Dashboard, Site, chromium, number, watched
from vending_platform_tests.browser.static_host import static_host
from vending_platform_tests.sample import Sample, vending

pytestmark = pytest.mark.browser

LAST, PLACE = "2024-03-14", "千葉県"
REPORTED = "2024-04-30"
"""The last day of a payout in the sample's settlements."""
SETTLEMENTS = "from marts.mart_settlement_reconciliation"
STATES = {"paid": "入金済", "open": "未入金", "differs": "金額差異"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    write_dashboard(LocalPlace(sample.data / "processed-data"), None, folder)
    with static_host(folder) as address:
        yield Site(folder, address, sample.data)


@pytest.fixture(scope="module")
def dashboard(browser: Browser, site: Site) -> Iterator[Dashboard]:
    with browser.new_context(locale="ja-JP", viewport={"width": 1600, "height": 900}) as context:
        yield watched(context, site)


def signed_percent(share: Decimal) -> str:
    size = math.floor(abs(float(share)) * 1000 + 0.5) / 10
    return f"{'+' if share > 0 else '−' if share < 0 else ''}{size:.1f}%"


def written(value: Decimal | None, digits: int = 1) -> str:
    if value is None:
        return "–"
    return str(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)).replace("-", "−")


def drawn(dashboard: Dashboard) -> list[list[str]]:
    """What the chart shows, a list of cells a day without its name."""
    rows = dashboard.page.locator(".chart .for-readers tbody tr").all_inner_texts()
    return [row.split("\t")[1:] for row in rows]


@pytest.mark.parametrize(("factor", "label"), [("temperature", "気温への反応"), ("rain", "雨への反応")])
def test_reactions_are_the_slopes_as_shares_of_the_mean(dashboard: Dashboard, factor: str, label: str) -> None:
    dashboard.open(f"weather?factor={factor}")
    found = dashboard.sql(
        "select category_name, slope / units_per_machine, slope_low / units_per_machine,"
        " slope_high / units_per_machine, days, units_per_machine, correlation, slope_low > 0, slope_high < 0"
        " from marts.mart_weather_sensitivity inner join"
        " (select distinct category_id, category_name from marts.dim_products) using (category_id)"
        f" where factor = '{factor}' order by 2 desc"
    )
    assert len(found) == 10
    assert dashboard.column(label, "category") == [row[0] for row in found]
    assert dashboard.column(label, "change") == [signed_percent(row[1]) for row in found]
    assert dashboard.column(label, "interval") == [
        f"{signed_percent(low)} – {signed_percent(high)}" for _, _, low, high, *_ in found
    ]
    assert dashboard.numbers(label, "days") == [row[4] for row in found]
    assert dashboard.column(label, "units") == [written(row[5]) for row in found]
    assert dashboard.column(label, "correlation") == [written(row[6], 2) for row in found]
    verdicts = ["増える" if more else "減る" if less else "不明" for *_, more, less in found]
    assert dashboard.column(label, "verdict") == verdicts
    assert set(verdicts) == {"不明"}, "two weeks of the sample prove nothing"
    closest = max(found, key=lambda row: abs(row[6]))
    meaning = dashboard.page.locator('[data-figure="weather-meaning"]').inner_text()
    assert "10件すべてで区間が0を含みます" in meaning
    assert f"「{closest[0]}」は1台あたり {signed_percent(closest[1])}" in meaning
    assert f"{signed_percent(closest[2])}〜{signed_percent(closest[3])}、n = 14日" in meaning
    assert "曜日や季節" in meaning


@pytest.mark.parametrize(
    ("factor", "column", "unit"), [("temperature", "temperature_mean", "℃"), ("rain", "precipitation", " mm")]
)
def test_the_days_are_drawn_with_the_forecasts_of_their_evening(
    dashboard: Dashboard, factor: str, column: str, unit: str
) -> None:
    day = "2024-03-08"
    dashboard.open(f"weather?factor={factor}&day={day}&prefecture={PLACE}")
    past = dashboard.sql(
        f"select sales_with_tax, {column}_forecast, {column} from marts.mart_weather_daily"
        f" where prefecture = '{PLACE}' and business_date <= '{day}' order by business_date"
    )
    ahead = dashboard.sql(
        f"select {column} from marts.mart_weather_forecasts where prefecture = '{PLACE}'"
        f" and known_on = '{day}' order by business_date"
    )
    assert (len(past), len(ahead)) == (8, 6)
    cells = drawn(dashboard)
    assert [number(row[0]) for row in cells] == [row[0] for row in past] + [None] * 6
    expected = [row[1] for row in past] + [row[0] for row in ahead]
    assert [row[1] for row in cells] == [shown(value, unit) for value in expected]
    assert [row[2] for row in cells] == [shown(row[2], unit) for row in past] + ["–"] * 6
    tomorrow = dashboard.page.locator('[data-figure="weather-tomorrow"]')
    warmth, rain = dashboard.sql(
        "select temperature_mean, precipitation from marts.mart_weather_forecasts"
        f" where prefecture = '{PLACE}' and known_on = '{day}' and business_date = date '{day}' + 1"
    )[0]
    expect(tomorrow.locator(".figure")).to_have_text(f"{warmth}℃")
    expect(tomorrow).to_contain_text(f"雨 {rain} mm・3/8(金)の夜")


def shown(value: Decimal | None, unit: str) -> str:
    return "–" if value is None else written(value) + unit


def test_what_is_open_comes_first_the_oldest_at_the_top(dashboard: Dashboard) -> None:
    dashboard.open("settlements")
    found = dashboard.sql(
        "select strftime(business_date, '%Y-%m-%d') || ' ' || payment_method_id, state, expected_payout, paid_out,"
        f" paid_out - expected_payout, tolerance, date '{REPORTED}' - business_date, reported_payout {SETTLEMENTS}"
        " order by case when state <> 'paid' then business_date end nulls last, business_date desc, payment_method_id"
    )
    assert dashboard.one(f"select max(paid_on) {SETTLEMENTS}") == date.fromisoformat(REPORTED)
    label = "入金明細"
    rows = dashboard.page.locator(f'[role=region][aria-label="{label}"] tr[data-row]')
    assert rows.evaluate_all("rows => rows.map(row => row.dataset.row)") == [row[0] for row in found]
    assert dashboard.column(label, "state") == [STATES[row[1]] for row in found]
    for column, place in {"expected": 2, "paid": 3, "gap": 4, "tolerance": 5, "reported": 7}.items():
        assert dashboard.numbers(label, column) == [row[place] for row in found], column
    open_for = [row[6] if row[1] != "paid" else None for row in found]
    assert dashboard.numbers(label, "open") == open_for
    late = [text.partition("+")[2] for text in dashboard.column(label, "due")]
    assert [text for text in late if text] == ["31日"], "of 64 yen that were due on 30 March"
    dashboard.open("settlements?show=open&method=PM04")
    assert dashboard.column(label, "state") == ["未入金", "金額差異"]


def test_sums_are_those_of_the_period_and_the_way_to_pay(dashboard: Dashboard) -> None:
    dashboard.open("settlements")
    expected, paid, difference, is_open = dashboard.sql(
        f"select sum(expected_payout), sum(paid_out), sum(difference), count(*) filter (state <> 'paid') {SETTLEMENTS}"
    )[0]
    figures = [dashboard.figure(f"settlements-{name}") for name in ("expected", "paid", "difference", "open")]
    assert figures == [expected, paid, difference, is_open]
    label = "決済方法ごとの入金"
    for column, of in {
        "expected": "sum(expected_payout)",
        "paid": "sum(paid_out)",
        "gap": "sum(paid_out - expected_payout)",
        "open": "count(*) filter (state <> 'paid')",
    }.items():
        by_method = dict(dashboard.sql(f"select payment_method_id, {of} {SETTLEMENTS} group by 1"))
        assert dashboard.by_row(label, column) == by_method, column
    by_day = dashboard.sql(
        f"select sum(expected_payout), sum(paid_out) {SETTLEMENTS} group by business_date order by business_date"
    )
    assert [tuple(number(cell) for cell in row) for row in drawn(dashboard)] == by_day
    dashboard.open("settlements?day=2024-03-14&days=14&method=PM02")
    ((of_method,),) = dashboard.sql(f"select sum(paid_out) {SETTLEMENTS} where payment_method_id = 'PM02'")
    assert dashboard.figure("settlements-paid") == of_method


def test_the_settlements_are_saved_as_csv(dashboard: Dashboard) -> None:
    dashboard.open("settlements?method=PM04&show=open")
    with dashboard.page.expect_download() as saved:
        dashboard.page.get_by_role("button", name="CSVで保存").click()
    assert saved.value.suggested_filename == f"settlements_{LAST}.csv"
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_bytes().decode("utf-8-sig"))))
    columns = {"売上日": "business_date", "入金予定額": "expected_payout", "差額": "difference"}
    assert [tuple(row[name] for name in columns) for row in rows] == [
        tuple(str(value) for value in row)
        for row in dashboard.sql(
            f"select {', '.join(columns.values())} {SETTLEMENTS}"
            " where payment_method_id = 'PM04' and state <> 'paid' order by business_date"
        )
    ]


def test_choices_stand_in_the_address(dashboard: Dashboard) -> None:
    page = dashboard.page
    dashboard.open("weather")
    page.get_by_label("天気").select_option("rain")
    page.get_by_label("都道府県").select_option(PLACE)
    page.get_by_label("期間").select_option("14")
    page.wait_for_function("['factor=rain', 'prefecture=', 'days=14'].every(one => location.hash.includes(one))")
    page.reload()
    page.wait_for_selector('.page[data-busy="false"]')
    assert page.get_by_label("天気").input_value() == "rain"
    assert page.get_by_label("期間").input_value() == "14"
    dashboard.open("settlements")
    page.get_by_label("決済方法").first.select_option("PM05")
    page.get_by_label("表示").select_option("open")
    page.wait_for_function("['method=PM05', 'show=open'].every(one => location.hash.includes(one))")


@pytest.mark.parametrize(
    ("address", "figure", "mart"),
    [
        ("weather", "td[data-column=change]", "mart_weather_sensitivity"),
        ("settlements", "[data-figure=settlements-open]", "mart_settlement_reconciliation"),
        ("weather?day=2024-03-08", "[data-figure=weather-tomorrow]", "mart_weather_forecasts"),
    ],
)
def test_a_figure_names_the_command_that_traces_it(dashboard: Dashboard, address: str, figure: str, mart: str) -> None:
    dashboard.open(address)
    dashboard.page.locator(f"{figure} .traced").first.click()
    command = dashboard.page.locator("dialog[open] pre").inner_text()
    assert command.startswith(f"vending trace marts.{mart} ")
    traced = vending(dashboard.data, *shlex.split(command, comments=True)[1:], "--json")
    assert traced.returncode == 0, traced.stderr
    assert json.loads(traced.stdout)["files"]
    dashboard.page.keyboard.press("Escape")


def test_nothing_went_wrong(dashboard: Dashboard) -> None:
    for page in ("weather", "weather?day=2024-03-01&factor=rain", "settlements", "settlements?day=2024-03-01&days=91"):
        dashboard.open(page)
    dashboard.assert_quiet()
