"""What the pipeline is doing: its status, its history, and a run's events as they happen."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from vending_platform.opening import Platform
from vending_platform.service.pipeline.dagster_api import RawEvent
from vending_platform.service.pipeline.following import EventPosition, position_of
from vending_platform.service.pipeline.models import RunPhase
from vending_platform.service.pipeline.run_view import events_of
from vending_platform.service.pipeline.shared import PipelineParts
from vending_platform.service.web import HttpProblem, LastKnown
from vending_platform.transformation import Finished
from vending_platform_tests.service.dagster_here import FAILS_FOR, DagsterHere

RUNS = "/api/pipeline/runs"
STATUS = "/api/pipeline/status"
NO_RUN = "00000000-0000-4000-8000-000000000000"
FAILING = {"first_day": FAILS_FOR, "load": False}


def start(client: TestClient, **order: Any) -> str:
    answer = client.post("/api/pipeline/export", json=order)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run_id"])


def pipeline_of(client: TestClient) -> PipelineParts:
    app: Any = client.app
    found: PipelineParts = app.state.pipeline
    return found


def look_again(client: TestClient, snapshot: LastKnown[Any]) -> None:
    """As if its time had come, and until it is through."""

    async def look() -> None:
        await snapshot._find_now()

    portal: Any = client.portal
    portal.call(look)


def events(client: TestClient, run_id: str, after: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
    """Id, kind and data of each."""
    headers = {} if after is None else {"Last-Event-ID": after}
    answer = client.get(f"{RUNS}/{run_id}/events", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.text.split("\n\n") if block.startswith("id: ")]
    return [
        (number.removeprefix("id: "), kind.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for number, kind, data in blocks
    ]


def test_a_run_that_waits_is_queued_with_who_asked_for_it(client: TestClient) -> None:
    run_id = start(client, load=False)
    status = client.get(STATUS).json()
    assert (status["domain"], status["environment"], status["dagster_is_up"]) == ("vending", "development", True)
    assert (status["running"], status["last"]) == ([], None)
    (queued,) = status["queued"]
    assert (queued["id"], queued["phase"], queued["job"]) == (run_id, "queued", "export")
    assert queued["requested_by"] == "this machine"
    assert queued["order"] == {"exports": None, "first_day": None, "last_day": None, "load": False}
    assert queued["links"]["dagster"] == f"http://127.0.0.1:3000/runs/{run_id}"


def test_what_there_is_of_data_is_what_the_terminal_shows(client: TestClient, platform: Platform) -> None:
    from vending_platform.status import open_points, read_status

    shown, status = client.get(STATUS).json()["data"], read_status(platform)
    assert shown["needs_a_person"] is status.needs_a_person is True
    assert [point["what"] for point in shown["open_points"]] == [point.what for point in open_points(status)]
    assert shown["missing_count"] == len(status.deliveries.missing) > 0
    assert shown["missing"][0] == {
        "source": status.deliveries.missing[0]["source"],
        "sender": status.deliveries.missing[0]["sender"],
        "day": status.deliveries.missing[0]["business_day"],
    }
    assert shown["stale_days"] == []
    assert shown["stale_as_of"] is not None


def test_while_another_process_writes_the_status_is_the_one_of_before(client: TestClient, platform: Platform) -> None:
    data = pipeline_of(client).state.data
    before = client.get(STATUS).json()["data"]
    with platform.context.warehouse.writing("a test", print):
        look_again(client, data)
        during = client.get(STATUS).json()["data"]
    assert during["stale_as_of"] == before["stale_as_of"]
    assert during["open_points"] == before["open_points"]
    assert during["as_of"] > before["as_of"]


def test_without_dagster_the_status_says_so_and_has_what_was_known(client: TestClient, dagster: DagsterHere) -> None:
    run_id = start(client)
    assert client.get(STATUS).json()["queued"][0]["id"] == run_id
    assert client.get("/readyz").json() == {"status": "ok", "not_ready": []}
    dagster.breaks["Runs"] = [httpx2.ConnectError("refused")] * 2
    look_again(client, pipeline_of(client).state.runs)
    status = client.get(STATUS).json()
    assert status["dagster_is_up"] is False
    assert status["queued"][0]["id"] == run_id
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:unavailable")


def test_a_run_that_ended_is_the_last_one_with_its_steps(client: TestClient, dagster: DagsterHere) -> None:
    run_id = start(client, load=False)
    dagster.execute(run_id)
    look_again(client, pipeline_of(client).state.runs)
    status = client.get(STATUS, params={"run": run_id}).json()
    assert status["last"]["id"] == run_id
    assert status["run"]["phase"] == "succeeded"
    assert status["run"]["problem"] is None
    assert [(step["name"], step["phase"]) for step in status["run"]["steps"]] == [("write_what_changed", "succeeded")]


def test_why_a_run_failed_is_said_in_words(client: TestClient, dagster: DagsterHere) -> None:
    run_id = start(client, **FAILING)
    dagster.execute(run_id)
    run = client.get(f"{RUNS}/{run_id}").json()
    assert run["phase"] == "failed"
    assert "a check of its mart failed" in run["problem"]


def test_a_run_that_is_not_there_is_not_found(client: TestClient) -> None:
    for answer in (
        client.get(f"{RUNS}/{NO_RUN}"),
        client.get(f"{RUNS}/{NO_RUN}/events"),
        client.post(f"{RUNS}/{NO_RUN}/cancel"),
        client.get(STATUS, params={"run": NO_RUN}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:problem:not-found")


def test_a_run_of_another_domain_is_as_if_it_were_not_there(
    client: TestClient, dagster: DagsterHere, app: FastAPI
) -> None:
    run_id = start(client)
    app.state.pipeline.dagster.location = "libraries"
    assert client.get(f"{RUNS}/{run_id}").status_code == 404
    assert client.get(f"{RUNS}/{run_id}/events").status_code == 404
    assert client.post(f"{RUNS}/{run_id}/cancel").status_code == 404
    assert client.get(RUNS).json()["runs"] == []
    assert dagster.runs()[0].status.value == "QUEUED"


def test_the_history_is_read_page_by_page_the_newest_first(client: TestClient) -> None:
    made = [start(client, load=False) for _ in range(5)][::-1]
    read: list[str] = []
    after: str | None = None
    for _ in range(3):
        page = client.get(RUNS, params={"limit": 2} | ({} if after is None else {"after": after})).json()
        read += [run["id"] for run in page["runs"]]
        after = page["next"]
        start(client)  # a new run moves no page
    assert read == made
    assert after is None


def test_the_history_is_filtered(client: TestClient, dagster: DagsterHere) -> None:
    done, failed, waiting = start(client, load=False), start(client, **FAILING), start(client)
    dagster.execute(done)
    dagster.execute(failed)

    def found(**wanted: Any) -> set[str]:
        return {run["id"] for run in client.get(RUNS, params=wanted).json()["runs"]}

    assert found(phase="succeeded") == {done}
    assert found(phase=["failed", "queued"]) == {failed, waiting}
    assert found(job="daily") == {waiting}
    now = datetime.now(UTC)
    assert found(until=(now - timedelta(hours=1)).isoformat()) == set()
    assert found(since=(now - timedelta(hours=1)).isoformat()) == {done, failed, waiting}


def test_a_time_without_a_zone_is_refused(client: TestClient) -> None:
    answer = client.get(RUNS, params={"since": "2024-03-01T00:00:00"})
    assert (answer.status_code, answer.json()["invalid"][0]["where"]) == (422, "query.since")


def test_events_are_what_a_person_wants_to_hear(client: TestClient, dagster: DagsterHere) -> None:
    run_id = start(client, load=False)
    dagster.execute(run_id)
    heard = events(client, run_id)
    kinds = [kind for _, kind, _ in heard]
    assert kinds[0] == "phase"
    assert [data["phase"] for _, kind, data in heard if kind == "phase" and data["step"] is None] == [
        *("queued", "starting", "running", "succeeded")
    ]
    progress = [data["progress"] for _, kind, data in heard if kind == "progress"]
    assert progress == [{"done": 1, "total": 2}, {"done": 2, "total": 2}]
    (asset,) = [data for _, kind, data in heard if kind == "asset"]
    assert (asset["asset"], asset["partition"]) == ("exports/sales_by_day", "2024-03-01")
    assert [data["text"] for _, kind, data in heard if kind == "message"] == ["Waiting for someone …"]
    assert heard[-1][1:] == ("end", {"kind": "end", "phase": "succeeded"})
    assert all(data["text"] for _, kind, data in heard if kind != "end")


def test_whoever_comes_back_gets_the_next_event_and_none_twice(client: TestClient, dagster: DagsterHere) -> None:
    run_id = start(client, load=False)
    dagster.execute(run_id)
    whole = events(client, run_id)
    for number, (last, _, _) in enumerate(whole[:-1], 1):
        assert events(client, run_id, last) == whole[number:], last
    assert events(client, run_id, whole[-1][0]) == whole[-1:]


def test_whoever_comes_back_while_more_has_happened_gets_all_of_it(client: TestClient, dagster: DagsterHere) -> None:
    run_id = start(client, load=False)
    pipeline_of(client).is_stopping = True
    assert events(client, run_id) == [], "a service that stops ends its streams"
    pipeline_of(client).is_stopping = False
    pipeline_of(client).stream_seconds = 0.3
    first = events(client, run_id)
    assert [data["phase"] for _, _, data in first] == ["queued"]
    pipeline_of(client).stream_seconds = None
    dagster.execute(run_id)
    rest = events(client, run_id, first[-1][0])
    assert first + rest == events(client, run_id)


def test_a_stream_lives_on_while_dagster_is_away_for_a_moment(client: TestClient, dagster: DagsterHere) -> None:
    run_id = start(client, load=False)
    dagster.execute(run_id)
    whole = events(client, run_id)
    dagster.breaks["Events"] = [httpx2.ConnectError("refused"), 502]
    assert events(client, run_id) == whole


@pytest.mark.parametrize("last", ["~", "x", "a b~1", "~1\nid: 3", f"{'a' * 300}~1"])
def test_an_id_that_is_no_event_is_refused(last: str) -> None:
    with pytest.raises(HttpProblem, match="is not one of this stream's"):
        position_of(last)
    assert position_of("abc=~12") == EventPosition("abc=", 12)


def test_the_line_about_a_finished_model_is_progress() -> None:
    text = str(Finished("a", "model", "success", "", 0, 0.1, 3, 20, "model.a"))
    (event,) = events_of(RawEvent("LogMessageEvent", datetime.now(UTC), "info", None, text, None, None))
    assert event.progress is not None
    assert (event.progress.done, event.progress.total) == (3, 20)


def test_a_run_that_waits_is_cancelled_at_once(client: TestClient, dagster: DagsterHere) -> None:
    run_id = start(client)
    answer = client.post(f"{RUNS}/{run_id}/cancel")
    assert answer.status_code == 202
    assert answer.json()["phase"] == "canceled"
    assert dagster.runs()[0].status.value == "CANCELED"
    again = client.post(f"{RUNS}/{run_id}/cancel")
    assert (again.status_code, again.json()["type"]) == (409, "urn:problem:run-is-over")


def test_what_dagster_answers_otherwise_is_said(client: TestClient, dagster: DagsterHere) -> None:
    dagster.breaks["Runs"] = [500]
    answer = client.get(RUNS)
    assert answer.status_code == 503
    assert "is not Dagster, or refuses us: 500" in answer.json()["detail"]


def test_every_state_of_dagsters_is_known() -> None:
    from dagster import DagsterRunStatus

    from vending_platform.service.pipeline.dagster_api import STATUSES

    assert {name for names in STATUSES.values() for name in names} == {status.value for status in DagsterRunStatus}
    assert STATUSES.keys() == set(RunPhase)
