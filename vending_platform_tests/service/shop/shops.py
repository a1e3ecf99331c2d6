"""A small shop in a database, and the application that serves it from a thread, over real HTTP."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI

from shop_simulator import SCHEMA
from vending_platform.environment import DatabaseAddress, DatabaseApiSettings
from vending_platform.service.login import Access
from vending_platform.service.mysql import apply_migrations, database_of
from vending_platform.service.mysql.migrating import Migration, migrations_of
from vending_platform.service.shop.application import create_shop
from vending_platform.service.shop.reach import SHOP_PERMISSIONS
from vending_platform.service.web import Loopback, RequestLimits, WebSettings
from vending_platform_tests.emulators.mariadb import MariaDb

GENEROUS = RequestLimits(per_second=100_000, burst=100_000)
PRODUCTS = [
    ("P001", "お〜いお茶 緑茶 500ml", "C11", 24, 100, 1),
    ("P002", "ＵＣＣ ブラックコーヒー", "C12", 24, 5, 1),
    ("P003", "コーヒー牛乳", "C12", 24, 0, 1),
    ("P004", "天然水", "C13", 24, 7, 1),
    ("P005", "昔のサイダー", "C13", 24, 50, 0),
]
PRICES = [
    ("P001", "2023-10-01", "2754.00"),
    ("P001", "2999-01-01", "9999.00"),
    ("P002", "2023-10-01", "2856.50"),
    ("P003", "2023-10-01", "3000.00"),
    ("P004", "2023-10-01", "1999.99"),
    ("P005", "2023-10-01", "100.00"),
]
CUSTOMERS = [(number, f"c{number}@example.com", "佐藤商事", "佐藤", "office", "東京都") for number in (1, 2, 3)]


def settings_for(url: str, **others: Any) -> DatabaseApiSettings:
    address = DatabaseAddress(url, None, False, None)
    settings = DatabaseApiSettings(address, address, None, 16, 5, 100_000, 100_000)
    return replace(settings, **others)


def statements_of_schema() -> list[str]:
    return Migration("schema.sql", SCHEMA.read_text(encoding="utf-8")).statements


def make_tables(server: MariaDb, database: str) -> None:
    server.run(*statements_of_schema(), database=database)
    apply_migrations("shop", settings_for(server.url(database)), None, migrations_of("shop"))


def empty_shop(server: MariaDb, database: str) -> None:
    tables = ("customers", "products", "product_prices", "subscriptions", "orders", "order_lines", "payments")
    ours = ("api_changes", "stock_reservations", "product_categories")
    server.run(*(f"delete from {table}" for table in (*tables, *ours)), database=database)


def fill_shop(server: MariaDb, database: str) -> None:
    with server.connect(database) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into products (product_id, product_name, category_id, units_per_case, stock, is_active)"
            " values (%s, %s, %s, %s, %s, %s)",
            PRODUCTS,
        )
        cursor.executemany(
            "insert into product_prices (product_id, valid_from, case_price) values (%s, %s, %s)", PRICES
        )
        cursor.executemany(
            "insert into customers (customer_id, email, company_name, contact_name, segment, prefecture, registered_at)"
            " values (%s, %s, %s, %s, %s, %s, '2024-03-01 09:00:00')",
            CUSTOMERS,
        )
        cursor.execute("insert into product_categories (category_id, category_name) values ('C12', 'コーヒー')")


@dataclass
class ShopServer:
    """Where the API is served, and the database behind it."""

    address: str
    app: FastAPI
    server: MariaDb
    database: str
    keys: int = 0
    client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx2.Client(base_url=self.address, timeout=60)

    def new_key(self) -> dict[str, str]:
        self.keys += 1
        return {"Idempotency-Key": f"key-{self.keys}"}

    def order(self, *lines: tuple[str, int], customer_id: int = 1, **others: Any) -> httpx2.Response:
        wanted = {
            "customer_id": customer_id,
            "payment_method": "card",
            "lines": [{"product_id": product, "cases": cases} for product, cases in lines],
        }
        return self.client.post("/shop/v1/orders", json=wanted | others, headers=self.new_key())

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(f"/shop/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.server.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def stock(self, product: str) -> int:
        return int(self.rows(f"select stock from products where product_id = '{product}'")[0][0])


@contextmanager
def serving_shop(server: MariaDb, database: str, access: Access | None = None, **settings: Any) -> Iterator[ShopServer]:
    known = access or Access(WebSettings([Loopback(SHOP_PERMISSIONS)], limits=GENEROUS), None)
    chosen = settings_for(settings.pop("url", server.url(database)), **settings)
    app = create_shop(database_of("shop", chosen, None), known)
    with served(app) as address:
        shop = ShopServer(address, app, server, database)
        with shop.client:
            yield shop


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """From a thread of this process, until the end."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
