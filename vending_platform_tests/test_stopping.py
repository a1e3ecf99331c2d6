"""Ctrl-C and SIGTERM end a process whatever it is doing: with one sentence and the exit code that a shell expects.

Whatever is interrupted here would never end by itself, so that a process which ends at all was stopped.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from vending_platform import stopping
from vending_platform.stopping import STOPPED
from vending_platform_tests.forked import FORKED

WITHOUT_END = "select count(*) from range(1000000000) a, range(1000000000) b where a.range % 7 = b.range % 11"
SHORTLY = 0.2


def ended(work: Callable[..., None], folder: Path, *signals: int) -> tuple[int | None, str]:
    """The exit code and the error output of a process in which `work` was under way when the signals came."""
    said = folder / "stderr"
    process = FORKED.Process(target=_work, args=(work, said, signals))
    process.start()
    process.join(60)
    is_hanging = process.is_alive()
    process.kill()
    assert not is_hanging, "the process did not end"
    return process.exitcode, said.read_text()


def _work(work: Callable[..., None], said: Path, signals: tuple[int, ...]) -> None:
    os.dup2(os.open(said, os.O_CREAT | os.O_WRONLY), 2)
    is_background = work is ignore_the_keyboard
    signal.signal(signal.SIGINT, signal.SIG_IGN if is_background else signal.default_int_handler)
    stopping.watch()
    for number, signal_number in enumerate(signals, start=1):
        threading.Timer(SHORTLY * number, os.kill, (os.getpid(), signal_number)).start()
    work()
    stopping.end(0)


def ignore_the_keyboard() -> None:
    query()


def become_another_program() -> None:
    os.execv(sys.executable, [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"])


def query() -> None:
    duckdb.execute(WITHOUT_END)


def wait_for_a_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(query)


def take_an_interruption_for_a_failure() -> None:
    while True:
        try:
            wait_for_a_thread()
        except BaseException:  # as dbt does, and Dagster
            sys.stderr.write("Traceback")


def install_handlers_of_its_own() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.stderr.write("Traceback"))
    query()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    "work", [query, wait_for_a_thread, take_an_interruption_for_a_failure, install_handlers_of_its_own]
)
def test_a_signal_ends_whatever_is_under_way(work: Callable[[], None], number: signal.Signals, tmp_path: Path) -> None:
    assert ended(work, tmp_path, number) == (128 + number, f"{STOPPED}\n")


def nobody_listens() -> None:
    """As when the terminal was closed, or whoever read the output is gone."""
    reading, writing = os.pipe()
    for standard in (1, 2):
        os.dup2(writing, standard)
    os.close(writing)
    os.close(reading)
    query()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_process_to_which_nobody_listens(number: signal.Signals, tmp_path: Path) -> None:
    assert ended(nobody_listens, tmp_path, number) == (128 + number, "")


def end_with_nobody_listening() -> None:
    reading, writing = os.pipe()
    os.dup2(writing, 1)
    os.close(writing)
    os.close(reading)
    sys.stdout = os.fdopen(1, "w")
    sys.stdout.write("more")
    stopping.end(3)


def test_a_command_ends_with_its_own_code_although_nobody_reads_it(tmp_path: Path) -> None:
    assert ended(end_with_nobody_listening, tmp_path) == (3, "")


def leave_a_note() -> None:
    with (
        stopping.before_stopping(lambda: Path("note").write_text("inner and outer")),
        stopping.before_stopping(lambda: Path("note").write_text("inner")),
    ):
        query()


def test_a_stop_tidies_up_from_the_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert ended(leave_a_note, tmp_path, signal.SIGINT) == (130, f"{STOPPED}\n")
    assert (tmp_path / "note").read_text() == "inner and outer"


def tidy_for_ever(patience: float = stopping._PATIENCE) -> None:
    with patch.object(stopping, "_PATIENCE", patience), stopping.before_stopping(threading.Event().wait):
        query()


def tidy_for_ever_and_be_patient() -> None:
    tidy_for_ever(patience=float("inf"))


def test_tidying_up_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    assert ended(tidy_for_ever, tmp_path, signal.SIGTERM) == (143, f"{STOPPED}\n")


def test_who_asks_twice_does_not_wait_for_the_tidying(tmp_path: Path) -> None:
    assert ended(tidy_for_ever_and_be_patient, tmp_path, signal.SIGINT, signal.SIGINT) == (130, f"{STOPPED}\n")


def end_while_it_tidies() -> None:
    is_stopping = threading.Event()

    def tidy() -> None:
        is_stopping.set()
        time.sleep(SHORTLY)  # long enough for the other thread to come to its end

    with stopping.before_stopping(tidy):
        is_stopping.wait()


def test_who_was_stopped_does_not_end_as_if_all_were_done(tmp_path: Path) -> None:
    assert ended(end_while_it_tidies, tmp_path, signal.SIGINT) == (130, f"{STOPPED}\n")


def finish_before_it_tidies() -> None:
    with stopping.before_stopping(lambda: sys.stderr.write("Traceback")):
        pass


def test_what_has_ended_is_not_tidied_up(tmp_path: Path) -> None:
    assert ended(finish_before_it_tidies, tmp_path) == (0, "")
    assert stopping._tidying == []


def test_a_job_in_the_background_ignores_the_keyboard(tmp_path: Path) -> None:
    assert ended(ignore_the_keyboard, tmp_path, signal.SIGINT, signal.SIGTERM) == (143, f"{STOPPED}\n")


def test_another_program_in_this_process_gets_its_signals(tmp_path: Path) -> None:
    assert ended(become_another_program, tmp_path) == (-signal.SIGTERM, "")
