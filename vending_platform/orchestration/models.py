"""Assets of dbt models, with their tests as checks: one definition for what is built by day, one for what is not."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from vending_platform import operations, transformation
from vending_platform.catalog import Catalog, Model, period_of
from vending_platform.opening import Platform
from vending_platform.orchestration.checks import log_check
from vending_platform.orchestration.dbt_translator import Specs
from vending_platform.orchestration.input_versions import data_version, inputs_of
from vending_platform.orchestration.names import days_of, has_days, model_key
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.retries import StepFailure, begun_at, give_up_or_retry, is_retry, retrying
from vending_platform.transformation import BlockedDay, NodeResult, Transformed, blocked_days

_NOT_RUN = "skipped"
"""dbt's status of a test whose model failed or was never built: that means nothing for the rows."""


def model_assets(catalog: Catalog, specs: Specs) -> list[dg.AssetsDefinition]:
    daily = [model for model in catalog.models if has_days(model, catalog)]
    wholes = [model for model in catalog.models if not has_days(model, catalog)]
    return [
        *(
            _assets(specs.days.named_for("models", days), models, specs, days)
            for days, models in specs.days.by_partitions(daily).items()
        ),
        _assets("models_as_a_whole", wholes, specs, None),
    ]


def _assets(
    name: str, models: Sequence[Model], specs: Specs, partitions: dg.PartitionsDefinition[str] | None
) -> dg.AssetsDefinition:
    checks = _checks(models, specs)

    @dg.multi_asset(
        name=name,
        specs=[specs.of_model(model) for model in models],
        check_specs=list(checks.values()),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def build(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Iterator[Any]:
        chosen = [model for model in models if model_key(model.schema_name, model.name) in context.selected_asset_keys]
        first_day, last_day = days_of(context) or (None, None)
        retries = platform.environment.automatic_retries
        selected = {test: spec for test, spec in checks.items() if spec.key in context.selected_asset_check_keys}
        by_themselves = {
            test: spec for test, spec in selected.items() if spec.asset_key not in context.selected_asset_keys
        }
        if by_themselves:
            yield from _test(context, platform, by_themselves)
        if not chosen:
            return
        with retrying(context, retries):
            done = operations.transform(
                observed(context, platform),
                context.run.run_id,
                first_day=first_day,
                last_day=last_day,
                anew=begun_at(context),
                models=[model.name for model in chosen],
                skip_code_changes=False,  # these days were requested: they are built as the code is now
            )
        results = _worst(done)
        waiting = _waiting(chosen, done.blocked, first_day, last_day)
        for model in chosen:
            if is_retry(context) and model.unique_id not in results:
                continue  # an earlier attempt has built it, and reported that
            key = model_key(model.schema_name, model.name)
            days = {day: rows for (built, day), rows in done.rows.items() if built == model.name}
            is_whole = model.name not in waiting and (
                model.unique_id not in results or results[model.unique_id].is_good
            )
            for day in context.partition_keys if partitions is not None and model.is_dated else ():
                rows = days.get(period_of(day))
                if is_whole:
                    context.add_asset_metadata(_day_metadata(rows), asset_key=key, partition_key=day)
                elif rows is not None:  # built, although another day was not
                    context.log_event(dg.AssetMaterialization(key, metadata=_day_metadata(rows), partition=day))
            if is_whole:
                yield dg.MaterializeResult(asset_key=key, metadata=_metadata(results.get(model.unique_id), days))
        for test, spec in selected.items():
            if test not in by_themselves and (result := results.get(test)) is not None and result.status != _NOT_RUN:
                yield dg.AssetCheckResult(asset_key=spec.asset_key, check_name=spec.name, **_verdict(result))
        if failures := [*map(StepFailure, waiting.values()), *failures_of(done.failed)]:
            give_up_or_retry(context, failures, retries)

    return build


def _test(
    context: dg.AssetExecutionContext, platform: Platform, selected: Mapping[str, dg.AssetCheckSpec]
) -> Iterator[dg.AssetCheckResult]:
    """Checks by themselves, of what is built."""
    retries = platform.environment.automatic_retries
    with retrying(context, retries):
        done = operations.run_tests(observed(context, platform), context.run.run_id, selected, days_of(context))
    results = _worst(done)
    for test, spec in selected.items():
        if (result := results[test]).status != _NOT_RUN:
            yield dg.AssetCheckResult(asset_key=spec.asset_key, check_name=spec.name, **_verdict(result))
    if failures := [
        StepFailure(f"{result.name}: {' '.join((result.message or result.status).split())}", result.status == "error")
        for result in results.values()
        if result.status in ("error", _NOT_RUN)
    ]:
        give_up_or_retry(context, failures, retries)


def log_built(context: dg.OpExecutionContext, platform: Platform, done: Transformed, specs: Specs) -> None:
    """For a run that is about whatever is stale: which days of which models it built, and what their tests found."""
    models = platform.catalog.models
    results = _worst(done)
    meant = {model.name for window, _ in done.windows for model in window.models}
    behind = {model.name: model.rests_on for model in models}
    if not done.windows:
        return
    with platform.reading_in_turn("vending report") as reader:
        versions = transformation.built_versions(reader)

    def log(model: Model, metadata: Mapping[str, Any] | None = None, day: date | None = None) -> None:
        partition = model.grain.written(day) if day is not None else None
        version = model.code if model.is_view else versions.get((model.name, day))
        tags = {**inputs, **data_version(version)}
        key = model_key(model.schema_name, model.name)
        context.log_event(dg.AssetMaterialization(key, metadata=metadata, partition=partition, tags=tags))

    for model in models:  # after those that they are built from
        inputs = inputs_of(context.instance, specs.of_model(model))
        result = results.get(model.unique_id)
        if model.is_view and has_days(model, platform.catalog):  # it has the days that were built on it
            for built in sorted({day for name, day in done.rows if day is not None and model.name in behind[name]}):
                log(model, day=built)
            continue
        days = {day: rows for (name, day), rows in done.rows.items() if name == model.name}
        for day in sorted(day for day in days if day is not None):
            log(model, _day_metadata(days[day]), day)
        if model.name in meant and not model.is_dated and result is not None and result.is_good:
            log(model, _metadata(result, days))
    for test, spec in _checks(models, specs).items():
        if (result := results.get(test)) is not None and result.status != _NOT_RUN:
            verdict = _verdict(result)
            log_check(context, dg.AssetCheckEvaluation(asset_key=spec.asset_key, check_name=spec.name, **verdict))


def failures_of(failed: Sequence[NodeResult]) -> list[StepFailure]:
    """What did not succeed, in dbt's words; what was skipped because of it is not a second problem. Rows that break a
    rule will break it again; an error can have been the warehouse's."""
    return [
        StepFailure(
            f"{result.name}: {result.status}: {' '.join((result.message or '').split())}",
            is_transient=result.status == "error",
        )
        for result in failed
        if result.status != "skipped"
    ]


def _checks(models: Sequence[Model], specs: Specs) -> Mapping[str, dg.AssetCheckSpec]:
    return {test: check for model in models for test, check in specs.of_checks(model).items()}


def _worst(done: Transformed) -> dict[str, NodeResult]:
    """One result per node, also where it ran for several windows: if it failed for one, it failed."""
    results: dict[str, NodeResult] = {}
    for result in (result for _, window in done.windows for result in window):
        known = results.get(result.unique_id)
        if known is None or known.is_good:
            results[result.unique_id] = result
    return results


def _waiting(
    models: Sequence[Model], blocked: Sequence[BlockedDay], first_day: date | None, last_day: date | None
) -> dict[str, str]:
    """The models that a run was to build and may not, with the reason."""
    found = {}
    for model in models:
        for block in blocked:
            days = blocked_days([model], [block]).get(model.name, frozenset())
            if None in days or any(first_day <= day <= last_day for day in days if first_day and last_day and day):
                found[model.name] = f"{block.source} of {block.business_date or 'all days'} waits: {block.reason}"
    return found


def _metadata(result: NodeResult | None, days: Mapping[date | None, int]) -> Mapping[str, Any]:
    metadata: dict[str, Any] = {"seconds": dg.MetadataValue.float(round(result.seconds, 2))} if result else {}
    if None in days:
        metadata["dagster/row_count"] = days[None]
    return metadata


def _day_metadata(rows: int | None) -> Mapping[str, Any]:
    if rows is None:
        return {"dagster/partition_row_count": 0, "note": "there are no deliveries of this day"}
    return {"dagster/partition_row_count": rows}


def _verdict(result: NodeResult) -> dict[str, Any]:
    warns = result.status == "warn"
    return {
        "passed": result.status in ("pass", "success"),
        "severity": dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
        "description": result.message or "",
        "metadata": {
            "failing rows": dg.MetadataValue.int(result.failures or 0),
            "seconds": dg.MetadataValue.float(round(result.seconds, 3)),
        },
    }
