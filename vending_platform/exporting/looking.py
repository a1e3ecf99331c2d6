"""Whether the files of an export still are as they were written.

A look goes by size and time: no file is younger than the manifest, which is written after them. One that is, as after
copying, is read and hashed. Who wants to know for sure has all of them read and hashed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from vending_platform.exporting.manifest import Part, manifest_path
from vending_platform.storage import Place, StoredFile

GONE, OTHERWISE = "it is gone", "it does not hold what was written"


@dataclass(frozen=True)
class Look:
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


def looked_at(place: Place, export: str) -> Look:
    files = {file.path: file for file in place.files(export)}
    manifest = files.get(manifest_path(export))
    return Look(place, files, manifest.modified_at if manifest is not None else None)


def damages_of(look: Look, export: str, part: Part, *, hashing: bool = False) -> Iterator[Damage]:
    """Those of one part: its own file, and the one beside that names its deliveries."""
    beside = part.raw_files
    for path, size, sha256 in ((part.path, part.bytes, part.sha256), (beside.path, None, beside.sha256)):
        if (file := look.files.get(path)) is None:
            yield Damage(export, path, GONE)
        elif size is not None and file.size != size:
            yield Damage(export, path, f"{OTHERWISE}: it has {file.size:,} bytes, and had {size:,}")
        elif (hashing or look.is_younger(path)) and _sha256(look.place, path) != sha256:
            yield Damage(export, path, OTHERWISE)


def _sha256(place: Place, path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        for chunk in place.read_path(path):
            digest.update(chunk)
    except (KeyError, PermissionError):
        return None
    return digest.hexdigest()
