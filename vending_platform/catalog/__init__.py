"""The contracts that the dbt project declares. `load_catalog` is the way in; a `Catalog` answers what a name means."""

from vending_platform.catalog.catalog import Catalog, Undeclared
from vending_platform.catalog.code import changed_parts
from vending_platform.catalog.column import Column
from vending_platform.catalog.contract import Source
from vending_platform.catalog.exports import (
    NOTHING_SAID,
    Audience,
    CsvEncoding,
    Export,
    ExportColumn,
    Format,
    Suppression,
    Unencodable,
)
from vending_platform.catalog.extract import EXPORTS_FOLDER, Extract, ExtractApi, ExtractItems, ExtractTable, SystemName
from vending_platform.catalog.extract.api import PLACEHOLDER, UNIX_TIME, ByCursor, ByLink, ByOffset, ByPage, has_time
from vending_platform.catalog.file_format import ContentFormat, DeliveryMode, Encoding, KnownFrom, Sender
from vending_platform.catalog.grain import Grain, last_day_of, period_of
from vending_platform.catalog.lake import LakeLayout, LakeNamespace, PartitionRule
from vending_platform.catalog.loading import ContractError, catalog_of, load_catalog
from vending_platform.catalog.manifest import ProjectError, project_files, project_hash, read_manifest
from vending_platform.catalog.models import Model
from vending_platform.catalog.names import NameParts
from vending_platform.catalog.package import Package
from vending_platform.catalog.provenance import Provenance
from vending_platform.catalog.reach import EVERYTHING, MONTH, SAME_DAY, Days, Reach, Way, months
from vending_platform.catalog.types import LogicalType, format_pattern, weekday_of

__all__ = [
    "EVERYTHING",
    "EXPORTS_FOLDER",
    "MONTH",
    "NOTHING_SAID",
    "PLACEHOLDER",
    "SAME_DAY",
    "UNIX_TIME",
    "Audience",
    "ByCursor",
    "ByLink",
    "ByOffset",
    "ByPage",
    "Catalog",
    "Column",
    "ContentFormat",
    "ContractError",
    "CsvEncoding",
    "Days",
    "DeliveryMode",
    "Encoding",
    "Export",
    "ExportColumn",
    "Extract",
    "ExtractApi",
    "ExtractItems",
    "ExtractTable",
    "Format",
    "Grain",
    "KnownFrom",
    "LakeLayout",
    "LakeNamespace",
    "LogicalType",
    "Model",
    "NameParts",
    "Package",
    "PartitionRule",
    "ProjectError",
    "Provenance",
    "Reach",
    "Sender",
    "Source",
    "Suppression",
    "SystemName",
    "Undeclared",
    "Unencodable",
    "Way",
    "catalog_of",
    "changed_parts",
    "format_pattern",
    "has_time",
    "last_day_of",
    "load_catalog",
    "months",
    "period_of",
    "project_files",
    "project_hash",
    "read_manifest",
    "weekday_of",
]
