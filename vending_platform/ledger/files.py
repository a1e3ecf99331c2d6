"""`raw._files`: one row per version of every file that was ever read, and what became of it.

Of the versions of one path exactly one is current: the only one that is not superseded.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from vending_platform.catalog import NameParts
from vending_platform.warehouse import Change, TableName

FILES = TableName("raw", "_files")
_MOMENT = pa.timestamp("us", "UTC")


class FileState(StrEnum):
    LOADED = "loaded"
    SUPERSEDED = "superseded"
    """Another version of the same path has taken its place."""
    QUARANTINED = "quarantined"
    """It can't be used as a whole; its bytes are kept."""
    WITHDRAWN = "withdrawn"
    """The file is gone although it is too young to be archived. Its rows stay until a person withdraws them."""
    ARCHIVED = "archived"
    """The file is gone, and was old enough for that."""


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One content that was found under one path. Moments are instants; `business_date` is a day in Japan."""

    file_id: str
    source: str
    path: str
    sender: str | None
    business_date: date | None
    size: int
    etag: str
    modified_at: datetime
    sha256: str
    contract_hash: str
    encoding: str | None
    state: FileState
    in_raw: bool
    """Whether its rows are in the source's table."""
    dismissed: bool
    """Whether a person confirmed that it is meant to be gone."""
    rows_accepted: int
    rows_rejected: int
    reason: str | None
    """Why it is in quarantine."""
    drift: str | None
    """How it differs from its contract although it was loaded."""
    first_seen_at: datetime
    loaded_at: datetime
    ended_at: datetime | None
    """Since when another version has its place, or a person dismissed it."""
    run_id: str

    @property
    def is_wholly_accepted(self) -> bool:
        return self.reason is None and self.rows_rejected == 0

    def is_result_of(self, identity: str, parts: NameParts) -> bool:
        """Whether loading that content, under a name with these `parts`, would only give what is there already."""
        same = (self.file_id, self.sender, self.business_date) == (identity, parts.sender, parts.business_date)
        return same and not self.dismissed and (self.in_raw or self.reason is not None)


FILES_SCHEMA = pa.schema(
    [
        ("file_id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("sender", pa.string()),
        ("business_date", pa.date32()),
        ("size", pa.int64()),
        ("etag", pa.string()),
        ("modified_at", _MOMENT),
        ("sha256", pa.string()),
        ("contract_hash", pa.string()),
        ("encoding", pa.string()),
        ("state", pa.string()),
        ("in_raw", pa.bool_()),
        ("dismissed", pa.bool_()),
        ("rows_accepted", pa.int64()),
        ("rows_rejected", pa.int64()),
        ("reason", pa.string()),
        ("drift", pa.string()),
        ("first_seen_at", _MOMENT),
        ("loaded_at", _MOMENT),
        ("ended_at", _MOMENT),
        ("run_id", pa.string()),
    ]
)


def file_id(source: str, path: str, sha256: str) -> str:
    """The identity of a version: the same content under the same path is the same version, whenever it comes."""
    return hashlib.sha256(f"{source}\0{path}\0{sha256}".encode()).hexdigest()[:32]


def file_rows(versions: Iterable[FileVersion]) -> pa.Table:
    versions = list(versions)
    return pa.table(
        [pa.array([getattr(v, field.name) for v in versions], field.type) for field in FILES_SCHEMA],
        schema=FILES_SCHEMA,
    )


def note_files(versions: Iterable[FileVersion]) -> Change:
    """The ledger has these versions as they are now."""
    rows = file_rows(versions)
    return Change(FILES, delete=rows.select(["file_id"]), insert=rows)


def noted_files(changes: Iterable[Change]) -> list[pa.Table]:
    """The versions that these changes note, as rows of the ledger."""
    return [change.insert for change in changes if change.table == FILES and isinstance(change.insert, pa.Table)]


def without_files(changes: Iterable[Change], others: Iterable[pa.Table]) -> list[Change]:
    """These changes, but for the versions that `others` note too."""
    file_ids = pa.chunked_array([chunk for rows in others for chunk in rows["file_id"].chunks], pa.string())
    return [
        replace(change, insert=change.insert.filter(pc.invert(pc.is_in(change.insert["file_id"], file_ids))))
        if change.table == FILES and isinstance(change.insert, pa.Table)
        else change
        for change in changes
    ]


assert [field.name for field in fields(FileVersion)] == FILES_SCHEMA.names
