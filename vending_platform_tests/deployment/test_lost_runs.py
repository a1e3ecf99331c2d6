"""A run whose machine is lost in the middle of its work is retried from there, and nothing is loaded twice."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.retries import auto_reexecution_should_retry_run

from vending_platform import environment
from vending_platform.catalog import Catalog
from vending_platform.ingestion import CrashPoint
from vending_platform.observers import Observer, Progress
from vending_platform.opening import open_platform
from vending_platform.orchestration import assemble
from vending_platform.orchestration.history import SETTINGS
from vending_platform_tests.deployment.instance import production_instance
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES
from vending_platform_tests.forked import FORKED


class DyingWhenCommitted(Observer):
    def progress(self, event: Progress) -> None:
        if event is CrashPoint.COMMITTED:
            os.kill(os.getpid(), signal.SIGKILL)


def _run_and_die(variables: dict[str, str]) -> None:
    os.environ.update(variables)
    with dg.DagsterInstance.get() as history:
        ingest(history, DyingWhenCommitted())


def ingest(history: dg.DagsterInstance, *observers: Observer) -> bool:
    platform = open_platform(environment.load(), *observers)
    return assemble(platform, {}).resolve_job_def("ingest").execute_in_process(instance=history).success


@pytest.fixture
def history(
    tmp_path: Path, catalog: Catalog, manifest_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """As in production, but for where it is kept."""
    (tmp_path / "data" / "sources").mkdir(parents=True)
    shutil.copytree(manifest_cache, tmp_path / "data" / "scratch" / "manifest")
    for path, content in FILES.items():
        (tmp_path / "data" / "sources" / path).write_bytes(content)
    settings = production_instance(tmp_path, monkeypatch).settings
    kept = {name: settings[name] for name in ("run_retries", "run_monitoring")}
    kept["storage"] = yaml.safe_load(SETTINGS.read_text())["storage"]
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(kept))
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as history:
        yield history


def test_the_next_run_continues_where_a_run_was_lost(history: dg.DagsterInstance) -> None:
    process = FORKED.Process(target=_run_and_die, args=(dict(os.environ),))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    (lost,) = history.get_runs()
    assert lost.status is dg.DagsterRunStatus.STARTED, "it is not noticed yet"
    history.report_run_failed(lost, "the monitor found its machine gone")
    (lost,) = history.get_runs()
    assert auto_reexecution_should_retry_run(history, lost, None)

    steps, _ = KnownExecutionState.build_resume_retry_reexecution(history, lost)
    assert set(steps) == {"load_what_is_new", "verdict"}, "what had begun, and what was still to come: all of it"
    assert ingest(history)
    with open_platform(environment.load()).context.warehouse.reading() as reader:
        (counted,) = reader.query(
            "select count(*) as n, count(distinct transaction_id) as d from raw.sales"
        ).to_pylist()
    assert counted == {"n": 3 * len(DAYS), "d": 3 * len(DAYS)}
