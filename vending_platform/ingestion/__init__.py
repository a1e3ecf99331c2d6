"""Delivered files become rows of `raw`, exactly once.

`ingest` loads what is new, `replay` reads again what could not be used before, `check` looks at one file without
loading it, `status` tells what there is. The order of a run is in `steps`.
"""

from vending_platform.ingestion.checking import Checked, Finding, check
from vending_platform.ingestion.context import Rooms, Summary, Watcher
from vending_platform.ingestion.ledger import FileVersion, State
from vending_platform.ingestion.planning import Selection
from vending_platform.ingestion.runs import ingest, replay
from vending_platform.ingestion.status import Status, as_json, status
from vending_platform.ingestion.steps import Step

__all__ = [
    "Checked",
    "FileVersion",
    "Finding",
    "Rooms",
    "Selection",
    "State",
    "Status",
    "Step",
    "Summary",
    "Watcher",
    "as_json",
    "check",
    "ingest",
    "replay",
    "status",
]
