"""The jobs about whatever there is to do: load what is new, build what is stale, export what has changed.

They have no partitions, since nobody has to know the days beforehand: each run says of every asset which days it made.
To make certain days anew, materialise those partitions of the assets.
"""

import time
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import dagster as dg
from pydantic import Field

from vending_platform import operations
from vending_platform.environment import Verification
from vending_platform.ingestion import Selection
from vending_platform.opening import Platform
from vending_platform.orchestration.dbt_translator import Specs
from vending_platform.orchestration.exports import log_exported, not_exported
from vending_platform.orchestration.models import log_built, told
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.raw import log_loaded, unloaded
from vending_platform.orchestration.retries import Attempt, StepFailure, begun_at, healing, settle

INGEST, TRANSFORM, EXPORT, DAILY = "ingest", "transform", "export", "daily"
LOAD, BUILD, WRITE, VERDICT = "load_what_is_new", "build_what_is_stale", "write_what_changed", "verdict"
"""The steps; their names are keys of a run's config."""


class IngestConfig(dg.Config):
    """Which deliveries; without a word, every one that is new."""

    first_day: str | None = Field(None, description="First business day, YYYY-MM-DD.")
    last_day: str | None = Field(None, description="Last business day, YYYY-MM-DD.")
    sources: list[str] = Field([], description="Only these kinds of files.")
    listed: str | None = Field(None, description="Only the files on this list, which the sensor has written.")


class Days(dg.Config):
    """Which days; without a word, exactly those that are stale. Days that are named are built anew, stale or not."""

    first_day: str | None = Field(None, description="First business day, YYYY-MM-DD.")
    last_day: str | None = Field(None, description="Last business day, YYYY-MM-DD.")
    every_day: bool = Field(False, description="Build every day anew.")
    models: list[str] = Field([], description="Only these models.")
    skip_code_changes: bool | None = Field(
        None,
        description="Leave what older code has built, or build it again; without a word as the environment says.",
    )


def jobs(specs: Specs) -> list[dg.JobDefinition]:
    def load(context: dg.OpExecutionContext, config: IngestConfig, platform: Platform) -> list[StepFailure]:
        _refuse_unknown("source", config.sources, [source.name for source in platform.catalog])
        platform = observed(context, platform)
        begun = time.monotonic()
        chosen = frozenset(config.sources) or None
        paths = _listed(platform, config.listed) if config.listed is not None else None
        summary = operations.ingest(platform, Selection(_day(config.first_day), _day(config.last_day), chosen, paths))
        if paths is None:
            platform.lists.forget(datetime.now(UTC))
        context.log.info(
            f"{len(summary.loaded)} files loaded, {len(summary.corrected)} of them corrections, {summary.unchanged}"
            f" unchanged, {len(summary.quarantined)} in quarantine; {summary.rows_accepted} rows accepted,"
            f" {summary.rows_rejected} rejected"
        )
        log_loaded(context, platform, summary, time.monotonic() - begun)
        # Not loaded, and not in quarantine either: they are still new. What else there is to do need not wait for them.
        troubles = list(unloaded(summary))
        for trouble in troubles:
            context.log.warning(trouble.text)
        return troubles

    def build(context: dg.OpExecutionContext, config: Days, platform: Platform) -> list[StepFailure]:
        _refuse_unknown("model", config.models, [model.name for model in platform.catalog.models])
        done = operations.transform(
            observed(context, platform),
            context.run.run_id,
            first_day=_day(config.first_day),
            last_day=_day(config.last_day),
            anew=begun_at(context) if config.every_day or config.first_day or config.last_day else None,
            models=config.models or None,
            skip_code_changes=config.skip_code_changes,
        )
        for block in done.blocked:
            context.log.warning(f"{block.source} of {block.business_date or 'all days'} waits: {block.reason}")
        if not done.windows:
            context.log.info("Nothing is stale.")
        log_built(context, platform, done, specs)
        return told(done.failed)

    def write(context: dg.OpExecutionContext, platform: Platform) -> list[StepFailure]:
        done = operations.export(observed(context, platform), context.run.run_id)
        log_exported(context, platform, done)
        return not_exported(done)

    step = partial(dg.op, ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))

    @step(name=LOAD, description="Load every delivery that is new or was corrected.")
    def ingest(
        context: dg.OpExecutionContext,
        config: IngestConfig,
        platform: dg.ResourceParam[Platform],
        attempt: dg.ResourceParam[Attempt],
    ) -> None:
        with healing(context, platform.environment.automatic_retries):
            attempt.note(LOAD, load(context, config, platform))

    @step(name=BUILD, description="Build exactly what is stale, and test it.")
    def transform(
        context: dg.OpExecutionContext,
        config: Days,
        platform: dg.ResourceParam[Platform],
        attempt: dg.ResourceParam[Attempt],
    ) -> None:
        with healing(context, platform.environment.automatic_retries):
            attempt.note(BUILD, build(context, config, platform))

    @step(name=WRITE, description="Bring the exports up to date, but for marts whose checks failed.")
    def export(
        context: dg.OpExecutionContext,
        platform: dg.ResourceParam[Platform],
        attempt: dg.ResourceParam[Attempt],
    ) -> None:
        with healing(context, platform.environment.automatic_retries):
            attempt.note(WRITE, write(context, platform))

    def verdict(job: str, *steps: str) -> Any:
        @dg.op(
            name=f"{job}_verdict",
            ins={"after": dg.In(dg.Nothing)},
            out=dg.Out(dg.Nothing),
            description="Try again what did not succeed on the way, as often as the environment says; then fail.",
        )
        def settled(
            context: dg.OpExecutionContext,
            platform: dg.ResourceParam[Platform],
            attempt: dg.ResourceParam[Attempt],
        ) -> None:
            asked: Any = context.run.run_config.get("ops", {})
            deliveries, days = (asked.get(name, {}).get("config", {}) for name in (LOAD, BUILD))
            works = {
                LOAD: lambda: load(context, IngestConfig(**deliveries), platform),
                BUILD: lambda: build(context, Days(**days), platform),
                WRITE: lambda: write(context, platform),
            }
            retries = platform.environment.automatic_retries
            with healing(context, retries):
                settle(context, attempt, {name: works[name] for name in steps}, retries)
            if BUILD in steps and platform.environment.verification is Verification.GIVEN:
                with healing(context, retries):
                    context.log.info(operations.sign_off(observed(context, platform), context.run.run_id))

        return settled.alias(VERDICT)

    ingested = verdict(INGEST, LOAD)
    transformed = verdict(TRANSFORM, BUILD)
    exported = verdict(EXPORT, WRITE)
    all_done = verdict(DAILY, LOAD, BUILD, WRITE)

    @dg.job(
        name=INGEST,
        description="Load every delivery that is new or was corrected. Again does no harm.",
    )
    def ingest_job() -> None:
        ingested(ingest())

    @dg.job(
        name=TRANSFORM,
        description="Build exactly the days that changed raw rows reach, however old, and test them.",
    )
    def transform_job() -> None:
        transformed(transform())

    @dg.job(name=EXPORT, description="Bring every export up to date with its mart.")
    def export_job() -> None:
        exported(export())

    @dg.job(name=DAILY, description="Deliveries become marts and exports: ingest, transform, export.")
    def daily_job() -> None:
        all_done(export(transform(ingest())))

    return [ingest_job, transform_job, export_job, daily_job]


def _refuse_unknown(kind: str, wanted: list[str], known: list[str]) -> None:
    if unknown := sorted(set(wanted) - set(known)):
        raise dg.Failure(
            f"no {kind} is called {', '.join(unknown)}; there are: {', '.join(known)}", allow_retries=False
        )


def _listed(platform: Platform, name: str) -> frozenset[str]:
    files = platform.lists.read(name)
    if files is None:
        raise dg.Failure(
            f"there is no list {name} of files any more; a run without one loads whatever is new", allow_retries=False
        )
    return files.paths


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
