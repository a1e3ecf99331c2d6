"""Who gets alerts in which environment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vending_platform.alerts.channels import Channel, Logged, Slack, Sns, Terminal
from vending_platform.alerts.notify import Finder

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True)
class Alerting:
    """Who gets alerts, and where to look for problems beside Dagster's history and the warehouse."""

    channels: Sequence[Channel]
    finders: Sequence[Finder] = ()


def on_a_laptop(environment: str) -> Alerting:
    return Alerting([Terminal(environment)])


def in_the_cloud(
    environment: str,
    *,
    topic_arn: str | None = None,
    open_sns: "Callable[[], SNSClient] | None" = None,
    read_webhook: Callable[[], str] | None = None,
    finders: Sequence[Finder] = (),
) -> Alerting:
    """The log in any case; the topic and Slack where they are given. Nothing is opened or read before it is needed."""
    channels: list[Channel] = [Logged(environment)]
    if topic_arn is not None and open_sns is not None:
        channels.append(Sns(topic_arn, environment, open_sns))
    if read_webhook is not None:
        channels.append(Slack(environment, read_webhook))
    return Alerting(channels, finders)
