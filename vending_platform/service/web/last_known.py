"""A value that takes long to find out, kept for a while: no one waits for it twice.

While it is fresh it is given as it is. When it is older, it is still given at once, and found out again beside. Only
where there is none yet, or one so old that it would mislead, does a request wait.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)


class LastKnown(Generic[T]):
    """`find` is never called twice at once. If it fails, the value of before stays, and the failure is logged; where
    there is no such value, who waits gets the failure."""

    def __init__(
        self,
        find: Callable[[], Awaitable[T]],
        *,
        fresh_seconds: float,
        usable_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find, self._fresh, self._usable, self._now = find, fresh_seconds, usable_seconds, now
        self._found: tuple[T, float] | None = None
        self._finding: asyncio.Task[T] | None = None

    async def get(self) -> T:
        if self._found is not None:
            value, at = self._found
            age = self._now() - at
            if age <= self._fresh:
                return value
            if age <= self._usable:
                self._begin()
                return value
        return await asyncio.shield(self._begin())

    def expire(self) -> None:
        """What is known is outdated: it is given until it is found out again, which begins with the next request."""
        if self._found is not None:
            self._found = (self._found[0], min(self._found[1], self._now() - self._fresh - 1e-9))

    @property
    def last(self) -> T | None:
        return None if self._found is None else self._found[0]

    def _begin(self) -> "asyncio.Task[T]":
        if self._finding is None or self._finding.done():
            self._finding = asyncio.get_running_loop().create_task(self._find_now())
            self._finding.add_done_callback(_note_failure)
        return self._finding

    async def _find_now(self) -> T:
        value = await self._find()
        self._found = (value, self._now())
        return value


def _note_failure(task: "asyncio.Task[T]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.warning("a value could not be found out again, the one of before stays: %s", error)
