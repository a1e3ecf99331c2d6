"""Assets of extractions, generated from the contracts: what a system held, upstream of the raw tables."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from vending_platform import operations
from vending_platform.catalog import Catalog, Source
from vending_platform.errors import is_transient
from vending_platform.extraction import (
    ChosenDays,
    Extracted,
    ExtractionSummary,
    UndeclaredItems,
    business_day,
    by_system,
)
from vending_platform.opening import Platform
from vending_platform.orchestration.dbt_translator import Specs
from vending_platform.orchestration.names import days_of, extraction_key
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.retries import StepFailure, give_up_or_retry, retrying


def extraction_assets(catalog: Catalog, specs: Specs) -> list[dg.AssetsDefinition]:
    """One per system, of which each source can be chosen by itself."""
    return [_assets(system.name, sources, specs) for system, sources in by_system(catalog).items()]


def _assets(system: str, sources: Sequence[Source], specs: Specs) -> dg.AssetsDefinition:
    partitions = specs.days.extracted
    with_past = {source.name for source in sources if source.extract is not None and source.extract.has_past}

    @dg.multi_asset(
        name=f"extraction_of_{system}",
        specs=[_spec(source, partitions, specs.of_source(source).owners) for source in sources],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def extract(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Iterator[Any]:
        chosen = {key.path[-1]: key for key in context.selected_asset_keys}
        days = _past_days(context)
        retries = platform.environment.automatic_retries
        with retrying(context, retries):
            platform = observed(context, platform)
            done = operations.extract(platform, chosen, days)
        for one in done.sources:
            if one.problem is None and (days is None or one.source in with_past):
                yield dg.MaterializeResult(asset_key=chosen[one.source], metadata=_metadata(one))
        if failures := not_extracted(done):
            give_up_or_retry(context, failures, retries)

    return extract


def _past_days(context: dg.AssetExecutionContext) -> ChosenDays | None:
    """The chosen days, if they have passed: then rows that were written on them are delivered once more. Today means
    what changed since the last time, and a whole table can only be extracted as it is today."""
    days = days_of(context)
    return ChosenDays(*days) if days is not None and days[1] < business_day(datetime.now(UTC)) else None


def log_extracted(context: dg.OpExecutionContext, done: ExtractionSummary) -> None:
    """For a run that is about whatever changed: which sources have a delivery of today."""
    for one in done.sources:
        if one.problem is None:
            partition = one.business_day.isoformat()
            key = extraction_key(one.source)
            context.log_event(dg.AssetMaterialization(key, metadata=_metadata(one), partition=partition))


def not_extracted(done: ExtractionSummary) -> list[StepFailure]:
    of_systems = [
        StepFailure(f"{type(one.error).__name__}: {one}", is_transient=is_transient(one.error)) for one in done.failures
    ]
    return [*(StepFailure(problem) for problem in done.problems), *of_systems]


def _spec(source: Source, partitions: dg.PartitionsDefinition[str], owners: Sequence[str]) -> dg.AssetSpec:
    extract = source.extract
    assert extract is not None
    return dg.AssetSpec(
        extraction_key(source.name),
        description=f"{source.description}\n\n{extract.description}",
        group_name="extracted",
        kinds=set(extract.tags),
        code_version=source.reading_hash,
        owners=owners,
        partitions_def=partitions,
        skippable=True,
    )


def _listed(undeclared: Sequence[UndeclaredItems]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [dg.TableRecord({"table": one.table, "what": one.kind, "items": one.items}) for one in undeclared]
    )


def _metadata(one: Extracted) -> Mapping[str, Any]:
    return {
        "dagster/partition_row_count": one.rows,
        "rows": one.rows,
        "rows read": one.rows_read,
        "rows deleted": one.deleted,
        "bytes": one.bytes,
        "seconds": dg.MetadataValue.float(round(one.seconds, 2)),
        "rows a second": round(one.rows_read / one.seconds) if one.seconds else 0,
        **({"watermark": one.watermark} if one.watermark is not None else {}),
        **({"items that no contract takes": _listed(one.undeclared)} if one.undeclared else {}),
        "delivery": one.path if one.path is not None else "none: nothing changed",
    }
