"""Which files there are, and under which contract each of them falls."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from vending_platform.catalog import EXPORTS_FOLDER, Catalog, NameParts, Package, Undeclared
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


@dataclass(frozen=True, slots=True)
class DeliveredManifest:
    """The list of a package's files."""

    package: Package
    file: StoredFile
    parts: NameParts


@dataclass(frozen=True)
class Discovery:
    delivered: tuple[Delivered, ...]
    undeclared: tuple[UndeclaredFile, ...]
    manifests: tuple[DeliveredManifest, ...] = ()

    @property
    def paths(self) -> frozenset[str]:
        """Of all that was listed."""
        return frozenset(
            [
                *(delivered.file.path for delivered in self.delivered),
                *(undeclared.file.path for undeclared in self.undeclared),
                *(manifest.file.path for manifest in self.manifests),
            ]
        )


def discover(catalog: Catalog, files: Iterable[StoredFile], now: datetime) -> Discovery:
    delivered, undeclared, manifests = [], [], []
    identify = catalog.identify
    tomorrow = now.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date() + timedelta(days=1)
    for file in files:
        path = printable = file.path
        if path.startswith(f"{EXPORTS_FOLDER}/"):
            continue  # an extraction makes deliveries of them
        if not path.isascii():
            printable = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if not printable.isprintable():
            printable = harmless(printable)
        found = identify(path)
        if isinstance(found, Undeclared) and catalog.packages:
            try:
                of_package = catalog.package_of_manifest(path)
            except ValueError as error:
                found, of_package = Undeclared(str(error)), None
            if of_package is not None:
                manifests.append(DeliveredManifest(of_package[0], file, of_package[1]))
                continue
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
    return Discovery(tuple(delivered), tuple(undeclared), tuple(manifests))
