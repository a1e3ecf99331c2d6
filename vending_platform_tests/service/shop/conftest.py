"""The shop's API over HTTP, beside a MariaDB with a small shop, which every test finds as it was filled."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from vending_platform_tests.emulators.mariadb import MariaDb, database, mariadb
from vending_platform_tests.service.shop.shops import ShopServer, empty_shop, fill_shop, make_tables, serving_shop

__all__ = ["database", "mariadb"]


@pytest.fixture(scope="session")
def shop_database(mariadb: MariaDb) -> Iterator[str]:
    """The name of the database that the tests of a process share."""
    name = f"shop{uuid4().hex[:12]}"
    mariadb.run(f"create database {name} character set utf8mb4")
    make_tables(mariadb, name)
    yield name
    mariadb.run(f"drop database {name}")


@pytest.fixture(scope="session")
def running_shop(mariadb: MariaDb, shop_database: str) -> Iterator[ShopServer]:
    with serving_shop(mariadb, shop_database) as server:
        yield server


@pytest.fixture
def filled(mariadb: MariaDb, shop_database: str) -> str:
    """The database, with three customers and five products."""
    empty_shop(mariadb, shop_database)
    fill_shop(mariadb, shop_database)
    return shop_database


@pytest.fixture
def shop(running_shop: ShopServer, filled: str) -> ShopServer:
    return running_shop
