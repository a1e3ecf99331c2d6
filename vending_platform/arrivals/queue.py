"""The queue of the store's messages, and the one for those that can't be understood.

A message that is received is only hidden for a while: whatever a look does not delete is there again at the next one.
So the queue itself remembers what is not dealt with yet, and a killed sensor loses nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from vending_platform.arrivals.crash_points import OnStep, PollCrashPoint
from vending_platform.environment import ByNotifications

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_AT_ONCE = 10
"""Messages in one call: the most that SQS takes."""
_MOST = 10_000
"""Messages in one look: what else waits is there at the next."""
_REASON = 200
"""How long a reason may be, so that it fits beside any message."""


@dataclass(frozen=True)
class QueueMessage:
    id: str
    receipt: str
    body: str
    sent_at: datetime


@dataclass(frozen=True)
class Queue:
    client: "SQSClient"
    url: str
    dead_letters_url: str
    patience: int = 1
    """Seconds to wait for a first message. Without any, SQS asks only some of its servers."""
    hides_for: int = 25
    """Seconds until a message that was not deleted is there again: less than between two looks, so that each of them
    sees nearly everything that waits."""

    def receive(self, until: float) -> list[QueueMessage]:
        """What is visible now, each message once; `until` is of the monotonic clock."""
        found: dict[str, QueueMessage] = {}
        while len(found) < _MOST and time.monotonic() < until:
            before = len(found)
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=_AT_ONCE,
                VisibilityTimeout=self.hides_for,
                WaitTimeSeconds=self.patience,
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            for message in answer.get("Messages", ()):
                sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
                found[message["MessageId"]] = QueueMessage(
                    message["MessageId"], message["ReceiptHandle"], message["Body"], sent_at
                )
            if len(found) == before:
                break  # nothing, or only what came before and is visible again already
        return list(found.values())

    def delete(self, messages: Sequence[QueueMessage], until: float, on_step: OnStep) -> int:
        """Says how many are gone. The others come again, which does no harm."""
        gone = 0
        for start in range(0, len(messages), _AT_ONCE):
            if time.monotonic() >= until:
                break
            few = messages[start : start + _AT_ONCE]
            answer = self.client.delete_message_batch(
                QueueUrl=self.url,
                Entries=[{"Id": str(number), "ReceiptHandle": m.receipt} for number, m in enumerate(few)],
            )
            gone += len(answer.get("Successful", ()))
            on_step(PollCrashPoint.DELETED)
        return gone

    def bury(self, message: QueueMessage, reason: str, on_step: OnStep) -> bool:
        """Copy a message to the dead letters, with the reason. Says whether that went well: one message that the queue
        does not take must not stop the others."""
        words = reason.encode("ascii", "backslashreplace").decode()[:_REASON]
        try:
            self.client.send_message(
                QueueUrl=self.dead_letters_url,
                MessageBody=message.body,
                MessageAttributes={
                    "reason": {
                        "DataType": "String",
                        "StringValue": "".join(c if c.isprintable() else "?" for c in words),
                    },
                    "first_sent_at": {"DataType": "String", "StringValue": message.sent_at.isoformat()},
                },
            )
        except ClientError:
            return False
        on_step(PollCrashPoint.BURIED)
        return True

    def dead_letters(self) -> int:
        """About how many messages wait for a person."""
        answer = self.client.get_queue_attributes(
            QueueUrl=self.dead_letters_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def open_queue(client: "SQSClient", names: ByNotifications) -> Queue:
    """Both queues of an environment, found by their names."""
    url, dead_letters_url = (
        client.get_queue_url(QueueName=name)["QueueUrl"] for name in (names.queue, names.dead_letters)
    )
    return Queue(client, url, dead_letters_url)
