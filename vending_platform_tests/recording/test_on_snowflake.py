"""The same deliveries, recorded on DuckDB and on an emulated Snowflake: the same history, value by value."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vending_platform.catalog import Catalog
from vending_platform.observers import Operation
from vending_platform.quality import CheckStatus, Dimension, Quality, Result, read_quality
from vending_platform.recording import Recorder, lineage
from vending_platform.recording.failing import ExecutedTest, looked_up
from vending_platform.warehouse import Change, TableName, Warehouse
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES, name
from vending_platform_tests.ingestion.raw_folder import NOW, RawFolder, sales, sales_row

if TYPE_CHECKING:
    from vending_platform_tests.emulators.accounts import Account

LATEST = TableName("intermediate", "int_quality_results_latest")
MART = TableName("marts", "mart_data_quality")
TEXTS = ("dataset", "check_name", "column_name", "dimension", "severity", "status", "expected", "actual", "message")
NUMBERS = ("checks", "checks_warned", "checks_failed", "new_failures", "days_since_failure")
SCORES = ("score", "score_trend", *(f"{dimension}_score" for dimension in Dimension))
DAY = date.fromisoformat(DAYS[0])


def test_the_history_is_the_same(
    account: "Account", tmp_path: Path, catalog: Catalog, manifest: dict[str, Any]
) -> None:
    bad = sales(sales_row(1, day=DAYS[0], quantity="1e3"), *(sales_row(n, day=DAYS[0]) for n in range(2, 6)))
    files = FILES | {name(DAYS[0]): bad, name(DAYS[1]): b"cut off"}
    told = []
    for raw_folder in (RawFolder(tmp_path / "here", catalog), RawFolder(tmp_path / "there", catalog, account=account)):
        raw_folder.sources.mkdir(parents=True)
        raw_folder.deliver(files)
        summary = raw_folder.ingest()
        recorder = Recorder("r1", "daily", "test", None, catalog, manifest, started_at=NOW)
        recorder.completed(Operation.INGEST, summary)
        recorder.keep(raw_folder.warehouse, [], print)
        recorder.keep(raw_folder.warehouse, ["why"], print)  # the second time it has a past
        told.append((history(raw_folder.warehouse), read(raw_folder.warehouse, catalog), failing(raw_folder.warehouse)))
    here, there = told
    assert here == there
    history_here, quality, found = here
    assert history_here["results_check"].total() > 200
    assert [(f.check, [row.line for row in f.rows], [file.path for file in f.files]) for f in quality.failures] == [
        ("contract", [2], [name(DAYS[0])])
    ]
    assert [(str(result.first_day), result.failed_rows, len(result.sample)) for result in found] == [
        (DAYS[0], 4, 4),
        (DAYS[1], 0, 0),
    ]


def history(warehouse: Warehouse) -> dict[str, Counter[str]]:
    """All of it, but for when it was."""
    kept = {}
    with warehouse.reading() as reader:
        for table in ("results_run", "results_check", "results_failed_rows"):
            rows = reader.query(f"select * from dq.{table}").to_pylist()
            timeless = [{key: value for key, value in row.items() if not key.endswith(("_at", "_on"))} for row in rows]
            kept[table] = Counter(repr(sorted(row.items())) for row in timeless)
    return kept


def read(warehouse: Warehouse, catalog: Catalog) -> Quality:
    """As a reader sees it, with what dbt would have made of the history said by hand."""
    mart: dict[str, Any] = {"dataset": "raw.sales", "business_date": DAY}
    mart |= dict.fromkeys(NUMBERS, 1) | dict.fromkeys(SCORES, None)
    latest: dict[str, Any] = dict.fromkeys(TEXTS, "x")
    latest |= {"dataset": "raw.sales", "check_name": "contract", "column_name": "quantity"}
    latest |= {"failed_rows": 1, "total_rows": 5, "is_failing": True}
    latest |= dict.fromkeys(("business_date", "first_day", "last_day"), DAY)
    with warehouse.writing("test", print) as writer:
        tables = {
            MART: pa.Table.from_pylist([mart | {"score": 99}], shape(mart)),
            LATEST: pa.Table.from_pylist([latest], shape(latest)),
        }
        writer.ensure_tables({name: rows.schema for name, rows in tables.items()})
        writer.publish([Change(name, insert=rows) for name, rows in tables.items()], lambda _: None)
    with warehouse.reading() as reader:
        found = read_quality(reader, lineage(catalog), day=DAY)
    assert found is not None
    assert [run.status for run in found.runs] == ["failed", "succeeded"]
    return Quality("", [], found.scores, found.failures)


def shape(row: dict[str, Any]) -> pa.Schema:
    kinds: dict[type, pa.DataType] = {str: pa.string(), bool: pa.bool_(), date: pa.date32()}
    return pa.schema([(key, kinds.get(type(value), pa.int64())) for key, value in row.items()])


def failing(warehouse: Warehouse) -> list[Result]:
    result = Result("unique", "marts.fct_sales", Dimension.UNIQUENESS, CheckStatus.FAILED)
    days = frozenset({DAY, date.fromisoformat(DAYS[1])})
    sql = "select transaction_id, _business_date as business_date from raw.sales\nwhere slot_no <> '99'"
    with warehouse.reading() as reader:
        return looked_up(reader, [ExecutedTest(result, f"{sql} and _business_date = date '{DAY}'", days, {DAY: 4})])
