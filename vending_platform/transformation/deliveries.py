"""What became of the deliveries, as the ledger has it.

These are hundreds of thousands of files of a few thousand days, so the warehouse sums them up. Only the contents of the
masters are few enough to be asked for one by one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from vending_platform.catalog import Catalog, DeliveryMode
from vending_platform.masters import MasterVersion, read_versions
from vending_platform.transformation.row_days import LEDGER, DayOfRows, days_of_rows
from vending_platform.warehouse import Reader, literal, values_of

_CONTENT = "file_id || coalesce(contract_hash, '')"


@dataclass(frozen=True)
class FileGroup:
    """All files of one source and business day of which the same became."""

    source: str
    business_date: date | None
    state: str
    in_raw: bool
    count: int
    fingerprint: int
    """Which files these are, and under which contract each was read: a replay may give other rows of the same bytes. Of
    two sets that have no file in common, the sum is that of both."""


@dataclass(frozen=True)
class MasterContent:
    """A version of a master, and what says which rows it has: its bytes, and the contract that they were read under."""

    version: MasterVersion
    content: str


@dataclass(frozen=True)
class DeliveredFiles:
    files: tuple[FileGroup, ...] = ()
    masters: tuple[MasterContent, ...] = ()
    """In the order in which they count."""
    rows: tuple[DayOfRows, ...] = ()
    """Of the sources whose files say no day in their names, and whose rows do."""


def read_deliveries(reader: Reader, catalog: Catalog) -> DeliveredFiles:
    """In an order, so that the same deliveries are equal."""
    if not reader.has_table(LEDGER):
        return DeliveredFiles()
    summed_up = reader.query(
        "select source, business_date, state, in_raw, count(*) as n,"
        f" cast({reader.fingerprint(_CONTENT)} as varchar) as fingerprint"
        f" from {LEDGER} group by source, business_date, state, in_raw order by 1, 2, 3, 4"
    )
    columns = {name: values_of(summed_up[name]) for name in summed_up.column_names}
    columns["fingerprint"] = [int(text) for text in columns["fingerprint"]]
    return DeliveredFiles(
        files=tuple(map(FileGroup, *columns.values())),
        masters=tuple(_masters(reader, catalog)),
        rows=days_of_rows(reader, catalog),
    )


def _masters(reader: Reader, catalog: Catalog) -> Iterator[MasterContent]:
    snapshots = [source.name for source in catalog if source.files.delivery is DeliveryMode.SNAPSHOT]
    found = reader.query(
        f"select file_id, sha256, contract_hash from {LEDGER} where in_raw and source in ({_listed(snapshots)})"
    )
    contents = {row["file_id"]: f"{row['sha256']} {row['contract_hash']}" for row in found.to_pylist()}
    for version in read_versions(reader, snapshots):
        yield MasterContent(version, contents[version.file_id])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(literal, names)) or "null"
