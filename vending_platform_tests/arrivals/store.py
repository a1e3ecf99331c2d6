"""A store that notifies a queue, as AWS's do: boto3 and obstore against an emulator behind a real port."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import boto3
from obstore.store import S3Store

from vending_platform.arrivals import Queue, open_queue
from vending_platform.environment import ByNotifications
from vending_platform.storage import ObjectPlace

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

BUCKET = "hinode-vending-data-staging"
NAMES = ByNotifications("hinode-vending-arrivals-staging", "hinode-vending-arrivals-staging-dlq")
REGION: Literal["ap-northeast-1"] = "ap-northeast-1"


@dataclass(frozen=True)
class Store:
    s3: "S3Client"
    sqs: "SQSClient"
    raw: ObjectPlace
    queue: Queue

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def waiting(self) -> int:
        told = self.sqs.get_queue_attributes(QueueUrl=self.queue.url, AttributeNames=["All"])["Attributes"]
        return int(told["ApproximateNumberOfMessages"]) + int(told["ApproximateNumberOfMessagesNotVisible"])


@contextmanager
def notifying_store() -> Iterator[Store]:
    """A bucket that tells the queue of everything, not only of its raw files."""
    from moto.server import ThreadedMotoServer  # a second and a half of imports

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    s3 = boto3.client("s3", REGION, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test")
    sqs = boto3.client("sqs", REGION, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test")
    try:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for name in (NAMES.queue, NAMES.dead_letters):
            sqs.create_queue(QueueName=name)
        names = open_queue(sqs, NAMES)
        queue = Queue(sqs, names.url, names.dead_letters_url, patience=0, hides_for=1)
        told = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": told["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}]
            },
        )
        bucket = S3Store(
            BUCKET,
            prefix="raw-data",
            endpoint=endpoint,
            region=REGION,
            access_key_id="test",
            secret_access_key="test",
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )
        yield Store(s3, sqs, ObjectPlace(bucket), queue)
    finally:
        s3.close()
        sqs.close()
        server.stop()


def poison(number: int) -> str:
    return json.dumps({"Records": [{"number": number}]})
