"""A second try does what is left of the first, and nothing else: by itself, or by a person's click on re-execute."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableJob

from vending_platform import environment
from vending_platform.accounts import WrongAccount
from vending_platform.catalog import project_hash, read_manifest
from vending_platform.exporting import ExportError
from vending_platform.opening import open_platform
from vending_platform.orchestration import assemble, retries
from vending_platform.transformation import dbt
from vending_platform_tests.core import Core
from vending_platform_tests.end_to_end.small_platform import DAYS, FILES
from vending_platform_tests.history import history_in

BROKEN = "fct_replenishments"
AND_ITS_DESCENDANTS = {BROKEN, "mart_machine_daily", "mart_product_daily", "mart_prefecture_daily"}
ASKED = ("fct_sales", *sorted(AND_ITS_DESCENDANTS))
EVERY_DAY = {(BROKEN, DAYS[0])} | {(model, day) for model in AND_ITS_DESCENDANTS - {BROKEN} for day in DAYS}
"""Nothing was delivered of the broken one, so it has one empty day."""
LATER = retries.StepFailure("the warehouse was away", is_transient=True)
NEVER = retries.StepFailure("a rule is broken")


def daily_job() -> dg.JobDefinition:
    return definitions().resolve_job_def("daily")


def asset_job() -> dg.JobDefinition:
    asked = dg.define_asset_job("asked", dg.AssetSelection.assets(*(["marts", model] for model in ASKED)))
    return dg.Definitions.merge(definitions(), dg.Definitions(jobs=[asked])).resolve_job_def("asked")


def definitions() -> dg.Definitions:
    return assemble(open_platform(environment.load()), {})


@dataclass
class Code:
    """A copy of the small project. What was parsed of it once is known, as it is broken and fixed the same way."""

    folder: Path
    manifests: dict[str, dict[str, Any]]
    parsed: dict[Any, Any] = field(default_factory=dict)

    def read(self, read: Callable[[Path, Path], dict[str, Any]], folder: Path, cache: Path) -> dict[str, Any]:
        now = project_hash(folder)
        if now not in self.manifests:
            self.manifests[now] = read(folder, cache)
        return self.manifests[now]


@dataclass
class Project:
    """Its code, with a model that can be broken and fixed, above six days of one machine."""

    code: Code
    model: Path
    good: str
    history: dg.DagsterInstance

    def break_it(self) -> None:
        self.model.write_text(self.good.replace("select * from final", "select nothing from final"))

    def fix_it(self) -> None:
        self.model.write_text(self.good)

    def execute(self, job: Any, again: dg.JobExecutionResult | None = None, **options: Any) -> dg.JobExecutionResult:
        if again is not None:
            options["reexecution_options"] = dg.ReexecutionOptions.from_failure(again.run_id, self.history)
        # Elsewhere each run is a process of its own; in one process Dagster keeps the last job, with its folders.
        ReconstructableJob.get_repository_definition.cache_clear()
        ReconstructableJob.get_definition.cache_clear()
        dbt._parsed.update(self.code.parsed)
        with dg.execute_job(dg.reconstructable(job), instance=self.history, **options) as result:
            self.code.parsed |= dbt._parsed
            return result

    def made(self, result: dg.JobExecutionResult) -> Counter[tuple[str, str | None]]:
        """The models, but for views, that a run says it made, by day."""
        logs = self.history.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        events = [log.dagster_event for log in logs if log.dagster_event is not None]
        return Counter(
            (event.asset_key.path[-1], event.partition)
            for event in events
            if event.asset_key is not None and event.asset_key.path[0] == "marts"
        )

    def checked(self, result: dg.JobExecutionResult) -> set[str]:
        """The facts and daily marts of which a run says what their checks found."""
        logs = self.history.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        found = (log.dagster_event.asset_check_evaluation_data for log in logs if log.dagster_event is not None)
        return {e.asset_key.to_user_string() for e in found if e.asset_key.path[-1] in (*ASKED, BROKEN)}

    def log(self, result: dg.JobExecutionResult) -> str:
        return "\n".join(entry.user_message for entry in self.history.all_logs(result.run_id))


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory, core: Core) -> Code:
    folder = tmp_path_factory.mktemp("code") / "dbt_project"
    shutil.copytree(core.project_dir, folder)
    return Code(folder, {project_hash(folder): core.manifest})


@pytest.fixture
def project(tmp_path: Path, code: Code, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    (tmp_path / "data" / "sources").mkdir(parents=True)
    for path, content in FILES.items():
        (tmp_path / "data" / "sources" / path).write_bytes(content)
    monkeypatch.setenv("VENDING_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("vending_platform.environment.domain.DBT_PROJECT_DIR", code.folder)
    monkeypatch.setattr("vending_platform.opening.read_manifest", partial(code.read, read_manifest))
    with history_in(tmp_path / "dagster") as history:
        (model,) = code.folder.rglob(f"{BROKEN}.sql")
        project = Project(code, model, model.read_text(), history)
        yield project
        project.fix_it()


def test_a_re_execution_from_failure_builds_what_failed_and_what_was_skipped(project: Project) -> None:
    project.break_it()
    first = project.execute(daily_job)
    assert not first.success
    made = project.made(first)
    assert {model for model, _ in made}.isdisjoint(AND_ITS_DESCENDANTS)
    assert made["fct_sales", DAYS[0]] == 1
    assert project.checked(first) == {"marts/fct_sales"}, "a test of a model that failed was not run"
    assert f"{BROKEN}, failed: " in (log := project.log(first))
    assert "unique_fct_replenishments_replenishment_id, not run, because what it needs failed" in log
    project.fix_it()
    second = project.execute(daily_job, again=first)
    assert second.success
    assert [event.step_key for event in second.all_events if event.is_step_start] == ["verdict"]
    assert set(project.made(second)) == EVERY_DAY
    assert set((made + project.made(second)).values()) == {1}, "together they are the whole, once"


def test_the_same_for_days_of_assets_that_were_asked_for_by_name(project: Project) -> None:
    assert project.execute(daily_job).success
    project.break_it()
    asked: dict[str, Any] = {
        "tags": {"dagster/asset_partition_range_start": DAYS[0], "dagster/asset_partition_range_end": DAYS[1]}
    }
    first = project.execute(asset_job, **asked)
    assert not first.success
    assert set(project.made(first)) == {("fct_sales", DAYS[0]), ("fct_sales", DAYS[1])}
    project.fix_it()
    second = project.execute(asset_job, again=first, **asked)
    assert second.success
    asked_for = {(model, day) for model in AND_ITS_DESCENDANTS for day in DAYS[:2]}
    assert set(project.made(second)) == asked_for


def test_a_run_tries_by_itself_what_is_transient(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fixed_meanwhile(*_: float) -> float:
        project.fix_it()
        return 0

    settings = replace(environment.load(), automatic_retries=2)
    monkeypatch.setattr(environment, "load", lambda: settings)
    monkeypatch.setattr(retries, "uniform", fixed_meanwhile)
    project.break_it()
    run = project.execute(daily_job)
    assert run.success
    assert [event.step_key for event in run.all_events if event.is_step_up_for_retry] == ["verdict"]
    made = project.made(run)
    assert {model for model, _ in made} >= {"fct_sales", "dim_machines", *AND_ITS_DESCENDANTS}
    assert set(made.values()) == {1}, "nothing was built twice"


@pytest.mark.parametrize(("failures", "tries"), [([LATER], 3), ([NEVER], 1), ([NEVER, LATER], 3)])
def test_only_what_is_transient_is_tried_again_and_not_for_ever(
    failures: list[retries.StepFailure], tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "uniform", lambda *_: 0)
    tried = []

    @dg.op
    def always_fails(context: dg.OpExecutionContext) -> None:
        tried.append(context.retry_number)
        retries.give_up_or_retry(context, failures, retries=2)

    @dg.job
    def job() -> None:
        always_fails()

    result = job.execute_in_process(raise_on_error=False)
    assert not result.success
    assert tried == list(range(tries))
    (event,) = (event for event in result.all_events if event.is_step_failure)
    assert event.step_failure_data.error is not None
    assert all(failure.text in event.step_failure_data.error.message for failure in failures)


@pytest.mark.parametrize(
    ("error", "tries"), [(ExportError("the old export stays"), 3), (WrongAccount("set VENDING_AWS_ACCOUNT"), 1)]
)
def test_an_error_that_is_transient_is_retried(error: Exception, tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "uniform", lambda *_: 0)
    tried = []

    @dg.op
    def always_fails(context: dg.OpExecutionContext) -> None:
        tried.append(context.retry_number)
        with retries.retrying(context, retries=2):
            raise error

    @dg.job
    def job() -> None:
        always_fails()

    assert not job.execute_in_process(raise_on_error=False).success
    assert tried == list(range(tries))
