"""The crate as a Dagster resource."""

from dataclasses import replace
from typing import Any

import dagster as dg

from vending_platform.environment import Environment

from . import CrateSettings


class CrateResource(dg.ConfigurableResource[Any]):
    folder: str


def resource_of(environment: Environment) -> CrateResource:
    assert isinstance(environment.warehouse, CrateSettings)
    return CrateResource(folder=environment.warehouse.folder)


def through(environment: Environment, resource: CrateResource) -> Environment:
    return replace(environment, warehouse=CrateSettings(folder=resource.folder))
