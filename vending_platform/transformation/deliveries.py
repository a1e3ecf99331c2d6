"""What became of the deliveries, as the ledger has it: summed up by day; of the masters, each version."""

from collections.abc import Iterator
from dataclasses import dataclass

from vending_platform.catalog import Catalog, DeliveryMode
from vending_platform.ledger import (
    DayOfRows,
    FileGroup,
    MasterVersion,
    contents_in_raw,
    days_of_rows,
    group_files,
    has_files,
    read_versions,
)
from vending_platform.warehouse import Reader


@dataclass(frozen=True)
class MasterContent:
    """A version of a master, and what decides its rows: its bytes, and the contract that they were read under."""

    version: MasterVersion
    content: str


@dataclass(frozen=True)
class DeliveredFiles:
    files: tuple[FileGroup, ...] = ()
    masters: tuple[MasterContent, ...] = ()
    """In the order in which they count."""
    rows: tuple[DayOfRows, ...] = ()
    """Of the sources whose files have no day in their names, but in their rows."""


def read_deliveries(reader: Reader, catalog: Catalog) -> DeliveredFiles:
    """In an order, so that the same deliveries are equal."""
    if not has_files(reader):
        return DeliveredFiles()
    return DeliveredFiles(
        files=group_files(reader), masters=tuple(_masters(reader, catalog)), rows=days_of_rows(reader, catalog)
    )


def _masters(reader: Reader, catalog: Catalog) -> Iterator[MasterContent]:
    snapshots = [source.name for source in catalog if source.files.delivery is DeliveryMode.SNAPSHOT]
    contents = contents_in_raw(reader, snapshots)
    for version in read_versions(reader, snapshots):
        yield MasterContent(version, contents[version.file_id])
