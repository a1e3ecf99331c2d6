"""The sensors of staging and production: `arrivals.look_at_queue` and `arrivals.look_at_listing`, as Dagster runs them.

Of both, Dagster's history of runs is the memory: a run's tags name the list of its files. A run key holds the number of
the attempt, because Dagster never starts a second run under the same key.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from vending_platform.arrivals import (
    Answer,
    Queue,
    Request,
    RequestedRun,
    RunState,
    look_at_listing,
    look_at_queue,
    position_of,
    raw_bucket,
)
from vending_platform.environment import Environment
from vending_platform.opening import Platform
from vending_platform.orchestration.folder_sensor import ARRIVALS, LOOK_EVERY, ended_at, run_config, tags
from vending_platform.orchestration.jobs import INGEST
from vending_platform.orchestration.skip_reasons import or_skip

LISTED = "vending/listed"
"""The tag that names the list of a run's files."""
ASKED_BY = "vending/asked_by"
_RUN_KEY = "dagster/run_key"
_MOST_RUNS = 1000
_SHOWN = 5
"""Reasons that stand in the skip reason itself; all of them are in the look's log."""


def notified(
    environment: Environment,
    open_queue: Callable[[Environment], Queue],
    *,
    is_running: bool,
    now: Callable[[], datetime],
) -> dg.SensorDefinition:
    """Reads what the store tells through a queue. `open_queue` is called at every look, and never before."""
    bucket = raw_bucket(environment.places)

    @_sensor("Reads from the queue which files arrived, and requests a load of exactly those.", is_running=is_running)
    def look(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        def asked() -> dg.SensorResult:
            history, queue = partial(_history, context.instance), open_queue(platform.environment)
            answer = look_at_queue(queue, bucket, platform.catalog, platform.lists, history, now())
            return _result(context, answer, context.cursor)

        return or_skip(context, platform.environment, asked)

    return look


def listed(*, is_running: bool, now: Callable[[], datetime]) -> dg.SensorDefinition:
    """Lists the store a piece at a time; the cursor is where it goes on."""

    @_sensor("Lists the raw storage piece by piece, and requests a load of what is new.", is_running=is_running)
    def look(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        def asked() -> dg.SensorResult:
            history, position = partial(_history, context.instance), position_of(context.cursor)
            answer, position = look_at_listing(platform.context, position, platform.lists, history, now())
            return _result(context, answer, position.as_cursor())

        return or_skip(context, platform.environment, asked)

    return look


def _sensor(description: str, *, is_running: bool) -> Callable[[Callable[..., dg.SensorResult]], dg.SensorDefinition]:
    return dg.sensor(
        name=ARRIVALS,
        job_name=INGEST,
        minimum_interval_seconds=LOOK_EVERY,
        default_status=dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED,
        description=description,
    )


def _result(context: dg.SensorEvaluationContext, answer: Answer, cursor: str | None) -> dg.SensorResult:
    for line in (*answer.said, *answer.waiting):
        context.log.info(line)
    wanted = [_run_request(request, key) for request, key in answer.unstarted]
    for request in answer.requests:
        wanted.append(_run_request(request, _next_run_key(context.instance, request)))
        context.log.info(f"requested: {request.about}, {request.files:,} files")
    if wanted:
        return dg.SensorResult(run_requests=wanted, cursor=cursor)
    reasons = [*answer.waiting[:_SHOWN], *answer.said]
    return dg.SensorResult(skip_reason="; ".join(reasons), cursor=cursor)


def _run_request(request: Request, run_key: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=run_key,
        run_config=run_config(request),
        tags={**tags(request), ASKED_BY: ARRIVALS, LISTED: str(request.listed)},
    )


def _next_run_key(instance: dg.DagsterInstance, request: Request) -> str:
    """Counted over all of the history: a key that was used once would be passed over without a word."""
    attempts = instance.get_runs_count(dg.RunsFilter(tags={LISTED: str(request.listed)}))
    return f"{request.about} {request.listed} attempt {attempts + 1}"


def _history(instance: dg.DagsterInstance, since: datetime) -> list[RequestedRun]:
    filters = dg.RunsFilter(tags={ASKED_BY: ARRIVALS}, created_after=since.astimezone(UTC))
    return [_run(record) for record in instance.get_run_records(filters, limit=_MOST_RUNS)]


def _run(record: dg.RunRecord) -> RequestedRun:
    run = record.dagster_run
    if run.status is dg.DagsterRunStatus.NOT_STARTED:
        state = RunState.CREATED
    elif not run.is_finished:
        state = RunState.UNDER_WAY
    else:
        state = RunState.SUCCEEDED if run.is_success else RunState.FAILED
    return RequestedRun(
        listed=run.tags[LISTED],
        run_key=run.tags.get(_RUN_KEY, ""),
        state=state,
        created_at=record.create_timestamp.astimezone(UTC),
        ended_at=ended_at(record) if run.is_finished else None,
    )
