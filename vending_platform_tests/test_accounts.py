"""Nothing is touched with the credentials, or in the bucket, of another account."""

import os
from dataclasses import replace

import pytest

from vending_platform.accounts import WrongAccount, check_account
from vending_platform.aws import AwsError
from vending_platform.environment import EnvironmentName, Places, load
from vending_platform_tests.emulators.aws import ACCOUNT, EmulatedAws, Refusal, Request

BUCKET = "hinode-vending-data-staging"
STRANGER = "999999999999"


@pytest.mark.parametrize("name", [EnvironmentName.STAGING, EnvironmentName.PRODUCTION])
def test_the_right_account_is_found_with_two_questions(aws: EmulatedAws, name: EnvironmentName) -> None:
    aws.reset()
    check_account(aws.environment(name))
    assert [(request.method, request.headers.get("X_AMZ_EXPECTED_BUCKET_OWNER")) for request in aws.requests] == [
        ("POST", None),
        ("HEAD", ACCOUNT),
    ]


def test_a_laptop_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith(("VENDING_", "AWS_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setattr("vending_platform.aws.client", lambda *_: pytest.fail("AWS was asked"))
    check_account(load())


def test_credentials_of_another_account_are_refused_before_the_bucket_is_asked_for(
    aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"arn:aws:iam::{STRANGER}:role/production"
    assumed = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="mistake")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", assumed["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", assumed["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", assumed["SessionToken"])
    aws.requests.clear()
    with pytest.raises(WrongAccount, match=f"staging is in AWS account {ACCOUNT} .*account {STRANGER} .*/production"):
        check_account(aws.environment())
    assert [request.method for request in aws.requests] == ["POST"]


def test_a_bucket_of_somebody_else_is_refused(aws: EmulatedAws) -> None:
    """The credentials are right, and the bucket may be looked at; but it is not ours."""

    def owned_by_a_stranger(request: Request) -> Refusal | None:
        return Refusal(403, "") if "X_AMZ_EXPECTED_BUCKET_OWNER" in request.headers else None

    with (
        aws.failing(owned_by_a_stranger),
        pytest.raises(WrongAccount, match=rf"s3://{BUCKET}: it does not belong to account {ACCOUNT} \S+: nothing"),
    ):
        check_account(aws.environment())


def test_a_bucket_that_may_not_be_looked_at_says_what_it_may_be(aws: EmulatedAws) -> None:
    with (
        aws.failing(lambda request: Refusal(403, "") if request.method == "HEAD" else None),
        pytest.raises(WrongAccount, match=rf"belong to account {ACCOUNT} .*, or this role lacks s3:ListBucket on it"),
    ):
        check_account(aws.environment())


def test_a_bucket_in_another_region_is_refused(aws: EmulatedAws) -> None:
    elsewhere = aws.environment(VENDING_AWS_REGION="ap-northeast-3")
    with pytest.raises(WrongAccount, match=rf"is in ap-northeast-3, but s3://{BUCKET} is in ap-northeast-1"):
        check_account(elsewhere)


def test_a_bucket_that_is_not_there_is_told_by_its_name(aws: EmulatedAws) -> None:
    with pytest.raises(AwsError, match=r"s3://nobody-vending-data-staging: there is no such bucket; VENDING_COMPANY"):
        check_account(aws.environment(VENDING_COMPANY="nobody"))


def test_every_bucket_is_looked_at_and_no_folder(aws: EmulatedAws) -> None:
    environment = aws.environment()
    places = Places("/a/folder", "s3://nobody/here", environment.places.artifacts, environment.places.work)
    with pytest.raises(AwsError, match="s3://nobody: there is no such bucket"):
        check_account(replace(environment, places=places))


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_are_no_longer_taken_are_told(aws: EmulatedAws, code: str) -> None:
    with (
        aws.failing(lambda _: Refusal(403, code)),
        pytest.raises(AwsError, match=rf"account of the credentials .* can't be used \({code}: .*renew"),
    ):
        check_account(aws.environment())


def test_a_store_that_is_not_there_is_told_with_where_it_was_looked_for(
    aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vending_platform.aws._TRIES", 1)
    with pytest.raises(
        AwsError, match=rf"s3://{BUCKET}: s3 can't be reached .*VENDING_S3_ENDPOINT=http://127\.0\.0\.1:1"
    ):
        check_account(aws.environment(VENDING_S3_ENDPOINT="http://127.0.0.1:1"))
