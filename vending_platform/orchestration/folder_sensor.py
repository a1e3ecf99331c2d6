"""The laptop's sensor on the raw storage: who delivered something that is not loaded yet?

What it requests is a `daily` run about those files, so that they go on to marts and exports: nobody else starts that on
a laptop, as the schedules of staging and production do.

It has no memory of its own. Each time it holds the storage against the ledger, as a load would: what is new there,
not by time, is requested; what is loaded is not; what failed is still new, and requested again, more and more seldom.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from vending_platform import ingestion
from vending_platform.arrivals import Earlier, Request, decide, plan_requests
from vending_platform.opening import Platform
from vending_platform.orchestration.jobs import DAILY, LOAD
from vending_platform.orchestration.skip_reasons import or_skip

ABOUT = "vending/about"
"""The tag that says what a run was requested for."""
FILES = "vending/files"
"""The tag that says how many files that were."""
ARRIVALS = "arrivals"
LOOK_EVERY = 30


def arrivals(*, is_running: bool) -> dg.SensorDefinition:
    status = dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name=ARRIVALS,
        job_name=DAILY,
        minimum_interval_seconds=LOOK_EVERY,
        default_status=status,
        description="Looks for new and corrected files in the raw storage, and requests runs that bring them into marts"
        " and exports.",
    )
    def look(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        return or_skip(context, platform.environment, lambda: _look(context, platform))

    return look


def _look(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SensorResult:
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
    """When a run ended; if nobody noted that, when it was heard of last."""
    if record.end_time is not None:
        return datetime.fromtimestamp(record.end_time, UTC)
    return record.update_timestamp.astimezone(UTC)


def run_config(request: Request) -> dict[str, Any]:
    return {"ops": {LOAD: {"config": request.config}}}


def tags(request: Request) -> dict[str, str]:
    return {ABOUT: request.about, FILES: str(request.files)}
