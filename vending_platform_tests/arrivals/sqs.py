# ruff: noqa: N803  (the names of the arguments are those of boto3)
"""Queues in memory that behave as SQS does where it is awkward: any order, messages that come back, old receipts."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from vending_platform.arrivals import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUE, DEAD_LETTERS = "memory://arrivals", "memory://arrivals-dlq"


@dataclass
class Stored:
    id: str
    body: str
    sent_at: datetime
    attributes: dict[str, str]
    visible_at: datetime
    receipt: str = ""


@dataclass
class MemorySqs:
    """The part of boto3's client that the platform uses."""

    now: Callable[[], datetime]
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    queues: dict[str, dict[str, Stored]] = field(default_factory=lambda: {QUEUE: {}, DEAD_LETTERS: {}})
    before_delete: Callable[[str], None] = lambda body: None
    calls: int = 0

    def send(self, body: str) -> None:
        self.send_message(QueueUrl=QUEUE, MessageBody=body)

    def waiting(self, url: str = QUEUE) -> list[Stored]:
        return list(self.queues[url].values())

    def send_message(
        self,
        QueueUrl: str,
        MessageBody: str,
        MessageAttributes: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.calls += 1
        attributes = {name: value["StringValue"] for name, value in (MessageAttributes or {}).items()}
        message = Stored(f"m{self.calls}", MessageBody, self.now(), attributes, self.now())
        self.queues[QueueUrl][message.id] = message

    def receive_message(
        self, QueueUrl: str, MaxNumberOfMessages: int, VisibilityTimeout: int, **_: Any
    ) -> dict[str, Any]:
        self.calls += 1
        visible = [message for message in self.queues[QueueUrl].values() if message.visible_at <= self.now()]
        chosen = self.rng.sample(visible, min(MaxNumberOfMessages, len(visible)))
        for message in chosen:
            message.visible_at = self.now() + timedelta(seconds=VisibilityTimeout)
            message.receipt = f"{message.id}-{self.calls}"
        return {
            "Messages": [
                {
                    "MessageId": message.id,
                    "ReceiptHandle": message.receipt,
                    "Body": message.body,
                    "Attributes": {"SentTimestamp": str(round(message.sent_at.timestamp() * 1000))},
                }
                for message in chosen
            ]
        }

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        """An old receipt is taken without a word, and deletes nothing."""
        self.calls += 1
        by_receipt = {message.receipt: message for message in self.queues[QueueUrl].values()}
        for entry in Entries:
            if message := by_receipt.get(entry["ReceiptHandle"]):
                self.before_delete(message.body)
                del self.queues[QueueUrl][message.id]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def get_queue_attributes(self, QueueUrl: str, **_: Any) -> dict[str, dict[str, str]]:
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.queues[QueueUrl]))}}

    @property
    def queue(self) -> Queue:
        return Queue(cast("SQSClient", self), QUEUE, DEAD_LETTERS)
