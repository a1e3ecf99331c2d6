"""Nothing is read or written in another account, database or warehouse of Snowflake than the settings name."""

from dataclasses import replace

import pytest

from vending_platform.accounts import WrongAccount
from vending_platform.opening import Platform
from vending_platform.warehouse import TableName, WarehouseError
from vending_platform.warehouse.snowflake import SnowflakeWarehouse, checked, connector
from vending_platform.warehouse.snowflake.account import SessionContext
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.emulators.aws import EmulatedAws
from vending_platform_tests.emulators.keys import private_key


def test_the_right_account_is_asked_once_for_all_connections_before_anything_else(account: Account) -> None:
    connect = checked(
        connector(account.settings, private_key, {}, endpoint=account.endpoint), "staging", account.settings
    )
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
def test_an_account_may_be_named_in_every_way_that_leads_there(identifier: str, is_here: bool) -> None:
    where = SessionContext("EMULATOR", "HINODE", "EMULATED_TESTS", None, None, None)
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
    account: Account, wrong: dict[str, str], told: str
) -> None:
    settings = account.settings.model_copy(update=wrong)
    warehouse = SnowflakeWarehouse(
        checked(connector(settings, private_key, {}, endpoint=account.endpoint), "staging", settings),
        account.work,
        account.work_url,
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
def test_another_role_is_refused(account: Account, given: dict[str, str], told: str) -> None:
    """Of a connection that was made elsewhere, such as Dagster's resource."""
    connect = checked(lambda: account.connect(**given), "staging", account.settings)
    account.emulator.sent.clear()
    with pytest.raises(WrongAccount, match=told), connect():
        pytest.fail("it is connected")
    assert len(account.emulator.sent) == 1


def test_a_role_that_the_user_does_not_have_is_told_as_what_it_is(account: Account) -> None:
    settings = account.settings.model_copy(update={"role": "ACCOUNTADMIN"})
    with (
        pytest.raises(WarehouseError, match=r"with the role ACCOUNTADMIN into .*is not granted to this user"),
        checked(connector(settings, private_key, {}, endpoint=account.endpoint), "staging", settings)(),
    ):
        pytest.fail("it is connected")


@pytest.mark.parametrize("key", ["", "secret words", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"])
def test_a_key_that_is_none_is_told_and_not_shown(account: Account, key: str) -> None:
    with pytest.raises(WarehouseError, match="is not the PEM of a private key") as caught:
        connector(account.settings, lambda: key, {}, endpoint=account.endpoint)()
    assert key not in str(caught.value) or not key


def test_a_platform_opens_no_warehouse_that_is_somebody_elses(
    account: Account, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = account.settings.model_copy(update={"account": "ab12345"})
    monkeypatch.setattr("vending_platform.warehouse.snowflake.private_key_of", lambda _: private_key())
    platform = Platform(replace(aws.environment(), warehouse=settings, warehouse_endpoint=account.endpoint), {})
    account.emulator.sent.clear()
    with pytest.raises(WrongAccount), platform._warehouse(account.work).reading():
        pytest.fail("it reads")
    assert len(account.emulator.sent) == 1
