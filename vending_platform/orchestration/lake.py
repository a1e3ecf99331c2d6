"""Maintenance of the lake's tables, as an asset with its own schedule."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from vending_platform import operations
from vending_platform.catalog import Catalog, Format
from vending_platform.lake import MaintainedTable
from vending_platform.opening import Platform
from vending_platform.orchestration.names import export_key
from vending_platform.orchestration.observers import observed
from vending_platform.orchestration.retries import retrying

MAINTENANCE = dg.AssetKey(["lake", "maintenance"])
LAKE_JOB = "maintain_lake"


def maintenance_asset(catalog: Catalog) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        MAINTENANCE,
        deps=[export_key(export.name) for export in catalog.exports if export.format is Format.ICEBERG],
        group_name="lake",
        kinds={"iceberg"},
        code_version="1",
        description="Makes few files of many small ones, lets old snapshots go, and removes files that nothing needs.",
    )

    @dg.multi_asset(name="lake_maintenance", specs=[spec], backfill_policy=dg.BackfillPolicy.single_run())
    def maintenance(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
    ) -> dg.MaterializeResult[Any]:
        with retrying(context, platform.environment.automatic_retries):
            done = operations.maintain(observed(context, platform))
        return dg.MaterializeResult(metadata=_metadata(done.tables))

    return maintenance


def maintenance_job() -> Any:
    return dg.define_asset_job(
        LAKE_JOB, selection=dg.AssetSelection.assets(MAINTENANCE), description="Keep the lake's tables small."
    )


def _metadata(done: Sequence[MaintainedTable]) -> dict[str, Any]:
    records = [
        dg.TableRecord(
            {
                "table": one.table,
                "files made one": one.compacted_files,
                "instead": one.files_instead,
                "snapshots expired": one.expired_snapshots,
                "files removed": one.removed_files,
                "bytes removed": one.removed_bytes,
                "seconds": one.seconds,
            }
        )
        for one in done
    ]
    return {
        "tables": len(done),
        "files made one": sum(one.compacted_files for one in done),
        "snapshots expired": sum(one.expired_snapshots for one in done),
        "files removed": sum(one.removed_files for one in done),
        "bytes removed": sum(one.removed_bytes for one in done),
        **({"each table": dg.MetadataValue.table(records)} if records else {}),
    }
