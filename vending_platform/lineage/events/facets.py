"""OpenLineage's facets as JSON has them, and which version of the specification each is of.

The classes that openlineage-python generates from the specification are not imported here: that takes a quarter of a
second, twenty times of what a short run may spend on its events. The tests hold every facet against them instead.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from vending_platform.environment import BUSINESS_TIME_ZONE

Facet = Mapping[str, Any]
Facets = Mapping[str, Facet]

PRODUCER = f"urn:vending-platform:lineage:{version('vending-platform')}"
SPECIFICATION = "https://openlineage.io/spec"
EVENT_SCHEMA = f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent"
OWN_FACETS = "urn:vending-platform:lineage:facets:1-0-0"
"""The id of `own-facets.json`, the schema of the facets that the specification does not have."""
_STANDARD = {
    "catalog": ("1-1-0", "CatalogDatasetFacet"),
    "columnLineage": ("1-2-0", "ColumnLineageDatasetFacet"),
    "dataQualityAssertions": ("1-1-0", "DataQualityAssertionsDatasetFacet"),
    "dataQualityMetrics": ("1-0-3", "DataQualityMetricsInputDatasetFacet"),
    "dataSource": ("1-0-1", "DatasourceDatasetFacet"),
    "datasetType": ("1-0-1", "DatasetTypeDatasetFacet"),
    "documentation_of_dataset": ("1-1-0", "DocumentationDatasetFacet"),
    "documentation_of_job": ("1-1-0", "DocumentationJobFacet"),
    "errorMessage": ("1-0-1", "ErrorMessageRunFacet"),
    "inputStatistics": ("1-0-0", "InputStatisticsInputDatasetFacet"),
    "jobType": ("2-0-4", "JobTypeJobFacet"),
    "nominalTime": ("1-0-1", "NominalTimeRunFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
    "ownership_of_dataset": ("1-0-1", "OwnershipDatasetFacet"),
    "ownership_of_job": ("1-0-1", "OwnershipJobFacet"),
    "parent": ("1-2-0", "ParentRunFacet"),
    "processing_engine": ("1-1-1", "ProcessingEngineRunFacet"),
    "schema": ("1-2-0", "SchemaDatasetFacet"),
    "sourceCodeLocation": ("1-1-0", "SourceCodeLocationJobFacet"),
    "sql": ("1-1-0", "SQLJobFacet"),
    "storage": ("1-0-1", "StorageDatasetFacet"),
    "subset_of_input": ("1-0-0", "InputSubsetInputDatasetFacet"),
    "subset_of_output": ("1-0-0", "OutputSubsetOutputDatasetFacet"),
    "symlinks": ("1-0-1", "SymlinksDatasetFacet"),
    "tags_of_dataset": ("1-0-0", "TagsDatasetFacet"),
    "tags_of_run": ("1-0-0", "TagsRunFacet"),
    "test": ("1-0-1", "TestRunFacet"),
    "version": ("1-0-1", "DatasetVersionDatasetFacet"),
}
_FILES = dict.fromkeys(("InputSubsetInputDatasetFacet", "OutputSubsetOutputDatasetFacet"), "BaseSubsetDatasetFacet")
_OWN = {
    "platform_deliveries": "DeliveriesRunFacet",
    "platform_maintenance": "MaintenanceRunFacet",
    "platform_progress": "ProgressRunFacet",
}


class Assertion(TypedDict, total=False):
    """The outcome of one check of a dataset."""

    assertion: str
    success: bool
    column: str
    severity: str
    name: str
    description: str


def facets(**found: Mapping[str, Any] | None) -> Facets:
    """Facets by their names in the specification; `_of_…` at the end of a name tells those apart that share one."""
    return {name.partition("_of_")[0]: facet(name, values) for name, values in found.items() if values is not None}


def facet(name: str, values: Mapping[str, Any]) -> Facet:
    if name in _OWN:
        schema = f"{OWN_FACETS}#/$defs/{_OWN[name]}"
    else:
        edition, title = _STANDARD[name]
        schema = f"{SPECIFICATION}/facets/{edition}/{_FILES.get(title, title)}.json#/$defs/{title}"
    given = {key: value for key, value in values.items() if value is not None}
    return {"_producer": PRODUCER, "_schemaURL": schema, **given}


def moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def nominal_time(days: Iterable[date | None]) -> dict[str, str] | None:
    """Of these business days, from the first's beginning to the last's end; None where there are no days."""
    known = sorted(day for day in days if day is not None)
    if not known:
        return None
    return {"nominalStartTime": _midnight(known[0]), "nominalEndTime": _midnight(known[-1] + timedelta(days=1))}


def _midnight(day: date) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(BUSINESS_TIME_ZONE)).isoformat()


def owners(names: Iterable[str | None]) -> dict[str, Any] | None:
    found = [{"name": f"team:{name}", "type": "MAINTAINER"} for name in names if name]
    return {"owners": found} if found else None


def error_message(message: str) -> dict[str, str]:
    return {"message": message, "programmingLanguage": "PYTHON"}
