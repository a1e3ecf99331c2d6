"""Reads and transactions survive what happens to connections, and no connection is used after something went wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from vending_platform import secrets
from vending_platform.environment import DatabaseAddress, DatabaseApiSettings
from vending_platform.service.mysql import DatabaseUnavailable, DuplicateRow, MySqlDatabase, PooledSession, database_of
from vending_platform.service.mysql.errors import DatabaseFault, DatabaseRefused, fault_of
from vending_platform.service.mysql.pool import ConnectionPool, PoolLimits
from vending_platform_tests.emulators.mariadb import PASSWORD, READER, MariaDb
from vending_platform_tests.service.shop.cutting import Cut, cutting_proxy

pytestmark = pytest.mark.usefixtures("mariadb")
T = TypeVar("T")


def settings_of(server: MariaDb, name: str, **others: Any) -> DatabaseApiSettings:
    address = DatabaseAddress(server.url(name), None, False, None)
    return replace(DatabaseApiSettings(address, address, None, 4, 5, 100, 100), **others)


def using(settings: DatabaseApiSettings, work: Callable[[MySqlDatabase], Awaitable[T]], aws: Any = None) -> T:
    async def used() -> T:
        database = database_of("shop", settings, aws)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(used())


async def one(session: PooledSession) -> Any:
    row = await session.row("select 1")
    assert row is not None
    return row[0]


async def own_id(session: PooledSession) -> Any:
    row = await session.row("select connection_id()")
    assert row is not None
    return row[0]


def test_a_connection_is_kept_and_a_read_survives_its_loss(mariadb: MariaDb, database: str) -> None:
    async def work(used: MySqlDatabase) -> list[Any]:
        before = [await used.read(own_id), await used.read(own_id)]
        mariadb.run(f"kill {before[0]}")
        return [*before, await used.read(own_id)]

    first, second, third = using(settings_of(mariadb, database), work)
    assert first == second != third


def test_a_transaction_is_done_as_a_whole_or_not_at_all(mariadb: MariaDb, database: str) -> None:
    mariadb.run("create table t (a int primary key)", database=database)

    async def work(used: MySqlDatabase) -> list[Any]:
        async def fail(session: PooledSession) -> None:
            await session.run("insert into t values (1)")
            raise ValueError("no")

        async def twice(session: PooledSession) -> int:
            await session.run("insert into t values (2)")
            with pytest.raises(DuplicateRow, match="Duplicate entry '2'"):
                await session.run("insert into t values (2)")
            return await session.run("update t set a = 3")

        with pytest.raises(ValueError, match="no"):
            await used.change(fail)
        assert await used.change(twice) == 1
        return list(await used.read(lambda session: session.rows("select a from t"), is_snapshot=True))

    assert using(settings_of(mariadb, database), work) == [(3,)]


def test_of_two_that_lock_each_other_out_both_are_done(mariadb: MariaDb, database: str) -> None:
    mariadb.run("create table t (a int primary key, n int)", "insert into t values (1, 0), (2, 0)", database=database)

    async def work(used: MySqlDatabase) -> int:
        tries, both_began = [0], asyncio.Barrier(2)

        def in_order(*rows: int) -> Callable[[PooledSession], Awaitable[None]]:
            async def update(session: PooledSession) -> None:
                tries[0] += 1
                is_first_try = tries[0] <= 2
                await session.run("update t set n = n + 1 where a = %s", rows[0])
                if is_first_try:
                    await both_began.wait()
                await session.run("update t set n = n + 1 where a = %s", rows[1])

            return update

        await asyncio.gather(used.change(in_order(1, 2)), used.change(in_order(2, 1)))
        assert await used.read(lambda session: session.rows("select n from t")) == ((2,), (2,))
        return tries[0]

    assert using(settings_of(mariadb, database), work) >= 3


def test_a_lock_that_is_held_too_long_is_waited_for_some_seconds_only(mariadb: MariaDb, database: str) -> None:
    mariadb.run("create table t (a int primary key)", "insert into t values (1)", database=database)
    with mariadb.connect(database) as holding, holding.cursor() as cursor:
        holding.begin()
        cursor.execute("select a from t for update")

        async def work(used: MySqlDatabase) -> str:
            with pytest.raises(DatabaseUnavailable) as caught:
                await used.change(lambda session: session.run("update t set a = 2"))
            assert used.last_failure() == str(caught.value)
            holding.commit()
            assert await used.change(lambda session: session.run("update t set a = 2")) == 1
            assert used.last_failure() is None
            return str(caught.value)

        assert "did not answer within 0.3 seconds" in using(settings_of(mariadb, database, statement_seconds=0.3), work)


def test_what_was_stopped_in_the_middle_is_not_read_by_the_next(mariadb: MariaDb, database: str) -> None:
    async def work(used: MySqlDatabase) -> list[Any]:
        stopped = asyncio.create_task(used.read(lambda session: session.rows("select 'mine', sleep(0.2)")))
        await asyncio.sleep(0.05)
        stopped.cancel()
        with suppress(asyncio.CancelledError):
            await stopped
        return [await used.read(one) for _ in range(8)]

    assert using(settings_of(mariadb, database), work) == [1] * 8


def test_a_request_waits_for_a_connection_some_time_only(mariadb: MariaDb, database: str) -> None:
    async def tried() -> None:
        settings = settings_of(mariadb, database)
        opened = database_of("shop", settings, None)
        limits = PoolLimits(connections=1, statement_seconds=5, wait_seconds=0.05)
        pool = ConnectionPool(opened._pool._connect, limits)
        async with pool.session() as session:
            with pytest.raises(DatabaseUnavailable, match="all 1 connections to the database are in use"):
                async with pool.session():
                    raise AssertionError("there is no second one")
            waiting = asyncio.create_task(_id_of(pool))
            await asyncio.sleep(0)
            mine = await own_id(session)
        assert await waiting == mine
        assert pool.open == 1
        await pool.close()
        assert pool.open == 0

    asyncio.run(tried())


async def _id_of(pool: ConnectionPool) -> Any:
    async with pool.session() as session:
        return await own_id(session)


def test_a_connection_that_was_idle_for_long_is_not_used_again(mariadb: MariaDb, database: str) -> None:
    async def tried() -> tuple[Any, Any, Any]:
        clock = [0.0]
        connect = database_of("shop", settings_of(mariadb, database), None)._pool._connect
        pool = ConnectionPool(connect, PoolLimits(2, 5, idle_seconds=60), lambda: clock[0])
        first = await _id_of(pool)
        clock[0] = 59
        second = await _id_of(pool)
        clock[0] = 200
        third = await _id_of(pool)
        assert pool.open == 1
        await pool.close()
        return first, second, third

    first, second, third = asyncio.run(tried())
    assert first == second != third


def test_what_is_set_up_wrong_is_named(mariadb: MariaDb, database: str) -> None:
    async def read(used: MySqlDatabase) -> None:
        await used.read(lambda session: session.rows("select * from nothing"))

    with pytest.raises(DatabaseRefused, match=r"the database shop refuses the service: .*nothing' doesn't exist"):
        using(settings_of(mariadb, database), read)
    stranger = DatabaseAddress(mariadb.url(database, "stranger:x"), None, False, None)
    with pytest.raises(DatabaseRefused, match="Access denied") as caught:
        using(settings_of(mariadb, database, database=stranger), read)
    assert "stranger:x" not in str(caught.value)
    mariadb.run("set global sql_mode = 'NO_BACKSLASH_ESCAPES'")
    try:
        with pytest.raises(DatabaseRefused, match="take it out of the server's sql_mode"):
            using(settings_of(mariadb, database), read)
    finally:
        mariadb.run("set global sql_mode = ''")


def test_a_server_that_is_not_there_is_said(mariadb: MariaDb, database: str) -> None:
    nowhere = DatabaseAddress("mysql://root@127.0.0.1:1/shop", None, False, None)
    with pytest.raises(DatabaseUnavailable, match="failed 8 times"):
        using(settings_of(mariadb, database, database=nowhere), lambda used: used.read(one))


def test_values_can_not_be_cut_off_silently(mariadb: MariaDb, database: str) -> None:
    """The server of the tests is not strict by itself."""
    mariadb.run("create table t (a varchar(3))", database=database)
    with pytest.raises(Exception, match="Data too long"):
        using(
            settings_of(mariadb, database),
            lambda used: used.change(lambda session: session.run("insert into t values (%s)", "four")),
        )


def test_encrypted_the_certificate_of_the_server_is_checked(mariadb: MariaDb, database: str) -> None:
    async def cipher(session: PooledSession) -> Any:
        return (await session.rows("show session status like 'Ssl_cipher'"))[0][1]

    url = mariadb.url(database)
    safe = DatabaseAddress(url, None, True, str(mariadb.authority))
    assert using(settings_of(mariadb, database, database=safe), lambda used: used.read(cipher))
    foreign = DatabaseAddress(url, None, True, None)
    with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
        using(settings_of(mariadb, database, database=foreign), lambda used: used.read(cipher))


def test_after_a_rotation_the_secret_is_read_again(
    mariadb: MariaDb, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ['{"username": "extractor", "password": "old"}', f'{{"username": "{READER}", "password": "{PASSWORD}"}}']
    monkeypatch.setattr(secrets, "fetch", lambda target, name: SecretStr(texts.pop(0) if len(texts) > 1 else texts[0]))
    address = DatabaseAddress(mariadb.url(database), "shop-api", False, None)
    settings = settings_of(mariadb, database, database=address)
    aws: Any = object()
    assert using(settings, lambda used: used.read(one), aws) == 1
    texts[:] = ['{"username": "extractor", "password": "wrong"}']
    with pytest.raises(DatabaseRefused, match="Access denied"):
        using(settings, lambda used: used.read(one), aws)


def test_a_commit_that_is_cut_is_made_again(mariadb: MariaDb, database: str) -> None:
    mariadb.run("create table t (a int auto_increment primary key)", database=database)
    with cutting_proxy(mariadb.port) as proxy:
        proxy.planned = [Cut.BEFORE]
        address = DatabaseAddress(f"mysql://root@127.0.0.1:{proxy.port}/{database}", None, False, None)

        async def insert(session: PooledSession) -> int:
            await session.run("insert into t values ()")
            return session.last_id

        assert using(settings_of(mariadb, database, database=address), lambda used: used.change(insert)) == 2


def test_what_no_one_knows_is_no_reason_to_try_again() -> None:
    from asyncmy.errors import InternalError, OperationalError, ProgrammingError

    assert fault_of(OperationalError(1213, "Deadlock")) is DatabaseFault.COLLISION
    assert fault_of(InternalError("Packet sequence number wrong")) is DatabaseFault.LOST
    assert fault_of(ProgrammingError(1064, "syntax")) is DatabaseFault.OTHER
    assert fault_of(ValueError()) is DatabaseFault.OTHER
    assert fault_of(ConnectionResetError()) is DatabaseFault.LOST
