"""What a person does in the UI, in a real browser: look at the graph, materialise a day, backfill a week.

Run by `make browser`, which needs Debian's chromium; screenshots stay in `browser-screenshots/`.
"""

import csv
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import duckdb
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.web_servers import Server, serving

pytestmark = pytest.mark.browser

SCREENSHOTS = PROJECT_DIR / "browser-screenshots"
DAY = "2024-03-05"
WEEK = [f"2024-03-{number:02d}" for number in range(6, 13)]
TIDY = ["2024-03-07", "2024-03-08", "2024-03-11"]
"""Days of the sample on which nothing was planted: there the marts must hold what the files hold."""
EXPORTS = {"sales_by_day": "fct_sales", "machine_daily": "mart_machine_daily", "product_daily": "mart_product_daily"}
RUNNING = 240


@dataclass(frozen=True)
class Ui:
    data: Path
    server: Server

    @property
    def address(self) -> str:
        return self.server.address

    def ask(self, query: str) -> Any:
        return self.server.ask(query)

    def wait_for_runs(self, at_least: int) -> list[dict[str, Any]]:
        """Until that many runs were started, all are finished, and no backfill is under way."""
        ends = time.monotonic() + RUNNING
        while time.monotonic() < ends:
            runs = self.ask("{runsOrError{... on Runs{results{runId status}}}}")["runsOrError"]["results"]
            backfills = self.ask("{partitionBackfillsOrError{... on PartitionBackfills{results{status}}}}")
            under_way = [b for b in backfills["partitionBackfillsOrError"]["results"] if b["status"] == "REQUESTED"]
            if len(runs) >= at_least and not under_way and all(r["status"] in ("SUCCESS", "FAILURE") for r in runs):
                return list(runs)
            time.sleep(1)
        raise AssertionError(f"not finished after {RUNNING} seconds: {runs}, {backfills}")

    def rows(self, sql: str) -> dict[str, int]:
        with duckdb.connect(self.data / "dbt_dev.duckdb", read_only=True) as opened:
            return dict(opened.execute(sql).fetchall())


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    data = tmp_path_factory.mktemp("data")
    shutil.copytree(PROJECT_DIR / "data" / "sources", data / "sources")
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("VENDING_", "DAGSTER_"))}
    command = [str(Path(sys.executable).parent / "vending"), "dev"]
    variables["VENDING_DATA_DIR"] = str(data)
    with serving(command, PROJECT_DIR, variables, data / "dev.log") as server:
        yield Ui(data, server)
    printed = (data / "dev.log").read_text()
    assert "Warning" not in printed, printed


@pytest.fixture(scope="module")
def page(ui: Ui) -> Iterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is needed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        elsewhere: list[str] = []
        page.on("request", lambda request: elsewhere.append(request.url))
        try:
            yield page
        finally:
            SCREENSHOTS.mkdir(exist_ok=True)
            page.screenshot(path=SCREENSHOTS / "last.png")
            browser.close()
        assert [url for url in elsewhere if not url.startswith((ui.address, "data:", "blob:"))] == []


def materialise(page: Page, ui: Ui, partitions: str, name: str) -> None:
    """All assets with these partitions, as a person would request it. Another domain's have months, and what is
    extracted other days, and Dagster offers partitions for assets that have the same ones (docs/operating.md)."""
    others = " or ".join(f'key:"*{part}*"' for part in ("shop_", "app_", "weather", "driver_", "refund_"))
    same_days = f'code_location:"vending" and not ({others} or group:"extracted")'
    page.goto(f"{ui.address}/asset-groups~{quote(same_days, safe='')}/")
    page.get_by_text("Materialize all").first.click(timeout=60_000)
    page.get_by_role("button", name="Confirm").click()  # nothing was extracted here: the sample has what was
    dialog = page.get_by_role("dialog")
    days = dialog.locator("input[type=text]").first
    days.fill(partitions)
    days.press("Tab")
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    dialog.get_by_role("button", name="Launch").click()
    expect(dialog).to_be_hidden(timeout=30_000)


def sold(*days: str) -> dict[str, int]:
    """The vends in the files themselves, counted without the platform."""
    counted: Counter[str] = Counter()
    for day in days:
        for path in (PROJECT_DIR / "data" / "sources").glob(f"sales_*_{day.replace('-', '')}.csv"):
            content = path.read_bytes()
            try:
                text = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = content.decode("cp932")
            counted[day] += sum(row["status"] != "failed" for row in csv.DictReader(text.splitlines()))
    return dict(counted)


def test_the_graph_shows_every_layer(page: Page, ui: Ui) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.goto(f"{ui.address}/asset-groups")
    for group in ("raw", "staging", "intermediate", "marts", "exports"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible(timeout=60_000)
    page.screenshot(path=SCREENSHOTS / "graph.png")


def test_a_day_is_materialized(page: Page, ui: Ui) -> None:
    before = len(ui.wait_for_runs(0))
    materialise(page, ui, DAY, "day")
    runs = ui.wait_for_runs(before + 1)
    assert {run["status"] for run in runs} == {"SUCCESS"}
    by_day = ui.rows("select business_date::varchar, count(*) from marts.fct_sales group by 1")
    assert {DAY: by_day[DAY]} == sold(DAY)
    assert len(list((ui.data / "processed-data" / "sales_by_day").glob(f"*_{DAY}_*.parquet"))) == 1


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?query=mutation%7BreloadWorkspace%7B__typename%7D%7D", {}),
        ("?query=%7Bversion%7D", {"Host": "evil.example"}),
        ("", {"Origin": "https://evil.example", "Content-Type": "text/plain"}),
    ],
)
def test_another_page_in_the_browser_starts_nothing(ui: Ui, query: str, headers: dict[str, str]) -> None:
    body = None if query else json.dumps({"query": "mutation{reloadWorkspace{__typename}}"}).encode()
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(f"{ui.address}/graphql{query}", body, headers), timeout=60)
    with refused.value as answer:
        assert answer.status == 403


@pytest.mark.proof
def test_a_week_is_backfilled(page: Page, ui: Ui) -> None:
    before = len(ui.wait_for_runs(0))
    materialise(page, ui, f"[{WEEK[0]}...{WEEK[-1]}]", "week")
    runs = ui.wait_for_runs(before + 1)
    assert {run["status"] for run in runs} == {"SUCCESS"}
    by_day = ui.rows("select business_date::varchar, count(*) from marts.fct_sales group by 1")
    assert sorted({DAY, *by_day}) == [DAY, *WEEK]
    assert {day: rows for day, rows in by_day.items() if day in TIDY} == sold(*TIDY)
    accepted = "select _business_date::varchar, count(*) from raw.sales where status <> 'failed' group by 1"
    assert by_day == ui.rows(accepted)
    units = "select business_date::varchar, sum(units_sold)::bigint from marts.{} group by 1"
    for mart in ("mart_machine_daily", "mart_product_daily"):
        assert ui.rows(units.format(mart)) == ui.rows(units.format("fct_sales"))
    for export, mart in EXPORTS.items():
        rows = ui.rows(f"select business_date::varchar, count(*) from marts.{mart} group by 1")
        parts = json.loads((ui.data / "processed-data" / export / "manifest.json").read_text())["parts"]
        assert {part["day"]: part["rows"] for part in parts} == rows
        assert sorted(rows) == sorted(by_day)
        assert all((ui.data / "processed-data" / part["path"]).is_file() for part in parts)
    page.goto(f"{ui.address}/assets/marts/fct_sales?view=partitions")
    page.wait_for_timeout(3_000)
    page.screenshot(path=SCREENSHOTS / "partitions.png")
