"""The API while a run is under way: how long status takes at 200 requests a second, and orders with one equal key.

`vending serve` with Dagster beside it, over the sample's deliveries; the run is the first one, which loads, builds and
exports all of them.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.table import Row
from vending_platform.environment import PROJECT_DIR

_PER_SECOND, _SECONDS, _LIMIT_MS = 200, 20, 50
_ORDERS, _AT_ONCE = 2000, 50
_STARTING = 240


def serving(folder: Path) -> list[Row]:
    shutil.copytree(PROJECT_DIR / "data" / "sources", folder / "data" / "sources")
    port, dagster = _free_port(), _free_port()
    variables = {"VENDING_DATA_DIR": str(folder / "data"), "VENDING_UI_URL": f"http://127.0.0.1:{dagster}"}
    words = [sys.executable, "-m", "vending_platform", "serve", "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            words, env=os.environ | variables, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        return asyncio.run(_measured(f"http://127.0.0.1:{port}"))
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(90)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def _measured(address: str) -> list[Row]:
    async with httpx2.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
        await _until(client, lambda status: status["dagster_is_up"])
        await client.post("/api/pipeline/export", json={}, headers={"Idempotency-Key": "the-run"})
        await _until(client, lambda status: status["running"] or status["last"])
        times = await _status_times(client)
        under_way = (await client.get("/api/pipeline/status")).json()["running"]
        per_second = await _orders_per_second(client)
    percentile = sorted(times)[int(len(times) * 0.99)] * 1000
    words = f"{percentile:.0f} ms  (median {statistics.median(times) * 1000:.1f} ms; {len(times):,} requests"
    words += "" if under_way else "; the run ended before them"
    return [
        Row(
            f"status, 99 of 100, at {_PER_SECOND} requests a second while a run is under way",
            f"{words})",
            f"{_LIMIT_MS} ms",
            percentile <= _LIMIT_MS,
        ),
        Row(
            f"orders with one equal key, {_AT_ONCE} at once",
            f"{per_second:,.0f} a second",
            "100 a second",
            per_second >= 100,
        ),
    ]


async def _status_times(client: httpx2.AsyncClient) -> list[float]:
    """Each request is sent when its time has come, whether or not those before it are answered."""
    times: list[float] = []

    async def one(at: float) -> None:
        await asyncio.sleep(at - time.perf_counter())
        (await client.get("/api/pipeline/status")).raise_for_status()
        times.append(time.perf_counter() - at)

    begins = time.perf_counter() + 0.5
    await asyncio.gather(*(one(begins + number / _PER_SECOND) for number in range(_PER_SECOND * _SECONDS)))
    return times


async def _orders_per_second(client: httpx2.AsyncClient) -> float:
    gate = asyncio.Semaphore(_AT_ONCE)
    found: set[str] = set()

    async def one() -> None:
        async with gate:
            answer = await client.post(
                "/api/pipeline/export", json={"load": False}, headers={"Idempotency-Key": "equal"}
            )
            while answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
                await asyncio.sleep(float(answer.headers["retry-after"]))
                answer = await client.post(
                    "/api/pipeline/export", json={"load": False}, headers={"Idempotency-Key": "equal"}
                )
            found.add(json.loads(answer.content)["run_id"])

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(_ORDERS)))
    seconds = time.perf_counter() - start
    assert len(found) == 1, "equal orders make one run"
    return _ORDERS / seconds


async def _until(client: httpx2.AsyncClient, is_so: Any) -> None:
    ends = time.monotonic() + _STARTING
    while time.monotonic() < ends:
        with suppress(httpx2.HTTPError):
            answer = await client.get("/api/pipeline/status")
            if answer.is_success and is_so(answer.json()):
                return
        await asyncio.sleep(0.5)
    raise AssertionError("the service or its run did not start")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
