"""The outbox keeps what was written in its order, and no run in it breaks the order of events."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vending_platform.lineage.outbox import END_STATES, EventType, Outbox, OutboxWriter, end_lost_runs
from vending_platform.lineage.outbox.store import Event
from vending_platform_tests.lineage.outbox.waiting import event, waiting
from vending_platform_tests.properties import examples

NOW = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path) as opened:
        yield opened


def states(outbox: Outbox, run: str) -> list[str]:
    return [one["eventType"] for one in waiting(outbox) if one["run"]["runId"] == run]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(EventType)), max_size=30))
@examples(60)
def test_whatever_is_written_a_run_starts_once_ends_once_and_nothing_follows(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, EventType]]
) -> None:
    with Outbox(tmp_path_factory.mktemp("outbox")) as outbox:
        expected: list[tuple[str, str]] = []
        is_open: dict[str, bool] = {}
        for run, state in written:
            outbox.write([event(run, state)], "w")
            if (state is EventType.START) != is_open.get(run, False):
                expected.append((run, state))
                is_open[run] = state not in END_STATES
        assert [(one["run"]["runId"], one["eventType"]) for one in waiting(outbox)] == expected
        assert {run for run, _, _ in outbox.open_runs()} == {run for run, opened in is_open.items() if opened}


def test_events_of_one_step_are_there_together_or_not_at_all(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="NONSENSE"):
        outbox.write([event("a", "START"), event("a", "NONSENSE")], "w")
    assert waiting(outbox) == []
    assert list(outbox.open_runs()) == []


def test_several_processes_and_threads_write_at_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with Outbox(tmp_path) as mine:
            for state in ("START", "RUNNING", "COMPLETE"):
                mine.write([event(str(number), state)], "w", lasting=state == "COMPLETE")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    with Outbox(tmp_path) as outbox:
        assert all(states(outbox, str(number)) == ["START", "RUNNING", "COMPLETE"] for number in range(24))


def test_runs_of_a_writer_that_is_gone_get_their_end_parts_before_the_whole(outbox: Outbox) -> None:
    gone, alive = OutboxWriter(outbox), OutboxWriter(outbox)
    gone.write([event("root", "START"), event("part", "START", at="2024-03-01T00:00:01.000000Z")])
    alive.write([event("other", "START")])
    gone.close()

    def ended(start: Event) -> Event:
        return {**start, "eventType": "ABORT"}

    assert end_lost_runs(outbox, ended) == 2
    assert end_lost_runs(outbox, ended) == 0
    assert [(one["run"]["runId"], one["eventType"]) for one in waiting(outbox)][-2:] == [
        ("part", "ABORT"),
        ("root", "ABORT"),
    ]
    assert [start["run"]["runId"] for start in alive.open_runs()] == ["other"]
    alive.close()


def test_the_state_tells_what_waits_and_how_the_last_attempts_went(outbox: Outbox) -> None:
    outbox.write([event("a", "START"), event("a", "COMPLETE")], "w")
    assert (outbox.state().waiting, outbox.state().needs_a_person) == (2, False)
    for _ in range(2):
        outbox.failed("down", NOW + timedelta(seconds=5))
    state = outbox.state()
    assert (state.failures, state.problem, state.next_at, state.sent_at) == (
        2,
        "down",
        "2024-03-01T00:00:05+00:00",
        None,
    )
    assert state.needs_a_person
    first, second = outbox.first(10)
    outbox.refuse(second.number, "no")
    outbox.sent([first.number], NOW)
    state = outbox.state()
    assert (state.waiting, state.refused, state.failures, state.sent_at) == (0, 1, 0, NOW.isoformat())
    assert outbox.refused() == [(second, "no")]
    assert outbox.offer_again() == 1
    assert outbox.first(10) == [second]


def test_a_damaged_outbox_is_put_aside_and_begun_again(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"no database at all, but long enough to look like one" * 100)
    with Outbox(tmp_path) as outbox:
        outbox.write([event("a", "START")], "w")
        assert states(outbox, "a") == ["START"]
    assert (tmp_path / "outbox.db.damaged").exists()


def test_one_that_can_not_be_opened_is_not_put_aside(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").mkdir()
    with pytest.raises(sqlite3.OperationalError):
        Outbox(tmp_path)
    assert (tmp_path / "outbox.db").is_dir()


def test_each_outbox_has_a_name_that_it_keeps(tmp_path: Path) -> None:
    names = set()
    for folder in ("a", "a", "b"):
        with Outbox(tmp_path / folder) as outbox:
            names.add(outbox.name)
    assert len(names) == 2
