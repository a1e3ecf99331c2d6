"""What staging needs of AWS, made as docs/operating.md asks for it."""

import json

from vending_platform.environment import ByNotifications, Environment
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.keys import private_key


def furnish(aws: EmulatedAws, environment: Environment) -> None:
    """Queues, a topic that somebody reads, and secrets."""
    names, target = environment.arrivals, environment.aws
    assert isinstance(names, ByNotifications)
    assert target is not None
    sqs, sns, manager = (aws.client(service) for service in ("sqs", "sns", "secretsmanager"))
    dead = sqs.create_queue(QueueName=names.dead_letters)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1000})
    sqs.create_queue(QueueName=names.queue, Attributes={"MessageRetentionPeriod": "1209600", "RedrivePolicy": redrive})
    topic = sns.create_topic(Name=target.alerts_topic.rsplit(":", 1)[1])["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    manager.create_secret(Name=target.secrets.snowflake, SecretString=private_key())
    manager.create_secret(Name=target.secrets.slack, SecretString="https://hooks.example.com/services/T/B/x")
