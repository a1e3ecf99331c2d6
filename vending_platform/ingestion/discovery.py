"""Which files there are, and under which contract each of them falls."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from vending_platform.catalog import Catalog, Undeclared
from vending_platform.console import harmless
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.ledger import Delivered
from vending_platform.storage import StoredFile


@dataclass(frozen=True, slots=True)
class UndeclaredFile:
    """A file that no contract takes, and why."""

    path: str
    file: StoredFile
    reason: str


@dataclass(frozen=True)
class Discovery:
    delivered: tuple[Delivered, ...]
    undeclared: tuple[UndeclaredFile, ...]


def discover(catalog: Catalog, files: Iterable[StoredFile], now: datetime) -> Discovery:
    delivered, undeclared = [], []
    identify = catalog.identify
    tomorrow = now.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date() + timedelta(days=1)
    for file in files:
        path = printable = file.path
        if not path.isascii():
            printable = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if not printable.isprintable():
            printable = harmless(printable)
        found = identify(path)
        if isinstance(found, Undeclared):
            undeclared.append(UndeclaredFile(printable, file, found.reason))
            continue
        source, parts = found
        day = parts.business_date
        if printable != path:
            undeclared.append(UndeclaredFile(printable, file, "its path is not UTF-8, or has control characters"))
        elif day is not None and day > tomorrow:
            undeclared.append(UndeclaredFile(printable, file, f"its day {day} is in the future"))
        else:
            delivered.append(Delivered(source, file, parts))
    return Discovery(tuple(delivered), tuple(undeclared))
