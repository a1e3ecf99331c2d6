"""Start a run, see what the pipeline is doing, follow and cancel a run."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from vending_platform.service.pipeline.dagster_api import CancelRefused, NoSuchRun, RunSeen
from vending_platform.service.pipeline.following import follow, position_of
from vending_platform.service.pipeline.models import (
    AcceptedRun,
    ExportOrder,
    PipelineRun,
    PipelineStatus,
    RunPage,
    RunPhase,
    RunSteps,
)
from vending_platform.service.pipeline.run_view import links_of, run_of, steps_of
from vending_platform.service.pipeline.shared import PipelineParts
from vending_platform.service.web import (
    COMMON_PROBLEMS,
    HttpProblem,
    InvalidInput,
    ReadingCaller,
    RunningCaller,
    not_found,
    responses,
)
from vending_platform.service.web.streams import event_stream

_RUN_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
RunId = Annotated[str, Path(pattern=_RUN_ID, description="As Dagster has it.")]
QueriedRunId = Annotated[str | None, Query(pattern=_RUN_ID)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Requests of one caller with one key make one run, for seven days.",
    ),
]
_EVENT = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["event", "data"],
}
"""One event of a stream, whose `data` is JSON."""
Job = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_]{1,100}$", description="Only runs of this job.")]


def run_endpoints(pipeline: PipelineParts) -> APIRouter:
    endpoints = APIRouter(tags=["runs"], responses=COMMON_PROBLEMS)

    @endpoints.post(
        "/api/pipeline/export",
        status_code=HTTPStatus.ACCEPTED,
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY),
    )
    async def start_export(
        response: Response, caller: RunningCaller, order: ExportOrder, idempotency_key: Key = None
    ) -> AcceptedRun:
        """Load what was delivered, build what is stale, and publish the exports. Answers at once; follow the run."""
        _refuse_unknown(order, pipeline.exports.names)
        launched = await pipeline.orders.place(order, idempotency_key or uuid4().hex, caller)
        pipeline.state.runs.expire()
        links = links_of(launched.run_id, pipeline.ui_url)
        response.headers["Location"] = links.run
        return AcceptedRun(run_id=launched.run_id, is_repeated=launched.is_repeated, links=links)

    @endpoints.get("/api/pipeline/status", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_status(caller: ReadingCaller, run: QueriedRunId = None) -> PipelineStatus:
        """What is running and waiting, what there is of data, and what needs a person."""
        named = None if run is None else await _steps(pipeline, run)
        return await _status(pipeline, named)

    @endpoints.get("/api/pipeline/runs")
    async def list_runs(
        caller: ReadingCaller,
        phase: Annotated[list[RunPhase] | None, Query(max_length=8)] = None,
        job: Job = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: QueriedRunId = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 25,
    ) -> RunPage:
        """The history, the newest first."""
        _refuse_odd_times(since=since, until=until)
        found = await pipeline.dagster.runs(
            phases=phase or (), job=job, since=since, until=until, after=after, limit=limit + 1
        )
        shown = found[:limit]
        return RunPage(
            runs=[run_of(one, pipeline.ui_url) for one in shown],
            next=shown[-1].id if len(found) > limit else None,
        )

    @endpoints.get("/api/pipeline/runs/{run_id}", responses=responses(HTTPStatus.NOT_FOUND))
    async def show_run(caller: ReadingCaller, run_id: RunId) -> RunSteps:
        """One run, with its steps and why it failed."""
        return await _steps(pipeline, run_id)

    @endpoints.get(
        "/api/pipeline/runs/{run_id}/events",
        response_class=StreamingResponse,
        responses={
            **responses(HTTPStatus.NOT_FOUND),
            200: {
                "description": "Server-sent events: `data` of each is a RunEvent, of the last one, `end`, its phase.",
                "content": {"text/event-stream": {"schema": _EVENT}},
            },
        },
    )
    async def follow_run(
        caller: ReadingCaller,
        run_id: RunId,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    ) -> Response:
        """What happens in a run, as it happens. Goes on after `Last-Event-ID`."""
        position = position_of(last_event_id)
        await _seen(pipeline, run_id)
        return event_stream(follow(pipeline.dagster, run_id, position, pipeline.stream_ends()))

    @endpoints.post(
        "/api/pipeline/runs/{run_id}/cancel",
        status_code=HTTPStatus.ACCEPTED,
        responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    )
    async def cancel_run(caller: RunningCaller, run_id: RunId) -> PipelineRun:
        """End a run: one that waits at once, one that is under way as soon as it can. What it published stays."""
        seen = await _seen(pipeline, run_id)
        if seen.phase.is_over:
            raise HttpProblem(HTTPStatus.CONFLICT, "run-is-over", f"the run is over already: it has {seen.phase}")
        try:
            await pipeline.dagster.cancel(run_id)
        except CancelRefused as error:
            raise HttpProblem(HTTPStatus.CONFLICT, "not-canceled", f"Dagster does not end it: {error}") from None
        pipeline.state.runs.expire()
        return run_of(await _seen(pipeline, run_id), pipeline.ui_url)

    return endpoints


async def _status(pipeline: PipelineParts, named: RunSteps | None) -> PipelineStatus:
    runs, data = await pipeline.state.runs.get(), await pipeline.state.data.get()
    ui_url, environment = pipeline.ui_url, pipeline.platform.environment
    return PipelineStatus(
        domain=environment.domain,
        environment=environment.name,
        as_of=runs.as_of,
        dagster_is_up=runs.dagster_is_up,
        running=[run_of(run, ui_url) for run in runs.running],
        queued=[run_of(run, ui_url) for run in runs.queued],
        last=run_of(runs.last, ui_url) if runs.last is not None else None,
        run=named,
        data=data,
    )


async def _seen(pipeline: PipelineParts, run_id: str) -> RunSeen:
    try:
        return await pipeline.dagster.run(run_id)
    except NoSuchRun:
        raise not_found(f"there is no run {run_id} here") from None


async def _steps(pipeline: PipelineParts, run_id: str) -> RunSteps:
    seen = await _seen(pipeline, run_id)
    problem = await _problem(pipeline, seen) if seen.phase is RunPhase.FAILED else None
    return steps_of(seen, problem, pipeline.ui_url)


async def _problem(pipeline: PipelineParts, seen: RunSeen) -> str | None:
    """The first step's that failed, or else the run's own."""
    cursor, last = None, None
    while True:
        batch = await pipeline.dagster.events(seen.id, cursor)
        for event in batch.events:
            if event.type == "ExecutionStepFailureEvent":
                return event.text
            if event.type == "RunFailureEvent":
                last = event.text
        if not batch.has_more:
            return last
        cursor = batch.cursor


def _refuse_unknown(order: ExportOrder, known: list[str]) -> None:
    wrong = [
        InvalidInput(where=f"body.exports.{place}", problem=f"is not an export; there are: {', '.join(known)}")
        for place, name in enumerate(order.exports or ())
        if name not in known
    ]
    if wrong:
        raise HttpProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "the request names exports that are not there", invalid=wrong
        )


def _refuse_odd_times(**times: datetime | None) -> None:
    for name, time in times.items():
        if time is not None and time.tzinfo is None:
            raise HttpProblem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid",
                f"{name} has no time zone: write it as in 2024-03-01T00:00:00Z",
                invalid=[InvalidInput(where=f"query.{name}", problem="it has no time zone")],
            )
