"""An asset's value is a DataFrame away, and what a team's asset returns is a table: the same on every warehouse."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from vending_platform.ingestion import IngestionContext
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.frames import NotATable
from vending_platform.warehouse import Change, TableName, Warehouse

MART = dg.AssetKey(["marts", "mart_machine_daily"])
TABLE = TableName("marts", "mart_machine_daily")
DAYS = [dt.date(2024, 3, day) for day in (4, 5, 6)]
ROWS = pa.table(
    {
        "business_date": pa.array([DAYS[0], DAYS[0], DAYS[1], DAYS[2]], pa.date32()),
        "machine_id": ["VM001", "自販機", "VM001", None],
        "sales": pa.array([9_007_199_254_740_993, 2, None, 4], pa.int64()),
        "share": pa.array([Decimal("0.1000"), Decimal("0.2000"), None, Decimal("0.4000")], pa.decimal128(9, 4)),
    }
)
BY_DAY = dg.DailyPartitionsDefinition("2024-03-01", end_date="2024-03-09", timezone="Asia/Tokyo")


@dg.asset(ins={"daily": dg.AssetIn(key=MART)})
def totals(daily: pd.DataFrame) -> pd.DataFrame:
    return daily.groupby("machine_id", as_index=False).agg(sales=("sales", "sum"), days=("business_date", "nunique"))


@dg.asset(key=["partners", "doubled"], ins={"daily": dg.AssetIn(key=MART)}, partitions_def=BY_DAY)
def doubled(daily: pl.DataFrame) -> pl.DataFrame:
    return daily.select("business_date", (pl.col("sales") * 2).alias("sales"))


@dg.asset(ins={"doubled": dg.AssetIn(key=["partners", "doubled"])}, metadata={"schema": "partners"})
def all_days(doubled: pa.Table) -> pa.Table:
    return doubled.group_by([]).aggregate([("sales", "sum")])


@pytest.fixture
def reached(platform: Platform, warehouse: Warehouse) -> Platform:
    """The real project's assets, over a warehouse with a few rows of one mart."""
    context: IngestionContext = replace(platform.context, warehouse=warehouse)
    platform.__dict__["context"] = context
    with warehouse.writing("test", lambda _: None) as writer:
        writer.ensure_tables({TABLE: ROWS.schema})
        writer.publish([Change(TABLE, insert=ROWS)], lambda _: None)
    return platform


def definitions(platform: Platform, *own: Any) -> dg.Definitions:
    return dg.Definitions.merge(assemble(platform, {"platform": platform}), dg.Definitions(assets=list(own)))


@pytest.fixture
def history() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def made(
    found: dg.Definitions,
    history: dg.DagsterInstance,
    *keys: dg.AssetKey,
    day: str | None = None,
    last: str | None = None,
) -> dg.ExecuteInProcessResult:
    job = found.resolve_implicit_global_asset_job_def()
    days = {"dagster/asset_partition_range_start": day, "dagster/asset_partition_range_end": last} if last else {}
    return job.execute_in_process(
        asset_selection=list(keys),
        instance=history,
        partition_key=None if last else day,
        tags={name: str(value) for name, value in days.items()},
        raise_on_error=False,
    )


def rows_of(warehouse: Warehouse, table: str, order: str) -> list[dict[str, Any]]:
    with warehouse.reading() as reader:
        found: list[dict[str, Any]] = reader.query(f"select * from {TableName(*table.split('.'))}").to_pylist()
    return sorted(found, key=lambda row: row[order])


def why(result: dg.ExecuteInProcessResult) -> str:
    assert not result.success
    (failure,) = (event.step_failure_data for event in result.all_events if event.is_step_failure)
    told = [failure.error_display_string]
    if failure.user_failure_data is not None:
        told.append(str(failure.user_failure_data.description))
    return "\n".join(told)


def test_a_mart_is_loaded_as_a_dataframe(reached: Platform, history: dg.DagsterInstance) -> None:
    found = definitions(reached)
    whole = found.load_asset_value(MART, instance=history)
    assert isinstance(whole, pd.DataFrame)
    assert list(whole.columns) == ROWS.column_names
    assert sorted(whole["sales"].dropna()) == [2, 4, 9_007_199_254_740_993]
    assert whole["share"].sum() == Decimal("0.7000")
    assert set(whole["business_date"]) == set(DAYS)

    day = found.load_asset_value(MART, python_type=pd.DataFrame, partition_key="2024-03-04", instance=history)
    assert isinstance(day, pd.DataFrame)
    assert sorted(day["machine_id"]) == ["VM001", "自販機"]

    framed = found.load_asset_value(MART, python_type=pl.DataFrame, partition_key="2024-03-04", instance=history)
    assert isinstance(framed, pl.DataFrame)
    assert framed["sales"].to_list() == [9_007_199_254_740_993, 2] or framed.height == 2
    assert framed.schema["share"] == pl.Decimal(9, 4)

    arrow = found.load_asset_value(MART, python_type=pa.Table, instance=history)
    assert isinstance(arrow, pa.Table)
    assert arrow.schema.types == ROWS.schema.types
    assert sorted(map(str, arrow.to_pylist())) == sorted(map(str, ROWS.to_pylist()))

    span = dg.PartitionKeyRange("2024-03-05", "2024-03-06")
    with found.get_asset_value_loader(history) as loader:
        ranged = loader.load_asset_value(MART, python_type=pa.Table, partition_key_range=span)
    assert isinstance(ranged, pa.Table)
    assert set(ranged["business_date"].to_pylist()) == set(DAYS[1:])


def test_what_a_team_returns_is_a_table(reached: Platform, warehouse: Warehouse, history: dg.DagsterInstance) -> None:
    found = definitions(reached, totals, doubled, all_days)
    result = made(found, history, totals.key)
    assert result.success
    assert rows_of(warehouse, "team.totals", "machine_id") == [
        {"machine_id": "VM001", "sales": 9_007_199_254_740_993, "days": 2},
        {"machine_id": "自販機", "sales": 2, "days": 1},
    ]
    (event,) = result.asset_materializations_for_node("totals")
    assert event.metadata["dagster/row_count"].value == 2
    assert event.metadata["dagster/table_name"].value == "team.totals"
    loaded = found.load_asset_value(totals.key, instance=history)
    assert isinstance(loaded, pd.DataFrame)
    assert len(loaded) == 2

    # By days: each is written by itself, and again without a second copy of its rows.
    assert made(found, history, doubled.key, day="2024-03-06").success
    assert made(found, history, doubled.key, day="2024-03-04").success
    assert made(found, history, doubled.key, day="2024-03-06").success
    kept = [{"business_date": DAYS[2], "sales": 8}]
    assert [
        row for row in rows_of(warehouse, "partners.doubled", "business_date") if row["business_date"] > DAYS[0]
    ] == kept
    assert len(rows_of(warehouse, "partners.doubled", "business_date")) == 3
    assert made(found, history, all_days.key).success
    ((total,),) = (row.values() for row in rows_of(warehouse, "partners.all_days", "sales_sum"))
    assert total == 2 * (9_007_199_254_740_993 + 2 + 4)


class _Kept:
    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame


def test_a_partition_can_be_a_month_or_a_word(
    reached: Platform, warehouse: Warehouse, history: dg.DagsterInstance
) -> None:
    @dg.asset(partitions_def=dg.MonthlyPartitionsDefinition("2024-01-01", timezone="Asia/Tokyo"))
    def by_month(context: dg.AssetExecutionContext) -> pd.DataFrame:
        day = context.partition_time_window.start.date() + dt.timedelta(days=20)
        return pd.DataFrame({"business_date": [day], "n": [1]})

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["east", "20240304"]), metadata={"partition_expr": "area"})
    def by_area(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"area": [context.partition_key], "n": [1]})

    found = definitions(reached, by_month, by_area)
    for month in ("2024-02-01", "2024-03-01", "2024-02-01"):
        assert made(found, history, by_month.key, day=month).success
    for area in ("east", "20240304", "east"):
        assert made(found, history, by_area.key, day=area).success
    assert [row["business_date"].month for row in rows_of(warehouse, "team.by_month", "business_date")] == [2, 3]
    assert [row["area"] for row in rows_of(warehouse, "team.by_area", "area")] == ["20240304", "east"]
    loaded = found.load_asset_value(by_month.key, python_type=pa.Table, partition_key="2024-03-01", instance=history)
    assert isinstance(loaded, pa.Table)
    assert loaded["business_date"].to_pylist() == [dt.date(2024, 3, 21)]
    loaded = found.load_asset_value(by_area.key, python_type=pa.Table, partition_key="east", instance=history)
    assert isinstance(loaded, pa.Table)
    assert loaded["area"].to_pylist() == ["east"]


def test_a_table_is_replaced_with_its_columns(
    reached: Platform, warehouse: Warehouse, history: dg.DagsterInstance
) -> None:
    values = [pd.DataFrame({"n": ["one"], "gone": [1.5]}), pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": []})]
    for value in values:

        @dg.asset
        def changing(value: dg.ResourceParam[_Kept]) -> pd.DataFrame:
            return value.frame

        found = dg.Definitions.merge(
            assemble(reached, {"platform": reached}),
            dg.Definitions(assets=[changing], resources={"value": _Kept(value)}),
        )
        assert made(found, history, changing.key).success
        assert [list(row.values()) for row in rows_of(warehouse, "team.changing", "n")] == value.to_numpy().tolist()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (
            ["marts", "mine"],
            pd.DataFrame({"n": [1]}),
            "would be written to the schema marts, which belongs to the platform",
        ),
        (["Odd"], pd.DataFrame({"n": [1]}), "'Odd' can't be the name of a table or schema"),
        (["mine"], {"n": 1}, "a dict is not a table: return a pandas.DataFrame"),
        (["mine"], pd.Series([1]), "a Series is not a table: return a pandas.DataFrame"),
        (["mine"], pd.DataFrame({"n": [1], "m": [2]}).groupby("n").sum(), "the index (n) would be lost: return frame."),
        (["mine"], pd.DataFrame({"n": [[1, 2]]}), "column n is of type list"),
        (["mine"], pd.DataFrame([[1, 2]], columns=["n", "N"]), "several columns are called n"),
    ],
)
def test_what_can_not_be_a_table_is_one_sentence(
    platform: Platform, history: dg.DagsterInstance, key: list[str], value: Any, told: str
) -> None:
    @dg.asset(key=key)
    def wrong() -> Any:
        return value

    result = made(definitions(platform, wrong), history, wrong.key)
    assert told in why(result)
    assert not (platform.environment.scratch.parent / "dbt_dev.duckdb").exists()


def test_rows_of_another_day_and_tables_that_are_not_there_are_refused(
    reached: Platform, warehouse: Warehouse, history: dg.DagsterInstance
) -> None:
    @dg.asset(partitions_def=BY_DAY)
    def careless() -> pd.DataFrame:
        return pd.DataFrame({"business_date": DAYS})

    @dg.asset(partitions_def=BY_DAY)
    def without_days() -> pd.DataFrame:
        return pd.DataFrame({"n": [1]})

    found = definitions(reached, careless, without_days, totals)
    told = why(made(found, history, careless.key, day="2024-03-04"))
    assert "has rows of 2024-03-05, 2024-03-06: return only the rows of the partition" in told
    told = why(made(found, history, without_days.key, day="2024-03-04"))
    assert "has no column with the partition of a row" in told
    with pytest.raises(dg.Failure) as failed:
        found.load_asset_value(totals.key, instance=history)
    assert str(failed.value.description) == "team.totals is not in the warehouse: materialize totals first"
    with pytest.raises(NotATable, match=r"can't be loaded as dict: request a pandas\.DataFrame"):
        found.load_asset_value(MART, python_type=dict, instance=history)
    assert [row["business_date"] for row in rows_of(warehouse, "marts.mart_machine_daily", "business_date")][
        -1
    ] == DAYS[2]


def test_ops_of_a_team_hand_on_what_they_like(platform: Platform, history: dg.DagsterInstance) -> None:
    @dg.op
    def one() -> dict[str, int]:
        return {"n": 1}

    @dg.op
    def two(value: dict[str, int]) -> int:
        return value["n"] + 1

    @dg.job
    def adding() -> None:
        two(one())

    found = dg.Definitions.merge(assemble(platform, {}), dg.Definitions(jobs=[adding]))
    result = found.resolve_job_def("adding").execute_in_process(instance=history)
    assert result.output_for_node("two") == 2
