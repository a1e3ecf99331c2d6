"""Tables of the lake as datasets: their place is their name, and what the catalog calls them is another one for it."""

from typing import Any

from vending_platform.environment import Environment, LakeCatalog, LakeSettings
from vending_platform.lake import MaintainedTable, catalog_file
from vending_platform.lineage.events.datasets import DatasetName, data_source, file_name
from vending_platform.lineage.events.facets import Facets, facets
from vending_platform.lineage.events.knowledge import Knowledge
from vending_platform.lineage.events.runs import Dataset, LineageRun
from vending_platform.warehouse import TableName

_CATALOG = "lake"


def lake_table(environment: Environment, settings: LakeSettings, table: TableName) -> tuple[DatasetName, Facets]:
    """Its name, and what all tables of the lake have in common. A column of facets is the export's matter."""
    name = file_name(settings.warehouse, f"{table.schema}/{table.name}")
    symlink, catalog = _in_catalog(environment, settings, table)
    return name, facets(
        datasetType={"datasetType": "TABLE", "subType": "ICEBERG"},
        dataSource=data_source(name.namespace),
        storage={"storageLayer": "iceberg", "fileFormat": "parquet"},
        symlinks={"identifiers": [{**symlink._asdict(), "type": "TABLE"}]},
        catalog={"framework": "iceberg", "name": _CATALOG, "source": "vending-platform", **catalog},
    )


def maintenance_runs(within: LineageRun, knowledge: Knowledge, done: tuple[MaintainedTable, ...]) -> list[LineageRun]:
    """A run for each table of which maintenance changed a file or a snapshot: its rows are the same as before."""
    return [_maintenance(within, knowledge, one) for one in done if one.has_changed]


def _maintenance(within: LineageRun, knowledge: Knowledge, done: MaintainedTable) -> LineageRun:
    settings = knowledge.environment.lake
    assert settings is not None, "only a lake that is declared is maintained"
    name, found = lake_table(knowledge.environment, settings, TableName(*done.table.split(".", 1)))
    table: dict[str, Any] = {**name._asdict(), "facets": found}
    read: Dataset = {**table, "inputFacets": {}}
    written: Dataset = {
        **table,
        "outputFacets": facets(outputStatistics={"fileCount": done.files_instead}) if done.files_instead else {},
    }
    return within.part(
        f"{within.job}.{done.table}",
        job_facets=knowledge.job_facets("MAINTENANCE"),
        run_facets=facets(
            platform_maintenance={
                "compactedFiles": done.compacted_files,
                "filesInstead": done.files_instead,
                "compactedBytes": done.compacted_bytes,
                "expiredSnapshots": done.expired_snapshots,
                "removedFiles": done.removed_files,
                "removedBytes": done.removed_bytes,
            }
        ),
        inputs=(read,),
        outputs=(written,),
    )


def _in_catalog(
    environment: Environment, settings: LakeSettings, table: TableName
) -> tuple[DatasetName, dict[str, str]]:
    database = settings.databases + table.schema
    if settings.catalog is LakeCatalog.GLUE:
        assert environment.aws is not None, "a catalog in AWS is declared only where there is an account"
        arn = f"arn:aws:glue:{environment.aws.region}:{environment.aws.account}"
        return DatasetName(arn, f"table/{database}/{table.name}"), {"type": "glue", "warehouseUri": settings.warehouse}
    uri = f"sqlite://{catalog_file(settings)}"
    warehouse = catalog_file(settings).parent.as_uri()
    return DatasetName(uri, f"{database}.{table.name}"), {"type": "sql", "metadataUri": uri, "warehouseUri": warehouse}
