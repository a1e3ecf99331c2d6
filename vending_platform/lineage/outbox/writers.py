"""Which processes write to the outbox, so that the runs of a killed one get their end from someone else."""

import fcntl
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self
from uuid import uuid4

from vending_platform.lineage.outbox.store import Event, Outbox


class OutboxWriter:
    """Bears a mark that the kernel takes away when its process ends, in any way."""

    def __init__(self, outbox: Outbox) -> None:
        self.name = uuid4().hex
        self._outbox = outbox
        self._path = _marks(outbox) / self.name
        self._path.parent.mkdir(exist_ok=True)
        self._mark: IO[str] = self._path.open("w")
        fcntl.flock(self._mark, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, events: Iterable[Event], *, lasting: bool = False) -> None:
        self._outbox.write(events, self.name, lasting=lasting)

    def open_runs(self) -> list[dict[str, Any]]:
        """The START events of what this process has started and not ended."""
        return [start for _, _, start in self._outbox.open_runs(self.name)]

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        self._mark.close()


def end_lost_runs(outbox: Outbox, ended: Callable[[dict[str, Any]], Event]) -> int:
    """Give every run of a process that is no more the end that `ended` makes of its START event; how many runs."""
    lost = 0
    alive: dict[str, bool] = {}
    for run, writer, start in list(outbox.open_runs()):
        if writer not in alive:
            alive[writer] = _is_alive(_marks(outbox) / writer)
        if not alive[writer]:
            outbox.end(run, ended(start))
            lost += 1
    for writer, is_alive in alive.items():
        if not is_alive:
            with suppress(FileNotFoundError):
                (_marks(outbox) / writer).unlink()
    return lost


def _marks(outbox: Outbox) -> Path:
    return outbox.folder / "writers"


def _is_alive(mark: Path) -> bool:
    try:
        with mark.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
