"""The dashboard in a real browser, from a static host: what each page answers, held against SQL on the warehouse."""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from vending_platform.dashboard import PAGE_FOLDER, write_dashboard
from vending_platform.environment import PROJECT_DIR
from vending_platform.quality import Quality, from_json
from vending_platform.storage import LocalPlace
from vending_platform_tests.browser.dashboards import Dashboard, Site, chromium, number, watched
from vending_platform_tests.browser.packages import built, installed
from vending_platform_tests.browser.static_host import static_host
from vending_platform_tests.sample import Sample, vending

pytestmark = pytest.mark.browser

DAY = "2024-03-14"
MACHINE = "VM002"
PAGES = (
    "today",
    "machines",
    "machines?view=map",
    f"machine?id={MACHINE}",
    "route",
    "products",
    "shop",
    "weather",
    "settlements",
    "quality",
    "pipeline",
    "sql",
)
BUDGET = 90_000
"""Bytes of gzipped script that all pages need together but those on demand."""
ON_DEMAND_BUDGET = 10_000
"""The same for the script of one page on demand."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def quality(sample: Sample) -> Quality:
    found = from_json(vending(sample.data, "quality", "--json").stdout)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def site(sample: Sample, quality: Quality, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    write_dashboard(LocalPlace(sample.data / "processed-data"), quality, folder)
    with static_host(folder) as address:
        yield Site(folder, address, sample.data)


@pytest.fixture(scope="module")
def packages(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return installed(pytestconfig.cache.mkdir("vending"))


@pytest.fixture(scope="module")
def dashboard(browser: Browser, site: Site) -> Iterator[Dashboard]:
    with browser.new_context(locale="ja-JP") as context:
        yield watched(context, site)


def test_today_is_what_the_warehouse_has(dashboard: Dashboard) -> None:
    dashboard.open("today")
    of_day = f"from marts.mart_machine_daily where business_date = '{DAY}'"
    assert dashboard.figure("sales") == dashboard.one(f"select sum(sales_with_tax) {of_day}")
    assert dashboard.figure("units") == dashboard.one(f"select sum(units_sold) {of_day}")
    is_open = f"started_at < date '{DAY}' + 1 and (ended_at is null or ended_at >= date '{DAY}' + 1)"
    assert dashboard.figure("stockouts") == dashboard.one(f"select count(*) from marts.fct_stockouts where {is_open}")
    missing = f"from marts.mart_delivery_gaps where is_missing and business_date = '{DAY}'"
    assert dashboard.figure("missing") == dashboard.one(f"select count(*) {missing}")
    week = f"business_date between date '{DAY}' - 6 and '{DAY}'"
    assert dashboard.figure("cash") == dashboard.one(
        f"select count(*) from marts.mart_cash_reconciliation where is_breached and {week}"
    )
    assert dashboard.column("品切れ中のスロット", "slot") == dashboard.texts(
        f"select machine_id || '-' || slot_no from marts.fct_stockouts where {is_open}"
        " order by sales_lost desc nulls last, business_date, machine_id, slot_no"
    )
    assert dashboard.numbers("品切れ中のスロット", "lost") == dashboard.values(
        f"select sales_lost from marts.fct_stockouts where {is_open} order by sales_lost desc nulls last"
    )
    assert dashboard.numbers("現金回収", "variance") == dashboard.values(
        f"select variance from marts.mart_cash_reconciliation where {week}"
        " order by abs(variance) desc nulls last, business_date, machine_id, visit_id"
    )
    drawn = dashboard.page.locator(".chart .for-readers tbody tr").all_inner_texts()
    sold = dashboard.sql(
        "select business_date, sum(sales_with_tax) from marts.mart_machine_daily group by 1 order by 1"
    )
    assert [number(row.split("\t")[1]) for row in drawn] == [sales for _, sales in sold]


def test_machines_are_those_in_place_with_their_figures(dashboard: Dashboard) -> None:
    dashboard.open("machines")
    in_place = f"(removed_on is null or removed_on >= '{DAY}') and installed_on <= '{DAY}'"
    shown = dashboard.by_row("自販機", "sales")
    assert shown == dict(
        dashboard.sql(
            f"select machine_id, sales_with_tax from marts.dim_machines left join marts.mart_machine_daily as daily"
            f" on daily.machine_id = dim_machines.machine_id and business_date = '{DAY}' where {in_place}".replace(
                "select machine_id", "select dim_machines.machine_id"
            )
        )
    )
    stock = dashboard.sql(
        "select machine_id, count(*) filter (closing_units <= 0) from marts.fct_slot_inventory_daily"
        f" where business_date = '{DAY}' group by 1"
    )
    assert dashboard.by_row("自販機", "empty") == {machine: empty for machine, empty in stock if machine in shown}
    dashboard.page.get_by_role("searchbox").fill("学校")
    assert list(dashboard.by_row("自販機", "sales")) == dashboard.texts(
        f"select machine_id from marts.dim_machines where location_type = 'school' and {in_place}"
    )


def test_a_machine_is_shown_with_its_hours_slots_and_visits(dashboard: Dashboard) -> None:
    dashboard.open(f"machine?id={MACHINE}")
    mine = f"machine_id = '{MACHINE}'"
    of_day = f"{mine} and business_date = '{DAY}'"
    sales, units, margin = dashboard.sql(
        f"select sales_with_tax, units_sold, round(margin_without_tax) from marts.mart_machine_daily where {of_day}"
    )[0]
    figures = [dashboard.figure(name) for name in ("sales", "units", "margin")]
    assert figures == [sales, units, margin]
    hours = dashboard.page.locator(".chart .for-readers").first.locator("tbody tr").all_inner_texts()
    by_hour = dict(dashboard.sql(f"select hour_of_day, sales_with_tax from marts.mart_machine_hourly where {of_day}"))
    assert [number(row.split("\t")[1]) for row in hours] == [by_hour.get(hour, 0) for hour in range(24)]
    slots = f"from marts.fct_slot_inventory_daily where {of_day} order by slot_no"
    assert dashboard.column("スロット", "stock") == dashboard.texts(
        f"select closing_units || ' / ' || coalesce(capacity::varchar, '–') {slots}"
    )
    assert dashboard.numbers("スロット", "sold") == dashboard.values(f"select units_sold {slots}")
    assert dashboard.numbers("スロット", "load") == dashboard.values(
        f"select units_to_load from marts.mart_replenishment_recommendation where {of_day} order by slot_no"
    )
    assert dashboard.numbers("訪問", "added") == dashboard.values(
        f"select sum(quantity_added) from marts.fct_replenishments where {mine}"
        " group by visit_id order by min(replenished_at) desc"
    )
    assert dashboard.numbers("品切れ", "lost") == dashboard.values(
        f"select sales_lost from marts.fct_stockouts where {mine} order by started_at desc"
    )


def test_the_route_is_the_plan_to_print_and_to_save(dashboard: Dashboard) -> None:
    dashboard.open("route")
    stops = dashboard.texts(
        "select machine_id from marts.mart_replenishment_recommendation"
        f" where business_date = '{DAY}' and is_visit_recommended group by 1 order by min(machine_priority)"
    )
    assert dashboard.page.locator(".stops summary > b").all_inner_texts() == stops
    picks = (
        f"from marts.mart_pick_list where business_date = '{DAY}' order by cases desc, units_to_load desc, product_id"
    )
    for column, of in {"cases": "cases", "loose": "loose_units", "units": "units_to_load"}.items():
        assert dashboard.numbers("積込リスト", column) == dashboard.values(f"select {of} {picks}")
    assert dashboard.column("積込リスト", "detail") == dashboard.texts(f"select machine_detail {picks}")
    with dashboard.page.expect_download() as saved:
        dashboard.page.get_by_role("button", name="CSVで保存").click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_bytes().decode("utf-8-sig"))))
    assert [(row["商品コード"], int(row["合計本数"])) for row in rows] == dashboard.sql(
        f"select product_id, units_to_load {picks}"
    )
    dashboard.page.emulate_media(media="print")
    expect(dashboard.page.locator(".paper-head")).to_be_visible()
    expect(dashboard.page.locator("nav.side")).to_be_hidden()
    assert dashboard.page.locator(".picks tbody tr").last.is_visible()
    dashboard.page.emulate_media(media="screen")


def test_products_are_ranked_with_prices_and_waste(dashboard: Dashboard) -> None:
    dashboard.open("products?segment=location_type:office")
    ranking = (
        "from marts.mart_product_ranking where business_date = '2024-03-01'"
        " and segment_type = 'location_type' and segment_value = 'office' order by sales_rank"
    )
    for column, of in {"rank": "sales_rank", "sales": "sales_with_tax", "units": "units_sold"}.items():
        assert dashboard.numbers("商品ランキング", column) == dashboard.values(f"select {of} {ranking}")
    assert dashboard.column("商品ランキング", "class") == dashboard.texts(f"select abc_class {ranking}")
    waste = "from marts.mart_waste where business_date = '2024-03-01'"
    assert dashboard.figure("waste") == dashboard.one(f"select round(sum(waste_cost_without_tax)) {waste}")
    assert Counter(dashboard.numbers("廃棄", "units")) == Counter(
        dashboard.values(f"select sum(units_wasted) {waste} group by product_id having sum(units_wasted) > 0")
    )
    changes = dashboard.sql("select product_name, units_change_rate from marts.mart_price_changes")
    shown = zip(dashboard.column("価格改定", "product"), dashboard.column("価格改定", "units"), strict=True)
    assert sorted(shown) == sorted((name, signed_percent(float(rate))) for name, rate in changes)


def signed_percent(rate: float) -> str:
    return f"{'+' if rate > 0 else '−' if rate < 0 else ''}{abs(round(rate * 100 + 1e-9, 1)):.1f}%"


def test_quality_goes_down_to_file_and_line(dashboard: Dashboard, quality: Quality) -> None:
    dashboard.open("quality")
    page = dashboard.page
    assert page.locator(".failures > li").count() == len(quality.failures)
    scores = page.locator("table", has=page.locator('td[data-column="dataset"]'))  # a long one, of which rows are drawn
    assert scores.get_attribute("aria-rowcount") == str(len(quality.latest) + 1)
    drawn = scores.locator('td[data-column="dataset"]').all_inner_texts()
    assert len(drawn) >= min(len(quality.latest), 20)
    assert set(drawn) <= {score.dataset for score in quality.latest}
    failure = next(one for one in quality.failures if one.rows and one.rows[0].line is not None)
    item = page.locator(".failures > li").nth(quality.failures.index(failure))
    item.locator("summary").click()
    cells = item.locator("tbody tr").first.locator("td").all_inner_texts()
    first = failure.rows[0]
    assert cells[:3] == [first.path, str(first.line), first.reason]


def test_without_a_server_or_an_engine_a_page_says_what_to_do(dashboard: Dashboard) -> None:
    dashboard.open("pipeline")
    expect(dashboard.page.get_by_text("vending serve")).to_be_visible()
    listed = {text.split("\n")[0] for text in dashboard.column("エクスポートの版", "name")}
    names = {path.parent.name for path in (dashboard.data / "processed-data").glob("*/manifest.json")}
    assert listed <= names
    assert {"pick_list", "dashboard_machine_daily"} <= listed
    if not (PAGE_FOLDER / "engine").exists():
        dashboard.open("sql")
        expect(dashboard.page.get_by_text("make dashboard")).to_be_visible()


def test_every_number_tells_which_command_traces_it(dashboard: Dashboard) -> None:
    dashboard.open("today?route=R001")
    page = dashboard.page
    page.locator('[data-figure="sales"] .traced').focus()
    page.keyboard.press("Enter")
    command = page.locator("dialog[open] pre").inner_text()
    assert command == f"vending trace marts.mart_machine_daily route_id=R001 day={DAY}"
    traced = vending(dashboard.data, *command.split()[1:], "--json")
    assert traced.returncode == 0, traced.stderr
    assert json.loads(traced.stdout)["files"]
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_what_is_shown_stands_in_the_address(dashboard: Dashboard) -> None:
    dashboard.open("today")
    page = dashboard.page
    page.get_by_label("ルート").select_option("R001")
    page.get_by_role("button", name="前の日").click()
    page.wait_for_function("location.hash.includes('day=2024-03-13') && location.hash.includes('route=R001')")
    page.reload()
    page.wait_for_selector('.page[data-busy="false"]')
    assert dashboard.figure("sales") == dashboard.one(
        "select sum(sales_with_tax) from marts.mart_machine_daily where business_date = '2024-03-13'"
    )
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator('[data-figure="sales"] .figure').inner_text().startswith("¥")
    page.get_by_role("button", name="日本語").click()


def test_the_keyboard_reaches_content_tables_and_sorting(dashboard: Dashboard) -> None:
    dashboard.open("today")
    page = dashboard.page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    heading = page.get_by_role("region", name="品切れ中のスロット").get_by_role("button", name="いつから")
    heading.focus()
    page.keyboard.press("Enter")
    since = dashboard.column("品切れ中のスロット", "since")
    assert page.locator('th[aria-sort="ascending"]').first.inner_text().startswith("いつから")
    assert len(since) == dashboard.figure("stockouts")


def test_every_page_is_accessible(dashboard: Dashboard, packages: Path) -> None:
    for page in PAGES:
        dashboard.open(page)
        assert dashboard.violations(packages) == [], page


def test_nothing_went_wrong_and_nothing_was_requested_elsewhere(dashboard: Dashboard) -> None:
    for page in PAGES:
        dashboard.open(page)
    dashboard.assert_quiet()


def test_it_works_offline_once_it_was_open(dashboard: Dashboard) -> None:
    dashboard.open("today")
    page = dashboard.page
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    sales = dashboard.figure("sales")
    page.context.set_offline(True)
    try:
        page.reload()
        page.wait_for_selector('.page[data-busy="false"]')
        assert dashboard.figure("sales") == sales
        expect(page.locator(".freshness")).to_contain_text("オフライン")
    finally:
        page.context.set_offline(False)


def test_what_can_not_be_read_is_said_with_what_to_do(browser: Browser, site: Site) -> None:
    manifest = site.folder / "data" / "manifest.json"
    aside = manifest.rename(manifest.with_suffix(".aside"))
    try:
        with browser.new_context(locale="en-US", service_workers="block") as context:
            page = context.new_page()
            page.goto(site.address)
            expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
            aside.rename(manifest)
            page.get_by_role("button", name="Try again").click()
            expect(page.locator('[data-figure="sales"]')).to_be_visible()
    finally:
        if aside.exists():
            aside.rename(manifest)


def test_the_script_is_small_until_a_page_on_demand_is_opened() -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in (PAGE_FOLDER / "assets").glob("*.js")}
    on_demand = {name: size for name, size in sizes.items() if name.startswith("on-demand-")}
    at_once = {name: size for name, size in sizes.items() if not name.startswith(("on-demand-", "engine-"))}
    assert sum(at_once.values()) <= BUDGET
    assert on_demand
    assert max(on_demand.values()) <= ON_DEMAND_BUDGET, on_demand


def test_what_is_on_demand_is_not_fetched_with_the_page(browser: Browser, site: Site) -> None:
    kept = """async () => {
        await navigator.serviceWorker.ready;
        const names = (await caches.keys()).filter((name) => name.startsWith("page-"));
        const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
        return [names, keys.flat().map((request) => request.url)];
    }"""
    with browser.new_context(locale="ja-JP") as context:
        page = context.new_page()
        page.goto(f"{site.address}#/today")
        (version,), fetched = page.evaluate(kept)
        assert "VERSION" not in version
        assert any("/assets/machines-" in url for url in fetched)
        assert not any("/on-demand-" in url for url in fetched)
        page.reload()  # from now on the service worker answers
        with page.expect_response(lambda response: "/on-demand-sql-" in response.url) as response:
            page.goto(f"{site.address}#/sql")
        assert response.value.ok


def test_the_committed_page_is_what_its_source_builds(packages: Path, tmp_path: Path) -> None:
    assert contents(built(packages, tmp_path)) == contents(PAGE_FOLDER)


def contents(folder: Path) -> dict[str, bytes]:
    """Without the SQL engine, which is not committed."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "engine"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_lock_has_no_address_of_a_registry() -> None:
    lock = json.loads((PROJECT_DIR / "dashboard" / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
