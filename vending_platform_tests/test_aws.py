"""One chain of credentials for both clients, and clients that neither hurry nor wait for ever."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError

from vending_platform import aws as to_aws
from vending_platform.environment import AwsTarget
from vending_platform.storage import open_storage
from vending_platform_tests.emulators.aws import EmulatedAws, Refusal, times


class Frozen(NamedTuple):
    access_key: str
    secret_key: str = "s"
    token: str | None = None


@pytest.fixture
def target(aws: EmulatedAws) -> AwsTarget:
    target = aws.environment().aws
    assert target is not None
    return target


@pytest.fixture
def rotating(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that boto3 has given out: another one each time."""
    given: list[str] = []

    class Rotating:
        def get_frozen_credentials(self) -> Frozen:
            given.append(f"AKIA{len(given)}")
            return Frozen(given[-1])

    monkeypatch.setattr(boto3.Session, "get_credentials", lambda _: Rotating())
    return given


def test_obstore_gets_what_boto3_has_and_asks_again_before_it_ends(target: AwsTarget, rotating: list[str]) -> None:
    current = to_aws.credentials(target)
    assert rotating == []
    first, second = current(), current()
    assert (first["access_key_id"], second["access_key_id"]) == ("AKIA0", "AKIA1")
    ends = first["expires_at"]
    assert ends is not None
    assert timedelta(minutes=5) < ends - datetime.now(UTC) < timedelta(minutes=10)


@pytest.mark.parametrize(("lasts", "keys"), [(timedelta(minutes=9), 1), (timedelta(seconds=1), 3)])
def test_what_has_ended_is_not_used_again(
    aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch, rotating: list[str], lasts: timedelta, keys: int
) -> None:
    monkeypatch.setattr(to_aws, "_PASSED_ON_FOR", lasts)
    environment = aws.environment()
    work = open_storage(environment.places, environment.aws, encryption=environment.encryption).work
    aws.requests.clear()
    for _ in range(3):
        work.write("a", b"x")
        sleep(0.11)  # more often obstore does not ask
    used = [request.headers["AUTHORIZATION"].split("=")[1].split("/")[0] for request in aws.requests]
    assert len(set(used)) == keys


def test_a_service_that_is_busy_is_asked_again_but_not_for_ever(
    aws: EmulatedAws, target: AwsTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.001)
    throttled = Refusal(400, "Throttling")
    client = to_aws.client(target, "sts")
    with aws.failing(times(2, throttled)):
        assert client.get_caller_identity()["Account"] == target.account
    aws.requests.clear()
    with aws.failing(lambda _: throttled), pytest.raises(to_aws.AWS_ERRORS) as caught:
        client.get_caller_identity()
    assert len(aws.requests) == 6
    assert isinstance(caught.value, ClientError)
    assert to_aws.problem_of(caught.value).kind is to_aws.AwsErrorKind.BUSY


def test_clients_ask_where_the_environment_says_and_give_up_after_a_while(target: AwsTarget) -> None:
    client_of_any: Any = to_aws.client
    for service in ("sns", "sqs", "secretsmanager", "cloudwatch", "sts"):
        meta = client_of_any(target, service).meta
        assert (meta.endpoint_url, meta.region_name) == (target.endpoint, target.region)
        patience = (3, 5) if service in ("sns", "sqs") else (5, 30)
        assert (meta.config.connect_timeout, meta.config.read_timeout) == patience


def test_a_laptop_does_not_even_import_boto3() -> None:
    code = "import sys, vending_platform.opening; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
