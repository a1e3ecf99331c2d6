"""Delivered files become rows of `raw`, exactly once.

`ingest` loads what is new, `replay` reads again what could not be used before, `check` validates one file without
loading it, and `check_package` a folder. `status` lists what needs a person, `overview` what is there, `pending` and,
of a few files, `unseen` what is not loaded yet. `crash_points` has the order of a run.
"""

from vending_platform.ingestion.context import SILENT, IngestionContext, Summary, Watcher
from vending_platform.ingestion.crash_points import CrashPoint
from vending_platform.ingestion.discovery import discover
from vending_platform.ingestion.file_check import Checked, RowProblem, check
from vending_platform.ingestion.outcome import noted_days
from vending_platform.ingestion.overview import Overview, Pending, overview, pending, unseen
from vending_platform.ingestion.package_findings import PackageFinding, overdue, refused, titled
from vending_platform.ingestion.package_result import PackageResult
from vending_platform.ingestion.packages import CheckedPackage, check_package
from vending_platform.ingestion.planning import Selection
from vending_platform.ingestion.runs import EVERYTHING, ingest, replay
from vending_platform.ingestion.status import DeliveryStatus, as_json, status, status_of
from vending_platform.ledger import FileState, FileVersion

__all__ = [
    "EVERYTHING",
    "SILENT",
    "Checked",
    "CheckedPackage",
    "CrashPoint",
    "DeliveryStatus",
    "FileState",
    "FileVersion",
    "IngestionContext",
    "Overview",
    "PackageFinding",
    "PackageResult",
    "Pending",
    "RowProblem",
    "Selection",
    "Summary",
    "Watcher",
    "as_json",
    "check",
    "check_package",
    "discover",
    "ingest",
    "noted_days",
    "overdue",
    "overview",
    "pending",
    "refused",
    "replay",
    "status",
    "status_of",
    "titled",
    "unseen",
]
