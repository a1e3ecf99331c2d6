"""The names and the partitions that people meet in Dagster."""

from collections.abc import Iterable
from datetime import date

import dagster as dg

from vending_platform.catalog import Catalog, Model
from vending_platform.environment import BUSINESS_TIME_ZONE

LOCATION = "vending"
"""The code location, as workspace.yaml, pyproject.toml and the deployments call it."""
DELIVERIES = dg.AssetKey("deliveries")
"""The raw storage itself, where every file comes from."""


def raw_key(source: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", source])


def model_key(schema: str, model: str) -> dg.AssetKey:
    return dg.AssetKey([schema, model])


def export_key(export: str) -> dg.AssetKey:
    return dg.AssetKey(["exports", export])


def business_days(catalog: Catalog, model: Model | None = None) -> dg.DailyPartitionsDefinition:
    """Every business day from the first that a contract allows, today included: some files come in the evening. Of a
    model it is the first of the contracts that it rests on, so that one with a long history gives no other its days."""
    firsts = [source.files.first_day for source in catalog if source.is_daily]
    if model is not None:
        read = [catalog.source(source) for source in model.files_of]
        # Those of daily deliveries have theirs in common: what is asked for as one range is then one run.
        firsts = [first for first in firsts if any(source.is_daily for source in read)]
        firsts += [source.files.first_day for source in read if source.has_days and not source.is_daily]
    start = min(firsts, default=date(2020, 1, 1))
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone=BUSINESS_TIME_ZONE, end_offset=1)


def has_days(model: Model, catalog: Catalog) -> bool:
    """Whether a model has partitions. A view of deliveries with days does: without days it would cut its own mart off
    from them, and Dagster's backfill of a range would end at the view without a word."""
    return model.is_daily or (model.is_view and any(catalog.source(source).has_days for source in model.sources))


def by_first_day(catalog: Catalog, models: Iterable[Model]) -> dict[dg.DailyPartitionsDefinition, list[Model]]:
    """Models with days, by the partitions that they have."""
    found: dict[dg.DailyPartitionsDefinition, list[Model]] = {}
    for model in models:
        found.setdefault(business_days(catalog, model), []).append(model)
    return found


def named_for(name: str, partitions: dg.DailyPartitionsDefinition, catalog: Catalog) -> str:
    """Of assets that have other days than those of the daily deliveries, the name says from when on."""
    if partitions == business_days(catalog):
        return name
    return f"{name}_from_{partitions.start:%Y_%m_%d}"


def days_of(context: dg.AssetExecutionContext) -> tuple[date, date] | None:
    """The first and the last business day that a run is about."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    span = context.partition_key_range
    return date.fromisoformat(span.start), date.fromisoformat(span.end)
