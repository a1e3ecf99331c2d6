"""What the observer makes of results that a whole run seldom has, and that it never fails what it observes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vending_platform import environment
from vending_platform.analysis import FrameShape, FunctionEnded, FunctionStarted, InputsRead
from vending_platform.analysis.pipeline import pipeline_of
from vending_platform.catalog import Catalog
from vending_platform.extraction import Extracted, ExtractionSummary, SystemFailure, SystemUnavailable
from vending_platform.lake import Maintained, MaintainedTable
from vending_platform.lineage.events import Knowledge, LineageObserver
from vending_platform.lineage.outbox import EventType, Outbox, OutboxWriter
from vending_platform.observers import BytesRead, Operation, RowsRead
from vending_platform.transformation import Finished, NodeResult, NodeStarted, Transformed, Window, WindowDone
from vending_platform_tests.lineage.events import shelves
from vending_platform_tests.lineage.events.sent import ends
from vending_platform_tests.lineage.events.specification import check_events
from vending_platform_tests.lineage.outbox.waiting import waiting

MODEL, TEST = "model.vending.fct_sales", "test.vending.sales_and_daily_marts_agree"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2024, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "lineage") as opened:
        yield opened


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def observer(
    outbox: Outbox,
    problems: list[str],
    tmp_path: Path,
    catalog: Catalog,
    manifest: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LineageObserver]:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    knowledge = Knowledge(environment.load(), manifest, catalog, tmp_path)
    root = knowledge.root("0b8dbc1c-8a5c-4c1e-9a57-3a3a5f6f3d11", "daily")
    with OutboxWriter(outbox) as writer:
        observer = LineageObserver(root, writer, knowledge, problems.append, Clock())
        observer.begin()
        yield observer


def result(unique_id: str, status: str, message: str | None = None, failures: int | None = None) -> NodeResult:
    kind, _, name = unique_id.split(".", 2)
    return NodeResult(unique_id, name, kind, status, message, failures, 0.1, frozenset())


def finished(unique_id: str, number: int = 1) -> Finished:
    return Finished(unique_id, "model", "success", "", 0, 0.1, number, 90, unique_id)


def transform(observer: LineageObserver, *results: NodeResult) -> None:
    observer.started(Operation.TRANSFORM)
    for one in results:
        if one.status != "skipped":
            observer.progress(NodeStarted(one.unique_id))
            observer.progress(finished(one.unique_id))
    observer.progress(WindowDone(Window(()), results, {("fct_sales", None): 7}))
    observer.completed(Operation.TRANSFORM, Transformed("r", [(Window(()), list(results))]))


@pytest.mark.parametrize(
    ("status", "ended", "success", "message"),
    [
        ("pass", "COMPLETE", True, None),
        ("warn", "COMPLETE", False, None),
        ("fail", "FAIL", False, "3 failing rows"),
        ("error", "FAIL", False, "no column '•••'"),
    ],
)
def test_a_test_ends_as_it_went(
    observer: LineageObserver, outbox: Outbox, status: str, ended: str, success: bool, message: str | None
) -> None:
    transform(observer, result(TEST, status, "no column 'Sato'", 3 if status in ("fail", "warn") else None))
    observer.end(EventType.FAIL if message else EventType.COMPLETE, message)
    events = waiting(outbox)
    check_events(events)
    job = "test.sales_and_daily_marts_agree"
    assert ends(events)[job] == ended
    assert ends(events)["transform"] == ("FAIL" if message else "COMPLETE")
    (event,) = [one for one in events if one["job"]["name"] == job and one["eventType"] == ended]
    assert {one["inputFacets"]["dataQualityAssertions"]["assertions"][0]["success"] for one in event["inputs"]} == {
        success
    }
    assert event["run"]["facets"].get("errorMessage", {}).get("message") == message


def test_a_model_that_failed_claims_no_rows_and_one_that_was_skipped_has_no_run(
    observer: LineageObserver, outbox: Outbox
) -> None:
    transform(observer, result(MODEL, "error", "it broke"), result("model.vending.mart_machine_daily", "skipped"))
    observer.end(EventType.FAIL, "it broke")
    events = waiting(outbox)
    check_events(events)
    assert ends(events) == {"model.marts.fct_sales": "FAIL", "transform": "FAIL", "daily": "FAIL"}
    (failed,) = [one for one in events if (one["job"]["name"], one["eventType"]) == ("model.marts.fct_sales", "FAIL")]
    assert failed["outputs"][0]["outputFacets"] == {}


def test_when_dbt_stops_what_it_was_at_is_aborted(observer: LineageObserver, outbox: Outbox) -> None:
    observer.started(Operation.TRANSFORM)
    observer.progress(NodeStarted(MODEL))
    observer.progress(NodeStarted("model.vending.of_another_version"))
    observer.failed(Operation.TRANSFORM, RuntimeError("dbt stopped"))
    observer.end(EventType.FAIL, "RuntimeError: dbt stopped")
    events = waiting(outbox)
    check_events(events)
    assert ends(events) == {"model.marts.fct_sales": "ABORT", "transform": "FAIL", "daily": "FAIL"}


def test_whatever_is_still_open_at_the_end_ends_with_the_run(observer: LineageObserver, outbox: Outbox) -> None:
    observer.started(Operation.INGEST)
    observer.end(EventType.ABORT, "A person stopped the run.")
    events = waiting(outbox)
    check_events(events)
    assert ends(events) == {"ingest": "ABORT", "daily": "ABORT"}


def test_long_work_gives_a_sign_of_life_now_and_then(observer: LineageObserver, outbox: Outbox) -> None:
    observer.started(Operation.INGEST)
    for done in range(100):
        observer.progress(BytesRead(done, 100))
    observer.started(Operation.EXTRACT)
    for rows in range(0, 40_000, 1000):
        observer.progress(RowsRead("shop_orders", rows))
    observer.started(Operation.ANALYSE)
    observer.progress(InputsRead(pipeline_of(shelves), {}))
    for _ in range(20):
        observer.progress(FunctionStarted("sums"))
        observer.progress(FunctionEnded("sums"))
    observer.started(Operation.TRANSFORM)
    for number in range(1, 91):
        observer.progress(finished(MODEL, number))
    observer.end(EventType.COMPLETE, None)
    events = waiting(outbox)
    check_events(events)
    progress = [one["run"]["facets"].get("platform_progress") for one in events if one["eventType"] == "RUNNING"]
    assert [(one["unit"], one["total"]) for one in progress] == [
        *[("bytes", 100)] * 3,
        ("rows", 29000),
        ("functions", 15),  # more than there are, as one of them ended so often
        *[("nodes", 90)] * 3,
    ]


def test_an_analysis_that_can_not_keep_its_results_aborts_them(observer: LineageObserver, outbox: Outbox) -> None:
    observer.started(Operation.ANALYSE)
    observer.progress(InputsRead(pipeline_of(shelves), {"facts": FrameShape(3, {"id": "Int64"})}))
    for name in ("sums", "expected_amounts"):
        observer.progress(FunctionStarted(name))
        observer.progress(FunctionEnded(name, FrameShape(1, {"id": "Int64"})))
    observer.failed(Operation.ANALYSE, RuntimeError("no disk"))
    observer.end(EventType.FAIL, "RuntimeError: no disk")
    events = waiting(outbox)
    check_events(events)
    assert ends(events) == {
        "function.shelves.sums": "COMPLETE",
        "function.shelves.expected_amounts": "ABORT",
        "analyse": "FAIL",
        "daily": "FAIL",
    }


DAY = date(2024, 3, 10)


def extracted(observer: LineageObserver, outbox: Outbox, *failures: SystemFailure, **done: Extracted) -> dict[str, Any]:
    """The last event of each job, after an extraction of these sources."""
    observer.started(Operation.EXTRACT)
    observer.progress(RowsRead("shop_orders", 10))
    observer.completed(Operation.EXTRACT, ExtractionSummary(tuple(done.values()), failures))
    observer.end(EventType.COMPLETE, None)
    events = waiting(outbox)
    check_events(events)
    return {event["job"]["name"]: event for event in events}


def test_an_extraction_goes_from_its_system_to_its_files(observer: LineageObserver, outbox: Outbox) -> None:
    path = "shop/shop_orders/shop_orders_20240310T170000.000000Z.parquet"
    items = "app/app_photos/app_photos_20240310T170000.000000Z.parquet"
    days = "weather/weather_days_20240309.parquet"
    done = {
        "shop_orders": Extracted("shop_orders", DAY, path, rows=7, rows_read=9, bytes=1234),
        "app_photos": Extracted("app_photos", DAY, items, rows=1, rows_read=1, bytes=12, deleted=1),
        "weather_days": Extracted("weather_days", DAY, days, files=2, rows=5, rows_read=5, bytes=5),
    }
    events = extracted(observer, outbox, **done)
    assert {one["eventType"] for one in events.values()} == {"COMPLETE"}
    orders, photos, weather = (events[f"extract.{name}"] for name in done)
    (table,), (files,) = orders["inputs"], orders["outputs"]
    assert (table["namespace"], table["name"]) == ("mysql://127.0.0.1:3306", "shop.orders")
    assert table["inputFacets"]["inputStatistics"]["rowCount"] == 9
    assert files["name"].endswith("/sources/shop_orders")
    assert {key: files["outputFacets"]["outputStatistics"][key] for key in ("rowCount", "size", "fileCount")} == {
        "rowCount": 7,
        "size": 1234,
        "fileCount": 1,
    }
    assert files["outputFacets"]["subset"]["outputCondition"]["locations"][0].endswith(path)
    assert orders["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2024-03-10T00:00:00+09:00"
    columns = {field["name"] for field in files["facets"]["schema"]["fields"]}
    assert columns - files["facets"]["columnLineage"]["fields"].keys() == {"is_deleted"}
    (from_items,) = photos["inputs"]
    assert (from_items["namespace"], from_items["name"]) == ("dynamodb://127.0.0.1:8000", "app")
    (from_api,) = weather["inputs"]
    assert (from_api["namespace"], from_api["name"]) == ("https://archive-api.open-meteo.com", "v1/archive")
    assert "subset" not in weather["outputs"][0]["outputFacets"]


def test_what_was_not_extracted_fails_and_what_had_not_changed_moves_nothing(
    observer: LineageObserver, outbox: Outbox
) -> None:
    down = SystemFailure(("weather_days",), SystemUnavailable("https://api/?from=Canary did not answer 'Canary'"))
    events = extracted(
        observer,
        outbox,
        down,
        shop_orders=Extracted("shop_orders", DAY, problem="shop_orders has no column 'Canary'"),
        shop_products=Extracted("shop_products", DAY, rows_read=12),
    )
    states = {name: one["eventType"] for name, one in events.items()}
    assert states == {
        "daily": "COMPLETE",
        "extract": "FAIL",
        "extract.shop_orders": "FAIL",
        "extract.shop_products": "COMPLETE",
        "extract.weather_days": "FAIL",
    }
    assert [events["extract.shop_products"][side] for side in ("inputs", "outputs")] == [[], []]
    failed = events["extract.weather_days"]
    assert failed["outputs"] == []
    assert len(failed["inputs"]) == 1
    message = failed["run"]["facets"]["errorMessage"]["message"]
    assert message == "SystemUnavailable: https://api/?••• did not answer '•••'"
    assert "Canary" not in str(events)


def test_maintenance_is_a_run_for_each_table_that_it_changed(observer: LineageObserver, outbox: Outbox) -> None:
    observer.started(Operation.MAINTAIN)
    sales = MaintainedTable("gold.fct_sales", 5, 1, 500, 2, 0, 0, 0.1)
    observer.completed(Operation.MAINTAIN, Maintained((sales, MaintainedTable("gold.idle", 0, 0, 0, 0, 0, 0, 0.1))))
    observer.end(EventType.COMPLETE, None)
    events = waiting(outbox)
    check_events(events)
    assert ends(events) == dict.fromkeys(["maintain.gold.fct_sales", "maintain", "daily"], "COMPLETE")
    done = next(
        one for one in events if (one["job"]["name"], one["eventType"]) == ("maintain.gold.fct_sales", "COMPLETE")
    )
    (before,), (after,) = done["inputs"], done["outputs"]
    assert (before["namespace"], before["name"]) == (after["namespace"], after["name"])
    assert before["name"].endswith("/lake/gold/fct_sales")
    assert done["run"]["facets"]["platform_maintenance"]["compactedFiles"] == 5
    assert after["outputFacets"]["outputStatistics"]["fileCount"] == 1


def test_an_outbox_that_can_not_be_written_fails_nothing_and_is_reported_once(
    observer: LineageObserver, outbox: Outbox, problems: list[str]
) -> None:
    outbox.close()
    transform(observer, result(MODEL, "success"))
    observer.failed(Operation.EXPORT, RuntimeError("x"))
    observer.end(EventType.COMPLETE, None)
    (problem,) = problems
    assert problem.startswith("Lineage events of this run are not recorded: ProgrammingError: ")


def test_progress_of_no_operation_is_ignored(observer: LineageObserver, outbox: Outbox, problems: list[str]) -> None:
    observer.progress(BytesRead(1, 2))
    observer.completed(Operation.EXPORT, [])
    observer.failed(Operation.EXPORT, RuntimeError("x"))
    assert len(waiting(outbox)) == 1
    assert problems == []
