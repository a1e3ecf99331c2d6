"""Dagster's history on a laptop: all of it is there, for every process, and whoever watches a run sees it live."""

import os
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from vending_platform.orchestration.event_log import _OPEN_AT_ONCE, LocalEventLog
from vending_platform.orchestration.history import ALIVE, alive, cancel, open_history

EVENTS = 10


@dg.op
def write(context: dg.OpExecutionContext) -> None:
    for number in range(EVENTS):
        context.log_event(dg.AssetMaterialization("table", partition=str(number)))


@dg.job
def writing() -> None:
    write()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", "")  # put back afterwards
    return tmp_path / "dagster"


def test_the_history_lasts_and_others_can_read_it_meanwhile(home: Path) -> None:
    with open_history(home) as history:
        assert isinstance(history.event_log_storage, LocalEventLog)
        run = writing.execute_in_process(instance=history).run_id
        # As another process would see it, while this one has the files open.
        beside = SqliteEventLogStorage(str(home / "history" / "events"))
        assert len(beside.get_logs_for_run(run)) == len(history.all_logs(run)) > EVENTS
    with open_history(home) as history:
        assert [run.run_id for run in history.get_runs()] == [run]
        assert len(history.get_materialized_partitions(dg.AssetKey("table"))) == EVENTS


def test_it_does_not_run_out_of_open_files(home: Path) -> None:
    with open_history(home) as history:
        for _ in range(_OPEN_AT_ONCE + 4):
            writing.execute_in_process(instance=history)
        handles = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if _is_open(number)]
        runs = {name for name in handles if name.startswith(str(home)) and name.endswith(".db")}
        assert len(runs) <= _OPEN_AT_ONCE + 2
        newest = history.get_runs()[0].run_id
        history.delete_run(newest)
        assert newest not in {run.run_id for run in history.get_runs()}


def test_whoever_watches_a_run_is_told_of_events_as_they_come(home: Path) -> None:
    told: list[str] = []
    with open_history(home) as history:
        run = history.create_run_for_job(writing)
        history.watch_event_logs(run.run_id, None, lambda entry, _: told.append(str(entry.message)))
        history.report_engine_event("begun", run)
        ends = time.monotonic() + 20
        while not told and time.monotonic() < ends:
            time.sleep(0.05)
    assert told == ["begun"]


def _is_open(number: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{number}")


def test_a_run_whose_process_was_killed_is_told_as_failed_and_a_living_one_is_not(home: Path) -> None:
    with open_history(home) as history, alive(home) as mark:
        living = history.create_run_for_job(writing, tags={ALIVE: mark}, status=dg.DagsterRunStatus.STARTED)
        dead = history.create_run_for_job(writing, tags={ALIVE: "gone"}, status=dg.DagsterRunStatus.STARTED)
        somebody_elses = history.create_run_for_job(writing, status=dg.DagsterRunStatus.STARTED)
        with open_history(home) as again:
            assert _status(again, living.run_id) is dg.DagsterRunStatus.STARTED
            assert _status(again, dead.run_id) is dg.DagsterRunStatus.FAILURE
            assert _status(again, somebody_elses.run_id) is dg.DagsterRunStatus.STARTED
    with open_history(home) as afterwards:
        assert _status(afterwards, living.run_id) is dg.DagsterRunStatus.FAILURE


def test_a_run_that_a_person_stops_is_canceled_and_not_failed(home: Path) -> None:
    with open_history(home) as history, alive(home) as mark:
        stopped = history.create_run_for_job(writing, tags={ALIVE: mark}, status=dg.DagsterRunStatus.STARTED)
        other = history.create_run_for_job(writing, status=dg.DagsterRunStatus.STARTED)
        cancel(history, home, mark)
        assert _status(history, stopped.run_id) is dg.DagsterRunStatus.CANCELED
        assert _status(history, other.run_id) is dg.DagsterRunStatus.STARTED
        assert list((home / "alive").iterdir()) == []


@pytest.mark.parametrize("name", ["history/runs.db", "history/events/index.db", "schedules/schedules.db"])
@pytest.mark.parametrize("start", [0, 4096], ids=["no database", "torn inside"])
def test_a_damaged_history_is_begun_again(home: Path, name: str, start: int, caplog: pytest.LogCaptureFixture) -> None:
    with open_history(home) as history:
        writing.execute_in_process(instance=history)
    content = (home / name).read_bytes()
    (home / name).write_bytes(content[:start] + b"damaged" * (len(content) // 7))
    with open_history(home) as history:
        run = writing.execute_in_process(instance=history)
        assert _status(history, run.run_id) is dg.DagsterRunStatus.SUCCESS
    assert f"{home / name} is damaged" in caplog.text
    assert (home / f"{name}.damaged").exists()


def _status(history: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = history.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_two_first_starts_at_once_both_have_the_history(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from vending_platform.orchestration import open_history\n"
        "sys.stdin.readline(); open_history(Path(sys.argv[1])).get_runs()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "dagster")]
    starts = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for start in starts:
        assert start.stdin is not None
        start.stdin.write("now\n")
        start.stdin.flush()
    told = [start.communicate(timeout=300)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], told
