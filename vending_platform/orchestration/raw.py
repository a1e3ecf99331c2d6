"""Assets of delivered tables, generated from the contracts, and the checks on them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from vending_platform import ingestion, operations, transformation
from vending_platform.catalog import Catalog, Grain, Source, period_of
from vending_platform.ingestion import Overview, Selection, Summary
from vending_platform.opening import Platform
from vending_platform.orchestration.checks import (
    CONTRACT_HELD,
    DELIVERY_COMPLETE,
    NO_UNDECLARED_FILES,
    CheckResult,
    log_check,
    raw_checks,
)
from vending_platform.orchestration.dbt_translator import Specs
from vending_platform.orchestration.input_versions import data_version, inputs_of
from vending_platform.orchestration.metadata import raw_day_metadata, raw_metadata, touched
from vending_platform.orchestration.names import DELIVERIES, days_of, raw_key
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.retries import StepFailure, give_up_or_retry, retrying

_KEPT = """Every current file is as its contract says: nothing in quarantine, no row rejected, no unknown column.

A day of which too much is in quarantine (`block_above`) waits in every build; its marts and exports stay as they were.
"""
_DECLARED = "Every file in the raw storage is of a declared kind."


def raw_assets(catalog: Catalog, specs: Specs) -> list[dg.AssetsDefinition]:
    by_period = {
        name: (grain, [source for source in catalog if source.is_dated and source.grain is grain])
        for name, grain in (("daily_deliveries", Grain.DAY), ("monthly_deliveries", Grain.MONTH))
    }
    others = [source for source in catalog if not source.is_dated]
    return [
        *(
            _assets(name, sources, specs, specs.days.of(grain=grain))
            for name, (grain, sources) in by_period.items()
            if sources
        ),
        *([_assets("other_deliveries", others, specs, None)] if others else []),
    ]


def deliveries_asset(place: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        DELIVERIES,
        group_name="raw",
        kinds={"file"},
        description=f"The raw storage, `{place}`: whatever is delivered. A file's name tells its kind.",
    )


def deliveries_check() -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=DELIVERIES, name=NO_UNDECLARED_FILES, description=_DECLARED)
    def no_undeclared_files(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
        _, checks = look(platform)
        (result,) = (result for result in checks if result.asset_key == DELIVERIES)
        return result.as_result()

    return no_undeclared_files


def _assets(
    name: str, sources: Sequence[Source], specs: Specs, partitions: dg.PartitionsDefinition[str] | None
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=name,
        specs=[specs.of_source(source).replace_attributes(skippable=True) for source in sources],
        check_specs=[check for source in sources for check in _check_specs(source)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def load(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Iterator[Any]:
        chosen = {key.path[-1]: key for key in context.selected_asset_keys}
        first_day, last_day = days_of(context) or (None, None)
        platform = observed(context, platform)
        begun = time.monotonic()
        retries = platform.environment.automatic_retries
        with retrying(context, retries):
            summary = operations.ingest(platform, Selection(first_day, last_day, frozenset(chosen)))
        seconds = time.monotonic() - begun
        now, checks = look(platform)
        for source, key in chosen.items():
            for day in context.partition_keys if partitions is not None else ():
                held = now.days.get(source, {}).get(period_of(day))
                context.add_asset_metadata(raw_day_metadata(held), asset_key=key, partition_key=day)
            yield dg.MaterializeResult(asset_key=key, metadata=raw_metadata(source, now, summary, seconds))
        for result in checks:
            if dg.AssetCheckKey(result.asset_key, result.name) in context.selected_asset_check_keys:
                yield result.as_result()
        if failures := list(unloaded(summary)):
            give_up_or_retry(context, failures, retries)

    return load


def log_loaded(
    context: dg.OpExecutionContext, platform: Platform, summary: Summary, specs: Specs, seconds: float
) -> None:
    """For a run that is about whatever is new: which days of which assets it changed, and how the checks stand now."""
    now, checks = look(platform)
    inputs = {source.name: inputs_of(context.instance, specs.of_source(source)) for source in platform.catalog}
    with platform.reading_in_turn("vending report") as reader:
        versions = transformation.delivered_versions(reader, platform.catalog)
    for source, days in sorted(touched(summary).items()):
        *earlier, last = sorted(days, key=str)
        for day in (*earlier, last):
            metadata = raw_day_metadata(now.days.get(source, {}).get(day))
            if day == last:  # once is enough, and the last is what the UI shows first
                metadata = {**metadata, **raw_metadata(source, now, summary, seconds)}
            declared = platform.catalog.source(source)
            partition = (declared.grain or Grain.DAY).written(day) if day is not None and declared.is_dated else None
            tags = {**inputs[source], **data_version(versions.get((source, day)))}
            context.log_event(
                dg.AssetMaterialization(raw_key(source), metadata=metadata, partition=partition, tags=tags)
            )
    for source, partition in _without_files(context, platform, now):
        context.log_event(
            dg.AssetMaterialization(
                raw_key(source), metadata=raw_day_metadata(None), partition=partition, tags=inputs[source]
            )
        )
    for result in checks:
        log_check(context, result.as_evaluation())


def _without_files(context: dg.OpExecutionContext, platform: Platform, now: Overview) -> Iterator[tuple[str, str]]:
    """The partitions of which others delivered and a source did not, if no run has reported them yet: there is nothing
    to load, and that is known."""
    for grain in Grain:
        dated = [source.name for source in platform.catalog if source.is_dated and source.grain is grain]
        days = {day for source in dated for day in now.days.get(source, {}) if day is not None}
        for source in dated:
            if empty := sorted(days - now.days.get(source, {}).keys()):
                known = context.instance.get_materialized_partitions(raw_key(source))
                yield from ((source, key) for key in map(grain.written, empty) if key not in known)


def unloaded(summary: Summary) -> Iterator[StepFailure]:
    """What a run could neither load nor put into quarantine: it is still new, and the next run tries again."""
    yield from (
        StepFailure(f"{path} could not be read: {reason}", is_transient=True) for path, reason in summary.unreadable
    )
    yield from (StepFailure(f"{source} was left alone: {why}") for source, why in summary.blocked.items())


def look(platform: Platform) -> tuple[Overview, list[CheckResult]]:
    """What there is, and how the checks stand. Waits while another process writes."""
    with platform.reading_in_turn("vending report") as reader:
        now = ingestion.overview(reader)
        blocked = transformation.blocked(reader, platform.catalog)
        status = ingestion.status_of(reader, platform.catalog)
    return now, list(raw_checks(platform.catalog, status, now, blocked))


def _check_specs(source: Source) -> Iterator[dg.AssetCheckSpec]:
    key = raw_key(source.name)
    yield dg.AssetCheckSpec(CONTRACT_HELD, asset=key, description=_KEPT)
    if source.files.known_from is not None:
        period = (source.grain or Grain.DAY).value
        complete = f"Every {source.files.sender_name} delivered for every {period} for which it was due."
        yield dg.AssetCheckSpec(DELIVERY_COMPLETE, asset=key, description=complete)
