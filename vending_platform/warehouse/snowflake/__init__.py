"""Snowflake, for staging and production."""

from collections.abc import Mapping
from functools import partial

from vending_platform.environment import Environment, WarehouseSettings
from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.kind import DbtConnection, WarehouseKind
from vending_platform.warehouse.snowflake.account import checked
from vending_platform.warehouse.snowflake.dbt import dbt_connection
from vending_platform.warehouse.snowflake.health import health_checks
from vending_platform.warehouse.snowflake.session import Connect, connector
from vending_platform.warehouse.snowflake.settings import SnowflakeSettings, private_key_of, settings_in
from vending_platform.warehouse.snowflake.setup import check_setup, check_stage
from vending_platform.warehouse.snowflake.warehouse import SnowflakeWarehouse

__all__ = [
    "KIND",
    "SnowflakeSettings",
    "SnowflakeWarehouse",
    "check_setup",
    "check_stage",
    "checked",
    "connector",
    "dbt_connection",
    "private_key_of",
]


def _open(environment: Environment, batches: Batches, tag: Mapping[str, str]) -> SnowflakeWarehouse:
    settings = settings_in(environment)
    endpoint = environment.warehouse_endpoint
    connect: Connect = connector(settings, partial(private_key_of, environment), tag, endpoint=endpoint)
    if environment.connect_warehouse is not None:
        connect = partial(environment.connect_warehouse, tag)
    return SnowflakeWarehouse(checked(connect, environment.name, settings), batches, environment.places.work)


def _dbt(environment: Environment, tag: Mapping[str, str]) -> DbtConnection:
    private_key = partial(private_key_of, environment)
    return dbt_connection(settings_in(environment), private_key, tag, endpoint=environment.warehouse_endpoint)


def _database(settings: WarehouseSettings) -> str:
    assert isinstance(settings, SnowflakeSettings)
    return settings.database


def _namespace(settings: WarehouseSettings) -> str:
    assert isinstance(settings, SnowflakeSettings)
    return f"snowflake://{settings.account}"


KIND = WarehouseKind(
    name="snowflake",
    title="Snowflake",
    settings=SnowflakeSettings,
    open=_open,
    dbt=_dbt,
    database=_database,
    health_checks=health_checks,
    namespace=_namespace,
    shown_name=str.upper,
    libraries=("snowflake-connector-python",),
    noisy_loggers=("snowflake.connector.",),
)
