"""What `environments.yml` declares for Snowflake, and the key of its user."""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from vending_platform import secrets
from vending_platform.environment import Environment, WarehouseSettings, variable

ACCOUNT_VARIABLE = variable("snowflake_account")
_Text = Annotated[str, StringConstraints(min_length=1)]


class SnowflakeSettings(WarehouseSettings):
    has_secret: ClassVar[bool] = True

    type: Literal["snowflake"] = "snowflake"
    account: _Text
    user: _Text
    role: _Text
    database: _Text
    warehouse: _Text


def settings_in(environment: Environment) -> SnowflakeSettings:
    assert isinstance(environment.warehouse, SnowflakeSettings)
    return environment.warehouse


def private_key_of(environment: Environment) -> str:
    """The user's key as PEM, as it is now; it is kept nowhere."""
    assert environment.aws is not None, "the key is a secret of AWS, so environments.yml may not leave aws out"
    return secrets.fetch(environment.aws, environment.aws.secrets.warehouse).get_secret_value()
