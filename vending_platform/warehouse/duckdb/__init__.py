"""DuckDB: one file, for a laptop."""

from collections.abc import Mapping

from vending_platform.environment import Environment, WarehouseSettings
from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.duckdb.dbt import dbt_connection
from vending_platform.warehouse.duckdb.health import check_file, health_checks
from vending_platform.warehouse.duckdb.settings import DuckDBSettings, settings_in
from vending_platform.warehouse.duckdb.warehouse import DuckDBWarehouse
from vending_platform.warehouse.kind import DbtConnection, WarehouseKind

__all__ = ["KIND", "DuckDBSettings", "DuckDBWarehouse", "check_file", "dbt_connection"]


def _open(environment: Environment, batches: Batches, tag: Mapping[str, str]) -> DuckDBWarehouse:
    """Rows go in and out without files, and queries carry no tag."""
    return DuckDBWarehouse(settings_in(environment).file, environment.connect_warehouse)


def _dbt(environment: Environment, tag: Mapping[str, str]) -> DbtConnection:
    return dbt_connection(settings_in(environment).file)


def _database(settings: WarehouseSettings) -> str:
    assert isinstance(settings, DuckDBSettings)
    return settings.file.stem


def _namespace(settings: WarehouseSettings) -> str:
    assert isinstance(settings, DuckDBSettings)
    return f"duckdb://{settings.file.absolute()}"


KIND = WarehouseKind(
    name="duckdb",
    title="DuckDB",
    settings=DuckDBSettings,
    open=_open,
    dbt=_dbt,
    database=_database,
    health_checks=health_checks,
    namespace=_namespace,
    libraries=("duckdb",),
)
