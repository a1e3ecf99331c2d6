"""Look-ups in the shop's API, served by two processes beside a MariaDB on this machine, by 16 clients that never pause.

Each client has one connection and sends its next look-up when it has the answer to the one before; products and orders
in turn. Clients, service and database share the machine's cores.
"""

import asyncio
import statistics
from pathlib import Path

import httpx2

from benchmarks.requests_load import without_pause
from benchmarks.table import Row
from vending_platform.service.mysql import apply_migrations, migrations_of
from vending_platform_tests.emulators.lake import shop_server
from vending_platform_tests.service.shop.shops import settings_for
from vending_platform_tests.service.shop.storm import shop_processes

_PROCESSES, _CLIENTS, _WARM, _SECONDS = 2, 16, 2.0, 15.0
_PER_SECOND, _P99 = 1_000, 50


def shopping(folder: Path) -> list[Row]:
    """How many a second, and how long the slowest one in a hundred takes."""
    with shop_server(folder) as server:
        apply_migrations("shop", settings_for(server.url("shop")), None, migrations_of("shop"))
        with shop_processes(server.url("shop"), folder, _PROCESSES) as processes:
            paths = _paths(processes.ports[0])
            asyncio.run(without_pause(processes.ports, _CLIENTS, paths, _WARM))
            milliseconds = asyncio.run(without_pause(processes.ports, _CLIENTS, paths, _SECONDS))
    rate = len(milliseconds) / _SECONDS
    hundredth = statistics.quantiles(milliseconds, n=100)[98]
    half = statistics.median(milliseconds)
    return [
        Row(
            "look-ups in the shop, 16 clients",
            f"{rate:,.0f} a second",
            f"at least {_PER_SECOND:,}",
            rate >= _PER_SECOND,
        ),
        Row("the slowest of a hundred", f"{hundredth:.0f} ms (half: {half:.0f} ms)", f"{_P99} ms", hundredth < _P99),
    ]


def _paths(port: int) -> list[str]:
    address = f"http://127.0.0.1:{port}/shop/v1"
    products = httpx2.get(f"{address}/products?limit=100").json()["products"]
    orders = httpx2.get(f"{address}/orders?limit=100").json()["orders"]
    found = [f"/shop/v1/products/{one['product_id']}" for one in products]
    found += [f"/shop/v1/orders/{one['order_id']}" for one in orders]
    return found
