"""Processes that change a lake and are killed on their way, at every file that they write or remove."""

import dataclasses
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vending_platform.lake import Lake
from vending_platform.storage import Place, StoredFile
from vending_platform_tests.forked import FORKED
from vending_platform_tests.lake.lakes import local_lake

Change = Callable[[Lake], object]


@dataclass
class Countdown:
    """Kills this process at the given boundary: there is one before and one after every lasting effect."""

    left: int

    def boundary(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


@dataclass(frozen=True)
class DeadlyPlace:
    """A place whose every write and removal is between two boundaries."""

    place: Place
    countdown: Countdown = field(compare=False)

    def write(self, path: str, content: bytes | Iterable[bytes]) -> None:
        self.countdown.boundary()
        self.place.write(path, content)
        self.countdown.boundary()

    def delete(self, path: str) -> None:
        self.countdown.boundary()
        self.place.delete(path)
        self.countdown.boundary()

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        return self.place.files(prefix)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.place, name)


def change_until(folder: Path, change: Change, kill_at: int) -> bool:
    """Change a lake in another process, which is killed with SIGKILL at its boundary number `kill_at`.

    Whether it came that far.
    """
    process = FORKED.Process(target=_change_and_die, args=(folder, change, kill_at))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), f"the process ended with {process.exitcode}"
    return process.exitcode != 0


def change_together(folder: Path, changes: Iterable[Change]) -> None:
    """All of them at the same time, each in a process of its own."""
    processes = [FORKED.Process(target=_change_and_die, args=(folder, change, -1)) for change in changes]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def _change_and_die(folder: Path, change: Change, kill_at: int) -> None:
    lake = local_lake(folder)
    countdown = Countdown(kill_at)
    deadly = dataclasses.replace(lake, place=DeadlyPlace(lake.place, countdown))
    catalog = deadly.catalog
    swap = catalog.commit_table

    def commit_table(*arguments: Any) -> Any:
        """After it the new version is the current one, and its writer does not know it yet."""
        response = swap(*arguments)
        countdown.boundary()
        return response

    catalog.commit_table = commit_table  # type: ignore[assignment, method-assign]
    change(deadly)
