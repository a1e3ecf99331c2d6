"""Redshift as a Dagster resource: its Data API, with the role of the process and no secret."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
from dagster import ConfigurableResource
from pydantic import Field

from vending_platform import aws
from vending_platform.environment import Environment
from vending_platform.errors import ConfigurationError
from vending_platform.warehouse.redshift.data_api import DataApi
from vending_platform.warehouse.redshift.settings import RedshiftSettings, settings_in, target_of


class RedshiftResource(ConfigurableResource):  # type: ignore[type-arg]
    """A database of Redshift Serverless, through the Data API: no connection is kept, so the workgroup can pause."""

    workgroup: str = Field(description="The workgroup that runs the statements.")
    database: str = Field(description="The database that they are about.")
    copy_role: str = Field(description="The role with which Redshift reads and writes files; default is its own.")
    region: str = Field(description="The region of the workgroup.")
    endpoint: str | None = Field(None, description="What answers in the place of AWS.")

    @property
    def settings(self) -> RedshiftSettings:
        return RedshiftSettings(workgroup=self.workgroup, database=self.database, copy_role=self.copy_role)

    def query(self, sql: str) -> pa.Table:
        """The result of a query; for very many rows, load the asset's value instead."""
        target = aws.target_at(self.region, self.endpoint)
        return DataApi(target, self.settings, {"purpose": "a Dagster resource"}).query(sql)


def resource_of(environment: Environment) -> RedshiftResource:
    settings, target = settings_in(environment), target_of(environment)
    return RedshiftResource(**settings.model_dump(exclude={"type"}), region=target.region, endpoint=target.endpoint)


def through(environment: Environment, resource: Any) -> Environment:
    if not isinstance(resource, RedshiftResource):
        raise ConfigurationError(
            f"the warehouse is Redshift, so its resource has to be a RedshiftResource: {resource!r}"
        )
    target = replace(target_of(environment), region=resource.region, endpoint=resource.endpoint)
    return replace(environment, aws=target, warehouse=resource.settings)
