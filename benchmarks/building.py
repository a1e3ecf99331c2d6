"""How fast raw rows become marts and exports: a day against dbt alone, a year against a script written by hand."""

import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb
from rich.console import Console

from benchmarks.loading import context_in
from benchmarks.measuring import PAIRS, memory_of, ratio, timed
from benchmarks.table import Row
from fleet_simulator import generate
from vending_platform.catalog import load_catalog
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.exporting import export_all
from vending_platform.ingestion import ingest
from vending_platform.transformation import Project, transform
from vending_platform.warehouse.duckdb import dbt_connection

SCRIPT = Path(__file__).with_name("backfill.sql")
_DIMENSIONS = ("dim_machines", "dim_payment_methods", "dim_products", "dim_staff")
_FACTS = ("fct_replenishments", "fct_sales", "mart_machine_daily", "mart_product_daily")
_MARTS = {name: f"marts.{name}" for name in _DIMENSIONS + _FACTS}
_EXPORTS = {
    "sales_by_day": "read_parquet('{}/**/*.parquet', hive_partitioning = false)",
    "machine_daily": "read_csv('{}/**/*.csv', hive_partitioning = false)",
    "product_daily": "read_csv('{}/**/*.csv', hive_partitioning = false)",
}
_FIRST_DAY = date(2024, 1, 1)
_BACKFILLS = 3  # a round takes minutes


def running(folder: Path) -> list[Row]:
    """One more day for 100 machines that have 30 already: `vending run`, and then `dbt build` of the same, in turn."""
    data, later, bare = folder / "data", folder / "later", folder / "bare.duckdb"
    days = [_FIRST_DAY + timedelta(days=30 + number) for number in range(PAIRS + 1)]
    generate(data, machines=100, days=30 + len(days), seed=1, first_day=_FIRST_DAY, rows_per_file=100)
    later.mkdir()
    for file in (file for day in days for file in (data / "sources").glob(f"*_{day:%Y%m%d}.csv")):
        file.rename(later / file.name)
    where: list[str | Path] = ["--project-dir", DBT_PROJECT_DIR, "--profiles-dir", DBT_PROJECT_DIR]
    where += ["--target-path", folder / "dbt", "--log-path", folder / "dbt"]
    run = partial(_shell, "vending", "run", VENDING_DATA_DIR=str(data))
    build = partial(_shell, "dbt", "build", "--quiet", *where, DBT_DUCKDB_PATH=str(bare))
    run()
    runs, builds = [], []
    for number, day in enumerate(days):
        for file in later.glob(f"*_{day:%Y%m%d}.csv"):
            shutil.copy(file, data / "sources")
        ours, _ = timed(run)
        shutil.copy(data / "dbt_dev.duckdb", bare)
        theirs, _ = timed(build)
        assert _sums(data / "dbt_dev.duckdb", _MARTS) == _sums(bare, _MARTS), "both sides have the same rows"
        if number:  # the first round warms up caches
            runs.append(ours)
            builds.append(theirs)
    return [ratio("vending run for a day, against dbt build of everything", runs, builds, 1.5)]


def backfill(folder: Path) -> list[Row]:
    """A year of 100 machines from the same loaded rows to the same marts and exports: by hand and by the platform, in
    turn, each from its start as a process to its end. Loading is in neither."""
    Console().print(f"By hand: {SCRIPT}", soft_wrap=True, highlight=False)
    generate(folder / "fleet", machines=100, days=365, seed=1, first_day=_FIRST_DAY, rows_per_file=100)
    ingest(context_in(folder, folder / "fleet" / "sources", load_catalog(DBT_PROJECT_DIR, folder / "manifest")))
    by_hand, checked, unchecked, memory = [], [], [], []
    for _ in range(_BACKFILLS):
        by_hand.append(_build_anew(folder, "by_hand").seconds)
        built = _build_anew(folder, "by_platform")
        checked.append(built.seconds)
        memory.append(built.kibibytes)
        assert _content(folder / "by_hand") == _content(folder / "by_platform"), "both sides have the same rows"
        unchecked.append(_build_anew(folder, "by_platform", DBT_EXCLUDE_RESOURCE_TYPES="test unit_test").seconds)
    return [
        ratio("a year of 100 machines in one go, against a script by hand", checked, by_hand, 2.0),
        ratio("the same without the checks, which the script has not", unchecked, by_hand, 2.0),
        memory_of("memory of it, with the checks", max(memory), 1536),
    ]


@dataclass(frozen=True)
class _Built:
    seconds: float
    kibibytes: int


def _build_anew(folder: Path, how: str, **variables: str) -> _Built:
    (folder / how).mkdir(exist_ok=True)
    shutil.rmtree(folder / how / "processed", ignore_errors=True)
    shutil.copy(folder / "dev.duckdb", folder / how / "dev.duckdb")
    code = f"import sys; from pathlib import Path; from benchmarks import building; building.{how}(Path(sys.argv[1]))"
    seconds, printed = timed(partial(_shell, sys.executable, "-c", code, folder / how, **variables))
    return _Built(seconds, int(printed))


def by_hand(folder: Path) -> None:
    (folder / "processed").mkdir()
    with duckdb.connect(folder / "dev.duckdb") as connection:
        script = SCRIPT.read_text(encoding="utf-8").replace("{exports}", str(folder / "processed"))
        connection.execute(script.replace("{seeds}", str(DBT_PROJECT_DIR / "seeds")))
    _tell_memory()


def by_platform(folder: Path) -> None:
    catalog = load_catalog(DBT_PROJECT_DIR, folder / "manifest")
    context = context_in(folder, folder, catalog)
    project = Project(DBT_PROJECT_DIR, folder / "dbt", "development", 2, dbt_connection(folder / "dev.duckdb"))
    storage = context.storage
    done = transform(catalog, context.warehouse, project, run_id="-", models=_MARTS, artifacts=storage.artifacts)
    assert done.failed == []
    exported = export_all(catalog, context.warehouse, storage.processed, run_id="-", names=_EXPORTS)
    assert [len(export.written) for export in exported] == [365] * len(_EXPORTS)
    _tell_memory()


def _tell_memory() -> None:
    """The greatest memory (in KiB) that this process has had."""
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def _content(folder: Path) -> dict[str, tuple[int, int]]:
    """Every mart and every export of one side of the backfill."""
    exports = {name: read.format(folder / "processed" / name) for name, read in _EXPORTS.items()}
    return _sums(folder / "dev.duckdb", _MARTS | exports)


def _sums(database: Path, tables: dict[str, str]) -> dict[str, tuple[int, int]]:
    """How many rows each has, and a sum over them that knows every value."""
    with duckdb.connect(database, read_only=True) as connection:
        return {
            name: connection.sql(f"select count(*), sum(hash(t)) from {table} as t").fetchall()[0]
            for name, table in tables.items()
        }


def _shell(*words: str | Path, **variables: str) -> str:
    """What the command prints, one of this installation's or any other."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("VENDING_", "DBT_"))}
    command = Path(sys.executable).parent / words[0]
    return subprocess.run(
        [command, *words[1:]], env=own | variables, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
