"""What a run logs for machines, wherever logs go to the cloud: numbers, and lines with run, asset and day."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from vending_platform.alerts import JsonLines
from vending_platform.alerts.metrics import METRICS
from vending_platform.environment import PROJECT_DIR, EnvironmentName
from vending_platform.exporting import Exported, Part, RawFiles
from vending_platform.opening import Platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.metrics import about_record, built, exported
from vending_platform.transformation import BlockedDay, NodeResult, Transformed, Window
from vending_platform_tests.ingestion.raw_folder import sales, sales_file, sales_row

SETTINGS = PROJECT_DIR / "deployment" / "dagster.yaml"


@contextmanager
def in_the_cloud() -> Iterator[dg.DagsterInstance]:
    """A history that logs as it does in staging and production."""
    logs = {"python_logs": yaml.safe_load(SETTINGS.read_text())["python_logs"]}
    with warnings.catch_warnings(), dg.instance_for_test(overrides=logs) as history:
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield history


@dataclass
class Logs:
    lines: list[dict[str, Any]]
    run_id: str

    def of(self, **said: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if all(line.get(name) == value for name, value in said.items())]


@pytest.fixture
def metrics(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, METRICS.name)
    return caplog


def test_a_run_in_the_cloud_logs_lines_and_numbers(
    platform: Platform, capfd: pytest.CaptureFixture[str], metrics: pytest.LogCaptureFixture
) -> None:
    there = replace(platform, environment=replace(platform.environment, name=EnvironmentName.STAGING))
    folder = Path(there.environment.places.raw)
    good = sales_file(day="2024-03-04", rows=3)
    bad = sales(sales_row(1, "VM002", "2024-03-04"), sales_row(2, "VM002", "2024-03-04", quantity="x"))
    for name, content in {"VM001": good, "VM002": bad, "VM003": b"broken"}.items():
        (folder / f"sales_{name}_20240304.csv").write_bytes(content)
    with in_the_cloud() as history:
        job = assemble(there, {}).resolve_job_def("ingest")
        run = job.execute_in_process(instance=history).run_id
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    logs = Logs(lines, run)
    assert {line["run"] for line in lines} == {run}
    assert {line["job"] for line in lines} == {"ingest"}
    (day,) = logs.of(asset="raw/sales", event="ASSET_MATERIALIZATION")
    assert (day["partition"], day["step"]) == ("2024-03-04", "load_what_is_new")
    assert logs.of(asset="raw/sales", event="ASSET_CHECK_EVALUATION")
    (told,) = [line for line in lines if "files loaded" in line["message"]]
    assert told["message"].startswith("2 files loaded, 0 of them corrections")

    numbers = [json.loads(JsonLines().format(record)) for record in metrics.records if record.name == METRICS.name]
    of_sales, of_step = numbers
    assert (of_sales["Environment"], of_sales["Source"], of_sales["run"]) == ("staging", "sales", run)
    assert [of_sales[name] for name in ("Files", "Rows", "Rejects", "Quarantined")] == [2, 4, 1, 1]
    assert 0 <= of_sales["Lag"] < 60
    assert of_step["Step"] == "ingest"
    assert 0 < of_step["Duration"] < 60


def test_a_run_that_fails_logs_why(platform: Platform, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = {"ops": {"load_what_is_new": {"config": {"sources": ["receipts"]}}}}
    with in_the_cloud() as history:
        job = assemble(platform, {}).resolve_job_def("ingest")
        assert not job.execute_in_process(instance=history, run_config=wrong, raise_on_error=False).success
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    (failure,) = [line for line in lines if line.get("event") == "STEP_FAILURE"]
    assert failure["level"] == "ERROR"
    assert "no source is called receipts" in failure["exception"]


@pytest.mark.parametrize(
    ("tags", "partition"),
    [
        ({}, None),
        ({"dagster/partition": "2024-03-04"}, "2024-03-04"),
        (
            {
                "dagster/asset_partition_range_start": "2024-03-04",
                "dagster/asset_partition_range_end": "2024-03-09",
            },
            "2024-03-04...2024-03-09",
        ),
    ],
)
def test_a_line_says_which_days_its_run_is_about(tags: dict[str, str], partition: str | None) -> None:
    record = logging.makeLogRecord(
        {
            "dagster_meta": {
                "run_id": "r1",
                "job_name": "daily",
                "step_key": None,
                "orig_message": "hello",
                "job_tags": tags,
                "dagster_event": None,
            }
        }
    )
    assert about_record(record).get("partition") == partition
    assert about_record(logging.makeLogRecord({})) == {}


def test_numbers_of_builds_and_exports() -> None:
    def node(name: str, status: str) -> NodeResult:
        return NodeResult(name, name, "model", status, None, None, 1.0, frozenset())

    day = date(2024, 3, 4)
    done = Transformed(
        "r1",
        [(Window(()), [node("a", "success"), node("b", "error"), node("c", "skipped")])],
        [BlockedDay("sales", day, "3 of 4")],
        {("a", day): 7, ("a", None): 3},
    )
    said = {number.name: number.value for number in built(done)}
    assert said == {"Builds": 2, "RowsBuilt": 10, "FailedNodes": 1, "Blocked": 1}
    part = Part("2024-03-04", "x.parquet", 5, 100, "", "", RawFiles("x.json", 3, ""))
    told = {number.name: number.value for number in exported([Exported("x", [part, part], [], ["2024-03-05"])])}
    assert told == {"FilesExported": 2, "RowsExported": 10, "HeldBack": 1}
