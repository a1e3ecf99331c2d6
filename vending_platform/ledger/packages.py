"""`raw._packages`: of each package the revision that is in `raw`, and what was found in its folder last.

The two differ where something is wrong: a revision that is refused, or that is not complete yet, leaves the one before
it where it is.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

import pyarrow as pa

from vending_platform.storage import StoredFile
from vending_platform.warehouse import Change, Reader, TableName, values_of

PACKAGES = TableName("raw", "_packages")
_MOMENT = pa.timestamp("us", "UTC")

PackageKey: TypeAlias = tuple[str, str, date]
"""A package's name, its sender, and its day, or the first of its month."""
Facts: TypeAlias = Mapping[str, tuple[int, str, str]]
"""Of each path the size, etag and time, as the store shows them."""


class PackageState(StrEnum):
    LOADED = "loaded"
    """What is in its folder is in `raw`."""
    WAITING = "waiting"
    """Its manifest has not come yet, or files that its manifest lists."""
    REFUSED = "refused"
    """Its manifest, or what it lists, is wrong. Its bytes are kept."""
    OUTDATED = "outdated"
    """A later revision is in `raw` already."""


@dataclass(frozen=True, slots=True)
class PackageRecord:
    """What is known of one package. `state`, `reason`, `found_revision` and `since` are about what lies in its folder;
    `revision` and what follows it about what is in `raw`."""

    package: str
    sender: str
    business_date: date
    manifest_path: str
    state: PackageState
    reason: str | None
    found_revision: int | None
    since: datetime
    seen: str
    """Facts about the files as they were judged, as JSON."""
    kept: str
    """Of each path of what is refused the hash under which its bytes are kept, as JSON."""
    revision: int | None
    listed: str
    """Of each file of the revision in `raw` its path and hash, as JSON."""
    rows: int
    loaded_at: datetime | None
    run_id: str

    @property
    def key(self) -> PackageKey:
        return self.package, self.sender, self.business_date

    @property
    def facts(self) -> Facts:
        return {path: (int(size), str(etag), str(at)) for path, (size, etag, at) in json.loads(self.seen).items()}

    @property
    def contents(self) -> dict[str, str]:
        """Of each path of the revision in `raw` the hash of its file."""
        return dict(json.loads(self.listed))

    @property
    def kept_contents(self) -> dict[str, str]:
        return dict(json.loads(self.kept))


PACKAGES_SCHEMA = pa.schema(
    [
        ("package", pa.string()),
        ("sender", pa.string()),
        ("business_date", pa.date32()),
        ("manifest_path", pa.string()),
        ("state", pa.string()),
        ("reason", pa.string()),
        ("found_revision", pa.int64()),
        ("since", _MOMENT),
        ("seen", pa.string()),
        ("kept", pa.string()),
        ("revision", pa.int64()),
        ("listed", pa.string()),
        ("rows", pa.int64()),
        ("loaded_at", _MOMENT),
        ("run_id", pa.string()),
    ]
)
_KEY = ["package", "sender", "business_date"]


def facts_of(files: Iterable[StoredFile]) -> Facts:
    return {file.path: (file.size, file.etag, file.modified_at.isoformat()) for file in files}


def as_text(values: Mapping[str, object]) -> str:
    """The same text for the same facts or hashes."""
    return json.dumps(dict(sorted(values.items())), ensure_ascii=False)


def read_packages(reader: Reader, *, with_problems: bool = False) -> dict[PackageKey, PackageRecord]:
    """All of them, or those of which something is wrong."""
    if not reader.has_table(PACKAGES):
        return {}
    columns = ", ".join(f'"{name.upper()}"' for name in PACKAGES_SCHEMA.names)
    where = f" where state <> '{PackageState.LOADED}'" if with_problems else ""
    found = reader.query(f"select {columns} from {PACKAGES}{where} order by package, business_date, sender")
    values = {name: values_of(found.cast(PACKAGES_SCHEMA)[name]) for name in PACKAGES_SCHEMA.names}
    values["state"] = [PackageState(state) for state in values["state"]]
    return {record.key: record for record in map(PackageRecord, *values.values())}


def note_packages(records: Iterable[PackageRecord]) -> Change:
    """What is known of these packages now."""
    records = list(records)
    rows = pa.table(
        [pa.array([getattr(record, field.name) for record in records], field.type) for field in PACKAGES_SCHEMA],
        schema=PACKAGES_SCHEMA,
    )
    return Change(PACKAGES, delete=rows.select(_KEY), insert=rows)


def forget_packages(keys: Iterable[PackageKey]) -> Change:
    columns = list(zip(*keys, strict=True)) or [(), (), ()]
    kinds = [PACKAGES_SCHEMA.field(name).type for name in _KEY]
    gone = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return Change(PACKAGES, delete=pa.table(gone, names=_KEY))


assert [field.name for field in fields(PackageRecord)] == PACKAGES_SCHEMA.names
