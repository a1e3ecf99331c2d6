"""Assets of a domain's functions: one definition per pipeline, of which any results can be materialized by
themselves."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg

from vending_platform.analyses import run_functions
from vending_platform.analysis import AnalysisRun, FunctionCheck, Pipeline
from vending_platform.catalog import Catalog
from vending_platform.opening import Platform
from vending_platform.orchestration.names import FUNCTIONS_OF, model_key
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.partitions import BusinessDays, business_days
from vending_platform.orchestration.retries import retrying
from vending_platform.orchestration.schedules import schedule

FORECAST = "forecast"
"""The job, and what its schedule is called after."""


def pipeline_assets(pipelines: Sequence[Pipeline], catalog: Catalog, days: BusinessDays) -> list[dg.AssetsDefinition]:
    keys = {name: model_key(model.schema_name, name) for model in catalog.models for name in [model.name]}
    for pipeline in pipelines:
        keys |= {name: model_key(pipeline.schema_of(name), name) for name in pipeline.results}
    models = {model.name: model for model in catalog.models}
    found = []
    for pipeline in pipelines:
        partitions = None
        if pipeline.each_day:
            dated = [models[table] for table in pipeline.tables if table in models and models[table].is_dated]
            partitions = next(iter(days.by_partitions(dated)), None)
        found.append(_assets(pipeline, keys, partitions))
    return found


def pipeline_definitions(pipelines: Sequence[Pipeline], platform: Platform) -> dg.Definitions:
    """Their assets; and the job that computes what comes back as deliveries, at the hour that the environment
    declares."""
    environment = platform.environment
    assets = pipeline_assets(pipelines, platform.catalog, business_days(platform.catalog, environment))
    delivering = [made for pipeline, made in zip(pipelines, assets, strict=True) if pipeline.delivered]
    if not delivering:
        return dg.Definitions(assets=assets)
    job: Any = dg.define_asset_job(
        FORECAST, selection=dg.AssetSelection.assets(*delivering), description="Forecast, and deliver the forecasts."
    )
    starts = environment.forecast_starts
    schedules = [schedule(job, starts, is_running=True)] if starts is not None else []
    return dg.Definitions(assets=assets, jobs=[job], schedules=schedules)


def _assets(
    pipeline: Pipeline, keys: dict[str, dg.AssetKey], partitions: dg.PartitionsDefinition[str] | None
) -> dg.AssetsDefinition:
    checks = {
        (function.name, _name(function.name, check)): dg.AssetCheckSpec(
            _name(function.name, check), asset=keys[function.name]
        )
        for function in pipeline.functions.values()
        if function.is_result
        for check in function.checks
    }

    @dg.multi_asset(
        name=f"{FUNCTIONS_OF}{pipeline.name}",
        specs=[_spec(pipeline, name, keys, partitions) for name in pipeline.results],
        check_specs=list(checks.values()),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def run(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Iterator[Any]:
        chosen = [name for name in pipeline.results if keys[name] in context.selected_asset_keys]
        days = [date.fromisoformat(key) for key in context.partition_keys] if partitions is not None else []
        tables = sorted({table for name in chosen for table in pipeline.tables_of(name)})
        with retrying(context, platform.environment.automatic_retries):
            ran = run_functions(observed(context, platform), pipeline, tables, chosen, days=days)
        done = ran.analysed
        for path in (path for paths in ran.delivered.values() for path in paths):
            context.log.info(f"Delivered {path}: the next ingestion loads it")
        for name in chosen:  # in the order in which they were computed
            if name in done.results:
                files = ", ".join(ran.files[name].paths)
                metadata = {"dagster/row_count": done.results[name].height, "files": files, **_shown(ran, name)}
                yield dg.MaterializeResult(asset_key=keys[name], metadata=metadata)
        for check in done.checks:
            spec = checks.get((check.function, check.check))
            if spec is not None and spec.key in context.selected_asset_check_keys and check.function in chosen:
                yield _verdict(check, spec)
        for missing in done.missing:
            if missing.is_early:
                context.log.warning(f"Not computed yet: {missing}")
        if done.failure is not None:
            raise dg.Failure(done.failure, allow_retries=False)

    return run


def _shown(ran: AnalysisRun, name: str) -> dict[str, Any]:
    """Figures, which Dagster plots from run to run, and a picture."""
    if (shown := ran.shown.get(name)) is None:
        return {}
    return {**shown.figures, "picture": dg.MetadataValue.md(shown.picture)}


def _verdict(check: FunctionCheck, spec: dg.AssetCheckSpec) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.ERROR if check.must_pass else dg.AssetCheckSeverity.WARN,
        description=check.message,
    )


def _spec(
    pipeline: Pipeline, name: str, keys: dict[str, dg.AssetKey], partitions: dg.PartitionsDefinition[str] | None
) -> dg.AssetSpec:
    tables = {table for table in pipeline.tables_of(name) if pipeline.inputs[table].history_of is None}
    needed = tables | _results_behind(pipeline, name)
    return dg.AssetSpec(
        keys[name],
        deps=sorted(keys[one] for one in needed),
        description=pipeline.functions[name].description or name,
        group_name=pipeline.schema_of(name),
        kinds={"python", "polars"},
        partitions_def=partitions,
        code_version=pipeline.code_version,
        skippable=True,
    )


def _results_behind(pipeline: Pipeline, name: str) -> set[str]:
    """The nearest results of the same pipeline that this one is made of."""
    found: set[str] = set()
    for one in pipeline.functions[name].inputs:
        if one in pipeline.functions:
            found |= {one} if pipeline.functions[one].is_result else _results_behind(pipeline, one)
    return found


def _name(function: str, check: str) -> str:
    return check.removeprefix(f"{function}_")
