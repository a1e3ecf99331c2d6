"""Messages that a queue gave up on: after so many attempts SQS puts them aside, where no one sees them."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from vending_platform.alerts.notify import Finder
from vending_platform.alerts.problem import Problem, ProblemKind

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def dead_letters(open_client: Callable[[], "SQSClient"], queue: str) -> Finder:
    """Looks how many messages there are in the dead-letter queue of this name."""

    opened = cache(open_client)

    def find() -> Sequence[Problem]:
        client = opened()
        answer = client.get_queue_attributes(
            QueueUrl=client.get_queue_url(QueueName=queue)["QueueUrl"],
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        count = sum(int(number) for number in answer["Attributes"].values())
        return [_problem(queue, count)] if count else []

    return Finder(f"queue {queue}", frozenset({ProblemKind.POISON}), find)


def _problem(queue: str, count: int) -> Problem:
    return Problem(
        ProblemKind.POISON,
        queue,
        what=f"Messages about deliveries that could not be used are in {queue}",
        where=f"queue {queue}",
        what_to_do="Read one of them (SQS, Send and receive messages) and the log of the sensor that failed on it. The"
        " files themselves are not lost: the next scheduled load finds them by listing. Then fix what it failed on and"
        " redrive the queue, or purge it.",
        count=count,
        unit="message",
    )
