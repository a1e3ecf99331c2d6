"""The folder of a package held against its manifest and its contracts, without loading it."""

from dataclasses import dataclass
from pathlib import Path

from vending_platform.catalog import Catalog, NameParts, Package, Undeclared
from vending_platform.errors import PlatformError
from vending_platform.ingestion.file_check import Checked, check_with
from vending_platform.ingestion.packages.gathering import PackageDelivery, sender_and_day
from vending_platform.ingestion.packages.judging import Loadable, judge
from vending_platform.ingestion.packages.manifest import Fault
from vending_platform.ingestion.reading import chunks_of, hash_of
from vending_platform.ledger import Delivered
from vending_platform.storage import LocalPlace


class NotAPackage(PlatformError):
    """A folder that no package's manifest can lie in."""


@dataclass(frozen=True)
class CheckedPackage:
    """What loading the package would come to. `faults` are why it would not be loaded; `files` by name."""

    title: str
    revision: int | None
    faults: tuple[Fault, ...]
    files: dict[str, Checked]

    @property
    def is_fine(self) -> bool:
        return not self.faults and all(checked.is_fine for checked in self.files.values())


def check_package(catalog: Catalog, folder: Path) -> CheckedPackage:
    """Check a folder as if it lay in the raw place, from some folder above it on."""
    root, package, parts = _identified(catalog, folder)
    one = PackageDelivery(package, *sender_and_day(parts))
    for file in LocalPlace(root).files(one.folder):
        found = catalog.identify(file.path)
        if file.path == one.manifest_path:
            one.manifest = file
        elif isinstance(found, Undeclared):
            one.others.append(file)
        else:
            one.files.append(Delivered(found[0], file, found[1]))
    content = (root / one.manifest_path).read_bytes() if one.manifest is not None else None
    judged = judge(one, content, None)
    files = {d.file.path.rpartition("/")[2]: check_with(d.source, d.parts, root / d.file.path) for d in one.files}
    faults = _faults(judged, root, files) if isinstance(judged, Loadable) else list(judged.faults)
    return CheckedPackage(str(one), judged.revision, tuple(faults), files)


def _faults(loadable: Loadable, root: Path, files: dict[str, Checked]) -> list[Fault]:
    """What only the contents show: sizes, hashes, rows, and files that would be refused."""
    faults = []
    for delivered, listed in loadable.files:
        path, checked = delivered.file.path, files[listed.name]
        size, sha256 = hash_of(chunks_of(root / path))
        rows = checked.accepted + checked.rejected
        if fault := loadable.fault_of(listed, path, size, sha256):
            faults.append(fault)
        elif checked.refused is not None:
            faults.append(Fault(listed.name, checked.refused))
        elif rows != listed.rows:
            faults.append(Fault(listed.name, f"it has {rows:,} rows, and the manifest lists {listed.rows:,}"))
    return faults


def _identified(catalog: Catalog, folder: Path) -> tuple[Path, Package, NameParts]:
    """The package whose folder it is: by its path from some folder on, as if that was the raw place."""
    parts = folder.absolute().parts
    for number in reversed(range(1, len(parts))):
        inside = "/".join(parts[number:])
        for package in catalog.packages:
            name = package.manifest.template.rpartition("/")[2]
            if (found := package.match(f"{inside}/{name}")) is not None:
                return Path(*parts[:number]), package, found
    known = ", ".join(package.manifest.template for package in catalog.packages) or "none is declared"
    raise NotAPackage(f"{folder} is not the folder of a package; manifests lie at: {known}")
