"""The datasets of all events have names that join: from a table of a database to the mart, its files and its table of
the lake, and from a mart through a function to the mart that is built from what the function delivers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from vending_platform import environment, operations
from vending_platform.analyses import run_functions
from vending_platform.analysis import Pipeline
from vending_platform.analysis.pipeline import pipeline_of
from vending_platform.catalog import read_manifest
from vending_platform.opening import Platform
from vending_platform_tests.emulators.mariadb import PASSWORD, MariaDb
from vending_platform_tests.end_to_end.shop import PROJECT, make_shop
from vending_platform_tests.extraction.conftest import mariadb
from vending_platform_tests.extraction.parts import settings_of
from vending_platform_tests.lineage.events import shelves
from vending_platform_tests.lineage.events.sent import ends, flushed_events
from vending_platform_tests.lineage.events.specification import check_events

__all__ = ["mariadb"]
pytestmark = pytest.mark.usefixtures("mariadb")
DATABASE, CANARY = "connected", "Canary"
SOURCES = """
sources:
  - name: shop
    schema: raw
    tables:
      - name: orders
        config:
          meta:
            files:
              {names: ["shop/orders_{any}.parquet"], delivery: append, format: parquet, first_day: 2024-01-01,
               key: [id], day_column: ordered_on}
            extract: {database: shop, table: placed_orders, watermark: updated_at}
        columns:
          - {name: id, data_type: integer, config: {meta: {required: true}}}
          - {name: person, data_type: text, config: {meta: {personal: true}}}
          - {name: yen, data_type: integer}
          - {name: ordered_on, data_type: date, config: {meta: {required: true}}}
          - {name: updated_at, data_type: timestamp, config: {meta: {required: true, time_zone: Asia/Tokyo}}}
      - name: expected
        config:
          meta:
            files:
              {names: ["forecasts/expected_{yyyymmdd}.parquet"], delivery: daily, format: parquet,
               first_day: 2024-01-01, key: [made_on, for_day], day_column: made_on}
        columns:
          - {name: made_on, data_type: date, config: {meta: {required: true}}}
          - {name: for_day, data_type: date, config: {meta: {required: true}}}
          - {name: expected, data_type: integer}
models:
  - name: facts
    config: {materialized: incremental, incremental_strategy: window, meta: {reach: same_day}}
    columns:
      - {name: id, data_type: bigint}
      - {name: business_date, data_type: date}
      - {name: amount, data_type: bigint}
  - name: plans
    config: {materialized: incremental, incremental_strategy: window, meta: {reach: same_day}}
    columns: [{name: business_date, data_type: date}, {name: expected, data_type: bigint}]
exposures:
  - name: facts_as_files
    type: application
    owner: {name: data-team, email: data-team@example.com}
    depends_on: [ref('facts')]
    config: {meta: {export: {format: parquet, partition_by: business_date, file_stem: facts}}}
  - name: facts_in_the_lake
    type: application
    owner: {name: data-team, email: data-team@example.com}
    depends_on: [ref('facts')]
    config: {meta: {export: {format: iceberg, partition_by: business_date}}}
"""
FILES = {
    "models/shop.yml": SOURCES,
    "models/facts.sql": PROJECT["models/facts.sql"].replace("'sold'", "'orders'"),
    "models/apart.sql": "{{ config(enabled=false) }} select 1 as n",
    "models/plans.sql": """
select _business_date as business_date, cast(expected as bigint) as expected
from {{ source('shop', 'expected') }} where {{ in_window('_business_date') }}
""",
    "profiles.yml": PROJECT["profiles.yml"].replace("here", "development"),
}
ORDERS = (
    "create table placed_orders"
    " (id int primary key, person varchar(40), yen int, ordered_on date, updated_at datetime)",
    *(
        f"insert into placed_orders values ({n}, '{CANARY} {n}', {n * 100}, '2024-03-0{n}', '2024-03-0{n} 12:00:00')"
        for n in (1, 2, 3)
    ),
)


@pytest.fixture(scope="module")
def platform(mariadb: MariaDb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("connected")
    shop = make_shop(folder, FILES)
    mariadb.run(f"create database {DATABASE} character set utf8mb4")
    mariadb.run(*ORDERS, database=DATABASE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VENDING_DATA_DIR", str(folder / "data"))
        loaded = environment.load()
    databases = {"shop": settings_of(mariadb, DATABASE)}
    settings = replace(loaded, project_dir=shop.project_dir, databases=databases)
    yield Platform(settings, read_manifest(shop.project_dir, folder / "cache"))
    mariadb.run(f"drop database {DATABASE}")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return pipeline_of(shelves)


@pytest.fixture(scope="module")
def events(platform: Platform, pipeline: Pipeline) -> list[dict[str, Any]]:
    """Of two evenings: the functions run on what the first has built, and the second loads what they deliver."""
    for run in ("first", "second"):
        with operations.emitting_lineage(platform, run, "everything") as observer:
            observed = platform.observed_by(observer)
            operations.extract(observed)
            operations.ingest(observed)
            operations.transform(observed, run)
            operations.export(observed, run)
            if run == "first":
                run_functions(observed, pipeline, ["facts"])
                operations.maintain(observed)
    return flushed_events(platform.environment)


def named(dataset: Mapping[str, Any]) -> tuple[str, str]:
    return dataset["namespace"], dataset["name"]


def reached(events: list[dict[str, Any]], first: tuple[str, str]) -> set[tuple[str, str]]:
    """Every dataset behind the first one."""
    found, last = {first}, -1
    while len(found) > last:
        last = len(found)
        for event in events:
            if any(named(one) in found for one in event["inputs"]):
                found |= {named(one) for one in event["outputs"]}
    return found


def job(events: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """How its run ended that had datasets."""
    return [one for one in events if one["job"]["name"] == name and one["eventType"] != "START"][-1]


def test_all_of_these_events_are_valid_and_tell_no_value(events: list[dict[str, Any]]) -> None:
    check_events(events)
    assert CANARY not in json.dumps(events)
    assert PASSWORD not in json.dumps(events)


def test_one_graph_reaches_from_the_database_to_all_that_is_made_of_it(
    events: list[dict[str, Any]], platform: Platform, mariadb: MariaDb
) -> None:
    data = platform.environment.scratch.parent.absolute()
    warehouse = f"duckdb://{data / 'dbt_dev.duckdb'}"
    found = reached(events, (f"mysql://127.0.0.1:{mariadb.port}", f"{DATABASE}.placed_orders"))
    assert found - {(f"mysql://127.0.0.1:{mariadb.port}", f"{DATABASE}.placed_orders")} == {
        ("file", str(data / "sources" / "orders")),
        (warehouse, "dbt_dev.raw.orders"),
        (warehouse, "dbt_dev.marts.facts"),
        ("file", str(data / "processed-data" / "facts_as_files")),
        ("file", str(data / "lake" / "gold" / "facts")),
        *((warehouse, f"dbt_dev.ml.{name}") for name in ("expected_amounts", "largest")),
        *(("file", str(data / "processed-data" / "ml" / name)) for name in ("expected_amounts", "largest")),
        ("file", str(data / "sources" / "expected")),
        (warehouse, "dbt_dev.raw.expected"),
        (warehouse, "dbt_dev.marts.plans"),
    }


def test_a_function_ends_as_it_went_and_a_result_where_it_is_kept(events: list[dict[str, Any]]) -> None:
    ended = ends(events)
    assert {name: state for name, state in ended.items() if name.startswith("function.")} == {
        "function.shelves.sums": "COMPLETE",
        "function.shelves.expected_amounts": "COMPLETE",
        "function.shelves.largest": "COMPLETE",
        "function.shelves.trend": "ABORT",
        "function.shelves.ratios": "FAIL",
    }
    assert ended["analyse"] == "FAIL"
    assert job(events, "function.shelves.sums")["outputs"] == []
    failed = job(events, "function.shelves.ratios")["run"]["facets"]["errorMessage"]["message"]
    assert failed == "ValueError: can't divide by '•••'"
    expected = job(events, "function.shelves.expected_amounts")
    (facts,) = expected["inputs"]
    assert facts["inputFacets"]["inputStatistics"]["rowCount"] == 3
    table, files, delivered = expected["outputs"]
    assert [one["outputFacets"]["outputStatistics"]["rowCount"] for one in (table, files, delivered)] == [1, 1, 1]
    assert delivered["outputFacets"]["subset"]["outputCondition"]["locations"][0].endswith("expected_20240303.parquet")
    assert [field["name"] for field in table["facets"]["schema"]["fields"]] == ["made_on", "for_day", "expected"]
    lineage = table["facets"]["columnLineage"]
    assert lineage["fields"] == {}
    assert [one["field"] for one in lineage["dataset"]] == ["id", "business_date", "amount"]
    assert {one["name"] for one in lineage["dataset"]} == {facts["name"]}
    (test,) = expected["run"]["facets"]["test"]["tests"]
    assert (test["status"], test["severity"], test["type"]) == ("pass", "error", "keys")
    assert expected["job"]["facets"]["sourceCodeLocation"]["path"].endswith("lineage/events/shelves.py")


def test_a_table_of_the_lake_has_the_name_of_its_place_and_that_of_its_catalog(
    events: list[dict[str, Any]], platform: Platform
) -> None:
    exports = [one for one in events if one["job"]["name"] == "export.facts_in_the_lake" and one["outputs"]]
    (table,) = exports[-1]["outputs"]
    data = platform.environment.scratch.parent.absolute()
    (symlink,) = table["facets"]["symlinks"]["identifiers"]
    assert symlink == {"namespace": f"sqlite://{data}/lake/catalog.db", "name": "gold.facts", "type": "TABLE"}
    assert table["facets"]["datasetType"]["subType"] == "ICEBERG"
    assert table["facets"]["version"]["datasetVersion"].isdigit()
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 3
    assert table["facets"]["columnLineage"]["fields"].keys() == {"id", "business_date", "amount"}
    assert ends(events)["maintain"] == "COMPLETE"
