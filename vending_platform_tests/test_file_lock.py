"""One writer at a time, however the one before it ended."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from vending_platform.file_lock import exclusive
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform_tests.warehouse.processes import other_process


def nobody(holder: str) -> None:
    pytest.fail(f"nobody holds the lock, and still we wait for {holder}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dev.duckdb"


def test_a_second_writer_waits_and_is_told_for_whom(path: Path) -> None:
    with other_process(path, "the nightly load") as first:
        assert first.says() == "open"
        with other_process(path, "a second load") as second:
            told = second.says()
            assert told.startswith(f"waiting for the nightly load (process {first.pid}, since 2")
            first.stop()
            assert second.says() == "open"


def test_this_process_waits_like_any_other_and_is_told_once(path: Path) -> None:
    told: list[str] = []
    with other_process(path, "the nightly load") as other:
        assert other.says() == "open"

        def stop(holder: str) -> None:
            told.append(holder)
            other.stop()

        with DuckDBWarehouse(path).writing("test", stop) as writer:
            assert writer.query("select 1 as one").num_rows == 1
    assert [holder.partition(" (")[0] for holder in told] == ["the nightly load"]


def test_a_writer_that_is_killed_lets_go_at_once(path: Path) -> None:
    with other_process(path, "a load that dies") as other:
        assert other.says() == "open"
        other.kill()
        with DuckDBWarehouse(path).writing("test", nobody) as writer:
            assert writer.query("select 1 as one").num_rows == 1


def test_two_threads_of_one_process_exclude_each_other_too(tmp_path: Path) -> None:
    told: list[str] = []
    inside: list[str] = []

    def second() -> None:
        with exclusive(tmp_path / "lock", "second", told.append):
            inside.append("second")

    with exclusive(tmp_path / "lock", "first", nobody):
        thread = threading.Thread(target=second)
        thread.start()
        while not told:
            time.sleep(0.01)
        inside.append("first")
    thread.join()
    assert inside == ["first", "second"]
    assert told[0].startswith(f"first (process {os.getpid()}, ")


STALE = ["", "no JSON", "{}", "[]", '{"pid": 1, "purpose": "a load of last year", "since": "2023"}', "\udcff\udc83"]


@pytest.mark.parametrize("stale", STALE)
def test_what_an_earlier_holder_left_in_the_file_holds_nobody_up(tmp_path: Path, stale: str) -> None:
    lock = tmp_path / "lock"
    lock.write_text(stale, errors="surrogateescape")
    with exclusive(lock, "test", nobody):
        assert '"purpose": "test"' in lock.read_text()
    with exclusive(lock, "again", nobody):
        assert lock.read_text().count("purpose") == 1


HOLD = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"


@pytest.mark.parametrize("content", [text for text in STALE if "purpose" not in text])
def test_a_holder_that_does_not_say_who_it_is_is_waited_for_all_the_same(tmp_path: Path, content: str) -> None:
    lock = tmp_path / "lock"
    lock.write_text(content, errors="surrogateescape")
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        def stop(who: str) -> None:
            told.append(who)
            holder.communicate("\n")

        with exclusive(lock, "test", stop):
            assert told == ["another process"]


def test_the_folder_of_the_lock_is_made(tmp_path: Path) -> None:
    with exclusive(tmp_path / "not" / "there" / "lock", "test", nobody):
        assert (tmp_path / "not" / "there" / "lock").exists()


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "lock", "first", nobody):
        raise ZeroDivisionError
    with exclusive(tmp_path / "lock", "second", nobody):
        pass
