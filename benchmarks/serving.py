"""The API's status while a run is under way: 200 requests a second, each counted from when it was due.

Beside ten of them one request is for `/healthz`, which asks nothing of anybody: so much of a figure is the machine's,
on whose cores the run works, too.
"""

import asyncio
import os
import shutil
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from benchmarks.requests_load import at_a_rate
from benchmarks.table import Row
from vending_platform.environment import PROJECT_DIR
from vending_platform_tests.web_servers import serving_service

_STATUS, _NOTHING = "/api/pipeline/status", "/healthz"
_PATHS = [*[_STATUS] * 10, _NOTHING]
_PER_SECOND, _P99 = 200, 50
_LOOK = 0.5


def serving(folder: Path) -> list[Row]:
    """The sample's whole first run, started over the API."""
    data = folder / "data"
    shutil.copytree(PROJECT_DIR / "data" / "sources", data / "sources")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("VENDING_", "DAGSTER_"))}
    log = folder / "serve.log"
    with serving_service(PROJECT_DIR, variables | {"VENDING_DATA_DIR": str(data)}, log) as address:
        phase, taken = asyncio.run(_while_it_runs(address))
    assert phase == "succeeded", f"the run ended as {phase}: {log.read_text()}"
    asked, p99, beside = taken[_STATUS], _hundredth(taken[_STATUS]), _hundredth(taken[_NOTHING])
    figure = (
        f"{p99:.0f} ms (half: {statistics.median(asked):.0f} ms; {len(asked):,} requests; /healthz {beside:.0f} ms)"
    )
    return [Row("the slowest status of a hundred during a run", figure, f"{_P99} ms", p99 < _P99)]


async def _while_it_runs(address: str) -> tuple[str, dict[str, list[float]]]:
    ended = asyncio.Event()
    async with httpx2.AsyncClient(base_url=address, timeout=30) as client:
        accepted = await client.post("/api/pipeline/export", json={}, headers={"Idempotency-Key": "benchmark"})
        assert accepted.status_code == 202, accepted.text
        port = urlsplit(address).port
        assert port is not None
        asked = asyncio.create_task(at_a_rate(port, _PER_SECOND * 1.1, _PATHS, ended))
        while (phase := await _phase(client, accepted.json())) not in ("succeeded", "failed", "canceled"):
            await asyncio.sleep(_LOOK)
        ended.set()
        return phase, await asked


async def _phase(client: httpx2.AsyncClient, accepted: Mapping[str, Any]) -> str:
    run = (await client.get(accepted["links"]["run"])).json()
    return str(run["phase"])


def _hundredth(milliseconds: Sequence[float]) -> float:
    return statistics.quantiles(milliseconds, n=100)[98]
