"""What a test starts it ends: no module of tests may leave a process running, or a setting behind."""

import ctypes
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

_SET_CHILD_SUBREAPER = 36
_GRACE = 15.0
"""Seconds in which what has been told to end may do so."""
_PYTHONS_OWN = (b"multiprocessing.forkserver", b"multiprocessing.resource_tracker")
"""Python starts these once per process and ends them with it."""


@pytest.fixture(autouse=True, scope="module")
def _ends_what_it_starts() -> Iterator[None]:
    before = running_children()
    yield
    ends = time.monotonic() + _GRACE
    while (left := _others_than(before)) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not left, f"left running: {left}"


@pytest.fixture(autouse=True, scope="module")
def _leaves_no_setting() -> Iterator[None]:
    """`patch.dict(os.environ)` puts back all that was set when it began, so in what outlives a test, such as a fixture
    of a module, it would bring back what that test had set: `MonkeyPatch.context` puts back its own."""
    before = _settings()
    yield
    assert _settings() == before


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("VENDING_")}


def _others_than(known: Mapping[int, str]) -> dict[int, str]:
    return {pid: command for pid, command in running_children().items() if pid not in known}


def adopt_orphans() -> None:
    """What a killed child leaves behind becomes a child of this process, and is seen."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def running_children() -> dict[int, str]:
    """This process's children, without those that have ended; none where the system does not list processes."""
    found = {}
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except FileNotFoundError:  # it has just ended
                continue
            if state != "Z" and not any(name in command for name in _PYTHONS_OWN):
                found[int(pid)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found
