"""AWS: whose credentials these are, what time it is there, and what this role may do.

A permission is shown by using it where that changes nothing. To read: something there is read. To write: in the place
of work in flight a tiny object is written and deleted; elsewhere S3 gets a request to replace an object that does not
exist, which it refuses as a failed condition to a role that may write, and denies to one that may not.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from vending_platform import accounts, aws, secrets
from vending_platform.alerts import is_webhook
from vending_platform.arrivals import open_queue
from vending_platform.aws import AwsErrorKind
from vending_platform.environment import (
    KMS_KEY_VARIABLE,
    AwsTarget,
    ByNotifications,
    Encryption,
    EnvironmentName,
)
from vending_platform.health import CheckFailed, CheckSkipped
from vending_platform.storage import ObjectPlace, Place

_SKEW = 60
"""Seconds. Beyond a few minutes AWS accepts no signature any more, and a warehouse no token."""
_KEPT_FOR = 14 * 24 * 3600
_RECEIVED = 1000


def account(name: EnvironmentName, target: AwsTarget) -> str:
    accounts.check_identity(name, target)
    return f"the credentials are of {target.account}"


def clock(target: AwsTarget, now: Callable[[], datetime]) -> str:
    """By the time in AWS's own responses, also in those that refuse the request."""
    try:
        response: Any = aws.client(target, "sts").get_caller_identity()
    except ClientError as error:
        response = error.response
    except BotoCoreError as error:
        raise CheckSkipped(
            f"AWS gives no response with a time: {aws.problem_of(error).explain(target, 'sts')}"
        ) from error
    here, there = now(), response["ResponseMetadata"]["HTTPHeaders"].get("date")
    if there is None:
        raise CheckSkipped("AWS's response has no time")
    ahead = (here - parsedate_to_datetime(there)).total_seconds()
    if abs(ahead) > _SKEW:
        raise CheckFailed(
            f"this machine's clock is {abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} AWS's, "
            "which refuses requests that are signed with it: synchronize it with a time server (NTP)"
        )
    return f"within {_SKEW} seconds of AWS's"


def bucket(name: EnvironmentName, target: AwsTarget, bucket: str) -> str:
    accounts.check_bucket(name, target, bucket)
    return f"belongs to {target.account}, in {target.region}"


def readable(place: Place) -> str:
    """Lists the first page, and reads the smallest file on it."""
    page = next(place.pages(), [])
    if not page:
        place.has(_unused_path())
        return f"{place} can be listed; nothing is there yet"
    smallest = min(page, key=lambda file: file.size)
    next(place.chunks(smallest), b"")
    return f"{place} can be listed and read"


def writable(place: ObjectPlace) -> str:
    readable(place)
    place.check_writing(_unused_path())
    return f"{place} can be listed, read and written (nothing was)"


def work(place: ObjectPlace) -> str:
    with _object(place) as (path, content):
        read = b"".join(place.read_path(path))
    if read != content:
        raise CheckFailed(f"{place} returns other content than was written: check what else writes below doctor/")
    return f"{place} can be written, read and deleted from"


def encryption(place: ObjectPlace, target: AwsTarget) -> str:
    with _object(place) as (path, _):
        found, key = place.encryption_of(path)
    wanted, named = place.bucket.encryption, place.bucket.kms_key
    if found != wanted.value:
        raise CheckFailed(
            f"what is written to {place} is encrypted with {found or 'nothing'}, and should be with {wanted}"
        )
    if wanted is Encryption.SSE_KMS and not _is_key(target, str(named), str(key)):
        raise CheckFailed(
            f"what is written to {place} is encrypted with {key}, and not with {KMS_KEY_VARIABLE}={named}"
        )
    return f"what is written is encrypted with {key or wanted}"


def queue(target: AwsTarget, names: ByNotifications) -> str:
    needs = "sqs:GetQueueUrl, sqs:GetQueueAttributes and sqs:ReceiveMessage"
    with _explaining(target, "sqs", f"the queue {names.queue} and {names.dead_letters}", needs):
        client = aws.client(target, "sqs")
        opened = open_queue(client, names)
        queue = client.get_queue_attributes(QueueUrl=opened.url, AttributeNames=["All"])["Attributes"]
        dead = client.get_queue_attributes(QueueUrl=opened.dead_letters_url, AttributeNames=["All"])["Attributes"]
        # It stays visible to other consumers.
        client.receive_message(QueueUrl=opened.url, MaxNumberOfMessages=1, VisibilityTimeout=0)
    redrive = json.loads(queue.get("RedrivePolicy", "{}"))
    problems = []
    if redrive.get("deadLetterTargetArn") != dead["QueueArn"]:
        problems.append(f"its redrive policy does not lead to {names.dead_letters}")
    elif int(redrive["maxReceiveCount"]) < _RECEIVED:
        receives = redrive["maxReceiveCount"]
        problems.append(f"its redrive policy gives up after {receives} receives and not after {_RECEIVED}")
    if int(queue["MessageRetentionPeriod"]) < _KEPT_FOR:
        problems.append(f"it keeps messages for {queue['MessageRetentionPeriod']} and not {_KEPT_FOR} seconds")
    if problems:
        raise CheckFailed(f"{names.queue}: {'; '.join(problems)}: see what the queue needs in docs/operating.md")
    waiting, given_up = (about["ApproximateNumberOfMessages"] for about in (queue, dead))
    return f"{names.queue}: about {waiting} messages, and {given_up} dead letters"


def topic(target: AwsTarget) -> str:
    with _explaining(target, "sns", target.alerts_topic, "sns:ListSubscriptionsByTopic"):
        page = aws.client(target, "sns").list_subscriptions_by_topic(TopicArn=target.alerts_topic)["Subscriptions"]
    if not any(one["SubscriptionArn"].startswith("arn:") for one in page):  # else it waits to be confirmed
        raise CheckFailed(
            f"{target.alerts_topic} has no subscription, so no one would get its alerts: subscribe an address"
        )
    return f"{target.alerts_topic} has a subscription"


def secret(target: AwsTarget, name: str) -> str:
    secrets.fetch(target, name)
    return f"{name} can be fetched"


def webhook(target: AwsTarget) -> str:
    if not is_webhook(secrets.fetch(target, target.secrets.slack).get_secret_value()):
        raise CheckFailed(f"the secret {target.secrets.slack} is not the https address of a webhook: set it to one")
    return f"{target.secrets.slack} can be fetched"


@contextmanager
def _object(place: ObjectPlace) -> Iterator[tuple[str, bytes]]:
    path, content = _unused_path(), uuid4().bytes
    place.write(path, content)
    try:
        yield path, content
    finally:
        place.delete(path)


def _unused_path() -> str:
    return f"doctor/{uuid4().hex}"


def _is_key(target: AwsTarget, named: str, found: str) -> bool:
    """Whether it is that key: S3 returns an ARN, and a person names a key by its ARN, its id, or an alias."""
    if found == named or found.endswith(f":key/{named}"):
        return True
    if "alias/" not in named:
        return False
    with _explaining(target, "kms", f"which key {named} is", f"kms:DescribeKey (or name it by its ARN: {found})"):
        return bool(aws.client(target, "kms").describe_key(KeyId=named)["KeyMetadata"]["Arn"] == found)


@contextmanager
def _explaining(target: AwsTarget, service: str, what: str, needs: str) -> Iterator[None]:
    try:
        yield
    except aws.AWS_ERRORS as error:
        problem = aws.problem_of(error)
        match problem.kind:
            case AwsErrorKind.MISSING:
                why = f"account {target.account} has none of that name in {target.region} ({problem.detail}): create it"
            case AwsErrorKind.DENIED:
                why = f"it is denied to this role ({problem.detail}), which needs {needs}"
            case _:
                why = problem.explain(target, service)
        raise CheckFailed(f"{what}: {why}") from error
