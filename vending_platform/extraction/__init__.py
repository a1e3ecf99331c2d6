"""What a system holds becomes deliveries: files under the names of contracts in the raw place.

`extract` does one extraction; a kind of system implements `interface.System`, as `mysql` does. Ingestion does the rest,
as for every other delivery.
"""

from vending_platform.extraction.crash_points import ExtractionPoint
from vending_platform.extraction.deliveries import business_day
from vending_platform.extraction.interface import ExtractionError, System, SystemSnapshot, SystemUnavailable
from vending_platform.extraction.opening import by_database, proposed, system_of
from vending_platform.extraction.running import ChosenDays, Extracted, ExtractionSummary, Workplace, extract

__all__ = [
    "ChosenDays",
    "Extracted",
    "ExtractionError",
    "ExtractionPoint",
    "ExtractionSummary",
    "System",
    "SystemSnapshot",
    "SystemUnavailable",
    "Workplace",
    "business_day",
    "by_database",
    "extract",
    "proposed",
    "system_of",
]
