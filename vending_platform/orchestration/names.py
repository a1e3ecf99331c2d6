"""The names and the partitions that people meet in Dagster."""

from datetime import date

import dagster as dg

from vending_platform.catalog import Catalog, Delivery
from vending_platform.environment import BUSINESS_TIME_ZONE

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
    firsts = [source.files.first_day for source in catalog if source.files.delivery is Delivery.DAILY]
    start = min(firsts, default=date(2020, 1, 1))
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone=BUSINESS_TIME_ZONE, end_offset=1)


def days_of(context: dg.AssetExecutionContext) -> tuple[date, date] | None:
    """The first and the last business day that a run is about."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    span = context.partition_key_range
    return date.fromisoformat(span.start), date.fromisoformat(span.end)
