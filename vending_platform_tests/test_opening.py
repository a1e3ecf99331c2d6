"""An environment's floors are opened as its row of the table says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from vending_platform import secrets
from vending_platform.environment import AwsTarget, Environment, Places, load
from vending_platform.opening import Platform
from vending_platform.warehouse.snowflake import SnowflakeWarehouse


@pytest.fixture
def staging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environment:
    """But for its files, which are in a local folder."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ENV": "staging",
        "COMPANY": "hinode",
        "AWS_ACCOUNT": "123456789012",
        "SNOWFLAKE_ACCOUNT": "ab12345",
    }.items():
        monkeypatch.setenv(f"VENDING_{name}", value)
    (tmp_path / "sources").mkdir()
    return replace(load(), places=Places(*(str(tmp_path / name) for name in ("sources", "out", "dbt", "work"))))


def test_on_snowflake_the_key_is_fetched_only_when_it_is_used_and_is_told_to_nobody(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = 0

    def fetch(target: AwsTarget, name: str) -> SecretStr:
        nonlocal fetched
        fetched += 1
        assert (target, name) == (staging.aws, "vending/staging/snowflake")
        return SecretStr("-----BEGIN PRIVATE KEY-----")

    monkeypatch.setattr(secrets, "fetch", fetch)
    platform = Platform(staging, {}, tag={"run_id": "r1"})
    assert isinstance(platform._warehouse(None), SnowflakeWarehouse)  # type: ignore[arg-type]
    project = platform.project
    assert (project.target, project.threads, project.connection.variables, fetched) == ("staging", 4, {}, 0)
    told = project.connection.variables_of_a_command()
    assert fetched == 1
    assert told["DBT_SNOWFLAKE_DATABASE"] == "VENDING_DATA_STG"
    assert json.loads(told["DBT_SNOWFLAKE_QUERY_TAG"]) == {"run_id": "r1"}
    assert [name for name, value in told.items() if "PRIVATE KEY" in value] == ["DBT_ENV_SECRET_SNOWFLAKE_PRIVATE_KEY"]
    assert "PRIVATE KEY" not in repr(platform) + repr(project)
