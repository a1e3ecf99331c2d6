"""Each thing that the clouds need of AWS is fine, or is told with what to do; and looking leaves nothing behind."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vending_platform.aws import AwsError
from vending_platform.doctor import cloud
from vending_platform.environment import AwsTarget, ByNotifications, Environment, EnvironmentName
from vending_platform.health import CheckFailed, CheckSkipped
from vending_platform.storage import ObjectPlace, StorageError, Unreadable, open_place
from vending_platform_tests.emulators.aws import ACCOUNT, BUCKET, EmulatedAws, Refusal, Request
from vending_platform_tests.emulators.aws_setup import furnish

DENIED = Refusal(403, "AccessDenied", "not you")
MINUTES = timedelta(minutes=1)


@pytest.fixture
def staging(aws: EmulatedAws) -> Environment:
    aws.reset()
    return aws.environment()


@pytest.fixture
def target(staging: Environment) -> AwsTarget:
    assert staging.aws is not None
    return staging.aws


def place_of(environment: Environment, url: str) -> ObjectPlace:
    opened = open_place(url, environment.aws, encryption=environment.encryption, kms_key=environment.kms_key)
    assert isinstance(opened, ObjectPlace)
    return opened


def denying(method: str, part: str = "") -> Callable[[Request], Refusal | None]:
    return lambda request: DENIED if request.method == method and part in request.path + "?" + request.query else None


def keys(aws: EmulatedAws) -> list[str]:
    return [entry["Key"] for entry in aws.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())]


class TestClock:
    @pytest.mark.parametrize("refusal", [None, Refusal(403, "SignatureDoesNotMatch", "Signature expired")])
    @pytest.mark.parametrize(
        ("off", "told"),
        [
            (0 * MINUTES, None),
            (0.9 * MINUTES, None),
            (2 * MINUTES, r"1[12]\d seconds ahead of AWS's, which refuses .*NTP"),
            (-600 * MINUTES, r"(36000|3599\d) seconds behind AWS's"),
        ],
    )
    def test_it_is_compared_with_the_time_of_any_response(
        self, aws: EmulatedAws, target: AwsTarget, off: timedelta, told: str | None, refusal: Refusal | None
    ) -> None:
        with aws.failing(lambda _: refusal):
            if told is None:
                assert cloud.clock(target, lambda: datetime.now(UTC) + off) == "within 60 seconds of AWS's"
            else:
                with pytest.raises(CheckFailed, match=told):
                    cloud.clock(target, lambda: datetime.now(UTC) + off)

    def test_without_a_response_it_is_skipped(self, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("vending_platform.aws._TRIES", 1)
        nowhere = aws.environment(VENDING_AWS_ENDPOINT="http://127.0.0.1:1").aws
        assert nowhere is not None
        with pytest.raises(CheckSkipped, match="no response with a time: sts can't be reached"):
            cloud.clock(nowhere, lambda: datetime.now(UTC))


class TestPlaces:
    def test_deliveries_are_listed_and_one_is_read(self, aws: EmulatedAws, staging: Environment) -> None:
        raw = place_of(staging, staging.places.raw)
        assert cloud.readable(raw).endswith("raw-data can be listed; nothing is there yet")
        for name, size in (("large.csv", 2000), ("small.csv", 10)):
            aws.client("s3").put_object(Bucket=BUCKET, Key=f"raw-data/{name}", Body=b"x" * size)
        aws.requests.clear()
        assert cloud.readable(raw) == f"s3://{BUCKET}/raw-data can be listed and read"
        assert [request.path for request in aws.requests if "small" in request.path] != []
        assert {request.method for request in aws.requests} == {"GET"}

    @pytest.mark.parametrize("is_empty", [True, False])
    def test_a_missing_right_to_read_is_told(self, aws: EmulatedAws, staging: Environment, is_empty: bool) -> None:
        raw = place_of(staging, staging.places.raw)
        if not is_empty:
            aws.client("s3").put_object(Bucket=BUCKET, Key="raw-data/a.csv", Body=b"x")
        with (
            aws.failing(denying("HEAD" if is_empty else "GET", "raw-data/doctor" if is_empty else "raw-data/a.csv")),
            pytest.raises(
                (StorageError, Unreadable), match=r"denied to this role|denies it to this role.*s3:GetObject"
            ),
        ):
            cloud.readable(raw)
        with aws.failing(denying("GET", "list-type=2")), pytest.raises(StorageError, match=r"needs s3:ListBucket"):
            cloud.readable(raw)

    def test_the_right_to_write_is_shown_without_writing(self, aws: EmulatedAws, staging: Environment) -> None:
        exports = place_of(staging, staging.places.processed)
        assert cloud.writable(exports).endswith("processed-data can be listed, read and written (nothing was)")
        (put,) = [request for request in aws.requests if request.method == "PUT"]
        assert "/processed-data/doctor/" in put.path
        assert put.headers["IF_MATCH"] == f'"{"0" * 32}"'
        assert put.headers["X_AMZ_SERVER_SIDE_ENCRYPTION"] == "AES256", "a bucket may refuse what asks for none"
        assert [request for request in aws.requests if request.method == "DELETE"] == []
        assert keys(aws) == []

    def test_a_missing_right_to_write_is_told(self, aws: EmulatedAws, staging: Environment) -> None:
        exports = place_of(staging, staging.places.processed)
        with (
            aws.failing(denying("PUT")),
            pytest.raises(StorageError, match=r"processed-data can't be written.*PutObject"),
        ):
            cloud.writable(exports)

    def test_a_bucket_that_went_away_is_no_right_to_write(self, aws: EmulatedAws, staging: Environment) -> None:
        exports = place_of(staging, staging.places.processed)
        gone = Refusal(404, "NoSuchBucket")
        with aws.failing(lambda request: gone if request.method == "PUT" else None), pytest.raises(StorageError):
            cloud.writable(exports)

    def test_a_store_without_conditions_is_left_clean(
        self, aws: EmulatedAws, staging: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exports = place_of(staging, staging.places.processed)
        client: Any = exports.bucket.client()
        put = client.put_object
        monkeypatch.setattr(client, "put_object", lambda IfMatch, **others: put(**others))  # noqa: N803
        assert cloud.writable(exports).endswith("written (nothing was)")
        assert [request.method for request in aws.requests if "doctor" in request.path][-2:] == ["PUT", "DELETE"]
        assert keys(aws) == []

    def test_at_work_an_object_comes_and_goes(self, aws: EmulatedAws, staging: Environment) -> None:
        assert cloud.work(place_of(staging, staging.places.work)).endswith(
            "/staging can be written, read and deleted from"
        )
        touched = [(request.method, request.path.rsplit("/", 1)[0]) for request in aws.requests]
        assert touched == [(method, f"/{BUCKET}/staging/doctor") for method in ("PUT", "GET", "DELETE")]
        assert keys(aws) == []

    @pytest.mark.parametrize(
        ("method", "told"),
        [("PUT", "be written.*PutObject"), ("GET", "be read.*GetObject"), ("DELETE", "DeleteObject")],
    )
    def test_at_work_a_missing_right_is_told_and_what_was_written_is_removed(
        self, aws: EmulatedAws, staging: Environment, method: str, told: str
    ) -> None:
        work = place_of(staging, staging.places.work)
        with aws.failing(denying(method)), pytest.raises(StorageError, match=told):
            cloud.work(work)
        assert len(keys(aws)) == (method == "DELETE")


class TestEncryption:
    @pytest.mark.parametrize(
        ("name", "told"),
        [
            (EnvironmentName.STAGING, "encrypted with AES256"),
            (EnvironmentName.PRODUCTION, "encrypted with alias/vending"),
        ],
    )
    def test_it_is_as_the_environment_says(self, aws: EmulatedAws, name: EnvironmentName, told: str) -> None:
        environment = aws.environment(name)
        assert environment.aws is not None
        assert cloud.encryption(place_of(environment, environment.places.work), environment.aws).endswith(told)

    def test_what_comes_back_otherwise_is_told(self, aws: EmulatedAws) -> None:
        """Of a store that takes what it is asked for and does something else."""
        environment = aws.environment(EnvironmentName.PRODUCTION)
        assert environment.aws is not None
        asked = place_of(environment, environment.places.work)
        other = replace(asked.bucket, kms_key="arn:aws:kms:x:1:key/2")
        with pytest.raises(
            CheckFailed, match=r"with alias/vending, and not with VENDING_KMS_KEY=arn:aws:kms:x:1:key/2"
        ):
            cloud.encryption(replace(asked, bucket=other), environment.aws)
        unencrypted = place_of(aws.environment(), environment.places.work).store
        with pytest.raises(CheckFailed, match=r"with AES256, and should be with aws:kms"):
            cloud.encryption(replace(asked, store=unencrypted), environment.aws)

    def test_a_key_is_known_by_its_arn_its_id_and_its_alias(self, aws: EmulatedAws, target: AwsTarget) -> None:
        kms = aws.client("kms")
        key, other = (kms.create_key()["KeyMetadata"] for _ in range(2))
        kms.create_alias(AliasName="alias/vending", TargetKeyId=key["KeyId"])
        alias = key["Arn"].replace(f"key/{key['KeyId']}", "alias/vending")
        for named in (key["Arn"], key["KeyId"], "alias/vending", alias):
            assert cloud._is_key(target, named, key["Arn"]), named
            assert not cloud._is_key(target, named, other["Arn"]), named

    def test_an_alias_that_is_not_there_or_may_not_be_looked_up_is_told(
        self, aws: EmulatedAws, target: AwsTarget
    ) -> None:
        with pytest.raises(CheckFailed, match=rf"alias/nobodys is: account {ACCOUNT} has none of that name"):
            cloud._is_key(target, "alias/nobodys", "arn:aws:kms:x:1:key/2")
        denied = Refusal(400, "AccessDeniedException")
        with (
            aws.failing(lambda _: denied),
            pytest.raises(CheckFailed, match=r"needs kms:DescribeKey \(or name it by its ARN: arn:aws:kms:x:1:key/2\)"),
        ):
            cloud._is_key(target, "alias/vending", "arn:aws:kms:x:1:key/2")


class TestQueueAndTopic:
    @pytest.fixture(autouse=True)
    def furnished(self, aws: EmulatedAws, staging: Environment) -> Iterator[None]:
        furnish(aws, staging)
        yield
        aws.reset()

    @pytest.fixture
    def names(self, staging: Environment) -> ByNotifications:
        assert isinstance(staging.arrivals, ByNotifications)
        return staging.arrivals

    def test_they_are_fine_and_a_message_stays_visible(
        self, aws: EmulatedAws, target: AwsTarget, names: ByNotifications
    ) -> None:
        sqs = aws.client("sqs")
        url = sqs.get_queue_url(QueueName=names.queue)["QueueUrl"]
        for _ in range(2):  # the one that S3 sends when it is told of the queue
            assert cloud.queue(target, names) == f"{names.queue}: about 1 messages, and 0 dead letters"
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        assert "s3:TestEvent" in message["Body"]
        assert cloud.topic(target) == f"{target.alerts_topic} has a subscription"

    @pytest.mark.parametrize(
        ("attributes", "told"),
        [
            ({"MessageRetentionPeriod": "345600"}, "it keeps messages for 345600 and not 1209600 seconds"),
            ({"RedrivePolicy": ""}, "its redrive policy does not lead to hinode-vending-arrivals-staging-dlq"),
            ({"RedrivePolicy": "few"}, "its redrive policy gives up after 3 receives and not after 1000"),
        ],
    )
    def test_a_queue_that_is_set_otherwise_is_told(
        self, aws: EmulatedAws, target: AwsTarget, names: ByNotifications, attributes: dict[str, str], told: str
    ) -> None:
        sqs = aws.client("sqs")
        url = sqs.get_queue_url(QueueName=names.queue)["QueueUrl"]
        if attributes.get("RedrivePolicy") == "few":
            kept = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["RedrivePolicy"]
            attributes = {"RedrivePolicy": kept.replace("1000", "3")}
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        with pytest.raises(CheckFailed, match=f"{names.queue}: {told}: see what the queue needs in docs/operating.md"):
            cloud.queue(target, names)

    @pytest.mark.parametrize("which", ["queue", "dead_letters"])
    def test_a_queue_that_is_not_there_is_told(self, target: AwsTarget, names: ByNotifications, which: str) -> None:
        with pytest.raises(CheckFailed, match=rf"nobodys.*: account {ACCOUNT} has none of that name .*: create it"):
            cloud.queue(target, replace(names, **{which: "nobodys"}))

    def test_a_topic_that_is_not_there_or_that_nobody_reads_is_told(self, aws: EmulatedAws, target: AwsTarget) -> None:
        with pytest.raises(CheckFailed, match=rf"nobodys: account {ACCOUNT} has none of that name"):
            cloud.topic(replace(target, alerts_topic=f"{target.alerts_topic}-nobodys"))
        sns = aws.client("sns")
        (subscribed,) = sns.list_subscriptions_by_topic(TopicArn=target.alerts_topic)["Subscriptions"]
        sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
        with pytest.raises(CheckFailed, match="has no subscription, so no one would get its alerts"):
            cloud.topic(target)

    @pytest.mark.parametrize(
        ("look", "refusal", "told"),
        [
            ("queue", Refusal(403, "AccessDenied"), "needs sqs:GetQueueUrl, .* and sqs:ReceiveMessage"),
            ("topic", Refusal(403, "AuthorizationError"), "needs sns:ListSubscriptionsByTopic"),
            ("topic", Refusal(403, "ExpiredToken"), "credentials can't be used .*renew"),
        ],
    )
    def test_a_missing_right_is_told(
        self, aws: EmulatedAws, target: AwsTarget, names: ByNotifications, look: str, refusal: Refusal, told: str
    ) -> None:
        with aws.failing(lambda _: refusal), pytest.raises(CheckFailed, match=told):
            cloud.queue(target, names) if look == "queue" else cloud.topic(target)

    def test_secrets_are_fetched_and_not_shown(self, aws: EmulatedAws, target: AwsTarget) -> None:
        assert cloud.secret(target, target.secrets.warehouse) == "vending/staging/snowflake can be fetched"
        assert cloud.webhook(target) == "vending/staging/slack can be fetched"
        aws.client("secretsmanager").put_secret_value(SecretId=target.secrets.slack, SecretString="hunter2")
        with pytest.raises(CheckFailed, match="vending/staging/slack is not the https address of a webhook") as caught:
            cloud.webhook(target)
        assert "hunter2" not in str(caught.value)
        with pytest.raises(AwsError, match="the secret nobodys can't be fetched"):
            cloud.secret(target, "nobodys")
