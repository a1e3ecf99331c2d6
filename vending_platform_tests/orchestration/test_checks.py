"""Checks by themselves, as somebody executes a single one in the UI; and what a run says while dbt works."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from vending_platform import environment
from vending_platform.catalog import Catalog
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble, described
from vending_platform.warehouse.duckdb import DuckDBSettings
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES
from vending_platform_tests.history import history_in

FACT = dg.AssetKey(["marts", "fct_sales"])
UNIQUE = dg.AssetCheckKey(FACT, "unique_fct_sales_transaction_id")


@dataclass
class Place:
    """Six days of one machine, ingested, and Dagster above them."""

    platform: Platform
    history: dg.DagsterInstance
    definitions: dg.Definitions = field(init=False)

    def __post_init__(self) -> None:
        self.definitions = assemble(self.platform, {})

    def run(self, job: str, **options: Any) -> dg.ExecuteInProcessResult:
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.history, raise_on_error=False, **options
        )

    def execute(self, check: dg.AssetCheckKey) -> dg.ExecuteInProcessResult:
        """As the button of the UI does: this check, no asset and no partition."""
        name = "one_check"
        only = dg.define_asset_job(name, dg.AssetSelection.checks(check))
        job = dg.Definitions.merge(self.definitions, dg.Definitions(jobs=[only])).resolve_job_def(name)
        return job.execute_in_process(instance=self.history, raise_on_error=False)

    def sql(self, statement: str) -> Any:
        assert isinstance(self.platform.environment.warehouse, DuckDBSettings)
        with duckdb.connect(self.platform.environment.warehouse.path) as opened:
            return opened.execute(statement).fetchall()

    def log(self, result: dg.ExecuteInProcessResult) -> list[str]:
        return [entry.user_message for entry in self.history.all_logs(result.run_id)]


def columns_are_described(place: Place) -> None:
    """Of what was built, by the SQL that it was built with, and from nothing that the model does not read."""
    found = described(place.platform)
    nodes = place.platform.manifest["nodes"]
    assert found.columns.keys() == {name for name, node in nodes.items() if node["resource_type"] == "model"}
    for name, columns in found.columns.items():
        read = {(column.schema, column.table) for behind in columns.values() for column in behind}
        declared = [nodes.get(parent) or place.platform.manifest["sources"][parent] for parent in _parents(place, name)]
        assert read <= {(node["schema"], node.get("identifier", node["name"])) for node in declared}, name
    machine_daily = found.of(nodes["model.vending.mart_machine_daily"])
    lineage = machine_daily["dagster/column_lineage"].deps_by_column
    assert lineage["vends"] == [dg.TableColumnDep(FACT, "status")]
    sql, yaml = machine_daily["dagster/code_references"].code_references
    assert Path(sql.file_path).name == "mart_machine_daily.sql"
    lines = Path(yaml.file_path).read_text().splitlines()
    assert lines[yaml.line_number - 1].strip().endswith("name: mart_machine_daily")


def _parents(place: Place, name: str) -> list[str]:
    parents: list[str] = place.platform.manifest["parent_map"][name]
    return parents


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, core: Core) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    (folder / "sources").mkdir()
    for path, content in FILES.items():
        (folder / "sources" / path).write_bytes(content)
    core.hand_over()
    with pytest.MonkeyPatch.context() as patch, history_in(folder / "dagster") as history:
        patch.setenv("VENDING_DATA_DIR", str(folder))
        yield Place(Platform(replace(environment.load(), project_dir=core.project_dir), core.manifest), history)


def test_one_check_is_executed_by_itself(place: Place) -> None:
    """A story, as dbt takes seconds."""
    assert place.run("ingest").success

    # Of a model that was never built there is nothing to test: that is neither green nor a broken rule.
    early = place.execute(UNIQUE)
    assert not early.success
    assert early.get_asset_check_evaluations() == []
    (failure,) = (event for event in early.all_events if event.is_step_failure)
    assert failure.step_failure_data.error is not None
    assert "fct_sales was never built" in failure.step_failure_data.error.message

    built = place.run("transform")
    assert built.success
    lines = [line for line in place.log(built) if re.match(r"\d+ of \d+: ", line)]
    numbers = [tuple(map(int, re.findall(r"\d+", line)[:2])) for line in lines]
    assert numbers == [(number, len(lines)) for number in range(1, len(lines) + 1)]
    assert any(re.fullmatch(r"\d+ of \d+: fct_sales, built, \d+\.\d s", line) for line in lines)
    assert any(re.fullmatch(r"\d+ of \d+: unique_fct_sales_transaction_id, passed, \d+\.\d s", line) for line in lines)

    columns_are_described(place)

    before = place.sql("select model, business_date, built_at from raw._builds order by all")
    good = place.execute(UNIQUE)
    assert good.success
    (evaluation,) = good.get_asset_check_evaluations()
    assert (evaluation.asset_check_key, evaluation.passed) == (UNIQUE, True)
    assert [event for event in good.all_events if event.is_step_materialization] == []
    assert place.sql("select model, business_date, built_at from raw._builds order by all") == before

    # It is about what is there now, and its result is on record with the day of the rows that it found.
    place.sql(f"insert into marts.fct_sales select * from marts.fct_sales where business_date = date '{DAYS[2]}'")
    bad = place.execute(UNIQUE)
    assert not bad.success, "a rule that is broken holds back what comes after it, as in any run"
    (evaluation,) = bad.get_asset_check_evaluations()
    assert not evaluation.passed
    assert evaluation.metadata["failing rows"].value == 3
    found = place.sql(
        f"select status, first_day::varchar from dq.results_check where run_id = '{bad.run_id}'"
        f" and status <> 'passed' and dataset = 'marts.fct_sales'"
    )
    assert found == [("failed", DAYS[2])]


def test_every_check_says_what_it_checks(catalog: Catalog, core: Core) -> None:
    specs = {
        spec.key: spec
        for asset in assemble(Platform(environment.load(), core.manifest), {}).assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.check_specs
    }
    assert [key for key, spec in specs.items() if not spec.description] == []
    assert specs[UNIQUE].description == "transaction_id: every value once"
