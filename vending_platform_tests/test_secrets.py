"""A secret is fetched when it is used, is told by its name when it can't be fetched, and is shown nowhere."""

import logging
import traceback

import pytest

from vending_platform.environment import AwsTarget
from vending_platform.secrets import SecretUnavailable, fetch
from vending_platform_tests.emulators.aws import ACCOUNT, REGION, EmulatedAws, Refusal

VALUE = "correct horse battery staple"
NAME = "vending/staging/slack"


@pytest.fixture
def target(aws: EmulatedAws) -> AwsTarget:
    aws.reset()
    aws.client("secretsmanager").create_secret(Name=NAME, SecretString=VALUE)
    target = aws.environment().aws
    assert target is not None
    return target


def test_it_is_had_by_the_name_that_the_environment_gives_and_anew_each_time(
    aws: EmulatedAws, target: AwsTarget
) -> None:
    assert fetch(target, target.secrets.slack).get_secret_value() == VALUE
    aws.client("secretsmanager").put_secret_value(SecretId=NAME, SecretString="rotated")
    assert fetch(target, target.secrets.slack).get_secret_value() == "rotated"


def test_neither_what_prints_it_nor_the_most_talkative_log_shows_it(
    target: AwsTarget, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in (None, "botocore"):
        caplog.set_level(logging.DEBUG, logger)
    secret = fetch(target, NAME)
    assert "GetSecretValue" in caplog.text, "the log was not talkative"
    assert VALUE not in caplog.text
    assert VALUE not in f"{secret} {secret!r}"


def test_a_secret_kept_as_bytes_is_refused_and_not_shown(aws: EmulatedAws, target: AwsTarget) -> None:
    aws.client("secretsmanager").create_secret(Name="binary", SecretBinary=VALUE.encode())
    with pytest.raises(SecretUnavailable, match="the secret binary can't be used: it is binary") as caught:
        fetch(target, "binary")
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert VALUE not in "".join(shown.format())


def test_a_missing_secret_is_told_by_its_name(target: AwsTarget) -> None:
    with pytest.raises(
        SecretUnavailable, match=f"vending/staging/snowflake can't be fetched: account {ACCOUNT} has none .*{REGION}"
    ):
        fetch(target, target.secrets.warehouse)


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (Refusal(400, "AccessDeniedException", "not you"), "not you.*needs secretsmanager:GetSecretValue.*kms:Decrypt"),
        (Refusal(400, "DecryptionFailure", "no key"), "DecryptionFailure: no key"),
        (Refusal(400, "InvalidRequestException", "marked for deletion"), "marked for deletion"),
        (Refusal(400, "ExpiredTokenException"), "credentials can't be used .*renew"),
    ],
)
def test_why_it_cannot_be_had_is_one_message(aws: EmulatedAws, target: AwsTarget, refusal: Refusal, told: str) -> None:
    with aws.failing(lambda _: refusal), pytest.raises(SecretUnavailable, match=rf"the secret {NAME} .*{told}"):
        fetch(target, NAME)


def test_a_service_that_is_not_there_is_told_with_where_it_was_looked_for(
    aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vending_platform.aws._TRIES", 1)
    target = aws.environment(VENDING_AWS_ENDPOINT="http://127.0.0.1:1").aws
    assert target is not None
    with pytest.raises(SecretUnavailable, match=r"can't be reached .*VENDING_AWS_ENDPOINT=http://127\.0\.0\.1:1"):
        fetch(target, NAME)
