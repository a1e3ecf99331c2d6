"""Ctrl-C and SIGTERM end the process: soon, with one sentence and the exit code that a shell expects, whatever it does.

A stop is a crash with a message. Everything the platform does holds against a kill at any moment, so the process simply
ends. It does not unwind through libraries, which take an interruption for a failure of their own, wait for their
threads to finish, and print what they think of it.

Python runs a handler of signals between two steps of its main thread, which may be deep in a query or wait for another
thread. So the handler does nothing; the signal also arrives in a pipe, at once, and a thread of our own reads that.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

STOPPED = "Stopped: what was already published stays, and the same command goes on from there."
_PATIENCE = 0.8
"""Seconds that tidying up may take in all."""
_SHOW_CURSOR, _EMPTY_LINE = "\x1b[?25h", "\r\x1b[2K"
_tidying: list[Callable[[], object]] = []
_ending = threading.Lock()
"""The thread that holds it ends the process, and decides the exit code."""


def watch() -> None:
    """From now on a signal ends the process. Those that the process was started to ignore, as a shell does with jobs in
    the background, stay ignored."""
    watched = {n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN}
    pipe, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in watched:
        signal.signal(number, _do_nothing)
    _keep(watched)
    threading.Thread(target=_wait_and_end, args=(pipe, watched), name="stopping", daemon=True).start()


@contextmanager
def before_stopping(tidy: Callable[[], object]) -> Iterator[None]:
    """While the block runs, a stop first calls `tidy`: in a thread of its own, and no longer than a person would wait.
    It is a courtesy to others; nothing may depend on it, because a kill does not ask."""
    _tidying.append(tidy)
    try:
        yield
    finally:
        _tidying.remove(tidy)


def end(code: int) -> NoReturn:
    """End this process now, unless a stop is doing so already."""
    _ending.acquire()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # no one reads it any more
            stream.flush()
    os._exit(code)


def _do_nothing(*_: object) -> None:
    """Python writes only signals that have a handler into the pipe."""


def _keep(watched: set[signal.Signals]) -> None:
    """Libraries (Dagster, dbt) install handlers of their own while they work; of these signals they get none."""
    install: Callable[[int, Any], Any] = signal.signal

    def install_others(number: int, handler: Any) -> Any:
        return signal.getsignal(number) if number in watched else install(number, handler)

    signal.signal = install_others  # type: ignore[assignment]  # the same function, which looks first


def _wait_and_end(pipe: int, watched: set[signal.Signals]) -> None:
    while (number := os.read(pipe, 1)[0]) not in watched:
        continue  # a signal that another part of the process handles
    _ending.acquire()
    try:
        _print_last_line()
        _wait_for_the_tidying(pipe)
    finally:  # this thread holds the lock, so no other one can end the process
        _silence_the_tracker()
        os._exit(128 + number)


def _wait_for_the_tidying(pipe: int) -> None:
    tidying = threading.Thread(target=_tidy, daemon=True)
    tidying.start()
    until = time.monotonic() + _PATIENCE
    while tidying.is_alive() and time.monotonic() < until:
        if select.select([pipe], [], [], 0.02)[0]:
            break  # a second signal: the person does not want to wait


def _silence_the_tracker() -> None:
    """Python's tracker of locks is another process, which has the terminal too and would warn of each that is left."""
    if (tracker := sys.modules.get("multiprocessing.resource_tracker")) is not None:
        with suppress(ProcessLookupError, TypeError):  # it has ended, or was never started
            os.kill(tracker._resource_tracker._pid, signal.SIGKILL)


def _print_last_line() -> None:
    words = f"{_EMPTY_LINE}{STOPPED}\n{_SHOW_CURSOR}" if os.isatty(2) else f"{STOPPED}\n"
    with suppress(OSError):  # the terminal was closed
        os.write(2, words.encode())
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)


def _tidy() -> None:
    """The last that was begun comes first, as it may rest on the others."""
    if (multiprocessing := sys.modules.get("multiprocessing.util")) is not None:
        multiprocessing._run_finalizers()  # dbt's locks: another process warns of those that are left over
    for tidy in reversed(_tidying[:]):
        tidy()
