"""Every place where the export of a table can be interrupted before any of its sources is delivered, in their order."""

from collections.abc import Callable
from enum import StrEnum


class ExportPoint(StrEnum):
    PLANNED = "planned"
    """It is noted which export DynamoDB will be asked for."""
    REQUESTED = "requested"
    """DynamoDB makes the export."""
    NUMBERED = "numbered"
    """It is noted which one it is."""
    VERIFIED = "verified"
    """It is on this computer, whole and as its manifests describe it."""


OnExportPoint = Callable[[ExportPoint], None]
