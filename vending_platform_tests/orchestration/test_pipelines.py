"""A domain's functions as assets: by day, in subsets, with checks, and with what is missing when one fails."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest

from vending_platform import environment
from vending_platform.analysis import load_pipelines
from vending_platform.catalog import Catalog
from vending_platform.defs.vending.analysis import trends
from vending_platform.opening import Platform
from vending_platform.orchestration import pipeline_assets
from vending_platform.orchestration.partitions import BusinessDays
from vending_platform_tests.defs.vending.rows import days

FILE = "dbt_dev.duckdb"


@pytest.fixture
def platform(tmp_path: Path, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Platform:
    rows = days(dict.fromkeys(range(14), 10)).with_columns(
        pl.col("quantity", "unit_price").cast(pl.Int64),
        pl.col("sold_at").str.to_datetime(),
        pl.col("sold_at").str.slice(0, 10).str.to_date().alias("business_date"),
    )
    with duckdb.connect(tmp_path / FILE) as opened:
        arrived = rows.to_arrow()
        opened.register("arrived", arrived)
        opened.execute("create schema marts; create table marts.fct_sales as from arrived")
    (tmp_path / "sources").mkdir()
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    return Platform(environment.load(), manifest)


@pytest.fixture
def assets(catalog: Catalog) -> list[dg.AssetsDefinition]:
    pipelines = load_pipelines("vending_platform.defs.vending.analysis")
    span = date(2024, 3, 4), date(2024, 3, 17)
    delivered: Any = {model.grain: span for model in catalog.models}
    return pipeline_assets(pipelines, catalog, BusinessDays(catalog, delivered))


def materialized(
    assets: list[dg.AssetsDefinition], platform: Platform, name: str, **more: Any
) -> dg.ExecuteInProcessResult:
    chosen = [one for one in assets if one.node_def.name == f"functions_of_{name}"]
    others = [one.to_source_assets() for one in assets if one not in chosen]
    return dg.materialize(
        [*chosen, *[source for sources in others for source in sources]],
        resources={"platform": dg.ResourceDefinition.hardcoded_resource(platform)},
        raise_on_error=False,
        **more,
    )


def counted(folder: Path, table: str) -> dict[date, int]:
    with duckdb.connect(folder / FILE, read_only=True) as opened:
        return dict(opened.execute(f"select business_date, count(*) from {table} group by 1 order by 1").fetchall())


def test_days_are_replaced_and_others_stay(
    assets: list[dg.AssetsDefinition], platform: Platform, tmp_path: Path
) -> None:
    for day in ("2024-03-04", "2024-03-05", "2024-03-04"):
        assert materialized(assets, platform, "sales", partition_key=day).success
    assert counted(tmp_path, "analysis.daily_sales_summary") == {date(2024, 3, 4): 2, date(2024, 3, 5): 2}
    written = {path.name for path in (tmp_path / "processed-data" / "analysis" / "daily_sales_summary").rglob("*.*")}
    assert written == {f"daily_sales_summary.{kind}" for kind in ("csv", "json", "parquet")}


def test_checks_are_checks_of_the_assets(assets: list[dg.AssetsDefinition], platform: Platform) -> None:
    result = materialized(assets, platform, "sales", partition_key="2024-03-04")
    verdicts = {(one.asset_key.path[-1], one.check_name): one.passed for one in result.get_asset_check_evaluations()}
    assert verdicts["cleaned_sales_data", "keys"]
    assert verdicts["data_quality_metrics", "at_least"]
    assert all(verdicts.values())


def test_a_function_that_fails_fails_the_run_and_leaves_the_other_results(
    assets: list[dg.AssetsDefinition], platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(4, 18):
        assert materialized(assets, platform, "sales", partition_key=f"2024-03-{day:02}").success

    def trend_analysis(enriched_daily_summary: pl.DataFrame) -> pl.DataFrame:
        raise ZeroDivisionError("no days")

    trend_analysis.__module__ = trends.__name__
    with monkeypatch.context() as patched:
        patched.setattr(trends, "trend_analysis", trend_analysis)
        catalog: Catalog = platform.catalog
        pipelines = load_pipelines("vending_platform.defs.vending.analysis")
        broken = pipeline_assets(pipelines, catalog, BusinessDays(catalog))
        result = materialized(broken, platform, "trends")
    assert not result.success
    made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    assert made == {"enriched_daily_summary", "weekly_aggregation", "top_performing_days"}
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "trend_analysis is missing: ZeroDivisionError: no days" in str(failure.step_failure_data.error)
    with duckdb.connect(tmp_path / FILE, read_only=True) as opened:
        assert opened.execute("select count(*) from analysis.weekly_aggregation").fetchall() == [(4,)]


def test_assets_know_what_they_are_made_of(assets: list[dg.AssetsDefinition]) -> None:
    specs = {spec.key.to_user_string(): spec for one in assets for spec in one.specs}
    assert {dep.asset_key.to_user_string() for dep in specs["analysis/daily_sales_summary"].deps} == {
        "analysis/cleaned_sales_data",
        "marts/fct_sales",
    }
    assert "marts/fct_stockouts" in {dep.asset_key.to_user_string() for dep in specs["ml/unit_forecasts"].deps}
    assert specs["analysis/trend_analysis"].partitions_def is None
    assert specs["analysis/cleaned_sales_data"].partitions_def is not None
    assert all(spec.code_version and spec.description for spec in specs.values())
