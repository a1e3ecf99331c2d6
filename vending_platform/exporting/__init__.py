"""Marts become files: written aside, verified, then made visible in one step, with a manifest.

`export_all` brings the files up to date with the marts; `current_parts` lists what is visible now, `damages` what of
that is not as it was written.
"""

from vending_platform.exporting.findings import ExportFindings, WrittenFile, noted_exports
from vending_platform.exporting.looking import Damage
from vending_platform.exporting.manifest import Manifest, Part, RawFiles
from vending_platform.exporting.publishing import (
    Exported,
    ExportError,
    current_parts,
    damages,
    export_all,
)

__all__ = [
    "Damage",
    "ExportError",
    "ExportFindings",
    "Exported",
    "Manifest",
    "Part",
    "RawFiles",
    "WrittenFile",
    "current_parts",
    "damages",
    "export_all",
    "noted_exports",
]
