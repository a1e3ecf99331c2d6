"""What the observer makes of results that a whole run seldom has, and that it never fails what it observes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vending_platform import environment
from vending_platform.catalog import Catalog
from vending_platform.lineage.events import Knowledge, LineageObserver
from vending_platform.lineage.outbox import EventType, Outbox, OutboxWriter
from vending_platform.observers import BytesRead, Operation
from vending_platform.transformation import Finished, NodeResult, NodeStarted, Transformed, Window, WindowDone
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
    observer.started(Operation.TRANSFORM)
    for number in range(1, 91):
        observer.progress(finished(MODEL, number))
    observer.end(EventType.COMPLETE, None)
    events = waiting(outbox)
    check_events(events)
    progress = [one["run"]["facets"].get("platform_progress") for one in events if one["eventType"] == "RUNNING"]
    assert [(one["unit"], one["total"]) for one in progress] == [("bytes", 100)] * 3 + [("nodes", 90)] * 3


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
