"""The jobs about whatever there is to do: load what is new, build what is stale, export what has changed.

They have no partitions, since the days need not be known beforehand: each run reports of every asset which days it
made. To make certain days again, materialize those partitions of the assets.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from vending_platform import operations
from vending_platform.environment import Verification
from vending_platform.opening import Platform
from vending_platform.orchestration.dbt_translator import Specs
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.retries import Attempt, StepFailure, retrying, settle
from vending_platform.orchestration.steps import (
    BUILD,
    DAILY,
    EXPORT,
    EXTRACT,
    FETCH,
    INGEST,
    LOAD,
    TRANSFORM,
    VERDICT,
    WRITE,
    Days,
    ExportConfig,
    ExtractConfig,
    IngestConfig,
    build,
    fetch,
    load,
    write,
)

_DESCRIPTIONS = {
    EXTRACT: "Deliver what databases hold and no delivery says yet.",
    INGEST: "Load every delivery that is new or was corrected. Again does no harm.",
    TRANSFORM: "Build exactly the days that changed raw rows reach, however old, and test them.",
    EXPORT: "Bring every export up to date with its mart.",
    DAILY: "Deliveries become marts and exports: ingest, transform, export.",
}
_STEPS = {EXTRACT: (FETCH,), INGEST: (LOAD,), TRANSFORM: (BUILD,), EXPORT: (WRITE,), DAILY: (LOAD, BUILD, WRITE)}
_AFTER: Mapping[str, Any] = {"ins": {"after": dg.In(dg.Nothing)}, "out": dg.Out(dg.Nothing)}


def jobs(specs: Specs) -> list[dg.JobDefinition]:
    ops = _ops(specs)
    has_databases = any(source.extract is not None for source in specs.days.catalog)
    return [
        _job(name, [ops[step] for step in steps], _verdict(name, steps, specs))
        for name, steps in _STEPS.items()
        if has_databases or name != EXTRACT
    ]


def _job(name: str, steps: list[dg.OpDefinition], verdict: Any) -> dg.JobDefinition:
    @dg.job(name=name, description=_DESCRIPTIONS[name])
    def in_order() -> None:
        first, *others = steps
        done = first()
        for step in others:
            done = step(done)
        verdict(done)

    return in_order


def _ops(specs: Specs) -> dict[str, dg.OpDefinition]:
    @dg.op(name=FETCH, description="Extract what changed, of every database in one snapshot.", **_AFTER)
    def extract(
        context: dg.OpExecutionContext,
        config: ExtractConfig,
        platform: dg.ResourceParam[Platform],
        attempt: dg.ResourceParam[Attempt],
    ) -> None:
        with retrying(context, platform.environment.automatic_retries):
            attempt.note(FETCH, fetch(context, config, platform))

    @dg.op(name=LOAD, description="Load every delivery that is new or was corrected.", **_AFTER)
    def ingest(
        context: dg.OpExecutionContext,
        config: IngestConfig,
        platform: dg.ResourceParam[Platform],
        attempt: dg.ResourceParam[Attempt],
    ) -> None:
        with retrying(context, platform.environment.automatic_retries):
            attempt.note(LOAD, load(context, config, platform, specs))

    @dg.op(name=BUILD, description="Build exactly what is stale, and test it.", **_AFTER)
    def transform(
        context: dg.OpExecutionContext,
        config: Days,
        platform: dg.ResourceParam[Platform],
        attempt: dg.ResourceParam[Attempt],
    ) -> None:
        with retrying(context, platform.environment.automatic_retries):
            attempt.note(BUILD, build(context, config, platform, specs))

    @dg.op(name=WRITE, description="Bring the exports up to date, but for marts whose checks failed.", **_AFTER)
    def export(
        context: dg.OpExecutionContext,
        config: ExportConfig,
        platform: dg.ResourceParam[Platform],
        attempt: dg.ResourceParam[Attempt],
    ) -> None:
        with retrying(context, platform.environment.automatic_retries):
            attempt.note(WRITE, write(context, config, platform))

    return {op.name: op for op in (extract, ingest, transform, export)}


def _verdict(job: str, steps: tuple[str, ...], specs: Specs) -> Any:
    """The last step of a job, which fails it if one before did not succeed in the end."""

    @dg.op(
        name=f"{job}_verdict",
        description="Retry what did not succeed on the way, as often as the environment declares; then fail.",
        **_AFTER,
    )
    def settled(
        context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform], attempt: dg.ResourceParam[Attempt]
    ) -> None:
        retries = platform.environment.automatic_retries
        again = _works(context, platform, specs)
        with retrying(context, retries):
            settle(context, attempt, {name: again[name] for name in steps}, retries)
        if BUILD in steps and platform.environment.verification is Verification.GIVEN:
            with retrying(context, retries):
                context.log.info(operations.sign_off(observed(context, platform), context.run.run_id))

    return settled.alias(VERDICT)


def _works(
    context: dg.OpExecutionContext, platform: Platform, specs: Specs
) -> Mapping[str, Callable[[], list[StepFailure]]]:
    """Every step, with the config that the run was started with."""
    configs: Any = context.run.run_config.get("ops", {})
    tables, deliveries, days, exports = (
        configs.get(name, {}).get("config", {}) for name in (FETCH, LOAD, BUILD, WRITE)
    )
    return {
        FETCH: lambda: fetch(context, ExtractConfig(**tables), platform),
        LOAD: lambda: load(context, IngestConfig(**deliveries), platform, specs),
        BUILD: lambda: build(context, Days(**days), platform, specs),
        WRITE: lambda: write(context, ExportConfig(**exports), platform),
    }
