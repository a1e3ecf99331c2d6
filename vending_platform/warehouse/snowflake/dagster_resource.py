"""Snowflake as a Dagster resource. It holds no secret, only its name: it is fetched when a connection is made."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from dagster_snowflake import SnowflakeResource
from pydantic import Field

from vending_platform import aws, secrets
from vending_platform.environment import Environment
from vending_platform.errors import ConfigurationError
from vending_platform.warehouse.snowflake.session import connector
from vending_platform.warehouse.snowflake.settings import SnowflakeSettings, private_key_of, settings_in


class SnowflakeWithKey(SnowflakeResource):
    """Snowflake; the user's key is fetched whenever a connection is made, and kept nowhere."""

    private_key_secret: str = Field(description="The name of the secret with the PEM of the user's private key.")
    secrets_region: str | None = Field(None, description="The region that keeps the secret.")
    secrets_endpoint: str | None = Field(None, description="The endpoint that serves it in the place of AWS's own.")
    endpoint: str | None = Field(None, description="Where an emulator listens in the place of the account.")

    def connect(self, tag: Mapping[str, str], fetch: Callable[[], str] | None = None) -> AbstractContextManager[Any]:
        """A connection whose queries carry `tag`. `fetch` gives the key; without it the settings say where it is."""
        return connector(_settings(self), fetch or self._fetched, tag, endpoint=self.endpoint)()

    def _fetched(self) -> str:
        target = aws.target_at(self.secrets_region, self.secrets_endpoint)
        return secrets.fetch(target, self.private_key_secret).get_secret_value()

    @contextmanager
    def get_connection(self, raw_conn: bool = True) -> Iterator[Any]:
        with self.connect({}) as connection:
            yield connection

    def get_object_to_set_on_execution_context(self) -> Any:
        return self


def resource_of(environment: Environment) -> SnowflakeWithKey:
    settings, target = settings_in(environment), environment.aws
    assert target is not None, "the key is a secret of AWS, so environments.yml may not leave aws out"
    return SnowflakeWithKey(
        **settings.model_dump(exclude={"type"}),
        authenticator="SNOWFLAKE_JWT",
        endpoint=environment.warehouse_endpoint,
        private_key_secret=target.secrets.warehouse,
        secrets_region=target.region,
        secrets_endpoint=target.endpoint,
    )


def through(environment: Environment, resource: SnowflakeResource) -> Environment:
    if not isinstance(resource, SnowflakeResource):
        raise ConfigurationError(
            f"the warehouse is Snowflake, so its resource has to be a SnowflakeResource: {resource!r}"
        )
    target = environment.aws
    assert target is not None, "the key is a secret of AWS, so environments.yml may not leave aws out"
    secret = getattr(resource, "private_key_secret", target.secrets.warehouse)
    found = replace(
        environment,
        aws=replace(target, secrets=replace(target.secrets, warehouse=secret)),
        warehouse=_settings(resource),
        warehouse_endpoint=getattr(resource, "endpoint", None),
    )
    return replace(found, connect_warehouse=partial(_connected, resource, partial(private_key_of, found)))


def _connected(
    resource: SnowflakeResource, private_key: Callable[[], str], tag: Mapping[str, str]
) -> AbstractContextManager[Any]:
    if isinstance(resource, SnowflakeWithKey):
        return resource.connect(tag, private_key)
    return resource.get_connection()


def _settings(resource: SnowflakeResource) -> SnowflakeSettings:
    names = SnowflakeSettings.model_fields.keys() - {"type"}
    if missing := [name for name in sorted(names) if getattr(resource, name) is None]:
        raise ConfigurationError(
            f"the Snowflake resource has no {', '.join(missing)}, which the platform has to know: set it"
        )
    return SnowflakeSettings(**{name: str(getattr(resource, name)) for name in names})
