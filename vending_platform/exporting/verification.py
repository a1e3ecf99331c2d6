"""Verification: whether the files of an export still are as they were written.

By default it goes by size and time: no file is younger than the manifest, which is written after them. One that is, as
after copying, is read and hashed. Who wants to know for sure has all of them read and hashed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from vending_platform.catalog import Catalog, Format
from vending_platform.exporting.manifest import Part, manifest_path, read_manifest
from vending_platform.storage import Place, StoredFile

GONE, CHANGED = "it is gone", "it does not hold what was written"


@dataclass(frozen=True)
class Listing:
    """The files of one export as its place lists them."""

    place: Place
    files: Mapping[str, StoredFile]
    written_at: datetime | None
    """When the manifest was."""

    def is_younger(self, path: str) -> bool:
        """Whether it was written after the manifest, which was written last."""
        file = self.files.get(path)
        return file is not None and self.written_at is not None and file.modified_at > self.written_at


@dataclass(frozen=True)
class Damage:
    """A file that belongs to an export and is not as it was written."""

    export: str
    path: str
    reason: str
    only_by_hash: bool = False
    """Whether its size and time are as they were, so that no run notices it."""


@dataclass(frozen=True)
class VerifiedExport:
    """The files of one export that are visible now, and those of them that are not as they were written."""

    export: str
    parts: list[Part]
    damaged: list[Damage]


def verified(catalog: Catalog, processed: Place, *, hashing: bool = False) -> Iterator[VerifiedExport]:
    """Every export that is visible, verified by size and time; with `hashing` by content."""
    for export in catalog.exports:
        if (manifest := read_manifest(processed, export.name)) is not None:
            listing = listing_of(processed, export.name)
            is_table = manifest.format == Format.ICEBERG
            found = (
                damages_of(listing, export.name, part, hashing=hashing, is_table=is_table) for part in manifest.parts
            )
            yield VerifiedExport(export.name, [] if is_table else manifest.parts, list(chain.from_iterable(found)))


def listing_of(place: Place, export: str) -> Listing:
    files = {file.path: file for file in place.files(export)}
    manifest = files.get(manifest_path(export))
    return Listing(place, files, manifest.modified_at if manifest is not None else None)


def damages_of(
    listing: Listing, export: str, part: Part, *, hashing: bool = False, is_table: bool = False
) -> Iterator[Damage]:
    """Those of one part: its own file, unless it is one of a table, and the one beside that names its deliveries."""
    beside = part.raw_files
    own = () if is_table else ((part.path, part.bytes, part.sha256),)
    for path, size, sha256 in (*own, (beside.path, None, beside.sha256)):
        if (file := listing.files.get(path)) is None:
            yield Damage(export, path, GONE)
        elif size is not None and file.size != size:
            yield Damage(export, path, f"{CHANGED}: it has {file.size:,} bytes, and had {size:,}")
        elif (hashing or listing.is_younger(path)) and _sha256(listing.place, path) != sha256:
            yield Damage(export, path, CHANGED, only_by_hash=not listing.is_younger(path))


def _sha256(place: Place, path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        for chunk in place.read_path(path):
            digest.update(chunk)
    except (KeyError, PermissionError):
        return None
    return digest.hexdigest()
