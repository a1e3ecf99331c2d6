"""A store that notifies a queue, as AWS's do: real clients against an emulator behind a real port."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.sqs.models import sqs_backends

from vending_platform.arrivals import Queue, open_queue
from vending_platform.environment import ByNotifications
from vending_platform.storage import Place, open_storage
from vending_platform_tests.emulators.aws import ACCOUNT, REGION, EmulatedAws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

BUCKET = "hinode-vending-data-staging"
NAMES = ByNotifications("hinode-vending-arrivals-staging", "hinode-vending-arrivals-staging-dlq")


@dataclass(frozen=True)
class Store:
    s3: "S3Client"
    sqs: "SQSClient"
    raw: Place
    queue: Queue

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def show_again(self) -> None:
        """As if so long had gone by that messages that were only looked at are visible again."""
        for message in sqs_backends[ACCOUNT][REGION].queues[NAMES.queue]._messages:
            message.visible_at = 0.0

    def waiting(self) -> int:
        told = self.sqs.get_queue_attributes(QueueUrl=self.queue.url, AttributeNames=["All"])["Attributes"]
        return int(told["ApproximateNumberOfMessages"]) + int(told["ApproximateNumberOfMessagesNotVisible"])


def notifying_store(aws: EmulatedAws) -> Store:
    """Staging's bucket, which tells the queue of everything, not only of its raw files."""
    aws.reset()
    s3, sqs = aws.client("s3"), aws.client("sqs")
    for name in (NAMES.queue, NAMES.dead_letters):
        sqs.create_queue(QueueName=name)
    names = open_queue(sqs, NAMES)
    queue = Queue(sqs, names.url, names.dead_letters_url, patience=0, hides_for=600)
    told = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": told["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    staging = aws.environment()
    return Store(s3, sqs, open_storage(staging.places, staging.aws, encryption=staging.encryption).raw, queue)


def poison(number: int) -> str:
    return json.dumps({"Records": [{"number": number}]})
