"""One connection to MySQL or MariaDB: signed in, checked, and used by one request at a time."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

from vending_platform.environment import DatabaseAddress
from vending_platform.extraction.mysql.connection import Target
from vending_platform.service.mysql.errors import DatabaseFault, DatabaseRefused, DuplicateRow, fault_of

Row = tuple[Any, ...]
_CONNECT_SECONDS = 5
_GOODBYE_SECONDS = 2


class PooledSession:
    """`is_clean` while nothing is left unfinished: a connection that is not is used by no one else."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.is_clean = True
        self.last_id = 0
        """The number that the server gave to the row which was inserted last."""

    @property
    def is_open(self) -> bool:
        return bool(self._connection.connected) and not self._connection._stream_broken

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        cursor = await self._execute(sql, values)
        found: Sequence[Row] = await cursor.fetchall()
        return found

    async def row(self, sql: str, *values: object) -> Row | None:
        found = await self.rows(sql, *values)
        return found[0] if found else None

    async def run(self, sql: str, *values: object) -> int:
        """How many rows it changed. `DuplicateRow` if one of its keys is there already."""
        try:
            cursor = await self._execute(sql, values)
        except Exception as error:
            if fault_of(error) is DatabaseFault.DUPLICATE:
                self.is_clean = True  # the statement did nothing, and the transaction goes on
                raise DuplicateRow(str(error.args[-1])) from error
            raise
        self.last_id = cursor.lastrowid
        return int(cursor.rowcount)

    async def begin(self) -> None:
        self.is_clean = False
        await self._connection.begin()

    async def commit(self) -> None:
        await self._connection.commit()
        self.is_clean = True

    async def roll_back(self) -> None:
        self.is_clean = False
        await self._connection.rollback()
        self.is_clean = True

    def drop(self) -> None:
        """Without a farewell: whatever was begun, the server rolls back."""
        self._connection.close()

    async def close(self) -> None:
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._connection.ensure_closed()
        except (TimeoutError, OSError):
            self.drop()

    async def _execute(self, sql: str, values: Sequence[object]) -> Any:
        was_clean, self.is_clean = self.is_clean, False
        cursor = self._connection.cursor()
        await cursor.execute(sql, values or None)
        self.is_clean = was_clean
        return cursor


async def open_session(target: Target, address: DatabaseAddress, lock_seconds: float) -> PooledSession:
    """Signed in, and ready for work. Nothing is set that the server has already, because RDS Proxy keeps a connection
    for a client alone whose session was changed."""
    from asyncmy import connect

    encryption = ssl.create_default_context(cafile=address.authority) if address.is_verified else None
    session = PooledSession(
        await connect(
            host=target.host,
            port=target.port,
            user=target.user,
            password=target.password,
            database=target.database,
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
            ssl=encryption,
        )
    )
    try:
        await _prepare(session, target, lock_seconds)
    except BaseException:
        session.drop()
        raise
    return session


async def _prepare(session: PooledSession, target: Target, lock_seconds: float) -> None:
    found = await session.row("select @@innodb_lock_wait_timeout, @@sql_mode")
    assert found is not None, "a select without a table has one row"
    waits, modes = found
    if "NO_BACKSLASH_ESCAPES" in modes:
        raise DatabaseRefused(
            f"{target} runs with the SQL mode NO_BACKSLASH_ESCAPES, in which values can't be escaped safely: take it"
            " out of the server's sql_mode"
        )
    if "STRICT_TRANS_TABLES" not in modes:
        await session.run("set session sql_mode = concat(@@sql_mode, ',STRICT_TRANS_TABLES')")
    seconds = max(1, round(lock_seconds))
    if waits > seconds:
        await session.run(f"set session innodb_lock_wait_timeout = {seconds}")
