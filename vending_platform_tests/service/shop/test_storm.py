"""No order is lost or doubled, whatever is killed, collides or is cut: stock, orders and payments agree to the unit."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from vending_platform.environment import PROJECT_DIR
from vending_platform.service.mysql import apply_migrations, migrations_of
from vending_platform_tests.emulators.lake import shop_server
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.service.shop.books import check_books
from vending_platform_tests.service.shop.cutting import Cut, CuttingProxy, cutting_proxy
from vending_platform_tests.service.shop.shops import ShopServer, serving_shop, settings_for
from vending_platform_tests.service.shop.storm import Answers, colliding, order_all, shop_processes

pytestmark = pytest.mark.usefixtures("mariadb")
STOCK = {"P001": 260, "P002": 260, "P003": 260, "P004": 60, "P005": 0}
ORDERS = 10_000
TABLES = ("customers", "order_lines", "orders", "payments", "product_prices", "products", "subscriptions")
EXTRACT = ("extract", *(f"shop_{table}" for table in TABLES))
"""The shop alone: other systems need what is not there."""
ON_SALE = ["P001", "P002", "P003", "P004"]


def stock_up(server: MariaDb, database: str) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        for product, count in STOCK.items():
            cursor.execute("update products set stock = %s where product_id = %s", (count, product))


@pytest.fixture
def cut_shop(mariadb: MariaDb, filled: str) -> Iterator[tuple[ShopServer, CuttingProxy]]:
    with (
        cutting_proxy(mariadb.port) as proxy,
        serving_shop(mariadb, filled, url=f"mysql://root@127.0.0.1:{proxy.port}/{filled}") as shop,
    ):
        yield shop, proxy


@pytest.mark.parametrize("ways", [[Cut.BEFORE], [Cut.AFTER], [Cut.WITH], [Cut.BEFORE, Cut.WITH, Cut.AFTER, Cut.WITH]])
def test_what_is_cut_at_its_commit_is_done_once(cut_shop: tuple[ShopServer, CuttingProxy], ways: list[Cut]) -> None:
    shop, proxy = cut_shop
    proxy.planned = list(ways)
    answer = shop.order(("P001", 2))
    assert (answer.status_code, answer.json()["is_repeated"]) == (201, False), answer.text
    order_id = answer.json()["order"]["order_id"]
    assert (proxy.planned, proxy.cuts.total()) == ([], len(ways))
    assert shop.rows("select order_id from orders") == [(order_id,)]
    assert shop.stock("P001") == 98
    proxy.planned = list(ways)
    assert shop.client.post(f"/shop/v1/orders/{order_id}/cancel").json()["status"] == "cancelled"
    assert shop.stock("P001") == 100
    assert shop.rows("select count(*) from api_changes") == [(2,)]


def test_where_every_commit_is_cut_it_is_said_and_the_same_key_works_later(
    cut_shop: tuple[ShopServer, CuttingProxy],
) -> None:
    shop, proxy = cut_shop
    proxy.rate = 1.0
    wanted = {"customer_id": 1, "payment_method": "card", "lines": [{"product_id": "P001", "cases": 1}]}
    proxy.planned = [Cut.BEFORE] * 8
    answer = shop.client.post("/shop/v1/orders", json=wanted, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:unavailable")
    assert "failed 8 times" in answer.json()["detail"]
    assert shop.client.get("/readyz").status_code == 503
    proxy.rate = 0
    assert shop.client.post("/shop/v1/orders", json=wanted, headers={"Idempotency-Key": "k"}).status_code == 201
    assert shop.client.get("/readyz").status_code == 200
    assert shop.rows("select count(*) from orders") == [(1,)]


def wait_for_orders(server: MariaDb, database: str, count: int) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        while True:
            cursor.execute("select count(*) >= %s from orders", (count,))
            if cursor.fetchall() == ((1,),):
                return
            time.sleep(0.02)


def test_a_small_storm(mariadb: MariaDb, filled: str, tmp_path: Path) -> None:
    stock_up(mariadb, filled)
    with cutting_proxy(mariadb.port, rate=0.1, seed=3) as proxy:
        url = f"mysql://root@127.0.0.1:{proxy.port}/{filled}"
        with shop_processes(url, tmp_path, 2) as processes, colliding(mariadb, filled, ON_SALE) as collisions:
            first, second = processes.ports
            with ThreadPoolExecutor(1) as thread:
                ordering = thread.submit(asyncio.run, order_all([first, second], 16, 160, ON_SALE, 3))
                wait_for_orders(mariadb, filled, 30)
                processes.kill(first)
                processes.start(first)
                answers = ordering.result()
        assert all(proxy.cuts[way] for way in Cut), proxy.cuts
    assert collisions.total() > 0
    assert (len(answers.placed) + len(answers.refused), processes.kills) == (160, 1)
    check_books(mariadb, filled, STOCK, answers)


@pytest.mark.proof
def test_ten_thousand_orders_and_what_the_next_extraction_brings_to_the_mart(tmp_path: Path) -> None:
    """By 64 clients and two servers that are killed one after the other, until the sales of the mart."""
    with shop_server(tmp_path) as server:
        apply_migrations("shop", settings_for(server.url("shop")), None, migrations_of("shop"))
        server.run(f"update products set stock = {ORDERS * 6 // 100}", database="shop")
        with server.connect("shop") as connection, connection.cursor() as cursor:
            cursor.execute("select product_id, stock from products")
            stock = dict(cursor.fetchall())
            cursor.execute("select max(order_id) from orders")
            ((before,),) = cursor.fetchall()
        answers = _great_storm(server, tmp_path, sorted(stock))
        check_books(server, "shop", stock, answers, after=before)
        assert len(answers.placed) + len(answers.refused) == ORDERS
        assert answers.refused
        assert_mart_is_as_the_shop(server, tmp_path / "data")


def _great_storm(server: MariaDb, folder: Path, products: list[str]) -> Answers:
    with (
        cutting_proxy(server.port, rate=0.02, seed=5) as proxy,
        shop_processes(f"mysql://root@127.0.0.1:{proxy.port}/shop", folder, 2) as processes,
        colliding(server, "shop", products[:5]) as collisions,
        ThreadPoolExecutor(1) as thread,
    ):
        ordering = thread.submit(asyncio.run, order_all(processes.ports, 64, ORDERS, products, 5))
        while not ordering.done():
            port = processes.ports[processes.kills % 2]
            processes.kill(port)
            processes.start(port)
            processes.wait(port)
        answers = ordering.result()
        assert all(proxy.cuts[way] >= ORDERS // 500 for way in Cut), proxy.cuts
        assert collisions["gave way"] > 0
        assert processes.kills >= 3
        print(f"{processes.kills} kills, {proxy.cuts}, {collisions}, sent again: {answers.seen}")  # noqa: T201
    return answers


def assert_mart_is_as_the_shop(server: MariaDb, data: Path) -> None:
    others = shutil.ignore_patterns("shop", "sales_*", "replenishment_*")  # which the shop's marts do not read
    shutil.copytree(PROJECT_DIR / "data" / "sources", data / "sources", ignore=others)
    variables = os.environ | {"VENDING_DATA_DIR": str(data), "VENDING_SHOP_DATABASE": server.url("shop")}
    for command in (EXTRACT, ("run",)):
        program = [str(Path(sys.executable).with_name("vending")), *command]
        done = subprocess.run(program, cwd=PROJECT_DIR, env=variables, capture_output=True, text=True)
        assert done.returncode in (0, 3), done.stdout + done.stderr
    with duckdb.connect(str(data / "dbt_dev.duckdb"), read_only=True) as warehouse:
        in_mart = warehouse.sql(
            "select business_date, product_id, cases, sales_with_tax from marts.mart_shop_sales order by all"
        ).fetchall()
    with server.connect("shop") as connection, connection.cursor() as cursor:
        cursor.execute(
            "select cast(orders.ordered_at as date), product_id, sum(quantity), sum(quantity * case_price)"
            " from orders inner join order_lines on orders.order_id = order_lines.order_id"
            " where status <> 'cancelled' group by 1, 2 order by 1, 2"
        )
        assert in_mart == [(day, product, int(cases), yen) for day, product, cases, yen in cursor.fetchall()]
