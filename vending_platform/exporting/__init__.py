"""Marts become files or tables of the lake: written aside, verified, then made visible in one step, with a manifest.

`export_all` brings the files up to date with the marts; `current_parts` lists what is visible now, `verified` also what
of that is not as it was written. `write_table` writes a table that no exposure declares.
"""

from vending_platform.exporting.dashboard import PAGE_MANIFEST, PageFile, PageManifest, PageTable, read_page_manifest
from vending_platform.exporting.findings import ExportFindings, WrittenFile, noted_exports
from vending_platform.exporting.manifest import Manifest, Part, RawFiles, manifest_path, read_manifest
from vending_platform.exporting.publishing import current_parts, export_all
from vending_platform.exporting.single_tables import write_table
from vending_platform.exporting.tables import table_of
from vending_platform.exporting.todo import Exported
from vending_platform.exporting.verification import Damage, VerifiedExport, verified
from vending_platform.exporting.writing import ExportError

__all__ = [
    "PAGE_MANIFEST",
    "Damage",
    "ExportError",
    "ExportFindings",
    "Exported",
    "Manifest",
    "PageFile",
    "PageManifest",
    "PageTable",
    "Part",
    "RawFiles",
    "VerifiedExport",
    "WrittenFile",
    "current_parts",
    "export_all",
    "manifest_path",
    "noted_exports",
    "read_manifest",
    "read_page_manifest",
    "table_of",
    "verified",
    "write_table",
]
