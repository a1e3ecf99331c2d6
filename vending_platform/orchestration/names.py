"""The names and the partitions that people meet in Dagster."""

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


def business_days(catalog: Catalog) -> dg.DailyPartitionsDefinition:
    """Every business day from the first that a contract allows, today included: some files come in the evening."""
    firsts = [source.files.first_day for source in catalog if source.is_daily]
    start = min(firsts, default=date(2020, 1, 1))
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone=BUSINESS_TIME_ZONE, end_offset=1)


def has_days(model: Model, catalog: Catalog) -> bool:
    """Whether a model has partitions. A view of daily deliveries does: without days it would cut its own mart off from
    them, and Dagster's backfill of a range would end at the view without a word."""
    return model.is_daily or (model.is_view and any(catalog.source(source).is_daily for source in model.sources))


def days_of(context: dg.AssetExecutionContext) -> tuple[date, date] | None:
    """The first and the last business day that a run is about."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    span = context.partition_key_range
    return date.fromisoformat(span.start), date.fromisoformat(span.end)
