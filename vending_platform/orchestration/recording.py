"""Where every run ends, however it was started and however it went: what its checks found is kept there.

The platform is a resource, and a resource is the one thing that Dagster puts away at the end of each run in its own
process: of a job, of materialized partitions, of a backfill, also when a step failed.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import dagster as dg

from vending_platform import operations
from vending_platform.opening import Platform
from vending_platform.orchestration.observers import RunLog
from vending_platform.orchestration.resources import PlatformFactory

_STOPPED = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def recorded(factory: PlatformFactory) -> dg.ResourceDefinition:
    """The platform, working through its resources, which in a run keeps what the run finds. A sensor gets it as it is:
    it does nothing to record."""

    def opened(context: dg.InitResourceContext) -> Iterator[Platform]:
        platform, run = factory.platform(context), context.run
        if run is None:
            yield platform
            return

        tagged = replace(platform, tag={"run_id": run.run_id, "job": run.job_name, "step": "quality"})
        logged = tagged.observed_by(RunLog(context.log)) if context.log is not None else tagged
        failures = partial(_failures, context, run.run_id)
        with (
            operations.emitting_lineage(logged, run.run_id, run.job_name, problems=failures) as events,
            operations.recording(logged, run.run_id, run.job_name, problems=failures) as recorder,
        ):
            yield tagged.observed_by(events, recorder)

    return dg.ResourceDefinition(
        opened,
        required_resource_keys=set(factory.keys),
        description="What the platform does, through the other resources: load, build, export, record.",
    )


def _failures(context: dg.InitResourceContext, run_id: str) -> list[str] | None:
    """Why steps failed for good; one that was tried again and went well is no failure. None: a person stopped them."""
    if context.instance is None:
        return []
    failed = context.instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return None if any(map(_was_stopped, failed)) else [_why(entry) for entry in failed]


def _was_stopped(entry: dg.EventLogEntry) -> bool:
    event = entry.dagster_event
    error = event.step_failure_data.error if event is not None else None
    return error is not None and error.cls_name in _STOPPED


def _why(entry: dg.EventLogEntry) -> str:
    event = entry.dagster_event
    data = event.step_failure_data if event is not None else None
    words = (data.error_display_string if data is not None else entry.user_message).strip()
    return f"{entry.step_key}: {words.splitlines()[0] if words else 'failed'}"
