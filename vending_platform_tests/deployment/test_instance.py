"""Dagster's own instance in staging and production: its settings are Dagster's, and have the intended values."""

import inspect
import json
import logging
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
import yaml
from dagster import BetaWarning
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG, TAGS_TO_MAYBE_OMIT_ON_RETRY
from dagster_aws.ecs import EcsRunLauncher, launcher, utils
from dagster_aws.s3 import S3ComputeLogManager
from dagster_k8s import K8sRunLauncher
from dagster_k8s.job import DEFAULT_K8S_JOB_BACKOFF_LIMIT
from dagster_postgres import DagsterPostgresStorage

from vending_platform.environment import PROJECT_DIR
from vending_platform.orchestration.sensors import ABOUT, LISTED, REQUESTED_BY
from vending_platform_tests.deployment.instance import SETTINGS, production_instance
from vending_platform_tests.deployment.policies import is_allowed, policies
from vending_platform_tests.emulators.aws import ACCOUNT, COMPANY, REGION, EmulatedAws

_BLOCK = re.compile(r"```yaml\n(run_launcher:.*?)```", re.DOTALL)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstanceRef:
    return production_instance(tmp_path, monkeypatch)


def launchers() -> dict[str, dict[str, Any]]:
    """The blocks that the handbook offers, by their class."""
    blocks = map(yaml.safe_load, _BLOCK.findall((PROJECT_DIR / "docs" / "deployment.md").read_text()))
    return {block["run_launcher"]["class"]: block for block in blocks}


def test_history_and_logs_are_stored_outside_of_the_machine(instance: InstanceRef) -> None:
    storage = instance.storage
    assert isinstance(storage, DagsterPostgresStorage)
    assert storage.postgres_url == "postgresql+psycopg2://vending:p%40ss/word@db.invalid:5432/dagster"
    assert isinstance(instance.compute_log_manager, S3ComputeLogManager)


def test_no_password_and_no_host_is_in_the_settings() -> None:
    database = yaml.safe_load(SETTINGS.read_text())["storage"]["postgres"]["postgres_db"]
    assert database.pop("scheme") == "postgresql+psycopg2"
    assert all(value.keys() == {"env"} for value in database.values())


def test_only_declared_variables_are_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster refuses what it does not know, so that a slip of the pen can't turn a setting off."""
    with pytest.raises(dg.DagsterInvalidConfigError, match="run_retry"):
        production_instance(tmp_path, monkeypatch, run_retry={"enabled": True})


class TestRetries:
    @pytest.fixture
    def history(self, instance: InstanceRef) -> Any:
        with dg.DagsterInstance.ephemeral(settings=dict(instance.settings)) as history:
            yield history

    def failed(
        self, history: dg.DagsterInstance, reason: RunFailureReason | None, of: dg.DagsterRun | None = None
    ) -> dg.DagsterRun:
        root = of.run_id if of is not None else None
        run = dg.DagsterRun(
            "ingest",
            run_id=str(uuid4()),
            root_run_id=root,
            parent_run_id=root,
            tags={ROOT_RUN_ID_TAG: root, PARENT_RUN_ID_TAG: root} if root is not None else {},
            status=dg.DagsterRunStatus.STARTED,
        )
        history.add_run(run)
        data = JobFailureData(error=None, failure_reason=reason) if reason is not None else None
        history.report_run_failed(run, "gone", data)
        found = history.get_run_by_id(run.run_id)
        assert found is not None
        return found

    @pytest.mark.parametrize(
        ("reason", "is_retried"),
        [
            (None, True),  # what the monitor reports about a run whose machine is gone
            (RunFailureReason.START_TIMEOUT, True),
            (RunFailureReason.RUN_WORKER_RESTART, True),
            (RunFailureReason.STEP_FAILURE, False),  # its own run has tried it again already
        ],
    )
    def test_dagster_retries_lost_runs_and_no_failed_step(
        self, history: dg.DagsterInstance, reason: RunFailureReason | None, is_retried: bool
    ) -> None:
        run = self.failed(history, reason)
        assert auto_reexecution_should_retry_run(history, run, reason) is is_retried
        assert run.tags.get("dagster/will_retry") == str(is_retried).lower()  # what alerts go by

    def test_a_run_is_retried_as_often_as_a_step(self, history: dg.DagsterInstance, aws: EmulatedAws) -> None:
        first = self.failed(history, None)
        tries = [
            auto_reexecution_should_retry_run(history, self.failed(history, None, of=first), None) for _ in range(5)
        ]
        assert history.run_retries_max_retries == aws.environment().automatic_retries == 3
        assert tries == [True, True, False, False, False]

    def test_a_retry_has_the_tags_of_its_request(self) -> None:
        """So the sensor sees it running, and does not request the same files beside it."""
        assert {LISTED, REQUESTED_BY, ABOUT}.isdisjoint(TAGS_TO_MAYBE_OMIT_ON_RETRY)

    def test_a_lost_run_is_noticed_and_never_resumed_in_its_middle(self, history: dg.DagsterInstance) -> None:
        assert history.run_monitoring_enabled
        assert history.run_monitoring_max_resume_run_attempts == 0
        assert DEFAULT_K8S_JOB_BACKOFF_LIMIT == 0  # else Kubernetes would start the pod again by itself

    def test_what_runs_log_is_json(self, history: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.warns(BetaWarning, match="logging configuration"):
            (handler,) = history.get_yaml_python_handlers()
        handler.emit(logging.LogRecord("dagster", logging.INFO, "", 1, "loaded", None, None))
        assert '"message": "loaded"' in capsys.readouterr().err


class TestLaunchers:
    def test_the_handbook_has_both(self) -> None:
        assert launchers().keys() == {"EcsRunLauncher", "K8sRunLauncher"}

    def test_on_ecs_a_run_is_the_task_that_an_administrator_defined(
        self, tmp_path: Path, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("DAGSTER_RUN_TASK", f"{COMPANY}-vending-run-prod")
        monkeypatch.setenv("DAGSTER_CLUSTER", f"{COMPANY}-vending-prod")
        aws.client("ecs").register_task_definition(
            family=f"{COMPANY}-vending-run-prod",
            containerDefinitions=[{"name": "run", "image": "x", "memory": 1}],
        )
        on_ecs = production_instance(tmp_path, monkeypatch, **launchers()["EcsRunLauncher"]).run_launcher
        assert isinstance(on_ecs, EcsRunLauncher)
        definition = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{COMPANY}-vending-run-prod:1"
        assert on_ecs.task_definition == definition
        assert is_allowed(policies()["dagster-ecs"], "ecs:RunTask", definition)
        assert not on_ecs.use_current_ecs_task_config
        assert (on_ecs.secrets, on_ecs.secrets_tags) == ([], [])

    def test_on_ecs_dagster_has_the_rights_that_its_launcher_uses_but_for_defining_tasks(self) -> None:
        source = inspect.getsource(launcher) + inspect.getsource(utils)
        calls = set(re.findall(r"\becs\.([a-z_]+)\(", source)) - {"register_task_definition"}
        assert len(calls) == 4
        actions = {f"ecs:{''.join(map(str.capitalize, call.split('_')))}" for call in calls}
        allowed = {action for statement in policies()["dagster-ecs"] for action in statement.actions}
        assert {action for action in allowed if action.startswith("ecs:")} == actions | {"ecs:TagResource"}

    def test_on_kubernetes_a_run_chooses_nothing_but_its_size(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("dagster_k8s.launcher.load_kubernetes_config", lambda **_: None)
        monkeypatch.setenv("PLATFORM_IMAGE", "vending@sha256:0")
        on_k8s = production_instance(tmp_path, monkeypatch, **launchers()["K8sRunLauncher"]).run_launcher
        assert isinstance(on_k8s, K8sRunLauncher)
        assert on_k8s.job_image == "vending@sha256:0"
        of_another: dict[str, Any] = {"pod_spec_config": {"service_account_name": "another"}}
        with_more: dict[str, Any] = {"container_config": {"env": []}}
        for greedy in (of_another, with_more):
            with pytest.raises(Exception, match="violated the allowed list"):
                on_k8s.get_container_context_for_run(asking_for(greedy))
        size = {"limits": {"memory": "8Gi"}}
        larger = on_k8s.get_container_context_for_run(asking_for({"container_config": {"resources": size}}))
        assert larger.run_k8s_config.container_config["resources"]["limits"] == size["limits"]


def asking_for(config: dict[str, Any]) -> dg.DagsterRun:
    return dg.DagsterRun("ingest", run_id=str(uuid4()), tags={"dagster-k8s/config": json.dumps(config)})
