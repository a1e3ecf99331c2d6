"""What `environments.yml` declares for Redshift Serverless."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from vending_platform.environment import AwsTarget, Environment, WarehouseSettings

_Text = Annotated[str, StringConstraints(pattern=r"^[^'\\\s]+$")]


class RedshiftSettings(WarehouseSettings):
    """It has no secret: who may do what is decided by the role that this process has in AWS."""

    type: Literal["redshift"] = "redshift"
    workgroup: _Text
    database: _Text
    copy_role: _Text
    """The role with which Redshift itself reads and writes the place of work; `default` is the namespace's own."""


def settings_in(environment: Environment) -> RedshiftSettings:
    assert isinstance(environment.warehouse, RedshiftSettings)
    return environment.warehouse


def target_of(environment: Environment) -> AwsTarget:
    assert environment.aws is not None, "Redshift is in AWS, so environments.yml may not leave aws out"
    return environment.aws
