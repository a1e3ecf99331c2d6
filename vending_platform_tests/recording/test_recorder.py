"""What a run finds is kept when it ends: once, whole, and whatever became of the run."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vending_platform import environment, operations
from vending_platform.catalog import Catalog, read_manifest
from vending_platform.environment import DBT_PROJECT_DIR
from vending_platform.ingestion import ingest
from vending_platform.opening import Platform
from vending_platform.quality import Dimension
from vending_platform.recording import lineage
from vending_platform.recording.models import dimension_of
from vending_platform.transformation import NodeResult, Window, note_build
from vending_platform.warehouse import WarehouseError
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES, day_of_sales, name
from vending_platform_tests.ingestion.raw_folder import sales, sales_row
from vending_platform_tests.observing import Kept

TEST = "unique_fct_sales_transaction_id"


@pytest.fixture
def platform(tmp_path: Path, catalog: Catalog, manifest_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    (tmp_path / "sources").mkdir()
    deliver(tmp_path, FILES)
    return Platform(environment.load(), read_manifest(DBT_PROJECT_DIR, manifest_cache))


def deliver(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / "sources" / path).write_bytes(content)


def load(platform: Platform, run_id: str = "r1") -> list[str]:
    kept = Kept()
    observed = platform.observed_by(kept)
    with operations.recording(observed, run_id, "vending ingest") as recorder:
        operations.ingest(observed.observed_by(recorder))
    return kept.notices


def rows(platform: Platform, sql: str) -> list[dict[str, Any]]:
    with platform.context.warehouse.reading() as reader:
        found: list[dict[str, Any]] = reader.query(sql).to_pylist()
    return found


def checks(platform: Platform, condition: str) -> list[tuple[Any, ...]]:
    found = rows(
        platform,
        "select dataset, check_name, column_name, status, failed_rows, total_rows, cast(first_day as varchar) as day"
        f" from dq.results_check where {condition} order by all",
    )
    return [tuple(row.values()) for row in found]


def test_a_load_keeps_what_each_contract_said_of_each_day_and_the_rows_it_refused(platform: Platform) -> None:
    folder = Path(platform.environment.places.raw).parent
    bad = sales(sales_row(1, day=DAYS[0], quantity="1e3"), *(sales_row(n, day=DAYS[0]) for n in range(2, 6)))
    deliver(folder, {name(DAYS[0]): bad, name(DAYS[1]): b"cut off", "what.csv": b"x"})
    assert load(platform) == []
    assert checks(platform, "status <> 'passed'") == [
        ("deliveries", "no undeclared files", None, "warned", 1, 12, None),
        ("raw.sales", "contract", "quantity", "warned", 1, 5, DAYS[0]),
        ("raw.sales", "delivery complete", None, "warned", 1, 2, DAYS[0]),
        *(("raw.sales", "delivery complete", None, "warned", 1, 2, day) for day in DAYS[1:]),
        ("raw.sales", "files usable", None, "failed", 1, 1, DAYS[1]),
        ("raw.sales", "rows accepted", None, "warned", 1, 5, DAYS[0]),
    ]
    kept = rows(platform, "select * from dq.results_failed_rows where check_name = 'contract'")
    assert [(row["path"], row["line"], row["reason"]) for row in kept] == [
        (name(DAYS[0]), 2, "quantity '1e3' is not a whole number")
    ]
    assert checks(platform, f"check_name = 'volume' and dataset = 'raw.sales' and first_day = '{DAYS[0]}'") == [
        ("raw.sales", "volume", None, "passed", None, 4, DAYS[0])
    ]
    (run,) = rows(platform, "select * from dq.results_run")
    assert (run["status"], run["files_loaded"], run["checks_failed"]) == ("succeeded", 10, 1)
    assert {row["checked_at"] for row in rows(platform, "select distinct checked_at from dq.results_check")} == {
        run["ended_at"]
    }

    # Nothing new: that it ran, and nothing else.
    before = rows(platform, "select count(*) as n from dq.results_check")
    assert load(platform, "r2") == []
    assert rows(platform, "select count(*) as n from dq.results_check") == before
    assert [row["checks"] for row in rows(platform, "select checks from dq.results_run order by ended_at")][-1] == 0

    # Fixed: the history keeps both answers.
    deliver(folder, {name(DAYS[0]): day_of_sales(DAYS[0])})
    assert load(platform, "r3") == []
    of_day = f"check_name = 'contract' and column_name = 'quantity' and first_day = '{DAYS[0]}'"
    assert [row[3] for row in checks(platform, of_day)] == ["passed", "warned"]


def test_a_failing_test_is_kept_with_its_rows_by_the_days_they_are_of(platform: Platform) -> None:
    """Of six days that were asked together two have rows; the other four have passed."""
    ingest(platform.context)
    fact = next(model for model in platform.catalog.models if model.name == "fct_sales")
    test = next(name for name in platform.manifest["nodes"] if name.startswith(f"test.vending.{TEST}."))
    said = "Got 5 results, configured to fail if != 0"
    sql = (
        "select transaction_id, _business_date as business_date, machine_id, 'S1' as staff_id from raw.sales"
        f" where _business_date in (date '{DAYS[1]}', date '{DAYS[3]}') and transaction_id like '%-000_'"
        f" and not (_business_date = date '{DAYS[3]}' and transaction_id like '%3')"
    )
    node = NodeResult(test, TEST, "test", "fail", said, 5, 0.1, frozenset({fact.unique_id}), sql)
    days: list[date | None] = [date.fromisoformat(day) for day in DAYS]
    window = Window((fact,), {"fct_sales": [day for day in days if day is not None]})
    observer = Kept()
    with platform.context.warehouse.writing("test", print) as writer:
        columns = platform.manifest["nodes"][fact.unique_id]["columns"].values()
        empty = ", ".join(f"cast(null as {column['data_type']}) as {column['name']}" for column in columns)
        writer.query("create schema marts")
        writer.query(f"create table marts.fct_sales as select {empty} where false")
        noted = note_build("r1", window, [node], {("fct_sales", day): 10 for day in days})
        writer.publish([noted], lambda _: None)

    def fail_half_way() -> None:
        with operations.recording(platform.observed_by(observer), "r1", "daily"):
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        fail_half_way()
    assert observer.notices == []
    assert checks(platform, f"check_name = '{TEST}'") == [
        ("marts.fct_sales", TEST, "transaction_id", "failed", 2, 10, DAYS[3]),
        ("marts.fct_sales", TEST, "transaction_id", "failed", 3, 10, DAYS[1]),
        *(("marts.fct_sales", TEST, "transaction_id", "passed", 0, None, day) for day in (DAYS[0], DAYS[2], DAYS[4])),
    ]
    kept = rows(
        platform, f"select * from dq.results_failed_rows where check_name = '{TEST}' order by first_day, number"
    )
    assert [str(row["first_day"]) for row in kept] == [DAYS[1]] * 3 + [DAYS[3]] * 2
    assert {json.loads(row["failed_row"])["staff_id"] for row in kept} == {"•••"}
    (run,) = rows(platform, "select status, problem from dq.results_run")
    assert run == {"status": "failed", "problem": "RuntimeError: the disk is full"}


def test_one_unknown_key_speaks_against_its_day_alone_and_names_its_line(platform: Platform) -> None:
    """dbt's own test says which value it found, and no day: it was asked about all six together."""
    ingest(platform.context)
    fact = next(model for model in platform.catalog.models if model.name == "fct_sales")
    test = next(
        node["unique_id"]
        for node in platform.manifest["nodes"].values()
        if node["name"].startswith("relationships_fct_sales_product_id")
    )
    is_unknown = f"_business_date = date '{DAYS[2]}' and _line = 3"
    days = [date.fromisoformat(day) for day in DAYS]
    sql = "select product_id as from_field from (select * from marts.fct_sales) as child where product_id = 'P404'"
    node = NodeResult(test, "known", "test", "warn", "Got 1 result", 1, 0.1, frozenset({fact.unique_id}), sql)
    with platform.context.warehouse.writing("test", print) as writer:
        columns = platform.manifest["nodes"][fact.unique_id]["columns"].values()
        said = {"business_date": "_business_date", "file_id": "_file_id", "line_number": "_line"}
        said |= {"product_id": f"case when {is_unknown} then 'P404' else product_id end"}
        listed = ", ".join(
            f"cast({said.get(column['name'], 'null')} as {column['data_type']}) as {column['name']}"
            for column in columns
        )
        writer.query("create schema marts")
        writer.query(f"create table marts.fct_sales as select {listed} from raw.sales")
        noted = note_build("r1", Window((fact,), {"fct_sales": days}), [node], {("fct_sales", day): 3 for day in days})
        writer.publish([noted], lambda _: None)

    assert load(platform) == []
    assert checks(platform, "check_name = 'known'") == [
        *(("marts.fct_sales", "known", "product_id", "passed", 0, None, day) for day in (DAYS[0], DAYS[3])),
        ("marts.fct_sales", "known", "product_id", "warned", 1, 3, DAYS[2]),
    ]
    (kept,) = rows(platform, "select * from dq.results_failed_rows where check_name = 'known'")
    assert (kept["path"], kept["line"], str(kept["business_date"])) == (name(DAYS[2]), 3, DAYS[2])


def test_who_stops_a_run_does_not_wait_for_the_right_to_write(platform: Platform) -> None:
    def stop() -> None:
        with operations.recording(platform, "r1", "vending ingest"):
            raise KeyboardInterrupt

    with platform.context.warehouse.reserved("another run", print), pytest.raises(KeyboardInterrupt):
        stop()


def everything(platform: Platform) -> list[dict[str, Any]]:
    """The history, but for which run recorded it and when."""
    columns = "dataset, check_name, column_name, status, failed_rows, total_rows, expected, actual, first_day, last_day"
    return rows(platform, f"select {columns} from dq.results_check order by all")


def test_what_a_killed_run_found_is_recorded_by_the_next(platform: Platform) -> None:
    """It loaded everything, and part of it twice; the next has nothing to load."""
    operations.ingest(platform)
    deliver(Path(platform.environment.places.raw).parent, {name(DAYS[0]): day_of_sales(DAYS[0], 1)})
    operations.ingest(platform)
    assert rows(platform, "select * from dq.results_check") == []

    assert load(platform) == []
    recorded = everything(platform)
    assert {row["first_day"] for row in recorded if row["dataset"] == "raw.sales"} == set(map(date.fromisoformat, DAYS))
    assert rows(platform, "select * from raw._unrecorded") == []
    assert [run["checks"] for run in rows(platform, "select checks from dq.results_run")] == [len(recorded)]
    load(platform, "r2")
    assert everything(platform) == recorded, "once"


def test_what_nobody_can_record_any_more_is_told_and_stops_no_other(platform: Platform) -> None:
    operations.ingest(platform)
    fact = next(model for model in platform.catalog.models if model.name == "fct_sales")
    gone = NodeResult(
        "test.gone", "gone", "test", "fail", None, 1, 0.1, frozenset({fact.unique_id}), "select * from gone"
    )
    with platform.context.warehouse.writing("test", print) as writer:
        writer.publish([note_build("killed", Window((fact,)), [gone], {})], lambda _: None)
    deliver(Path(platform.environment.places.raw).parent, {name(DAYS[0]): day_of_sales(DAYS[0], 1)})

    (words,) = load(platform)
    assert words.startswith("What an earlier run found could not be kept: CatalogException: ")
    assert {row["first_day"] for row in everything(platform) if row["check_name"] == "files usable"} == {
        date.fromisoformat(DAYS[0])
    }
    assert load(platform, "r2") == []


def test_what_cant_be_kept_is_told_and_fails_no_run(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise WarehouseError("there is no room")

    monkeypatch.setattr("vending_platform.quality.changes", refuse)
    words = load(platform)
    assert words == ["What this run found of quality could not be kept: WarehouseError: there is no room"]
    assert rows(platform, "select count(*) as n from raw.sales") == [{"n": 18}]


@pytest.mark.parametrize(
    ("declared", "kind", "dimension"),
    [
        ({"test_metadata": {"name": "unique_combination_of_columns"}}, "test", Dimension.UNIQUENESS),
        ({"test_metadata": {"name": "not_null"}}, "test", Dimension.COMPLETENESS),
        ({"test_metadata": {"name": "not_null_columns"}}, "test", Dimension.COMPLETENESS),
        ({"test_metadata": {"name": "relationships"}}, "test", Dimension.CONSISTENCY),
        ({"test_metadata": {"name": "expression_is_true"}}, "test", Dimension.VALIDITY),
        ({}, "test", Dimension.CONSISTENCY),
        ({}, "unit_test", Dimension.ACCURACY),
        (
            {"test_metadata": {"name": "expression_is_true"}, "config": {"meta": {"dimension": "timeliness"}}},
            "test",
            Dimension.TIMELINESS,
        ),
    ],
)
def test_the_kind_of_trust_is_what_a_test_says_or_what_its_kind_means(
    declared: dict[str, Any], kind: str, dimension: Dimension
) -> None:
    assert dimension_of(declared, kind) is dimension


def test_every_dataset_leads_to_the_deliveries_it_comes_from(catalog: Catalog) -> None:
    found = lineage(catalog)
    assert found["raw.sales"] == ["sales"]
    assert {"sales", "products"} <= set(found["exports.sales_by_day"]) == set(found["marts.fct_sales"])
