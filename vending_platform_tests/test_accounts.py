"""Nothing is touched with the credentials, or in the bucket, of another account."""

import os
from dataclasses import replace

import pytest

from vending_platform.accounts import WrongAccount, _Where, check_account, checked
from vending_platform.aws import AwsError
from vending_platform.environment import EnvironmentName, Places, load
from vending_platform.platform import Platform
from vending_platform.warehouse import SnowflakeWarehouse, TableName, WarehouseError, connector
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.emulators.aws import ACCOUNT, EmulatedAws, Refusal, Request
from vending_platform_tests.emulators.keys import private_key

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
        pytest.raises(AwsError, match=rf"whose credentials .* can't be used \({code}: .*renew"),
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


class TestSnowflake:
    def test_the_right_account_is_asked_once_for_all_connections_before_anything_else(self, account: Account) -> None:
        connect = checked(connector(account.target, private_key, {}), "staging", account.target)
        account.emulator.sent.clear()
        warehouse = SnowflakeWarehouse(connect, account.work, account.work_url)
        with warehouse.writing("test", print) as writer:
            assert not writer.has_table(TableName("raw", "nowhere"))
        with warehouse.reading():
            pass
        asked = [sent.shape for sent in account.emulator.sent]
        assert asked[0].startswith("select current_account() as locator")
        assert asked.count(asked[0]) == 1
        assert asked.count("alter session set timezone = ?, lock_timeout = ?") == 3

    @pytest.mark.parametrize(
        ("identifier", "is_here"),
        [
            ("emulator", True),
            ("EMULATOR.ap-northeast-1", True),
            ("emulator.ap-northeast-1.aws", True),
            ("hinode-emulated_tests", True),
            ("Hinode-Emulated-Tests.privatelink", True),
            ("emulator2", False),
            ("hinode", False),
            ("hinode-emulator", False),
            ("emulated_tests", False),
            ("", False),
        ],
    )
    def test_an_account_may_be_named_in_every_way_that_leads_there(self, identifier: str, is_here: bool) -> None:
        where = _Where("EMULATOR", "HINODE", "EMULATED_TESTS", None, None, None)
        assert where.is_account(identifier) is is_here

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"account": "ab12345.ap-northeast-1"}, r"account ab12345\S+ \(VENDING_SNOWFLAKE_ACCOUNT\), but .* E"),
            ({"account": "hinode-emulator"}, r"this is the account EMULATOR \(HINODE-EMULATED_TESTS\)"),
            ({"database": "VENDING_DATA"}, "database VENDING_DATA, but .* none of that name, or the role VENDING_"),
            ({"warehouse": "COMPUTE_WH"}, "warehouse COMPUTE_WH, but .* none .*docs/snowflake-setup.sql"),
        ],
    )  # fmt: skip
    def test_whoever_is_elsewhere_is_refused_and_sends_nothing_more(
        self, account: Account, wrong: dict[str, str], told: str
    ) -> None:
        target = replace(account.target, **wrong)
        warehouse = SnowflakeWarehouse(
            checked(connector(target, private_key, {}), "staging", target), account.work, account.work_url
        )
        account.emulator.sent.clear()
        for number in (1, 2):  # and is asked again the next time
            with (
                pytest.raises(WrongAccount, match=rf"staging .*{told}.*\bnothing was touched"),
                warehouse.writing("test", print),
            ):
                pytest.fail("it may write")
            assert [sent.shape[:24] for sent in account.emulator.sent] == ["select current_account()"] * number

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({}, "role VENDING_PLATFORM_STG, but this connection has the role PUBLIC"),
            ({"role": "VENDING_PLATFORM_PROD"}, "this connection has the role VENDING_PLATFORM_PROD"),
            ({"role": "VENDING_PLATFORM_STG"}, "warehouse COMPUTE_WH_STG, but .* there is none"),
        ],
    )
    def test_another_role_is_refused(self, account: Account, given: dict[str, str], told: str) -> None:
        """Of a connection that somebody else has made, such as Dagster's resource."""
        connect = checked(lambda: account.connect(**given), "staging", account.target)
        account.emulator.sent.clear()
        with pytest.raises(WrongAccount, match=told), connect():
            pytest.fail("it is connected")
        assert len(account.emulator.sent) == 1

    def test_a_role_that_the_user_does_not_have_is_told_as_what_it_is(self, account: Account) -> None:
        target = replace(account.target, role="ACCOUNTADMIN")
        with (
            pytest.raises(WarehouseError, match=r"with the role ACCOUNTADMIN not into .*is not granted to this user"),
            checked(connector(target, private_key, {}), "staging", target)(),
        ):
            pytest.fail("it is connected")

    @pytest.mark.parametrize(
        "key", ["", "secret words", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"]
    )
    def test_a_key_that_is_none_is_told_and_not_shown(self, account: Account, key: str) -> None:
        with pytest.raises(WarehouseError, match="no PEM of a private key") as caught:
            connector(account.target, lambda: key, {})()
        assert key not in str(caught.value) or not key

    def test_a_platform_opens_no_warehouse_that_is_somebody_elses(
        self, account: Account, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target = replace(account.target, account="ab12345")
        monkeypatch.setattr("vending_platform.platform.private_key_of", lambda _: private_key())
        platform = Platform(replace(aws.environment(), warehouse=target), {})
        account.emulator.sent.clear()
        with pytest.raises(WrongAccount), platform._warehouse(account.work).reading():
            pytest.fail("it reads")
        assert len(account.emulator.sent) == 1
