"""Every environment's definitions load anywhere, and connect nowhere: no network, no secret, no credentials."""

import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vending_platform import aws, environment
from vending_platform.definitions import build_definitions

EVERYWHERE = {"COMPANY": "hinode", "AWS_ACCOUNT": "123456789012", "SNOWFLAKE_ACCOUNT": "ab12345"}
VARIABLES = {
    "development": {},
    "staging": EVERYWHERE,
    "production": EVERYWHERE | {"KMS_KEY": "alias/vending"},
}
DATABASES = {"development": "dbt_dev", "staging": "VENDING_DATA_STG", "production": "VENDING_DATA_PROD"}
RUNNING, STOPPED = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED
SCHEDULES = {
    "development": {"daily_schedule": ("0 3 * * *", STOPPED)},
    "staging": {
        "extract_schedule": ("0 2 * * *", RUNNING),
        "extract_items_schedule": ("0 5 * * *", RUNNING),
        "ingest_schedule": ("0 1 * * *", RUNNING),
        "daily_schedule": ("0 3 * * *", RUNNING),
        "forecast_schedule": ("0 4 * * *", RUNNING),
        "maintain_lake_schedule": ("30 5 * * *", RUNNING),
    },
    "production": {
        "extract_schedule": ("0 2 * * *", RUNNING),
        "extract_items_schedule": ("0 5 * * *", RUNNING),
        "ingest_schedule": ("0 2 * * *", RUNNING),
        "daily_schedule": ("0 4 * * *", RUNNING),
        "forecast_schedule": ("0 5 * * *", RUNNING),
        "maintain_lake_schedule": ("30 6 * * *", RUNNING),
    },
}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: Any, **__: Any) -> Any:
        raise AssertionError("something is asked of the network, or of AWS")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, nowhere)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    monkeypatch.setattr(aws, "client", nowhere)
    for name in [name for name in os.environ if name.startswith(("AWS_", "VENDING_", "DBT_"))]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("offline", "catalog")
@pytest.mark.parametrize("name", VARIABLES)
def test_definitions_load(name: str, manifest_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, value in ({"ENV": name} | VARIABLES[name]).items():
        monkeypatch.setenv(f"VENDING_{variable}", value)
    shutil.copytree(manifest_cache, tmp_path / "scratch" / "manifest")
    definitions = build_definitions(replace(environment.load(), scratch=tmp_path / "scratch"))
    dg.Definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {"ingest", "transform", "export", "daily"}
    schedules = {one.name: (one.cron_schedule, one.default_status) for one in repository.schedule_defs}
    assert schedules == SCHEDULES[name]
    forecasting = repository.get_job("forecast").asset_layer.selected_asset_keys
    assert {"ml/unit_forecasts", "ml/forecast_errors"} < {key.to_user_string() for key in forecasting}
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    others = {"extract_schedule", "extract_items_schedule", "maintain_lake_schedule", "forecast_schedule"}
    loading = SCHEDULES[name].keys() - others
    for key in ("raw/sales", "marts/fct_sales", "exports/sales_by_day"):
        started = [line.split(":")[0] for line in specs[key].metadata["schedules"].splitlines()]
        assert set(started) == (loading if key == "raw/sales" else {"daily_schedule"})
        is_noticed = key == "raw/sales" or name == "development"
        assert ("arrivals" in specs[key].metadata.get("sensor", "")) is is_noticed, key
    storage = "duckdb" if name == "development" else "snowflake"
    assert specs["marts/fct_sales"].kinds == {"dbt", "table", storage}
    for key in ("raw/sales", "marts/fct_sales", "staging/stg_vending__sales"):
        table = f"{DATABASES[name]}.{key.replace('/', '.')}"
        shown = specs[key].metadata
        assert shown["dagster/table_name"] == (table if storage == "duckdb" else table.upper())
        assert shown["dagster/storage_kind"] == storage
