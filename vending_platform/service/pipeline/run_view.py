"""Runs and their events, from Dagster's words into the API's."""

import re
from collections.abc import Iterator

from pydantic import ValidationError

from vending_platform.service.pipeline.dagster_api import RawEvent, RunSeen
from vending_platform.service.pipeline.models import (
    ExportOrder,
    PipelineRun,
    RunEvent,
    RunEventKind,
    RunLinks,
    RunPhase,
    RunProgress,
    RunStep,
    RunSteps,
)
from vending_platform.service.pipeline.orders import ORDER, REQUESTED_BY

_RUNS = "/api/pipeline/runs"
_PROGRESS = re.compile(r"(\d+) of (\d+): ")
"""How the log of a run begins the line about each model and check that is done."""
_RUN_PHASES = {
    "RunEnqueuedEvent": RunPhase.QUEUED,
    "RunStartingEvent": RunPhase.STARTING,
    "RunStartEvent": RunPhase.RUNNING,
    "RunCancelingEvent": RunPhase.CANCELING,
    "RunSuccessEvent": RunPhase.SUCCEEDED,
    "RunFailureEvent": RunPhase.FAILED,
    "RunCanceledEvent": RunPhase.CANCELED,
}
_STEP_PHASES = {
    "ExecutionStepStartEvent": RunPhase.RUNNING,
    "ExecutionStepSuccessEvent": RunPhase.SUCCEEDED,
    "ExecutionStepFailureEvent": RunPhase.FAILED,
    "ExecutionStepSkippedEvent": RunPhase.CANCELED,
    "ExecutionStepUpForRetryEvent": RunPhase.QUEUED,
    "ExecutionStepRestartEvent": RunPhase.RUNNING,
}
_SHOWN_LEVELS = frozenset({"info", "warning", "error", "critical"})


def links_of(run_id: str, ui_url: str | None) -> RunLinks:
    run = f"{_RUNS}/{run_id}"
    return RunLinks(
        run=run, events=f"{run}/events", cancel=f"{run}/cancel", dagster=f"{ui_url}/runs/{run_id}" if ui_url else None
    )


def run_of(seen: RunSeen, ui_url: str | None) -> PipelineRun:
    return PipelineRun(
        id=seen.id,
        job=seen.job,
        phase=seen.phase,
        requested_by=seen.tags.get(REQUESTED_BY),
        requested_at=seen.created_at,
        started_at=seen.started_at,
        ended_at=seen.ended_at,
        order=_order_of(seen),
        links=links_of(seen.id, ui_url),
    )


def steps_of(seen: RunSeen, problem: str | None, ui_url: str | None) -> RunSteps:
    steps = [
        RunStep(name=step.name, phase=step.phase, started_at=step.started_at, ended_at=step.ended_at)
        for step in seen.steps
    ]
    return RunSteps(**dict(run_of(seen, ui_url)), steps=steps, problem=problem)


def events_of(raw: RawEvent) -> Iterator[RunEvent]:
    """What a person wants to hear of it, which may be nothing."""
    event = RunEvent(at=raw.at, kind=RunEventKind.MESSAGE, level=raw.level, step=raw.step, text=raw.text)
    if (phase := _RUN_PHASES.get(raw.type)) is not None:
        text = raw.text or f"The run is {phase}."
        yield event.model_copy(update={"kind": RunEventKind.PHASE, "phase": phase, "step": None, "text": text})
    elif (phase := _STEP_PHASES.get(raw.type)) is not None:
        yield event.model_copy(update={"kind": RunEventKind.PHASE, "phase": phase})
    elif raw.type == "MaterializationEvent":
        yield event.model_copy(
            update={"kind": RunEventKind.ASSET, "asset": raw.asset, "partition": raw.partition, "level": "info"}
        )
    elif raw.type == "LogMessageEvent" and raw.level in _SHOWN_LEVELS:
        if (found := _PROGRESS.match(raw.text)) is not None:
            progress = RunProgress(done=int(found[1]), total=int(found[2]))
            yield event.model_copy(update={"kind": RunEventKind.PROGRESS, "progress": progress})
        else:
            yield event


def _order_of(seen: RunSeen) -> ExportOrder | None:
    """None also where someone has written such a tag by hand."""
    try:
        return ExportOrder.model_validate_json(seen.tags[ORDER])
    except (KeyError, ValidationError):
        return None
