"""The sensors that notice files, one per way of an environment: a laptop's folder, a store's listing, a store's queue.

None has a memory of its own. The folder's sensor holds the storage against the ledger each time, as a load would, and
requests `daily` runs, so that files go on to marts and exports: nothing else starts that on a laptop. The other two
request `ingest` runs; a run's tags name the list of its files, so Dagster's history of runs is their memory. A run key
holds the number of the attempt, because Dagster never starts a second run under the same key.

A sensor that can't look has the reason as its skip reason, in one sentence, and looks again the next time.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg

from vending_platform import aws, ingestion
from vending_platform.arrivals import (
    Answer,
    Earlier,
    Queue,
    Request,
    RequestedRun,
    RunState,
    decide,
    look_at_listing,
    look_at_queue,
    plan_requests,
    position_of,
    raw_bucket,
)
from vending_platform.environment import Environment
from vending_platform.errors import EXPECTED
from vending_platform.opening import Platform
from vending_platform.orchestration.steps import DAILY, INGEST, LOAD
from vending_platform.warehouse import WarehouseBusy

ARRIVALS = "arrivals"
LOOK_EVERY = 30
ABOUT = "vending/about"
"""The tag with what a run was requested for."""
FILES = "vending/files"
"""The tag with how many files that were."""
LISTED = "vending/listed"
"""The tag that names the list of a run's files."""
REQUESTED_BY = "vending/asked_by"
_RUN_KEY = "dagster/run_key"
_MOST_RUNS = 1000
_SHOWN = 5
"""Reasons that stand in the skip reason itself; all of them are in the log of the sensor's tick."""


def by_folder(*, is_running: bool) -> dg.SensorDefinition:
    @_sensor(
        DAILY,
        "Looks for new and corrected files in the raw storage, and requests runs that take them to marts and exports.",
        is_running=is_running,
    )
    def look(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        return or_skip(context, platform.environment, lambda: _look_into_folder(context, platform))

    return look


def _look_into_folder(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SensorResult:
    pending = ingestion.pending(platform.context)
    wanted = list(plan_requests(pending))
    if not wanted:
        return dg.SensorResult(skip_reason=f"Nothing new: all {pending.unchanged:,} files are loaded already.")
    earlier = {request: _earlier(context.instance, request.about) for request in wanted}
    chosen, skipped = decide(wanted, earlier, datetime.now(UTC))
    for reason in skipped:
        context.log.info(reason)
    if not chosen:
        return dg.SensorResult(skip_reason="; ".join(skipped))
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_config=run_config(request), tags=tags(request)) for request in chosen]
    )


def _earlier(instance: dg.DagsterInstance, about: str) -> Earlier:
    records = instance.get_run_records(dg.RunsFilter(tags={ABOUT: about}), limit=10)  # the latest first
    if records and not records[0].dagster_run.is_finished:
        return Earlier(is_under_way=True)
    failed = []
    for record in records:
        if record.dagster_run.is_success:
            break
        failed.append(record)
    if not failed:
        return Earlier()
    return Earlier(failures=len(failed), last_failed_at=ended_at(failed[0]))


def ended_at(record: dg.RunRecord) -> datetime:
    """When a run ended; where that is not recorded, when its record last changed."""
    if record.end_time is not None:
        return datetime.fromtimestamp(record.end_time, UTC)
    return record.update_timestamp.astimezone(UTC)


def by_notifications(
    environment: Environment,
    open_queue: Callable[[Environment], Queue],
    *,
    is_running: bool,
    now: Callable[[], datetime],
) -> dg.SensorDefinition:
    """Reads the store's notifications from a queue. `open_queue` is called at every tick, and never before."""
    bucket = raw_bucket(environment.places)

    @_sensor(
        INGEST, "Reads from the queue which files arrived, and requests a load of exactly those.", is_running=is_running
    )
    def look(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        def answer() -> dg.SensorResult:
            history, queue = partial(_history, context.instance), open_queue(platform.environment)
            found = look_at_queue(queue, bucket, platform.catalog, platform.lists, history, now())
            return _result(context, found, context.cursor)

        return or_skip(context, platform.environment, answer)

    return look


def by_listing(*, is_running: bool, now: Callable[[], datetime]) -> dg.SensorDefinition:
    """Lists the store a piece at a time; the cursor is where it goes on."""

    @_sensor(INGEST, "Lists the raw storage piece by piece, and requests a load of what is new.", is_running=is_running)
    def look(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        def answer() -> dg.SensorResult:
            history, position = partial(_history, context.instance), position_of(context.cursor)
            found, position = look_at_listing(platform.context, position, platform.lists, history, now())
            return _result(context, found, position.as_cursor())

        return or_skip(context, platform.environment, answer)

    return look


def _sensor(
    job: str, description: str, *, is_running: bool
) -> Callable[[Callable[..., dg.SensorResult]], dg.SensorDefinition]:
    return dg.sensor(
        name=ARRIVALS,
        job_name=job,
        minimum_interval_seconds=LOOK_EVERY,
        default_status=dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED,
        description=description,
    )


def _result(context: dg.SensorEvaluationContext, answer: Answer, cursor: str | None) -> dg.SensorResult:
    for line in (*answer.log, *answer.waiting):
        context.log.info(line)
    wanted = [_run_request(request, key) for request, key in answer.unstarted]
    for request in answer.requests:
        wanted.append(_run_request(request, _next_run_key(context.instance, request)))
        context.log.info(f"requested: {request.about}, {request.files:,} files")
    if wanted:
        return dg.SensorResult(run_requests=wanted, cursor=cursor)
    reasons = [*answer.waiting[:_SHOWN], *answer.log]
    return dg.SensorResult(skip_reason="; ".join(reasons), cursor=cursor)


def _run_request(request: Request, run_key: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=run_key,
        run_config=run_config(request),
        tags={**tags(request), REQUESTED_BY: ARRIVALS, LISTED: str(request.listed)},
    )


def _next_run_key(instance: dg.DagsterInstance, request: Request) -> str:
    """Counted over all of the history: Dagster silently skips a key that was used before."""
    attempts = instance.get_runs_count(dg.RunsFilter(tags={LISTED: str(request.listed)}))
    return f"{request.about} {request.listed} attempt {attempts + 1}"


def _history(instance: dg.DagsterInstance, since: datetime) -> list[RequestedRun]:
    filters = dg.RunsFilter(tags={REQUESTED_BY: ARRIVALS}, created_after=since.astimezone(UTC))
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


def run_config(request: Request) -> dict[str, Any]:
    return {"ops": {LOAD: {"config": request.config}}}


def tags(request: Request) -> dict[str, str]:
    return {ABOUT: request.about, FILES: str(request.files)}


def or_skip(
    context: dg.SensorEvaluationContext, environment: Environment, look: Callable[[], dg.SensorResult]
) -> dg.SensorResult:
    """What `look` gives, or reason it could not, in the words of `vending doctor`."""
    try:
        return look()
    except WarehouseBusy:
        reason = "Another process is writing to the warehouse; looking again next time."
    except EXPECTED as error:
        reason = str(error)
        context.log.warning(reason)
    except aws.AWS_ERRORS as error:
        assert environment.aws is not None, "only an environment in AWS calls AWS"
        reason = f"Arrivals can't be read: {aws.problem_of(error).explain(environment.aws, 'sqs')}"
        context.log.warning(reason)
    return dg.SensorResult(skip_reason=reason, cursor=context.cursor)
