"""The administrator's script agrees with what the platform says and expects."""

import re
from pathlib import Path

import pytest

from vending_platform.environment import PROJECT_DIR, load
from vending_platform.warehouse.snowflake import SnowflakeSettings
from vending_platform.warehouse.snowflake.setup import STORAGE_INTEGRATION, setup_statements
from vending_platform.warehouse.snowflake.stage import FOLDER, STAGE

WORK = {"STG": "s3://hinode-vending-data-staging/staging", "PROD": "s3://hinode-vending-data-prod/staging"}
EVERYWHERE = {"COMPANY": "hinode", "AWS_ACCOUNT": "123456789012", "SNOWFLAKE_ACCOUNT": "ab12345"}
VARIABLES = {"STG": {"ENV": "staging"}, "PROD": {"ENV": "production", "KMS_KEY": "alias/vending"}}


def script(suffix: str) -> list[str]:
    text = re.sub(r"--[^\n]*", "", (PROJECT_DIR / "docs" / "snowflake-setup.sql").read_text())
    text = text.replace("&{suffix}", suffix).replace("&{work_url}", WORK[suffix])
    return [" ".join(statement.split()) for statement in text.split(";") if statement.strip()]


@pytest.mark.parametrize("suffix", WORK)
def test_what_the_platform_would_set_up_by_itself_is_part_of_it(suffix: str) -> None:
    assert set(setup_statements(WORK[suffix])) <= set(script(suffix))


@pytest.mark.parametrize("suffix", WORK)
def test_it_makes_what_the_environment_names(suffix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (EVERYWHERE | VARIABLES[suffix]).items():
        monkeypatch.setenv(f"VENDING_{name}", value)
    environment = load()
    target = environment.warehouse
    assert isinstance(target, SnowflakeSettings)
    assert environment.places.work == WORK[suffix]
    made = [statement for statement in script(suffix) if statement.startswith("create")]
    for words in (f"database if not exists {target.database} ", f"warehouse if not exists {target.warehouse} "):
        assert any(words in f"{statement} " for statement in made), words
    for words in (f"user if not exists {target.user} ", f"role if not exists {target.role} "):
        assert any(words in f"{statement} " for statement in made), words


def test_readers_see_marts_and_nothing_else() -> None:
    granted = [statement for statement in script("STG") if statement.endswith("to role VENDING_READER")]
    assert [grant.removesuffix(" to role VENDING_READER") for grant in granted] == [
        "grant usage on warehouse COMPUTE_WH_STG",
        "grant usage on database VENDING_DATA_STG",
        "grant usage on schema VENDING_DATA_STG.MARTS",
        "grant select on all tables in schema VENDING_DATA_STG.MARTS",
        "grant select on future tables in schema VENDING_DATA_STG.MARTS",
    ]


def test_rows_come_and_leave_by_one_folder_of_the_bucket_and_who_loads_may_use_it() -> None:
    (integration,) = [said for said in script("STG") if said.startswith("create storage integration")]
    folder = f"{WORK['STG']}/{FOLDER}/"
    assert integration.endswith(f"storage_allowed_locations = ('{folder}')")
    stages = [said for said in script("STG") if said.startswith("create stage")]
    assert stages == [
        f"create stage if not exists {STAGE} url = '{folder}' storage_integration = {STORAGE_INTEGRATION}"
    ]
    granted = [said for said in script("STG") if said.startswith("grant") and " on stage " in said]
    assert granted == ["grant usage on stage VENDING_DATA_STG.RAW._BATCHES to role VENDING_LOADER"]


def test_every_statement_can_be_repeated_and_destroys_nothing() -> None:
    for statement in script("PROD"):
        words = statement.split()
        assert words[0] in {"use", "create", "grant", "alter"}, statement
        if words[0] == "create":
            assert " if not exists " in statement, statement
            assert " or replace " not in statement
