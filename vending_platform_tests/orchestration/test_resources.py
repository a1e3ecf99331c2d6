"""What the platform works through is visible in Dagster, swapped per environment, and really used."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster_aws.s3 import S3Resource
from dagster_duckdb import DuckDBResource

from vending_platform import aws, environment, secrets
from vending_platform.environment import AwsTarget
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.resources import FilesResource, resources_of, through
from vending_platform.warehouse import WarehouseError
from vending_platform.warehouse.snowflake import SnowflakeSettings
from vending_platform.warehouse.snowflake.dagster_resource import SnowflakeWithKey
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES
from vending_platform_tests.history import history_in
from vending_platform_tests.orchestration.test_environments import VARIABLES

COMMON = {"warehouse", "files", "dbt", "platform", "alerting", "attempt", "io_manager"}


@pytest.fixture
def small(tmp_path: Path, core: Core, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Six days of one machine, not loaded yet."""
    (tmp_path / "sources").mkdir()
    for name, content in FILES.items():
        (tmp_path / "sources" / name).write_bytes(content)
    core.hand_over()
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    return Platform(replace(environment.load(), project_dir=core.project_dir), core.manifest)


def in_environment(name: str, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.delenv("VENDING_DATA_DIR")
    for variable, value in ({"ENV": name} | VARIABLES[name]).items():
        monkeypatch.setenv(f"VENDING_{variable}", value)
    return replace(platform, environment=environment.load())


def shown(platform: Platform) -> dict[str, Any]:
    """The settings of every resource, as the UI has them."""
    found = assemble(platform, {}).get_repository_def().get_top_level_resources()
    return {
        key: resource.config_schema.default_value if resource.config_schema.default_provided else {}
        for key, resource in found.items()
    }


def test_a_laptops_resources_show_their_settings(platform: Platform, tmp_path: Path) -> None:
    found = shown(platform)
    assert found.keys() == COMMON
    assert found["warehouse"]["database"] == str(tmp_path / "dbt_dev.duckdb")
    assert found["warehouse"]["connection_config"] == {"memory_limit": "400MB"}
    assert found["files"]["raw"] == str(tmp_path / "sources")
    assert found["dbt"]["threads"] == 2


@pytest.mark.parametrize(("name", "suffix", "threads"), [("staging", "STG", 4), ("production", "PROD", 8)])
def test_resources_are_swapped_per_environment_and_hold_no_secret(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, name: str, suffix: str, threads: int
) -> None:
    found = shown(in_environment(name, platform, monkeypatch))
    assert found.keys() == COMMON | {"s3", "secrets", "sqs", "sns"}
    warehouse = found["warehouse"]
    assert (warehouse["database"], warehouse["warehouse"]) == (f"VENDING_DATA_{suffix}", f"COMPUTE_WH_{suffix}")
    assert warehouse["private_key_secret"] == f"vending/{name}/snowflake"
    assert (found["s3"]["region_name"], found["dbt"]["threads"]) == ("ap-northeast-1", threads)
    assert found["files"]["processed"].startswith("s3://hinode-vending-data-")
    assert found["sqs"]["queue"].startswith("hinode-vending-arrivals-")
    assert found["sns"]["topic_arn"].startswith("arn:aws:sns:ap-northeast-1:123456789012:hinode-vending-alerts-")
    secret = {"password", "private_key", "private_key_password", "aws_secret_access_key", "aws_session_token"}
    assert not [key for key, settings in found.items() for part in secret & settings.keys() if settings[part]]
    assert "PRIVATE KEY" not in json.dumps(found)


def test_another_warehouse_and_other_places_are_where_everything_goes(small: Platform, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    overrides = {
        "warehouse": DuckDBResource(database=str(elsewhere / "other.duckdb")),
        "files": FilesResource(
            raw=str(tmp_path / "sources"),
            processed=str(elsewhere / "processed"),
            artifacts=str(elsewhere / "artifacts"),
            work=str(elsewhere / "work"),
            encryption="the disk's",
            kms_key=None,
        ),
    }
    with history_in(tmp_path / "dagster") as history:
        done = assemble(small, overrides).resolve_job_def("daily").execute_in_process(instance=history)
    assert done.success
    with duckdb.connect(elsewhere / "other.duckdb", read_only=True) as opened:
        for table in ("raw.sales", "marts.fct_sales", "dq.results_check"):
            ((rows,),) = opened.execute(f"select count(*) from {table}").fetchall()
            assert rows, table
    assert len(list((elsewhere / "processed" / "sales_by_day").glob("*.parquet"))) == len(DAYS)
    assert not (tmp_path / "dbt_dev.duckdb").exists()
    assert not (tmp_path / "processed-data").exists()


def test_connections_are_the_resources_own(platform: Platform, tmp_path: Path) -> None:
    resource = DuckDBResource(database=str(tmp_path / "watched.duckdb"), connection_config={"threads": 1})
    reached = through(platform, resources_of(platform, {"warehouse": resource}))
    with reached.context.warehouse.writing("test", lambda _: None) as writer:
        assert writer.query("select current_setting('threads') as n").to_pylist() == [{"n": 1}]


def test_clients_and_secrets_are_the_resources_own(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    class Kept:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
            return {"SecretString": f"the text of {SecretId}"}

    class Files(S3Resource):
        def get_client(self) -> Any:
            return "a client of the resource"

    staging = in_environment("staging", platform, monkeypatch)
    resources = resources_of(staging, {"s3": Files(region_name="us-east-1", endpoint_url="http://127.0.0.1:9")})
    monkeypatch.setattr(type(resources["secrets"]), "get_client", lambda _: Kept())
    reached = through(staging, resources).environment
    target = reached.aws
    assert isinstance(target, AwsTarget)
    assert str(aws.client(target, "s3")) == "a client of the resource"
    assert (target.region, target.s3_endpoint) == ("us-east-1", "http://127.0.0.1:9")
    assert secrets.fetch(target, target.secrets.slack).get_secret_value() == "the text of vending/staging/slack"
    assert isinstance(reached.warehouse, SnowflakeSettings)
    with pytest.raises(WarehouseError, match="is not the PEM"):  # the text of the secret came as far as the connection
        reached.connect_warehouse({})


def test_a_replaced_secrets_resource_is_the_one_that_snowflake_asks(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = in_environment("staging", platform, monkeypatch)
    standard = resources_of(staging, {})
    other = type(standard["secrets"])(region_name="eu-west-1", account="210987654321", slack="other/slack")
    swapped = resources_of(staging, {"secrets": other})
    assert isinstance(swapped["warehouse"], SnowflakeWithKey)
    assert swapped["warehouse"].secrets_region == "eu-west-1"
    target = through(staging, swapped).environment.aws
    assert target is not None
    assert target.secrets.slack == "other/slack"


def test_a_team_reads_the_warehouse_and_can_not_shut_others_out(small: Platform) -> None:
    resource = resources_of(small, {})["warehouse"]
    with small.context.warehouse.writing("test", lambda _: None) as writer:
        assert writer.query("select 1 as one").num_rows == 1
    with resource.get_connection() as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("create table mine as select 1 as one")


def test_sensors_get_the_platform_through_the_resources(platform: Platform) -> None:
    definitions = assemble(platform, {})
    (watch,) = (sensor for sensor in definitions.sensors or () if sensor.name == "watch")
    repository = definitions.get_repository_def()
    with (
        dg.DagsterInstance.ephemeral() as history,
        dg.build_sensor_context(
            instance=history,
            repository_def=repository,
            resources=dict(repository.get_top_level_resources()),
        ) as context,
    ):
        assert isinstance(watch(context), dg.SkipReason)
