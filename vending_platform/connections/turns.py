"""Whose turn it is to renew a connection's tokens, when a refresh token may be used only once.

A turn is a file in the work place, made by `Place.create`, so of all processes one gets it. It has the generation of
the tokens that are to be renewed: a later process finds how it ended, also where the store still shows the tokens
from before. On a laptop the kernel's lock excludes other processes as well, and ends with its holder; elsewhere a turn
whose holder was killed is over when it was seen for `LENGTH` without an end.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from vending_platform.errors import Unavailable
from vending_platform.file_lock import exclusive
from vending_platform.storage import Place

LENGTH = 30.0
"""Seconds. A request to a service has to be over, and its answer kept, well before that."""
_BETWEEN_LOOKS = 1.0


class TurnEnd(StrEnum):
    """How a turn ended; a turn without an end is under way, or its process was killed."""

    DONE = "done"
    """New tokens are kept."""
    UNSURE = "unsure"
    """The service may have made new tokens, and they did not arrive here or could not be kept."""
    UNCHANGED = "unchanged"
    """The service has made no new tokens."""


class TurnLost(Unavailable):
    """This process was suspended for so long that another one may have its turn by now."""


@dataclass
class RenewalTurn:
    """`is_unsure` is whether the refresh token may have been used before, by a turn that ended in the middle."""

    name: str
    is_unsure: bool
    over_at: float
    now: Callable[[], float]
    end: TurnEnd = TurnEnd.UNSURE

    def ensure(self, seconds: float) -> None:
        """Raises unless so much time is left."""
        if self.now() + seconds > self.over_at:
            raise TurnLost(f"renewing the tokens of {self.name} took too long: it is tried again")


@dataclass(frozen=True)
class RenewalTurns:
    """The turns of one connection. `lock` is a file on this computer, where all processes are on it."""

    name: str
    work: Place
    lock: Path | None
    on_wait: Callable[[str], None] = lambda _: None
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def turn(self, generation: int, is_over: Callable[[], bool]) -> Iterator[RenewalTurn | None]:
        """The turn to renew the tokens of this generation, as soon as no other process has it; None as soon as these
        tokens are renewed, which `is_over` finds out. Without an end set by its user a turn ends as unsure."""
        with exclusive(self.lock, f"renewing {self.name}", self.on_wait) if self.lock else nullcontext():
            taken = self._take(generation, is_over)
            if taken is None:
                yield None
                return
            path, turn = taken
            try:
                yield turn
            finally:
                self.work.write(path, _content(turn.end))
                if turn.end is TurnEnd.DONE:
                    self._tidy(generation)

    def _take(self, generation: int, is_over: Callable[[], bool]) -> tuple[str, RenewalTurn] | None:
        number, is_unsure = 0, False
        while not is_over():
            path, began = f"{self._folder(generation)}/{number:03d}.json", self.now()
            if self.work.create(path, _content(None)):
                return path, RenewalTurn(self.name, is_unsure, began + LENGTH, self.now)
            end = self._end_of(path, is_over)
            if end is TurnEnd.DONE:
                self._wait_until(is_over)
                return None
            is_unsure = is_unsure or end is not TurnEnd.UNCHANGED
            number += 1
        return None

    def _end_of(self, path: str, is_over: Callable[[], bool]) -> TurnEnd | None:
        """How the turn of another process ended; None if that process was killed."""
        seen = self.now()
        has_waited = False
        while (end := self._read(path)) is None and self.lock is None and not is_over():
            if self.now() - seen > LENGTH:  # by the own clock alone: those of two computers differ
                return None
            if not has_waited:
                self.on_wait(f"another process, which renews {self.name}")
                has_waited = True
            self.sleep(_BETWEEN_LOOKS)
        return end

    def _wait_until(self, is_over: Callable[[], bool]) -> None:
        """The tokens are kept already, and a read may find those from before for a moment."""
        seen = self.now()
        while not is_over():
            if self.now() - seen > LENGTH:
                raise Unavailable(
                    f"the tokens of {self.name} were renewed, and its store still shows those from before: try again"
                )
            self.sleep(_BETWEEN_LOOKS)

    def _read(self, path: str) -> TurnEnd | None:
        try:
            end = json.loads(b"".join(self.work.read_path(path)))["end"]
        except KeyError:
            return TurnEnd.DONE  # tidied away by a later turn
        return TurnEnd(end) if end is not None else None

    def _tidy(self, generation: int) -> None:
        """Not of the last generations: that they are done is what a process finds that has read older tokens."""
        for path in list(self.work.paths(self._folder())):
            if path < self._folder(generation - 1):
                self.work.delete(path)

    def _folder(self, generation: int | None = None) -> str:
        folder = f"connections/turns/{self.name}"
        return folder if generation is None else f"{folder}/{generation:010d}"


def _content(end: TurnEnd | None) -> bytes:
    return json.dumps({"end": end, "at": datetime.now(UTC).isoformat("T", "seconds")}).encode()
