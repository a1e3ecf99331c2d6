"""Packages about which a run would find something new: for what only asks whether there is something to do."""

from collections.abc import Iterator

from vending_platform.catalog import Catalog
from vending_platform.ingestion.discovery import Discovery
from vending_platform.ingestion.packages.gathering import PackageDelivery, gather
from vending_platform.ledger import FileVersions, PackageRecord, PackageState, facts_of, read_packages
from vending_platform.storage import StoredFile
from vending_platform.warehouse import Reader


def is_as_judged(one: PackageDelivery, record: PackageRecord | None, ledger: FileVersions) -> bool:
    """Whether a run would find what was found before."""
    if record is None or record.facts != one.facts:
        return False
    # Files that were gone for a while are on record as withdrawn.
    return record.state is not PackageState.LOADED or not ledger.changed(one.files)


def pending_packages(
    reader: Reader, catalog: Catalog, discovery: Discovery, ledger: FileVersions
) -> Iterator[PackageDelivery]:
    """Every package that is not as it was judged last."""
    known = read_packages(reader) if catalog.packages else {}
    for key, one in gather(catalog, discovery).items():
        record = known.get(key)
        if not is_as_judged(one, record, ledger):
            yield one


def unseen_in_packages(reader: Reader, catalog: Catalog, discovery: Discovery) -> Iterator[StoredFile]:
    """Those of the listed files of packages that were not judged as they are. What a listing does not show of their
    folders is left aside: it may be a part of one."""
    if not catalog.packages:
        return
    seen = {path: fact for record in read_packages(reader).values() for path, fact in record.facts.items()}
    for one in gather(catalog, discovery).values():
        manifest = [one.manifest] if one.manifest is not None else []
        for file in [*manifest, *(delivered.file for delivered in one.files)]:
            if seen.get(file.path) != facts_of([file])[file.path]:
                yield file
