"""The job of forecasts: what it shows of past forecasts, and a model that is not as good as usual is left out, warned
of and alerted, until it is as usual again."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from vending_platform import environment
from vending_platform.alerts import Alerting
from vending_platform.analysis import analyse, load_pipelines, save_tables
from vending_platform.opening import Platform
from vending_platform.orchestration import pipeline_definitions
from vending_platform.orchestration.alert_sensor import watch_once
from vending_platform.orchestration.function_checks import checks_of_functions
from vending_platform.warehouse import TableName
from vending_platform_tests.alerts.parts import Notebook
from vending_platform_tests.defs.vending.test_forecasts import DAYS, FIRST, marts

(FORECASTS,) = [one for one in load_pipelines("vending_platform.defs.vending.analysis") if one.name == "forecasts"]
LAST_WEEK = FIRST + timedelta(days=DAYS - 7)
NEXT_EVENING = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    """In the last week three times as much is sold as before, which no model foresees."""
    found = marts(stockouts=[])
    sold = pl.when(pl.col("business_date") >= LAST_WEEK).then(pl.col("units_sold") * 3).otherwise(pl.col("units_sold"))
    return found | {"fct_slot_inventory_daily": found["fct_slot_inventory_daily"].with_columns(sold)}


@pytest.fixture(scope="module")
def errors(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Of a run without a history."""
    found: pl.DataFrame = analyse(FORECASTS, tables, ["forecast_errors"]).results["forecast_errors"]
    return found


@pytest.fixture
def platform(
    tmp_path: Path, manifest: dict[str, Any], tables: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> Platform:
    (tmp_path / "sources").mkdir()
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path))
    platform = Platform(environment.load(), manifest)
    schemas = {model.name: model.schema_name for model in platform.catalog.models}
    with platform.context.warehouse.writing("test", lambda _: None) as writer:
        for name, rows in tables.items():
            writer.replace(TableName(schemas[name], name), rows.to_arrow().cast(_plain(rows)))
    return platform


def _plain(rows: pl.DataFrame) -> Any:
    import pyarrow as pa

    schema = rows.to_arrow().schema
    return pa.schema([(one.name, pa.string() if pa.types.is_large_string(one.type) else one.type) for one in schema])


def with_history(platform: Platform, errors: pl.DataFrame, share: float) -> None:
    """Six earlier evenings, on which the errors for the newest days were this share of what they are now."""
    with platform.context.warehouse.writing("test", lambda _: None) as writer:
        for back in range(1, 7):
            evening = errors.with_columns(
                pl.col("forecast_on") - pl.duration(days=back),
                pl.col("newest_wape") * share,
                is_out_of_range=False,
            )
            save_tables(writer, FORECASTS, {"forecast_errors": evening})


def definitions_of(platform: Platform) -> dg.Definitions:
    resources = {"platform": dg.ResourceDefinition.hardcoded_resource(platform)}
    return dg.Definitions.merge(pipeline_definitions([FORECASTS], platform), dg.Definitions(resources=resources))


def test_a_model_that_is_out_of_range_is_left_out_and_alerted_until_it_is_as_usual(
    platform: Platform, errors: pl.DataFrame
) -> None:
    definitions = definitions_of(platform)
    repository = definitions.get_repository_def()
    phone = Notebook("phone")
    with dg.DagsterInstance.ephemeral() as history:
        checks = checks_of_functions(repository)

        def run() -> dg.ExecuteInProcessResult:
            job = definitions.resolve_job_def("forecast")
            done = job.execute_in_process(instance=history)
            watch_once(history, ["forecast"], platform, Alerting([phone]), NEXT_EVENING, checks)
            return done

        with_history(platform, errors, 0.1)
        done = run()
        assert done.success, "a warning is no failure"
        rows = platform_rows(platform, "ml.forecast_errors")
        left_out = rows.filter((pl.col("forecast_on") == max(rows["forecast_on"])) & pl.col("is_out_of_range"))
        assert set(left_out["model"]) == {"smoothed", "pooled"}, "the simplest always serves"
        assert set(rows.filter(pl.col("is_used") & (pl.col("forecast_on") == rows["forecast_on"].max()))["model"]) == {
            "weekday_mean",
            "combined",
        }
        assert phone.events() == ["NEW ml/forecast_errors none_is"]
        assert phone.messages[0].problem.why == f"is out of range in 2 of {_of_the_run(rows)} rows"
        with_history(platform, errors, 1.0)
        assert run().success
        assert phone.events()[1:] == ["RECOVERED ml/forecast_errors none_is"]


def _of_the_run(rows: pl.DataFrame) -> int:
    return rows.filter(pl.col("forecast_on") == rows["forecast_on"].max()).height


def platform_rows(platform: Platform, table: str) -> pl.DataFrame:
    with platform.context.warehouse.reading() as reader:
        found = pl.from_arrow(reader.query(f"select * from {table}"))
    assert isinstance(found, pl.DataFrame)
    return found


def test_what_was_right_and_wrong_is_shown_as_figures_and_as_a_picture(
    platform: Platform, errors: pl.DataFrame
) -> None:
    with_history(platform, errors, 1.0)
    done = definitions_of(platform).resolve_job_def("forecast").execute_in_process()
    made = {one.asset_key.path[-1]: one for one in done.get_asset_materialization_events() if one.asset_key}
    assert made.keys() == {"unit_forecasts", "machine_forecasts", "forecast_errors"}
    metadata = made["forecast_errors"].materialization.metadata
    rows = {(row["level"], row["model"]): row for row in errors.filter(pl.col("segment") == "all").to_dicts()}
    assert metadata["wape of each series"].value == rows["series", "combined"]["wape"]
    assert metadata["models left out of range"].value == 0
    picture = str(metadata["picture"].value)
    assert picture.startswith("![Errors of past forecasts, by model](data:image/svg+xml;base64,")
    assert "| whole groups | combined |" in picture
    delivered = platform.context.storage.raw.files("forecasts")
    evening = date.fromordinal(LAST_WEEK.toordinal() + 6)
    assert {file.path for file in delivered} == {
        f"forecasts/{name}_{evening:%Y%m%d}.parquet" for name in ("unit_forecasts", "machine_forecasts")
    }
