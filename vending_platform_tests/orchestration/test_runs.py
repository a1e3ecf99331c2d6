"""Runs of Dagster, in this process: what they do, and what they say about it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from vending_platform import environment, transformation
from vending_platform.ingestion import Summary
from vending_platform.observers import Operation
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.in_process import run_daily
from vending_platform.orchestration.names import LOCATION
from vending_platform.orchestration.sensors import by_folder
from vending_platform.status import read_quality
from vending_platform.transformation import Transformed
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES, day_of_sales, name
from vending_platform_tests.history import history_in
from vending_platform_tests.observing import Kept

SALES, FACT, EXPORT = (
    dg.AssetKey(["raw", "sales"]),
    dg.AssetKey(["marts", "fct_sales"]),
    dg.AssetKey(["exports", "sales_by_day"]),
)


@dataclass
class Fleet:
    """Six days of one machine, delivered into a folder, and Dagster above it."""

    folder: Path
    platform: Platform
    history: dg.DagsterInstance

    def deliver(self, files: dict[str, bytes]) -> None:
        for path, content in files.items():
            (self.folder / "sources" / path).write_bytes(content)

    def run(self, job: str, tags: dict[str, str] | None = None, **options: Any) -> dg.ExecuteInProcessResult:
        definitions = assemble(self.platform, {})
        found = definitions.resolve_job_def(job) if job else definitions.resolve_implicit_global_asset_job_def()
        return found.execute_in_process(instance=self.history, tags=tags, raise_on_error=False, **options)

    def materialise(self, *keys: dg.AssetKey, first_day: str, last_day: str) -> dg.ExecuteInProcessResult:
        days = {"dagster/asset_partition_range_start": first_day, "dagster/asset_partition_range_end": last_day}
        return self.run("", days, asset_selection=list(keys))

    def recorded(self, table: str) -> list[dict[str, Any]]:
        with self.platform.context.warehouse.reading() as reader:
            when = "ended_at" if table == "results_run" else "checked_at"
            rows: list[dict[str, Any]] = reader.query(f"select * from dq.{table} order by {when}").to_pylist()
        return rows

    def days(self, key: dg.AssetKey) -> set[str]:
        return set(self.history.get_materialized_partitions(key))

    def gaps(self) -> dict[dg.AssetKey, set[str]]:
        """The partitions that are not materialized, and the assets without partitions that are not."""
        graph = assemble(self.platform, {}).resolve_asset_graph()
        found = {}
        for key in graph.materializable_asset_keys:
            partitions = graph.get(key).partitions_def
            if partitions is not None:
                found[key] = set(partitions.get_partition_keys()) - self.days(key)
            elif self.history.get_latest_materialization_event(key) is None:
                found[key] = {"all of it"}
        return {key: missing for key, missing in found.items() if missing}

    def stale(self) -> dict[str, list[str]]:
        """What Dagster calls stale, and why."""
        graph = assemble(self.platform, {}).resolve_asset_graph()
        found = {}
        resolver = CachingStaleStatusResolver(self.history, graph, LoadingContextForTest(self.history))
        for key in graph.materializable_asset_keys:
            partitions = graph.get(key).partitions_def
            for day in partitions.get_partition_keys() if partitions is not None else (None,):
                if causes := resolver.get_stale_root_causes(key, day):
                    found[f"{key.to_user_string()} {day}"] = [cause.reason for cause in causes]
        return found

    def stale_but_exports(self) -> set[str]:
        return {what for what in self.stale() if not what.startswith("exports/")}

    def stale_in_ledger(self) -> set[str]:
        schemas = {model.name: model.schema_name for model in self.platform.catalog.models}
        with self.platform.context.warehouse.reading() as reader:
            stale = transformation.stale(reader, self.platform.catalog)
        return {f"{schemas[name]}/{name} {day}" for day, names in stale.items() for name in names}

    def metadata(self, key: dg.AssetKey) -> dict[str, Any]:
        latest = self.history.get_latest_materialization_event(key)
        assert latest is not None
        assert latest.asset_materialization is not None
        return {name: value.value for name, value in latest.asset_materialization.metadata.items()}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, core: Core) -> Iterator[Fleet]:
    with fleet_in(tmp_path_factory.mktemp("fleet"), core) as fleet:
        yield fleet


@contextmanager
def fleet_in(folder: Path, core: Core) -> Iterator[Fleet]:
    (folder / "sources").mkdir()
    core.hand_over()
    with pytest.MonkeyPatch.context() as patch, history_in(folder / "dagster") as history:
        patch.setenv("VENDING_DATA_DIR", str(folder))
        platform = Platform(replace(environment.load(), project_dir=core.project_dir), core.manifest)
        fleet = Fleet(folder, platform, history)
        fleet.deliver(FILES)
        yield fleet


def test_one_day_after_the_other_as_a_story(fleet: Fleet) -> None:
    """One test, because each part goes on from where the one before left the warehouse, and dbt takes seconds."""
    assert fleet.run("daily").success
    assert fleet.days(SALES) == fleet.days(FACT) == fleet.days(EXPORT) == set(DAYS)
    # Jobs of their own extract what systems hold, and tend the lake.
    extracted = {source.name for source in fleet.platform.catalog if source.extract is not None}
    gaps = {key.path[-1] for key in fleet.gaps() if key.path[0] not in ("lake", "extracted")}
    assert gaps - extracted == {
        *("fct_replenishments", "base_vending__replenishments_superseded", "fct_replenishments_parquet")
    }, "in the graph all is materialized but what rests on visits alone, of which there are none"
    assert fleet.stale() == {}
    told = fleet.metadata(SALES)
    assert (told["files loaded"], told["files unchanged"], told["rows accepted"]) == (6, 0, 18)
    assert "data:image/svg+xml" in told["rows per day"]
    assert fleet.metadata(FACT)["dagster/partition_row_count"] == 3
    assert fleet.metadata(dg.AssetKey(["marts", "dim_products"]))["dagster/row_count"] == 2
    assert (fleet.folder / "processed-data" / fleet.metadata(EXPORT)["path"].split("processed-data/")[1]).is_file()
    checks = fleet.history.event_log_storage.get_latest_asset_check_execution_by_key(
        [dg.AssetCheckKey(SALES, "contract_held"), dg.AssetCheckKey(FACT, "unique_fct_sales_transaction_id")]
    )
    assert [record.status.value for record in checks.values()] == ["SUCCEEDED", "SUCCEEDED"]

    # Nothing new: a second run says so, and makes nothing.
    again = fleet.run("daily")
    assert again.success
    assert [event for event in again.all_events if event.is_step_materialization] == []
    first, second = fleet.recorded("results_run")
    assert (first["job"], first["status"]) == ("daily", "succeeded")
    assert (second["run_id"], second["checks"], second["files_loaded"]) == (again.run_id, 0, 0)
    assert first["checks"] == len(fleet.recorded("results_check")) > 200
    assert {row["dataset"] for row in fleet.recorded("results_check")} >= {"raw.sales", "marts.fct_sales", "deliveries"}

    # One corrected old day: exactly that day of what it reaches.
    fleet.deliver({name(DAYS[2]): day_of_sales(DAYS[2], 1, 2)})
    corrected = fleet.run("daily")
    made = {(e.asset_key, e.partition) for e in corrected.all_events if e.is_step_materialization}
    assert {partition for _, partition in made} == {DAYS[2]}
    assert {key for key, _ in made} >= {SALES, FACT, EXPORT}
    assert fleet.metadata(FACT)["dagster/partition_row_count"] == 2

    # Until it is built, a correction makes stale in Dagster what reads the deliveries (it follows no chain), and in the
    # ledger all that they reach. An export whose content stayed the same is not written, so nothing is logged.
    assert fleet.stale_but_exports() == fleet.stale_in_ledger() == set()
    fleet.deliver({name(DAYS[3]): day_of_sales(DAYS[3], 1, 2)})
    assert fleet.run("ingest").success
    assert f"marts/fct_sales {DAYS[3]}" in fleet.stale_in_ledger()
    readers = assemble(fleet.platform, {}).resolve_asset_graph().get(SALES).child_keys
    assert fleet.stale_but_exports() == {f"{key.to_user_string()} {DAYS[3]}" for key in readers}
    assert fleet.run("transform").success
    assert fleet.stale_but_exports() == fleet.stale_in_ledger() == set()

    # A range, asked for by name, in one run: also what is not stale.
    assert fleet.materialise(FACT, first_day=DAYS[0], last_day=DAYS[1]).success
    assert fleet.metadata(FACT)["dagster/partition_row_count"] == 3

    # A day that is mostly in quarantine stops itself, also when downstream runs alone, and says why.
    fleet.deliver({name(DAYS[4]): b"cut off"})
    assert fleet.run("ingest").success
    check = dg.AssetCheckKey(SALES, "contract_held")
    (record,) = fleet.history.event_log_storage.get_latest_asset_check_execution_by_key([check]).values()
    assert record.evaluation is not None
    assert record.evaluation.severity is dg.AssetCheckSeverity.ERROR
    blocked = fleet.materialise(FACT, first_day=DAYS[4], last_day=DAYS[4])
    assert not blocked.success
    (failure,) = (event for event in blocked.all_events if event.is_step_failure)
    assert failure.step_failure_data.error is not None
    assert f"sales of {DAYS[4]} waits: 1 of 1 files are in quarantine" in failure.step_failure_data.error.message
    assert [event for event in blocked.all_events if event.is_step_materialization] == []

    # What was done in each way is on record, also of the run that failed, and it is there to be read.
    runs = fleet.recorded("results_run")
    assert [(run["job"], run["status"]) for run in runs] == [
        *(("daily", "succeeded"),) * 3,
        ("ingest", "succeeded"),
        ("transform", "succeeded"),
        ("__ASSET_JOB", "succeeded"),
        ("ingest", "succeeded"),
        ("__ASSET_JOB", "failed"),
    ]
    assert "1 of 1 files are in quarantine" in runs[-1]["problem"]
    found, is_being_written = read_quality(fleet.platform)
    assert found is not None
    assert not is_being_written
    newest = {score.dataset: score for score in found.latest}
    assert (newest["marts.fct_sales"].day, newest["marts.fct_sales"].score) == (DAYS[5], 100)
    (broken,) = (failure for failure in found.failures if failure.check == "files usable")
    assert (broken.day, broken.status, [file.path for file in broken.files]) == (DAYS[4], "failed", [name(DAYS[4])])
    quarantined = next(s for s in found.scores if (s.dataset, s.day) == ("raw.sales", DAYS[4]))
    assert (quarantined.failed, quarantined.days_since_failure) == (1, 0)

    # While somebody writes, what the last run told is there instead.
    with fleet.platform.context.warehouse.writing("test", print):
        told_last, is_being_written = read_quality(fleet.platform)
    assert is_being_written
    assert told_last is not None
    assert told_last.scores == found.scores


def test_a_dropped_file_goes_on_to_marts_and_exports(tmp_path: Path, core: Core) -> None:
    with fleet_in(tmp_path, core) as fleet:
        drop_a_file(fleet)


def drop_a_file(fleet: Fleet) -> None:
    assert fleet.run("daily").success
    before = fleet.recorded("results_run")
    late = name(DAYS[0], "VM002")
    fleet.deliver({late: day_of_sales(DAYS[0], 1, machine_id="VM002")})
    sensor = by_folder(is_running=True)
    context = dg.build_sensor_context(instance=fleet.history, resources={"platform": fleet.platform})
    result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or []
    assert sensor.job_name is not None
    run = fleet.run(sensor.job_name, dict(request.tags), run_config=request.run_config)
    assert run.success
    made = {(event.asset_key, event.partition) for event in run.all_events if event.is_step_materialization}
    assert {(key, DAYS[0]) for key in (SALES, FACT, EXPORT)} <= made
    assert len(fleet.recorded("results_run")) == len(before) + 1


def test_the_terminal_and_the_ui_share_one_history(fleet: Fleet, tmp_path: Path) -> None:
    home = tmp_path / "dagster"
    kept = Kept()
    settings = replace(fleet.platform.environment, dagster_home=home)
    platform = replace(fleet.platform, environment=settings).observed_by(kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        assert run_daily(platform, first_day=None, last_day=None, every_day=False, models=["dim_staff"])
        assert [type(result) for result in kept.results] == [Summary, Transformed, list]
        assert kept.begun == [Operation.INGEST, Operation.TRANSFORM, Operation.EXPORT]
        with history_in(home) as history:
            (run,) = history.get_runs(dg.RunsFilter(tags={".dagster/repository": f"__repository__@{LOCATION}"}))
            assert [other.run_id for other in history.get_runs()] == [run.run_id]
            assert (run.job_name, run.status) == ("daily", dg.DagsterRunStatus.SUCCESS)
            assert history.telemetry_enabled is False
            assert history.nux_enabled is False
            steps = [
                e.step_key for e in history.all_logs(run.run_id) if e.dagster_event and e.dagster_event.is_step_success
            ]
            assert steps == ["load_what_is_new", "build_what_is_stale", "write_what_changed", "verdict"]


def test_the_sensor_asks_for_what_is_new_until_it_is_loaded(platform: Platform) -> None:
    sources = Path(platform.environment.places.raw)

    def look(history: dg.DagsterInstance) -> dg.SensorResult:
        context = dg.build_sensor_context(instance=history, resources={"platform": platform})
        result = by_folder(is_running=False)(context)
        assert isinstance(result, dg.SensorResult)
        return result

    with dg.DagsterInstance.ephemeral() as history:
        nothing = look(history)
        assert nothing.skip_reason is not None
        assert "Nothing new" in str(nothing.skip_reason)
        for path, content in FILES.items():
            (sources / path).write_bytes(content)
        asked = look(history).run_requests or []
        assert [request.tags["vending/about"].split(",")[0] for request in asked] == [
            "payment_methods",
            f"{DAYS[0]}..{DAYS[5]}",
        ]
        # Of what it requests, which is the job `daily`, only the part that it is about: the others have a test above.
        job = assemble(platform, {}).resolve_job_def("ingest")
        for request in asked:
            assert job.execute_in_process(run_config=request.run_config, tags=request.tags, instance=history).success
        assert "all 11 files are loaded" in str(look(history).skip_reason)

        # A late file with an old modification time is as new as any other.
        late = sources / name(DAYS[0], "VM002")
        late.write_bytes(day_of_sales(DAYS[0], 1, machine_id="VM002"))
        os.utime(late, (0, 0))
        (request,) = look(history).run_requests or []
        assert request.run_config["ops"]["load_what_is_new"]["config"] == {
            "first_day": DAYS[0],
            "last_day": DAYS[0],
            "sources": ["sales"],
        }
