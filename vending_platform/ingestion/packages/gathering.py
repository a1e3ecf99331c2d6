"""What lies in the raw place of each package: its manifest, its files, and what else is in its folder. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from vending_platform.catalog import Catalog, NameParts, Package
from vending_platform.ingestion.discovery import Discovery
from vending_platform.ledger import Delivered, Facts, PackageKey, facts_of
from vending_platform.storage import Place, StoredFile


@dataclass
class PackageDelivery:
    """What has arrived of one package so far."""

    package: Package
    sender: str
    day: date
    manifest: StoredFile | None = None
    files: list[Delivered] = field(default_factory=list)
    others: list[StoredFile] = field(default_factory=list)
    """Files in its folder that no contract takes."""

    @property
    def key(self) -> PackageKey:
        return self.package.name, self.sender, self.day

    @property
    def parts(self) -> NameParts:
        return NameParts(self.sender, self.day)

    @property
    def manifest_path(self) -> str:
        return self.package.path_of_manifest(self.sender, self.day)

    @property
    def folder(self) -> str:
        return self.package.folder_of(self.sender, self.day)

    @property
    def facts(self) -> Facts:
        manifest = [self.manifest] if self.manifest is not None else []
        return facts_of([*manifest, *(delivered.file for delivered in self.files), *self.others])

    def __str__(self) -> str:
        return f"{self.package.name} of {self.package.sender_name} {self.sender} for {self.period}"

    @property
    def period(self) -> str:
        return self.package.grain.written(self.day)


def gather(catalog: Catalog, discovery: Discovery) -> dict[PackageKey, PackageDelivery]:
    """Every package of which anything is there."""
    by_source = {source.name: package for package in catalog.packages for source in package.sources.values()}
    found: dict[PackageKey, PackageDelivery] = {}

    def of(package: Package, parts: NameParts) -> PackageDelivery:
        delivery = PackageDelivery(package, *sender_and_day(parts))
        return found.setdefault(delivery.key, delivery)

    for manifest in discovery.manifests:
        of(manifest.package, manifest.parts).manifest = manifest.file
    for delivered in discovery.delivered:
        if (package := by_source.get(delivered.source.name)) is not None:
            of(package, delivered.parts).files.append(delivered)
    folders = {delivery.folder: delivery for delivery in found.values()}
    for undeclared in discovery.undeclared:
        if (delivery := folders.get(undeclared.file.path.rpartition("/")[0])) is not None:
            delivery.others.append(undeclared.file)
    return found


def sender_and_day(parts: NameParts) -> tuple[str, date]:
    assert parts.sender is not None  # a package's paths have both
    assert parts.business_date is not None
    return parts.sender, parts.business_date


def with_whole_packages(catalog: Catalog, raw: Place, paths: Iterable[str]) -> list[StoredFile]:
    """These files, and of each package that one of them belongs to all others: it can only be judged as a whole."""
    paths = sorted(paths)
    named = list(raw.named(paths))
    folders = set()
    for path in paths:
        found = catalog.identify_package(path)
        if found is not None:
            package, parts = found
            folders.add(package.folder_of(*sender_and_day(parts)))
    listed = {file.path: file for folder in sorted(folders) for file in raw.files(folder)}
    return [*(file for file in named if file.path not in listed), *listed.values()]
