"""Marts become files: written aside, verified, then made visible in one step, with a manifest.

`export_all` brings the files up to date with the marts; `current_parts` lists what is visible now.
"""

from vending_platform.exporting.findings import ExportFindings, WrittenFile, noted_exports
from vending_platform.exporting.publishing import (
    Exported,
    ExportError,
    Manifest,
    Part,
    RawFiles,
    current_parts,
    export_all,
)

__all__ = [
    "ExportError",
    "ExportFindings",
    "Exported",
    "Manifest",
    "Part",
    "RawFiles",
    "WrittenFile",
    "current_parts",
    "export_all",
    "noted_exports",
]
