"""The made-up fleets that the marts are judged by, and their warehouses."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from benchmarks.loading import context_in
from fleet_simulator import generate
from vending_platform.catalog import load_catalog
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.ingestion import Selection, ingest
from vending_platform.warehouse.duckdb import DuckDBWarehouse
from vending_platform_tests.dbt_project.dbt import Dbt

# Nobody looked at these while models, seeds and tolerances were chosen; those were tried on others.
SEEDS = (201, 202, 203, 204, 205)
MACHINES, DAYS = 60, 90
FIRST_DAY = date(2024, 3, 1)
ONLY_MODELS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
MASTERS = Selection(
    sources=frozenset({"vending_machines", "products", "product_categories", "staff", "payment_methods"})
)


def parsed(folder: Path) -> Dbt:
    """The project, read once for all fleets."""
    dbt = Dbt(folder)
    dbt.manifest = dbt("parse").result
    return dbt


def loaded(
    project: Dbt, seed: int, selection: Selection, *, incidents: bool, machines: int = MACHINES, days: int = DAYS
) -> Dbt:
    """A folder with a fleet's deliveries and its truth, and a warehouse that holds the deliveries of the selection."""
    folder = project.folder / str(seed)
    generate(folder, machines=machines, days=days, seed=seed, first_day=FIRST_DAY, incidents=incidents)
    context = context_in(folder, folder / "sources", load_catalog(DBT_PROJECT_DIR, project.folder / "manifest"))
    ingest(replace(context, warehouse=DuckDBWarehouse(folder / "dbt_dev.duckdb")), selection)
    return Dbt(folder, project.manifest)
