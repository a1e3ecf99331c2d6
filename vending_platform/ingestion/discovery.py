"""Which files there are, and under which contract each of them falls."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from vending_platform.catalog import Catalog, NameParts, Source, Undeclared
from vending_platform.environment import BUSINESS_TIME_ZONE
from vending_platform.storage import StoredFile


@dataclass(frozen=True, slots=True)
class Delivered:
    """A file that a contract takes. What is no longer `is_there` can only be read again from its kept bytes."""

    source: Source
    file: StoredFile
    parts: NameParts
    is_there: bool = True


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
    tomorrow = now.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date() + timedelta(days=1)
    for file in files:
        found, printable = catalog.identify(file.path), file.path
        if not printable.isascii():
            printable = printable.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if isinstance(found, Undeclared):
            undeclared.append(UndeclaredFile(printable, file, found.reason))
        elif printable != file.path:
            undeclared.append(UndeclaredFile(printable, file, "its path is no UTF-8"))
        elif found[1].business_date is not None and found[1].business_date > tomorrow:
            undeclared.append(UndeclaredFile(printable, file, f"its day {found[1].business_date} is in the future"))
        else:
            delivered.append(Delivered(found[0], file, found[1]))
    return Discovery(tuple(delivered), tuple(undeclared))
