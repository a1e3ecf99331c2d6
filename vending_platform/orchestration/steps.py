"""The steps of the jobs: load what is new, build what is stale, write what has changed.

Each does nothing where there is nothing to do, so any of them can be run again.
"""

import time
from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field

from vending_platform import operations
from vending_platform.ingestion import Selection
from vending_platform.opening import Platform
from vending_platform.orchestration.dbt_translator import Specs
from vending_platform.orchestration.exports import log_exported, not_exported
from vending_platform.orchestration.extractions import log_extracted, not_extracted
from vending_platform.orchestration.models import failures_of, log_built
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.raw import log_loaded, unloaded
from vending_platform.orchestration.retries import StepFailure, begun_at

EXTRACT, INGEST, TRANSFORM, EXPORT, DAILY = "extract", "ingest", "transform", "export", "daily"
FETCH, LOAD, BUILD = "extract_what_changed", "load_what_is_new", "build_what_is_stale"
WRITE, VERDICT = "write_what_changed", "verdict"
"""The steps; their names are keys of a run's config."""


class IngestConfig(dg.Config):
    """Which deliveries; by default every one that is new."""

    first_day: str | None = Field(None, description="First business day, YYYY-MM-DD.")
    last_day: str | None = Field(None, description="Last business day, YYYY-MM-DD.")
    sources: list[str] = Field([], description="Only these kinds of files.")
    listed: str | None = Field(None, description="Only the files on this list, which the sensor has written.")


class Days(dg.Config):
    """Which days; by default exactly those that are stale. Days that are named are built again, stale or not."""

    first_day: str | None = Field(None, description="First business day, YYYY-MM-DD.")
    last_day: str | None = Field(None, description="Last business day, YYYY-MM-DD.")
    every_day: bool = Field(False, description="Build every day again.")
    models: list[str] = Field([], description="Only these models.")
    skip_code_changes: bool | None = Field(
        None,
        description="Leave what older code has built, or build it again; by default as the environment declares.",
    )


class ExportConfig(dg.Config):
    """Which exports; by default all. With days, only one of these that is held back fails the run."""

    exports: list[str] = Field([], description="Only these exports.")
    first_day: str | None = Field(None, description="First business day that has to be exported, YYYY-MM-DD.")
    last_day: str | None = Field(None, description="Last business day that has to be exported, YYYY-MM-DD.")


class ExtractConfig(dg.Config):
    """Which tables; by default all of every database."""

    sources: list[str] = Field([], description="Only these.")


def fetch(context: dg.OpExecutionContext, config: ExtractConfig, platform: Platform) -> list[StepFailure]:
    extracted = [source.name for source in platform.catalog if source.extract is not None]
    _refuse_unknown("extracted source", config.sources, extracted)
    done = operations.extract(observed(context, platform), config.sources or None)
    log_extracted(context, done)
    failures = not_extracted(done)
    for failure in failures:
        context.log.warning(failure.text)
    return failures


def load(context: dg.OpExecutionContext, config: IngestConfig, platform: Platform, specs: Specs) -> list[StepFailure]:
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
    log_loaded(context, platform, summary, specs, time.monotonic() - begun)
    # Not loaded, and not in quarantine either: they are still new. What else there is to do need not wait for them.
    failures = list(unloaded(summary))
    for failure in failures:
        context.log.warning(failure.text)
    return failures


def build(context: dg.OpExecutionContext, config: Days, platform: Platform, specs: Specs) -> list[StepFailure]:
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
    return failures_of(done.failed)


def write(context: dg.OpExecutionContext, config: ExportConfig, platform: Platform) -> list[StepFailure]:
    _refuse_unknown("export", config.exports, [export.name for export in platform.catalog.exports])
    done = operations.export(observed(context, platform), context.run.run_id, config.exports or None)
    log_exported(context, platform, done)
    return not_exported(done, config.first_day, config.last_day)


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
