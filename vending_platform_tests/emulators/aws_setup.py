"""What staging and production need of AWS besides their buckets, created as docs/operating.md describes."""

import json

from vending_platform.environment import ByNotifications, Environment
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.keys import private_key


def furnish(aws: EmulatedAws, environment: Environment) -> None:
    """Queues that the bucket notifies of new files, a topic with a subscriber, and secrets."""
    names, target = environment.arrivals, environment.aws
    assert isinstance(names, ByNotifications)
    assert target is not None
    sqs, sns, manager = (aws.client(service) for service in ("sqs", "sns", "secretsmanager"))

    def queue(name: str, **attributes: str) -> str:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return found

    dead = queue(names.dead_letters)
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1000})
    configuration = {
        "QueueArn": queue(names.queue, MessageRetentionPeriod="1209600", RedrivePolicy=redrive),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "raw-data/"}]}},
    }
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=environment.places.raw.removeprefix("s3://").partition("/")[0],
        NotificationConfiguration={"QueueConfigurations": [configuration]},
    )
    topic = sns.create_topic(Name=target.alerts_topic.rsplit(":", 1)[1])["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue("whoever-reads-alerts"))
    manager.create_secret(Name=target.secrets.warehouse, SecretString=private_key())
    manager.create_secret(Name=target.secrets.slack, SecretString="https://hooks.example.com/services/T/B/x")
