"""The services of AWS, as Dagster's resources.

None of them has a secret among its settings: they name it, and it is fetched when it is used.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dagster_aws.s3 import S3Resource
from dagster_aws.secretsmanager import SecretsManagerResource
from dagster_aws.utils import ResourceWithBoto3Configuration
from dagster_shared.utils.warnings import disable_dagster_warnings
from pydantic import Field

from vending_platform import aws
from vending_platform.environment import AwsTarget, ByNotifications, Environment, S3Addressing

S3, SECRETS, SQS, SNS = "s3", "secrets", "sqs", "sns"


class FilesInS3(S3Resource):
    """S3, with the platform's own client: its timeouts and retries, and no other endpoint than this one."""

    addressing: str = Field(
        description="Where a request has the bucket's name: `virtual` (in the host's name) or `path`."
    )

    def get_client(self) -> Any:
        return aws.client(_target(self, S3Addressing(self.addressing)), "s3")

    def get_object_to_set_on_execution_context(self) -> Any:
        return self


class Secrets(SecretsManagerResource):
    """AWS Secrets Manager, and the names of this environment's secrets."""

    account: str = Field(description="The AWS account.")
    slack: str = Field(description="The name of the secret with the webhook of Slack.")

    def __init__(self, **settings: Any) -> None:
        with disable_dagster_warnings():  # it warns, each time, that its base class is a beta
            super().__init__(**settings)

    def get_client(self) -> Any:
        return aws.client(_target(self), "secretsmanager")


class ArrivalsQueue(ResourceWithBoto3Configuration):
    """SQS: the queue of notifications about files that have arrived."""

    queue: str = Field(description="The name of the queue.")
    dead_letters: str = Field(description="The name of the queue for messages that can't be understood.")

    def get_client(self) -> Any:
        return aws.client(_target(self), "sqs")


class AlertsTopic(ResourceWithBoto3Configuration):
    """SNS: the topic that alerts people."""

    topic_arn: str

    def get_client(self) -> Any:
        return aws.client(_target(self), "sns")


def cloud_resources(environment: Environment, target: AwsTarget) -> dict[str, Any]:
    place: dict[str, Any] = {"region_name": target.region, "endpoint_url": target.endpoint}
    found: dict[str, Any] = {
        S3: FilesInS3(
            region_name=target.region, endpoint_url=target.s3_endpoint, addressing=target.s3_addressing.value
        ),
        SECRETS: Secrets(account=target.account, slack=target.secrets.slack, **place),
        SNS: AlertsTopic(topic_arn=target.alerts_topic, **place),
    }
    if isinstance(names := environment.arrivals, ByNotifications):
        found[SQS] = ArrivalsQueue(queue=names.queue, dead_letters=names.dead_letters, **place)
    return found


def with_secrets_of(environment: Environment, target: AwsTarget, resources: Mapping[str, Any]) -> Environment:
    """The environment that fetches secrets where these resources do: the warehouse's has to do so too."""
    secrets = resources[SECRETS]
    return replace(environment, aws=replace(target, region=secrets.region_name, endpoint=secrets.endpoint_url))


def through_aws(environment: Environment, target: AwsTarget, resources: Mapping[str, Any]) -> Environment:
    """The environment with the settings of these resources and with their clients."""
    client_factories = {
        "s3": resources[S3].get_client,
        "secretsmanager": resources[SECRETS].get_client,
        "sns": resources[SNS].get_client,
        **({"sqs": resources[SQS].get_client} if SQS in resources else {}),
    }
    s3 = resources[S3]
    aws_target = replace(
        target,
        region=s3.region_name or target.region,
        s3_endpoint=s3.endpoint_url,
        s3_addressing=S3Addressing(getattr(s3, "addressing", target.s3_addressing)),
        secrets=replace(target.secrets, slack=getattr(resources[SECRETS], "slack", target.secrets.slack)),
        alerts_topic=resources[SNS].topic_arn,
        client_factories=client_factories,
    )
    arrivals = environment.arrivals
    if SQS in resources:
        queue = resources[SQS]
        arrivals = ByNotifications(queue=queue.queue, dead_letters=queue.dead_letters)
    return replace(environment, aws=aws_target, arrivals=arrivals)


def _target(resource: Any, addressing: S3Addressing = S3Addressing.VIRTUAL) -> AwsTarget:
    account = getattr(resource, "account", "of this environment")
    return aws.target_at(resource.region_name, resource.endpoint_url, account=account, addressing=addressing)
