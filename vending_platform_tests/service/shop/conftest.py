"""The shop's API over HTTP, beside a MariaDB with a small shop that a test has for itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vending_platform_tests.emulators.mariadb import MariaDb, database, mariadb
from vending_platform_tests.service.shop.shops import ShopServer, fill_shop, serving_shop

__all__ = ["database", "mariadb"]


@pytest.fixture
def shop_database(mariadb: MariaDb, database: str) -> str:
    """With three customers and five products; its URL."""
    fill_shop(mariadb, database)
    return mariadb.url(database)


@pytest.fixture
def shop(mariadb: MariaDb, database: str, shop_database: str) -> Iterator[ShopServer]:
    with serving_shop(mariadb, database) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
