"""Reads and transactions on one database, tried again where that is safe and helps."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeVar

from vending_platform.environment import AwsTarget, DatabaseAddress, DatabaseApiSettings
from vending_platform.extraction.mysql.connection import Target, target_of
from vending_platform.service.mysql.errors import DatabaseFault, DatabaseRefused, DatabaseUnavailable, fault_of
from vending_platform.service.mysql.pool import ConnectionPool, PoolLimits
from vending_platform.service.mysql.sessions import PooledSession, open_session
from vending_platform.service.web import LastKnown

T = TypeVar("T")
Work = Callable[[PooledSession], Awaitable[T]]
_log = logging.getLogger(__name__)
_ATTEMPTS, _ALTOGETHER_SECONDS = 8, 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5
_FAILURE_SECONDS = 10.0
_SIGN_IN_FRESH, _SIGN_IN_USABLE = 300.0, 3600.0


class MySqlDatabase:
    """Making one opens nothing. `name` is what messages call it."""

    def __init__(self, name: str, pool: ConnectionPool, statement_seconds: float) -> None:
        self._name, self._pool, self._seconds = name, pool, statement_seconds
        self._failed: tuple[str, float] | None = None

    def last_failure(self) -> str | None:
        """Why the database could not be used a moment ago, if it was not used since. Soon it is forgotten: a
        balancer that sends no requests because of it would never learn that it is there again."""
        if self._failed is None or time.monotonic() - self._failed[1] > _FAILURE_SECONDS:
            return None
        return self._failed[0]

    async def read(self, work: Work[T], *, is_snapshot: bool = False) -> T:
        """What `work` reads: each statement by itself, or all of them as of one moment."""
        return await self._again(work, is_transaction=is_snapshot)

    async def change(self, work: Work[T]) -> T:
        """What `work` gives, in one transaction, committed when this returns. `work` may be done several times, also
        after a commit whose answer was lost: it has to find out by itself that it was done before."""
        return await self._again(work, is_transaction=True)

    async def close(self) -> None:
        await self._pool.close()

    async def _again(self, work: Work[T], *, is_transaction: bool) -> T:
        ends = time.monotonic() + _ALTOGETHER_SECONDS
        for attempt in count(1):
            try:
                async with asyncio.timeout(self._seconds), self._pool.session() as session:
                    result = await (_in_transaction(session, work) if is_transaction else work(session))
                self._failed = None
                return result
            except TimeoutError as error:
                why = f"the database {self._name} did not answer within {self._seconds:g} seconds"
                raise DatabaseUnavailable(self._noted(why)) from error
            except Exception as error:
                await self._pause_or_raise(error, attempt, is_last=time.monotonic() > ends)
        raise AssertionError("the last attempt returns or raises")

    async def _pause_or_raise(self, error: Exception, attempt: int, *, is_last: bool) -> None:
        fault = fault_of(error)
        if fault is DatabaseFault.REFUSED:
            why = f"the database {self._name} refuses the service: {error.args[-1]}"
            raise DatabaseRefused(self._noted(why)) from error
        if fault not in (DatabaseFault.LOST, DatabaseFault.COLLISION):
            raise error
        if is_last or attempt == _ATTEMPTS:
            why = f"the database {self._name} failed {attempt} times, the last time by: {error.args[-1]}"
            raise DatabaseUnavailable(self._noted(why)) from error
        _log.info("attempt %s on %s failed (%s), and is made again", attempt, self._name, fault)
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
        await asyncio.sleep(random.uniform(longest / 4, longest))

    def _noted(self, why: str) -> str:
        self._failed = (why, time.monotonic())
        return why


async def _in_transaction(session: PooledSession, work: Work[T]) -> T:
    async with _transaction(session):
        return await work(session)


@asynccontextmanager
async def _transaction(session: PooledSession) -> AsyncIterator[None]:
    await session.begin()
    try:
        yield
    except Exception as error:
        # After a lost connection or a protocol out of step there is nothing to roll back on; the pool drops it.
        if fault_of(error) is not DatabaseFault.LOST and session.is_open:
            await session.roll_back()
        raise
    await session.commit()


def database_of(name: str, settings: DatabaseApiSettings, aws: AwsTarget | None) -> MySqlDatabase:
    """The database of an API, as its environment declares it."""
    limits = PoolLimits(settings.pool, settings.statement_seconds)
    sign_in = _SignIn(name, settings.database, aws)

    async def connect() -> PooledSession:
        return await sign_in.session(settings.statement_seconds)

    return MySqlDatabase(name, ConnectionPool(connect, limits), settings.statement_seconds)


class _SignIn:
    """Where the database is, and as whom; the secret is read again when it was refused, as after a rotation."""

    def __init__(self, name: str, address: DatabaseAddress, aws: AwsTarget | None) -> None:
        self._address = address

        async def find() -> Target:
            return await asyncio.to_thread(target_of, name, address, aws)

        self._target = LastKnown(find, fresh_seconds=_SIGN_IN_FRESH, usable_seconds=_SIGN_IN_USABLE)
        self._find = find

    async def session(self, lock_seconds: float) -> PooledSession:
        target = await self._target.get()
        try:
            return await open_session(target, self._address, lock_seconds)
        except Exception as error:
            if fault_of(error) is not DatabaseFault.REFUSED or self._address.secret is None:
                raise
            self._target.expire()
            now = await self._find()
            if now == target:
                raise
            return await open_session(now, self._address, lock_seconds)
