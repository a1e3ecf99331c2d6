"""Many customers order at once while servers are killed, transactions collide and connections are lost at commit; and
the books afterwards.

A client behaves as the API's page says: after no answer, a 429 or a 5xx it sends the same request again with the same
key, until there is an answer.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pymysql

from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.emulators.mariadb import MariaDb
from vending_platform_tests.service.test_serving import free_port

_STARTING = 120
_AGAIN = 0.05


@dataclass(frozen=True)
class Placed:
    order_id: int
    total: str
    cases: tuple[tuple[str, int], ...]
    is_cancelled: bool


@dataclass
class Answers:
    placed: dict[str, Placed] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)
    """How often a client had to send again, by why."""


@dataclass
class ShopProcesses:
    """Servers of the API as processes of their own, which can be killed and come back at the same address."""

    url: str
    folder: Path
    ports: Sequence[int]
    running: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    kills: int = 0

    def start(self, port: int) -> None:
        environment = os.environ | {
            "VENDING_SHOP_API_DATABASE": self.url,
            "VENDING_DATA_DIR": str(self.folder),
        }
        with (self.folder / f"{port}.log").open("ab") as log:
            self.running[port] = subprocess.Popen(
                [sys.executable, "-m", "vending_platform.service", "shop", "--port", str(port)],
                cwd=PROJECT_DIR,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def wait(self, port: int) -> None:
        ends = time.monotonic() + _STARTING
        while time.monotonic() < ends:
            try:
                if httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                    return
            except httpx2.TransportError:
                assert self.running[port].poll() is None, (self.folder / f"{port}.log").read_text()
                time.sleep(0.1)
        raise AssertionError("the shop did not start")

    def kill(self, port: int) -> None:
        self.kills += 1
        self.running[port].kill()
        self.running[port].wait()


@contextmanager
def shop_processes(url: str, folder: Path, number: int) -> Iterator[ShopProcesses]:
    processes = ShopProcesses(url, folder, [free_port() for _ in range(number)])
    try:
        for port in processes.ports:
            processes.start(port)
        for port in processes.ports:
            processes.wait(port)
        yield processes
    finally:
        for process in processes.running.values():
            process.kill()
            process.wait()


@contextmanager
def colliding(server: MariaDb, database: str, products: Sequence[str]) -> Iterator[Counter[str]]:
    """Another program that locks products in the opposite order, so that orders and it run into deadlocks."""
    ends, seen = threading.Event(), Counter[str]()

    def collide() -> None:
        connection = server.connect(database)
        connection.autocommit(False)
        with connection, connection.cursor() as cursor:
            while not ends.wait(0.02):
                try:
                    for product in sorted(products, reverse=True):
                        cursor.execute("select stock from products where product_id = %s for update", (product,))
                    connection.commit()
                    seen["passed"] += 1
                except pymysql.err.OperationalError:
                    connection.rollback()
                    seen["gave way"] += 1

    thread = threading.Thread(target=collide)
    thread.start()
    try:
        yield seen
    finally:
        ends.set()
        thread.join()


async def order_all(ports: Sequence[int], clients: int, orders: int, products: Sequence[str], seed: int) -> Answers:
    """All orders of all clients, each until it has its answer; of some it is asked again, some are cancelled."""
    answers = Answers()
    limits = httpx2.Limits(max_connections=clients)
    async with httpx2.AsyncClient(timeout=30, limits=limits, trust_env=False) as http:
        each = [orders // clients + (number < orders % clients) for number in range(clients)]
        work = (_client(http, ports, answers, number, count, products, seed) for number, count in enumerate(each))
        await asyncio.gather(*work)
    return answers


async def _client(
    http: httpx2.AsyncClient,
    ports: Sequence[int],
    answers: Answers,
    number: int,
    orders: int,
    products: Sequence[str],
    seed: int,
) -> None:
    random = Random(f"{seed}-{number}")

    async def until_answered(path: str, body: Any, headers: dict[str, str]) -> httpx2.Response:
        while True:
            port = random.choice(ports)
            try:
                answer = await http.post(f"http://127.0.0.1:{port}/shop/v1/{path}", json=body, headers=headers)
            except httpx2.TransportError as error:
                answers.seen[type(error).__name__] += 1
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
                answers.seen[str(answer.status_code)] += 1
            await asyncio.sleep(_AGAIN * (1 + random.random()))

    for one in range(orders):
        key = f"{seed}-{number}-{one}"
        wanted = _wanted(random, products)
        answer = await until_answered("orders", wanted, {"Idempotency-Key": key})
        if answer.status_code == 409:
            assert answer.json()["type"] == "urn:problem:not-available", answer.text
            answers.refused.add(key)
            continue
        assert answer.status_code == 201, answer.text
        order = answer.json()["order"]
        if random.random() < 0.1:
            again = (await until_answered("orders", wanted, {"Idempotency-Key": key})).json()
            assert (again["order"]["order_id"], again["is_repeated"]) == (order["order_id"], True)
        is_cancelled = random.random() < 0.15
        if is_cancelled:
            cancelled = await until_answered(f"orders/{order['order_id']}/cancel", None, {})
            assert cancelled.json()["status"] == "cancelled", cancelled.text
        cases = tuple((line["product_id"], line["cases"]) for line in order["lines"])
        answers.placed[key] = Placed(order["order_id"], order["total"], cases, is_cancelled)


def _wanted(random: Random, products: Sequence[str]) -> dict[str, Any]:
    chosen = random.sample(products, random.randrange(1, 4))
    return {
        "customer_id": random.randrange(1, 4),
        "payment_method": random.choice(("card", "invoice", "konbini")),
        "lines": [{"product_id": product, "cases": random.randrange(1, 4)} for product in chosen],
    }
