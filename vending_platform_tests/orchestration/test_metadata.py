"""What the UI shows of results. Pure functions."""

import base64
import re
from dataclasses import replace
from datetime import date
from typing import Any

import dagster as dg

from vending_platform.catalog import Catalog
from vending_platform.ingestion import Overview
from vending_platform.ingestion.status import without_findings
from vending_platform.ledger import FileCounts
from vending_platform.orchestration.checks import CheckResult, raw_checks
from vending_platform.orchestration.metadata import bar_chart
from vending_platform.transformation import BlockedDay

DAYS = {date(2024, 3, day): 100 * day for day in range(1, 15)}
NOTHING_WRONG = without_findings("2024-03-20T00:00:00+00:00")


def checks(catalog: Catalog, blocked: tuple[BlockedDay, ...] = (), **wrong: Any) -> dict[tuple[str, str], CheckResult]:
    found = raw_checks(catalog, replace(NOTHING_WRONG, **wrong), Overview({}, {}), blocked)
    return {(check.asset_key.path[-1], check.name): check for check in found}


def test_rows_per_day_come_in_the_order_of_the_days() -> None:
    held: dict[date | None, FileCounts] = {day: FileCounts(1, 0, rows, 0, 1) for day, rows in reversed(DAYS.items())}
    assert list(Overview({"sales": {**held, None: FileCounts(1, 0, 5, 0, 1)}}, {}).rows_per_day("sales")) == list(DAYS)


def test_the_chart_is_a_small_picture_of_the_latest_days() -> None:
    told = bar_chart(DAYS)
    found = re.fullmatch(r"!\[rows per day\]\(data:image/svg\+xml;base64,(\S+)\)\n\n(.*)", told)
    assert found is not None
    assert found[2] == "2024-03-01 to 2024-03-14, at most 1,400 rows a day"
    svg = base64.b64decode(found[1]).decode()
    heights = [int(height) for height in re.findall(r"<rect [^>]*height='(\d+)'/>", svg)]
    assert len(heights) == 14
    assert heights == sorted(heights)
    assert heights[-1] == 40
    assert len(bar_chart({date.fromordinal(738_000 + day): day for day in range(400)})) < 8_000


def test_where_nothing_is_wrong_every_check_passes(catalog: Catalog) -> None:
    assert all(check.passed for check in checks(catalog).values())


def test_each_problem_fails_its_own_check_and_warns(catalog: Catalog) -> None:
    found = checks(
        catalog,
        rows={"staff": {"accepted": 3, "rejected": 1}},
        quarantined=[{"source": "sales", "path": "sales_VM001_20240305.csv", "reason": "cut off"}],
        missing=[{"source": "sales", "sender": "VM002", "business_day": "2024-03-06"}],
        undeclared=[{"path": "notes.txt", "reason": "no contract takes this name"}],
        drifted=[{"path": "nested/products_20240301.csv", "drift": "unknown columns kept in _extra: memo"}],
    )
    failed = {key: check for key, check in found.items() if not check.passed}
    assert {key: check.description for key, check in failed.items()} == {
        ("sales", "contract_held"): "files in quarantine: 1",
        ("sales", "delivery_complete"): "machine days missing: 1, from 2024-03-06 to 2024-03-06",
        ("staff", "contract_held"): "rows rejected: 1",
        ("products", "contract_held"): "files not quite as declared: 1",
        ("deliveries", "no_undeclared_files"): "files of no declared kind: 1",
    }
    assert {check.severity for check in failed.values()} == {dg.AssetCheckSeverity.WARN}


def test_what_stops_a_day_is_an_error_and_is_told_first(catalog: Catalog) -> None:
    block = BlockedDay("sales", date(2024, 3, 5), "2 of 3 files are in quarantine, more than 30%")
    check = checks(catalog, (block,))["sales", "contract_held"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.description == "2024-03-05 waits: 2 of 3 files are in quarantine, more than 30%"
