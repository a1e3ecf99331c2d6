"""When jobs start by themselves: each once a day, at the hour that the environment declares."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from vending_platform.catalog import Catalog, ExtractItems
from vending_platform.environment import Environment
from vending_platform.orchestration.steps import FETCH


def schedule(
    job: dg.JobDefinition,
    starts: str,
    *,
    is_running: bool,
    name: str | None = None,
    config: dict[str, Any] | None = None,
) -> dg.ScheduleDefinition:
    hour, minute = starts.split(":")
    return dg.ScheduleDefinition(
        name=f"{name or job.name}_schedule",
        job=job,
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if is_running else dg.DefaultScheduleStatus.STOPPED,
        description=f"{job.description} Every day at {starts} UTC.",
        run_config=config,
    )


def extraction_schedules(
    job: dg.JobDefinition, catalog: Catalog, environment: Environment
) -> Iterator[dg.ScheduleDefinition]:
    """Tables of DynamoDB can have an hour of their own."""
    items = [source.name for source in catalog if isinstance(source.extract, ExtractItems)]
    if not items or environment.item_extraction_starts is None:
        if environment.extraction_starts is not None:
            yield schedule(job, environment.extraction_starts, is_running=True)
        return
    others = [source.name for source in catalog if source.extract is not None and source.name not in items]
    if others and environment.extraction_starts is not None:
        yield schedule(job, environment.extraction_starts, is_running=True, config=_only(others))
    yield schedule(job, environment.item_extraction_starts, is_running=True, name="extract_items", config=_only(items))


def _only(sources: Sequence[str]) -> dict[str, Any]:
    return {"ops": {FETCH: {"config": {"sources": list(sources)}}}}
