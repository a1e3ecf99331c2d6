"""A store that tells nobody of new files: all of it is looked at, a piece at a time, and no time decides."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from vending_platform.arrivals import Answer, Position, RunState, Step, look_at_listing, position_of
from vending_platform.catalog import Catalog
from vending_platform.ingestion import Selection
from vending_platform_tests.arrivals.world import World
from vending_platform_tests.ingestion.yard import Yard, sales_file

DAYS = [f"2024-03-{day:02d}" for day in range(1, 10)]
NAMES = [f"sales/sales_VM001_{day.replace('-', '')}.csv" for day in DAYS]


@dataclass
class Listing(World):
    """A world whose looks list the yard's folder, one page a look."""

    yard: Yard = field(kw_only=True)
    cursor: str = ""
    seconds: float = 0

    def look_somewhere(self, on_step: Callable[[Step], None]) -> Answer:
        answer, position = look_at_listing(
            self.yard.rooms,
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
            self.yard.deliver({name: sales_file(day=f"{day[:4]}-{day[4:6]}-{day[6:8]}", rows=rows)})
            os.utime(self.yard.sources / name, (moment, moment))


def listing(yard: Yard) -> Listing:
    return Listing(
        yard.catalog,
        load=lambda paths: assert_something(yard.ingest(Selection(paths=paths)).loaded),
        place=yard.rooms.storage.work,
        yard=yard,
    )


def assert_something(loaded: object) -> None:
    assert loaded, "a run found nothing to do"


@pytest.fixture
def house(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Listing:
    monkeypatch.setattr("vending_platform.storage.local.PAGE", 3)
    (tmp_path / "sources").mkdir()
    return listing(Yard(tmp_path, catalog))


def test_a_round_goes_on_where_the_look_before_stopped(house: Listing) -> None:
    house.deliver(*NAMES)
    looks = [house.look() for _ in range(4)]
    assert [look.said[0].split(", up to")[0] for look in looks] == [
        "in this round so far 3 files, of which 3 are not loaded as they are",
        "in this round so far 6 files, of which 6 are not loaded as they are",
        "in this round so far 9 files, of which 9 are not loaded as they are",
        "a round is complete: 9 files, of which 9 are not loaded as they are",
    ]
    assert [[request.about for request in look.requests] for look in looks] == [
        [f"{DAYS[start]}..{DAYS[start + 2]}"] for start in (0, 3, 6)
    ] + [[]]
    house.end_runs()
    assert len(house.yard.ledger()) == 9
    house.seconds = 20
    assert house.look().said == ("a round is complete: 9 files, of which 0 are not loaded as they are",)


def test_old_equal_and_future_times_hide_nothing(house: Listing) -> None:
    house.seconds = 20
    house.deliver(*NAMES[:3])
    house.look()
    house.end_runs()
    house.deliver(NAMES[0], rows=7)  # corrected, with the time and at the place that it had
    house.deliver(NAMES[3])  # the time of those that are loaded
    house.deliver(NAMES[4], at=house.now - timedelta(days=5000))
    house.deliver(NAMES[5], at=house.now + timedelta(days=400))
    house.look()
    house.end_runs()
    assert [files - {*NAMES[1:3]} for files in house.requested()[1:]] == [{NAMES[0]}, {*NAMES[3:6]}]
    assert {name: row["rows_accepted"] for name, row in house.yard.ledger().items()} == {
        name: 7 if name == NAMES[0] else 2 for name in NAMES[:6]
    }


def test_what_is_put_where_the_round_has_been_is_found_in_the_next(house: Listing) -> None:
    house.deliver(*NAMES[3:])
    house.look()
    house.deliver(*NAMES[:3])
    for _ in range(8):
        house.wait(minutes=1)
        house.look()
        house.end_runs()
    assert house.yard.ledger().keys() == set(NAMES)
    assert sum(map(len, house.requested())) == len(NAMES)


def test_files_of_a_day_are_gathered_here_too_and_wait_for_a_run_under_way(house: Listing) -> None:
    house.seconds = 20
    house.deliver(NAMES[0], at=house.now)
    assert house.look().waiting[0].startswith("2024-03-01..2024-03-01: still arriving")
    house.wait(minutes=2)
    assert len(house.look().requests) == 1
    house.deliver(NAMES[0], rows=3)
    house.deliver(NAMES[0].replace("VM001", "VM002"))
    (waiting,) = house.look().waiting
    assert waiting.startswith("2024-03-01..2024-03-01: a run for it is under way")
    assert house.look().requests == ()


def test_what_failed_is_asked_for_again_and_not_twice(house: Listing) -> None:
    house.seconds = 20
    house.deliver(NAMES[0])
    house.look()
    house.end_runs(fails=lambda run: True)
    (waiting,) = house.look().waiting
    assert "failed 1 times" in waiting
    house.wait(minutes=1)
    assert len(house.look().requests) == 1
    house.end_runs()
    assert [run.state for run in house.runs] == [RunState.SUCCEEDED, RunState.FAILED]
    assert house.look().requests == ()


def test_what_failed_for_long_is_asked_for_under_a_new_key_when_it_is_found_again(house: Listing) -> None:
    house.seconds = 20
    house.deliver(NAMES[0])
    house.look()
    house.end_runs(fails=lambda run: True)
    house.wait(hours=30)
    assert len(house.look().requests) == 1
    assert [run.run_key[-1] for run in house.runs] == ["2", "1"]


def test_a_file_that_nobody_declared_is_put_on_record_once(house: Listing) -> None:
    house.seconds = 20
    house.load = lambda paths: assert_something(house.yard.ingest(Selection(paths=paths)).undeclared)
    house.yard.deliver({"notes.txt": b"?"})
    house.look()
    house.end_runs()
    assert house.yard.rows("select path from raw._undeclared") == [{"path": "notes.txt"}]
    assert house.look().requests == ()
    assert house.look().said == ("a round is complete: 1 files, of which 0 are not loaded as they are",)


@pytest.mark.parametrize(
    "cursor", [None, "", "{", "[]", '{"after": 1}', "null", '{"after": "", "files": "x", "new": 0}']
)
def test_a_cursor_that_nobody_can_read_begins_a_round_anew(cursor: str | None) -> None:
    assert position_of(cursor) == Position()


def test_a_cursor_holds_any_path() -> None:
    position = Position("売上/it's \\ \".csv", 7, 3)
    assert position_of(position.as_cursor()) == position
