"""Orders of subscriptions: placed when they are due, once each, whatever is killed, cut or started twice."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from vending_platform.cli import app as command
from vending_platform.environment import PROJECT_DIR
from vending_platform.service.mysql import database_of
from vending_platform.service.shop import aws_lambda
from vending_platform.service.shop.due import DueDone, place_due_orders
from vending_platform.service.shop.orders import JAPAN
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.service.shop.cutting import Cut, cutting_proxy
from vending_platform_tests.service.shop.shops import settings_for

TODAY = datetime.now(JAPAN).date()
ALL: tuple[tuple[str, int, int], ...] = tuple(("P001", 1, 1) for _ in range(20))


@dataclass
class Subscriptions:
    """The subscriptions of a small shop, and what is ordered by them."""

    server: MariaDb
    database: str

    def begin(self, *wanted: tuple[str, int, int], days_ago: int = 0, status: str = "active") -> list[int]:
        """Of a product so many cases every so many days, all of customer 1."""
        with self.server.connect(self.database) as connection, connection.cursor() as cursor:
            ids = []
            for product, cases, every in wanted:
                cursor.execute(
                    "insert into subscriptions (customer_id, product_id, quantity, every_days, status, started_on)"
                    " values (1, %s, %s, %s, %s, %s)",
                    (product, cases, every, status, TODAY - timedelta(days=days_ago)),
                )
                ids.append(int(cursor.lastrowid))
            connection.commit()
            return ids

    def place(self, *, days: int = 0, workers: int = 1, port: int | None = None) -> list[DueDone]:
        """What so many workers do at once, so many days from now."""
        url = self.server.url(self.database) if port is None else f"mysql://root@127.0.0.1:{port}/{self.database}"

        async def one() -> DueDone:
            database = database_of("shop", settings_for(url), None)
            try:
                return await place_due_orders(database, TODAY + timedelta(days=days))
            finally:
                await database.close()

        async def all_of_them() -> list[DueDone]:
            return await asyncio.gather(*(one() for _ in range(workers)))

        return asyncio.run(all_of_them())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.server.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def run(self, *statements: str) -> None:
        self.server.run(*statements, database=self.database)

    def ordered(self) -> list[int]:
        return [row[0] for row in self.rows("select subscription_id from orders order by subscription_id")]

    def check_books(self) -> None:
        """Every order is whole, and the stock is short of exactly what was ordered."""
        orders = self.rows("select order_id, total, status from orders")
        for table, amount in (("order_lines", "case_price * quantity"), ("payments", "amount")):
            sums = dict(self.rows(f"select order_id, sum({amount}) from {table} group by order_id"))
            assert sums == {order_id: total for order_id, total, _ in orders}
        ((left,),) = self.rows("select stock from products where product_id = 'P001'")
        ((held,),) = self.rows("select coalesce(sum(quantity), 0) from stock_reservations where product_id = 'P001'")
        assert left + held == 100
        tokens = self.rows("select count(*), count(subject_id) from api_changes where action = 'place-due-order'")
        assert tokens == [(len(orders), len(orders))]


@pytest.fixture
def subscriptions(mariadb: MariaDb, filled: str) -> Subscriptions:
    return Subscriptions(mariadb, filled)


def test_what_is_due_is_ordered_once(subscriptions: Subscriptions) -> None:
    today, weekly, _, tomorrow = (
        *subscriptions.begin(("P001", 2, 7)),
        *subscriptions.begin(("P004", 1, 7), days_ago=14),
        *subscriptions.begin(("P001", 1, 30), days_ago=15),  # more than a week after its day
        *subscriptions.begin(("P001", 1, 7), days_ago=-1),
    )
    (done,) = subscriptions.place()
    assert (len(done.placed), done.by_others, done.problems) == (2, 0, [])
    assert subscriptions.ordered() == [today, weekly]
    assert subscriptions.rows("select total, method from orders join payments using (order_id) order by order_id") == [
        (Decimal("5508.00"), "invoice"),
        (Decimal("1999.99"), "invoice"),
    ]
    assert subscriptions.place()[0].placed == []
    assert len(subscriptions.place(days=1)[0].placed) == 1
    assert subscriptions.ordered() == [today, weekly, tomorrow]
    subscriptions.check_books()


def test_a_day_that_was_missed_is_made_up_for_once(subscriptions: Subscriptions) -> None:
    (late,) = subscriptions.begin(("P001", 1, 10), days_ago=13)
    assert len(subscriptions.place()[0].placed) == 1
    assert subscriptions.place(days=4)[0].placed == []
    assert len(subscriptions.place(days=7)[0].placed) == 1
    assert subscriptions.ordered() == [late, late]


@pytest.mark.parametrize("status", ["paused", "ended"])
def test_what_is_paused_or_ended_orders_nothing(subscriptions: Subscriptions, status: str) -> None:
    subscriptions.begin(("P001", 1, 7), status=status)
    assert subscriptions.place() == [DueDone()]


def test_a_day_during_a_pause_is_not_made_up_for(subscriptions: Subscriptions) -> None:
    (resumed,) = subscriptions.begin(("P001", 1, 7), days_ago=3)
    subscriptions.run(
        "insert into api_changes (token, digest, caller, request_id, action, subject_id, details)"
        f" values (repeat('t', 32), repeat('d', 32), 'c', 'r', 'change-subscription', {resumed},"
        ' \'{"from":"paused","status":"active"}\')'
    )
    assert subscriptions.place()[0].placed == []
    assert len(subscriptions.place(days=4)[0].placed) == 1


def test_who_has_ordered_it_by_hand_since_gets_no_second_one(subscriptions: Subscriptions) -> None:
    (own,) = subscriptions.begin(("P001", 1, 7), days_ago=1)
    subscriptions.run(
        "insert into orders (customer_id, subscription_id, total, ordered_at)"
        f" values (1, {own}, 100, '{TODAY} 00:00:01')"
    )
    assert subscriptions.place() == [DueDone()]


def test_what_is_not_in_stock_is_named_and_tried_again(subscriptions: Subscriptions) -> None:
    missing, there = (*subscriptions.begin(("P003", 1, 7)), *subscriptions.begin(("P001", 1, 7)))
    (done,) = subscriptions.place()
    assert done.problems == [f"subscription {missing}, due {TODAY}: of P003 there are 0 cases"]
    assert subscriptions.ordered() == [there]
    subscriptions.run("update products set stock = 5 where product_id = 'P003'")
    assert len(subscriptions.place(days=1)[0].placed) == 1
    assert subscriptions.ordered() == [missing, there]


def test_it_is_paid_as_the_last_time(subscriptions: Subscriptions) -> None:
    subscriptions.run(
        "insert into orders (order_id, customer_id, total, ordered_at) values (1, 1, 100, '2024-03-01 10:00:00')",
        "insert into payments (order_id, method, status, amount, created_at)"
        " values (1, 'konbini', 'captured', 100, '2024-03-01 10:00:00')",
    )
    subscriptions.begin(("P001", 1, 7))
    (done,) = subscriptions.place()
    assert subscriptions.rows(f"select method from payments where order_id = {done.placed[0]}") == [("konbini",)]


def test_of_workers_at_once_one_places_each_order(subscriptions: Subscriptions) -> None:
    ids = subscriptions.begin(*ALL)
    done = subscriptions.place(workers=3)
    assert sum(len(one.placed) for one in done) == len(ids)
    assert [one.problems for one in done] == [[], [], []]
    assert subscriptions.ordered() == ids
    subscriptions.check_books()


@pytest.mark.parametrize("cut", Cut)
def test_a_commit_that_is_cut_is_done_once(subscriptions: Subscriptions, mariadb: MariaDb, cut: Cut) -> None:
    ids = subscriptions.begin(*ALL[:3])
    with cutting_proxy(mariadb.port) as proxy:
        proxy.planned = [cut, cut]
        (done,) = subscriptions.place(port=proxy.port)
        assert proxy.planned == []
    assert (len(done.placed), done.problems) == (3, [])
    assert subscriptions.ordered() == ids
    subscriptions.check_books()


_DYING = """
import asyncio, os, sys
from vending_platform.service.mysql import database_of
from vending_platform.service.shop import aws_lambda
from vending_platform.service.shop import due
from vending_platform_tests.service.shop.shops import settings_for

place, left = due.place_order, int(sys.argv[2])

async def dying(session, wanted):
    global left
    effect = await place(session, wanted)
    left -= 1
    if left == 0:
        os._exit(9)
    return effect

due.place_order = dying
asyncio.run(due.place_due_orders(database_of("shop", settings_for(sys.argv[1]), None)))
"""


@pytest.fixture
def dying(subscriptions: Subscriptions) -> Callable[[int], int]:
    """A worker of its own that is killed within the transaction of its nth order."""

    def run(number: int) -> int:
        words = [sys.executable, "-c", _DYING, subscriptions.server.url(subscriptions.database), str(number)]
        return subprocess.run(words, cwd=PROJECT_DIR, env=dict(os.environ), check=False, timeout=300).returncode

    return run


def test_a_killed_worker_leaves_nothing_half_done(subscriptions: Subscriptions, dying: Callable[[int], int]) -> None:
    ids = subscriptions.begin(*ALL[:4])
    assert dying(3) == 9
    assert subscriptions.ordered() == ids[:2]
    subscriptions.check_books()
    assert len(subscriptions.place()[0].placed) == 2
    assert subscriptions.ordered() == ids
    subscriptions.check_books()


@pytest.mark.proof
def test_kills_cuts_and_workers_at_random(
    subscriptions: Subscriptions, mariadb: MariaDb, dying: Callable[[int], int]
) -> None:
    random = Random(20240301)
    ids = subscriptions.begin(*ALL, *ALL)
    with cutting_proxy(mariadb.port) as proxy:
        proxy.rate = 0.3
        for _ in range(6):
            assert dying(random.randint(1, 6)) in (0, 9)
            subscriptions.check_books()
        done = subscriptions.place(workers=4, port=proxy.port)
    done += subscriptions.place()
    assert [one.problems for one in done] == [[]] * 5
    assert subscriptions.ordered() == ids
    subscriptions.check_books()


def test_a_schedule_in_lambda(subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_SHOP_API_DATABASE", subscriptions.server.url(subscriptions.database))
    subscriptions.begin(("P003", 1, 7), ("P001", 1, 7))
    assert aws_lambda.handler(aws_lambda.DUE, None) == {"placed": 1, "problems": 1}
    assert aws_lambda.handler(aws_lambda.DUE, None) == {"placed": 0, "problems": 1}


def test_the_command(subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDING_SHOP_API_DATABASE", subscriptions.server.url(subscriptions.database))
    (missing, _) = (*subscriptions.begin(("P003", 1, 7)), *subscriptions.begin(("P001", 1, 7)))
    result = CliRunner().invoke(command, ["due", "shop"])
    assert result.exit_code == 3
    assert "1 order of subscriptions placed." in result.output
    assert f"subscription {missing}, due {TODAY}" in result.output
    subscriptions.run(f"update subscriptions set status = 'paused' where subscription_id = {missing}")
    again = CliRunner().invoke(command, ["due", "shop"])
    assert (again.exit_code, again.output.strip()) == (0, "0 orders of subscriptions placed.")
    assert CliRunner().invoke(command, ["due", "other"]).exit_code == 2
