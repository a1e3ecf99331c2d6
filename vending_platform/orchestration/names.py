"""The names and the partitions that people meet in Dagster."""

from datetime import date

import dagster as dg

from vending_platform.catalog import Catalog, Model, last_day_of, period_of

LOCATION = "vending"
"""The code location, as workspace.yaml, pyproject.toml and the deployments call it."""
DELIVERIES = dg.AssetKey("deliveries")
"""The raw storage itself, where every file comes from."""


def raw_key(source: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", source])


def extraction_key(source: str) -> dg.AssetKey:
    return dg.AssetKey(["extracted", source])


FUNCTIONS_OF = "functions_of_"
"""What the name of the assets of a pipeline of functions begins with."""


def model_key(schema: str, model: str) -> dg.AssetKey:
    return dg.AssetKey([schema, model])


def export_key(export: str) -> dg.AssetKey:
    return dg.AssetKey(["exports", export])


def has_days(model: Model, catalog: Catalog) -> bool:
    """Whether a model has partitions. A view of deliveries with days does: without days it would cut its own mart off
    from them, and Dagster's backfill of a range would end at the view without a word."""
    return model.is_dated or (model.is_view and any(catalog.source(source).has_days for source in model.sources))


def days_of(context: dg.AssetExecutionContext) -> tuple[date, date] | None:
    """The first and the last business day that a run is about, from the keys of days or of months."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    span = context.partition_key_range
    return period_of(span.start), last_day_of(span.end)
