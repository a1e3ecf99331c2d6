"""What a system holds becomes deliveries: files under the names of contracts in the raw place.

Every kind of system is an `Extractor` (`opening.extractor_of` finds the one of a source). `extract` is the one of
databases, of which a kind implements `interface.System`, as `mysql` does. Ingestion does the rest, as for every other
delivery.
"""

from vending_platform.extraction.crash_points import ExtractionPoint
from vending_platform.extraction.deliveries import business_day
from vending_platform.extraction.interface import (
    ChosenDays,
    Extracted,
    ExtractionError,
    ExtractionSummary,
    Extractor,
    System,
    SystemFailure,
    SystemSnapshot,
    SystemUnavailable,
    UndeclaredItems,
    Workplace,
    summed,
)
from vending_platform.extraction.opening import by_system, extractor_of, proposed
from vending_platform.extraction.running import extract

__all__ = [
    "ChosenDays",
    "Extracted",
    "ExtractionError",
    "ExtractionPoint",
    "ExtractionSummary",
    "Extractor",
    "System",
    "SystemFailure",
    "SystemSnapshot",
    "SystemUnavailable",
    "UndeclaredItems",
    "Workplace",
    "business_day",
    "by_system",
    "extract",
    "extractor_of",
    "proposed",
    "summed",
]
