"""The quality report in a real browser: whatever the data holds, nothing of it is cut off."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from vending_platform.quality import Quality, Score, report
from vending_platform.quality.failures import Failure, File, KeptRow
from vending_platform.quality.scores import PastRun

pytestmark = pytest.mark.browser

DAYS = [(date(2024, 2, 1) + timedelta(number)).isoformat() for number in range(28)]
DATASETS = ("raw.replenishment_records", "marts.mart_replenishment_recommendation", f"exports.{'long_' * 8}parquet")
WIDE: dict[str, str | None] = {
    "text": "x" * 200,
    **{f"a_column_with_a_name_{number}": f"value {number}" for number in range(30)},
}
FAILURE = Failure(
    dataset=DATASETS[1],
    day=DAYS[-1],
    check=f"relationships_{'mart_replenishment_recommendation_' * 3}product_id",
    column="product_id",
    dimension="consistency",
    severity="error",
    status="failed",
    failed_rows=2,
    total_rows=410,
    expected="known to ref('dim_products').product_id",
    actual="rows that break it: 2",
    message="x" * 300,
    partition=f"{DAYS[0]} to {DAYS[-1]}",
    rows=[KeptRow(WIDE, f"{'folder/' * 30}sales_VM001_20240302.csv", 7, "y" * 200)],
    files=[File(f"{'folder/' * 30}sales_VM001_20240302.csv", "ab" * 32)],
    files_in_all=9,
)
FOUND = Quality(
    "2024-03-20T00:00:00+00:00",
    [PastRun("r1", "vending run", "failed", "z" * 400, "2024-03-20T00:00:00+00:00", 3315, 80, 1)],
    [
        Score(dataset, day, 97.0, -3.2, {"validity": 97.0, "timeliness": 100.0}, 23, 12, 3, 1, 0)
        for dataset in DATASETS
        for day in DAYS
    ],
    [
        *(replace(FAILURE, day=day) for day in DAYS),
        replace(FAILURE, check="narrow", expected=None, rows=[KeptRow({"path": "z" * 100}, "a.csv", None, None)]),
    ],
)
CUT_OFF = """() => [...document.querySelectorAll('*')]
    .filter(one => one.scrollWidth > one.clientWidth && getComputedStyle(one).display !== 'inline')
    .map(one => `${one.tagName} ${one.className}: ${one.scrollWidth} > ${one.clientWidth}`)"""


@pytest.mark.parametrize("width", [1400, 1100])
def test_nothing_is_cut_off(tmp_path: Path, width: int) -> None:
    page_file = tmp_path / "quality.html"
    page_file.write_text(report(FOUND).replace("<details", "<details open"), encoding="utf-8")
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is needed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 1000})
        page.goto(page_file.as_uri())
        cut_off = page.evaluate(CUT_OFF)
        browser.close()
    assert cut_off == []
