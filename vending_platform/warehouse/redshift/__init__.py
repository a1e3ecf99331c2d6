"""Redshift Serverless, through its Data API."""

from collections.abc import Mapping

from vending_platform.environment import Environment, WarehouseSettings
from vending_platform.warehouse.batches import Batches
from vending_platform.warehouse.kind import DbtConnection, WarehouseKind
from vending_platform.warehouse.redshift.data_api import DataApi
from vending_platform.warehouse.redshift.dbt import dbt_connection
from vending_platform.warehouse.redshift.exchange import Exchange
from vending_platform.warehouse.redshift.health import health_checks
from vending_platform.warehouse.redshift.settings import RedshiftSettings, settings_in, target_of
from vending_platform.warehouse.redshift.warehouse import RedshiftWarehouse

__all__ = ["KIND", "DataApi", "Exchange", "RedshiftSettings", "RedshiftWarehouse", "dbt_connection"]


def _open(environment: Environment, batches: Batches, tag: Mapping[str, str]) -> RedshiftWarehouse:
    settings = settings_in(environment)
    exchange = Exchange(
        batches, environment.places.work, settings.copy_role, environment.encryption, environment.kms_key
    )
    return RedshiftWarehouse(DataApi(target_of(environment), settings, tag), exchange)


def _dbt(environment: Environment, tag: Mapping[str, str]) -> DbtConnection:
    return dbt_connection(settings_in(environment), target_of(environment), tag)


def _database(settings: WarehouseSettings) -> str:
    assert isinstance(settings, RedshiftSettings)
    return settings.database


KIND = WarehouseKind(
    name="redshift",
    title="Redshift",
    settings=RedshiftSettings,
    open=_open,
    dbt=_dbt,
    database=_database,
    health_checks=health_checks,
    libraries=("boto3",),
    noisy_loggers=("redshift_connector",),
)
