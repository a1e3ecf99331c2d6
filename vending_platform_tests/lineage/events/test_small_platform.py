"""A small platform's runs, good and bad, as OpenLineage events."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vending_platform import environment, operations
from vending_platform.opening import Platform
from vending_platform.warehouse import WarehouseError
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES, name
from vending_platform_tests.ingestion.raw_folder import sales, sales_row
from vending_platform_tests.lineage.events.sent import ends, flushed_events
from vending_platform_tests.lineage.events.specification import check_events

PERSON = "山田 Canary"
"""A person's name, which must be in no event."""


def opened(folder: Path, core: Core) -> Platform:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VENDING_DATA_DIR", str(folder))
        loaded = environment.load()
    return Platform(replace(loaded, project_dir=core.project_dir), core.manifest)


def run_all(platform: Platform, run_id: str, models: list[str] | None = None) -> None:
    with operations.emitting_lineage(platform, run_id, "everything") as events:
        observed = platform.observed_by(events)
        operations.ingest(observed)
        operations.transform(observed, run_id, models=models)
        operations.export(observed, run_id)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, core: Core) -> Path:
    """A folder in which everything was loaded, built and exported once."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "sources").mkdir()
    staff = f"staff_id,staff_name,branch,route_id\nS1,{PERSON},東京,R1\n".encode()
    for path, content in {**FILES, "staff_20240301.csv": staff}.items():
        (folder / "sources" / path).write_bytes(content)
    core.hand_over()
    run_all(opened(folder, core), "first")
    return folder


@pytest.fixture(scope="module")
def events(built: Path, core: Core) -> list[dict[str, Any]]:
    return flushed_events(opened(built, core).environment)


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """The same, to change; without the events of before."""
    shutil.copytree(built, tmp_path / "data", ignore=shutil.ignore_patterns("lineage"))
    return tmp_path / "data"


def end_of(events: list[dict[str, Any]], job: str) -> dict[str, Any]:
    return [event for event in events if event["job"]["name"] == job][-1]


def only(datasets: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    (dataset,) = datasets
    return dataset


def test_all_events_are_valid_and_every_run_has_its_end(events: list[dict[str, Any]], core: Core) -> None:
    check_events(events)
    ended = ends(events)
    assert set(ended.values()) == {"COMPLETE"}
    jobs = {event["job"]["name"] for event in events}
    assert jobs == ended.keys()
    models = {f"model.{model.schema_name}.{model.name}" for model in core.catalog.models if ".seed." not in model.name}
    seeds = {job.replace("seed.", "model.") for job in jobs if job.startswith("seed.")}
    assert models <= jobs | seeds
    assert {"everything", "ingest", "transform", "export", "ingest.sales", "export.sales_by_day"} <= jobs
    assert any(job.startswith("test.unique") for job in jobs)
    assert any(job.startswith("unit_test.") for job in jobs)


def test_runs_are_nested_below_the_one_that_was_started(events: list[dict[str, Any]]) -> None:
    def parents(job: str) -> tuple[str, str]:
        parent = end_of(events, job)["run"]["facets"]["parent"]
        return parent["job"]["name"], parent["root"]["job"]["name"]

    assert "parent" not in end_of(events, "everything")["run"]["facets"]
    assert parents("transform") == ("everything", "everything")
    assert parents("model.marts.fct_sales") == ("transform", "everything")
    assert parents("ingest.sales") == ("ingest", "everything")


def test_a_delivery_goes_from_its_files_to_its_table(events: list[dict[str, Any]], built: Path) -> None:
    event = end_of(events, "ingest.sales")
    files, table = only(event["inputs"]), only(event["outputs"])
    assert (files["namespace"], files["name"]) == ("file", str(built / "sources" / "sales"))
    locations = files["inputFacets"]["subset"]["inputCondition"]["locations"]
    assert locations == [str(built / "sources" / name(day)) for day in DAYS]
    assert files["inputFacets"]["inputStatistics"]["fileCount"] == len(DAYS)
    assert (table["namespace"], table["name"]) == (f"duckdb://{built / 'dbt_dev.duckdb'}", "dbt_dev.raw.sales")
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 3 * len(DAYS)
    assert event["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2024-03-01T00:00:00+09:00"
    assert event["run"]["facets"]["nominalTime"]["nominalEndTime"] == "2024-03-07T00:00:00+09:00"


def test_a_model_tells_its_columns_rows_sql_owner_and_code(events: list[dict[str, Any]]) -> None:
    event = end_of(events, "model.marts.fct_sales")
    mart = only(event["outputs"])
    assert mart["outputFacets"]["outputStatistics"]["rowCount"] == 3 * len(DAYS)
    columns = {field["name"]: field["type"] for field in mart["facets"]["schema"]["fields"]}
    assert columns["business_date"] == "date"
    assert mart["facets"]["ownership"]["owners"] == [{"name": "team:data-team", "type": "MAINTAINER"}]
    job = event["job"]["facets"]
    assert "select" in job["sql"]["query"]
    assert job["sql"]["dialect"] == "duckdb"
    assert job["sourceCodeLocation"]["path"].endswith("models/marts/vending/fct_sales.sql")
    assert "dbt_dev.intermediate.int_vends_priced" in {table["name"] for table in event["inputs"]}


def test_a_test_tells_what_it_asserts_of_which_table(events: list[dict[str, Any]]) -> None:
    event = end_of(events, "test.unique_fct_sales_transaction_id")
    (assertion,) = only(event["inputs"])["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["assertion"], assertion["column"], assertion["success"]) == ("unique", "transaction_id", True)
    assert only(event["inputs"])["name"] == "dbt_dev.marts.fct_sales"


def test_an_export_goes_from_its_mart_to_its_files(events: list[dict[str, Any]], built: Path) -> None:
    event = end_of(events, "export.sales_by_day")
    assert only(event["inputs"])["name"] == "dbt_dev.marts.fct_sales"
    assert only(event["outputs"])["name"] == str(built / "processed-data" / "sales_by_day")
    statistics = only(event["outputs"])["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["fileCount"]) == (3 * len(DAYS), len(DAYS))


def test_a_run_with_nothing_to_do_claims_nothing(folder: Path, core: Core) -> None:
    core.hand_over()
    run_all(opened(folder, core), "again")
    events = flushed_events(opened(folder, core).environment)
    check_events(events)
    assert ends(events) == dict.fromkeys(["everything", "ingest", "transform", "export"], "COMPLETE")
    assert [event["inputs"] + event["outputs"] for event in events] == [[]] * len(events)


def test_an_empty_delivery_is_reported_as_empty(folder: Path, core: Core) -> None:
    header, *_ = FILES[name(DAYS[0])].partition(b"\n")
    (folder / "sources" / name(DAYS[0])).write_bytes(header + b"\n")
    core.hand_over()
    run_all(opened(folder, core), "empty")
    events = flushed_events(opened(folder, core).environment)
    check_events(events)
    table = only(end_of(events, "ingest.sales")["outputs"])
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 0
    mart = only(end_of(events, "model.marts.fct_sales")["outputs"])
    assert mart["outputFacets"]["outputStatistics"]["rowCount"] == 0


def test_what_fails_ends_with_fail_up_to_the_root_and_quotes_no_value(
    folder: Path, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*(sales_row(n, day=DAYS[1]) for n in (1, 2)), sales_row(1, day=DAYS[1], machine_id="VM002")]
    (folder / "sources" / name(DAYS[1])).write_bytes(sales(*rows))
    (folder / "sources" / name(DAYS[2])).write_bytes(b"cut off")
    platform = opened(folder, core)

    def refuse(*_: object, **__: object) -> None:
        raise WarehouseError(f"can't cast '{PERSON}' in staff_name: 'staff_name' is too long, 090-1234-5678")

    monkeypatch.setattr("vending_platform.exporting.export_all", refuse)
    core.hand_over()
    with pytest.raises(WarehouseError):
        run_all(platform, "bad")
    events = flushed_events(opened(folder, core).environment)
    check_events(events)
    ended = ends(events)
    assert (ended["export"], ended["everything"]) == ("FAIL", "FAIL")
    assert ended["ingest.sales"] == "COMPLETE"
    deliveries = end_of(events, "ingest.sales")
    assert deliveries["run"]["facets"]["platform_deliveries"]["quarantined"] == 1
    assertion = only(deliveries["inputs"])["inputFacets"]["dataQualityAssertions"]["assertions"][0]
    assert assertion["success"] is False
    message = end_of(events, "export")["run"]["facets"]["errorMessage"]["message"]
    assert message == "WarehouseError: can't cast '•••' in staff_name: 'staff_name' is too long, •••"
    assert "Canary" not in str(events)


def test_a_models_columns_tell_what_they_are_made_of_and_what_decides_on_its_rows(events: list[dict[str, Any]]) -> None:
    def inputs(fields: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
        return {
            (one["name"].removeprefix("dbt_dev."), one["field"], how["subtype"])
            for one in fields
            for how in one["transformations"]
        }

    built = {event["job"]["name"] for event in events if event["job"]["name"].startswith("model.")}
    for job in built:
        lineage = only(end_of(events, job)["outputs"])["facets"]["columnLineage"]
        schema = only(end_of(events, job)["outputs"])["facets"]["schema"]
        assert lineage["fields"].keys() == {field["name"] for field in schema["fields"]}, job
    mart = only(end_of(events, "model.marts.mart_machine_daily")["outputs"])["facets"]["columnLineage"]
    assert ("marts.fct_sales", "machine_id", "GROUP_BY") in inputs(mart["dataset"])
    assert inputs(mart["fields"]["machine_id"]["inputFields"]) >= {("marts.fct_sales", "machine_id", "IDENTITY")}
    assert ("marts.fct_sales", "units_sold", "AGGREGATION") in inputs(
        [one for of in mart["fields"].values() for one in of["inputFields"]]
    )


def test_an_exports_columns_are_the_marts_and_masked_where_they_are(events: list[dict[str, Any]], core: Core) -> None:
    masked = 0
    for export in core.catalog.exports:
        event = end_of(events, f"export.{export.name}") if f"export.{export.name}" in ends(events) else None
        if event is None:
            continue
        fields = only(event["outputs"])["facets"]["columnLineage"]["fields"]
        titles = {column.title: column.name for column in export.columns}
        for title, of in fields.items():
            (first, *_) = of["inputFields"]
            assert first["field"] == titles.get(title, title)
            assert first["transformations"][0]["masking"] == (first["field"] in export.mask)
            masked += first["field"] in export.mask
    assert masked
