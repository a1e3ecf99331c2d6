"""How fast and how large loading is, compared with what DuckDB alone takes to read the same files."""

import resource
import shutil
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
from rich.console import Console

from benchmarks.measuring import PAIRS, memory_of, ratio, timed
from benchmarks.table import Row
from fleet_simulator import generate
from vending_platform.catalog import Catalog, load_catalog
from vending_platform.environment import DBT_PROJECT_DIR, Places
from vending_platform.ingestion import IngestionContext, Selection, ingest
from vending_platform.storage import open_storage
from vending_platform.warehouse.duckdb import DuckDBWarehouse

_DUCKDB_TYPES = {"text": "varchar", "integer": "bigint", "timestamp": "timestamp"}


def loading(folder: Path) -> list[Row]:
    """6,000 machine-day files of 100 rows: DuckDB's own reader, a first load and a second one, in turn."""
    catalog = load_catalog(DBT_PROJECT_DIR, folder / "manifest")
    sources = _sales_only(folder / "fleet", machines=100, days=60)
    baseline_sql = _baseline_sql(catalog, sources)
    Console().print(f"The baseline:\n\n  {baseline_sql}\n", soft_wrap=True, highlight=False)
    baselines, firsts, seconds = [], [], []
    for number in range(PAIRS + 1):
        shutil.rmtree(folder / "warehouse", ignore_errors=True)
        (folder / "warehouse").mkdir()
        baseline, rows = timed(lambda: _baseline(folder / "warehouse" / "baseline.duckdb", baseline_sql))
        context = context_in(folder / "warehouse", sources, catalog)
        load_sales = partial(ingest, context, Selection(sources=frozenset({"sales"})))
        first, summary = timed(load_sales)
        second, again = timed(load_sales)
        with context.warehouse.reading() as reader:
            loaded = reader.query("select count(*) as n from raw.sales").to_pylist()[0]["n"]
        assert (loaded, summary.rows_accepted, summary.rows_rejected) == (rows, rows, 0), (
            "both sides hold the same rows"
        )
        assert (len(again.loaded), again.unchanged) == (0, 6000), "the second load found nothing new"
        if number:  # the first round warms up caches and imports
            baselines.append(baseline)
            firsts.append(first)
            seconds.append(second)
    return [
        ratio("load 6,000 files, against DuckDB's read_csv", firsts, baselines, 0.7),
        ratio("load them again, nothing new, against the first", seconds, firsts, 0.1),
    ]


def memory(folder: Path) -> list[Row]:
    """A year of 100 machines in one go, in a process of its own whose memory the kernel accounts for."""
    sources = _sales_only(folder / "fleet", machines=100, days=365)
    return [_memory("memory of loading 36,500 files in one go", folder, sources, rows=3_650_000)]


def large(folder: Path) -> list[Row]:
    """One file of 2 GB, in a process of its own."""
    (folder / "sources").mkdir()
    rows = 0
    with (folder / "sources" / "sales_VM001_20240305.csv").open("wb") as file:
        header = "transaction_id,machine_id,slot_no,product_id,sold_at,quantity,unit_price,payment_method_id,status\n"
        file.write(header.encode())
        while file.tell() < 2 * 1024**3:
            lines = (
                f"T{n:012d},VM001,{n % 36:02d},P{n % 40:04d},2024-03-05 {n % 24:02d}:{n % 60:02d}:00,1,130,P1,completed"
                for n in range(rows, rows + 100_000)
            )
            file.write(("\n".join(lines) + "\n").encode())
            rows += 100_000
    return [_memory("memory of loading one file of 2 GB", folder, folder / "sources", rows)]


def _memory(what: str, folder: Path, sources: Path, rows: int) -> Row:
    code = (
        "import sys; from pathlib import Path; from benchmarks.loading import load_and_tell;"
        "load_and_tell(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))"
    )
    measured = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(sources), str(rows)], check=True, capture_output=True, text=True
    )
    return memory_of(what, int(measured.stdout), 1024)


def load_and_tell(folder: Path, sources: Path, rows: int) -> None:
    """Load everything, and print the greatest memory (in KiB) that this process has had."""
    context = context_in(folder / "warehouse", sources, load_catalog(DBT_PROJECT_DIR, folder / "manifest"))
    assert ingest(context, Selection(sources=frozenset({"sales"}))).rows_accepted == rows
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def _sales_only(folder: Path, *, machines: int, days: int) -> Path:
    generate(folder, machines=machines, days=days, seed=1, first_day=date(2024, 1, 1), rows_per_file=100)
    for path in (folder / "sources").iterdir():
        if not path.name.startswith("sales_"):
            path.unlink()
    return folder / "sources"


def context_in(folder: Path, sources: Path, catalog: Catalog) -> IngestionContext:
    places = Places(str(sources), *(str(folder / name) for name in ("processed", "artifacts", "work")))
    return IngestionContext(catalog, open_storage(places), DuckDBWarehouse(folder / "dev.duckdb"), folder / "scratch")


def _baseline_sql(catalog: Catalog, sources: Path) -> str:
    columns = {column.name: _DUCKDB_TYPES[column.type.kind] for column in catalog.source("sales").columns}
    return f"create table sales as select * from read_csv('{sources}/sales_*.csv', header = true, columns = {columns})"


def _baseline(path: Path, sql: str) -> int:
    with duckdb.connect(path) as connection:
        connection.execute(sql)
        return int(connection.sql("select count(*) from sales").fetchall()[0][0])
