"""Dagster's real web server in this process: its own schema, its own run storage and queue, and two small jobs with the
names and the config of the platform's. Nothing takes runs out of the queue but a test."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import httpx2
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import CodeLocationOrigin, InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceLoadTarget
from dagster_webserver.webserver import DagsterWebserver

from vending_platform.orchestration.steps import ExportConfig
from vending_platform.service.pipeline.dagster_api import DagsterApi

LOCATION = "vending"
FAILS_FOR = "2024-03-31"
"""The first day with which a run fails."""


@dg.op(name="write_what_changed")
def _write(context: dg.OpExecutionContext, config: ExportConfig) -> None:
    context.log.info("1 of 2: a_model, built, 0.1 s")
    context.log.debug("no one wants to hear this")
    context.log_event(dg.AssetMaterialization(dg.AssetKey(["exports", "sales_by_day"]), partition="2024-03-01"))
    if config.first_day == FAILS_FOR:
        raise dg.Failure("a check of its mart failed", allow_retries=False)
    context.log.warning("2 of 2: another, warned, failing rows: 3, 0.1 s")
    context.log.warning("Waiting for someone …")


@dg.job(name="export", executor_def=dg.in_process_executor)
def _export() -> None:
    _write()


@dg.job(name="daily", executor_def=dg.in_process_executor)
def _daily() -> None:
    _write()


JOBS = {"export": _export, "daily": _daily}
definitions = dg.Definitions(jobs=list(JOBS.values()))


@dataclass(frozen=True)
class _Here(WorkspaceLoadTarget):
    names: Sequence[str]

    def create_origins(self) -> Sequence[CodeLocationOrigin]:
        target = LoadableTargetOrigin(python_file=__file__, attribute="definitions")
        return [InProcessCodeLocationOrigin(target, location_name=name) for name in self.names]


@dataclass
class DagsterHere(httpx2.AsyncBaseTransport):
    """Carries requests to it; `asked` are the operations, `before` is called before each with its name."""

    instance: dg.DagsterInstance
    app: Any
    asked: list[str] = field(default_factory=list)
    breaks: dict[str, list[Exception | int]] = field(default_factory=dict)
    """By operation what happens to the next requests: an error in their place, or a status after they were handled."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        operation = json.loads(request.content)["query"].split("query ")[-1].split("mutation ")[-1].split("(")[0]
        self.asked.append(operation)
        broken = self.breaks.get(operation, [])
        what = broken.pop(0) if broken else None
        if isinstance(what, Exception) and not isinstance(what, httpx2.ReadError):
            raise what
        response = await httpx2.ASGITransport(self.app).handle_async_request(request)
        if isinstance(what, Exception):  # the answer is lost on its way
            raise what
        return response if what is None else httpx2.Response(what, text="not today", request=request)

    def api(self, location: str = LOCATION) -> DagsterApi:
        return DagsterApi("http://dagster", location, self)

    def runs(self, **tags: str) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(tags=tags)))

    def execute(self, run_id: str) -> None:
        """What the queue and the launcher would do."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        execute_run(InMemoryJob(JOBS[run.job_name]), _dequeued(self.instance, run), self.instance)

    def clear(self) -> None:
        self.asked.clear()
        self.breaks.clear()
        for run in self.instance.get_runs():
            self.instance.delete_run(run.run_id)


def _dequeued(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    instance.report_dagster_event(
        dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.PIPELINE_STARTING.value, job_name=run.job_name, message="Starting."
        ),
        run.run_id,
    )
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


@contextmanager
def dagster_here(folder: Path, locations: Sequence[str] = (LOCATION,)) -> Iterator[DagsterHere]:
    queued: Mapping[str, Any] = {
        "run_coordinator": {"module": "dagster.core.run_coordinator", "class": "QueuedRunCoordinator"},
        "telemetry": {"enabled": False},
    }
    with (
        dg.DagsterInstance.local_temp(str(folder), overrides=dict(queued)) as instance,
        WorkspaceProcessContext(instance, _Here(locations)) as workspace,
    ):
        yield DagsterHere(instance, DagsterWebserver(workspace).create_asgi_app())
