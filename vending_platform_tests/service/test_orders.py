"""A request to export makes one run, however often it is sent and whatever is killed on the way."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from vending_platform.service.pipeline import orders
from vending_platform.service.pipeline.dagster_api import DagsterApi
from vending_platform.service.pipeline.models import ExportOrder
from vending_platform.service.pipeline.orders import Launched, Orders
from vending_platform.service.web import ALL_PERMISSIONS, ApiCaller, HttpProblem, LoginKind
from vending_platform.storage import LocalPlace
from vending_platform_tests.service.conftest import ADDRESS
from vending_platform_tests.service.dagster_here import DagsterHere

EXPORT = "/api/pipeline/export"
KEY = {"Idempotency-Key": "k-1"}
CALLER = ApiCaller("key:planning", "planning", ALL_PERMISSIONS, LoginKind.KEY)
NOW = datetime(2024, 3, 7, 9, tzinfo=UTC)
REFUSED = httpx2.ConnectError("refused")
LOST = httpx2.ReadError("lost")


class Killed(BaseException):
    """What ends a process leaves nothing behind but what was written."""


def place(dagster: DagsterApi, work: Path, order: ExportOrder | None = None, now: datetime = NOW) -> Launched:
    """By a process that has just begun."""

    async def placed() -> Launched:
        try:
            return await Orders(dagster, lambda: LocalPlace(work), lambda: now).place(
                order or ExportOrder(), "k-1", CALLER
            )
        finally:
            await dagster.close()

    return asyncio.run(placed())


def test_a_run_is_launched_with_who_asked_for_it_and_for_what(client: TestClient, dagster: DagsterHere) -> None:
    wanted = {"exports": ["sales_by_day"], "first_day": "2024-03-02", "last_day": "2024-03-04", "load": False}
    answer = client.post(EXPORT, json=wanted)
    assert answer.status_code == 202
    (run,) = dagster.runs()
    assert answer.json()["run_id"] == run.run_id
    assert answer.headers["location"] == f"/api/pipeline/runs/{run.run_id}"
    assert run.job_name == "export"
    assert run.status.value == "QUEUED"
    del wanted["load"]
    assert run.run_config == {"ops": {"write_what_changed": {"config": wanted}}}
    assert run.tags["vending/started_by"] == "this machine"


def test_by_default_everything_is_loaded_built_and_exported(client: TestClient, dagster: DagsterHere) -> None:
    assert client.post(EXPORT, json={}).status_code == 202
    assert [(run.job_name, run.run_config) for run in dagster.runs()] == [("daily", {})]


def test_without_a_key_every_request_is_its_own(client: TestClient, dagster: DagsterHere) -> None:
    made = {client.post(EXPORT, json={}).json()["run_id"] for _ in range(2)}
    assert {run.run_id for run in dagster.runs()} == made
    assert len(made) == 2


def test_an_equal_request_gets_the_run_that_there_is(client: TestClient, dagster: DagsterHere) -> None:
    first, second = (client.post(EXPORT, json={"load": True}, headers=KEY).json() for _ in range(2))
    assert (first["is_repeated"], second["is_repeated"]) == (False, True)
    assert first["run_id"] == second["run_id"]
    assert client.post(EXPORT, json={}, headers=KEY).json()["run_id"] == first["run_id"], "it means the same"
    assert len(dagster.runs()) == 1


def test_another_request_with_the_same_key_is_refused(client: TestClient, dagster: DagsterHere) -> None:
    client.post(EXPORT, json={}, headers=KEY)
    answer = client.post(EXPORT, json={"load": False}, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:problem:key-reused")
    assert len(dagster.runs()) == 1


def test_another_request_with_the_same_key_is_refused_after_a_restart_too(dagster: DagsterHere, tmp_path: Path) -> None:
    place(dagster.api(), tmp_path)
    with pytest.raises(HttpProblem) as caught:
        place(dagster.api(), tmp_path, ExportOrder(load=False))
    assert caught.value.kind == "key-reused"
    assert len(dagster.runs()) == 1


def test_an_order_of_unknown_exports_says_which_there_are(client: TestClient, dagster: DagsterHere) -> None:
    answer = client.post(EXPORT, json={"exports": ["sales_by_day", "sales_by_weekday"]})
    assert answer.status_code == 422
    (wrong,) = answer.json()["invalid"]
    assert wrong["where"] == "body.exports.1"
    assert "sales_by_day" in wrong["problem"]
    assert dagster.runs() == []


def test_a_hundred_equal_requests_at_once_make_one_run(app: FastAPI, dagster: DagsterHere) -> None:
    async def hundred() -> list[dict[str, Any]]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS, timeout=120) as client:
            answers = await asyncio.gather(*(client.post(EXPORT, json={}, headers=KEY) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {202}
        return [answer.json() for answer in answers]

    answers = asyncio.run(hundred())
    (run,) = dagster.runs()
    assert {answer["run_id"] for answer in answers} == {run.run_id}
    assert sorted(answer["is_repeated"] for answer in answers) == [False] + [True] * 99


def test_equal_requests_to_several_processes_make_one_run(dagster: DagsterHere, tmp_path: Path) -> None:
    async def several() -> list[Launched]:
        processes = [Orders(dagster.api(), lambda: LocalPlace(tmp_path)) for _ in range(8)]
        return await asyncio.gather(*(one.place(ExportOrder(), "k-1", CALLER) for one in processes))

    made = asyncio.run(several())
    assert {one.run_id for one in made} == {run.run_id for run in dagster.runs()}
    assert len(dagster.runs()) == 1
    assert [one.is_repeated for one in made].count(False) == 1


def test_the_key_of_another_caller_is_another_key(dagster: DagsterHere, tmp_path: Path) -> None:
    async def both() -> None:
        here = Orders(dagster.api(), lambda: LocalPlace(tmp_path))
        await here.place(ExportOrder(), "k-1", CALLER)
        await here.place(ExportOrder(), "k-1", ApiCaller("key:buying", "buying", ALL_PERMISSIONS, LoginKind.KEY))

    asyncio.run(both())
    assert len(dagster.runs()) == 2


@pytest.mark.parametrize(("method", "runs"), [("_take", 0), ("_launch", 0), ("_note", 1)])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_point_leaves_one_run_or_a_clear_not_started(
    dagster: DagsterHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, runs: int, moment: str
) -> None:
    real = getattr(Orders, method)

    def killed(*args: Any) -> Any:
        if moment == "after":
            real(*args)
        raise Killed

    async def killed_later(*args: Any) -> Any:
        if moment == "after":
            await real(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Orders, method, killed_later if method == "_launch" else killed)
        with pytest.raises(Killed):
            place(dagster.api(), tmp_path)
    after_restart = NOW + timedelta(minutes=5)
    if method == "_take" and moment == "before":
        assert place(dagster.api(), tmp_path, now=after_restart).is_repeated is False
    elif dagster.runs():
        assert place(dagster.api(), tmp_path, now=after_restart) == Launched(dagster.runs()[0].run_id, True)
    else:
        for _ in range(2):
            with pytest.raises(HttpProblem, match="nothing was started; send it again with a new") as caught:
                place(dagster.api(), tmp_path, now=after_restart)
            assert (caught.value.status, caught.value.kind) == (409, "not-started")
        return
    assert len(dagster.runs()) == 1


def test_soon_after_a_kill_it_is_said_that_it_is_not_known_yet(
    dagster: DagsterHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_BETWEEN_LOOKS", 0)
    LocalPlace(tmp_path).create("x", b"")
    taken = {"digest": orders._hash(orders._canonical(ExportOrder())), "accepted_at": NOW.isoformat()}
    request = orders._hash("key:planning\0k-1")
    LocalPlace(tmp_path).create(
        f"service/orders/{request}.json", json.dumps(taken | {"requested_by": "planning"}).encode()
    )
    with pytest.raises(HttpProblem) as caught:
        place(dagster.api(), tmp_path, now=NOW + timedelta(seconds=20))
    assert (caught.value.status, caught.value.kind) == (409, "in-progress")
    assert caught.value.headers == {"Retry-After": "41"}


def test_where_dagster_is_not_there_the_same_request_works_later(client: TestClient, dagster: DagsterHere) -> None:
    dagster.breaks["Launch"] = [REFUSED]
    answer = client.post(EXPORT, json={}, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:unavailable")
    assert "retry-after" in answer.headers
    assert client.post(EXPORT, json={}, headers=KEY).status_code == 202
    assert len(dagster.runs()) == 1


def test_an_answer_that_is_lost_on_its_way_makes_no_second_run(client: TestClient, dagster: DagsterHere) -> None:
    dagster.breaks["Launch"] = [LOST]
    answer = client.post(EXPORT, json={}, headers=KEY)
    assert answer.status_code == 202
    assert answer.json()["run_id"] == dagster.runs()[0].run_id
    assert dagster.asked.count("Launch") == 1


def test_where_nothing_is_known_the_next_request_finds_out(client: TestClient, dagster: DagsterHere) -> None:
    dagster.breaks |= {"Launch": [LOST], "Runs": [REFUSED]}
    assert client.post(EXPORT, json={}, headers=KEY).status_code == 503
    answer = client.post(EXPORT, json={}, headers=KEY)
    assert (answer.status_code, answer.json()["is_repeated"]) == (202, True)
    assert len(dagster.runs()) == 1
    assert dagster.asked.count("Launch") == 1


def test_what_dagster_refuses_is_said_and_leaves_no_key_taken(
    client: TestClient, dagster: DagsterHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(orders, "DAILY_JOB", "weekly")
        answer = client.post(EXPORT, json={}, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:problem:refused")
    assert "weekly" in answer.json()["detail"]
    assert client.post(EXPORT, json={}, headers=KEY).status_code == 202


def test_old_keys_are_forgotten(dagster: DagsterHere, tmp_path: Path) -> None:
    place(dagster.api(), tmp_path, now=datetime.now(UTC))
    assert len(list(LocalPlace(tmp_path).paths())) == 2
    place(dagster.api(), tmp_path, ExportOrder(load=False), now=datetime.now(UTC) + timedelta(days=8))
    assert len(dagster.runs()) == 2


def test_the_names_of_jobs_and_steps_are_those_of_the_platform() -> None:
    from vending_platform.orchestration import steps

    assert (orders.DAILY_JOB, orders.EXPORT_JOB, orders.WRITE_STEP) == (steps.DAILY, steps.EXPORT, steps.WRITE)
    known = set(steps.ExportConfig.model_fields)
    everything = ExportOrder(exports=["a"], first_day=datetime(2024, 3, 1).date(), last_day=datetime(2024, 3, 2).date())
    assert orders._config(everything)["ops"][steps.WRITE]["config"].keys() == known
