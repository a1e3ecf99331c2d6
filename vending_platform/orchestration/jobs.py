"""The jobs about whatever there is to do: load what is new, build what is stale, export what has changed.

They have no partitions, since nobody has to know the days beforehand: each run says of every asset which days it made.
To make certain days anew, materialise those partitions of the assets.
"""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field

from vending_platform.ingestion import Selection
from vending_platform.orchestration.exports import log_exported, not_exported
from vending_platform.orchestration.models import log_built, told
from vending_platform.orchestration.projects import Specs
from vending_platform.orchestration.raw import log_loaded, unloaded
from vending_platform.orchestration.telling import telling
from vending_platform.platform import Platform

INGEST, TRANSFORM, EXPORT, DAILY = "ingest", "transform", "export", "daily"
LOAD, BUILD, WRITE = "load_what_is_new", "build_what_is_stale", "write_what_changed"
"""The steps; their names are keys of a run's config."""


class Deliveries(dg.Config):
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


def jobs(specs: Specs) -> list[dg.JobDefinition]:
    @dg.op(name=LOAD, out=dg.Out(list), description="Load every delivery that is new or was corrected.")
    def ingest(
        context: dg.OpExecutionContext, config: Deliveries, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.Output[list[str]]]:
        _refuse_unknown("source", config.sources, [source.name for source in platform.catalog])
        platform = telling(context, platform)
        begun = time.monotonic()
        chosen = frozenset(config.sources) or None
        paths = _listed(platform, config.listed) if config.listed is not None else None
        summary = platform.ingest(Selection(_day(config.first_day), _day(config.last_day), chosen, paths))
        if paths is None:
            platform.lists.forget(datetime.now(UTC))
        context.log.info(
            f"{len(summary.loaded)} files loaded, {len(summary.corrected)} of them corrections, {summary.unchanged}"
            f" unchanged, {len(summary.quarantined)} in quarantine; {summary.rows_accepted} rows accepted,"
            f" {summary.rows_rejected} rejected"
        )
        log_loaded(context, platform, summary, time.monotonic() - begun)
        # Not loaded, and not in quarantine either: they are still new. What else there is to do need not wait for them.
        problems = list(unloaded(summary))
        for problem in problems:
            context.log.warning(problem)
        yield dg.Output(problems)

    @dg.op(
        name=BUILD,
        ins={"loaded": dg.In(dg.Nothing)},
        out=dg.Out(list),
        description="Build exactly what is stale, and test it.",
    )
    def transform(
        context: dg.OpExecutionContext, config: Days, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.Output[list[str]]]:
        _refuse_unknown("model", config.models, [model.name for model in platform.catalog.models])
        done = telling(context, platform).transform(
            context.run.run_id,
            first_day=_day(config.first_day),
            last_day=_day(config.last_day),
            anew=bool(config.every_day or config.first_day or config.last_day),
            models=config.models or None,
        )
        for block in done.blocked:
            context.log.warning(f"{block.source} of {block.business_date or 'all days'} waits: {block.reason}")
        if not done.windows:
            context.log.info("Nothing is stale.")
        log_built(context, platform, done, specs)
        yield dg.Output(told(done.failed))

    @dg.op(
        name=WRITE,
        ins={"failed": dg.In(list)},
        out=dg.Out(list),
        description="Bring the exports up to date, but for marts whose checks failed.",
    )
    def export(
        context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform], failed: list[str]
    ) -> Iterator[dg.Output[list[str]]]:
        done = telling(context, platform).export(context.run.run_id)
        log_exported(context, platform, done)
        yield dg.Output([*failed, *not_exported(done)])

    @dg.op(ins={"failed": dg.In(list)}, out=dg.Out(dg.Nothing), description="Fail where something failed on the way.")
    def verdict(failed: list[str]) -> None:
        if failed:
            raise dg.Failure("\n".join(failed), allow_retries=False)

    @dg.op(name="nothing_failed_before", out=dg.Out(list), description="The beginning of a job that only exports.")
    def nothing_failed_before() -> list[str]:
        return []

    @dg.job(
        name=INGEST,
        description="Load every delivery that is new or was corrected. Again does no harm.",
    )
    def ingest_job() -> None:
        verdict(ingest())

    @dg.job(
        name=TRANSFORM,
        description="Build exactly the days that changed raw rows reach, however old, and test them.",
    )
    def transform_job() -> None:
        verdict(transform())

    @dg.job(name=EXPORT, description="Bring every export up to date with its mart.")
    def export_job() -> None:
        verdict(export(nothing_failed_before()))

    @dg.job(name=DAILY, description="Deliveries become marts and exports: ingest, transform, export.")
    def daily_job() -> None:
        verdict(export(transform(loaded=ingest())))

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
