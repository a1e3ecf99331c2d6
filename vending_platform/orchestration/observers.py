"""The observers of a Dagster run: its log, which has what happens as it happens, and its metrics."""

from dataclasses import replace

import dagster as dg
from dagster import DagsterLogManager

from vending_platform.observers import Notice, Observer, Progress, Waiting
from vending_platform.opening import Platform
from vending_platform.orchestration.metrics import Metrics
from vending_platform.orchestration.names import days_of
from vending_platform.transformation import BuildPlan, Finished

UNVERIFIED_BECAUSE = "vending/unverified_because"
"""The tag of a run by which a person lets it use a version that staging has not verified, and gives the reason."""
_TAG_LENGTH = 1500
"""Snowflake takes 2,000 characters."""


class RunLog(Observer):
    def __init__(self, log: DagsterLogManager) -> None:
        self._log = log

    def progress(self, event: Progress) -> None:
        match event:
            case Waiting(holder):
                self._log.info(f"Waiting for {holder} …")
            case Notice(text):
                self._log.warning(text)
            case BuildPlan(todo=todo, postponed=postponed):
                for work in todo:
                    self._log.info(f"To build: {work}")
                for work in postponed:
                    self._log.warning(f"Built by older code, and left so for now: {work}")
            case Finished() as node:
                (self._log.info if node.is_good and node.status != "warn" else self._log.warning)(str(node))


def observed(context: dg.OpExecutionContext | dg.AssetExecutionContext, platform: Platform) -> Platform:
    """The platform for one step of a run: observed by the run's log and its metrics, with queries tagged with what they
    are for, and with what its run is allowed to do."""
    metrics = Metrics(str(platform.environment.name), context.run.run_id, context.run.job_name)
    return replace(
        platform.observed_by(RunLog(context.log), metrics),
        tag=_tag(context),
        unverified_because=context.run.tags.get(UNVERIFIED_BECAUSE),
    )


def _tag(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> dict[str, str]:
    """By which a query's cost can be traced. An op of a job is about no asset but about whatever it finds to do."""
    tag = {"run_id": context.run.run_id, "job": context.run.job_name}
    if not isinstance(context, dg.AssetExecutionContext):
        return tag | {"step": context.op.name}
    tag["asset"] = ", ".join(sorted(key.to_user_string() for key in context.selected_asset_keys))[:_TAG_LENGTH]
    if (days := days_of(context)) is not None:
        first, last = days
        tag["partition"] = f"{first}" if first == last else f"{first}..{last}"
    return tag
