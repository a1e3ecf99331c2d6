"""`vending doctor` looks at all that an environment needs, changes none of it, and says how to fix what is wrong."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vending_platform.cli import app
from vending_platform.doctor import Diagnosis, Health, checks_of, examine
from vending_platform.environment import Environment, EnvironmentName, load
from vending_platform.warehouse import WarehouseError
from vending_platform.warehouse.snowflake import check_setup, check_stage, connector
from vending_platform_tests.emulators.accounts import Account
from vending_platform_tests.emulators.aws import BUCKET, EmulatedAws, Refusal, Request
from vending_platform_tests.emulators.aws_setup import furnish
from vending_platform_tests.emulators.keys import private_key

DONE, NEEDS_A_PERSON = 0, 3


def vending(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def told() -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and of each check how it is and what was said."""
    result = vending("doctor", "--json")
    findings: list[dict[str, Any]] = json.loads(result.stdout)
    return result.exit_code, {one["check"]: (one["health"], one["message"]) for one in findings}


def looked_at(environment: Environment, *names: str) -> dict[str, Diagnosis]:
    """These checks and what they rest on."""
    table = {check.name: check for check in checks_of(lambda: environment)}
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        check = table[waiting.pop()]
        wanted.add(check.name)
        waiting += check.needs
    return {found.check: found for found in examine([check for name, check in table.items() if name in wanted])}


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to work in, and no settings."""
    for name in [name for name in os.environ if name.upper().startswith("VENDING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestOnALaptop:
    def test_all_is_fine_without_a_network_and_nothing_is_made(
        self, somewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_network(*_: object) -> None:
            pytest.fail("it looks for a network")

        monkeypatch.setattr("socket.socket.connect", no_network)
        (somewhere / "data" / "sources").mkdir(parents=True)
        result = vending("doctor")
        assert result.exit_code == DONE, result.output
        lines = [line.split(":")[0].split(maxsplit=1) for line in result.stdout.splitlines()]
        assert {health for health, _ in lines} == {"fine"}
        assert [check for _, check in lines] == [
            "settings", "Python", "packages", "deliveries", "exports", "dbt artifacts", "work in flight",
            "scratch folder", "Dagster's home", "disk", "warehouse file", "dbt",
        ]  # fmt: skip
        assert sorted(somewhere.rglob("*")) == [somewhere / "data", somewhere / "data" / "sources"]

    def test_what_is_wrong_is_told_with_what_rests_on_it(self, somewhere: Path) -> None:
        (somewhere / "data").mkdir()
        (somewhere / "data" / "dbt_dev.duckdb").write_text("no database")
        exit_code, findings = told()
        assert exit_code == NEEDS_A_PERSON
        assert findings["deliveries"] == (
            "wrong",
            "data/sources is not a folder: make it, or set VENDING_DATA_DIR to where deliveries are expected",
        )
        assert findings["warehouse file"][0] == "wrong"
        assert findings["dbt"] == ("skipped", "because of: warehouse file")
        assert findings["disk"][0] == "fine"

    def test_settings_that_can_not_be_used_are_a_finding_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VENDING_ENV", "staging")
        exit_code, findings = told()
        assert exit_code == NEEDS_A_PERSON
        health, words = findings["settings"]
        assert health == "wrong"
        assert words.startswith("Settings can't be used: staging needs VENDING_COMPANY, VENDING_AWS_ACCOUNT")
        assert findings["everything else"] == ("skipped", "because of: settings")
        assert findings["packages"][0] == "fine"


@pytest.fixture(scope="module")
def staged(aws: EmulatedAws) -> Iterator[EmulatedAws]:
    """AWS as staging needs it."""
    aws.reset()
    furnish(aws, aws.environment())
    yield aws
    aws.reset()


@pytest.fixture
def staging(staged: EmulatedAws, account: Account, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """All of it is there and set up, with a database of its own."""
    environment = replace(
        staged.environment(VENDING_SLACK_ALERTS="true"),
        warehouse=account.settings,
        warehouse_endpoint=account.endpoint,
        places=replace(staged.environment().places, work=account.work_url),
    )
    monkeypatch.setattr("vending_platform.environment.load", lambda: environment)
    with account.warehouse().reserved("an administrator", print):
        pass
    staged.requests.clear()
    account.emulator.sent.clear()
    return environment


class TestInTheCloud:
    def test_all_is_fine_and_nothing_is_changed(self, staging: Environment, account: Account) -> None:
        exit_code, findings = told()
        assert [(name, words) for name, (health, words) in findings.items() if health != "fine"] == []
        assert exit_code == DONE
        assert list(findings) == [
            "settings", "Python", "packages", "clock", "AWS account", f"s3://{BUCKET}", "secret of Snowflake",
            "secret of Slack", "queue", "alerts' topic", "deliveries", "exports", "dbt artifacts", "work in flight",
            "encryption", "scratch folder", "Dagster's home", "disk", "Snowflake", "Snowflake's set-up",
            "Snowflake's stage", "dbt",
        ]  # fmt: skip
        assert findings["dbt"][1].endswith("connects")
        assert list(account.work.files()) == []
        written = {r.path.split("/doctor/")[0] for r in account.aws.requests if r.method in ("PUT", "DELETE")}
        assert written == {
            f"/{BUCKET}/processed-data",  # where a PUT is refused, as nothing is there to be replaced
            f"/{BUCKET}/dbt-artifacts",
            f"/{BUCKET}/{account.database}/staging",
        }
        said = {sent.shape.removeprefix("dbt: ").split()[0] for sent in account.emulator.sent}
        assert said == {"select", "list", "alter"}
        assert {sent.shape for sent in account.emulator.sent if sent.shape.startswith("alter")} == {
            "alter session set timezone = ?, lock_timeout = ?"
        }

    def test_in_the_wrong_account_no_bucket_and_no_secret_is_looked_at(
        self, staging: Environment, account: Account
    ) -> None:
        assert staging.aws is not None
        stranger = replace(staging, aws=replace(staging.aws, account="999999999999"))
        found = looked_at(stranger, "deliveries", "encryption", "queue", "Snowflake's stage", "clock")
        assert found["AWS account"].message.startswith("staging is in AWS account 999999999999")
        assert found.pop("clock").health is Health.FINE
        assert found.pop("AWS account").health is Health.WRONG
        assert {one.health for one in found.values()} == {Health.SKIPPED}
        assert found["queue"].message == "because of: AWS account"
        assert found["encryption"].message == "because of: work in flight"
        assert {request.path for request in account.aws.requests} == {"/"}
        assert account.emulator.sent == []

    def test_one_place_that_is_denied_spoils_no_other(self, staging: Environment, account: Account) -> None:
        def denied(request: Request) -> Refusal | None:
            is_meant = request.method == "PUT" and "dbt-artifacts" in request.path
            return Refusal(403, "AccessDenied", "not you") if is_meant else None

        with account.aws.failing(denied):
            found = looked_at(staging, "deliveries", "exports", "dbt artifacts", "work in flight", "encryption")
        assert {name for name, one in found.items() if one.health is Health.WRONG} == {"dbt artifacts"}
        assert "can't be written: it is denied to this role (AccessDenied: not you), which needs s3:PutObject" in (
            found["dbt artifacts"].message
        )
        assert Health.SKIPPED not in {one.health for one in found.values()}

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"account": "ab12345"}, "staging is in Snowflake's account ab12345 (VENDING_SNOWFLAKE_ACCOUNT), but"),
            ({"database": "NOBODYS"}, "staging uses Snowflake's database NOBODYS, but"),
            ({"role": "NOBODYS"}, "Snowflake does not let VENDING_PLATFORM_STG with the role NOBODYS into the account"),
        ],
    )  # fmt: skip
    def test_another_snowflake_is_told_and_nothing_more_is_asked_there(
        self, staging: Environment, account: Account, wrong: dict[str, str], words: str
    ) -> None:
        elsewhere = replace(staging, warehouse=staging.warehouse.model_copy(update=wrong))
        found = looked_at(elsewhere, "Snowflake's stage", "dbt")
        assert found["Snowflake"].message.startswith(words)
        assert {found[name].health for name in ("Snowflake's set-up", "Snowflake's stage", "dbt")} == {Health.SKIPPED}
        assert len(account.emulator.sent) <= 1

    def test_a_snowflake_that_is_not_there_is_told_in_time(
        self, staging: Environment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("vending_platform.warehouse.snowflake.health._LOGIN_SECONDS", 1)
        nowhere = replace(staging, warehouse_endpoint="http://127.0.0.1:1")
        found = looked_at(nowhere, "dbt")
        assert found["Snowflake"].health is Health.WRONG
        assert "Could not connect to Snowflake backend" in found["Snowflake"].message
        assert found["dbt"].message == "because of: Snowflake"

    def test_a_database_that_nobody_has_set_up_is_told(self, account: Account) -> None:
        connect = connector(account.settings, private_key, {}, endpoint=account.endpoint)
        with pytest.raises(
            WarehouseError, match=r"not granted to this role: RAW, STAGING, .*, _PUBLICATIONS; docs/snowflake-s"
        ):
            check_setup(connect)
        with pytest.raises(
            WarehouseError, match=r"the stage \"RAW\"\.\"_BATCHES\" is missing, .*docs/snowflake-setup\.sql"
        ):
            check_stage(connect, account.work_url)

    def test_a_stage_that_leads_elsewhere_or_to_a_closed_door_is_told(
        self, staging: Environment, account: Account
    ) -> None:
        connect = connector(account.settings, private_key, {}, endpoint=account.endpoint)
        with pytest.raises(WarehouseError, match=rf"leads to {account.work_url}/publications/, and .* to s3://x/y"):
            check_stage(connect, "s3://x/y")
        with (
            account.aws.failing(lambda _: Refusal(403, "AccessDenied")),
            pytest.raises(WarehouseError, match=r"Snowflake can't read .*AccessDenied.*VENDING_STORAGE needs s3:List"),
        ):
            check_stage(connect, account.work_url)

    def test_a_key_that_is_none_is_told_and_not_shown(self, staging: Environment, staged: EmulatedAws) -> None:
        manager, name = staged.client("secretsmanager"), "vending/staging/snowflake"
        manager.put_secret_value(SecretId=name, SecretString="hunter2")
        try:
            found = looked_at(staging, "Snowflake's set-up")
        finally:
            manager.put_secret_value(SecretId=name, SecretString=private_key())
        assert found["Snowflake"].health is Health.WRONG
        assert "is not the PEM of a private key" in found["Snowflake"].message
        assert "hunter2" not in str(found)


def test_every_environment_has_a_table(staged: EmulatedAws) -> None:
    """Each check rests on others of the same table, and ends."""
    for environment in (load(), *map(staged.environment, (EnvironmentName.STAGING, EnvironmentName.PRODUCTION))):
        table = checks_of(lambda given=environment: given)  # type: ignore[misc]
        names = [check.name for check in table]
        assert len(set(names)) == len(names)
        assert {need for check in table for need in check.needs} <= set(names)
        assert all(0 < check.seconds <= 60 for check in table)
        assert ("encryption" in names) is ("clock" in names) is (environment.aws is not None)
