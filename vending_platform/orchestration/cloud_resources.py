"""Staging's and production's resources: Snowflake and the services of AWS.

No secret is a setting of any of them: they name it, and it is fetched when a connection is made.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from dagster_aws.s3 import S3Resource
from dagster_aws.secretsmanager import SecretsManagerResource
from dagster_aws.utils import ResourceWithBoto3Configuration
from dagster_shared.utils.warnings import disable_dagster_warnings
from dagster_snowflake import SnowflakeResource
from pydantic import Field

from vending_platform import aws, secrets
from vending_platform.environment import (
    AwsTarget,
    ByNotifications,
    Environment,
    S3Addressing,
    SecretNames,
    SnowflakeTarget,
)
from vending_platform.warehouse import connector

S3, SECRETS, SQS, SNS = "s3", "secrets", "sqs", "sns"


class FilesInS3(S3Resource):
    """S3, asked as the platform asks it: with its own patience, and only where this says."""

    addressing: str = Field(description="Where a request names the bucket: `virtual` or `path`.")

    def get_client(self) -> Any:
        return aws.client(_target(self, S3Addressing(self.addressing)), "s3")

    def get_object_to_set_on_execution_context(self) -> Any:
        return self


class Secrets(SecretsManagerResource):
    """AWS Secrets Manager, and the names of what it keeps for this environment."""

    account: str = Field(description="The AWS account.")
    slack: str = Field(description="The name of the secret with the webhook of Slack.")

    def __init__(self, **settings: Any) -> None:
        with disable_dagster_warnings():  # it calls the class that this one is made of a beta, each time
            super().__init__(**settings)

    def get_client(self) -> Any:
        return aws.client(_target(self), "secretsmanager")


class ArrivalsQueue(ResourceWithBoto3Configuration):
    """SQS: the queue that says which files have arrived."""

    queue: str = Field(description="Its name.")
    dead_letters: str = Field(description="The name of the queue for what can't be understood.")

    def get_client(self) -> Any:
        return aws.client(_target(self), "sqs")


class AlertsTopic(ResourceWithBoto3Configuration):
    """SNS: the topic that people are alerted by."""

    topic_arn: str

    def get_client(self) -> Any:
        return aws.client(_target(self), "sns")


class SnowflakeWithKey(SnowflakeResource):
    """Snowflake; the user's key is fetched whenever a connection is made, and kept nowhere."""

    private_key_secret: str = Field(description="The name of the secret with the PEM of the user's private key.")
    secrets_region: str | None = Field(None, description="Where that secret is kept.")
    secrets_endpoint: str | None = Field(None, description="Where it is asked for, in the place of AWS itself.")
    endpoint: str | None = Field(None, description="Where an emulator listens in the place of the account.")

    def connect(self, tag: Mapping[str, str], fetch: Callable[[], str] | None = None) -> AbstractContextManager[Any]:
        """A connection whose queries carry `tag`; `fetch` gives the key, where the settings do not say where it is."""
        return connector(_snowflake(self), fetch or self._fetched, tag)()

    def _fetched(self) -> str:
        where = _asked("of this environment", self.secrets_region, self.secrets_endpoint)
        return secrets.fetch(where, self.private_key_secret).get_secret_value()

    @contextmanager
    def get_connection(self, raw_conn: bool = True) -> Iterator[Any]:
        with self.connect({}) as connection:
            yield connection

    def get_object_to_set_on_execution_context(self) -> Any:
        return self


def cloud_resources(environment: Environment, target: SnowflakeTarget, overrides: Mapping[str, Any]) -> dict[str, Any]:
    of_aws = environment.aws
    assert of_aws is not None, "whoever has a Snowflake keeps its key in AWS"
    elsewhere: dict[str, Any] = {"region_name": of_aws.region, "endpoint_url": of_aws.endpoint}
    kept = overrides.get(SECRETS) or Secrets(account=of_aws.account, slack=of_aws.secrets.slack, **elsewhere)
    found: dict[str, Any] = {
        "warehouse": SnowflakeWithKey(
            account=target.account,
            user=target.user,
            role=target.role,
            database=target.database,
            warehouse=target.warehouse,
            authenticator="SNOWFLAKE_JWT",
            endpoint=target.endpoint,
            private_key_secret=of_aws.secrets.warehouse,
            secrets_region=kept.region_name,
            secrets_endpoint=kept.endpoint_url,
        ),
        S3: FilesInS3(
            region_name=of_aws.region, endpoint_url=of_aws.s3_endpoint, addressing=of_aws.s3_addressing.value
        ),
        SECRETS: kept,
        SNS: AlertsTopic(topic_arn=of_aws.alerts_topic, **elsewhere),
    }
    if isinstance(names := environment.arrivals, ByNotifications):
        found[SQS] = ArrivalsQueue(queue=names.queue, dead_letters=names.dead_letters, **elsewhere)
    return found


def through_aws(environment: Environment, target: AwsTarget, resources: Mapping[str, Any]) -> dict[str, Any]:
    """What of the environment these resources say."""
    client_factories = {
        "s3": resources[S3].get_client,
        "secretsmanager": resources[SECRETS].get_client,
        "sns": resources[SNS].get_client,
        **({"sqs": resources[SQS].get_client} if SQS in resources else {}),
    }
    s3 = resources[S3]
    found: dict[str, Any] = {
        "aws": replace(
            target,
            region=s3.region_name or target.region,
            s3_endpoint=s3.endpoint_url,
            s3_addressing=S3Addressing(getattr(s3, "addressing", target.s3_addressing)),
            secrets=replace(
                target.secrets,
                slack=getattr(resources[SECRETS], "slack", target.secrets.slack),
                warehouse=getattr(resources["warehouse"], "private_key_secret", target.secrets.warehouse),
            ),
            alerts_topic=resources[SNS].topic_arn,
            client_factories=client_factories,
        )
    }
    if SQS in resources:
        queue = resources[SQS]
        found["arrivals"] = ByNotifications(queue=queue.queue, dead_letters=queue.dead_letters)
    if isinstance(warehouse := resources["warehouse"], SnowflakeResource):
        found["warehouse"] = replace(_snowflake(warehouse), connect=partial(_connected, warehouse, resources[SECRETS]))
    return found


def _connected(
    resource: SnowflakeResource, kept: SecretsManagerResource, tag: Mapping[str, str]
) -> AbstractContextManager[Any]:
    if isinstance(resource, SnowflakeWithKey):
        return resource.connect(tag, partial(_secret, kept, resource.private_key_secret))
    return resource.get_connection()


def _snowflake(resource: SnowflakeResource) -> SnowflakeTarget:
    wanted = ("account", "user", "role", "database", "warehouse")
    if missing := [name for name in wanted if getattr(resource, name) is None]:
        raise ValueError(f"the Snowflake resource says no {', '.join(missing)}: the platform needs to know it")
    named: dict[str, Any] = {name: str(getattr(resource, name)) for name in wanted}
    return SnowflakeTarget(**named, endpoint=getattr(resource, "endpoint", None))


def _secret(resource: SecretsManagerResource, name: str) -> str:
    target = replace(_target(resource), client_factories={"secretsmanager": resource.get_client})
    return secrets.fetch(target, name).get_secret_value()


def _target(resource: Any, addressing: S3Addressing = S3Addressing.VIRTUAL) -> AwsTarget:
    """Where a resource asks; the rest of a target is of no use to a client."""
    account = getattr(resource, "account", "of this environment")
    return _asked(account, resource.region_name, resource.endpoint_url, addressing)


def _asked(
    account: str, region: str | None, endpoint: str | None, addressing: S3Addressing = S3Addressing.VIRTUAL
) -> AwsTarget:
    return AwsTarget(
        account=account,
        region=str(region),
        s3_endpoint=endpoint,
        s3_addressing=addressing,
        endpoint=endpoint,
        secrets=SecretNames(warehouse="", slack=""),
        alerts_topic="",
    )
