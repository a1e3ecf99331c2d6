"""What it costs to notice files: by notifications nothing of what the bucket holds, by listing a bounded memory.

The stores are simulated where the platform meets them: a raw place that lists as many files as it is given, and
queues in memory that behave as SQS does. So the figures are those of the platform's own work, without any network.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import dagster as dg
import duckdb

from benchmarks.loading import context_in
from benchmarks.measuring import PAIRS, memory_of, ratio, timed
from benchmarks.table import Row
from vending_platform.arrivals import Lists, Position, look_at_listing
from vending_platform.catalog import load_catalog, read_manifest
from vending_platform.environment import DBT_PROJECT_DIR, ByNotifications, Environment, load
from vending_platform.ingestion import IngestionContext
from vending_platform.opening import Platform
from vending_platform.orchestration.sensors import by_notifications
from vending_platform.storage import Storage, StoredFile
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform_tests.arrivals.simulated_queue import BUCKET, event
from vending_platform_tests.arrivals.sqs import MemorySqs
from vending_platform_tests.storage.memory import MemoryPlace

_EVENTS = 1000
_OBJECTS = 1_000_000
_MACHINES = 1000
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_NAMES = ByNotifications("arrivals", "arrivals-dlq")


def arriving(folder: Path) -> list[Row]:
    """A look at the queue beside a small and a large bucket; and a round of listing the large one."""
    return [_notifications(folder), *_listing(folder)]


@dataclass(frozen=True)
class _Bucket(MemoryPlace):
    """A raw place with `objects` files in it, which it makes up while it lists them, a page at a time."""

    objects: int = 0
    etag: str = "e"

    def pages(self, after: str = "") -> Iterator[list[StoredFile]]:
        begin = _number(after) + 1 if after else 0
        for start in range(begin, self.objects, 1000):
            yield [StoredFile(_path(n), 100, self.etag, _FIRST) for n in range(start, min(start + 1000, self.objects))]

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        for page in self.pages():
            yield from page


def _path(number: int) -> str:
    """In the order of their numbers; the days of a thousand machines."""
    day = _FIRST + timedelta(days=number % 1000)
    return f"sales/{number:07d}/sales_VM{number // 1000:04d}_{day:%Y%m%d}.csv"


def _number(path: str) -> int:
    return int(path.split("/")[1])


@dataclass(frozen=True)
class _InBucket(Platform):
    objects: int = 0

    @cached_property
    def context(self) -> IngestionContext:
        others = [MemoryPlace() for _ in range(3)]
        storage = Storage(_Bucket(objects=self.objects), *others)
        scratch = self.environment.scratch
        return IngestionContext(self.catalog, storage, DuckDBWarehouse(scratch / "no.duckdb"), scratch)


def _notifications(folder: Path) -> Row:
    """Whole looks of the sensor: messages read, history queried, files collected, lists stored, runs requested."""
    environment = _environment(folder)
    manifest = read_manifest(DBT_PROJECT_DIR, folder / "manifest")
    small, large = (_InBucket(environment, manifest, objects=n) for n in (_EVENTS, _OBJECTS))
    times: dict[int, list[float]] = {small.objects: [], large.objects: []}
    for number in range(3 * PAIRS + 1):
        for platform in (small, large) if number % 2 else (large, small):
            seconds, requests = _one_look(platform)
            assert sum(int(request.tags["vending/files"]) for request in requests) == _EVENTS
            if number:  # the first round warms up caches and imports
                times[platform.objects].append(seconds)
    what = f"a look at {_EVENTS:,} new events, with {_OBJECTS:,} files in the bucket against {_EVENTS:,}"
    return ratio(what, times[_OBJECTS], times[_EVENTS], 1.2)


def _environment(folder: Path) -> Environment:
    development = load()
    (folder / "sources").mkdir(exist_ok=True)
    places = replace(development.places, raw=f"s3://{BUCKET.name}/{BUCKET.folder}")
    return replace(development, places=places, arrivals=_NAMES, scratch=folder / "scratch")


def _one_look(platform: Platform) -> tuple[float, list[dg.RunRequest]]:
    sent = datetime.now(UTC) - timedelta(minutes=20)
    sqs = MemorySqs(lambda: sent)
    for number in range(_EVENTS):
        sqs.send(event(_path(number)))
    sqs.now = lambda: datetime.now(UTC)
    sensor = by_notifications(platform.environment, lambda _: sqs.queue, is_running=False, now=sqs.now)
    with dg.DagsterInstance.ephemeral() as history:
        context = dg.build_sensor_context(instance=history, resources={"platform": platform})
        seconds, result = timed(lambda: sensor(context))
    assert isinstance(result, dg.SensorResult)
    return seconds, list(result.run_requests or [])


def _listing(folder: Path) -> list[Row]:
    """A round of looks, in a process of its own whose memory the kernel accounts for. All but 1 in 100,000 files are in
    the ledger as they are."""
    load_catalog(DBT_PROJECT_DIR, folder / "manifest")
    (folder / "warehouse").mkdir(exist_ok=True)
    _fill_ledger(folder / "warehouse" / "dev.duckdb")
    code = "import sys; from pathlib import Path; from benchmarks.arriving import look; look(Path(sys.argv[1]))"
    ran = subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True, text=True)
    printed = json.loads(ran.stdout)
    assert printed["new"] == _OBJECTS // 100_000, "exactly what is not in the ledger is new"
    longest = max(printed["seconds"])
    middle = statistics.median(printed["seconds"])
    looks = f"{len(printed['seconds'])} looks of {middle:.1f} s, the longest {longest:.1f} s"
    return [
        memory_of(f"memory of listing {_OBJECTS:,} files against the ledger", printed["memory"], 500),
        Row("one look of that round, of the 60 s that Dagster gives", looks, "40 s", longest < 40),
    ]


def look(folder: Path) -> None:
    """Look until a round is complete, five seconds a look, and print what that took."""
    catalog = load_catalog(DBT_PROJECT_DIR, folder / "manifest")
    (folder / "sources").mkdir(exist_ok=True)
    context = context_in(folder / "warehouse", folder / "sources", catalog)
    context = replace(context, storage=replace(context.storage, raw=_Bucket(objects=_OBJECTS)))
    lists = Lists(context.storage.work)
    position, new = Position(), 0
    seconds: list[float] = []
    while not seconds or position != Position():
        before = time.perf_counter()
        answer, position = look_at_listing(context, position, lists, lambda _: [], datetime.now(UTC), seconds=5)
        seconds.append(time.perf_counter() - before)
        new += sum(request.files for request in answer.requests)
    sys.stdout.write(json.dumps({"new": new, "seconds": seconds, "memory": _greatest_memory()}))


def _greatest_memory() -> int:
    """In KiB, of this program alone: getrusage includes the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _fill_ledger(path: Path) -> None:
    """What a thousand loads would have left: a version per file, but for every hundred-thousandth."""
    with duckdb.connect(path) as ledger:
        ledger.execute("set timezone = 'UTC'; create schema raw")
        ledger.execute(
            "create table raw._files as"
            " select md5(n::varchar) as file_id, 'sales' as source,"
            " format('sales/{:07d}/sales_VM{:04d}_{}.csv', n, n // 1000, strftime(day, '%Y%m%d')) as path,"
            " format('VM{:04d}', n // 1000) as sender, day as business_date, 100::bigint as size, 'e' as etag,"
            " timestamptz '2024-01-01 00:00:00+00' as modified_at, md5(n::varchar) as sha256, 'c' as contract_hash,"
            " 'utf-8' as encoding, 'loaded' as state, true as in_raw, false as dismissed, 1::bigint as rows_accepted,"
            " 0::bigint as rows_rejected, null::varchar as reason, null::varchar as drift,"
            " timestamptz '2024-01-01 00:00:00+00' as first_seen_at, timestamptz '2024-01-01 00:00:00+00' as loaded_at,"
            " null::timestamptz as ended_at, 'r' as run_id"
            f" from (select n, (date '2024-01-01' + (n % 1000)::integer) as day from range({_OBJECTS}) as t(n))"
            " where n % 100000 <> 0"
        )
