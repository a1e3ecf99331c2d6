"""A store that tells nobody of new files: all of it is looked at, a piece at a time, and no time decides."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from vending_platform.arrivals import Answer, PollCrashPoint, Position, RunState, look_at_listing, position_of
from vending_platform.catalog import Catalog
from vending_platform.ingestion import Selection
from vending_platform_tests.arrivals.simulated_queue import SimulatedQueue
from vending_platform_tests.ingestion.raw_folder import RawFolder, sales_file

DAYS = [f"2024-03-{day:02d}" for day in range(1, 10)]
NAMES = [f"sales/sales_VM001_{day.replace('-', '')}.csv" for day in DAYS]


@dataclass
class Listing(SimulatedQueue):
    """A simulated queue whose looks list the raw folder, one page a look."""

    raw_folder: RawFolder = field(kw_only=True)
    cursor: str = ""
    seconds: float = 0

    def look_somewhere(self, on_step: Callable[[PollCrashPoint], None]) -> Answer:
        answer, position = look_at_listing(
            self.raw_folder.context,
            position_of(self.cursor),
            self.lists,
            self.history,
            self.now,
            seconds=self.seconds,
            on_step=on_step,
        )
        self.cursor = position.as_cursor()
        return answer

    def deliver(self, *names: str, rows: int = 2, at: datetime | None = None) -> None:
        """Files with a time that the deliverer chose; by default long ago."""
        moment = (at or self.now - timedelta(days=900)).timestamp()
        for name in names:
            day = name.split("_")[-1]
            self.raw_folder.deliver({name: sales_file(day=f"{day[:4]}-{day[4:6]}-{day[6:8]}", rows=rows)})
            os.utime(self.raw_folder.sources / name, (moment, moment))


def listing(raw_folder: RawFolder) -> Listing:
    return Listing(
        raw_folder.catalog,
        load=lambda paths: assert_something(raw_folder.ingest(Selection(paths=paths)).loaded),
        place=raw_folder.context.storage.work,
        raw_folder=raw_folder,
    )


def assert_something(loaded: object) -> None:
    assert loaded, "a run found nothing to do"


@pytest.fixture
def small_platform(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Listing:
    monkeypatch.setattr("vending_platform.storage.local.PAGE", 3)
    (tmp_path / "sources").mkdir()
    return listing(RawFolder(tmp_path, catalog))


def test_a_round_goes_on_where_the_look_before_stopped(small_platform: Listing) -> None:
    small_platform.deliver(*NAMES)
    looks = [small_platform.look() for _ in range(4)]
    assert [look.log[0].split(", up to")[0] for look in looks] == [
        "in this round so far 3 files, of which 3 are not loaded as they are",
        "in this round so far 6 files, of which 6 are not loaded as they are",
        "in this round so far 9 files, of which 9 are not loaded as they are",
        "a round is complete: 9 files, of which 9 are not loaded as they are",
    ]
    assert [[request.about for request in look.requests] for look in looks] == [
        [f"{DAYS[start]}..{DAYS[start + 2]}"] for start in (0, 3, 6)
    ] + [[]]
    small_platform.end_runs()
    assert len(small_platform.raw_folder.ledger()) == 9
    small_platform.seconds = 20
    assert small_platform.look().log == ("a round is complete: 9 files, of which 0 are not loaded as they are",)


def test_old_equal_and_future_times_hide_nothing(small_platform: Listing) -> None:
    small_platform.seconds = 20
    small_platform.deliver(*NAMES[:3])
    small_platform.look()
    small_platform.end_runs()
    small_platform.deliver(NAMES[0], rows=7)  # corrected, with the time and at the place that it had
    small_platform.deliver(NAMES[3])  # the time of those that are loaded
    small_platform.deliver(NAMES[4], at=small_platform.now - timedelta(days=5000))
    small_platform.deliver(NAMES[5], at=small_platform.now + timedelta(days=400))
    small_platform.look()
    small_platform.end_runs()
    assert [files - {*NAMES[1:3]} for files in small_platform.requested()[1:]] == [{NAMES[0]}, {*NAMES[3:6]}]
    assert {name: row["rows_accepted"] for name, row in small_platform.raw_folder.ledger().items()} == {
        name: 7 if name == NAMES[0] else 2 for name in NAMES[:6]
    }


def test_what_is_put_where_the_round_has_been_is_found_in_the_next(small_platform: Listing) -> None:
    small_platform.deliver(*NAMES[3:])
    small_platform.look()
    small_platform.deliver(*NAMES[:3])
    for _ in range(8):
        small_platform.wait(minutes=1)
        small_platform.look()
        small_platform.end_runs()
    assert small_platform.raw_folder.ledger().keys() == set(NAMES)
    assert sum(map(len, small_platform.requested())) == len(NAMES)


def test_files_of_a_day_are_gathered_here_too_and_wait_for_a_run_under_way(small_platform: Listing) -> None:
    small_platform.seconds = 20
    small_platform.deliver(NAMES[0], at=small_platform.now)
    assert small_platform.look().waiting[0].startswith("2024-03-01..2024-03-01: still arriving")
    small_platform.wait(minutes=2)
    assert len(small_platform.look().requests) == 1
    small_platform.deliver(NAMES[0], rows=3)
    small_platform.deliver(NAMES[0].replace("VM001", "VM002"))
    (waiting,) = small_platform.look().waiting
    assert waiting.startswith("2024-03-01..2024-03-01: a run for it is under way")
    assert small_platform.look().requests == ()


def test_what_failed_is_asked_for_again_and_not_twice(small_platform: Listing) -> None:
    small_platform.seconds = 20
    small_platform.deliver(NAMES[0])
    small_platform.look()
    small_platform.end_runs(fails=lambda run: True)
    (waiting,) = small_platform.look().waiting
    assert "failed 1 times" in waiting
    small_platform.wait(minutes=1)
    assert len(small_platform.look().requests) == 1
    small_platform.end_runs()
    assert [run.state for run in small_platform.runs] == [RunState.SUCCEEDED, RunState.FAILED]
    assert small_platform.look().requests == ()


def test_what_failed_for_long_is_asked_for_under_a_new_key_when_it_is_found_again(small_platform: Listing) -> None:
    small_platform.seconds = 20
    small_platform.deliver(NAMES[0])
    small_platform.look()
    small_platform.end_runs(fails=lambda run: True)
    small_platform.wait(hours=30)
    assert len(small_platform.look().requests) == 1
    assert [run.run_key[-1] for run in small_platform.runs] == ["2", "1"]


def test_a_file_that_nobody_declared_is_put_on_record_once(small_platform: Listing) -> None:
    small_platform.seconds = 20
    small_platform.load = lambda paths: assert_something(
        small_platform.raw_folder.ingest(Selection(paths=paths)).undeclared
    )
    small_platform.raw_folder.deliver({"notes.txt": b"?"})
    small_platform.look()
    small_platform.end_runs()
    assert small_platform.raw_folder.rows("select path from raw._undeclared") == [{"path": "notes.txt"}]
    assert small_platform.look().requests == ()
    assert small_platform.look().log == ("a round is complete: 1 files, of which 0 are not loaded as they are",)


@pytest.mark.parametrize(
    "cursor", [None, "", "{", "[]", '{"after": 1}', "null", '{"after": "", "files": "x", "new": 0}']
)
def test_a_cursor_that_nobody_can_read_begins_a_round_anew(cursor: str | None) -> None:
    assert position_of(cursor) == Position()


def test_a_cursor_holds_any_path() -> None:
    position = Position("売上/it's \\ \".csv", 7, 3)
    assert position_of(position.as_cursor()) == position
