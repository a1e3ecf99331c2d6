"""Delivered files become rows of `raw`, exactly once.

`ingest` loads what is new, `replay` reads again what could not be used before, `check` looks at one file without
loading it. `status` tells what needs a person, `overview` what is there, `pending` and, of a few files, `unseen` what
is not yet. The order of a run is in `steps`.
"""

from vending_platform.ingestion.checking import Checked, Finding, check
from vending_platform.ingestion.context import SILENT, Rooms, Summary, Watcher
from vending_platform.ingestion.discovery import discover
from vending_platform.ingestion.ledger import FileVersion, State
from vending_platform.ingestion.outcome import noted_days
from vending_platform.ingestion.overview import Held, Overview, Pending, overview, pending, unseen
from vending_platform.ingestion.planning import Selection
from vending_platform.ingestion.runs import EVERYTHING, ingest, replay
from vending_platform.ingestion.status import Status, as_json, last_changes, status, status_of
from vending_platform.ingestion.steps import Step

__all__ = [
    "EVERYTHING",
    "SILENT",
    "Checked",
    "FileVersion",
    "Finding",
    "Held",
    "Overview",
    "Pending",
    "Rooms",
    "Selection",
    "State",
    "Status",
    "Step",
    "Summary",
    "Watcher",
    "as_json",
    "check",
    "discover",
    "ingest",
    "last_changes",
    "noted_days",
    "overview",
    "pending",
    "replay",
    "status",
    "status_of",
    "unseen",
]
