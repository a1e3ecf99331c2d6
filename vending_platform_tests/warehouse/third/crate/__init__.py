"""A third type of warehouse: a DuckDB file in a folder of its own. This package is all that the platform needs of
it."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from vending_platform.environment import Environment, WarehouseSettings
from vending_platform.health import HealthCheck
from vending_platform.warehouse import DbtConnection, Warehouse, WarehouseKind
from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.duckdb import DuckDBWarehouse, dbt_connection


class CrateSettings(WarehouseSettings):
    is_local: ClassVar[bool] = True

    type: Literal["crate"] = "crate"
    folder: str


def file_of(settings: WarehouseSettings) -> Path:
    assert isinstance(settings, CrateSettings)
    return Path(settings.folder) / "crate.db"


def _open(environment: Environment, batches: Batches, tag: Mapping[str, str]) -> Warehouse:
    return DuckDBWarehouse(file_of(environment.warehouse))


def _dbt(environment: Environment, tag: Mapping[str, str]) -> DbtConnection:
    return dbt_connection(file_of(environment.warehouse))


def _health_checks(environment: Environment, needs: tuple[str, ...]) -> list[HealthCheck]:
    return [HealthCheck("crate", lambda: f"{file_of(environment.warehouse)} is closed", needs)]


KIND = WarehouseKind(
    name="crate",
    title="Crate",
    settings=CrateSettings,
    open=_open,
    dbt=_dbt,
    database=lambda settings: file_of(settings).stem,
    health_checks=_health_checks,
    shown_name=str.title,
)
