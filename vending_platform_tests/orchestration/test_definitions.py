"""What a person meets in Dagster, before anything has run."""

import tomllib
from dataclasses import replace

import dagster as dg
import pytest
import yaml

from vending_platform.environment import PROJECT_DIR, EnvironmentName
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.names import LOCATION

OURS = {
    "raw": {"_files", "_rejected_rows", "_master_versions"},
    "dq": {"results_run", "results_check", "results_failed_rows"},
}


@pytest.fixture
def definitions(platform: Platform) -> dg.Definitions:
    return assemble(platform, {})


@pytest.fixture
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_every_source_model_and_export_is_an_asset(platform: Platform, specs: dict[str, dg.AssetSpec]) -> None:
    models = {f"{model.schema_name}/{model.name}" for model in platform.catalog.models}
    sources = {f"raw/{source.name}" for source in platform.catalog}
    assert {"raw/sales", "raw/staff"} < sources
    ours = {f"{layer}/{name}" for layer, names in OURS.items() for name in names}
    exports = {f"exports/{export.name}" for export in platform.catalog.exports}
    extracted = {f"extracted/{source.name}" for source in platform.catalog if source.extract is not None}
    assert specs.keys() == {"deliveries", "lake/maintenance"} | sources | models | ours | exports | extracted


def test_every_deployment_calls_the_code_location_the_same() -> None:
    text = {name: (PROJECT_DIR / name).read_text() for name in ("pyproject.toml", "dagster_cloud.yaml", "Dockerfile")}
    assert tomllib.loads(text["pyproject.toml"])["tool"]["dg"]["project"]["code_location_name"] == LOCATION
    assert yaml.safe_load(text["dagster_cloud.yaml"])["locations"][0]["location_name"] == LOCATION
    assert f'"--location-name", "{LOCATION}"' in text["Dockerfile"]
    for workspace, names in (("workspace.yaml", [LOCATION, "dpc"]), ("deployment/workspace.yaml", [LOCATION])):
        locations = yaml.safe_load((PROJECT_DIR / workspace).read_text())["load_from"]
        assert [how["location_name"] for location in locations for how in location.values()] == names


def test_every_asset_says_what_it_is_and_whose(platform: Platform, specs: dict[str, dg.AssetSpec]) -> None:
    fleets = {f"raw/{source.name}" for source in platform.catalog if ".vending.vending." in source.unique_id}
    models = {f"{model.schema_name}/{model.name}" for model in platform.catalog.models}
    emails = {f"exports/{export.name}": export.email for export in platform.catalog.exports if export.email}
    owners = dict.fromkeys(fleets | models, "data-team@example.com") | emails
    for key, spec in specs.items():
        assert spec.description, key
        assert spec.group_name == ("raw" if key == "deliveries" else key.split("/")[0])
        assert spec.kinds, key
        is_made_by_us = key == "deliveries" or key.startswith(("raw/_", "dq/"))
        assert key not in owners or spec.owners == [owners[key]], key
        assert is_made_by_us or spec.code_version, key
    assert specs["marts/fct_sales"].kinds == {"dbt", "duckdb", "table"}
    assert specs["staging/stg_vending__sales"].kinds == {"dbt", "duckdb", "view"}


def test_lineage_goes_from_the_storage_to_the_exports(specs: dict[str, dg.AssetSpec]) -> None:
    def parents(key: str) -> set[str]:
        return {dep.asset_key.to_user_string() for dep in specs[key].deps}

    before = {"staging/base_vending__sales", "staging/base_vending__sales_superseded"}
    assert parents("raw/sales") == {"deliveries"}
    assert parents("staging/base_vending__sales") == {"raw/sales"}
    assert parents("staging/stg_vending__sales") == before
    assert parents("marts/fct_sales") == {"intermediate/int_vends_priced"}
    assert parents("exports/sales_by_day") == {"marts/fct_sales"}


def test_what_has_business_days_is_partitioned_and_backfilled_in_one_run(
    platform: Platform, definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]
) -> None:
    daily = {key for key, spec in specs.items() if spec.partitions_def is not None}
    exports = {f"exports/{export.name}" for export in platform.catalog.exports if export.is_by_day}
    assert {"exports/sales_by_day", "exports/daily_summary"} < exports
    built_by_day = {f"{model.schema_name}/{model.name}" for model in platform.catalog.models if model.is_dated}
    assert exports | built_by_day < daily
    assert {"raw/sales", "staging/stg_vending__sales", "intermediate/int_replenishments_valued"} < daily
    assert not {"raw/products", "staging/stg_vending__products", "marts/dim_products"} & daily
    graph = definitions.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        assert graph.get(key).backfill_policy == dg.BackfillPolicy.single_run(), key


def test_tests_of_models_are_checks_and_raw_has_checks_of_its_own(definitions: dg.Definitions) -> None:
    checks = {(key.asset_key.to_user_string(), key.name) for key in definitions.resolve_asset_graph().asset_check_keys}
    assert ("raw/sales", "contract_held") in checks
    assert ("raw/staff", "contract_held") in checks
    assert ("raw/sales", "delivery_complete") in checks
    assert ("raw/staff", "delivery_complete") not in checks
    assert ("deliveries", "no_undeclared_files") in checks
    assert ("marts/fct_sales", "unique_fct_sales_transaction_id") in checks


def test_jobs_sensors_and_schedule_of_a_laptop(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {"ingest", "transform", "export", "daily"}
    (schedule,) = definitions.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    sensors = {sensor.name: sensor.default_status for sensor in repository.sensor_defs}
    assert sensors == dict.fromkeys(("arrivals", "watch"), dg.DefaultSensorStatus.STOPPED)
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_elsewhere_the_schedules_run_when_the_environment_says(platform: Platform) -> None:
    production = replace(
        platform.environment,
        name=EnvironmentName.PRODUCTION,
        ingestion_starts="02:00",
        transformation_starts="04:00",
    )
    definitions = assemble(replace(platform, environment=production), {})
    starts = {}
    for schedule in definitions.schedules or ():
        assert isinstance(schedule, dg.ScheduleDefinition)
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
        starts[schedule.job_name] = schedule.cron_schedule
    assert starts == {"ingest": "0 2 * * *", "daily": "0 4 * * *"}
