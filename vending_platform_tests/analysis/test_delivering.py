"""Results come back as deliveries, and tables keep what earlier runs found."""

from datetime import date
from pathlib import Path
from types import ModuleType

import polars as pl
import pyarrow.parquet as pq
import pytest

from vending_platform.analysis import Pipeline, deliver, read_tables, save_tables
from vending_platform.analysis.checks import NoneIs
from vending_platform.analysis.forecasting import usual_errors
from vending_platform.analysis.pipeline import PipelineError, pipeline_of
from vending_platform.catalog import Catalog
from vending_platform.defs.vending.analysis import forecasts
from vending_platform.storage.local import LocalPlace
from vending_platform.warehouse import TableName
from vending_platform.warehouse.duckdb import DuckDBWarehouse

EVENING = date(2024, 3, 10)
PATH = "forecasts/machine_forecasts_20240310.parquet"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return pipeline_of(forecasts)


def machine_forecasts(expected: float) -> pl.DataFrame:
    quantiles = {f"q{level}": [expected] for level in (10, 25, 50, 75, 90, 95)}
    day = {"machine_id": ["VM1"], "forecast_on": [EVENING], "business_date": [date(2024, 3, 11)], "days_ahead": [1]}
    return pl.DataFrame({**day, "expected": [expected], **quantiles})


def test_a_result_becomes_a_file_of_its_contract(tmp_path: Path, catalog: Catalog, pipeline: Pipeline) -> None:
    raw, results = (
        LocalPlace(tmp_path),
        {"machine_forecasts": machine_forecasts(2.5), "forecast_errors": pl.DataFrame()},
    )
    assert deliver(raw, catalog, pipeline, results) == [PATH]
    source = next(source for source in catalog.sources if source.name == "daily_machine_forecasts")
    assert source.match(PATH) is not None
    rows = pq.read_table(tmp_path / PATH)
    assert {name: str(rows.schema.field(name).type) for name in ("expected", "business_date")} == {
        "expected": "decimal128(18, 4)",
        "business_date": "date32[day]",
    }
    assert deliver(raw, catalog, pipeline, results) == [], "the same rows are no correction"
    assert deliver(raw, catalog, pipeline, {"machine_forecasts": machine_forecasts(3.5)}) == [PATH]


def test_a_delivery_needs_a_contract(tmp_path: Path, catalog: Catalog) -> None:
    module = ModuleType("module")
    vars(module)["DELIVERED"] = {"result": "products"}
    with pytest.raises(PipelineError, match="delivered as products, and there is no such source: declare one with"):
        deliver(LocalPlace(tmp_path), catalog, Pipeline("p", (module,), {}, False), {"result": machine_forecasts(1)})


def errors(day: date, wape: float | None) -> pl.DataFrame:
    row = {"forecast_on": day, "level": "series", "model": "pooled", "segment": "all", "newest_wape": wape}
    return pl.DataFrame([row], schema_overrides={"newest_wape": pl.Float64})


def test_errors_of_earlier_runs_are_kept_and_read(tmp_path: Path, catalog: Catalog, pipeline: Pipeline) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "dev.duckdb")
    with warehouse.reading() as reader:
        assert read_tables(reader, catalog, pipeline, ["earlier_errors"])["earlier_errors"].is_empty()
    for day, wape in ((9, 0.3), (10, 0.4), (10, 0.5)):  # the last run of an evening counts
        with warehouse.writing("test", lambda _: None) as writer:
            save_tables(writer, pipeline, {"forecast_errors": errors(date(2024, 3, day), wape)})
    with warehouse.reading() as reader:
        assert reader.query(f"select count(*) as n from {TableName('ml', 'forecast_errors')}")["n"].to_pylist() == [2]
        earlier = read_tables(reader, catalog, pipeline, ["earlier_errors"])["earlier_errors"]
    assert usual_errors(earlier, date(2024, 3, 11)) == {"pooled": [0.3, 0.5]}
    assert usual_errors(earlier, date(2024, 3, 10)) == {"pooled": [0.3]}, "a run again is not held against itself"


def test_a_flag_is_a_warning_where_it_is_declared_as_one() -> None:
    check = NoneIs("is_out_of_range", importance="warn")
    assert check.validate(pl.DataFrame({"is_out_of_range": [False, False]})).passes
    found = check.validate(pl.DataFrame({"is_out_of_range": [False, True]}))
    assert not found.passes
    assert found.message == "is out of range in 1 of 2 rows"
