"""Connections that are kept open, never more than a process may have; who waits for one waits for some time only."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vending_platform.service.mysql.errors import DatabaseUnavailable
from vending_platform.service.mysql.sessions import PooledSession


@dataclass(frozen=True)
class PoolLimits:
    connections: int
    statement_seconds: float
    """How long a piece of work may take, and a statement wait for a lock."""
    wait_seconds: float = 2.0
    """How long a request waits for a connection."""
    idle_seconds: float = 300.0
    """A connection that was not used for so long is not used again: something on the way may have dropped it."""


class ConnectionPool:
    """Nothing is opened before it is needed. A connection on which anything was left unfinished is closed and never
    given to another request, which would read the answers of the one before."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[PooledSession]],
        limits: PoolLimits,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect, self._limits, self._now = connect, limits, now
        self._free: list[tuple[PooledSession, float]] = []
        self._places = asyncio.Semaphore(limits.connections)
        self.open = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[PooledSession]:
        """One connection, for one request at a time."""
        await self._take_place()
        try:
            session = self._reusable() or await self._new()
            try:
                yield session
            finally:
                if session.is_clean:
                    self._free.append((session, self._now()))
                else:
                    self._drop(session)
        finally:
            self._places.release()

    async def _take_place(self) -> None:
        if not self._places.locked():  # the usual case needs no timer
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise DatabaseUnavailable(
                f"all {self._limits.connections} connections to the database are in use"
            ) from None

    def _reusable(self) -> PooledSession | None:
        """The one that was used last: so what is not needed grows old, and is closed."""
        while self._free:
            session, since = self._free.pop()
            if session.is_open and self._now() - since < self._limits.idle_seconds:
                return session
            self._drop(session)
        return None

    async def _new(self) -> PooledSession:
        self.open += 1
        try:
            return await self._connect()
        except BaseException:
            self.open -= 1
            raise

    def _drop(self, session: PooledSession) -> None:
        session.drop()
        self.open -= 1

    async def close(self) -> None:
        """Says goodbye to the server on all connections that no request uses."""
        while self._free:
            session, _ = self._free.pop()
            await session.close()
            self.open -= 1
        await asyncio.sleep(0)  # a connection that was dropped gives its socket back in the loop's next round
