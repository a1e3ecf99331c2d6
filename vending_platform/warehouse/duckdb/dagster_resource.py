"""The file as a Dagster resource."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb
from dagster_duckdb import DuckDBResource

from vending_platform.environment import Environment
from vending_platform.errors import ConfigurationError
from vending_platform.warehouse.duckdb.settings import DuckDBSettings, settings_in
from vending_platform.warehouse.duckdb.warehouse import CONNECTION_CONFIG


class DuckDBFile(DuckDBResource):
    """The laptop's warehouse, one file. `get_connection` only reads: a connection that writes would shut out every
    other process, and what an asset returns is written for it."""

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with _connect(self, read_only=True) as connection:
            yield connection


def resource_of(environment: Environment) -> DuckDBFile:
    return DuckDBFile(database=settings_in(environment).path, connection_config=dict(CONNECTION_CONFIG))


def through(environment: Environment, resource: DuckDBResource) -> Environment:
    if not isinstance(resource, DuckDBResource):
        raise ConfigurationError(
            f"the warehouse is a DuckDB file, so its resource has to be a DuckDBResource: {resource!r}"
        )
    settings = DuckDBSettings(path=resource.database)
    return replace(environment, warehouse=settings, connect_warehouse=_connecting(resource))


def _connecting(resource: DuckDBResource) -> Callable[..., duckdb.DuckDBPyConnection]:
    def connect(*, read_only: bool) -> duckdb.DuckDBPyConnection:
        return _connect(resource, read_only=read_only)

    return connect


def _connect(resource: DuckDBResource, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(resource.database, read_only=read_only, config=dict(resource.connection_config))
